"""Which failed requests to DS are sent again, how often, and after which wait.

The wait doubles after each attempt, with jitter; after a 429 it lasts until the rate limit's reset.
All waits are on the stop event, which ends them.
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

from dsync.ds.limits import Limits
from dsync.errors import DSError, DSRateLimitedError, DSUnavailableError, InterruptedRunError
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault


class RetryPolicy(Enum):
    """After which failures a request is sent again, by kind of request."""

    PAGE = "page"
    """After a time-out or an internal error the caller requests a smaller page instead."""
    USUAL = "usual"
    LIGHT = "light"
    """For the light document: no request is smaller, so an internal error counts as an outage."""
    MUTATION = "mutation"
    """Never, not even after a 429: the caller first reads again what it would overwrite."""


# By their values, because an error's details hold texts.
_SLOW = frozenset({Fault.TIMEOUT.value, Fault.DEADLINE.value})
_SERVER_ERROR = Fault.SERVER_ERROR.value
_UNREACHABLE = Fault.UNREACHABLE.value
_SILENT = Fault.DEADLINE.value


def attempts_for(
    error: BaseException, policy: RetryPolicy, most: int, *, answers: bool = True
) -> int:
    """Return the total number of attempts after an error, at most `most`.

    `answers`: whether the endpoint answered before; one that did not, and refuses connections or is
    silent, is no outage of seconds.
    """
    if policy is RetryPolicy.MUTATION or not isinstance(error, DSError):
        return 1
    if isinstance(error, DSRateLimitedError):
        return most
    fault = error.details.get("fault")
    if isinstance(error, DSUnavailableError):
        return most if answers or fault != _UNREACHABLE else min(2, most)
    # One further attempt only, because each one keeps DS busy for 30 s.
    if fault in _SLOW:
        is_silent = fault == _SILENT and not answers
        return 1 if policy is RetryPolicy.PAGE or is_silent else min(2, most)
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
    *,
    answers: bool = True,
) -> Iterator[tenacity.AttemptManager]:
    """Yield the attempts of one request; the error of the last one is raised.

    `notify` is called before each wait; `answers` is as of `attempts_for`.

    Raises:
        InterruptedRunError: `stop` was set between two attempts.
    """

    def is_worth_it(state: RetryCallState) -> bool:
        error = _error(state)
        return error is not None and state.attempt_number < attempts_for(
            error, policy, limits.attempts, answers=answers
        )

    def wait_s(state: RetryCallState) -> float:
        error = _error(state)
        # So that requests that failed together are not sent again together.
        jitter = random.uniform(0, limits.backoff_s)  # noqa: S311 - not for secrets
        if isinstance(error, DSRateLimitedError) and error.retry_at is not None:
            until = (error.retry_at - clock()).total_seconds()
            return min(max(0.0, until) + jitter, limits.max_wait_s)
        doubled = limits.backoff_s * 2.0 ** (state.attempt_number - 1)
        return min(doubled + jitter, limits.max_wait_s)

    def before(state: RetryCallState) -> None:
        error, upcoming = _error(state), state.upcoming_sleep
        most = limits.attempts
        if error is not None:
            most = attempts_for(error, policy, most, answers=answers)
        notify(RetryNotice(error, state.attempt_number, most, upcoming))

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise InterruptedRunError(k.Noted(k.Note.STOPPED_BEFORE_ASKING))

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
