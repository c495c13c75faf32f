"""A second process for pure work: Python runs one thread at a time, whatever cores there are.

The process is `aside_worker`, started without the rest of dsync and in a quarter of its memory.
When it is lost, what it was to do is done here.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, cast

import structlog

from dsync.sync import aside_worker
from dsync.sync.aside_worker import ROOM_BYTES, SLOTS, Channel

log = structlog.get_logger(__name__)

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")

ENDS_WITHIN_S = 2.0
"""The time of many orders."""


def is_worthwhile() -> bool:
    """Whether there is another core to do it on, on a system where dsync runs as a service."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


class Aside(Generic[Order, Outcome]):
    """Does one order after the other, for as long as the block lasts; the first starts it.

    Args:
        task: what is done with each; a function of a module, or one with some arguments given.
    """

    def __init__(self, task: Callable[[Order], Outcome]) -> None:
        self._task = task
        self._has_task = False
        self._worker: _Worker | None = None
        self._is_lost = False
        self._orders: deque[Order] = deque()

    @property
    def is_full(self) -> bool:
        """Whether an order has to be finished before another one is started."""
        return len(self._orders) >= SLOTS

    def warm_up(self) -> None:
        """Start the process ahead of the first order, while there is something else to do."""
        if self._worker is None and not self._is_lost:
            with self._noticing_loss():
                self._worker = _Worker(getattr(self._task, "func", self._task).__module__)

    def start(self, order: Order) -> None:
        """Have an order done, after those that were started before."""
        self.warm_up()
        self._orders.append(order)
        if self._worker is not None and not self._is_lost:
            with self._noticing_loss():
                self._worker.send(order if self._has_task else (self._task, order))
                self._has_task = True

    @property
    def is_done(self) -> bool:
        """Whether finishing the oldest order would not have to wait."""
        return self._is_lost or self._worker is None or self._worker.has_answered

    def finish(self) -> Outcome:
        """Return what came of the oldest order; what doing it raises is raised here."""
        order = self._orders.popleft()
        outcome: Any = None
        if self._worker is not None and not self._is_lost:
            with self._noticing_loss():
                outcome = self._worker.receive()
        if isinstance(outcome, Exception):
            raise outcome
        return self._task(order) if outcome is None else outcome

    @contextmanager
    def _noticing_loss(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as exc:
            log.warning("second_process_lost", error=type(exc).__name__)
            self._is_lost = True

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Worker:
    def __init__(self, module: str) -> None:
        rooms = [_shared_memory(), _shared_memory()]
        try:
            # Nothing of the folder that dsync is run from is imported (-P); Ctrl-C is for us.
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", aside_worker.__name__, *map(str, rooms), module],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=rooms,
                start_new_session=True,
            )
            self._orders = Channel(rooms[0], cast("FileIO", self._process.stdin))
            self._outcomes = Channel(rooms[1], cast("FileIO", self._process.stdout))
        finally:
            for room in rooms:
                os.close(room)

    @property
    def has_answered(self) -> bool:
        return bool(select.select([self._outcomes], [], [], 0)[0])

    def send(self, item: Any) -> None:
        self._orders.send(item)

    def receive(self) -> Any:
        return self._outcomes.receive()

    def close(self) -> None:
        self._orders.close()
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._outcomes.close()


def _shared_memory() -> int:
    room = os.memfd_create("dsync")
    os.ftruncate(room, ROOM_BYTES)
    return room
