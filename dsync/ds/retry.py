"""When a request is sent again: a number of attempts for each fault, waits that can be broken.

Waits double with jitter; a rate limit's own time is waited out. Nothing here sleeps but on the
stop event.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple

import tenacity
from tenacity import RetryCallState, Retrying

from dsync.ds.classify import Fault
from dsync.ds.limits import Limits
from dsync.errors import DSError, DSRateLimitedError, DSUnavailableError, InterruptedRunError


class Patience(Enum):
    """How often faults that a smaller request may cure are met again."""

    PAGE = "page"
    """The caller asks for less, or for the same once more."""
    USUAL = "usual"
    LIGHT = "light"
    """Nothing smaller is left: a 500 is taken for an outage."""
    MUTATION = "mutation"
    """Never again, but for the rate limiter's refusals."""


_SLOW = frozenset({Fault.TIMEOUT.value, Fault.DEADLINE.value})
_SERVER_ERROR = Fault.SERVER_ERROR.value


def attempts_for(error: BaseException, patience: Patience, most: int) -> int:
    """Return how many attempts in all an error deserves."""
    if isinstance(error, DSRateLimitedError):
        return most
    if patience is Patience.MUTATION or not isinstance(error, DSError):
        return 1
    if isinstance(error, DSUnavailableError):
        return most
    fault = error.details.get("fault")
    if fault in _SLOW:
        return 1 if patience is Patience.PAGE else min(2, most)
    if fault == _SERVER_ERROR and patience is not Patience.PAGE:
        return most if patience is Patience.LIGHT else min(2, most)
    return 1


class Waiting(NamedTuple):
    """Said before each wait: what the attempt met, and when the next one comes."""

    error: BaseException | None
    attempt: int
    attempts: int
    wait_s: float


def retrying(
    limits: Limits,
    stop: threading.Event,
    clock: Callable[[], datetime],
    patience: Patience,
    tell: Callable[[Waiting], None] = lambda _: None,
) -> Iterator[tenacity.AttemptManager]:
    """Yield the attempts of one request; the last one's error is raised.

    Args:
        limits: how many attempts, and how far apart.
        stop: ends the waiting.
        clock: the present, for a rate limit's own time.
        patience: which faults are worth another attempt.
        tell: called before each wait.

    Raises:
        InterruptedRunError: `stop` was set between two attempts.
    """

    def is_worth_it(state: RetryCallState) -> bool:
        error = _error(state)
        return error is not None and state.attempt_number < attempts_for(
            error, patience, limits.attempts
        )

    def wait_s(state: RetryCallState) -> float:
        error = _error(state)
        jitter = random.uniform(0, limits.backoff_s)  # noqa: S311 - not for secrets
        if isinstance(error, DSRateLimitedError) and error.retry_at is not None:
            until = (error.retry_at - clock()).total_seconds()
            return min(max(0.0, until) + jitter, limits.max_wait_s)
        doubled = limits.backoff_s * 2.0 ** (state.attempt_number - 1)
        return min(doubled + jitter, limits.max_wait_s)

    def before(state: RetryCallState) -> None:
        error, upcoming = _error(state), state.upcoming_sleep
        most = attempts_for(error, patience, limits.attempts) if error else limits.attempts
        tell(Waiting(error, state.attempt_number, most, upcoming))

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise InterruptedRunError("Asked to stop while waiting to ask DS again.")

    return iter(
        Retrying(
            retry=is_worth_it,
            wait=wait_s,
            before_sleep=before,
            sleep=sleep,
            stop=tenacity.stop_never,
            reraise=True,
        )
    )


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
