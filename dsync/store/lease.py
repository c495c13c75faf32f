"""The lease that makes one process the only writer of a démarche.

One statement takes the lease if it is free or expired, and increments its token. Every transaction
first locks the lease's row and compares the token, so a process that lost its lease while suspended
cannot commit. Expiry is decided by PostgreSQL's clock, or on SQLite by the machine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    update,
)

from dsync.domain.ids import DemarcheNumber
from dsync.errors import LeaseHeldError, LeaseLostError
from dsync.messages import kinds as k
from dsync.store import tables
from dsync.store.sql import insert_for

LEASE_TTL_S = 60.0
"""Time after which a lease expires unless it is renewed."""

_lease = tables.lease
_IS_OURS = (
    _lease.c.demarche_numero == bindparam("of"),
    _lease.c.token == bindparam("our_token"),
    _lease.c.holder == bindparam("us"),
)
# On SQLite, SQLAlchemy leaves FOR UPDATE out: BEGIN IMMEDIATE has locked the whole file.
_FENCE = select(literal(1)).where(*_IS_OURS).with_for_update()  # Built once: each transaction's.


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write about one démarche, unless another process took it over."""

    demarche: DemarcheNumber
    holder: str
    token: int
    acquired_at: datetime
    expires_at: datetime
    ttl_s: float


class LeaseInfo(NamedTuple):
    """The lease of a démarche, as stored; `holder` is None if it is free."""

    holder: str | None
    acquired_at: datetime
    expires_at: datetime
    is_expired: bool
    left: timedelta
    """Until it expires, by the clock that decides it."""


def acquire(
    connection: Connection, demarche: DemarcheNumber, holder: str, ttl_s: float, now: datetime
) -> Lease:
    """Take the lease for `ttl_s` seconds; `holder` names this process to operators.

    `now` is used on SQLite only.

    Raises:
        LeaseHeldError: another process holds it.
    """
    if connection.dialect.name == "postgresql":
        # The row is locked for a moment by each transaction of a run, and for all of a dry run.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
    instant = _instant(connection, now)
    expiry = _instant(connection, now, ttl_s)
    statement = insert_for(connection.dialect, _lease).values(
        demarche_numero=demarche, holder=holder, token=1, acquired_at=instant, expires_at=expiry
    )
    row = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["demarche_numero"],
            set_={
                "holder": holder,
                # It only grows: a former holder of the same name is told from this one.
                "token": _lease.c.token + 1,
                "acquired_at": instant,
                "expires_at": expiry,
            },
            where=or_(_lease.c.holder.is_(None), has_expired(connection, now)),
        ).returning(_lease.c.token, _lease.c.acquired_at, _lease.c.expires_at)
    ).one_or_none()
    if row is not None:
        token, acquired_at, expires_at = row
        return Lease(demarche, holder, token, acquired_at, expires_at, ttl_s)
    # For the message only: the holder may have released it since.
    info = read_lease(connection, demarche, now)
    raise _held(demarche, info, now, is_awaited=True)


def check_free(connection: Connection, demarche: DemarcheNumber, now: datetime) -> None:
    """Check that no process works on a démarche.

    Raises:
        LeaseHeldError: one does.
    """
    info = read_lease(connection, demarche, now)
    if info is not None and info.holder is not None and not info.is_expired:
        raise _held(demarche, info, now, is_awaited=False)


def _held(
    demarche: DemarcheNumber, info: LeaseInfo | None, now: datetime, *, is_awaited: bool
) -> LeaseHeldError:
    who, since = (info.holder, info.acquired_at) if info else (None, now)
    said = k.LeaseHeld(demarche, who, since, is_awaited)
    return LeaseHeldError(said, holder=who or "another process", since=since)


def renew(connection: Connection, lease: Lease, now: datetime) -> None:
    """Extend the lease by its duration from now.

    Raises:
        LeaseLostError: another process took it.
    """
    renewed = connection.execute(
        update(_lease).where(*_IS_OURS).values(expires_at=_instant(connection, now, lease.ttl_s)),
        _identity(lease),
    )
    if renewed.rowcount == 0:
        raise _lost(lease)


def release(connection: Connection, lease: Lease, now: datetime) -> None:
    """Release the lease; do nothing if it was lost."""
    connection.execute(
        update(_lease).where(*_IS_OURS).values(holder=None, expires_at=_instant(connection, now)),
        _identity(lease),
    )


def fence(connection: Connection, lease: Lease) -> None:
    """Lock the lease's row until the end of the transaction.

    Raises:
        LeaseLostError: another process took the lease.
    """
    if connection.execute(_FENCE, _identity(lease)).one_or_none() is None:
        raise _lost(lease)


def lock(connection: Connection, demarche: DemarcheNumber) -> None:
    """Lock the lease's row until the end of the transaction, whoever holds the lease."""
    connection.execute(
        select(literal(1)).where(_lease.c.demarche_numero == demarche).with_for_update()
    )


def read_lease(connection: Connection, demarche: DemarcheNumber, now: datetime) -> LeaseInfo | None:
    """Return the démarche's lease, None if none was ever taken."""
    return read_leases(connection, [demarche], now).get(demarche)


def read_leases(
    connection: Connection, demarches: Sequence[DemarcheNumber], now: datetime
) -> dict[DemarcheNumber, LeaseInfo]:
    """Return the leases of some démarches; one of which none was ever taken is left out."""
    rows = connection.execute(
        select(
            _lease.c.demarche_numero,
            _lease.c.holder,
            _lease.c.acquired_at,
            _lease.c.expires_at,
            case((has_expired(connection, now), 1), else_=0),
            _instant(connection, now),
        ).where(_lease.c.demarche_numero.in_(demarches))
    )
    return {
        demarche: LeaseInfo(
            holder, acquired_at, expires_at, is_expired=bool(is_expired), left=expires_at - present
        )
        for demarche, holder, acquired_at, expires_at, is_expired, present in rows
    }


def _identity(lease: Lease) -> dict[str, Any]:
    """Return the parameters of `_IS_OURS`."""
    return {"of": lease.demarche, "our_token": lease.token, "us": lease.holder}


def _instant(connection: Connection, now: datetime, later_s: float = 0) -> Any:
    if connection.dialect.name == "postgresql":
        # Not now(), the start of the transaction, after which it may have waited for a lock.
        return func.clock_timestamp() + timedelta(seconds=later_s)
    return literal(now + timedelta(seconds=later_s), _lease.c.expires_at.type)


def has_expired(connection: Connection, now: datetime) -> ColumnElement[bool]:
    """Return whether the lease has expired.

    An expiry further away than a lease can last counts as expired too: it was written while the
    clock was ahead.
    """
    return or_(
        _lease.c.expires_at <= _instant(connection, now),
        _lease.c.expires_at > _instant(connection, now, 2 * LEASE_TTL_S),
    )


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(
        k.Numbered(k.NumberNote.TAKEN_OVER, lease.demarche),
        demarche=lease.demarche,
    )
