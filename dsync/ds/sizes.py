"""How many dossiers to ask for next. Numbers only: no request is made here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

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
