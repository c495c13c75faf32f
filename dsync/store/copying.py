"""Copies all rows of one database into another of the same schema, whatever their engines."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Table, Text, cast, select

from dsync.store.columns import JsonText
from dsync.store.sql import insert_rows

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
