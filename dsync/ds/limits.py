"""How often DS is asked: the configured limits, the request rate, the repetition after a failure.

The wait before a repetition doubles after each attempt, with jitter; after a 429 it lasts until the
rate limit's reset. All waits are on the stop event, which ends them.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

import tenacity
from tenacity import RetryCallState, Retrying

from dsync.ds.classify import Fault
from dsync.errors import DSError, DSRateLimitedError, DSUnavailableError, InterruptedRunError


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of requests to DS; where `[ds]` does not set one, these values hold."""

    # DS allows 400: the rest is for other uses of the token, such as `dsync check`.
    requests_per_minute: int = 350
    connect_timeout_s: float = 10.0
    deadline_s: float = 60.0
    """For one whole exchange. DS times out after 30 s; the rest is for connecting and the body."""
    # With the doubled waits below, an outage of about 30 s is survived within one run.
    attempts: int = 6
    backoff_s: float = 1.0
    """Wait before the second attempt; doubled for each further one."""
    # DS's rate limit resets within 60 s.
    max_wait_s: float = 90.0
    """Longest wait between two attempts, also when DS asks for a longer one."""
    max_response_mib: float = 64.0
    """Maximum size of a decoded answer."""
    allow_http: bool = False
    """Whether http:// to other machines is allowed."""


WINDOW_S = 60.0


class Throttle:
    """Limits the requests in any 60 s, because DS counts them by its own clock's minutes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._paused_until = 0.0
        self.waits = 0
        """Number of requests that had to wait."""
        self.waited_s = 0.0

    def acquire(self, requests_per_minute: int, stop: threading.Event) -> bool:
        """Wait until one more request is allowed; return False when `stop` is set before."""
        return self._wait(lambda: self._reserve(requests_per_minute), stop)

    def wait_for_room(self, requests_per_minute: int, requests: int, stop: threading.Event) -> bool:
        """Wait until several requests are allowed, and count none; otherwise as `acquire`.

        Another thread can still use the room first.
        """

        def wait_s() -> float:
            with self._lock:
                return self._wait_s(requests_per_minute, requests)

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

    def _reserve(self, requests_per_minute: int) -> float:
        """Count a request and return 0.0, or return the seconds until the next try."""
        with self._lock:
            wait_s = self._wait_s(requests_per_minute, 1)
            if wait_s <= 0:
                self._sent.append(self._monotonic())
            return wait_s

    def _wait_s(self, requests_per_minute: int, requests: int) -> float:
        """Return the seconds until this number of requests is allowed, at most that of a minute."""
        now = self._monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        while self._sent and self._sent[0] <= now - WINDOW_S:
            self._sent.popleft()
        leaving = len(self._sent) + requests - requests_per_minute
        # The window is full until these requests have left it.
        return self._sent[leaving - 1] + WINDOW_S - now if leaving > 0 else 0.0


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
    """How often a request is repeated, by kind of request."""

    PAGE = "page"
    """After a time-out or an internal error the caller requests a smaller page instead."""
    USUAL = "usual"
    LIGHT = "light"
    """For the light document: no request is smaller, so an internal error counts as an outage."""
    MUTATION = "mutation"
    """Never: the caller first reads again what the mutation would overwrite."""


# By their values, because an error's details hold texts.
_SLOW = frozenset({Fault.TIMEOUT.value, Fault.DEADLINE.value})
_SERVER_ERROR = Fault.SERVER_ERROR.value


def attempts_for(error: BaseException, policy: RetryPolicy, most: int) -> int:
    """Return the total number of attempts after an error.

    Args:
        error: of the last attempt.
        policy: of the request.
        most: the configured maximum.
    """
    if policy is RetryPolicy.MUTATION or not isinstance(error, DSError):
        return 1
    if isinstance(error, DSRateLimitedError):
        return most
    if isinstance(error, DSUnavailableError):
        return most
    fault = error.details.get("fault")
    # One further attempt only, because each one keeps DS busy for 30 s.
    if fault in _SLOW:
        return 1 if policy is RetryPolicy.PAGE else min(2, most)
    if fault == _SERVER_ERROR and policy is not RetryPolicy.PAGE:
        return most if policy is RetryPolicy.LIGHT else min(2, most)
    return 1


class RetryNotice(NamedTuple):
    """A failed attempt and the wait before the next one."""

    error: BaseException | None
    attempt: int
    attempts: int
    wait_s: float


def retrying(
    limits: Limits,
    stop: threading.Event,
    clock: Callable[[], datetime],
    policy: RetryPolicy,
    notify: Callable[[RetryNotice], None] = lambda _: None,
) -> Iterator[tenacity.AttemptManager]:
    """Yield the attempts of one request; the error of the last one is raised.

    Args:
        limits: number of attempts, and waits.
        stop: ends a wait.
        clock: returns the current instant.
        policy: after which faults the request is repeated.
        notify: called before each wait.

    Raises:
        InterruptedRunError: `stop` was set between two attempts.
    """

    def is_worth_it(state: RetryCallState) -> bool:
        error = _error(state)
        return error is not None and state.attempt_number < attempts_for(
            error, policy, limits.attempts
        )

    def wait_s(state: RetryCallState) -> float:
        error = _error(state)
        # So that requests that failed together are not repeated together.
        jitter = random.uniform(0, limits.backoff_s)  # noqa: S311 - not for secrets
        if isinstance(error, DSRateLimitedError) and error.retry_at is not None:
            until = (error.retry_at - clock()).total_seconds()
            return min(max(0.0, until) + jitter, limits.max_wait_s)
        doubled = limits.backoff_s * 2.0 ** (state.attempt_number - 1)
        return min(doubled + jitter, limits.max_wait_s)

    def before(state: RetryCallState) -> None:
        error, upcoming = _error(state), state.upcoming_sleep
        most = attempts_for(error, policy, limits.attempts) if error else limits.attempts
        notify(RetryNotice(error, state.attempt_number, most, upcoming))

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise InterruptedRunError("Asked to stop while waiting to ask DS again.")

    return iter(
        Retrying(
            retry=is_worth_it,
            wait=wait_s,
            before_sleep=before,
            sleep=sleep,
            # `is_worth_it` ends the attempts: their number depends on the error.
            stop=tenacity.stop_never,
            reraise=True,
        )
    )


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
