"""The bulk writes that both engines share, each one statement of SQLAlchemy Core for many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, Text, bindparam, cast, insert, select, update

from dsync.store.columns import JsonText

Rows = Sequence[Mapping[str, Any]]
"""Values by column, the same columns in each row."""


def insert_for(connection: Connection, table: Table) -> Any:
    """Return the engine's own INSERT: both support ON CONFLICT, each by a class of its own."""
    # Imported where it is used: PostgreSQL's part of SQLAlchemy takes 30 ms, for nothing on SQLite.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; columns not given have their default, or nothing."""
    if rows:
        connection.execute(insert(table), rows)


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert or overwrite rows by their key; columns not given stay."""
    if not rows:
        return
    statement = insert_for(connection, table)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), rows)


def update_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Overwrite what is given of rows that are there, by their key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    # SQLAlchemy keeps the columns' own names for the values that are set.
    statement = update(table).where(*(table.c[key] == bindparam(f"key_{key}") for key in keys))
    changes = [name for name in rows[0] if name not in keys]
    connection.execute(
        statement.values({name: bindparam(name) for name in changes}),
        [
            {f"key_{key}": row[key] for key in keys} | {name: row[name] for name in changes}
            for row in rows
        ],
    )


_AT_ONCE = 500


def copy_rows(source: Connection, target: Connection, tables: Iterable[Table]) -> None:
    """Copy every table but the leases, which say who writes into the original."""
    for table in tables:
        if table.name == "lease":
            continue
        json = [column.name for column in table.columns if isinstance(column.type, JsonText)]
        # JSON as its text, in which it is written again.
        columns = [
            cast(column, Text).label(column.name) if column.name in json else column
            for column in table.columns
        ]
        rows = source.execution_options(yield_per=_AT_ONCE).execute(select(*columns)).mappings()
        for part in rows.partitions():
            texts = [dict(row) for row in part]
            for row in texts:
                row.update({name: row[name].encode() for name in json if row[name] is not None})
            insert_rows(target, table, texts)
