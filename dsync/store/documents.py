"""Rows as JSON values by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

Document = dict[str, Any]
"""JSON values by column; instants are text in UTC."""


def documents(rows: Sequence[Mapping[Any, Any]]) -> list[Document]:
    """Return rows as documents."""
    return [{str(name): _json(value) for name, value in row.items()} for row in rows]


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
