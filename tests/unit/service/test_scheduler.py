"""The service's clock; what it does of a turn is in tests/engine/test_turns.py."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from dsync.domain.ids import DemarcheNumber
from dsync.errors import StoreError
from dsync.service.scheduler import Service
from dsync.store.turns import Turn

START = datetime(2024, 6, 1, 8, tzinfo=UTC)
TIMEOUT_S = 20


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


def serve(workers: Sequence[Asking], stop: threading.Event, take: Callable[[Any], bool]) -> None:
    """Do runs by four workers until `stop` is set; `take` is a run, of a worker."""

    class Job:
        def __init__(self, worker: Asking) -> None:
            self.worker = worker

        def take(self, _turn: Turn, *, is_doubted: bool) -> bool:
            return take(self.worker)

    service: Any = Service([*workers], stop, slots=4, job=Job, tick_s=0.1)  # type: ignore[arg-type, list-item]
    serving = threading.Thread(target=service.serve)
    serving.start()
    serving.join(TIMEOUT_S)
    stop.set()
    serving.join(TIMEOUT_S)
    assert not serving.is_alive()


@pytest.mark.parametrize("answers", [0, 1])
def test_one_demarche_at_a_time_tries_an_endpoint_that_is_away(answers: int) -> None:
    """Of 200 démarches 50 have one: the others are not behind them, although these are first.

    Nor where it answers the small question that is asked first, and nothing else.
    """
    stop, lock = threading.Event(), threading.Lock()
    at_work, beside, ended = set[int](), list[int](), list[bool]()
    store = Due(range(1, 201))

    def take(worker: Asking) -> bool:
        if worker.is_dead:
            worker.answered += answers
            with lock:
                at_work.add(worker.demarche)
                beside.append(len(at_work))
            stop.wait(0.05)
            worker.is_ds_away = True
            with lock:
                at_work.discard(worker.demarche)
        else:
            worker.answered += 2
        with lock:
            ended.append(worker.is_dead)
            if ended.count(False) == 150:
                stop.set()
        return not worker.is_dead

    serve([Asking(n, store, is_dead=n <= 50) for n in range(1, 201)], stop, take)
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

    def take(worker: Asking) -> bool:
        worker.answered += 2
        if worker.is_dead:
            worker.silent_s = 11
            stop.wait(TIMEOUT_S)
            return False
        with lock:
            ended.append(worker.demarche)
            if len(ended) == 42:
                stop.set()
        return True

    serve(workers, stop, take)
    assert [*range(9, 51)] == sorted(ended)


class Doubted(Due):
    """The first three démarches failed not long ago."""

    def claim(self, numbers: Sequence[int], *_: Any, **options: Any) -> Turn | None:
        """Claim the first one that is due."""
        return super().claim(numbers, **options | {"away": (1, 2, 3)})


def test_who_failed_and_hangs_again_takes_no_worker_of_others() -> None:
    """Where one of them has just succeeded, two are tried at once; both hang after that."""
    stop, lock, hung = threading.Event(), threading.Lock(), list[int]()
    together = threading.Barrier(3, stop.set)
    store = Doubted(range(1, 4))

    def take(worker: Asking) -> bool:
        worker.answered += 2
        if worker.is_dead:
            worker.silent_s = 11
            with lock:
                hung.append(worker.demarche)
                if len(hung) == 2:
                    store.left |= {4, 5, 6}
            stop.wait(TIMEOUT_S)
        elif worker.demarche > 3:
            with suppress(threading.BrokenBarrierError):
                together.wait(TIMEOUT_S / 2)
        return True

    serve([Asking(n, store, is_dead=n in (2, 3)) for n in range(1, 7)], stop, take)
    assert [2, 3] == sorted(hung)
    assert not together.broken


class Always(Database):
    """Each démarche is due again at once, and comes after the others."""

    def __init__(self) -> None:
        super().__init__()
        self.turns_of = Counter[int]()

    def claim(
        self,
        numbers: Sequence[int],
        *_: Any,
        urgent: bool = False,
        doubted: bool = False,
        **__: Any,
    ) -> Turn | None:
        """Claim the one that had fewest turns."""
        if urgent or doubted:
            return None
        found = min(numbers, key=lambda number: self.turns_of[number])
        self.turns_of[found] += 1
        return Turn(DemarcheNumber(found), START)


class Slow(Asking):
    """A worker whose DS answers slowly: each run takes half a minute by its clock."""

    now = START

    def clock(self) -> datetime:
        """Return its present."""
        return self.now


def test_long_runs_take_few_workers_while_others_are_due() -> None:
    """Of four workers one is left to people; what was long before has one of the others."""
    stop, lock, store = threading.Event(), threading.Lock(), Always()
    at_work, beside = set[int](), list[int]()

    def take(worker: Asking) -> bool:
        worker.answered += 2
        if not isinstance(worker, Slow):
            return True
        with lock:
            if worker.now > START:
                at_work.add(worker.demarche)
                beside.append(len(at_work))
            if len(beside) == 20:
                stop.set()
        stop.wait(0.01)
        worker.now += timedelta(seconds=30)
        with lock:
            at_work.discard(worker.demarche)
        return True

    workers = [(Slow if n <= 10 else Asking)(n, store, is_dead=n <= 10) for n in range(1, 41)]
    serve(workers, stop, take)
    assert {1} == {*beside}
