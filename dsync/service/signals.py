"""SIGINT and SIGTERM as a wish to stop: the first is obeyed in order, the second at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While entered, the first signal sets `stop`; a second one ends the process.

    The handler itself takes no lock (`SimpleQueue.put` is re-entrant, `Event.set` is not): the
    main thread may be inside `stop.wait()` when the signal comes. A thread does the rest.
    """

    def __init__(self, announce: Callable[[], None] | None = None) -> None:
        self.stop = threading.Event()
        self.received: int | None = None
        self._announce = announce
        self._pending: SimpleQueue[int | None] = SimpleQueue()
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def exit_code(self) -> int | None:
        """128 + the signal's number, as shells count; None when none came."""
        return None if self.received is None else 128 + self.received

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="signals", daemon=True).start()
        self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._pending.put(None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
        self._pending.put(number)

    def _watch(self) -> None:
        if self._pending.get() is not None:
            self.stop.set()
            if self._announce:
                self._announce()
