"""The scheduler: what is due is run, a failure is put off, a stop is obeyed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from structlog.testing import capture_logs

from dsync.errors import DSUnauthorizedError, LeaseHeldError, StoreError
from dsync.service.scheduler import Service
from dsync.sync.report import Kind, RunReport, Status, SyncOptions

START = datetime(2024, 6, 1, 8, tzinfo=UTC)


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the seconds that the test set."""
        return self.now


class FakeWorker:
    """Always has something due; answers with what `outcome` does."""

    def __init__(self, outcome: Callable[[], RunReport]) -> None:
        self.outcome = outcome
        self.runs = 0

    def due(self) -> SyncOptions | None:
        """Return a run, always."""
        return SyncOptions(started_by="service")

    def sync(self, options: SyncOptions) -> RunReport:
        """Count the run and answer."""
        self.runs += 1
        return self.outcome()

    def sign_in(self, pause: timedelta) -> None:
        """Remember by how much the next run is put off."""
        self.pause = pause

    def sign_off(self) -> None:
        """Do nothing."""


def make_report(status: Status = Status.SUCCESS, exit_code: int = 0, *errors: str) -> RunReport:
    return RunReport(
        kind=Kind.INCREMENTAL,
        started_at=START,
        run=1,
        status=status,
        errors=list(errors),
        exit_code=exit_code,
    )


def refused() -> RunReport:
    report = make_report()
    report.fail(DSUnauthorizedError("Token refused.", reason="expired"))
    return report


def held() -> RunReport:
    report = make_report()
    report.fail(LeaseHeldError("Held by another since 08:00."))
    return report


def make_service(
    outcome: Callable[[], RunReport], stop: threading.Event | None = None
) -> tuple[Service, FakeWorker, Clock]:
    clock, worker = Clock(), FakeWorker(outcome)
    return Service(worker, stop or threading.Event(), monotonic=clock), worker, clock


def test_a_due_run_is_run_at_each_tick() -> None:
    """Nothing but the worker's answer decides whether a tick runs."""
    service, worker, _ = make_service(make_report)
    service.tick()
    service.tick()
    assert worker.runs == 2


def test_a_failed_run_is_tried_again_further_apart_each_time() -> None:
    """15 s, then twice as long, never more than the interval of the incremental read."""
    service, worker, clock = make_service(refused)
    pauses = []
    for _ in range(7):
        service.tick()
        seconds = 0
        before = worker.runs
        while worker.runs == before:
            clock.now += 5
            seconds += 5
            service.tick()
        pauses.append(seconds)
        worker.runs = 0
    assert pauses == sorted(pauses)
    assert pauses[0] == 15
    assert pauses[-1] == 300


def test_a_clock_that_goes_back_does_not_stop_the_ticks() -> None:
    """The scheduler waits for an instant; by a clock that went back, it is a year away."""
    ticks = threading.Semaphore(0)

    class Counting(FakeWorker):
        def due(self) -> None:
            ticks.release()

    stop = threading.Event()
    service = Service(Counting(make_report), stop, tick_s=0.1)
    thread = threading.Thread(target=service.serve)
    with time_machine.travel(START + timedelta(days=400)) as travel:
        thread.start()
        assert ticks.acquire(timeout=10)
        travel.move_to(START)
        for _ in range(5):
            assert ticks.acquire(timeout=10)
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_database_that_does_not_answer_delays_no_stop() -> None:
    """The service ends though it cannot sign off."""
    held, stop = threading.Event(), threading.Event()

    class Stuck(FakeWorker):
        def sign_off(self) -> None:
            held.wait(10)

    stop.set()
    serving = threading.Thread(target=Service(Stuck(make_report), stop).serve)
    serving.start()
    serving.join(5)
    assert not serving.is_alive()
    held.set()


def test_the_end_of_an_outage_is_one_line() -> None:
    """How long it lasted, and how many runs it cost."""
    outcomes = iter([refused(), refused(), make_report(), make_report()])
    service, _, clock = make_service(lambda: next(outcomes))
    with capture_logs() as lines:
        for seconds in (0, 15, 700, 30):
            clock.now += seconds
            service.tick()
    recovered = [line for line in lines if line["event"] == "recovered"]
    assert [("12 min", 2)] == [(line["after"], line["failed_runs"]) for line in recovered]


def test_a_success_forgets_the_failures_before_it() -> None:
    """The next failure waits as little as the first."""
    outcomes = iter([refused(), refused(), make_report(), refused(), make_report()])
    service, worker, clock = make_service(lambda: next(outcomes))
    for seconds in (0, 15, 30, 0, 15):
        clock.now += seconds
        service.tick()
    assert worker.runs == 5


@pytest.mark.parametrize("fault", [StoreError("The database is away."), KeyError("a bug")])
def test_no_exception_ends_the_service(fault: Exception) -> None:
    """A database that is away and a fault of our own are logged; the next tick works."""

    def fail() -> RunReport:
        raise fault

    service, worker, clock = make_service(fail)
    with capture_logs() as logs:
        service.tick()
    assert "run_postponed" in [entry["event"] for entry in logs]
    worker.outcome = make_report
    clock.now += 300
    service.tick()
    assert worker.runs == 2


def test_a_lease_held_by_another_is_told_once_and_is_no_failure() -> None:
    """Two services on one database: the waiting one says so once, at info."""
    service, worker, clock = make_service(held)
    with capture_logs() as logs:
        for _ in range(3):
            service.tick()
            clock.now += 30
    assert worker.runs == 3
    told = [(entry["event"], entry["log_level"]) for entry in logs]
    assert told == [("lease_held_elsewhere", "info")]


def test_a_partial_run_logs_each_problem() -> None:
    """The remedy is in the log, and the schedule goes on."""
    service, worker, _ = make_service(
        lambda: make_report(Status.PARTIAL, 7, "Do this.", "And that.")
    )
    with capture_logs() as logs:
        service.tick()
        service.tick()
    told = [entry["problem"] for entry in logs if entry["event"] == "run_problem"]
    assert told == ["Do this.", "And that."] * 2
    assert worker.runs == 2


def test_serving_ends_when_the_run_under_way_has_ended() -> None:
    """A stop lets the run finish and then returns."""
    stop, started = threading.Event(), threading.Event()

    def until_stopped() -> RunReport:
        started.set()
        stop.wait()
        return make_report(Status.FAILED, 130)

    service, worker, _ = make_service(until_stopped, stop)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(service.serve()))
    thread.start()
    assert started.wait(10)
    stop.set()
    thread.join(10)
    assert ended == [True]
    assert worker.runs == 1
