"""The client's own rate limit, with a clock of the test."""

from __future__ import annotations

import threading

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
