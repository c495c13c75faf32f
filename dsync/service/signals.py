"""SIGINT, SIGTERM and SIGHUP as a wish to stop: the first in order, a second one at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SAME_WISH_S = 0.5
"""`timeout` and some supervisors signal the process and then its whole group: one wish, twice."""


class StopSignals:
    """While entered, the first signal sets `stop`; a second one, a moment later, ends the process.

    Python runs handlers in the main thread alone, when that comes to run: it does not while it
    waits without a limit and the system has handed the signal to another thread. The wake-up file
    descriptor is written to at once, whichever thread got the signal; a thread reads it.
    """

    def __init__(self, announce: Callable[[], None] | None = None) -> None:
        self.stop = threading.Event()
        self.received: int | None = None
        self._received_at = 0.0
        self._announce = announce
        self._previous: dict[signal.Signals, Any] = {}
        self._writer = self._previous_fd = -1

    @property
    def exit_code(self) -> int | None:
        """128 + the signal's number, as shells count; None when none came."""
        return None if self.received is None else 128 + self.received

    def __enter__(self) -> Self:
        reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        threading.Thread(target=self._watch, args=(reader,), name="signals", daemon=True).start()
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in SIGNALS:
            # What `nohup` had ignored stays ignored.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, _do_nothing)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        os.close(self._writer)

    def _watch(self, reader: int) -> None:
        """Read the numbers of the signals that come, until the other end is closed."""
        with open(reader, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                self._note(number[0])

    def _note(self, number: int) -> None:
        if number not in SIGNALS:
            return
        if self.received is None:
            self.received, self._received_at = number, time.monotonic()
            self.stop.set()
            if self._announce:
                self._announce()
        elif not self._is_the_same_wish(number):
            os._exit(128 + number)

    def _is_the_same_wish(self, number: int) -> bool:
        """A closed terminal, or systemd, sends SIGHUP after another one; some send one twice."""
        since = time.monotonic() - self._received_at
        return number == signal.SIGHUP or (number == self.received and since < SAME_WISH_S)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Keep the signal from ending the process: what is to be done is done in `_watch`."""
