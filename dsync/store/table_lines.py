"""What each migration makes, as lines of text: read by the migration, and by `layout.py`.

`migrations/tables` has a file a revision: new tables with their columns (`*`: of the primary key;
`?`: can be null), columns that a table gets or loses, tables that are dropped, and indexes, in the
order in which they are made.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import sqlalchemy as sa

from dsync.store import columns

_TYPES = {
    "bigint": sa.BigInteger,
    "boolean": sa.Boolean,
    "date": sa.Date,
    "datetime": columns.Instant,
    "float": sa.Float,
    "integer": sa.Integer,
    "jsonb": columns.RawJson,
    "key": columns.BigKey,
    "serial": columns.BigKey,
    "text": sa.Text,
    "varchar": sa.String,
}
"""`key`: a number that is given; `serial`: one that the database gives."""
_LINE = re.compile(r"(\w+) (\w+)\.?(\w*): (.*?)(?: where (.*))?\n")
_COLUMN = re.compile(r"(\*?)(\w+) ?(\w*)(\??)")


class NewColumn(NamedTuple):
    """A column; of an index, its name alone."""

    is_key: str
    name: str
    type: str
    is_nullable: str

    @property
    def made(self) -> sa.Column[Any]:
        """The column for Alembic."""
        how: Any = {"autoincrement": False} if self.type == "key" else {}
        return sa.Column(self.name, _TYPES[self.type](), nullable=bool(self.is_nullable), **how)


class LayoutLine(NamedTuple):
    """A table, columns that it gets, or an index of it."""

    kind: str
    """table, drop, add, lose, index or unique."""
    table: str
    name: str
    """Of the index."""
    columns: list[NewColumn]
    where: str | None


@cache
def lines(package: str, revision: str) -> list[LayoutLine]:
    """Return what a revision makes of the tables of a package."""
    file = resources.files(package) / "migrations" / "tables" / f"{revision}.txt"
    text = file.read_text(encoding="utf-8").replace("\n    ", " ")
    return [
        LayoutLine(kind, table, name, [*map(NewColumn._make, _COLUMN.findall(body))], where or None)
        for kind, table, name, body, where in _LINE.findall(text)
    ]


def make(package: str, revision: str) -> None:
    """Make what a revision adds to the tables of a package; in its migration's `upgrade`."""
    from alembic import op  # Takes long to import, and `layout.py` does without it.

    for line in lines(package, revision):
        if line.kind == "table":
            keys = (one.name for one in line.columns if one.is_key)
            key = sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{line.table}"))
            op.create_table(line.table, *(one.made for one in line.columns), key)
        elif line.kind == "drop":
            op.drop_table(line.table)
        elif line.kind == "add":
            for one in line.columns:
                op.add_column(line.table, one.made)
        elif line.kind == "lose":
            for one in line.columns:
                op.drop_column(line.table, one.name)
        else:
            where = None if line.where is None else sa.text(line.where)
            op.create_index(
                op.f(line.name),
                line.table,
                [one.name for one in line.columns],
                unique=line.kind == "unique",
                sqlite_where=where,
                postgresql_where=where,
            )
