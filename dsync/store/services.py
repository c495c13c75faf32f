"""What services tell each other: who lives, which alerts were told, which sessions were closed.

A service registers every minute, all its démarches at once, and unregisters when it ends; after a
crash, its last registration is too old, and another service deletes it when it registers. A command
hands its run over to a living service, and does it itself when there is none.

Alerts are stored so that several services and restarts tell each once. Of the console's sessions,
those that were closed before their time are stored, and nothing of open ones.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, delete, null, or_, select, union, update

from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.lease import LeaseInfo, read_lease
from dsync.store.sql import Subject, excluded, insert_for

_service = tables.service
_alert = tables.alerte
_session, _demarche, _state = tables.session_fermee, tables.demarche, tables.sync_state

_HEARTBEAT_TIMEOUT = timedelta(minutes=3)
"""A service without a lease that has not registered for this time counts as ended."""
_ALERT_RETRY = timedelta(minutes=5)
"""Time after which an alert that could not be told is tried again, by any service."""


class RunningService(NamedTuple):
    """A registered service: its process, and the time of its next run."""

    holder: str
    version: str
    started_at: datetime
    seen_at: datetime
    next_run_at: datetime


_SHOWN = tuple(_service.c[name] for name in RunningService._fields)


class Services:
    """The services that work on a database, each in a transaction of its own.

    Args:
        writing: opens a transaction.
        reading: opens one that only reads.
    """

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Connection]],
        reading: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._writing = writing
        self._reading = reading

    def register(self, service: RunningService, demarches: Sequence[DemarcheNumber]) -> None:
        """Insert or update a service, and delete those that have died, whose place it takes.

        Args:
            service: with the time of the next run where `turn` has none.
            demarches: all that it serves: of others it is deleted.
        """
        with self._writing() as connection:
            turn, now = tables.turn, service.seen_at
            next_runs = select(turn.c.demarche_numero, turn.c.due_at).where(
                turn.c.demarche_numero.in_(demarches)
            )
            due_at = {number: max(at, now) for number, at in connection.execute(next_runs)}
            rows = [
                {
                    "demarche_numero": number,
                    **service._asdict(),
                    "next_run_at": due_at.get(number, service.next_run_at),
                }
                for number in demarches
            ]
            changed = {name: excluded(name) for name in RunningService._fields}
            if rows:
                statement = insert_for(connection, _service).values(rows)
                keys = ["demarche_numero", "holder"]
                connection.execute(
                    statement.on_conflict_do_update(index_elements=keys, set_=changed)
                )
            is_own = _service.c.holder == service.holder
            connection.execute(
                delete(_service).where(is_own, _service.c.demarche_numero.not_in(demarches))
            )
            others = select(_service.c.demarche_numero, *_SHOWN).where(
                ~is_own, _service.c.demarche_numero.in_(demarches)
            )
            for number, *row in connection.execute(others).all():
                other = RunningService(*row)
                # The lease is looked up only for one that seems dead.
                if is_alive(other, None, now):
                    continue
                lease = read_lease(connection, number, now)
                if not is_alive(other, lease, now) and not _holds(other, lease):
                    _delete(connection, number, other.holder)

    def unregister(self, holder: str) -> None:
        """Delete a service that has ended."""
        with self._writing() as connection:
            connection.execute(delete(_service).where(_service.c.holder == holder))

    def replicas(self, now: datetime) -> int:
        """Return how many services work on the database, whatever démarches they serve."""
        with self._reading() as connection:
            rows = connection.execute(select(*_SHOWN)).all()
        every = map(RunningService._make, rows)
        return len({one.holder for one in every if is_alive(one, None, now)})

    def of(self, demarche: DemarcheNumber) -> list[RunningService]:
        """Return the services of a démarche, by start."""
        with self._reading() as connection:
            return _read(connection, demarche)


def _delete(connection: Connection, demarche: DemarcheNumber, holder: str) -> None:
    connection.execute(
        delete(_service).where(_service.c.demarche_numero == demarche, _service.c.holder == holder)
    )


def _read(connection: Connection, demarche: DemarcheNumber) -> list[RunningService]:
    rows = connection.execute(
        select(*_SHOWN)
        .where(_service.c.demarche_numero == demarche)
        .order_by(_service.c.started_at)
    )
    return [RunningService(*row) for row in rows]


def read_demarches(connection: Connection) -> list[DemarcheNumber]:
    """Return the démarches of which something was read, or tried to be, by number."""
    columns = _demarche.c.number, tables.sync_run.c.demarche_numero
    rows = connection.scalars(union(*map(select, columns)))
    return sorted(map(DemarcheNumber, rows))


def is_alive(service: RunningService, lease: LeaseInfo | None, now: datetime) -> bool:
    """Return whether a service works or has registered in time, and has a process if it is here.

    Args:
        service: as registered.
        lease: that of its démarche.
        now: the present instant, in UTC.
    """
    host, _, pid = service.holder.rpartition(":")
    if host == socket.gethostname() and not _has_process(pid):
        return False
    # A machine that is short of time may register late during a run.
    if _holds(service, lease):
        return True
    return abs(now - service.seen_at) <= _HEARTBEAT_TIMEOUT  # Not if the clock went back.


def _holds(service: RunningService, lease: LeaseInfo | None) -> bool:
    return lease is not None and lease.holder == service.holder and not lease.is_expired


def _has_process(pid: str) -> bool:
    try:
        # Signal 0 is not delivered: it only tests whether the process exists.
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    # It exists, and is another user's.
    except PermissionError:
        return True
    return True


class AlertReads(Subject):
    """Reads alerts."""

    def told_alerts(self) -> list[tuple[str, datetime]]:
        """Return the alerts that were told and are not over, with their beginning, by name."""
        rows = self.connection.execute(
            select(_alert.c.nom, _alert.c.depuis)
            .where(_alert.c.demarche_numero == self.number, _alert.c.dite_le.is_not(None))
            .order_by(_alert.c.nom)
        )
        return [(name, since) for name, since in rows]


class AlertWrites(AlertReads):
    """Writes alerts. What a method returns is for its caller to tell, and for no other service."""

    def begin(self, numbers: Mapping[str, int], now: datetime) -> list[str]:
        """Return those of the current alerts that have not been told, or have changed since.

        Args:
            numbers: of all current alerts, by name. One that counts something has changed when it
                has doubled; one below zero is a digest, and has changed when it is another one.
            now: the present instant, in UTC.
        """
        return [name for name in sorted(numbers) if self._claim(name, numbers[name], now)]

    def _claim(self, name: str, number: int, now: datetime) -> bool:
        present = self._present(now)
        changed = {"nombre": number, "essai_le": present, "dite_le": None}
        statement = insert_for(self.connection, _alert).values(
            demarche_numero=self.number, nom=name, depuis=now, **changed
        )
        nombre = _alert.c.nombre
        has_changed = nombre != number if number < 0 else nombre * 2 <= number
        # An attempt in the future was stored while the clock was ahead.
        is_overdue = or_(_alert.c.essai_le <= present - _ALERT_RETRY, _alert.c.essai_le > present)
        # One statement: of services that look at the same time, only one gets the row.
        claimed = self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["demarche_numero", "nom"],
                set_=changed,
                where=or_(_alert.c.dite_le.is_(None) & is_overdue, has_changed),
            ).returning(_alert.c.nom)
        )
        return claimed.one_or_none() is not None

    def told(self, name: str, now: datetime) -> None:
        """Store that an alert was told."""
        self.connection.execute(
            update(_alert)
            .where(_alert.c.demarche_numero == self.number, _alert.c.nom == name)
            .values(dite_le=now)
        )

    def end(
        self, names: Collection[str], *, spared: str | None = None
    ) -> list[tuple[str, datetime]]:
        """Delete the alerts that are over; return those that were told, with their beginning.

        Args:
            names: of all current alerts.
            spared: what the names of those begin with that stay in any case; None: none does.
        """
        is_over = [_alert.c.demarche_numero == self.number, _alert.c.nom.not_in(sorted(names))]
        if spared is not None:
            is_over.append(~_alert.c.nom.startswith(spared))
        ended = self.connection.execute(
            delete(_alert)
            .where(*is_over)
            .returning(_alert.c.nom, _alert.c.depuis, _alert.c.dite_le)
        )
        return sorted((name, since) for name, since, told in ended if told is not None)

    def restore(self, name: str, since: datetime, now: datetime) -> None:
        """Insert an alert again whose end could not be told: its end is told later."""
        statement = insert_for(self.connection, _alert).values(
            demarche_numero=self.number, nom=name, nombre=1, depuis=since, essai_le=now, dite_le=now
        )
        # It may have begun again meanwhile.
        self.connection.execute(statement.on_conflict_do_nothing())


def close_session(connection: Connection, token: str, until: datetime, now: datetime) -> None:
    """Make a session unusable for every process, and forget those that have ended by themselves.

    Args:
        connection: in a transaction.
        token: the session's, of which only a hash is stored.
        until: when the session ends by itself, in UTC.
        now: the present instant, in UTC.
    """
    connection.execute(delete(_session).where(_session.c.fin < now))
    statement = insert_for(connection, _session).values(empreinte=_hash(token), fin=until)
    connection.execute(statement.on_conflict_do_nothing())


class Titled(NamedTuple):
    """What every page shows of a démarche."""

    titre: str
    last_success_at: datetime | None


def look_up_session(connection: Connection, token: str) -> tuple[bool, dict[int, Titled]]:
    """Return whether a session was closed, and what every page shows of each démarche."""
    last, demarche = _state.c.last_success_at, _demarche.c.number
    known = select(demarche, _demarche.c.titre, last).outerjoin(
        _state, _state.c.demarche_numero == demarche
    )
    closed = select(null(), _session.c.empreinte, null()).where(
        _session.c.empreinte == _hash(token)
    )
    # One statement: it is that of each address of the console.
    rows = connection.execute(known.union_all(closed)).all()
    titled = {number: Titled(*facts) for number, *facts in rows if number is not None}
    return len(titled) < len(rows), titled


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
