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
from collections.abc import Callable
from importlib import import_module
from io import FileIO
from mmap import mmap
from typing import Any

SLOT_BYTES = 1 << 28
"""The largest message; memory is only used as far as messages reach."""
SLOTS = 2
"""Messages under way: the second may be sent while the first is worked on."""
PATH = "DSYNC_ASIDE_PATH"
"""The variable that says where modules are, as the other process sees them."""
ROOM_BYTES = SLOTS * SLOT_BYTES
_LENGTH_BYTES = 8


class Channel:
    """Objects from one process to another: they lie in shared memory, a pipe says when.

    A page of dossiers is 2 MB. Through a pipe each side would copy it, piece by piece.

    Args:
        room: the shared memory.
        pipe: the end of the pipe.
    """

    def __init__(self, room: mmap, pipe: FileIO) -> None:
        self._room = room
        self._pipe = pipe
        self._slot = 0

    def send(self, item: Any) -> None:
        """Send an object; the one before the last must have been received.

        Raises:
            OSError: nobody reads any more.
            Exception: it cannot be sent; the next one can.
        """
        start = self._slot * SLOT_BYTES
        self._room.seek(start)
        pickle.dump(item, self._room, pickle.HIGHEST_PROTOCOL)
        length = self._room.tell() - start
        if length > SLOT_BYTES:
            raise ValueError("a message larger than its slot")
        self._slot = (self._slot + 1) % SLOTS
        self._pipe.write(length.to_bytes(_LENGTH_BYTES, "big"))

    def receive(self) -> Any:
        """Wait for an object.

        Raises:
            EOFError: nobody writes any more.
        """
        header = self._pipe.read(_LENGTH_BYTES)
        if len(header) < _LENGTH_BYTES:
            raise EOFError
        start = self._slot * SLOT_BYTES
        self._slot = (self._slot + 1) % SLOTS
        end = start + int.from_bytes(header, "big")
        with memoryview(self._room) as room, room[start:end] as message:
            return pickle.loads(message)  # noqa: S301 - from a process of dsync

    def fileno(self) -> int:
        """Return the pipe's descriptor, to be waited for."""
        return self._pipe.fileno()

    def close(self) -> None:
        """Close this end of the pipe."""
        self._pipe.close()


def main(module: str, room_in: int, room_out: int) -> None:
    """Answer each order by what came of it, or by None when the task failed.

    Args:
        module: where the task is, to be imported before it is asked for.
        room_in: the file descriptor of the shared memory where orders lie.
        room_out: that of the outcomes.
    """
    # Whoever stops dsync may signal its whole group: the input's end is what counts.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    orders = Channel(mmap(room_in, ROOM_BYTES), FileIO(os.dup(0), "rb"))
    outcomes = Channel(mmap(room_out, ROOM_BYTES), FileIO(os.dup(1), "wb"))
    for used in (room_in, room_out, 0, 1):
        os.close(used)
    # Whatever prints, the answers are apart.
    for _ in (0, 1):
        os.open(os.devnull, os.O_RDWR)
    sys.path[:] = os.environ[PATH].split(os.pathsep)
    from dsync.sync.memory import seek_cycles_seldom

    import_module(module)
    try:
        task, order = orders.receive()
        gc.freeze()
        seek_cycles_seldom()
        while True:
            _answer(outcomes, task, order)
            order = orders.receive()
    except (EOFError, BrokenPipeError):
        return


def _answer(outcomes: Channel, task: Callable[[Any], Any], order: Any) -> None:
    """Send what comes of an order; of one that fails nothing, so that it is done again over there.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    try:
        outcome = task(order)
    except Exception:
        outcome = None
    try:
        outcomes.send(outcome)
    except BrokenPipeError:
        raise
    except Exception:
        outcomes.send(None)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
