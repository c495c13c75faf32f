"""Strikes a worker at one of its requests or transactions, as a SIGKILL or another worker would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.engine.rig import WatchedClient, Worker


class KilledError(BaseException):
    """The process is no more: nothing catches it, nothing is cleaned up."""


class Doom:
    """Counts a worker's requests and transactions, and strikes at one of them.

    A point is before and after each request, where a transaction begins, and before its commit.
    """

    def __init__(self, worker: Worker) -> None:
        self.left: int | None = None
        self.is_dead = False
        self.is_waiting_for_mutation = False
        self.meanwhile: Any = None
        worker.store.around["transaction"] = self._transaction
        for name in ("reading", "acquire_lease", "release_lease"):
            worker.store.around[name] = self._beginning
        for name in REQUESTS:
            worker.client.around[name] = partial(self._request, name == "push")

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

    @contextmanager
    def _transaction(self, transaction: Callable[..., Any], *given: Any) -> Iterator[Any]:
        self.pass_by(can_wait=True)
        with transaction(*given) as tx:
            yield tx
            self.pass_by(can_wait=False)

    def _beginning(self, method: Callable[..., Any], *given: Any, **options: Any) -> Any:
        self.pass_by(can_wait=True)
        return method(*given, **options)

    def _request(
        self, is_mutation: bool, request: Callable[..., Any], *given: Any, **options: Any
    ) -> Any:
        self.pass_by(can_wait=False)
        answer = request(*given, **options)
        if self.is_waiting_for_mutation and is_mutation:
            self.is_dead = True
        self.pass_by(can_wait=False)
        return answer


REQUESTS = [name for name in vars(WatchedClient) if not name.startswith("_")]
