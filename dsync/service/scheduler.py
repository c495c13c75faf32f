"""The background service: a pool of workers that do the due runs of all démarches.

The database says which démarche is due (`store/turns.py`): one thread claims them, those of the
pool do the runs. Any number of services share the work. A failed run is logged and retried after
increasing waits; it never ends the service, nor delays the other démarches. Which run is due is
computed from times in the database: the scheduler has no schedule of its own.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from dsync import __version__
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import DsyncError, InterruptedRunError, LeaseHeldError, StoreError
from dsync.store import RunningService
from dsync.store.codes import Status
from dsync.store.store import process_name
from dsync.store.turns import LATE, Turn
from dsync.sync.work import Read, Request, error_of

if TYPE_CHECKING:
    from dsync.wiring import Worker

log = structlog.get_logger(__name__)

NOW = timedelta(0)
WATCH_AFTER = timedelta(seconds=2)
"""From the start to the first look for what is to be told."""
TICK_S = 2.0
"""Interval at which is looked for what is due. PostgreSQL tells at once what is asked for."""
LOOK_S = 1.0
"""Interval at which the main thread looks at the clock."""
REGISTER_S = 60.0
"""Interval at which the service registers."""
RELOAD_S = 30.0
"""Interval at which the configuration is looked at."""
PAUSE = timedelta(seconds=1)
"""Minimum time between two reads for webhooks, however many arrive."""
AGAIN = timedelta(seconds=2)
"""Time after which is tried again what another process, or a wrong setting, kept from beginning."""
JITTER = 0.1
"""By which share of it a wait is longer at most, so that many démarches are not due together."""
FIRST_RETRY = timedelta(seconds=15)
DOUBTED = timedelta(minutes=15)
"""For how long a démarche has to succeed after a failure before it shares the workers again."""
SILENT_S = 10.0
"""A run that has waited so long for an answer of DS takes no worker of others any more."""
SILENT = 60
"""Maximum number of such runs."""
LONG = timedelta(seconds=10)
"""Démarches whose last run took longer have fewer than half of the workers while others are due."""
STOP_S = 4.0
"""Time for a run to finish its page after a stop signal; the process must end within 5 s."""
UNREGISTER_S = 0.5
Next = tuple[Turn, datetime | None]
"""What is stored after a turn, and until when it counts as claimed."""
_MOST_ANNOUNCED = 1000
"""Dossiers of a démarche that webhooks announced and the database could not take: the next read by
schedule finds the others."""


class Watch(Protocol):
    """What is called regularly beside the runs."""

    every_s: float
    """Interval between two calls, in seconds."""

    def tick(self) -> None:
        """Do what is due."""


class DemarcheJob:
    """Does the due run of one démarche.

    `succeeded` is called with its worker after each run without a failure, `crashed` with an
    exception that is a bug of dsync.
    """

    def __init__(
        self,
        worker: Worker,
        *,
        succeeded: Callable[[Worker], None] = lambda _: None,
        crashed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self.worker = worker
        self._succeeded = succeeded
        self._crashed = crashed

    def take(self, turn: Turn, *, is_doubted: bool = False) -> bool:
        """Do what is due of a claimed démarche, and store when it is due again.

        `is_doubted`: DS may not answer, so it is asked for little at first. Returns whether
        nothing failed.

        Raises:
            StoreError: the database failed; the claim ends by itself.
        """
        # The last run of this thread may be another démarche's.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(demarche=self.worker.demarche)
        try:
            request = self._due(turn)
            if request is None:
                after: Next = self._idle(turn), None
            else:
                after = self._do(turn, request, is_doubted=is_doubted or turn.is_doubted)
        except StoreError:
            raise
        except DsyncError as exc:
            after = self._postponed(turn, error=exc.message, exit_code=exc.exit_code)
        except Exception as exc:
            # A bug in one run must not end the service.
            error = error_of(exc)
            log.exception("run_crashed", error=error.message)
            self._crashed(exc)
            after = self._postponed(turn, error=error.message, exit_code=error.exit_code)
        self.worker.store.turns.end(*after)
        return not after[0].failures

    def _due(self, turn: Turn) -> Request | None:
        if self.worker.stop.is_set():
            return None
        # A person waits for it, so it is tried also during the wait after a failure.
        request = self.worker.requested()
        if (request and request.id) or turn.due_at > self.worker.clock():
            return request
        scheduled = self.worker.due()
        # Before what webhooks announced: what does not need DS, what may end the failures, and what
        # has waited for them.
        is_late = turn.failures or turn.due_at < self.worker.clock() - LATE
        is_first = scheduled and (is_late or not isinstance(scheduled.work, Read))
        return scheduled if is_first else request or scheduled

    def _idle(self, turn: Turn) -> Turn:
        """Return when a démarche is due of which nothing is, as after another's success."""
        is_waiting = turn.failures and turn.due_at > self.worker.clock()
        return turn if is_waiting or self.worker.stop.is_set() else self._fresh(turn)

    def _fresh(self, turn: Turn) -> Turn:
        now = self.worker.clock()
        at = self.worker.next_run_at()
        jitter = random.uniform(0, JITTER)  # noqa: S311 - no secret
        since = now if turn.failures else turn.failing_since
        # One that fails every other time is still doubted.
        since = None if since is None or now - since >= DOUBTED else since
        return Turn(turn.demarche, at + (at - now) * jitter, failing_since=since)

    def _do(self, turn: Turn, request: Request, *, is_doubted: bool) -> Next:
        report = self.worker.execute(request, is_doubted=is_doubted)
        now = self.worker.clock()
        is_failed = report.status is Status.FAILED
        reads = isinstance(request.work, Read)
        if report.exit_code == LeaseHeldError.exit_code:
            # A command has it, or a dry run: nothing to tell.
            log.debug("lease_held_elsewhere", holder="; ".join(report.errors))
            return turn, now + AGAIN
        if report.exit_code == InterruptedRunError.exit_code:
            log.info("run_interrupted")
            return turn, None
        if report.run and ((request.id and is_failed) or not (reads or is_failed)):
            # The result is for who asked, or of an erasure by age: the schedule of the reads goes
            # on as if it had not been.
            log.info("request_done", exit_code=report.exit_code)
            return (turn if turn.failures else turn._replace(due_at=now)), None
        if is_failed:
            return self._postponed(turn, error="; ".join(report.errors), exit_code=report.exit_code)
        for problem in report.errors:
            log.warning("run_problem", problem=problem)
        if request.announced:
            # The reads by schedule go on; what could not be sent makes one due.
            due_at = turn.due_at if turn.failures else min(turn.due_at, self._fresh(turn).due_at)
            return turn._replace(due_at=due_at), now + PAUSE
        if turn.failures:
            minutes = round((now - (turn.failing_since or now)).total_seconds() / 60)
            log.info("recovered", after=f"{minutes} min", failed_runs=turn.failures)
        self._succeeded(self.worker)
        return self._fresh(turn), None

    def _postponed(self, turn: Turn, **facts: Any) -> Next:
        now, failures = self.worker.clock(), turn.failures + 1
        # Bounded: a failing service would double it until it overflows.
        doubled = FIRST_RETRY * 2 ** min(failures - 1, 10)
        # No longer than until the next read by schedule.
        pause = min(doubled, self.worker.configuration.schedule.incremental)
        log.error("run_postponed", retry_in_s=int(pause.total_seconds()), **facts)
        since = (turn.failing_since if turn.failures else None) or now
        # A request that could not begin stays: it is not tried again and again at once.
        return Turn(turn.demarche, now + pause, failures, since), now + AGAIN


@dataclass(slots=True)
class _AtWork:
    """A run under way."""

    worker: Worker
    answered: int
    """How often its DS had answered when it was last looked at; the small question that DS may have
    to answer first is none."""
    is_doubted: bool
    is_sure: bool
    """Whether DS is asked for all at once."""
    began: float
    is_silent: bool = False
    """Whether it has waited for long for an answer, be it over."""


class Service:
    """Does the due runs of all démarches until `stop` is set.

    The workers have one database. Their list is kept, and changed by `replace`: who else has it
    sees the present ones. At most `slots` runs are done at the same time, by what `job` makes of a
    worker, and one more of a démarche that failed not long ago: such ones take no worker of others,
    but for one where they succeed again. Nor do runs that wait for DS for long.

    `watches` are called as often as they ask for, each in a thread of its own. `reload` is called
    twice a minute, and at SIGHUP with True; it returns the workers if others are to serve. `noted`
    is called after each look for what is due, with why the database let none begin. `about` are
    facts for the log at the start; `tick_s` are the seconds between two looks.
    """

    def __init__(
        self,
        workers: list[Worker],
        stop: threading.Event,
        *,
        slots: int = 4,
        job: Callable[[Worker], DemarcheJob] = DemarcheJob,
        watches: Sequence[Watch] = (),
        reload: Callable[[bool], Sequence[Worker] | None] | None = None,
        noted: Callable[[StoreError | None], None] = lambda _: None,
        about: Mapping[str, Any] | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        self._workers = workers
        self._store, self._clock = workers[0].store, workers[0].clock
        self._stop = stop
        self._slots = slots
        self._job = job
        self._watches = watches
        self._reload = reload
        self._noted = noted
        self._about = dict(about or {})
        self._tick_s = tick_s
        self._started_at = self._clock()
        self._woken = threading.Event()
        self._reload_now = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[DemarcheNumber, _AtWork] = {}
        self._idle = threading.Event()
        self._idle.set()
        self._announced: dict[DemarcheNumber, dict[DossierNumber, None]] = defaultdict(dict)
        self._answered_at: dict[str, float] = {}
        """When an address of DS last answered: one démarche at a time tries another one."""
        self._away: set[str] = set()
        """Addresses that did not since; their démarches are doubted."""
        self._long: set[DemarcheNumber] = set()
        """Démarches whose last run was long."""
        self._revives = False
        """Whether the last run of a doubted démarche succeeded: then two of them are at work."""
        self._has_entered = False
        self._is_unavailable = False
        """Whether the database was unavailable at the last check."""

    def ask(self, demarche: DemarcheNumber, dossiers: Sequence[DossierNumber]) -> bool:
        """Ask for a read of dossiers soon; return False if the service does not serve the démarche.

        It returns at once: the database is asked by another thread.
        """
        if all(worker.demarche != demarche for worker in self._workers):
            return False
        with self._lock:
            waiting = self._announced[demarche]
            waiting.update(dict.fromkeys(dossiers[: _MOST_ANNOUNCED - len(waiting)]))
        self._woken.set()
        return True

    def reload(self) -> None:
        """Look at the configuration now."""
        self._reload_now.set()

    def replace(self, workers: Sequence[Worker]) -> None:
        """Serve other démarches from now on; runs under way go on with what they began with."""
        former = [one for one in self._workers if one not in workers]
        added = [one.demarche for one in workers if one not in self._workers]
        with self._lock:
            self._workers[:] = workers
            at_work = [run.worker for run in self._running.values()]
        for worker in former:
            if worker not in at_work:
                worker.retire()
        self._store.turns.enter(added, self._clock())
        self._register()

    def serve(self) -> bool:
        """Serve until `stop` is set; return whether the current runs ended in time.

        If one did not, the caller may end the process: its open transaction is rolled back.
        """
        # A check that was missed while the machine slept is made once, late. While one takes
        # longer than the interval, no second one starts.
        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

        def every(seconds: float, act: Callable[[], None], after: timedelta = NOW) -> Any:
            first = datetime.now(UTC) + after
            return scheduler.add_job(act, "interval", seconds=seconds, next_run_time=first)

        ticks = [every(self._tick_s, self._woken.set), every(REGISTER_S, self._register)]
        # Services that start together are registered by then: one of them makes the checks.
        idle = [self._idle]
        for one in self._watches:
            idle.append(threading.Event())
            idle[-1].set()
            ticks.append(every(one.every_s, partial(_while_busy, one.tick, idle[-1]), WATCH_AFTER))
        if self._reload is not None:
            ticks.append(every(RELOAD_S, self._look_at_configuration))
        pool = ThreadPoolExecutor(self._slots + SILENT + 1, thread_name_prefix="dsync-run")
        for act in (lambda: self._claim_until_stop(pool), self._listen):
            threading.Thread(target=act, name="dsync-turns", daemon=True).start()
        scheduler.start()
        log.info("service_started", **self._about)
        try:
            while not self._stop.wait(LOOK_S):
                for tick in ticks:
                    _keep_ticking(tick)
                if self._reload is not None and self._reload_now.is_set():
                    _tick_now(ticks[-1])
        finally:
            scheduler.shutdown(wait=False)
            self._woken.set()
        until = time.monotonic() + STOP_S
        # A list: each is waited for, all until the same instant.
        ended = all([one.wait(max(0.0, until - time.monotonic())) for one in idle])
        # In a thread, because the process must end in time even if the database does not answer;
        # other processes then see that this service stopped reporting.
        unregister = threading.Thread(target=self._unregister, name="unregister", daemon=True)
        unregister.start()
        unregister.join(UNREGISTER_S)
        log.info("service_stopped", run_under_way="finished" if ended else "abandoned")
        return ended

    def _register(self) -> None:
        """Tell the other processes that this service lives, in one transaction for all."""
        # A service that ends is unregistered by `serve`, and must not come back.
        if self._stop.is_set():
            return
        numbers = [worker.demarche for worker in self._workers]
        now = self._clock()
        # A start in the future, by a clock that went back since, would hold alerts back.
        self._started_at = min(self._started_at, now)
        service = RunningService(process_name(), __version__, self._started_at, now, now)
        with suppress(StoreError):
            if not self._has_entered:
                # Also what waits after a failure is tried once at the start of a service.
                self._store.turns.enter(numbers, now)
                self._has_entered = True
                self._woken.set()
            self._store.services.register(service, numbers)

    def _unregister(self) -> None:
        with suppress(StoreError):
            self._store.services.unregister(process_name())

    def _look_at_configuration(self) -> None:
        anew = self._reload_now.is_set()
        self._reload_now.clear()
        workers = self._reload and self._reload(anew)
        if workers is not None and not self._stop.is_set():
            try:
                self.replace(workers)
            except StoreError as exc:
                self._note_unavailable(exc)

    def _listen(self) -> None:
        """Look at once for what people and webhooks ask for, where PostgreSQL tells it."""
        while not self._stop.is_set():
            try:
                self._store.listen(self._stop, self._woken.set)
            except StoreError as exc:
                log.debug("not_listening", error=exc.message)
            else:
                return
            self._stop.wait(REGISTER_S)

    def _claim_until_stop(self, pool: ThreadPoolExecutor) -> None:
        while not self._stop.is_set():
            self._woken.wait()
            self._woken.clear()
            try:
                self._announce()
                while self._claim(pool):
                    pass
                self._noted(None)
            except StoreError as exc:
                self._note_unavailable(exc)
                self._noted(exc)
            except Exception:
                # A bug here would leave a service that lives and does nothing.
                log.exception("turns_crashed")

    def _announce(self) -> None:
        """Store what webhooks announced: together, however many they were."""
        with self._lock:
            announced, self._announced = self._announced, defaultdict(dict)
        if not announced:
            return
        try:
            rows = {number: list(dossiers) for number, dossiers in announced.items()}
            self._store.turns.announce(rows, self._clock())
        except StoreError:
            with self._lock:
                for number, dossiers in announced.items():
                    self._announced[number] = dossiers | self._announced[number]
            raise

    def _claim(self, pool: ThreadPoolExecutor) -> bool:
        """Begin the next turn; return False if none is due, or all workers have one."""
        with self._lock:
            served = {worker.demarche: worker for worker in self._workers}
            self._note_answers()
            runs = self._running.values()
            doubted = sum(run.is_doubted for run in runs)
            silent = Counter(run.is_doubted for run in runs if run.is_silent)
            beside = max(min(doubted, 1), silent[True]) + min(silent[False], SILENT)
            free = self._slots - len(runs) + beside
            at_work = {run.worker.settings.ds_url for run in runs}
            # What does not answer would hold each worker for a minute, to learn the same.
            tried = at_work - self._answered_at.keys()
            left = {
                number: one.settings.ds_url
                for number, one in sorted(served.items())
                if number not in self._running and one.settings.ds_url not in tried
            }
            away = [number for number, address in left.items() if address in self._away]
            others = [number for number in left if number not in self._long]
            at_length = sum(
                number in self._long and not run.is_silent for number, run in self._running.items()
            )
        if self._stop.is_set() or not left:
            return False
        claim = partial(self._store.turns.claim, [*left], self._clock(), away=away)
        # One worker is left to people and webhooks.
        is_last, turn = free == 1 and self._slots > 1, None
        if others and free > is_last and at_length >= max(1, (self._slots - 1) // 2):
            turn = self._store.turns.claim(others, self._clock(), away=away)
        if turn is None and free > 0:
            turn = claim(urgent=is_last)
        is_doubted = turn is None
        if turn is None and (not doubted or (doubted == 1 and self._revives and free > 1)):
            turn = claim(doubted=True)
        if turn is None and doubted == 1 and free > 0:
            # A person who mended something does not wait for those that are still broken.
            turn = claim(doubted=True, urgent=True)
        if turn is None:
            return False
        worker = served[turn.demarche]
        with self._lock:
            is_sure = worker.settings.ds_url in self._answered_at and not is_doubted
            answered = worker.answered + (not is_sure)
            run = _AtWork(worker, answered, is_doubted, is_sure, time.monotonic())
            self._running[turn.demarche] = run
            self._idle.clear()
        pool.submit(self._take, run, turn)
        return True

    def _note_answers(self) -> None:
        now = time.monotonic()
        for run in self._running.values():
            if run.worker.answered > run.answered:
                run.answered = run.worker.answered
                self._answered_at[run.worker.settings.ds_url] = now
                self._away.discard(run.worker.settings.ds_url)
        for run in self._running.values():
            address = run.worker.settings.ds_url
            if run.worker.silent_s <= SILENT_S:
                continue
            run.is_silent = True
            if self._answered_at.get(address, 0.0) < now - SILENT_S:
                self._away.add(address)

    def _take(self, run: _AtWork, turn: Turn) -> None:
        worker, address = run.worker, run.worker.settings.ds_url
        is_done, began = False, worker.clock()
        try:
            is_done = self._job(worker).take(turn, is_doubted=not run.is_sure)
            if self._is_unavailable:
                log.info("database_available")
                self._is_unavailable = False
        except StoreError as exc:
            self._note_unavailable(exc)
        finally:
            with self._lock:
                self._note_answers()
                # Not where others have had answers meanwhile: then it is this démarche alone.
                if worker.is_ds_away and self._answered_at.get(address, 0.0) < run.began:
                    self._away.add(address)
                if run.is_doubted:
                    self._revives = is_done
                is_long = worker.clock() - began > LONG
                (self._long.add if is_long else self._long.discard)(turn.demarche)
                del self._running[turn.demarche]
                is_former = worker not in self._workers
                if not self._running:
                    self._idle.set()
            if is_former:
                worker.retire()
            self._woken.set()

    def _note_unavailable(self, error: StoreError) -> None:
        """Log once that the database is unavailable: the next check tries again."""
        if not self._is_unavailable:
            log.error("database_unavailable", error=error.message)
        self._is_unavailable = True


def _while_busy(act: Callable[[], None], idle: threading.Event) -> None:
    idle.clear()
    try:
        act()
    finally:
        idle.set()


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
