"""Pure work shared out to two processes, order by order: whoever had to wait gets more to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

from dsync.sync.aside import Aside

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")

FIRST_SHARE, LEAST_SHARE, MOST_SHARE, STEP = 0.75, 0.5, 1.0, 0.05
"""Of each order, done aside: this process reads and stores meanwhile."""


class InTwo(Generic[Order, Outcome]):
    """Does orders in a second process, but for what this one has the time to do itself.

    Args:
        task: what is done with each; as that of `Aside`.
        parted: cuts an order into what is done aside, about so much of it, and the rest.
        joined: puts what came of both together again.
    """

    def __init__(
        self,
        task: Callable[[Order], Outcome],
        parted: Callable[[Order, float], tuple[Order, Order]],
        joined: Callable[[Outcome, Outcome], Outcome],
    ) -> None:
        self._task = task
        self._parted = parted
        self._joined = joined
        self._aside: Aside[Order, Outcome] = Aside(task)
        self._kept: deque[Order] = deque()
        self._share = FIRST_SHARE

    @property
    def is_full(self) -> bool:
        """Whether an order has to be finished before another one is started."""
        return self._aside.is_full

    @property
    def is_busy(self) -> bool:
        """Whether an order is under way."""
        return bool(self._kept)

    def warm_up(self) -> None:
        """Start the second process ahead of the first order."""
        self._aside.warm_up()

    def start(self, order: Order) -> None:
        """Have an order done, after those that were started before."""
        theirs, ours = self._parted(order, self._share)
        self._aside.start(theirs)
        self._kept.append(ours)

    def finish(self) -> Outcome:
        """Return what came of the oldest order; what doing it raises ends it all and is raised."""
        ours = self._task(self._kept.popleft())
        step = STEP if self._aside.is_done else -STEP
        self._share = min(MOST_SHARE, max(LEAST_SHARE, self._share + step))
        return self._joined(self._aside.finish(), ours)

    def close(self) -> None:
        """End the second process."""
        self._aside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.close()
