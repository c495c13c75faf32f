"""Copies all rows of one database into another of the same schema, whatever their engines."""

from __future__ import annotations

from sqlalchemy import Connection, Text, cast, insert, select

from dsync.store.columns import JsonText
from dsync.store.tables import metadata

_AT_ONCE = 500


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every table but the leases, which say who writes into the original."""
    for table in metadata.sorted_tables:
        if table.name == "lease":
            continue
        # JSON as its text, in which it is written again.
        columns = [
            cast(column, Text).label(column.name) if isinstance(column.type, JsonText) else column
            for column in table.columns
        ]
        rows = source.execution_options(yield_per=_AT_ONCE).execute(select(*columns)).mappings()
        for part in rows.partitions():
            target.execute(insert(table), [dict(row) for row in part])
