"""The client's own rate limit, when a request is repeated, and how long the waits are."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from dsync.ds.classify import error_of
from dsync.ds.limits import (
    Limits,
    RetryPolicy,
    Throttle,
    attempts_for,
    retried,
    shared_throttle,
)
from dsync.errors import DSRateLimitedError, InterruptedRunError
from dsync.messages.kinds import Fault

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock(threading.Event):
    """A clock that advances when it is waited on, and notes the waits; it is also the stop event.

    `stops`: a stop ends each wait.
    """

    def __init__(self, *, stops: bool = False) -> None:
        super().__init__()
        self.now = 1000.0
        self.waits: list[float] = []
        self.stops = stops

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass at once."""
        self.now += timeout or 0
        self.waits.append(timeout or 0)
        return self.stops


def test_no_minute_has_more_requests_than_the_limit() -> None:
    """Any window of 60 s has at most the allowed number of requests."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    sent = []
    for _ in range(25):
        assert limiter.acquire(10, clock)
        sent.append(clock.now)
        clock.now += 0.5
    assert all(later - earlier >= 60 for earlier, later in zip(sent, sent[10:], strict=False))


@pytest.mark.parametrize("sent", [0, 8, 9, 10])
def test_a_pair_of_requests_waits_before_its_first_one(sent: int) -> None:
    """The second one of a read and a write follows at once, so that the read is not outdated."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    for _ in range(sent):
        assert limiter.acquire(10, clock)
        clock.now += 1
    limiter.pause(3)
    assert limiter.wait_for_room(10, 2, clock)
    began = clock.now
    assert began >= (1061 if sent == 10 else 1060 if sent == 9 else 1003)
    assert limiter.acquire(10, clock)
    assert limiter.acquire(10, clock)
    assert began == clock.now


def test_one_token_at_one_endpoint_has_one_throttle() -> None:
    first = shared_throttle("https://ds/a", "token")
    assert first is shared_throttle("https://ds/a", "token")
    assert first is not shared_throttle("https://ds/a", "other")
    assert first is not shared_throttle("https://ds/b", "token")


def test_waits_are_counted() -> None:
    """How many requests waited, and how long, for the metrics."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    for _ in range(12):
        assert limiter.acquire(10, clock)
    assert (1, 60.0) == (limiter.waits, limiter.waited_s)
    limiter.pause(30)
    assert limiter.acquire(10, clock)
    assert (2, 90.0) == (limiter.waits, limiter.waited_s)


def attempts(error: Exception, patience: RetryPolicy, event: Clock, **limits: float) -> int:
    """Count the attempts of a request that always fails with an error."""
    made = 0

    def ask() -> None:
        nonlocal made
        made += 1
        raise error

    with pytest.raises(InterruptedRunError if event.stops else type(error)):
        retried(ask, Limits(**limits), event, lambda: NOW, patience)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize(
    ("fault", "page", "usual", "light", "mutation"),
    [
        (Fault.UNREACHABLE, 6, 6, 6, 1),
        (Fault.CONNECTION_LOST, 6, 6, 6, 1),
        (Fault.GATEWAY, 6, 6, 6, 1),
        (Fault.NOT_GRAPHQL, 6, 6, 6, 1),
        (Fault.RATE_LIMITED, 6, 6, 6, 1),
        (Fault.TIMEOUT, 1, 2, 2, 1),
        (Fault.DEADLINE, 1, 2, 2, 1),
        (Fault.SERVER_ERROR, 1, 2, 6, 1),
        (Fault.BAD_DATA, 1, 1, 1, 1),
        (Fault.TOKEN_EXPIRED, 1, 1, 1, 1),
        (Fault.QUERY_REFUSED, 1, 1, 1, 1),
    ],
)
def test_each_fault_has_its_attempts(
    fault: Fault, page: int, usual: int, light: int, mutation: int
) -> None:
    """Outages are retried, what needs a smaller page is not, mutations never are."""
    error = error_of(fault)
    found = [attempts_for(error, patience, 6) for patience in RetryPolicy]
    assert found == [page, usual, light, mutation]


def test_an_endpoint_that_never_answered_is_tried_twice() -> None:
    """A wrong address is told within seconds; one that answered before gets time to come back."""
    for fault, found in ((Fault.UNREACHABLE, 2), (Fault.CONNECTION_LOST, 6), (Fault.GATEWAY, 6)):
        assert found == attempts_for(error_of(fault), RetryPolicy.PAGE, 6, answers=False)
    # A minute of silence is enough.
    assert 1 == attempts_for(error_of(Fault.DEADLINE), RetryPolicy.USUAL, 6, answers=False)


def test_waits_double_and_are_capped() -> None:
    """They have jitter, and a maximum."""
    event = Clock()
    attempts(error_of(Fault.GATEWAY), RetryPolicy.USUAL, event, backoff_s=1.0, max_wait_s=6.0)
    assert len(event.waits) == 5
    for wait, least in zip(event.waits, (1, 2, 4, 6, 6), strict=True):
        assert least <= wait <= least + 1
        assert wait <= 6


@pytest.mark.parametrize(("in_s", "least", "most"), [(20, 20, 21), (-5, 0, 1), (500, 90, 90)])
def test_a_rate_limit_is_waited_out(in_s: int, least: float, most: float) -> None:
    """The wait is DS's, plus jitter, at most the maximum."""
    event = Clock()
    error = DSRateLimitedError("limited")
    error.retry_at = NOW + timedelta(seconds=in_s)
    attempts(error, RetryPolicy.USUAL, event, attempts=2, max_wait_s=90.0)
    (wait,) = event.waits
    assert least <= wait <= most


def test_a_stop_between_attempts_interrupts() -> None:
    event = Clock(stops=True)
    assert attempts(error_of(Fault.GATEWAY), RetryPolicy.USUAL, event) == 1
    assert len(event.waits) == 1
