"""When the evidence was last confirmed: read without what the other queries of `rows.py` import."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, column, func, select, table

from dsync.store.columns import Instant

_copies = table("evidence", column("confirmed_at", Instant), column("fetched_at", Instant))


def evidence_confirmed_at(connection: Connection) -> datetime | None:
    """Return when the source of the oldest evidence last confirmed it; None: it has no evidence."""
    return connection.scalar(
        select(func.min(func.coalesce(_copies.c.confirmed_at, _copies.c.fetched_at)))
    )
