"""Pages read ahead by a thread: in order, few at a time, never lost, never left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dsync.errors import DSUnavailableError
from dsync.sync.prefetch import prefetched


def test_an_error_comes_after_what_came_before_it() -> None:
    """What was read is stored before the run fails."""

    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise DSUnavailableError("down")

    seen: list[int] = []
    with prefetched(failing(), threading.Event()) as items, pytest.raises(DSUnavailableError):
        seen.extend(items)
    assert [1, 2] == seen


def test_no_more_than_two_items_wait() -> None:
    """Three are in memory, however slow the consumer is."""
    read: list[int] = []
    lead: list[int] = []

    def source() -> Iterator[int]:
        for number in range(40):
            read.append(number)
            yield number

    with prefetched(source(), threading.Event()) as items:
        for item in items:
            lead.append(len(read) - item)
    # One in hand, one that waits, and one that is read or waits.
    assert max(lead) <= 3


def test_a_consumer_that_leaves_ends_the_reading() -> None:
    """Its thread does not read the rest for nobody."""
    read: list[int] = []
    left = threading.Event()

    def source() -> Iterator[int]:
        try:
            for number in range(1000):
                read.append(number)
                yield number
        finally:
            left.set()

    with prefetched(source(), threading.Event()) as items:
        next(items)
    assert left.wait(20)
    assert len(read) <= 3
