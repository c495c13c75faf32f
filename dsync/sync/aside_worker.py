"""The second process: does what it is told, order by order, and knows nothing between two.

It ends when its input does, so it outlives nobody, however they ended. Imports no more than its
task needs, for its memory comes on top of its parent's.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from importlib import import_module
from io import FileIO
from mmap import mmap
from typing import Any, Self

SLOT_BYTES = 1 << 28
"""The largest message; memory is only used as far as messages reach."""
SLOTS = 2
"""Messages under way: the second may be sent while the first is worked on."""
ROOM_BYTES = SLOTS * SLOT_BYTES
_LENGTH_BYTES = 8
SELDOM = (10_000, 10, 10)
"""Thresholds of Python's search for cycles: dossiers are large trees, and hold none."""


class Channel:
    """Objects from one process to another: they lie in shared memory, a pipe says when.

    A page of dossiers is 2 MB. Through a pipe each side would copy it, piece by piece.

    Args:
        room: the file descriptor of the shared memory.
        pipe: the end of the pipe.
    """

    def __init__(self, room: int, pipe: FileIO) -> None:
        self._room = mmap(room, ROOM_BYTES)
        self._pipe = pipe
        self._slot = 0

    @classmethod
    def of(cls, room: int, pipe: int, mode: str) -> Self:
        """Open a channel by its descriptors."""
        return cls(room, FileIO(pipe, mode, closefd=False))

    def send(self, item: Any) -> None:
        """Send an object; the one before the last must have been received.

        Raises:
            OSError: nobody reads any more.
            ValueError: it is larger than there is room.
        """
        start = self._next_slot()
        self._room.seek(start)
        pickle.dump(item, self._room, pickle.HIGHEST_PROTOCOL)
        length = self._room.tell() - start
        if length > SLOT_BYTES:
            raise ValueError("a message larger than its slot")
        self._pipe.write(length.to_bytes(_LENGTH_BYTES, "big"))

    def receive(self) -> Any:
        """Wait for an object.

        Raises:
            EOFError: nobody writes any more.
        """
        header = self._pipe.read(_LENGTH_BYTES)
        if len(header) < _LENGTH_BYTES:
            raise EOFError
        start = self._next_slot()
        end = start + int.from_bytes(header, "big")
        with memoryview(self._room) as room, room[start:end] as message:
            return pickle.loads(message)  # noqa: S301 - from a process of dsync

    def _next_slot(self) -> int:
        start = self._slot * SLOT_BYTES
        self._slot = (self._slot + 1) % SLOTS
        return start

    def fileno(self) -> int:
        """Return the pipe's descriptor, to be waited for."""
        return self._pipe.fileno()

    def close(self) -> None:
        """Close this end."""
        self._pipe.close()
        self._room.close()


def main(room_in: int, room_out: int, module: str) -> None:
    """Answer each order by what came of it, or by the exception that the task raised.

    Args:
        room_in: the file descriptor of the shared memory where orders lie.
        room_out: that of the outcomes.
        module: where the task is, to be imported before it is asked for.
    """
    # Whoever stops dsync may signal its whole group: the input's end is what counts.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    orders = Channel.of(room_in, sys.stdin.fileno(), "rb")
    outcomes = Channel.of(room_out, sys.stdout.fileno(), "wb")
    os.close(room_in)
    os.close(room_out)
    import_module(module)
    try:
        task, order = orders.receive()
        gc.freeze()
        gc.set_threshold(*SELDOM)
        while True:
            outcome: Any
            try:
                outcome = task(order)
            except Exception as exc:  # Raised where the outcome is waited for.
                outcome = exc
            outcomes.send(outcome)
            order = orders.receive()
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
