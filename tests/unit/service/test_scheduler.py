"""The service's clock; what it does of a turn is in tests/engine/test_turns.py."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
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
    answered = 0
    silent_s = 0.0
    is_ds_away = False
    settings = SimpleNamespace(ds_url="ds")

    def __init__(self, store: Database) -> None:
        self.store = store

    def clock(self) -> datetime:
        """Return the machine's present."""
        return datetime.now(UTC)


def test_a_clock_that_goes_back_does_not_stop_the_ticks() -> None:
    """The next look, and the next watch, would be a year away by the new time."""
    watched = threading.Semaphore(0)

    class Watching:
        every_s = 0.1

        def tick(self) -> None:
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


class Due(Database):
    """Each démarche is due once, those with the lowest numbers first."""

    def __init__(self, numbers: Sequence[int]) -> None:
        super().__init__()
        self.left = {*numbers}

    def claim(
        self,
        numbers: Sequence[int],
        *_: Any,
        away: Sequence[int],
        urgent: bool = False,
        doubted: bool = False,
    ) -> Turn | None:
        """Claim the first one that is due."""
        others = (n for n in numbers if n in self.left and (n in away) is doubted)
        found = None if urgent else next(others, None)
        if found is None:
            return None
        self.left.discard(found)
        return Turn(DemarcheNumber(found), START)


class Asking(Idle):
    """A worker whose endpoint may be away."""

    def __init__(self, number: int, store: Database, *, is_dead: bool) -> None:
        super().__init__(store)
        self.demarche = DemarcheNumber(number)
        self.is_dead = is_dead
        self.settings = SimpleNamespace(ds_url="dead" if is_dead else "alive")


def test_one_demarche_at_a_time_tries_an_endpoint_that_is_away() -> None:
    """Of 200 démarches 50 have one: the others are not behind them, although these are first."""
    stop, lock = threading.Event(), threading.Lock()
    at_work, beside, ended = set[int](), list[int](), list[bool]()
    store = Due(range(1, 201))
    workers = [Asking(n, store, is_dead=n <= 50) for n in range(1, 201)]

    class Job:
        def __init__(self, worker: Asking) -> None:
            self.worker = worker

        def take(self, turn: Turn, *, is_doubted: bool) -> bool:
            worker = self.worker
            if worker.is_dead:
                with lock:
                    at_work.add(turn.demarche)
                    beside.append(len(at_work))
                stop.wait(0.05)
                worker.is_ds_away = True
                with lock:
                    at_work.discard(turn.demarche)
            else:
                worker.answered += 1
            with lock:
                ended.append(worker.is_dead)
                if ended.count(False) == 150:
                    stop.set()
            return not worker.is_dead

    service: Any = Service(workers, stop, slots=4, job=Job, tick_s=0.1)  # type: ignore[arg-type]
    serving = threading.Thread(target=service.serve)
    serving.start()
    serving.join(TIMEOUT_S)
    assert 150 == ended.count(False)
    assert {1} == {*beside}
    assert ended.count(True) < 25


def test_who_waits_for_an_answer_for_long_takes_no_worker_of_others() -> None:
    """Not even before anything is known of them: eight hang at once, and four may be at work."""
    stop, lock, ended = threading.Event(), threading.Lock(), list[int]()
    store = Due(range(1, 51))
    workers = [Asking(n, store, is_dead=n <= 8) for n in range(1, 51)]
    for worker in workers:
        worker.settings.ds_url = "one"

    class Job:
        def __init__(self, worker: Asking) -> None:
            self.worker = worker

        def take(self, turn: Turn, *, is_doubted: bool) -> bool:
            self.worker.answered += 1
            if self.worker.is_dead:
                self.worker.silent_s = 11
                stop.wait(TIMEOUT_S)
                return False
            with lock:
                ended.append(turn.demarche)
                if len(ended) == 42:
                    stop.set()
            return True

    service: Any = Service(workers, stop, slots=4, job=Job, tick_s=0.1)  # type: ignore[arg-type]
    serving = threading.Thread(target=service.serve)
    serving.start()
    serving.join(TIMEOUT_S)
    assert [*range(9, 51)] == sorted(ended)
