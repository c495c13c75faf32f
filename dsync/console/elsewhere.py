"""Other démarches of the database that a person sees: the same product there, and a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsync.console.visit import Viewer, Visit
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store.listing import Selection

MOST = 5
"""Dossiers of one démarche that are shown, the last ones."""
PRODUCT, ORGANISATION = "même produit", "même organisme"


def former_calls(visit: Visit, number: DossierNumber) -> list[dict[str, Any]]:
    """Return the dossiers of the person's other démarches with a dossier's product or SIREN.

    As lists show them, with the démarche, what is common, and the verdict in its démarche's words.
    """
    others = list(visit.elsewhere())
    if not others:
        return []
    with visit.reading() as reader:
        found = reader.dossiers.by_number(number, only=()) or {}
    return [
        row
        | {
            "demarche": one.worker.demarche,
            "title": _title(visit, one),
            "common": common,
            "said": one.verdicts.get(row["verdict"], "Sans avis"),
        }
        for one in others
        for row, common in _common(one, found)
    ]


def _common(viewer: Viewer, found: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    last: dict[str, Any] = {"presence": "present", "tri": "depose_le", "descendant": True}
    product, siren = found.get("produit_id"), found["siren"]
    wanted: list[tuple[str, dict[str, Any]]] = []
    if product:
        wanted.append((PRODUCT, {"own": {"produit": product}}))
    if siren:
        wanted.append((ORGANISATION, {"rattachement": siren}))
    numbers: dict[int, str] = {}
    with viewer.reading() as reader:
        for common, given in wanted:
            for one in reader.dossiers.numbers_of(Selection(**last, **given))[:MOST]:
                numbers.setdefault(one, common)
        rows = reader.dossiers.shown([*numbers][:MOST])
    return [(row, numbers[row["numero"]]) for row in rows]


def found_elsewhere(visit: Visit, chosen: Selection) -> list[tuple[DemarcheNumber, str, int]]:
    """Return in which other démarches of the person a search finds dossiers: title, how many."""
    if chosen.q is None and chosen.numeros is None:
        return []
    found = []
    for one in visit.elsewhere():
        with one.reading() as reader:
            same = Selection(q=chosen.q, numeros=chosen.numeros)
            _, total = reader.dossiers.page(same, limit=1)
        if total:
            found.append((one.worker.demarche, _title(visit, one), total))
    return found


def _title(visit: Visit, one: Viewer) -> str:
    """Return the title of a démarche in DS, else its short name, and its number."""
    number, section = one.worker.demarche, one.worker.configuration.demarche
    known = visit.titled.get(number)
    title = (known and known.titre) or (section and section.appel)
    return f"{title} (démarche {number})" if title else f"démarche {number}"
