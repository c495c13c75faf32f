"""Strikes a worker at one of its requests or transactions, as a SIGKILL or another worker would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dsync.store import Store
from tests.engine.rig import Worker


class KilledError(BaseException):
    """The process is no more: nothing catches it, nothing is cleaned up."""


class Doom:
    """Counts a worker's requests and transactions, and strikes at one of them."""

    def __init__(self, worker: Worker) -> None:
        self.left: int | None = None
        self.is_dead = False
        self.is_waiting_for_mutation = False
        self.meanwhile: Any = None
        self._transactions(worker.store)
        self._requests(worker)

    def at(self, point: int, meanwhile: Any = None) -> None:
        """Strike at this point: with `meanwhile`, or with death."""
        self.left, self.meanwhile = point, meanwhile

    def after_mutation(self) -> None:
        """Strike dead when the next mutation is done and its answer not yet noted."""
        self.is_waiting_for_mutation = True

    def pass_by(self, *, can_wait: bool) -> None:
        """Be at one of the points."""
        if self.is_dead:
            raise KilledError
        if self.left is None:
            return
        self.left -= 1
        if self.left > 0 or (self.meanwhile and not can_wait):
            return
        self.left = None
        if self.meanwhile:
            self.meanwhile()
            return
        self.is_dead = True
        raise KilledError

    def _transactions(self, store: Store) -> None:
        connected = store._connected

        @contextmanager
        def counted(**options: Any) -> Iterator[Any]:
            self.pass_by(can_wait=True)
            with connected(**options) as connection:
                yield connection
                self.pass_by(can_wait=False)

        store._connected = counted  # type: ignore[method-assign]

    def _requests(self, worker: Worker) -> None:
        transport = worker.client._transport
        exchange = transport._exchange

        def counted(operation: Any, variables: Any) -> Any:
            self.pass_by(can_wait=False)
            reply = exchange(operation, variables)
            if self.is_waiting_for_mutation and operation.is_mutation:
                self.is_dead = True
            self.pass_by(can_wait=False)
            return reply

        transport._exchange = counted  # type: ignore[method-assign]
