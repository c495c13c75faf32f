"""What is stored of who uses the console: closed sessions, subscriptions, which digests were sent.

Of open sessions nothing is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, null, or_, select, update

from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.sql import LONGEST_WAIT, Subject, insert_for, insert_missing

_table = tables.abonnement
_LONGEST = timedelta(days=7)
"""A period further ahead than this was claimed by a clock that was wrong."""


class Subscription(NamedTuple):
    """What somebody has asked for about a démarche."""

    id: int
    demarche_numero: DemarcheNumber
    courriel: str
    frequence: str
    cle: str
    """Signs the link that ends it."""
    envoye_le: datetime | None


_COLUMNS = tuple(_table.c[name] for name in Subscription._fields)


class SubscriptionWrites(Subject):
    """Reads and writes subscriptions, of all démarches."""

    def of(self, courriel: str, demarche: DemarcheNumber) -> Subscription | None:
        """Return a person's subscription about a démarche, None without one."""
        row = self.connection.execute(
            select(*_COLUMNS).where(
                _table.c.courriel == courriel, _table.c.demarche_numero == demarche
            )
        ).one_or_none()
        return None if row is None else Subscription(*row)

    def by_id(self, id_: int) -> Subscription | None:
        """Return a subscription, None if it has ended."""
        row = self.connection.execute(select(*_COLUMNS).where(_table.c.id == id_)).one_or_none()
        return None if row is None else Subscription(*row)

    def subscribe(
        self,
        courriel: str,
        demarche: DemarcheNumber,
        frequence: str,
        *,
        period: date,
        now: datetime,
    ) -> None:
        """Store how often a person is told about a démarche, from the next period on.

        `period` is the present one, which counts as told.
        """
        values = {"frequence": frequence, "periode": period, "essai_le": None}
        statement = insert_for(self.connection.dialect, _table).values(
            courriel=courriel,
            demarche_numero=demarche,
            abonne_le=now,
            cle=secrets.token_urlsafe(32),
            **values,
        )
        self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["courriel", "demarche_numero"], set_=values
            )
        )

    def end(self, courriel: str, demarche: DemarcheNumber | None = None) -> None:
        """End a person's subscription about a démarche, None: about all."""
        ended = delete(_table).where(_table.c.courriel == courriel)
        if demarche is not None:
            ended = ended.where(_table.c.demarche_numero == demarche)
        self.connection.execute(ended)

    def due(
        self, demarches: Collection[int], periods: Mapping[str, date], now: datetime
    ) -> list[str]:
        """Return the addresses of those who are to be told, each once.

        They are told by this service about these démarches; `periods` are the first days of the
        present ones, by frequency.
        """
        is_due = self._is_due(demarches, periods, now)
        rows = self.connection.scalars(select(_table.c.courriel).where(is_due).distinct())
        return sorted(rows)

    def claim(
        self, courriel: str, demarches: Collection[int], periods: Mapping[str, date], now: datetime
    ) -> list[Subscription]:
        """Return the subscriptions about which a person is to be told, by this caller alone.

        Whatever becomes of the caller, they count as told, unless it says that they were not.
        """
        is_due = self._is_due(demarches, periods, now)
        found: list[Subscription] = []
        for frequence, period in sorted(periods.items()):
            # One statement: of services that look at the same time, only one gets the rows.
            claimed = self.connection.execute(
                update(_table)
                .where(is_due, _table.c.courriel == courriel, _table.c.frequence == frequence)
                .values(periode=period, essai_le=None)
                .returning(*_COLUMNS)
            )
            found += [Subscription(*row) for row in claimed]
        return sorted(found, key=lambda one: one.demarche_numero)

    def told(self, ids: Collection[int], now: datetime) -> None:
        """Store that a digest was sent."""
        self.connection.execute(update(_table).where(_table.c.id.in_(ids)).values(envoye_le=now))

    def not_told(self, ids: Collection[int], retry_at: datetime) -> None:
        """Store that a digest could not be sent, and when it is tried again."""
        self.connection.execute(
            update(_table).where(_table.c.id.in_(ids)).values(periode=None, essai_le=retry_at)
        )

    def _is_due(
        self, demarches: Collection[int], periods: Mapping[str, date], now: datetime
    ) -> ColumnElement[bool]:
        row = _table.c
        of_period = [
            (row.frequence == frequence)
            & or_(row.periode.is_(None), row.periode < day, row.periode > day + _LONGEST)
            for frequence, day in periods.items()
        ]
        is_time = or_(
            row.essai_le.is_(None), row.essai_le <= now, row.essai_le > now + LONGEST_WAIT
        )
        return row.demarche_numero.in_(demarches) & is_time & or_(*of_period)


_session, _demarche, _state = tables.session_fermee, tables.demarche, tables.sync_state


def close_session(connection: Connection, token: str, until: datetime, now: datetime) -> None:
    """Make a session unusable for every process, and forget those that have ended by themselves.

    Only a hash of the token is stored; `until` is when the session ends by itself.
    """
    connection.execute(delete(_session).where(_session.c.fin < now))
    insert_missing(connection, _session, {"empreinte": _hash(token), "fin": until})


def close_sessions(connection: Connection, name: str, until: datetime, now: datetime) -> None:
    """Make all present sessions of a person unusable, as `close_session`.

    `until` is when the last one of them ends by itself: those that begin later end after it.
    """
    connection.execute(delete(_session).where(_session.c.empreinte == _hash_of_all(name)))
    connection.execute(delete(_session).where(_session.c.fin < now))
    insert_missing(connection, _session, {"empreinte": _hash_of_all(name), "fin": until})


class Titled(NamedTuple):
    """What every page shows of a démarche."""

    titre: str
    last_success_at: datetime | None


def look_up_session(
    connection: Connection, token: str, name: str, until: datetime
) -> tuple[bool, dict[int, Titled]]:
    """Return whether a person's session was closed, and what every page shows of each démarche."""
    last, demarche = _state.c.last_success_at, _demarche.c.number
    known = select(demarche, _demarche.c.titre, last).outerjoin(
        _state, _state.c.demarche_numero == demarche
    )
    closed = select(null(), _session.c.empreinte, null()).where(
        or_(
            _session.c.empreinte == _hash(token),
            and_(_session.c.empreinte == _hash_of_all(name), _session.c.fin >= until),
        )
    )
    # One statement: it is that of each address of the console.
    rows = connection.execute(known.union_all(closed)).all()
    titled = {number: Titled(*facts) for number, *facts in rows if number is not None}
    return len(titled) < len(rows), titled


def _hash_of_all(name: str) -> str:
    return _hash(f"all sessions of {name}")


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
