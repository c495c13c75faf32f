"""SIGINT, SIGTERM and SIGHUP: the first signal stops in order, a second one ends at once.

A service without a terminal reads its configuration again at SIGHUP instead. A command that has
nothing to finish ends by an exception (`end_by_exception`), and so leaves no temporary file.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REPEATED_S = 0.5
"""A signal repeated within this time counts once: `timeout` and some supervisors send it to the
process and to its process group."""


_received = signal.SIGINT
"""What ended this command last."""
_received_at = -_REPEATED_S


def end_by_exception() -> None:
    """Have SIGTERM and SIGHUP raise `KeyboardInterrupt`, too, outside a `StopSignals`."""
    for number in _SIGNALS:
        # A shell has what it starts in the background ignore SIGINT, `nohup` SIGHUP.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def interrupted_code() -> int:
    """Return the exit code of a command that a `KeyboardInterrupt` ends."""
    return 128 + _received


def was_interrupted() -> bool:
    """Return whether a signal has raised an exception: what else failed since follows from it."""
    return _received_at >= 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _received, _received_at
    now = time.monotonic()
    # One that is repeated at once would end the clearing up.
    if now - _received_at > _REPEATED_S:
        _received, _received_at = signal.Signals(number), now
        raise KeyboardInterrupt


class StopSignals:
    """A context in which the first signal sets `stop`, and a later second one ends the process.

    Python calls signal handlers only in the main thread. While that thread waits without a time
    limit, a signal that the system delivers to another thread does not interrupt it. The wake-up
    file descriptor is written in any case, and a thread reads it.

    `announce` is called after the first signal; `hangup` at SIGHUP, which then does not stop the
    process. After `at_most_s`, `KeyboardInterrupt` ends what has not stopped, such as a long
    statement; None: it is waited for.
    """

    def __init__(
        self,
        announce: Callable[[], None] | None = None,
        hangup: Callable[[], None] | None = None,
        at_most_s: float | None = None,
    ) -> None:
        self._at_most_s = at_most_s
        self._hangup = hangup
        self.stop = threading.Event()
        self.received: int | None = None
        self._received_at = 0.0
        self._announce = announce
        self._previous: dict[signal.Signals, Any] = {}
        self._writer = self._previous_fd = -1

    @property
    def exit_code(self) -> int | None:
        """128 + the signal's number, as shells return it; None before the first signal."""
        return None if self.received is None else 128 + self.received

    def __enter__(self) -> Self:
        reader, self._writer = os.pipe()
        # `set_wakeup_fd` refuses a descriptor that blocks.
        os.set_blocking(self._writer, False)
        threading.Thread(target=self._watch, args=(reader,), name="signals", daemon=True).start()
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in _SIGNALS:
            # `nohup` makes a process ignore SIGHUP: it stays ignored.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, _do_nothing)
        if self._at_most_s is not None:
            self._previous[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._end)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._at_most_s is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_fd)
        os.close(self._writer)

    def _watch(self, reader: int) -> None:
        """Read the numbers of arriving signals until the other end of the pipe is closed."""
        # Unbuffered: a buffer would wait for more than the one byte of a signal.
        with open(reader, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                self._note(number[0])

    def _note(self, number: int) -> None:
        if number not in _SIGNALS:
            return
        if number == signal.SIGHUP and self._hangup is not None:
            self._hangup()
            return
        if self.received is None:
            self.received, self._received_at = number, time.monotonic()
            self.stop.set()
            if self._at_most_s is not None:
                signal.setitimer(signal.ITIMER_REAL, self._at_most_s)
            if self._announce:
                self._announce()
        elif not self._is_repeated(number):
            # sys.exit() would only end this thread.
            os._exit(128 + number)

    def _end(self, _number: int, frame: FrameType | None) -> None:
        _interrupt(self.received or signal.SIGINT, frame)

    def _is_repeated(self, number: int) -> bool:
        """Return whether a signal belongs to the first one.

        A closing terminal and systemd send SIGHUP after another signal; some programs repeat one.
        """
        since = time.monotonic() - self._received_at
        return number == signal.SIGHUP or (number == self.received and since < _REPEATED_S)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Replace the default handler, which would end the process; `_watch` handles the signal."""
