"""The scheduler: what is due is run, a failure is put off, a stop is obeyed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from dsync.errors import DSUnauthorizedError, LeaseHeldError, StoreError
from dsync.service.scheduler import Service
from dsync.sync.report import Kind, RunReport, Status, SyncOptions

START = datetime(2024, 6, 1, 8, tzinfo=UTC)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Return the instant that the test set."""
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
    return Service(worker, stop or threading.Event(), clock=clock), worker, clock


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
            clock.now += timedelta(seconds=5)
            seconds += 5
            service.tick()
        pauses.append(seconds)
        worker.runs = 0
    assert pauses == sorted(pauses)
    assert pauses[0] == 15
    assert pauses[-1] == 300


def test_a_success_forgets_the_failures_before_it() -> None:
    """The next failure waits as little as the first."""
    outcomes = iter([refused(), refused(), make_report(), refused(), make_report()])
    service, worker, clock = make_service(lambda: next(outcomes))
    for seconds in (0, 15, 30, 0, 15):
        clock.now += timedelta(seconds=seconds)
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
    clock.now += timedelta(minutes=5)
    service.tick()
    assert worker.runs == 2


def test_a_lease_held_by_another_is_told_once_and_is_no_failure() -> None:
    """Two services on one database: the waiting one says so once, at info."""
    service, worker, clock = make_service(held)
    with capture_logs() as logs:
        for _ in range(3):
            service.tick()
            clock.now += timedelta(seconds=30)
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
