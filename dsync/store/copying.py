"""Copies all rows of one database into another of the same schema, whatever their engines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from dsync.store.columns import JsonText, encode
from dsync.store.tables import metadata

_AT_ONCE = 500


def copy_rows(source: Connection, target: Connection) -> None:
    """Copy every table but the leases, which say who writes into the original."""
    for table in metadata.sorted_tables:
        if table.name == "lease":
            continue
        json_columns = [c.name for c in table.columns if isinstance(c.type, JsonText)]
        rows = source.execution_options(yield_per=_AT_ONCE).execute(select(table)).mappings()
        for part in rows.partitions():
            target.execute(insert(table), [_written(dict(row), json_columns) for row in part])


def _written(row: dict[str, Any], json_columns: list[str]) -> dict[str, Any]:
    for name in json_columns:
        if row[name] is not None:
            row[name] = encode(row[name])
    return row
