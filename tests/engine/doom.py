"""Strikes a worker at one of its requests or transactions, as a SIGKILL or another worker would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from dsync.store import Tx
from tests.engine.rig import WatchedClient, Worker


class KilledError(BaseException):
    """The process is no more: nothing catches it, nothing is cleaned up."""


class Doom:
    """Counts a worker's requests and transactions, and strikes at one of them.

    A point is before and after each request, where a transaction begins, and before its commit.
    An effect is what outlives the process: a commit of changes (counted on SQLite only), and a
    mutation that DS has done. Between two effects, all points leave the same behind.
    """

    def __init__(self, worker: Worker) -> None:
        self.left: int | None = None
        self.effects_left: int | None = None
        self.is_dead = False
        self.is_waiting_for_mutation = False
        self.meanwhile: Any = None
        worker.store.around["transaction"] = self._transaction
        worker.store.around["reading"] = self._beginning
        for name in ("acquire_lease", "release_lease"):
            worker.store.around[name] = self._lease
        for name in REQUESTS:
            worker.client.around[name] = partial(self._request, name == "push")

    def at(self, point: int, meanwhile: Any = None) -> None:
        """Strike at this point: with `meanwhile`, or with death."""
        self.left, self.meanwhile = point, meanwhile

    def after_effects(self, count: int) -> None:
        """Strike dead where the worker is right after so many effects."""
        self.effects_left = count

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

    def _note_effect(self) -> None:
        """Count what outlives the process."""
        if self.effects_left is None:
            return
        self.effects_left -= 1
        if self.effects_left == 0:
            self.is_dead = True
            raise KilledError

    @contextmanager
    def _transaction(self, transaction: Callable[..., Any], *given: Any) -> Iterator[Any]:
        self.pass_by(can_wait=True)
        with transaction(*given) as tx:
            changes = _changes(tx)
            yield tx
            self.pass_by(can_wait=False)
            has_written = _changes(tx) != changes
        if has_written:
            self._note_effect()

    def _beginning(self, method: Callable[..., Any], *given: Any, **options: Any) -> Any:
        self.pass_by(can_wait=True)
        return method(*given, **options)

    def _lease(self, method: Callable[..., Any], *given: Any, **options: Any) -> Any:
        answer = self._beginning(method, *given, **options)
        self._note_effect()
        return answer

    def _request(
        self, is_mutation: bool, request: Callable[..., Any], *given: Any, **options: Any
    ) -> Any:
        self.pass_by(can_wait=False)
        answer = request(*given, **options)
        if self.is_waiting_for_mutation and is_mutation:
            self.is_dead = True
        if is_mutation:
            self._note_effect()
        self.pass_by(can_wait=False)
        return answer


def _changes(tx: Tx) -> int | None:
    """Return how many rows SQLite has changed on this connection; None on PostgreSQL."""
    return getattr(tx.connection.connection.driver_connection, "total_changes", None)


REQUESTS = [name for name in vars(WatchedClient) if not name.startswith("_")]
