"""The service's clock; what it does of a turn is in tests/engine/test_turns.py."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from dsync.domain.ids import DemarcheNumber
from dsync.errors import StoreError
from dsync.service.scheduler import Service
from dsync.store.turns import Turn

START = datetime(2024, 6, 1, 8, tzinfo=UTC)
TIMEOUT_S = 60


class Database:
    """The database of a service; nothing is due in it."""

    def __init__(self) -> None:
        self.looks = threading.Semaphore(0)
        self.registrations = threading.Semaphore(0)
        self.stuck = threading.Event()
        self.stuck.set()

    @property
    def turns(self) -> Any:
        """The turns, and the services: each method is one of this class."""
        return self

    services = turns

    def claim(self, *_: Any, **__: Any) -> Turn | None:
        """Note the look."""
        self.looks.release()
        return None

    def enter(self, *_: Any) -> None:
        """Do nothing."""

    def register(self, *_: Any) -> None:
        """Note the registration."""
        self.registrations.release()

    def unregister(self, *_: Any) -> None:
        """Hang as a database that does not answer."""
        self.stuck.wait(TIMEOUT_S)

    def listen(self, *_: Any) -> None:
        """Return as SQLite does."""


class Idle:
    """A worker with nothing to do."""

    demarche = DemarcheNumber(1)

    def __init__(self, store: Database) -> None:
        self.store = store

    def clock(self) -> datetime:
        """Return the machine's present."""
        return datetime.now(UTC)


def test_a_clock_that_goes_back_does_not_stop_the_ticks() -> None:
    """The next look, and the next watch, would be a year away by the new time."""
    watched = threading.Semaphore(0)

    class Watching:
        idle = threading.Event()
        every_s = 60.0

        def tick(self) -> None:
            self.idle.set()
            watched.release()

    database, stop = Database(), threading.Event()
    service: Any = Service([Idle(database)], stop, watches=[Watching()], tick_s=0.1)
    thread = threading.Thread(target=service.serve, daemon=True)
    with time_machine.travel(START + timedelta(days=400)) as travel:
        thread.start()
        assert database.looks.acquire(timeout=TIMEOUT_S)
        assert watched.acquire(timeout=TIMEOUT_S)
        travel.move_to(START)
        for _ in range(5):
            assert database.looks.acquire(timeout=TIMEOUT_S)
        assert watched.acquire(timeout=TIMEOUT_S)
        stop.set()
        thread.join(TIMEOUT_S)
    assert not thread.is_alive()


def test_a_database_in_which_no_run_can_begin_is_noted() -> None:
    """With its reason, until a look succeeds."""

    class Full(Database):
        left = 2

        def claim(self, *_: Any, **__: Any) -> Turn | None:
            if self.left:
                self.left -= 1
                raise StoreError("its disk is full")
            return None

    stop, noted = threading.Event(), list[str | None]()

    def note(error: StoreError | None) -> None:
        noted.append(error and error.message)
        if error is None:
            stop.set()

    service: Any = Service([Idle(Full())], stop, noted=note, tick_s=0.1)
    serving = threading.Thread(target=service.serve)
    serving.start()
    serving.join(TIMEOUT_S)
    assert ["its disk is full", "its disk is full", None] == noted[:3]


def test_a_database_that_does_not_answer_delays_no_stop() -> None:
    """The service ends although it cannot delete its rows."""
    database, stop = Database(), threading.Event()
    database.stuck.clear()
    stop.set()
    service: Any = Service([Idle(database)], stop)
    serving = threading.Thread(target=service.serve)
    serving.start()
    serving.join(30)
    assert not serving.is_alive()
    database.stuck.set()
