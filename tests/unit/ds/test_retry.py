"""When a request is repeated, and how long the wait is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from dsync.ds.classify import error_of
from dsync.ds.limits import Limits, RetryPolicy, attempts_for, retried
from dsync.errors import DSRateLimitedError, InterruptedRunError
from dsync.messages.kinds import Fault

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Waits(threading.Event):
    """A stop event that records the waits and returns at once."""

    def __init__(self, *, stops: bool = False) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.stops = stops

    def wait(self, timeout: float | None = None) -> bool:
        """Note the wait."""
        self.waits.append(timeout or 0)
        return self.stops


def attempts(error: Exception, patience: RetryPolicy, event: Waits, **limits: float) -> int:
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


def test_a_bug_is_not_repeated() -> None:
    """An exception that is no error of DS is raised at once."""
    assert attempts(RuntimeError("bug"), RetryPolicy.USUAL, Waits()) == 1


def test_waits_double_and_are_capped() -> None:
    """They have jitter, and a maximum."""
    event = Waits()
    attempts(error_of(Fault.GATEWAY), RetryPolicy.USUAL, event, backoff_s=1.0, max_wait_s=6.0)
    assert len(event.waits) == 5
    for wait, least in zip(event.waits, (1, 2, 4, 6, 6), strict=True):
        assert least <= wait <= least + 1
        assert wait <= 6


@pytest.mark.parametrize(("in_s", "least", "most"), [(20, 20, 21), (-5, 0, 1), (500, 90, 90)])
def test_a_rate_limit_is_waited_out(in_s: int, least: float, most: float) -> None:
    """The wait is DS's, plus jitter, at most the maximum."""
    event = Waits()
    error = DSRateLimitedError("limited")
    error.retry_at = NOW + timedelta(seconds=in_s)
    attempts(error, RetryPolicy.USUAL, event, attempts=2, max_wait_s=90.0)
    (wait,) = event.waits
    assert least <= wait <= most


def test_a_stop_between_attempts_interrupts() -> None:
    """A stop ends the wait for the next attempt."""
    event = Waits(stops=True)
    assert attempts(error_of(Fault.GATEWAY), RetryPolicy.USUAL, event) == 1
    assert len(event.waits) == 1
