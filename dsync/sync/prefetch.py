"""Read the next page while the last is being stored: one thread, a short queue, flat memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dsync.errors import InterruptedRunError

T = TypeVar("T")

DEPTH = 1
"""Pages that may wait: with the one read and the one stored, three are in memory at most."""
POLL_S = 0.2


class _End:
    """Marks the end of the pages, or the error that ended them."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


@contextmanager
def prefetched(items: Iterable[T], stop: threading.Event) -> Iterator[Iterator[T]]:
    """Iterate over `items` from a thread of their own.

    An error of `items` is raised where they are consumed, after what came before it. When `stop`
    is set, the read under way is abandoned: its thread is a daemon and ends at its next item.

    Raises:
        InterruptedRunError: as soon as `stop` is set, from the iterator.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(maxsize=DEPTH)
    abandoned = threading.Event()

    def put(item: T | _End) -> bool:
        while not abandoned.is_set():
            try:
                waiting.put(item, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                if not put(item):
                    return
        except BaseException as exc:
            error = exc
        put(_End(error))

    def come() -> Iterator[T]:
        while True:
            if stop.is_set():
                raise InterruptedRunError(
                    "Interrupted: what was stored stays, the next run resumes."
                )
            try:
                item = waiting.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                return

    threading.Thread(target=read, name="dsync-prefetch", daemon=True).start()
    try:
        yield come()
    finally:
        abandoned.set()
