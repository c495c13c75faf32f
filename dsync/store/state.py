"""Stores and reads a démarche's sync state: watermark, page size, cursor, last successes."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import case, select, update

from dsync.store import tables
from dsync.store.records import DEFAULT_PAGE_SIZE, SyncState
from dsync.store.sql import excluded, insert_for
from dsync.store.subject import Subject

_FIELDS = tuple(f.name for f in fields(SyncState))


class StateReads(Subject):
    """Reads the sync state."""

    def state(self) -> SyncState:
        """Return the démarche's state; an empty one for a new démarche."""
        table = tables.sync_state
        row = self.connection.execute(
            select(*(table.c[name] for name in _FIELDS)).where(
                table.c.demarche_numero == self.number
            )
        ).one_or_none()
        if row is None:
            return SyncState()
        values = row._asdict()
        values["page_size"] = values["page_size"] or DEFAULT_PAGE_SIZE
        return SyncState(**values)


class StateWrites(StateReads):
    """Writes the sync state."""

    def reset_watermark(self, to: datetime) -> None:
        """Set a watermark after `to` back to it; only allowed after a complete full read."""
        table = tables.sync_state
        self.connection.execute(
            update(table)
            .where(table.c.demarche_numero == self.number, table.c.watermark > to)
            .values(watermark=to)
        )

    def save_state(self, **changes: Any) -> None:
        """Store the given fields of `SyncState`. The watermark never goes back.

        Raises:
            TypeError: a field is unknown.
        """
        unknown = changes.keys() - set(_FIELDS)
        if unknown:
            raise TypeError(f"no such field of the state: {sorted(unknown)}")
        if not changes:
            return
        table = tables.sync_state
        statement = insert_for(self.connection, table).values(
            demarche_numero=self.number, **changes
        )
        updates: dict[str, Any] = {name: excluded(name) for name in changes}
        if changes.get("watermark") is not None:
            new = excluded("watermark")
            updates["watermark"] = case((table.c.watermark > new, table.c.watermark), else_=new)
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["demarche_numero"], set_=updates)
        )
