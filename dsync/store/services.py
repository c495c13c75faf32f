"""Which services run, where, and when they work next. Bookkeeping for people: nothing rests on it.

A service signs in and again every minute, and off at its end; one that was killed is known by its
silence.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.records import RunningService
from dsync.store.sql import insert_for

SILENT_AFTER = timedelta(minutes=3)
"""Without a sign for so long, a service that holds no lease is taken for dead."""

_service = tables.service
_SHOWN = tuple(
    _service.c[name] for name in ("holder", "version", "started_at", "seen_at", "next_run_at")
)


def sign_in(connection: Connection, demarche: DemarcheNumber, service: RunningService) -> None:
    """Note a sign of life; the first one clears away those that fell silent."""
    values = service._asdict()
    statement = insert_for(connection, _service).values(demarche_numero=demarche, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["demarche_numero", "holder"], set_=dict(values)
        )
    )
    if service.seen_at - service.started_at < SILENT_AFTER:
        connection.execute(
            delete(_service).where(
                _service.c.demarche_numero == demarche,
                _service.c.seen_at < service.seen_at - SILENT_AFTER,
            )
        )


def sign_off(connection: Connection, demarche: DemarcheNumber, holder: str) -> None:
    """Note that a service has ended."""
    connection.execute(
        delete(_service).where(_service.c.demarche_numero == demarche, _service.c.holder == holder)
    )


def read(connection: Connection, demarche: DemarcheNumber) -> list[RunningService]:
    """Return the services that signed in and not off, by start."""
    rows = connection.execute(
        select(*_SHOWN)
        .where(_service.c.demarche_numero == demarche)
        .order_by(_service.c.started_at)
    )
    return [RunningService(*row) for row in rows]


def is_silent(service: RunningService, now: datetime) -> bool:
    """Whether a service that holds no lease should have given a sign of life by now."""
    return abs(now - service.seen_at) > SILENT_AFTER
