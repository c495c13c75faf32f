"""A second process for pure work: Python runs one thread at a time, whatever cores there are.

The process is `aside_worker`, started without the rest of dsync and in a quarter of its memory.
When it is lost, or fails, what it was to do is done here: it is only ever a matter of time.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from mmap import mmap
from pathlib import Path
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
PATIENCE_S = 60.0
"""Who has not answered by then is no help: an order takes some hundredths of a second."""
PACKAGE = Path(__file__).parents[1]
SHARED_CODE = ("domain", "eligibility", "mapping", "sync")
"""Packages whose code may run in either process."""


def _code() -> object:
    """Tell which code lies on the disk, by its files' sizes and times."""
    files = [file for part in SHARED_CODE for file in (PACKAGE / part).rglob("*.py")]
    return {(str(file), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files}


_CODE_RUN_HERE = _code()


def is_worthwhile() -> bool:
    """Whether there is another core to do it on, and what it takes to start a process there."""
    return (
        sys.platform == "linux"
        and len(os.sched_getaffinity(0)) > 1
        and hasattr(os, "memfd_create")
        and bool(sys.executable)
    )


class Aside(Generic[Order, Outcome]):
    """Does one order after the other, for as long as the block lasts; the first starts it.

    Args:
        task: what is done with each; a function of a module, or one with some arguments given. It
            never returns None.
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
        if self._worker is not None:
            with self._noticing_loss():
                self._worker.send(order if self._has_task else (self._task, order))
                self._has_task = True

    @property
    def is_done(self) -> bool:
        """Whether finishing the oldest order would not have to wait."""
        if self._worker is not None:
            with self._noticing_loss():
                return self._worker.has_answered(0)
        return True

    def finish(self) -> Outcome:
        """Return what came of the oldest order; what doing it raises is raised here."""
        order = self._orders.popleft()
        outcome: Outcome | None = None
        if self._worker is not None:
            with self._noticing_loss():
                outcome = self._worker.receive()
        # What fails there is done again here, where its error has its name and its trace.
        return self._task(order) if outcome is None else outcome

    @contextmanager
    def _noticing_loss(self) -> Iterator[None]:
        """Go on without the process after whatever happens to it or on the way to it."""
        try:
            yield
        except Exception as exc:
            log.warning("second_process_lost", error=type(exc).__name__)
            self._is_lost = True
            if self._worker is not None:
                self._worker.close(0)
                self._worker = None

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close(ENDS_WITHIN_S)
            self._worker = None

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
    """The process, seen from here.

    Raises:
        OSError: it cannot be started.
        RuntimeError: its code would be another one than this process's.
    """

    def __init__(self, module: str) -> None:
        if _code() != _CODE_RUN_HERE:
            raise RuntimeError("dsync was upgraded since it was started")
        with ExitStack() as rooms:
            orders, outcomes = _shared_memory(rooms), _shared_memory(rooms)
            with ExitStack() as maps:
                order_map, outcome_map = [
                    maps.enter_context(mmap(room, ROOM_BYTES)) for room in (orders, outcomes)
                ]
                self._process = subprocess.Popen(  # noqa: S603 - our own module
                    # It sees what this process sees, whatever folder, environment or site say.
                    [
                        *(sys.executable, "-I", "-S", aside_worker.__file__),
                        *(module, str(orders), str(outcomes)),
                    ],
                    env=_environment(),
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(orders, outcomes),
                    start_new_session=True,  # Ctrl-C is for us.
                )
                self._orders = Channel(order_map, cast("FileIO", self._process.stdin))
                self._outcomes = Channel(outcome_map, cast("FileIO", self._process.stdout))
                self._maps = maps.pop_all()

    def has_answered(self, within_s: float) -> bool:
        poll = select.poll()
        poll.register(self._outcomes, select.POLLIN)
        return bool(poll.poll(1000 * within_s))

    def send(self, item: Any) -> None:
        self._orders.send(item)

    def receive(self) -> Any:
        if not self.has_answered(PATIENCE_S):
            raise TimeoutError
        return self._outcomes.receive()

    def close(self, within_s: float) -> None:
        """End it by ending its input; if that does not help, by force."""
        self._orders.close()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._outcomes.close()
        self._maps.close()


def _environment() -> dict[str, str]:
    """Return the environment without what is dsync's, secrets above all, and with its path."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("DSYNC_")}
    return others | {aside_worker.PATH: os.pathsep.join([str(PACKAGE.parent), *sys.path])}


def _shared_memory(rooms: ExitStack) -> int:
    room = os.memfd_create("dsync")
    rooms.callback(os.close, room)
    os.ftruncate(room, ROOM_BYTES)
    return room
