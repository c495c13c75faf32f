"""The budget of requests of one token, which all processes on a PostgreSQL database share.

A process takes some permits at a time, and uses them within seconds. A grant counts for a minute
after its last permit can have been used, so that no minute has more requests than the limit,
whatever the clocks of the processes. What was not used of it is given back with the next one.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeGuard

from sqlalchemy import Connection, func, select, update

from dsync.errors import StoreError
from dsync.store import tables
from dsync.store.engine import is_locked
from dsync.store.sql import insert_missing

_budget = tables.budget
_WINDOW_S = 60.0
_LONGEST_PAUSE = timedelta(minutes=5)
"""Of a pause that ends later, the clock was wrong."""
_LOCKED_S = 1.0
"""How long to wait for another process's transaction, and until the next attempt."""


class PermitGrant(NamedTuple):
    """The permits that a process got."""

    id: str
    permits: int
    wait_s: float = 0.0
    """If there are none: time until the next attempt can succeed."""


class Budget:
    """The permits of one token, of which a keyed hash is stored; they last for `life_s` seconds.

    `writing` opens a transaction on PostgreSQL.
    """

    def __init__(
        self,
        writing: Callable[[], AbstractContextManager[Connection]],
        token: str,
        life_s: float,
    ) -> None:
        self._writing = writing
        self._token = token
        self._life_s = life_s
        self._known_as: str | None = None

    def take(self, permits: int, least: int, limit: int, used: Mapping[str, int]) -> PermitGrant:
        """Return up to so many permits; with fewer than `least` the process cannot begin.

        `limit` is the number of requests in any minute, of all processes. `used` says how many
        permits of earlier grants, by their ids, were used; the others are given back.
        """
        try:
            return self._take(permits, least, limit, used)
        except StoreError as exc:
            if not is_locked(exc):
                raise
            # Such as by a process that was suspended in between: PostgreSQL ends that.
            return PermitGrant("", 0, _LOCKED_S)

    def _take(self, permits: int, least: int, limit: int, used: Mapping[str, int]) -> PermitGrant:
        with self._writing() as connection:
            # A stop would wait for it, and so would all threads with this token.
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCKED_S:g}s'")
            given, paused_until, present = self._locked(connection)
            if _is_paused(paused_until, present):
                return PermitGrant("", 0, (paused_until - present).total_seconds())
            now, longest = present.timestamp(), self._life_s + _WINDOW_S
            counting = [
                (id_, used.get(id_, number), until)
                for id_, number, until in given
                if now < until <= now + longest
            ]
            room = limit - sum(number for _, number, _ in counting)
            granted = PermitGrant(secrets.token_hex(4), min(permits, room))
            if room < least:
                granted = PermitGrant("", 0, _until_room(counting, least - room) - now)
            else:
                counting.append((granted.id, granted.permits, now + longest))
            connection.execute(
                update(_budget)
                .where(_budget.c.cle == self._known_as)
                .values(grants=[one for one in counting if one[1]])
            )
        return granted

    def pause(self, wait_s: float) -> None:
        """Have all processes wait, after DS said that there were too many requests."""
        with self._writing() as connection:
            _, paused_until, present = self._locked(connection)
            until = present + timedelta(seconds=wait_s)
            if _is_paused(paused_until, present):
                # Another process may have been told of a longer one.
                until = max(until, paused_until)
            connection.execute(
                update(_budget).where(_budget.c.cle == self._known_as).values(paused_until=until)
            )

    def _locked(
        self, connection: Connection
    ) -> tuple[list[tuple[str, int, float]], datetime | None, datetime]:
        """Return the grants and the end of the pause, locked, and the server's present."""
        if self._known_as is None:
            key = _row(connection, "", secrets.token_hex(32))[0]
            name = hmac.digest(str(key).encode(), self._token.encode(), "sha256").hex()
            # One row for each token that was ever used is kept; an old one has no grants.
            _row(connection, name, [])
            self._known_as = name
        return _row(connection, self._known_as, [])


def _is_paused(until: datetime | None, present: datetime) -> TypeGuard[datetime]:
    return until is not None and present < until < present + _LONGEST_PAUSE


def _row(connection: Connection, name: str, grants: object) -> tuple[Any, Any, Any]:
    """Return a row, locked, with the server's present; it is inserted if there is none."""
    row = select(_budget.c.grants, _budget.c.paused_until, func.clock_timestamp()).where(
        _budget.c.cle == name
    )
    found = connection.execute(row.with_for_update()).one_or_none()
    if found is None:
        insert_missing(connection, _budget, {"cle": name, "grants": grants})
        found = connection.execute(row.with_for_update()).one()
    return tuple(found)


def _until_room(counting: list[tuple[str, int, float]], missing: int) -> float:
    """Return when so many permits more will be there."""
    ends = sorted((until, number) for _, number, until in counting)
    for until, number in ends:
        missing -= number
        if missing <= 0:
            return until
    return 0.0
