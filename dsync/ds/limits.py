"""The limits of requests to DS, and the throttle that keeps to the rate.

All waits are on the stop event, which ends them.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of requests to DS; a worker passes those that `[ds]` has a key for."""

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
    max_response_mib: float = 16.0
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
