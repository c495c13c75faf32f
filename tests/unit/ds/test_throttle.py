"""The client's own rate limit, with a clock of the test."""

from __future__ import annotations

import threading

import pytest

from dsync.ds.limits import Throttle, shared_throttle


class Clock(threading.Event):
    """A clock that advances when it is waited on; it is also the stop event."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass at once."""
        self.now += timeout or 0
        return self.is_set()


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
    """Clients of the same token and address share a throttle."""
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
