"""The background service: one job a démarche, which regularly asks its worker which run is due.

Each job has a thread, so that a slow or failing démarche delays no other one. A failed run is
logged and retried after increasing waits; it never ends the service. The worker computes what is
due from times in the database: the scheduler has no schedule of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from dsync.domain.ids import DemarcheNumber
from dsync.domain.run_kinds import Status
from dsync.errors import DsyncError, InterruptedRunError, LeaseHeldError, StoreError
from dsync.sync.handing_over import CRASHED
from dsync.sync.work import Read, Request

if TYPE_CHECKING:
    from dsync.wiring import Worker

log = structlog.get_logger(__name__)

# Each check is a few short queries; a due run, or what a person asks for, starts at most this late.
TICK_S = 2.0
LOOK_S = 0.25
"""Interval at which the main thread looks at the jobs: a read asked for, a clock that went back."""
ASKED_PAUSE_S = 1.0
"""Minimum time between two reads that were asked for, however many times they were."""
FIRST_RETRY = timedelta(seconds=15)
STOP_S = 4.0
"""Time for a run to finish its page after a stop signal; the process must end within 5 s."""
UNREGISTER_S = 0.5


class Watch(Protocol):
    """What is called regularly beside the runs."""

    idle: threading.Event
    """Set while it does nothing."""
    every_s: float
    """Interval between two calls, in seconds."""

    def tick(self) -> None:
        """Do what is due."""


class DemarcheJob:
    """Does the due runs of one démarche, one at a time.

    Args:
        worker: does the runs.
        stop: ends the service.
        succeeded: called after each run without a failure, if given.
        crashed: called with an exception that is a bug of dsync, if given.
        monotonic: returns seconds of a monotonic clock.
    """

    def __init__(
        self,
        worker: Worker,
        stop: threading.Event,
        *,
        succeeded: Callable[[], None] | None = None,
        crashed: Callable[[Exception], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = worker
        self._succeeded = succeeded
        self._crashed = crashed
        self.idle = threading.Event()
        """Set while no run is under way."""
        self.idle.set()
        self._stop = stop
        self._monotonic = monotonic
        self._failures = 0
        self._failing_since = 0.0
        self._not_before = 0.0
        self._is_unavailable = False
        """Whether the database was unavailable at the last check."""
        self._asked = threading.Event()
        self._asked_not_before = 0.0
        self._requested: Request | None = None
        """What a person asked for, while it is executed."""

    def ask(self) -> None:
        """Ask for a read before its time; repeated requests are answered together."""
        self._asked.set()

    @property
    def is_asked(self) -> bool:
        """Whether a read that was asked for can begin now."""
        not_before = max(self._not_before, self._asked_not_before)
        return self._asked.is_set() and self.idle.is_set() and self._monotonic() >= not_before

    def tick(self) -> None:
        """Do the run that is due, if any; never raises."""
        asked = self.is_asked
        self.idle.clear()
        # The last run of this thread may be another démarche's.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(demarche=self.worker.demarche)
        try:
            self._run_due(asked=asked)
            # A service that ends is unregistered by `serve`, and must not come back.
            if not self._stop.is_set():
                pause_s = max(0.0, self._not_before - self._monotonic())
                self.worker.register_service(timedelta(seconds=pause_s))
            if self._is_unavailable:
                log.info("database_available")
                self._is_unavailable = False
        except StoreError as exc:
            self._note_unavailable(exc)
            if asked:
                self._asked.set()
        except DsyncError as exc:
            self._postpone(error=exc.message, exit_code=exc.exit_code)
        except Exception as exc:
            # The only broad `except` of the service: a bug in one run must not end the service.
            error = CRASHED.format(type(exc).__name__)
            log.exception("run_crashed", error=error)
            if self._crashed is not None:
                self._crashed(exc)
            self._postpone(error=error, exit_code=1)
            self._give_up(error)
        finally:
            self._requested = None
            self.idle.set()

    def unregister(self) -> None:
        """Store that the service has ended, unless the database fails."""
        with suppress(StoreError):
            self.worker.unregister_service()

    def _run_due(self, *, asked: bool) -> None:
        if self._stop.is_set():
            return
        # A person waits for it, so it is tried also during the wait after a failure.
        request = self._requested = self.worker.requested()
        if request is not None:
            # What webhooks asked for stays asked for.
            asked = False
        elif self._monotonic() >= self._not_before:
            if asked:
                # Before the read: what is announced while it runs needs another one.
                self._asked.clear()
                self._asked_not_before = self._monotonic() + ASKED_PAUSE_S
            request = self.worker.due(asked=asked)
        if request is None:
            return
        report = self.worker.sync(request)
        is_failed = report.status is Status.FAILED
        reads = isinstance(request.work, Read)
        if report.run and ((request.id and is_failed) or not (reads or is_failed)):
            # The result is for who asked, or of an erasure by age: the schedule of the reads goes
            # on as if it had not been.
            log.info("request_done", exit_code=report.exit_code)
            if asked:
                self._asked.set()
            return
        if report.exit_code == LeaseHeldError.exit_code:
            # Of a standby, at each check: nothing to tell.
            log.debug("lease_held_elsewhere", holder="; ".join(report.errors))
        elif report.exit_code == InterruptedRunError.exit_code:
            log.info("run_interrupted")
        elif is_failed:
            self._postpone(error="; ".join(report.errors), exit_code=report.exit_code)
        else:
            if self._failures:
                minutes = round((self._monotonic() - self._failing_since) / 60)
                log.info("recovered", after=f"{minutes} min", failed_runs=self._failures)
            self._failures, self._not_before = 0, 0.0
            for problem in report.errors:
                log.warning("run_problem", problem=problem)
            if self._succeeded is not None:
                self._succeeded()
            return
        # It has not been read for who asked: the next check tries again.
        if asked:
            self._asked.set()

    def _give_up(self, error: str) -> None:
        """End the request on which a run crashed: the next check would crash on it again."""
        if self._requested is not None:
            with suppress(StoreError):
                self.worker.give_up(self._requested, DsyncError(error))

    def _note_unavailable(self, error: StoreError) -> None:
        """Log once that the database is unavailable: the next check tries again."""
        if not self._is_unavailable:
            log.error("database_unavailable", error=error.message)
        self._is_unavailable = True

    def _postpone(self, **facts: Any) -> None:
        if not self._failures:
            self._failing_since = self._monotonic()
        self._failures += 1
        # Bounded: a failing service would double it until it overflows.
        doubled = FIRST_RETRY * 2 ** min(self._failures - 1, 10)
        pause = min(doubled, self.worker.retry_at_most)
        self._not_before = self._monotonic() + pause.total_seconds()
        log.error("run_postponed", retry_in_s=int(pause.total_seconds()), **facts)


class Service:
    """Does the due runs of all démarches until `stop` is set.

    Args:
        jobs: one for each démarche.
        stop: ends the service.
        watches: are called as often as they ask for, each in a thread of its own.
        about: facts for the log at the start.
        tick_s: seconds between two checks of what is due.
    """

    def __init__(
        self,
        jobs: Sequence[DemarcheJob],
        stop: threading.Event,
        *,
        watches: Sequence[Watch] = (),
        about: Mapping[str, Any] | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        self._jobs = {job.worker.demarche: job for job in jobs}
        self._stop = stop
        self._watches = watches
        self._about = dict(about or {})
        self._tick = timedelta(seconds=tick_s)

    def ask(self, demarche: DemarcheNumber) -> bool:
        """Ask for a read of a démarche soon; return False if the service does not serve it."""
        job = self._jobs.get(demarche)
        if job is None:
            return False
        job.ask()
        return True

    def serve(self) -> bool:
        """Serve until `stop` is set; return whether the current runs ended in time.

        If one did not, the caller may end the process: its open transaction is rolled back.
        """
        # A check that was missed while the machine slept is made once, late. While a run takes
        # longer than the interval, no second one starts.
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(self._jobs) + len(self._watches) or 1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        jobs, every_s, now = self._jobs.values(), self._tick.total_seconds(), datetime.now(UTC)
        ticks = [
            scheduler.add_job(job.tick, "interval", seconds=every_s, next_run_time=now)
            for job in jobs
        ]
        every = [*ticks]
        every += [
            scheduler.add_job(one.tick, "interval", seconds=one.every_s, next_run_time=now)
            for one in self._watches
        ]
        scheduler.start()
        log.info("service_started", **self._about)
        try:
            while not self._stop.wait(LOOK_S):
                for tick in every:
                    _keep_ticking(tick)
                for job, tick in zip(jobs, ticks, strict=True):
                    if job.is_asked:
                        _tick_now(tick)
        finally:
            scheduler.shutdown(wait=False)
        until = time.monotonic() + STOP_S
        idle = [job.idle for job in jobs] + [one.idle for one in self._watches]
        # A list: each is waited for, all until the same instant.
        ended = all([one.wait(max(0.0, until - time.monotonic())) for one in idle])
        # In a thread, because the process must end in time even if the database does not answer;
        # other processes then see that this service stopped reporting.
        unregister = threading.Thread(target=self._unregister, name="unregister", daemon=True)
        unregister.start()
        unregister.join(UNREGISTER_S)
        log.info("service_stopped", run_under_way="finished" if ended else "abandoned")
        return ended

    def _unregister(self) -> None:
        for job in self._jobs.values():
            job.unregister()


def _keep_ticking(tick: Any) -> None:
    """Make a check now whose next time is far away because the system clock went back."""
    if tick.next_run_time is not None:
        ahead = tick.next_run_time - datetime.now(UTC)
        # Twice the interval: a small correction of the clock delays a check by as little.
        if ahead > 2 * tick.trigger.interval:
            log.warning("clock_went_back", by_s=int(ahead.total_seconds()))
            _tick_now(tick)


def _tick_now(tick: Any) -> None:
    if tick.next_run_time is not None:
        tick.modify(next_run_time=datetime.now(UTC))
