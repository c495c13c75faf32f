"""Does beside the runs what follows them and asks somebody else, who may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from dsync.domain.ids import DemarcheNumber
from dsync.errors import InterruptedRunError, LeaseHeldError

if TYPE_CHECKING:
    from dsync.wiring import Worker


log = structlog.get_logger(__name__)


class Afterwards:
    """Does something about each démarche that is noted, one after the other.

    `address` is where it asks, "": nothing is to be done. `act` returns whether that answered: if
    not, what else is to be asked there waits for the next look.
    """

    every_s = 1.0
    """Interval between two looks, in seconds."""

    def __init__(
        self,
        address: Callable[[Worker], str],
        act: Callable[[Worker], bool],
        stop: threading.Event,
    ) -> None:
        self._address = address
        self._act = act
        self._stop = stop
        self._lock = threading.Lock()
        self._noted: dict[DemarcheNumber, Worker] = {}

    def note(self, worker: Worker) -> None:
        """Have it done soon."""
        if self._address(worker):
            with self._lock:
                self._noted[worker.demarche] = worker

    def tick(self) -> None:
        """Do what was noted."""
        with self._lock:
            noted, self._noted = self._noted, {}
        left: dict[DemarcheNumber, Worker] = {}
        failed: set[str] = set()
        for number, worker in noted.items():
            server = urlsplit(self._address(worker)).netloc
            if server in failed:
                left[number] = worker
            elif not self._stop.is_set() and not self._has_answered(worker):
                failed.add(server)
        with self._lock:
            # First of all, or one that never answers would be tried before them each time.
            self._noted = left | self._noted

    def _has_answered(self, worker: Worker) -> bool:
        with structlog.contextvars.bound_contextvars(demarche=worker.demarche):
            try:
                return self._act(worker)
            except LeaseHeldError:
                # Its next run has begun already.
                self.note(worker)
            except InterruptedRunError:
                pass
            except Exception:
                # A bug about one keeps nothing from the others.
                log.exception("afterwards_crashed")
        return True
