"""Who of the services lives.

A service registers every minute, all its démarches at once, and unregisters when it ends; after a
crash, its last registration is too old, and another service deletes it when it registers. A command
hands its run over to a living service, and does it itself when there is none.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.lease import LEASE_TTL_S, LeaseInfo, read_lease
from dsync.store.sql import upsert

_service = tables.service

_HEARTBEAT_TIMEOUT = timedelta(minutes=3)
"""A service without a lease that has not registered for this time counts as ended."""


class RunningService(NamedTuple):
    """A registered service: its process, and the time of its next run."""

    holder: str
    version: str
    started_at: datetime
    seen_at: datetime
    next_run_at: datetime


_SHOWN = tuple(_service.c[name] for name in RunningService._fields)


class Services:
    """The services that work on a database, each in a transaction of its own."""

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Connection]],
        reading: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._writing = writing
        self._reading = reading

    def register(self, service: RunningService, demarches: Sequence[DemarcheNumber]) -> None:
        """Insert or update a service, and delete those that have died, whose place it takes.

        It has the time of the next run where `turn` has none. Of démarches that it does not serve
        it is deleted.
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
            upsert(connection, _service, rows)
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
                    is_it = _service.c.demarche_numero == number, _service.c.holder == other.holder
                    connection.execute(delete(_service).where(*is_it))

    def unregister(self, holder: str) -> None:
        """Delete a service that has ended."""
        with self._writing() as connection:
            connection.execute(delete(_service).where(_service.c.holder == holder))

    def holders(self, now: datetime) -> list[str]:
        """Return the processes of the services that work, whatever démarches they serve."""
        with self._reading() as connection:
            rows = connection.execute(select(*_SHOWN)).all()
        every = map(RunningService._make, rows)
        return sorted({one.holder for one in every if is_alive(one, None, now)})

    def eldest(
        self, demarches: Sequence[DemarcheNumber], now: datetime
    ) -> dict[DemarcheNumber, str]:
        """Return the process of each démarche's service that started first of those that work."""
        with self._reading() as connection:
            every = read_services(connection, demarches)
        return {
            number: services[0].holder
            for number, found in every.items()
            if (services := [one for one in found if is_alive(one, None, now)])
        }

    def of(self, demarche: DemarcheNumber) -> list[RunningService]:
        """Return the services of a démarche, by start."""
        with self._reading() as connection:
            return read_services(connection, [demarche])[demarche]


def read_services(
    connection: Connection, demarches: Sequence[DemarcheNumber]
) -> dict[DemarcheNumber, list[RunningService]]:
    """Return the services of some démarches, by start."""
    turn = tables.turn
    # A run has ended since a service registered, up to a minute ago: what it then said is past.
    next_run_at = func.coalesce(turn.c.due_at, _service.c.next_run_at)
    shown = [next_run_at if one.name == "next_run_at" else one for one in _SHOWN]
    rows = connection.execute(
        select(_service.c.demarche_numero, *shown)
        .outerjoin(turn, turn.c.demarche_numero == _service.c.demarche_numero)
        .where(_service.c.demarche_numero.in_(demarches))
        .order_by(_service.c.started_at, _service.c.holder)
    )
    found: dict[DemarcheNumber, list[RunningService]] = {number: [] for number in demarches}
    for number, *row in rows:
        found[number].append(RunningService(*row))
    return found


def is_alive(service: RunningService, lease: LeaseInfo | None, now: datetime) -> bool:
    """Return whether a service works or has registered in time, and has a process if it is here."""
    if _has_ended(service.holder):
        return False
    # A machine that is short of time may register late during a run.
    if _holds(service, lease):
        return True
    return abs(now - service.seen_at) <= _HEARTBEAT_TIMEOUT  # Not if the clock went back.


def taken_over_in_s(lease: LeaseInfo) -> int | None:
    """Return after how many seconds another process may go on; None: the holder seems to work.

    It does not if it has no process although it is here, or has left out a renewal of its lease.
    """
    left_s = min(max(lease.left.total_seconds(), 0), LEASE_TTL_S)
    is_silent = left_s < LEASE_TTL_S / 2 or _has_ended(lease.holder or "")
    return ceil(left_s) if is_silent else None


def _has_ended(holder: str) -> bool:
    """Return whether a process was on this machine, and is not any more."""
    host, _, pid = holder.rpartition(":")
    return host == socket.gethostname() and not _has_process(pid)


def _holds(service: RunningService, lease: LeaseInfo | None) -> bool:
    return lease is not None and lease.holder == service.holder and not lease.is_expired


def _has_process(pid: str) -> bool:
    try:
        # Signal 0 is not delivered: it only tests whether the process exists.
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass  # It exists, and is another user's.
    return True
