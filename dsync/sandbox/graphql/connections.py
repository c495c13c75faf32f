"""Pages of the dossiers and of the two lists of deletions: order and cursors."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

from dsync.sandbox.graphql.call import Info, Resolve, ServerFailure, invalid_input
from dsync.sandbox.world.model import Deletion, Groupe, ServedDemarche, ServedDossier

_MAX_PAGE = 100

Key = tuple[datetime, int]
Place = ServedDemarche | Groupe
"""An object with lists of dossiers: a démarche, or one of its groupes."""


@dataclass
class Connection:
    """A list of which a page is asked; its page is made where DS reports a bad cursor."""

    all: Sequence[Key]
    value_of: Callable[[Key], Any]
    first: int | None = None
    after: str | None = None

    @property
    def nodes(self) -> list[Any]:
        """The values of the page."""
        return [self.value_of(key) for key in self._page()[0]]

    @property
    def page_info(self) -> Self:
        """What has the fields of `PageInfo`."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Whether more follow."""
        return self._page()[1]

    @property
    def end_cursor(self) -> str | None:
        """The position of the page's last value."""
        keys, _ = self._page()
        return cursor_of(keys[-1]) if keys else None

    def _page(self) -> tuple[Sequence[Key], bool]:
        """Return the page's keys, and whether more follow."""
        start, size = 0, _MAX_PAGE if self.first is None else max(0, min(_MAX_PAGE, self.first))
        if self.after:
            at = _position(self.after)
            start = bisect_right(self.all, at) if at else len(self.all)
        return self.all[start : start + size], len(self.all) > start + size


def dossiers(
    place: Place, _: Info, *, updated_since: datetime | None = None, **page: Any
) -> Connection:
    """Resolve `dossiers`: the present ones, by last change with `updatedSince`, else by deposit."""
    shown = {dossier.number: dossier for dossier in _listed(place, "present")}
    if updated_since is None:
        keys = [(dossier.depose_at, dossier.number) for dossier in shown.values()]
    else:
        changes = [(dossier.updated_at, dossier.number) for dossier in shown.values()]
        keys = [(at, number) for at, number in changes if at >= updated_since]
    return Connection(sorted(keys), lambda key: shown[key[1]], **page)


def _deletions(
    listed: str, place: Place, _: Info, *, deleted_since: datetime | None = None, **page: Any
) -> Connection:
    found = [removal for dossier in _listed(place, listed) if (removal := dossier.removal)]
    entries = {(r.at, r.key): r for r in found if deleted_since is None or r.at >= deleted_since}

    def entry(key: Key) -> Deletion:
        if any(entries[key].dossier.faults_of("odd_entry")):
            raise ServerFailure
        return entries[key]

    return Connection(sorted(entries), entry, **page)


LISTS: dict[str, Resolve] = {
    "dossiers": dossiers,
    "pendingDeletedDossiers": partial(_deletions, "masque"),
    "deletedDossiers": partial(_deletions, "supprime"),
}
"""Resolvers of the lists of dossiers: the present, the hidden and the erased ones."""


def _listed(place: Place, listed: str) -> Iterator[ServedDossier]:
    demarche = place.demarche if isinstance(place, Groupe) else place
    for dossier in demarche.dossiers.values():
        if dossier.listed == listed and place in (demarche, dossier.groupe):
            yield dossier


def cursor_of(key: Key) -> str:
    """Return the cursor of a position: base64 of a UTC instant and a number, without padding."""
    at, number = key
    text = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z;{number}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(text: str) -> Key | None:
    """Return the position of a cursor, None for one that is base64 of another text."""
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError as exc:  # No base64, or no UTF-8.
        raise invalid_input(text) from exc
    at, _, number = decoded.partition(";")
    try:
        return datetime.fromisoformat(at[:26] + "+00:00"), int(number)
    except ValueError:
        return None
