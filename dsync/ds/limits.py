"""The limits of requests to DS, the throttle that keeps to the rate, and what is sent again.

On PostgreSQL, all processes with one token share a budget of requests (`store/budget.py`); on
SQLite, the threads of the one process share the throttle.

The wait after a failed attempt doubles each time, with jitter; after a 429 it lasts until the rate
limit's reset.

All waits are on the stop event, which ends them.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeVar

from tenacity import RetryCallState, Retrying

from dsync.errors import DSError, DSRateLimitedError, DSUnavailableError, InterruptedRunError
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of requests to DS; a worker passes those of `[advanced]`."""

    # DS allows 400: the rest is for other uses of the token, such as `dsync check`.
    requests_per_minute: int = 350
    connect_timeout_s: float = 10.0
    deadline_s: float = 60.0
    """For one whole exchange. DS times out after 30 s; the rest is for connecting and the body."""
    probe_s: float = 10.0
    """The same for the small question that is asked first where DS may not answer."""
    # With the doubled waits below, an outage of about 30 s is survived within one run.
    attempts: int = 6
    backoff_s: float = 1.0
    """Wait before the second attempt; doubled for each further one."""
    # DS's rate limit resets within 60 s.
    max_wait_s: float = 90.0
    """Longest wait between two attempts, also when DS asks for a longer one."""
    max_response_mib: float = 16.0
    """Maximum size of a decoded answer."""
    push_batch: int = 50
    """Maximum number of dossiers whose annotations are in a mutation document."""
    # DS's own limit of a file.
    max_piece_mib: float = 200.0
    piece_deadline_s: float = 60.0
    """For the download of one file."""


WINDOW_S = 60.0
RESERVE = 0.15
"""Share of the requests a minute that only urgent ones may use: of people and of webhooks."""
PERMITS = 20
"""Requests that a process takes at once of a budget that it shares with other processes."""
PERMITS_S = 5.0
"""Time in which they are used, in seconds."""
_LOOK_S = 2.0
"""Interval at which a shared budget is asked again: others give back what they did not use."""


class Permits(Protocol):
    """A budget of requests that several processes share."""

    def take(
        self, permits: int, least: int, limit: int, used: Mapping[str, int]
    ) -> tuple[str, int, float]:
        """Return by what up to so many permits are given back, and how many there are.

        If there are none, in how many seconds the next attempt can succeed.
        """

    def pause(self, wait_s: float) -> None:
        """Have all processes wait."""


@dataclass(slots=True)
class _Held:
    """Permits that this process has of a shared budget."""

    id: str
    permits: int
    left: int
    until: float
    urgent: bool


class Throttle:
    """Limits the requests in any 60 s, because DS counts them by its own clock's minutes.

    They are counted here, or by `shared`, the budget of all processes on a database.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._held: list[_Held] = []
        self._paused_until = 0.0
        self.shared: Permits | None = None
        self.waits = 0
        """Number of requests that had to wait."""
        self.waited_s = 0.0

    def acquire(
        self, requests_per_minute: int, stop: threading.Event, *, urgent: bool = True
    ) -> bool:
        """Wait until one more request is allowed; return False when `stop` is set before.

        An urgent one may use what is kept for people and webhooks.
        """
        return self._wait(lambda: self._reserve(requests_per_minute, urgent=urgent), stop)

    def wait_for_room(
        self,
        requests_per_minute: int,
        requests: int,
        stop: threading.Event,
        *,
        urgent: bool = True,
    ) -> bool:
        """Wait until several requests are allowed, and count none; otherwise as `acquire`.

        Another thread can still use the room first.
        """

        def wait_s() -> float:
            with self._lock:
                return self._wait_s(requests_per_minute, requests, urgent=urgent)

        return self._wait(wait_s, stop)

    def _wait(self, next_try_s: Callable[[], float], stop: threading.Event) -> bool:
        has_waited = False
        while not stop.is_set():
            wait_s = next_try_s()
            if wait_s <= 0:
                return True
            with self._lock:
                self.waits += not has_waited
                self.waited_s += wait_s
            has_waited = True
            stop.wait(wait_s)
        return False

    def pause(self, wait_s: float) -> None:
        """Allow no request for `wait_s` seconds, after a 429."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._monotonic() + wait_s)
            if self.shared is not None:
                self.shared.pause(wait_s)

    def _reserve(self, requests_per_minute: int, *, urgent: bool) -> float:
        """Count a request and return 0.0, or return the seconds until the next try."""
        with self._lock:
            wait_s = self._wait_s(requests_per_minute, 1, urgent=urgent)
            if wait_s <= 0:
                if self.shared is None:
                    self._sent.append(self._monotonic())
                else:
                    self._usable(urgent=urgent)[0].left -= 1
            return wait_s

    def _wait_s(self, requests_per_minute: int, requests: int, *, urgent: bool) -> float:
        """Return the seconds until this number of requests is allowed, at most that of a minute."""
        now = self._monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        limit = requests_per_minute
        if not urgent:
            limit = max(1, int(limit * (1 - RESERVE)))
        if self.shared is not None:
            return self._wait_for_permits(self.shared, limit, requests, urgent=urgent)
        while self._sent and self._sent[0] <= now - WINDOW_S:
            self._sent.popleft()
        leaving = min(len(self._sent), len(self._sent) + requests - limit)
        # The window is full until these requests have left it.
        return self._sent[leaving - 1] + WINDOW_S - now if leaving > 0 else 0.0

    def _wait_for_permits(
        self, shared: Permits, limit: int, requests: int, *, urgent: bool
    ) -> float:
        now = self._monotonic()
        lacking = requests - sum(one.left for one in self._usable(urgent=urgent))
        if lacking <= 0:
            return 0.0
        ended = [one for one in self._held if one.until <= now]
        used = {one.id: one.permits - one.left for one in ended}
        # Few of a small limit, so that other processes get some, too.
        some = max(lacking, min(PERMITS, limit // 10))
        id_, permits, wait_s = shared.take(some, min(lacking, limit), limit, used)
        self._held = [one for one in self._held if one.until > now]
        if not permits:
            return min(max(wait_s, 0.05), _LOOK_S)
        self._held.append(_Held(id_, permits, permits, now + PERMITS_S, urgent))
        return 0.0

    def _usable(self, *, urgent: bool) -> list[_Held]:
        """Return the permits left; those that were taken of the reserve are for urgent requests."""
        now = self._monotonic()
        usable = [o for o in self._held if o.left and o.until > now and (urgent or not o.urgent)]
        return sorted(usable, key=lambda one: one.until)


_SHARED: dict[tuple[str, str], Throttle] = {}
_SHARED_LOCK = threading.Lock()


def shared_throttle(url: str, token: str) -> Throttle:
    """Return the throttle of an endpoint and a token, one for the whole process.

    DS counts the requests of a token, so all clients and threads share it.
    """
    # A digest, so that no module variable holds a token.
    key = (url, hashlib.sha256(token.encode()).hexdigest())
    with _SHARED_LOCK:
        return _SHARED.setdefault(key, Throttle())


class RetryPolicy(Enum):
    """After which failures a request is sent again, by kind of request."""

    PAGE = "page"
    """After a time-out or an internal error the caller requests a smaller page instead."""
    USUAL = "usual"
    LIGHT = "light"
    """For the light document: no request is smaller, so an internal error counts as an outage."""
    MUTATION = "mutation"
    """Never, not even after a 429: the caller first reads again what it would overwrite."""


def attempts_for(error: DSError, policy: RetryPolicy, most: int, *, answers: bool = True) -> int:
    """Return the total number of attempts after an error, at most `most`.

    `answers`: whether the endpoint answered before; one that did not, and refuses connections or is
    silent, is no outage of seconds.
    """
    if policy is RetryPolicy.MUTATION or error.details.get("is_final"):
        return 1
    if isinstance(error, DSRateLimitedError):
        return most
    fault = error.details.get("fault")
    if isinstance(error, DSUnavailableError):
        return most if answers or fault != Fault.UNREACHABLE else min(2, most)
    # One further attempt only, because each one keeps DS busy for 30 s.
    if fault in (Fault.TIMEOUT, Fault.DEADLINE):
        is_silent = fault == Fault.DEADLINE and not answers
        return 1 if policy is RetryPolicy.PAGE or is_silent else min(2, most)
    if fault == Fault.SERVER_ERROR and policy is not RetryPolicy.PAGE:
        return most if policy is RetryPolicy.LIGHT else min(2, most)
    return 1


def retried(
    act: Callable[[], T],
    limits: Limits,
    stop: threading.Event,
    clock: Callable[[], datetime],
    policy: RetryPolicy,
    notify: Callable[[DSError, int, int, float], None] = lambda *_: None,
    *,
    answers: bool = True,
) -> T:
    """Return what `act` returns, which sends one request, again where the policy says so.

    `notify` is called before each wait, with the error, the number of the attempt, of how many it
    is, and the seconds; `answers` is as of `attempts_for`.

    Raises:
        DSError: that of the last attempt.
        InterruptedRunError: `stop` was set between two attempts.
    """

    def most(error: DSError | None) -> int:
        return attempts_for(error, policy, limits.attempts, answers=answers) if error else 1

    def wait_s(state: RetryCallState) -> float:
        error = _error(state)
        seconds = limits.backoff_s * 2.0 ** (state.attempt_number - 1)
        if isinstance(error, DSRateLimitedError) and error.retry_at is not None:
            seconds = max(0.0, (error.retry_at - clock()).total_seconds())
        # So that requests that failed together are not sent again together.
        seconds += random.uniform(0, limits.backoff_s)  # noqa: S311 - not for secrets
        return min(seconds, limits.max_wait_s)

    def before(state: RetryCallState) -> None:
        if error := _error(state):
            notify(error, state.attempt_number, most(error), state.upcoming_sleep)

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise InterruptedRunError(k.Noted(k.Note.STOPPED_BEFORE_ASKING))

    return Retrying(
        # The number of attempts depends on the error.
        retry=lambda state: state.attempt_number < most(_error(state)),
        wait=wait_s,
        before_sleep=before,
        sleep=sleep,
        reraise=True,
    )(act)


def _error(state: RetryCallState) -> DSError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, DSError) else None
