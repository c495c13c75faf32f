"""Cut long work into batches, between which a run may be stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from dsync.sync.context import Context

T = TypeVar("T")

BATCH = 200
"""Dossiers judged, or looked at again, in one transaction."""


def batches(context: Context, items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Yield the items by `size` at most.

    Raises:
        InterruptedRunError: before a batch, when the run was asked to stop.
    """
    for start in range(0, len(items), size):
        context.check_stop()
        yield items[start : start + size]
