"""Pagination of the dossiers and of the two lists of deletions: filters, order, cursors."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from operator import eq, ge, le
from typing import Any, Self

from dsync.sandbox.graphql.call import Info, Resolve, failed, invalid_input, not_found
from dsync.sandbox.world import ids
from dsync.sandbox.world.model import FormRevision, Groupe, ServedDemarche, ServedDossier, by_id

MAX_PAGE = 100

Key = tuple[datetime, int]
Place = ServedDemarche | Groupe
"""An object with lists of dossiers: a démarche, or one of its groupes."""


@dataclass
class Connection:
    """A list of which a page is asked; its page is made where DS reports bad arguments."""

    all: Sequence[Key]
    value_of: Callable[[Key], Any]
    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None
    order: str | None = "ASC"

    @property
    def page_info(self) -> Self:
        """What has the page's `PageInfo`."""
        return self

    @cached_property
    def page(self) -> dict[str, Any]:
        """The page's nodes and edges in the order served, and the fields of its `PageInfo`.

        Raises:
            GraphQLError: two arguments exclude each other, or a cursor cannot be decoded.
        """
        keys, has_next_page, has_previous_page = self._keys()
        cursors, values = [_cursor(key) for key in keys], [self.value_of(key) for key in keys]
        edges = [{"cursor": c, "node": value} for c, value in zip(cursors, values, strict=True)]
        return {
            "nodes": values,
            "edges": edges,
            "has_next_page": has_next_page,
            "has_previous_page": has_previous_page,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        }

    def _keys(self) -> tuple[list[Key], bool, bool]:
        """Return the page's keys, whether more follow, whether more precede."""
        if self.first is not None and self.last is not None:
            raise failed('Arguments "first" and "last" are exclusive', "bad_request")
        if self.after and self.before:
            raise failed('Arguments "before" and "after" are exclusive', "bad_request")
        descending = self.order == "DESC"
        asked = MAX_PAGE if self.first is self.last is None else self.first or self.last or 0
        size = max(0, min(MAX_PAGE, asked))
        low, high = 0, len(self.all)
        if text := self.after or self.before:
            at = _position(text)
            if at is None:
                return [], bool(self.before), bool(self.after)
            if bool(self.after) != descending:
                low = bisect_right(self.all, at)
            else:
                high = bisect_left(self.all, at)
        more = high - low > size
        from_the_end = bool(self.before) or (self.last is not None and not self.after)
        if from_the_end != descending:
            keys = list(self.all[max(low, high - size) : high])
        else:
            keys = list(self.all[low : min(high, low + size)])
        if descending:
            keys.reverse()
        if from_the_end:
            return keys, bool(self.before), more
        return keys, more, bool(self.after)


def dossiers(
    place: Place,
    _: Info,
    *,
    created_since: datetime | None = None,
    updated_since: datetime | None = None,
    state: str | None = None,
    archived: bool | None = None,
    revision: str | None = None,
    min_revision: str | None = None,
    max_revision: str | None = None,
    **page: Any,
) -> Connection:
    """Resolve `dossiers`: the present dossiers of a démarche or of a groupe."""
    demarche = place.demarche if isinstance(place, Groupe) else place
    wanted = ((eq, revision), (ge, min_revision), (le, max_revision))
    revisions = [(test, _revision(demarche, text).key) for test, text in wanted if text is not None]
    since = updated_since or created_since

    def at(dossier: ServedDossier) -> datetime:
        return dossier.updated_at if updated_since else dossier.depose_at

    keys = sorted(
        (at(dossier), dossier.number)
        for dossier in _listed(place, "present")
        if (since is None or at(dossier) >= since)
        and state in (None, dossier.state)
        and archived in (None, dossier.archived)
        and all(test(dossier.form.key, key) for test, key in revisions)
    )
    return Connection(keys, lambda key: demarche.dossiers[key[1]], **page)


def _deletions(
    listed: str, place: Place, _: Info, *, deleted_since: datetime | None = None, **page: Any
) -> Connection:
    found = [removal for dossier in _listed(place, listed) if (removal := dossier.removal)]
    entries = {(r.at, r.key): r for r in found if deleted_since is None or r.at >= deleted_since}
    return Connection(sorted(entries), entries.__getitem__, **page)


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


def _revision(demarche: ServedDemarche, text: str) -> FormRevision:
    try:
        ids.decode(text)
    except ids.InvalidIdError as exc:
        raise invalid_input(text) from exc
    found = by_id(text, demarche.revisions)
    if found is None:
        raise not_found("DossierConnection")
    return found


def _cursor(key: Key) -> str:
    """Return the cursor of a position: base64 of a UTC instant and a number, without padding."""
    at, number = key
    text = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z;{number}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(text: str) -> Key | None:
    """Return the position of a cursor, None for one that is base64 of another text.

    Raises:
        GraphQLError: it is not base64.
    """
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError as exc:  # No base64, or no UTF-8.
        raise invalid_input(text) from exc
    at, _, number = decoded.partition(";")
    try:
        return datetime.fromisoformat(at[:26] + "+00:00"), int(number)
    except ValueError:
        return None
