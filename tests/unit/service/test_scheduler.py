"""The scheduler: due runs, waits after failures, stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import time_machine
from structlog.testing import capture_logs

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.run_kinds import Kind, Status
from dsync.errors import DSUnauthorizedError, LeaseHeldError, StoreError
from dsync.service import scheduler
from dsync.service.scheduler import DemarcheJob, Service
from dsync.sync.report import RunReport
from dsync.sync.work import Erase, ReadChanges, Request

START = datetime(2024, 6, 1, 8, tzinfo=UTC)


class Clock:
    """A monotonic clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the seconds that the test set."""
        return self.now


class FakeWorker:
    """A worker with a run always due; `outcome` is called for the result."""

    demarche = DemarcheNumber(1)
    retry_at_most = timedelta(minutes=5)
    request: Request | None = None

    def __init__(self, outcome: Callable[[], RunReport]) -> None:
        self.outcome = outcome
        self.runs = 0

    def due(self, *, asked: bool = False) -> Request | None:
        """Return a run, always."""
        return Request(ReadChanges(), "webhook" if asked else "service")

    def requested(self) -> Request | None:
        """Return what a person asked for."""
        return self.request

    def sync(self, request: Request) -> RunReport:
        """Count the run and answer."""
        self.runs += 1
        return self.outcome()

    def register_service(self, pause: timedelta) -> None:
        """Record the wait before the next run."""
        self.pause = pause

    def unregister_service(self) -> None:
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


def make_job(
    outcome: Callable[[], RunReport], stop: threading.Event | None = None
) -> tuple[DemarcheJob, FakeWorker, Clock]:
    clock, worker = Clock(), FakeWorker(outcome)
    return DemarcheJob(worker, stop or threading.Event(), monotonic=clock), worker, clock


def test_a_failed_run_is_retried_after_increasing_waits() -> None:
    """15 s, then twice the last wait, at most the interval of the incremental read."""
    job, worker, clock = make_job(refused)
    pauses = []
    for _ in range(7):
        job.tick()
        seconds = 0
        before = worker.runs
        while worker.runs == before:
            clock.now += 5
            seconds += 5
            job.tick()
        pauses.append(seconds)
        worker.runs = 0
    assert pauses == sorted(pauses)
    assert pauses[0] == 15
    assert pauses[-1] == 300


def test_a_clock_that_goes_back_does_not_stop_the_ticks() -> None:
    """The next run of a job, and of the watch, would be a year away by the new time."""
    ticks, watched = threading.Semaphore(0), threading.Semaphore(0)

    class Counting(FakeWorker):
        def due(self, *, asked: bool = False) -> None:
            ticks.release()

    class Watching:
        idle = threading.Event()
        every_s = 60.0

        def tick(self) -> None:
            self.idle.set()
            watched.release()

    stop = threading.Event()
    jobs = [DemarcheJob(Counting(make_report), stop)]
    service = Service(jobs, stop, watches=[Watching()], tick_s=0.1)
    thread = threading.Thread(target=service.serve, daemon=True)
    with time_machine.travel(START + timedelta(days=400)) as travel:
        thread.start()
        assert ticks.acquire(timeout=60)
        assert watched.acquire(timeout=60)
        travel.move_to(START)
        for _ in range(5):
            assert ticks.acquire(timeout=60)
        assert watched.acquire(timeout=60)
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def test_a_database_that_does_not_answer_delays_no_stop() -> None:
    """The service ends although it cannot delete its row."""
    held, stop = threading.Event(), threading.Event()

    class Stuck(FakeWorker):
        def unregister_service(self) -> None:
            held.wait(60)

    stop.set()
    serving = threading.Thread(target=Service([DemarcheJob(Stuck(make_report), stop)], stop).serve)
    serving.start()
    serving.join(30)
    assert not serving.is_alive()
    held.set()


def test_the_end_of_an_outage_is_logged_once() -> None:
    """With its duration and the number of failed runs."""
    outcomes = iter([refused(), refused(), make_report(), make_report()])
    job, _, clock = make_job(lambda: next(outcomes))
    with capture_logs() as lines:
        for seconds in (0, 15, 700, 30):
            clock.now += seconds
            job.tick()
    recovered = [line for line in lines if line["event"] == "recovered"]
    assert [("12 min", 2)] == [(line["after"], line["failed_runs"]) for line in recovered]


def test_a_success_resets_the_wait() -> None:
    """The wait after the next failure is the shortest one."""
    outcomes = iter([refused(), refused(), make_report(), refused(), make_report()])
    job, worker, clock = make_job(lambda: next(outcomes))
    for seconds in (0, 15, 30, 0, 15):
        clock.now += seconds
        job.tick()
    assert worker.runs == 5


def test_a_database_that_was_away_is_used_at_once_when_it_is_back() -> None:
    """However long it was away; that is logged once, and what a webhook announced is not lost."""

    class Away(FakeWorker):
        is_away = True

        def requested(self) -> None:
            if self.is_away:
                raise StoreError("The database is away.")

        def due(self, *, asked: bool = False) -> Request | None:
            return Request(ReadChanges()) if asked else None

    clock, worker = Clock(), Away(make_report)
    job = DemarcheJob(worker, threading.Event(), monotonic=clock)
    job.ask()
    with capture_logs() as logs:
        for _ in range(300):
            job.tick()
            clock.now += 2
        worker.is_away = False
        job.tick()
    assert worker.runs == 1
    told = [(entry["event"], entry["log_level"]) for entry in logs]
    assert told == [("database_unavailable", "error"), ("database_available", "info")]


def test_no_exception_ends_the_service() -> None:
    """A bug is logged, and the next tick works."""

    def fail() -> RunReport:
        raise KeyError("a bug")

    job, worker, clock = make_job(fail)
    with capture_logs() as logs:
        job.tick()
    told = [(entry["event"], entry["error"]) for entry in logs]
    sentence = scheduler.CRASHED.format("KeyError")
    assert told == [("run_crashed", sentence), ("run_postponed", sentence)]
    worker.outcome = make_report
    clock.now += 300
    job.tick()
    assert worker.runs == 2


def test_a_lease_of_another_process_is_no_failure_and_no_news() -> None:
    """The waiting service tries again at each check, and logs nothing above DEBUG.

    A webhook may reach this replica: what it announces is read as soon as the other one has ended.
    """
    outcomes = iter([held(), held(), held(), make_report()])
    job, worker, clock = make_job(lambda: next(outcomes))
    job.ask()
    with capture_logs() as logs:
        for _ in range(4):
            job.tick()
            clock.now += 1
    assert worker.runs == 4
    assert not job.is_asked
    assert {"debug"} == {entry["log_level"] for entry in logs}


def test_a_partial_run_logs_each_problem() -> None:
    """The remedy is logged, and the schedule goes on."""
    job, worker, _ = make_job(lambda: make_report(Status.PARTIAL, 7, "Do this.", "And that."))
    with capture_logs() as logs:
        job.tick()
        job.tick()
    told = [entry["problem"] for entry in logs if entry["event"] == "run_problem"]
    assert told == ["Do this.", "And that."] * 2
    assert worker.runs == 2


def test_a_thousand_requests_for_a_read_are_answered_by_few_reads() -> None:
    """Requests that come together are answered together, with a pause between two reads."""
    reads: list[float] = []

    class Waiting(FakeWorker):
        """A worker with nothing to do unless a read is asked for."""

        def due(self, *, asked: bool = False) -> Request | None:
            return Request(ReadChanges()) if asked else None

    clock = Clock()
    worker = Waiting(lambda: reads.append(clock.now) or make_report())
    job = DemarcheJob(worker, threading.Event(), monotonic=clock)
    for _ in range(1000):
        job.ask()
        job.tick()
        clock.now += 0.01
    clock.now += 10
    job.tick()
    job.tick()
    assert len(reads) == 11
    assert all(later - earlier >= 1 for earlier, later in pairwise(reads))


def test_a_request_for_a_read_survives_a_failure() -> None:
    """What a webhook announced is read when DS answers again, before the next interval."""
    outcomes = iter([refused(), make_report()])

    class Waiting(FakeWorker):
        def due(self, *, asked: bool = False) -> Request | None:
            return Request(ReadChanges()) if asked else None

    clock = Clock()
    worker = Waiting(lambda: next(outcomes))
    job = DemarcheJob(worker, threading.Event(), monotonic=clock)
    job.ask()
    job.tick()
    assert not job.is_asked
    clock.now += 15
    assert job.is_asked
    job.tick()
    assert worker.runs == 2


def test_what_a_person_asks_for_does_not_wait_after_a_failure() -> None:
    """An operator who repaired the token sees at once whether it works."""
    job, worker, _ = make_job(refused)
    job.tick()
    job.tick()
    assert worker.runs == 1
    worker.request = Request(ReadChanges(), "ana@poste", 1)
    job.tick()
    assert worker.runs == 2


def test_what_a_person_asks_for_in_vain_postpones_nothing() -> None:
    """A dossier to erase that is unknown is the operator's, the schedule's next read is due."""
    outcomes = iter([refused(), make_report()])
    worker = FakeWorker(lambda: next(outcomes))
    worker.request = Request(Erase((DossierNumber(2),)), "ana@poste", 1)
    job = DemarcheJob(worker, threading.Event(), monotonic=Clock())
    job.tick()
    assert timedelta() == worker.pause
    worker.request = None
    job.tick()
    assert 2 == worker.runs
