"""The background service: a job that regularly asks the worker which run is due, and does it.

A failed run is logged and retried after increasing waits; it never ends the service. The worker
computes what is due from times in the database: the scheduler has no schedule of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from dsync.errors import DsyncError, InterruptedRunError, LeaseHeldError, StoreError
from dsync.sync.report import RunReport, Status, SyncOptions

log = structlog.get_logger(__name__)

# Each check is one short query, and a due run starts at most this late.
TICK_S = 5.0
LOOK_S = 1.0
"""Interval at which the main thread checks whether the clock went back."""
FIRST_RETRY = timedelta(seconds=15)
# Half of a lease's lifetime: the lease of a dead process is taken over within two checks.
LEASE_RETRY = timedelta(seconds=30)
STOP_S = 4.0
"""Time for a run to finish its page after a stop signal; the process must end within 5 s."""
UNREGISTER_S = 0.5


class Worker(Protocol):
    """The worker that the service calls."""

    def due(self) -> SyncOptions | None:
        """Return the options of the run that is due now, or None."""

    def sync(self, options: SyncOptions) -> RunReport:
        """Do one run."""

    def register_service(self, pause: timedelta) -> None:
        """Store that the service is alive and does no run within the next `pause`."""

    def unregister_service(self) -> None:
        """Store that the service has ended."""


class Service:
    """Calls the worker until `stop` is set.

    Args:
        worker: does the runs.
        stop: ends the service.
        about: facts for the log at the start.
        monotonic: returns seconds of a monotonic clock.
        retry_at_most: longest wait after a failed run.
        tick_s: seconds between two checks of what is due.
    """

    def __init__(
        self,
        worker: Worker,
        stop: threading.Event,
        *,
        about: Mapping[str, Any] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        retry_at_most: timedelta = timedelta(minutes=5),
        tick_s: float = TICK_S,
    ) -> None:
        self._worker = worker
        self._stop = stop
        self._about = dict(about or {})
        self._monotonic = monotonic
        self._retry_at_most = retry_at_most
        self._tick = timedelta(seconds=tick_s)
        self._failures = 0
        self._failing_since = 0.0
        self._not_before = 0.0
        self._lease_note: str | None = None
        self._idle = threading.Event()
        self._idle.set()

    def serve(self) -> bool:
        """Serve until `stop` is set; return whether the current run ended in time.

        If it did not, the caller may end the process: its open transaction is rolled back.
        """
        # A check that was missed while the machine slept is made once, late. While a run takes
        # longer than the interval, no second one starts.
        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        job = scheduler.add_job(
            self.tick,
            "interval",
            seconds=self._tick.total_seconds(),
            next_run_time=datetime.now(UTC),
        )
        scheduler.start()
        log.info("service_started", **self._about)
        try:
            while not self._stop.wait(LOOK_S):
                self._keep_ticking(job)
        finally:
            scheduler.shutdown(wait=False)
        ended = self._idle.wait(STOP_S)
        # In a thread, because the process must end in time even if the database does not answer;
        # other processes then see that this service stopped reporting.
        unregister = threading.Thread(
            target=self._unregister_service, name="unregister", daemon=True
        )
        unregister.start()
        unregister.join(UNREGISTER_S)
        log.info("service_stopped", run_under_way="finished" if ended else "abandoned")
        return ended

    def _unregister_service(self) -> None:
        with suppress(StoreError):
            self._worker.unregister_service()

    def _keep_ticking(self, job: Any) -> None:
        """Reschedule the job after the system clock went back: its next run would be far away."""
        now = datetime.now(UTC)
        if job.next_run_time is not None and job.next_run_time - now > 2 * self._tick:
            log.warning("clock_went_back", by_s=int((job.next_run_time - now).total_seconds()))
            job.modify(next_run_time=now)

    def tick(self) -> None:
        """Do the run that is due, if any; never raises."""
        self._idle.clear()
        try:
            self._run_due()
            if not self._stop.is_set():
                pause_s = max(0.0, self._not_before - self._monotonic())
                self._worker.register_service(timedelta(seconds=pause_s))
        except DsyncError as exc:
            self._postpone(error=exc.message, exit_code=exc.exit_code)
        except Exception as exc:
            # The only broad `except` of the service: a bug in one run must not end the service.
            log.exception("run_crashed", error=type(exc).__name__)
            self._postpone(error=type(exc).__name__, exit_code=1)
        finally:
            self._idle.set()

    def _run_due(self) -> None:
        if self._stop.is_set() or self._monotonic() < self._not_before:
            return
        options = self._worker.due()
        if options is None:
            return
        report = self._worker.sync(options)
        if report.exit_code == LeaseHeldError.exit_code:
            self._wait_for_lease(report)
        elif report.exit_code == InterruptedRunError.exit_code:
            log.info("run_interrupted", run=report.run)
        elif report.status is Status.FAILED:
            self._postpone(
                run=report.run, error="; ".join(report.errors), exit_code=report.exit_code
            )
        else:
            if self._failures:
                minutes = round((self._monotonic() - self._failing_since) / 60)
                log.info("recovered", after=f"{minutes} min", failed_runs=self._failures)
            self._failures, self._not_before, self._lease_note = 0, 0.0, None
            for problem in report.errors:
                log.warning("run_problem", run=report.run, problem=problem)

    def _wait_for_lease(self, report: RunReport) -> None:
        """Wait while another process has the lease: this is no failure, and is logged once."""
        note = "; ".join(report.errors)
        if note != self._lease_note:
            log.info("lease_held_elsewhere", holder=note)
        self._lease_note = note
        self._not_before = self._monotonic() + LEASE_RETRY.total_seconds()

    def _postpone(self, **facts: Any) -> None:
        if not self._failures:
            self._failing_since = self._monotonic()
        self._failures += 1
        doubled = FIRST_RETRY * 2 ** min(self._failures - 1, 10)
        pause = min(doubled, max(self._retry_at_most, FIRST_RETRY))
        self._not_before = self._monotonic() + pause.total_seconds()
        log.error("run_postponed", retry_in_s=int(pause.total_seconds()), **facts)
