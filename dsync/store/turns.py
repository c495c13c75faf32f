"""Whose turn it is: which démarche is due, claimed by one of the services that share the work.

A claim lasts for seconds, until the run has the lease. Then the lease keeps others from the
démarche, and after the run its row says when the next one is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    insert,
    or_,
    select,
    update,
)

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store import tables
from dsync.store.codes import Kind
from dsync.store.lease import has_expired
from dsync.store.requests import IS_OPEN, WEBHOOK, wake_services
from dsync.store.sql import upsert

_turn, _lease, _demande = tables.turn, tables.lease, tables.demande

_CLAIM = timedelta(seconds=15)
"""Time for a service to take the lease of what it claimed."""
LATE = timedelta(minutes=1)
"""What is due for longer does not wait for what webhooks announce, which may have no end."""
_FURTHEST = timedelta(days=3)
"""No run is due later than this: such an instant was stored while the clock was ahead."""


class Turn(NamedTuple):
    """A claimed démarche, as it was stored."""

    demarche: DemarcheNumber
    due_at: datetime
    failures: int = 0
    """Number of failed runs since the last success."""
    failing_since: datetime | None = None
    """Since when; without failures, since when it has succeeded again."""

    @property
    def is_doubted(self) -> bool:
        """Whether it failed not long ago: it does not take the workers of others."""
        return self.failing_since is not None


_COLUMNS = (_turn.c.demarche_numero, *(_turn.c[name] for name in Turn._fields[1:]))


class Turns:
    """The turns of the démarches of a database, each method in a transaction of its own.

    `holder` is this process's name in leases.
    """

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Connection]],
        reading: Callable[[], AbstractContextManager[Connection]],
        holder: str,
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._holder = holder

    def enter(self, numbers: Sequence[DemarcheNumber], now: datetime) -> None:
        """Have services look now at what is due of some démarches, new ones included."""
        if not numbers:
            return
        with self._writing() as connection:
            upsert(
                connection, _turn, [{"demarche_numero": n, "due_at": now} for n in sorted(numbers)]
            )
            wake_services(connection)

    def claim(
        self,
        numbers: Sequence[DemarcheNumber],
        now: datetime,
        *,
        away: Sequence[DemarcheNumber] = (),
        urgent: bool = False,
        doubted: bool = False,
    ) -> Turn | None:
        """Claim the démarche that is to be looked at next; None if none is.

        What people asked for comes first, then what webhooks announced or what is due for long,
        then what else is due. `numbers` are those that this service serves, without those at which
        it works; `urgent`: only what people asked for, but for full reads, and what webhooks
        announced counts.

        `doubted`: only those that failed not long ago, or whose DS is `away`, count, and what
        webhooks announced of them is not urgent; else only the others.
        """
        only = partial(self._next, numbers=numbers, now=now, away=away, urgent=urgent)
        # First without a lock: at rest nothing is due, and on SQLite a writer may be at work.
        with self._reading() as connection:
            if connection.execute(only(connection, doubted=doubted)).first() is None:
                return None
        with self._writing() as connection:
            chosen = only(connection, doubted=doubted)
            # SQLAlchemy leaves it out on SQLite, where BEGIN IMMEDIATE has locked the whole file.
            chosen = chosen.with_for_update(of=_turn, skip_locked=True)
            row = connection.execute(
                update(_turn)
                .where(_turn.c.demarche_numero == chosen.scalar_subquery())
                .values(claimed_until=now + _CLAIM)
                .returning(*_COLUMNS)
            ).one_or_none()
            return None if row is None else Turn(*row)

    def end(self, turn: Turn, claimed_until: datetime | None = None) -> None:
        """Store when a démarche is due again, and its failures.

        Until `claimed_until` it is not looked at, whatever is asked for.
        """
        values = turn._asdict()
        number = values.pop("demarche")
        with self._writing() as connection:
            connection.execute(
                update(_turn)
                .where(_turn.c.demarche_numero == number)
                .values(claimed_until=claimed_until, **values)
            )

    def announce(
        self, announced: Mapping[DemarcheNumber, Sequence[DossierNumber]], now: datetime
    ) -> None:
        """Store of which dossiers webhooks told, for any service to read them."""
        rows: list[dict[str, Any]] = [
            {
                "demarche_numero": number,
                "genre": "dossier",
                "options": {"dossiers": list(dossiers)},
                "demande_par": WEBHOOK,
                "demande_le": now,
                "en_file": True,
            }
            for number, dossiers in announced.items()
        ]
        with self._writing() as connection:
            connection.execute(insert(_demande), rows)
            wake_services(connection)

    def _next(
        self,
        connection: Connection,
        *,
        numbers: Sequence[DemarcheNumber],
        now: datetime,
        away: Sequence[DemarcheNumber],
        urgent: bool,
        doubted: bool,
    ) -> Select[tuple[int]]:
        is_due = or_(_turn.c.due_at <= now, _turn.c.due_at > now + _FURTHEST)
        is_late = _turn.c.due_at <= now - LATE
        is_asked = _has(_demande.c.demande_par != WEBHOOK)
        is_short = _has(_demande.c.demande_par != WEBHOOK, _demande.c.genre != Kind.FULL.value)
        # After a failure, what webhooks announced waits as the next attempt does.
        is_announced = and_(
            _has(_demande.c.demande_par == WEBHOOK), or_(_turn.c.failures == 0, is_due)
        )
        has_failed = _turn.c.failing_since.is_not(None)
        is_doubted = or_(has_failed, _turn.c.demarche_numero.in_(away))
        if urgent:
            wanted = [is_short] if doubted else [is_short, is_announced]
        else:
            wanted = [is_asked, is_announced, is_due]
        is_claimed = _turn.c.claimed_until.between(now, now + 2 * _CLAIM)
        # Its own, at which it does not work, is one that it could not release.
        is_free = or_(
            _lease.c.holder.is_(None),
            _lease.c.holder == self._holder,
            has_expired(connection, now),
        )
        return (
            select(_turn.c.demarche_numero)
            .outerjoin(_lease, _lease.c.demarche_numero == _turn.c.demarche_numero)
            .where(
                _turn.c.demarche_numero.in_(numbers),
                or_(_turn.c.claimed_until.is_(None), ~is_claimed),
                is_free,
                is_doubted if doubted else ~is_doubted,
                or_(*wanted),
            )
            .order_by(
                case((is_asked, 0), else_=1),
                # Who has not been tried since its DS is away may find it back.
                has_failed,
                case((or_(is_announced, is_late), 0), else_=1),
                _turn.c.due_at,
            )
            .limit(1)
        )


def make_due(connection: Connection, number: DemarcheNumber, now: datetime) -> None:
    """Have a service look at a démarche about which something was written beside its runs."""
    connection.execute(
        update(_turn)
        # Not while it waits after a failure.
        .where(_turn.c.demarche_numero == number, _turn.c.failures == 0)
        .values(due_at=now)
    )
    wake_services(connection)


def _has(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a démarche has an open request."""
    is_own = _demande.c.demarche_numero == _turn.c.demarche_numero
    return exists().where(is_own, IS_OPEN, *conditions)
