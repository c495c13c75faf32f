"""Which dossiers a list holds: filters, the column that sorts it, and the lists of deletions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Literal

from dsync.sandbox import ids
from dsync.sandbox.answers import InternalError, invalid_input, not_found
from dsync.sandbox.clock import iso
from dsync.sandbox.context import Context
from dsync.sandbox.model import Demarche, Dossier, Groupe, Revision
from dsync.sandbox.pages import Ask, Connection, Key, cursor

Place = Demarche | tuple[Demarche, Groupe]
Keep = Callable[[Dossier], bool]
_PAGE_ARGUMENTS = ("first", "last", "after", "before", "order")


def groupes(demarche: Demarche, _: Context, **arguments: Any) -> list[Groupe]:
    """List the groupes; the platform breaks when asked for the closed or the open ones."""
    if arguments.get("closed") is not None:
        raise InternalError
    return demarche.groupes


def dossiers(place: Place, context: Context, **arguments: Any) -> Connection:
    """List the visible dossiers of a démarche or of a groupe."""
    demarche, groupe = place if isinstance(place, tuple) else (place, None)
    ask = Ask(**{name: arguments[name] for name in _PAGE_ARGUMENTS if name in arguments})
    keeps = list(_filters(demarche, groupe, arguments))
    since = arguments.get("updatedSince")
    column: Literal["depose_at", "updated_at"] = "updated_at" if since else "depose_at"
    keys = demarche.order(column)
    since = since or arguments.get("createdSince")
    if since:
        keys = keys[bisect_left(keys, (since, 0)) :]
    if keeps:
        kept = demarche.dossiers
        keys = [key for key in keys if all(keep(kept[key[1]]) for keep in keeps)]
    return Connection(keys, ask, lambda key: demarche.dossiers[key[1]])


def _filters(demarche: Demarche, groupe: Groupe | None, arguments: dict[str, Any]) -> list[Keep]:
    keeps: list[Keep] = []
    if groupe is not None:
        keeps.append(lambda dossier: dossier.groupe is groupe)
    state = arguments.get("state")
    if state is not None:
        keeps.append(lambda dossier: dossier.seed.state == state)
    archived = arguments.get("archived")
    if archived is not None:
        keeps.append(lambda dossier: dossier.seed.archived is archived)
    for name, test in _REVISION_TESTS.items():
        text = arguments.get(name)
        if text is not None:
            wanted = _revision(demarche, text)
            keeps.append(partial(_matches, test, wanted.key))
    return keeps


def _matches(test: Callable[[int, int], bool], wanted: int, dossier: Dossier) -> bool:
    return test(dossier.revision.key, wanted)


_REVISION_TESTS: dict[str, Callable[[int, int], bool]] = {
    "revision": lambda key, wanted: key == wanted,
    "minRevision": lambda key, wanted: key >= wanted,
    "maxRevision": lambda key, wanted: key <= wanted,
}


def _revision(demarche: Demarche, text: str) -> Revision:
    try:
        ids.decode(text)
    except ids.InvalidIdError as exc:
        raise invalid_input(text) from exc
    key = ids.key_of(text, "ProcedureRevision")
    found = next((revision for revision in demarche.revisions if revision.key == key), None)
    if found is None:
        raise not_found("DossierConnection")
    return found


def pending(place: Place, _: Context, **arguments: Any) -> Connection:
    """List the dossiers that are hidden and not erased yet."""

    def entry(dossier: Dossier) -> tuple[Key, dict[str, Any]] | None:
        if dossier.presence != "masque" or dossier.hidden_at is None:
            return None
        by_agent = "administration" in dossier.hidden_by
        reason = "instructeur_request" if by_agent else "user_request"
        return _entry(dossier, dossier.number, reason, dossier.hidden_at)

    return _deletions(place, entry, arguments)


def deleted(place: Place, _: Context, **arguments: Any) -> Connection:
    """List the dossiers that are erased."""

    def entry(dossier: Dossier) -> tuple[Key, dict[str, Any]] | None:
        gone = dossier.deletion
        return _entry(dossier, gone.key, gone.reason, gone.at) if gone else None

    return _deletions(place, entry, arguments)


def _entry(dossier: Dossier, key: int, reason: str, at: datetime) -> tuple[Key, dict[str, Any]]:
    shown = {
        "id": ids.encode("DeletedDossier", key),
        "number": dossier.number,
        "state": dossier.seed.state,
        "reason": reason,
        "dateSupression": iso(at),
    }
    return (at, key), shown


def _deletions(
    place: Place,
    entry: Callable[[Dossier], tuple[Key, dict[str, Any]] | None],
    arguments: dict[str, Any],
) -> Connection:
    demarche, groupe = place if isinstance(place, tuple) else (place, None)
    since = arguments.get("deletedSince")
    entries = dict(
        filter(
            None,
            (entry(d) for d in demarche.dossiers.values() if groupe in (None, d.groupe)),
        )
    )
    keys = sorted(key for key in entries if since is None or key[0] >= since)
    ask = Ask(**{name: arguments[name] for name in _PAGE_ARGUMENTS if name in arguments})
    return Connection(keys, ask, entries.__getitem__)


def edge_cursor(keys: list[Key]) -> str | None:
    """Return the cursor of one of a page's ends, None on an empty page."""
    return cursor(keys[0]) if keys else None
