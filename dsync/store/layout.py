"""Which tables, columns and views of dsync a database has, and which each revision has.

`migrations/tables` has a file a revision, read by the migration and here: new tables with their
columns (`*`: of the primary key; `?`: can be null), columns that a table gets or loses, tables that
are dropped, and indexes, in the order in which they are made.

The layout of a revision is a line for each column with its kind, as far as both engines have it,
from what it and those before it make, and one for each view with a hash of its text
(`migrations/layouts`). Its hash is the fingerprint, which the table `layout` keeps. Whatever an
administrator adds beside dsync's own tables and views is not looked at, nor are indexes, comments
and the views formulaire_*, which are made of the stored forms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from dsync.programme import Programme, Storage
from dsync.store import columns
from dsync.store.dictionary import folder_of, parts

_KINDS = {
    "bigint": "integer",
    "key": "integer",
    "serial": "integer",
    "integer": "integer",
    "varchar": "text",
    "character varying": "text",
    "text": "text",
    "datetime": "datetime",
    "timestamp with time zone": "datetime",
    "date": "date",
    "boolean": "boolean",
    "float": "number",
    "double precision": "number",
    "jsonb": "json",
}
"""Kinds by the types of the engines and of `_TYPES`; any other type is its own kind.
SQLite keeps `json` as text."""
_CATALOGUE = {
    "sqlite": """SELECT m.name, c.name, c.type, c."notnull"
FROM sqlite_master AS m
LEFT JOIN pragma_table_info(CASE m.type WHEN 'table' THEN m.name END) AS c
WHERE m.type = 'table' OR (m.type = 'view' AND m.name NOT LIKE 'formulaire%')""",
    "postgresql": """SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'v'
WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
    AND (c.relkind IN ('r', 'p')
        OR (c.relkind = 'v' AND NOT starts_with(c.relname, 'formulaire_')))""",
}
"""All columns of tables, and all views, those without columns."""
_REQUIRED = " not null"
_SHOWN = 4
"""So many differences are named."""


class Found(NamedTuple):
    """What a database has."""

    tables: Mapping[str, frozenset[str]]
    """The lines of the columns of each table, as in a layout."""
    views: frozenset[str]
    revisions: Mapping[str, str]
    """By part."""
    marks: Mapping[str, tuple[str, str]]
    """The fingerprint by part, and which version of dsync made it; none in a database of 0.1.0."""

    def has(self, part: Storage) -> bool:
        """Whether the part's tables were ever made."""
        return key(part) in self.revisions


def read(connection: Connection, programme: type[Programme]) -> Found:
    """Read what a database has of the engine's and a programme's part, in two statements."""
    engine = connection.dialect.name
    tables: dict[str, set[str]] = defaultdict(set)
    views = set()
    for name, column, kind, required in connection.exec_driver_sql(_CATALOGUE[engine]):
        if column is None:
            views.add(name)
        else:
            tables[name].add(_line(name, column, _KINDS.get(kind.lower(), kind), required))
    asked = [
        f"SELECT '{key(part)}' AS part, version_num, NULL, NULL FROM {version_table(part)}"  # noqa: S608 - names of ours
        for part in parts(programme)
        if version_table(part) in tables
    ]
    if "layout" in tables:
        asked.append("SELECT part, NULL, fingerprint, version FROM layout")
    rows = connection.exec_driver_sql(" UNION ALL ".join(asked)).all() if asked else []
    return Found(
        {name: frozenset(lines) for name, lines in tables.items()},
        frozenset(views),
        {part: revision for part, revision, *_ in rows if revision is not None},
        {part: (mark, version) for part, revision, mark, version in rows if revision is None},
    )


def key(part: Storage) -> str:
    """Return the name of a part in table `layout`."""
    return part.name or "dsync"


def version_table(part: Storage) -> str:
    """Return the name of the table in which Alembic keeps a part's revision."""
    return f"alembic_version_{part.name}" if part.name else "alembic_version"


def differences(found: Found, part: Storage, revision: str, engine: str) -> str:
    """Return in words how a part's tables differ from those of a shipped revision; "": they do not.

    The part is the engine's, or the programme's; `engine` is the database's kind.
    """
    missing, other = [], []
    for name, wanted in tables(part, revision, engine).items():
        present = found.tables.get(name, frozenset())
        if not present:
            missing.append(name)
            continue
        known = {_column(line) for line in present}
        missing += sorted(one for line in wanted - present if (one := _column(line)) not in known)
        own = {_column(line) for line in wanted}
        # A column of one's own, which rows need not have, is no difference.
        other += sorted(
            one
            for line in present - wanted
            if (one := _column(line)) in own or line.endswith(_REQUIRED)
        )
    # Tables and columns; columns of another kind, and unknown ones.
    said = [("lacks", missing), ("has otherwise", other)]
    return "; ".join(f"it {verb} {_few(names)}" for verb, names in said if names)


def missing_views(found: Found, part: Storage, revision: str) -> list[str]:
    """Return the views of a revision that the database lacks."""
    views = [line.split()[0] for line in _lines(part, revision) if " view " in line]
    return sorted({*views} - found.views)


@cache
def fingerprint(part: Storage, revision: str) -> str:
    """Return the hash of a revision's layout."""
    return sha256("\n".join(_lines(part, revision)).encode()).hexdigest()[:16]


@cache
def _lines(part: Storage, revision: str) -> list[str]:
    """Return the lines of the columns, then those of the views."""
    migrations = folder_of(part) / "migrations"
    known = sorted(file.name.partition(".")[0] for file in (migrations / "tables").iterdir())
    steps = [step for one in known if one <= revision for step in lines(part.package, one)]
    gone = {step.table for step in steps if step.kind == "drop"}
    lost = {(step.table, one.name) for step in steps if step.kind == "lose" for one in step.columns}
    made = [
        _line(step.table, new.name, _KINDS[new.type], not new.is_nullable)
        for step in steps
        if step.kind in ("table", "add") and step.table not in gone
        for new in step.columns
        if (step.table, new.name) not in lost
    ]
    views = (migrations / "layouts" / f"{revision}.txt").read_text(encoding="utf-8")
    return [*sorted(made), *views.splitlines()]


@cache
def tables(part: Storage, revision: str, engine: str) -> dict[str, frozenset[str]]:
    """Return the lines of the columns of each table that a part has after a revision."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in _lines(part, revision):
        name, dot, _ = line.partition(".")
        if dot:
            found[name].add(line.replace(" json", " text") if engine == "sqlite" else line)
    return {name: frozenset(lines) for name, lines in found.items()}


def _line(table: str, column: str, kind: str, required: object) -> str:
    return f"{table}.{column} {kind}{_REQUIRED if required else ''}"


def _column(line: str) -> str:
    return line.split()[0]


def _few(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


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
    from alembic import op  # Takes long to import, and most commands do without it.

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
