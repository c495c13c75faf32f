"""The forms of the two démarches: aap-eig7 in two revisions, and one with every type of champ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsync.sandbox.content.rng import load
from dsync.sandbox.world.model import DescriptorSeed, FormRevision, FormSeed, descriptor

_DATA = load("forms")
_ZOO = _DATA["zoo"]

Rows = Iterable[dict[str, Any]]


def _descriptors(rows: Rows) -> list[DescriptorSeed]:
    """Return the descriptors of rows, whose keys are arguments of `descriptor`."""
    made = []
    for row in rows:
        keys: dict[str, Any] = {**row, "champs": _descriptors(row.get("champs", ()))}
        made.append(descriptor(**keys))
    return made


def _form(data: dict[str, Any], champs: Rows, annotations: Rows) -> FormSeed:
    """Return a form; each revision is created when the one before it is published."""
    created, published = [data["created_at"], *data["published_at"]], data["published_at"]
    revisions = [
        FormRevision(*dates, _descriptors(champs), _descriptors(annotations))
        for dates in zip(created, published, strict=False)
    ]
    facts = ("number", "path", "title", "description", "labels", "groupes")
    return FormSeed(**{fact: data[fact] for fact in facts}, revisions=revisions)


def _every_type(base: int, block: int, without: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return a row of each type, a drop-down list with « Autre », and a repetition."""
    named = [(base + rank, name) for rank, name in enumerate(_ZOO["simple"])]
    named += [(base + 30 + rank, name) for rank, name in enumerate(_ZOO["rare"])]
    rows: list[dict[str, Any]] = []
    for ident, name in named:
        type_, label = name.split(maxsplit=1)
        options = _ZOO["options"].get(type_, ())
        rows.append({"id": ident, "type": type_, "label": label, "options": options})
    choice = {"type": "drop_down_list", "label": "Choix avec Autre", "other_option": True}
    cells = [
        {"id": block + 2, "type": "text", "label": "T"},
        {"id": block + 3, "type": "integer_number", "label": "N"},
    ]
    rows = [row for row in rows if row["type"] not in without]
    rows.append({"id": block, "options": ["Un", "Deux"], **choice})
    rows.append({"id": block + 1, "type": "repetition", "label": "Bloc", "champs": cells})
    return rows


FORM = _form(_DATA["eig"], _DATA["eig"]["champs"], _DATA["eig"]["annotations"])
EVERY_TYPE_FORM = _form(
    _ZOO, _every_type(7100, 7400), _every_type(7200, 7300, _ZOO["no_annotation"])
)

_FIRST, _SECOND = (
    {d["stable_id"]: d for top in (r.champs, r.annotations) for t in top for d in (t, *t["champs"])}
    for r in FORM.revisions
)
ETAPES = _SECOND[5202]["options"]
CRITERES = [stable_id for stable_id in _SECOND if 5311 <= stable_id <= 5319]
CAS_LANCER, CAS_INTERNALISER = _SECOND[4402]["options"]
PROFIL_PRODUIT, PROFIL_TECHNIQUE, PROFIL_IMPACT = _SECOND[4404]["options"]
_FIRST[4404]["options"].remove(PROFIL_IMPACT)
