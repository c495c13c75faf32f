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
    """How DS is asked."""

    requests_per_minute: int = 350
    connect_timeout_s: float = 10.0
    deadline_s: float = 60.0
    """For one request, whole: connection, waiting, body."""
    attempts: int = 6
    backoff_s: float = 1.0
    """First wait before a read is repeated; doubled each time."""
    max_wait_s: float = 90.0
    """Longest single wait, whatever DS asks for."""
    max_response_mib: float = 64.0
    """Longest answer, decoded: the rest is not read."""
    allow_http: bool = False
    """Whether plain http:// is allowed to other machines than this one."""


WINDOW_S = 60.0


class Throttle:
    """A sliding window over the last minute, so that no minute of DS's clock holds more."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._paused_until = 0.0

    def acquire(self, requests_per_minute: int, stop: threading.Event) -> bool:
        """Wait for this request's turn; False when `stop` was set first."""
        while not stop.is_set():
            wait_s = self._reserve(requests_per_minute)
            if wait_s <= 0:
                return True
            stop.wait(wait_s)
        return False

    def pause(self, wait_s: float) -> None:
        """Let nobody send for `wait_s`: DS has said so to one of us."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._monotonic() + wait_s)

    def _reserve(self, requests_per_minute: int) -> float:
        """Take a place in the window, or return how long to wait before asking again."""
        with self._lock:
            now = self._monotonic()
            if now < self._paused_until:
                return self._paused_until - now
            while self._sent and self._sent[0] <= now - WINDOW_S:
                self._sent.popleft()
            if len(self._sent) >= requests_per_minute:
                return self._sent[-requests_per_minute] + WINDOW_S - now
            self._sent.append(now)
            return 0.0


_SHARED: dict[tuple[str, str], Throttle] = {}
_SHARED_LOCK = threading.Lock()


def shared_throttle(url: str, token: str) -> Throttle:
    """Return the process's throttle of this endpoint and token."""
    key = (url, hashlib.sha256(token.encode()).hexdigest())
    with _SHARED_LOCK:
        return _SHARED.setdefault(key, Throttle())


GROWS_AFTER = timedelta(hours=1)
"""A page that is too large costs DS 30 s: one is risked an hour, not every few pages."""


class PageSize:
    """The usual size, and a narrower one while a page that failed is searched.

    A time-out halves the usual size; an hour later it is doubled once, and so on. A broken dossier
    says nothing about the size: only the span that holds it is narrowed down.

    Args:
        usual: the size to begin with.
        most: the largest size.
        since: when the usual size was last changed; None when that is not known.
        clock: tells the present.
    """

    def __init__(
        self, usual: int, most: int, since: datetime | None, clock: Callable[[], datetime]
    ) -> None:
        self._most = most
        self._clock = clock
        self.usual = min(max(1, usual), most)
        self.since = since
        self._before = (self.usual, self.since)
        """Both, before the present trouble began."""
        self._slow = 0
        """Dossiers of the page that timed out first that have not been read yet: one of them may be
        what is slow."""
        self._suspects = 0
        """Dossiers of the failed page that have not been read yet."""

    @property
    def current(self) -> int:
        """The size to ask for now."""
        return min(max(1, self._suspects // 2), self.usual) if self._suspects else self.usual

    @property
    def is_searching(self) -> bool:
        """Whether a page that failed is being narrowed down."""
        return bool(self._suspects)

    def timed_out(self) -> None:
        """Ask for half from now on."""
        self._slow = self._slow or self.current
        self.usual = max(1, self.current // 2)
        self.since = self._clock()

    def broken(self) -> None:
        """Narrow down: one of the dossiers just asked for breaks the page."""
        self._suspects = self.current

    def succeeded(self, count: int) -> None:
        """Note a page that came, with `count` dossiers."""
        self._suspects = max(0, self._suspects - count) if count else 0
        if self.usual < self._most:
            now = self._clock()
            self.since = self.since or now
            # A clock that was set back shows a change in the future: it counts as just made.
            if self.since > now:
                self.since = now
            if now - self.since >= GROWS_AFTER:
                self.usual, self.since = min(self.usual * 2, self._most), now
        self._slow = max(0, self._slow - count) if count else 0
        if not self._slow:
            self._before = (self.usual, self.since)

    def passed(self) -> None:
        """The trouble was one dossier's, and it is passed: ask as before it."""
        self.usual, self.since = self._before
        self._suspects = self._slow = 0
