"""The client's own speed limit, on a clock of the test's."""

from __future__ import annotations

import threading

from dsync.ds.limits import Throttle, shared_throttle


class Clock(threading.Event):
    """A clock that waiting moves on: stands for both the time and the stop event."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def wait(self, timeout: float | None = None) -> bool:
        """Let the time pass at once."""
        self.now += timeout or 0
        return self.is_set()


def test_no_minute_holds_more_than_the_limit() -> None:
    """However the calls come, any window of 60 s has at most the allowed number."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    sent = []
    for _ in range(25):
        assert limiter.acquire(10, clock)
        sent.append(clock.now)
        clock.now += 0.5
    assert all(later - earlier >= 60 for earlier, later in zip(sent, sent[10:], strict=False))


def test_what_is_below_the_limit_does_not_wait() -> None:
    """The first requests of a run go out at once."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    assert all(limiter.acquire(10, clock) for _ in range(10))
    assert clock.now == 1000.0


def test_a_hold_stops_everybody() -> None:
    """One thread's 429 makes all others wait as long."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    limiter.pause(30)
    limiter.pause(5)
    assert limiter.acquire(10, clock)
    assert clock.now == 1030.0


def test_a_stop_ends_the_wait() -> None:
    """Nobody waits for his turn when the run is asked to stop."""
    clock = Clock()
    limiter = Throttle(lambda: clock.now)
    clock.set()
    assert not limiter.acquire(10, clock)


def test_one_token_at_one_endpoint_has_one_throttle() -> None:
    """Clients share what DS counts together, and only that."""
    first = shared_throttle("https://ds/a", "token")
    assert first is shared_throttle("https://ds/a", "token")
    assert first is not shared_throttle("https://ds/a", "other")
    assert first is not shared_throttle("https://ds/b", "token")
