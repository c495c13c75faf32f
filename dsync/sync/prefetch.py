"""Read the next page while the last is being stored: one thread, a short queue, flat memory."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
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


class Ahead(Iterator[T]):
    """What is read ahead, item by item."""

    def __init__(self, waiting: queue.Queue[T | _End], stop: threading.Event) -> None:
        self._waiting = waiting
        self._stop = stop
        self._next: T | _End | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the next item is there already."""
        if self._next is None:
            with contextlib.suppress(queue.Empty):
                self._next = self._waiting.get_nowait()
        return self._next is not None and not isinstance(self._next, _End)

    def __next__(self) -> T:
        while True:
            if self._stop.is_set():
                raise InterruptedRunError(
                    "Interrupted: what was stored stays, the next run resumes."
                )
            item, self._next = self._next, None
            if item is None:
                try:
                    item = self._waiting.get(timeout=POLL_S)
                except queue.Empty:
                    continue
            if isinstance(item, _End):
                raise item.error if item.error is not None else StopIteration
            return item


@contextmanager
def prefetched(items: Iterable[T], stop: threading.Event) -> Iterator[Ahead[T]]:
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

    threading.Thread(target=read, name="dsync-prefetch", daemon=True).start()
    try:
        yield Ahead(waiting, stop)
    finally:
        abandoned.set()


def awaited(work: Callable[[], T], stop: threading.Event) -> T:
    """Return what comes of `work`, which is waited for no longer than `stop` is not set.

    Raises:
        InterruptedRunError: as soon as `stop` is set; the work is left to its own end.
    """
    with prefetched((work() for _ in range(1)), stop) as coming:
        return next(coming)
