"""Reads the next pages in a thread while the main thread stores the present one."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dsync.errors import InterruptedRunError
from dsync.messages import kinds as k

T = TypeVar("T")

_POLL_S = 0.2
"""Interval at which both threads check whether they have to stop."""


@contextmanager
def prefetched(items: Iterable[T], stop: threading.Event) -> Iterator[Iterator[T]]:
    """Return an iterator over `items`, which are produced in a thread.

    An error of `items` is raised by the iterator, after the items that preceded it. When `stop` is
    set, the read under way is abandoned: the thread is a daemon and ends at its next item.

    Raises:
        InterruptedRunError: `stop` is set; raised by the iterator.
    """
    waiting: queue.SimpleQueue[list[T] | BaseException | None] = queue.SimpleQueue()
    """Each item in a list, which the iterator empties: it keeps no item that is being used. Last,
    the error that ended them, or None."""
    wanted = threading.Semaphore(1)
    """Released when an item is taken: one more is read then. Two wait at most, so that an item that
    takes longer to use than to read delays no later one."""
    abandoned = threading.Event()

    def read() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                waiting.put([item])
                # This reference would keep the page in memory until the next one is read.
                del item
                while not wanted.acquire(timeout=_POLL_S):
                    if abandoned.is_set():
                        return
        except BaseException as exc:
            # Nobody would see it in this thread: the main thread raises it.
            error = exc
        waiting.put(error)

    def consume() -> Iterator[T]:
        while True:
            if stop.is_set():
                raise InterruptedRunError(k.Noted(k.Note.STOPPED))
            try:
                taken = waiting.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if taken is None:
                return
            if isinstance(taken, BaseException):
                raise taken
            wanted.release()
            yield taken.pop()

    # In the same context, so that its log lines name the démarche, too.
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(read,), name="dsync-prefetch", daemon=True).start()
    try:
        yield consume()
    finally:
        abandoned.set()
