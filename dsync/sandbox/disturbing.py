"""The part of the control that makes the platform fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsync.sandbox.faults import Fault
from dsync.sandbox.junk import Junk
from dsync.sandbox.limits import QueryLimit
from dsync.sandbox.model import Dossier

if TYPE_CHECKING:
    from dsync.sandbox.api import Api
    from dsync.sandbox.world import World


class Disturber:
    """Scripts failures, makes data bad, and changes what tokens and limits allow."""

    def __init__(self, world: World, api: Api) -> None:
        self._world = world
        self._api = api

    def fail(self, *faults: Fault) -> None:
        """Script failures, for the requests to come."""
        with self._world.lock:
            self._api.faults.add(faults)

    def clear_faults(self) -> None:
        """Drop the scripted failures that have not happened."""
        with self._world.lock:
            self._api.faults.clear()

    def poison(self, number: int, *, champs_only: bool = False) -> None:
        """Make a dossier's data bad: a null among a page's good nodes, until healed."""
        with self._world.lock:
            self._world.poisoned.add(number)
            self._limit_to_champs(number, champs_only=champs_only)
            self._dossier(number).rendered.clear()

    def break_page(self, number: int, *, champs_only: bool = False) -> None:
        """Make every request that answers this dossier end in a 500, until healed."""
        with self._world.lock:
            self._world.breaking.add(number)
            self._limit_to_champs(number, champs_only=champs_only)

    def spoil(self, number: int | None, path: Sequence[str | int], json: str) -> None:
        """Put any JSON at a path of a dossier's node, in every answer that has it, until healed.

        Args:
            number: the dossier; None: every answer, and the path is from its top.
            path: keys and indexes, such as `("champs", 3, "label")`; empty for the node itself.
            json: what stands there, to the letter.
        """
        with self._world.lock:
            self._world.junk.append(Junk(tuple(path), json, number))

    def dig(self, number: int, path: Sequence[str | int]) -> None:
        """Make a hole in a dossier's data, as the platform has them, until healed.

        Where the schema promises a value, the nearest object around it that may be null is null.
        """
        with self._world.lock:
            self._world.junk.append(Junk(tuple(path), dossier=number, is_hole=True))

    def break_writes(self, number: int) -> None:
        """Make every mutation of this dossier's annotations end in a 500, until healed."""
        with self._world.lock:
            self._world.unwritable.add(number)

    def lose_writes(self, number: int, stable_id: int) -> None:
        """Answer the writes of an annotation by the API as done, and keep none of them."""
        with self._world.lock:
            self._world.unkept.add((number, stable_id))

    def heal(self, number: int | None) -> None:
        """Make a dossier good again; None: what was put into every answer goes."""
        with self._world.lock:
            self._world.junk = [one for one in self._world.junk if one.dossier != number]
            if number is None:
                return
            self._world.poisoned.discard(number)
            self._world.breaking.discard(number)
            self._world.bad_champs.discard(number)
            self._world.unwritable.discard(number)

    def _limit_to_champs(self, number: int, *, champs_only: bool) -> None:
        (self._world.bad_champs.add if champs_only else self._world.bad_champs.discard)(number)

    def maintain(self, *, on: bool = True) -> None:
        """Put the platform into maintenance, or end it."""
        self._api.under_maintenance = on

    def limit_rate(self, per_minute: int | None) -> None:
        """Set the rate limit."""
        self._api.limit.per_minute = per_minute

    def limit_queries(self, *, complexity: int = 60_000, tokens: int = 20_000) -> None:
        """Set how large a query may be; 0 lifts a limit."""
        self._api.query_limit = QueryLimit(complexity, tokens)

    def expire_token(self, name: str = "write") -> None:
        """Let a token expire now."""
        self._api.doorkeeper.expire(name)

    def renew_token(self, name: str = "write") -> None:
        """Make an expired token good again."""
        self._api.doorkeeper.renew(name)

    def forbid_network(self, name: str = "write", *, forbidden: bool = True) -> None:
        """Refuse a token on this network, or allow it again."""
        self._api.doorkeeper.forbid_network(name, forbidden=forbidden)

    def _dossier(self, number: int) -> Dossier:
        found = self._world.dossier(number)
        if found is None:
            told = f"the sandbox has no dossier {number}"
            raise KeyError(told)
        return found
