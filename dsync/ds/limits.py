"""How much DS is asked for: the configured limits, the request rate, the page size."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


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


GROWS_AFTER = timedelta(hours=1)
"""A page that is too large keeps DS busy for 30 s, so a larger one is tried once an hour."""


class PageSize:
    """The number of dossiers to request in the next page.

    A time-out halves the usual size; each hour later it is doubled again. A dossier that DS cannot
    render does not change the usual size: a bisection isolates it.

    Args:
        usual: initial size.
        most: largest size.
        since: when the usual size last changed; None when it is not known.
        clock: returns the current instant.
    """

    def __init__(
        self, usual: int, most: int, since: datetime | None, clock: Callable[[], datetime]
    ) -> None:
        self._most = most
        self._clock = clock
        self.usual = min(max(1, usual), most)
        self.since = since
        self._before = (self.usual, self.since)
        """Size and date before the current series of failures."""
        self._slow = 0
        """Unread dossiers of the first page that timed out: one of them may be slow."""
        self._suspects = 0
        """Unread dossiers of a page with a dossier that DS cannot render."""

    @property
    def current(self) -> int:
        """The size of the next page."""
        return min(max(1, self._suspects // 2), self.usual) if self._suspects else self.usual

    @property
    def is_searching(self) -> bool:
        """Whether a bisection is in progress."""
        return bool(self._suspects)

    def timed_out(self) -> None:
        """Halve the usual size."""
        # The first of a series of time-outs: its page holds the dossier that may be slow.
        self._slow = self._slow or self.current
        self.usual = max(1, self.current // 2)
        self.since = self._clock()

    def broken(self) -> None:
        """Begin or continue the bisection: the page just requested has a dossier that fails."""
        self._suspects = self.current

    def succeeded(self, count: int) -> None:
        """Count a page with `count` dossiers as read."""
        self._suspects = max(0, self._suspects - count) if count else 0
        if self.usual < self._most:
            now = self._clock()
            self.since = self.since or now
            # After the clock was set back, the change lies in the future: it counts as made now.
            if self.since > now:
                self.since = now
            if now - self.since >= GROWS_AFTER:
                self.usual, self.since = min(self.usual * 2, self._most), now
        self._slow = max(0, self._slow - count) if count else 0
        # Not while the rest of a page that timed out is read: if one of its dossiers is the cause,
        # `passed` restores the size from before.
        if not self._slow:
            self._before = (self.usual, self.since)

    def passed(self) -> None:
        """Restore the size from before the failures: one dossier caused them, and it is passed."""
        self.usual, self.since = self._before
        self._suspects = self._slow = 0
