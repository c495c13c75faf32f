"""The background service: one tick job that asks what is due and runs it.

A failed run is logged and tried again later, further apart each time; it never ends the
service. What is due is the worker's answer, from stored times: the scheduler keeps no state.
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

TICK_S = 5.0
LOOK_S = 1.0
"""How often the main thread looks whether the clock went back."""
FIRST_RETRY = timedelta(seconds=15)
LEASE_RETRY = timedelta(seconds=30)
STOP_S = 4.0
"""What a run gets to reach the end of its page; the process must be gone within 5 s."""
SIGN_OFF_S = 0.5


class Worker(Protocol):
    """What the service drives."""

    def due(self) -> SyncOptions | None:
        """Return the run that is due now, or None."""

    def sync(self, options: SyncOptions) -> RunReport:
        """Run once."""

    def sign_in(self, pause: timedelta) -> None:
        """Show that the service runs, and that its next run is no earlier than in `pause`."""

    def sign_off(self) -> None:
        """Show that it has ended."""


class Service:
    """Runs the worker until `stop` is set."""

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
        """Tick until stopped; return whether the run under way came to its end in time.

        When it did not, nothing is half done (a page is stored whole or not at all) and the
        caller may end the process.
        """
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
        # A database that does not answer learns it by the silence: the process has to be gone.
        signing_off = threading.Thread(target=self._sign_off, name="sign-off", daemon=True)
        signing_off.start()
        signing_off.join(SIGN_OFF_S)
        log.info("service_stopped", run_under_way="finished" if ended else "abandoned")
        return ended

    def _sign_off(self) -> None:
        with suppress(StoreError):
            self._worker.sign_off()

    def _keep_ticking(self, job: Any) -> None:
        """Put the next tick to now when the clock went back: by that clock it is far away."""
        now = datetime.now(UTC)
        if job.next_run_time is not None and job.next_run_time - now > 2 * self._tick:
            log.warning("clock_went_back", by_s=int((job.next_run_time - now).total_seconds()))
            job.modify(next_run_time=now)

    def tick(self) -> None:
        """Run what is due, if anything; never raise."""
        self._idle.clear()
        try:
            self._run_due()
            if not self._stop.is_set():
                pause_s = max(0.0, self._not_before - self._monotonic())
                self._worker.sign_in(timedelta(seconds=pause_s))
        except DsyncError as exc:
            self._postpone(error=exc.message, exit_code=exc.exit_code)
        except Exception as exc:
            # The one broad catch of the service: a fault in one run must not end the next ones.
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
        """Another process works on this démarche: no failure, and said once."""
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
