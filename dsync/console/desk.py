"""Has what people ask for executed: by the running service, else in a thread of this process."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import NamedTuple

import structlog

from dsync.errors import DsyncError, InterruptedRunError, LeaseHeldError
from dsync.sync.by_hand import living_service
from dsync.sync.report import RunReport, SyncOptions
from dsync.wiring import App

log = structlog.get_logger(__name__)

LEASE_WAIT_S = 120
"""How long a request waits for another process that works on the démarche."""
KEPT_TRIALS = 20


class Trial(NamedTuple):
    """A dry run, with its result."""

    id: int
    demarche: int
    title: str
    begun_at: datetime
    result: Future[RunReport]


class Desk:
    """Takes requests. One thread executes them, one after the other.

    Args:
        stop: ends a run under way.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="dsync-console")
        self._trials: dict[int, Trial] = {}
        # Pages are made in several threads: two must not take the same number.
        self._trial_ids = count(1)

    def ask(self, app: App, options: SyncOptions) -> int:
        """Store a request, and see that it is executed; return its id.

        Raises:
            StoreError: the database failed; nothing was asked for.
        """
        now = app.clock()
        with app.store.requests(app.demarche) as requests:
            id_ = requests.ask(options.kind.value, options.queued(), options.started_by, now)
        if living_service(app.store, app.demarche, now) is None:
            done = self._threads.submit(self._execute, app, id_)
            done.add_done_callback(partial(_end_crashed, app, id_, options))
        return id_

    def attempt(self, app: App, title: str, options: SyncOptions) -> Trial:
        """Do a dry run in the thread; the results of the last ones are kept."""
        id_ = next(self._trial_ids)
        result = self._threads.submit(app.sync, options)
        trial = Trial(id_, app.demarche, title, app.clock(), result)
        self._trials[id_] = trial
        self._trials.pop(id_ - KEPT_TRIALS, None)
        return trial

    def trial(self, id_: int) -> Trial | None:
        """Return a trial, None if it is unknown or no longer kept."""
        return self._trials.get(id_)

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _execute(self, app: App, id_: int) -> None:
        """Execute a request, in place of a service; it stays open if a stop interrupts it."""
        with app.store.reading(app.demarche) as reader:
            request = reader.request(id_)
        # It was taken back, or a service that has started since has executed it.
        if request is None or request.fini_le is not None or self._stop.is_set():
            return
        options = SyncOptions.of_request(request)
        try:
            report = app.sync(replace(options, wait_s=LEASE_WAIT_S))
        except DsyncError as exc:
            report = RunReport(options.kind, app.clock())
            report.fail(exc)
        if report.run is not None or report.exit_code == InterruptedRunError.exit_code:
            return
        # It did not begin, so no run stores its result.
        with app.store.requests(app.demarche) as requests:
            now = requests.request(id_)
            is_elsewhere = report.exit_code == LeaseHeldError.exit_code and now and now.commence_le
            # A service that was started meanwhile executes it, and stores its result.
            if not is_elsewhere:
                requests.finish_request(
                    id_,
                    options=options.asked(),
                    code=report.exit_code,
                    result=report.to_json(),
                    now=app.clock(),
                )


def _end_crashed(app: App, id_: int, options: SyncOptions, done: Future[None]) -> None:
    """End a request in which a bug of dsync ended the work; its page would else wait for ever."""
    crash = None if done.cancelled() else done.exception()
    if crash is None:
        return
    log.error("request_crashed", error=type(crash).__name__, exc_info=crash)
    error = DsyncError(f"Internal error of dsync ({type(crash).__name__}): the log has more.")
    app.give_up(replace(options, request=id_), error)
