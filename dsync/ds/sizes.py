"""How many dossiers to ask for next. Numbers only: no request is made here."""

from __future__ import annotations

SUCCESSES_TO_GROW = 3


class PageSize:
    """The usual size, and a narrower one while a page that failed is searched.

    A time-out halves the usual size; successes double it again. A broken dossier says nothing
    about the size: only the span that holds it is narrowed down, then the usual size is back.
    """

    def __init__(self, usual: int, most: int) -> None:
        self._most = max(1, most)
        self.usual = min(max(1, usual), self._most)
        self._before = self.usual
        """The usual size when the present trouble began."""
        self._suspects = 0
        """Dossiers of the failed page that have not come whole yet."""
        self._step = 0
        self._successes = 0

    @property
    def current(self) -> int:
        """The size to ask for now."""
        return min(self._step, self.usual) if self._suspects else self.usual

    def timed_out(self) -> None:
        """Ask for half from now on."""
        size = self.current
        self.usual = max(1, size // 2)
        self._successes = 0
        if self._suspects:
            self._step = self.usual

    def broken(self, position: int | None) -> None:
        """Narrow down; `position` is the broken node's place in the page, where DS tells it."""
        size = self.current
        self._suspects = size
        self._step = position if position and position < size else (size // 2 or 1)
        if position == 0:
            self._step = 1

    def succeeded(self, count: int) -> None:
        """Note a page that came whole with `count` dossiers."""
        if self._suspects:
            self._suspects = max(0, self._suspects - count) if count else 0
            self._step = max(1, self._suspects // 2)
        self._successes += 1
        if self._successes >= SUCCESSES_TO_GROW:
            self._successes = 0
            self.usual = min(self.usual * 2, self._most)
        self._before = max(self.usual, 1)

    def passed(self) -> None:
        """The trouble was one dossier's, and it is passed: ask as before it."""
        self.usual = max(self.usual, self._before)
        self._suspects = 0
        self._successes = 0
