"""Who works on a démarche: the lease of the one writer, and the services that run.

One statement takes the lease when it is free or has expired; its token grows with each taking, and
every transaction starts by locking the row with its own token: a holder that slept while another
took over can commit nothing. On PostgreSQL the database's clock decides; a SQLite file is on one
machine, whose clock decides.

A service signs in and again every minute, and off at its end; one that was killed is known by its
silence. That is for people to see: nothing rests on it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, literal, or_, select, update

from dsync.domain.ids import DemarcheNumber
from dsync.errors import LeaseHeldError, LeaseLostError
from dsync.store import tables
from dsync.store.records import Lease, LeaseInfo, RunningService
from dsync.store.sql import insert_for

LEASE_TTL_S = 60.0
"""How long a holder has the lease, unless it renews it."""

_lease = tables.lease


def acquire(
    connection: Connection, demarche: DemarcheNumber, holder: str, ttl_s: float, now: datetime
) -> Lease:
    """Take the lease.

    Raises:
        LeaseHeldError: Another one holds it.
    """
    instant = _instant(connection, now)
    expiry = _instant(connection, now, ttl_s)
    statement = insert_for(connection, _lease).values(
        demarche_numero=demarche, holder=holder, token=1, acquired_at=instant, expires_at=expiry
    )
    row = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["demarche_numero"],
            set_={
                "holder": holder,
                "token": _lease.c.token + 1,
                "acquired_at": instant,
                "expires_at": expiry,
            },
            where=or_(_lease.c.holder.is_(None), _has_expired(connection, now)),
        ).returning(_lease.c.token, _lease.c.acquired_at, _lease.c.expires_at)
    ).one_or_none()
    if row is not None:
        token, acquired_at, expires_at = row
        return Lease(demarche, holder, token, acquired_at, expires_at, ttl_s)
    info = read(connection, demarche, now)
    who = info.holder if info else "another process"
    since = info.acquired_at if info else now
    raise LeaseHeldError(
        f"Démarche {demarche} is being worked on by {who} since {since:%Y-%m-%d %H:%M:%S} UTC. "
        "Wait for it to end (`--wait`), or stop it.",
        holder=who,
        since=since,
    )


def renew(connection: Connection, lease: Lease, ttl_s: float, now: datetime) -> None:
    """Put the expiry off, if nobody took over.

    Raises:
        LeaseLostError: Somebody did.
    """
    renewed = connection.execute(
        update(_lease).where(*_is_ours(lease)).values(expires_at=_instant(connection, now, ttl_s))
    )
    if renewed.rowcount == 0:
        raise _lost(lease)


def release(connection: Connection, lease: Lease, now: datetime) -> None:
    """Free the démarche for the next one; nothing happens when the lease was lost."""
    connection.execute(
        update(_lease)
        .where(*_is_ours(lease))
        .values(holder=None, expires_at=_instant(connection, now))
    )


def fence(connection: Connection, lease: Lease) -> None:
    """Lock the lease's row until the transaction ends, if it is still ours.

    Raises:
        LeaseLostError: Another one took it.
    """
    ours = connection.execute(select(literal(1)).where(*_is_ours(lease)).with_for_update())
    if ours.one_or_none() is None:
        raise _lost(lease)


def read(connection: Connection, demarche: DemarcheNumber, now: datetime) -> LeaseInfo | None:
    """Return who holds the démarche; None when nobody ever did."""
    row = connection.execute(
        select(
            _lease.c.holder,
            _lease.c.acquired_at,
            _lease.c.expires_at,
            case((_has_expired(connection, now), 1), else_=0),
        ).where(_lease.c.demarche_numero == demarche)
    ).one_or_none()
    if row is None:
        return None
    holder, acquired_at, expires_at, is_expired = row
    return LeaseInfo(holder, acquired_at, expires_at, is_expired=bool(is_expired))


def _is_ours(lease: Lease) -> tuple[Any, ...]:
    return (
        _lease.c.demarche_numero == lease.demarche,
        _lease.c.token == lease.token,
        _lease.c.holder == lease.holder,
    )


def _instant(connection: Connection, now: datetime, later_s: float = 0) -> Any:
    if connection.dialect.name == "postgresql":
        return func.clock_timestamp() + timedelta(seconds=later_s)
    return literal(now + timedelta(seconds=later_s), _lease.c.expires_at.type)


def _has_expired(connection: Connection, now: datetime) -> ColumnElement[bool]:
    """Whether the expiry has passed, or lies further away than any holder's can.

    The clock was ahead when the lease was taken or renewed, and came back.
    """
    return or_(
        _lease.c.expires_at <= _instant(connection, now),
        _lease.c.expires_at > _instant(connection, now, 2 * LEASE_TTL_S),
    )


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(
        f"Another process took over démarche {lease.demarche}; nothing more of this run is "
        "stored. See `dsync status` for who works on it.",
        demarche=lease.demarche,
    )


HEARTBEAT_TIMEOUT = timedelta(minutes=3)
"""Without a sign for so long, a service that holds no lease is taken for dead."""

_service = tables.service
_SHOWN = tuple(
    _service.c[name] for name in ("holder", "version", "started_at", "seen_at", "next_run_at")
)


def register_service(
    connection: Connection, demarche: DemarcheNumber, service: RunningService
) -> None:
    """Note a sign of life; the first one clears away those that fell silent."""
    values = service._asdict()
    statement = insert_for(connection, _service).values(demarche_numero=demarche, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["demarche_numero", "holder"], set_=dict(values)
        )
    )
    if service.seen_at - service.started_at < HEARTBEAT_TIMEOUT:
        connection.execute(
            delete(_service).where(
                _service.c.demarche_numero == demarche,
                _service.c.seen_at < service.seen_at - HEARTBEAT_TIMEOUT,
            )
        )


def unregister_service(connection: Connection, demarche: DemarcheNumber, holder: str) -> None:
    """Note that a service has ended."""
    connection.execute(
        delete(_service).where(_service.c.demarche_numero == demarche, _service.c.holder == holder)
    )


def read_services(connection: Connection, demarche: DemarcheNumber) -> list[RunningService]:
    """Return the services that signed in and not off, by start."""
    rows = connection.execute(
        select(*_SHOWN)
        .where(_service.c.demarche_numero == demarche)
        .order_by(_service.c.started_at)
    )
    return [RunningService(*row) for row in rows]


def is_overdue(service: RunningService, now: datetime) -> bool:
    """Whether a service that holds no lease should have given a sign of life by now."""
    return abs(now - service.seen_at) > HEARTBEAT_TIMEOUT
