"""The client's own speed limit: fewer requests in any minute than DS allows.

One throttle serves all threads and clients of the process that use one endpoint with one token,
for that is what DS counts.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 60.0


class Throttle:
    """A sliding window over the last minute, so that no minute of DS's clock holds more."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._held_until = 0.0

    def acquire(self, requests_per_minute: int, stop: threading.Event) -> bool:
        """Wait for this request's turn; False when `stop` was set first."""
        while not stop.is_set():
            wait_s = self._reserve(requests_per_minute)
            if wait_s <= 0:
                return True
            stop.wait(wait_s)
        return False

    def hold(self, wait_s: float) -> None:
        """Let nobody send for `wait_s`: DS has said so to one of us."""
        with self._lock:
            self._held_until = max(self._held_until, self._monotonic() + wait_s)

    def _reserve(self, requests_per_minute: int) -> float:
        """Take a place in the window, or return how long to wait before asking again."""
        with self._lock:
            now = self._monotonic()
            if now < self._held_until:
                return self._held_until - now
            while self._sent and self._sent[0] <= now - WINDOW_S:
                self._sent.popleft()
            if len(self._sent) >= requests_per_minute:
                return self._sent[-requests_per_minute] + WINDOW_S - now
            self._sent.append(now)
            return 0.0


_SHARED: dict[tuple[str, str], Throttle] = {}
_SHARED_LOCK = threading.Lock()


def shared(url: str, token: str) -> Throttle:
    """Return the process's throttle of this endpoint and token."""
    key = (url, hashlib.sha256(token.encode()).hexdigest())
    with _SHARED_LOCK:
        return _SHARED.setdefault(key, Throttle())
