"""What goes between DS and dsync: a dossier's node, and steps of its plan as they are sent."""

from __future__ import annotations

from typing import Any

from dsync.annotations.plan import Action, Step
from dsync.annotations.targets import LABEL
from dsync.annotations.wish import Wish
from dsync.domain.dossier import Descriptor
from dsync.domain.ids import DescriptorId, DossierNumber


def node_of(number: int = 1, **over: Any) -> dict[str, Any]:
    """Return a whole dossier as DS gives it, with some facts of its own."""
    day = "2024-03-01T10:00:00+01:00"
    dates = ("Depot", "PassageEnConstruction", "DerniereModification")
    moves = ("DerniereModificationChamps", "DerniereModificationAnnotations")
    return {
        **{"number": number, "id": f"D{number}", "state": "en_construction", "archived": False},
        **{f"date{name}": day for name in (*dates, *moves)},
        **{"usager": {"email": "usager@example.org"}, "groupeInstructeur": {"label": "défaut"}},
        **{"instructeurs": [], "revision": {"id": "rev"}, "labels": [], "traitements": []},
        "demandeur": {"__typename": "PersonneMorale", "siret": "13002526500013"},
        **{"champs": [], "annotations": []},
    } | over


def value_step(id_: str, type_: str, text: str) -> Step:
    """Return the step that writes a text into an annotation."""
    descriptor = Descriptor(DescriptorId(id_), id_, type_, is_annotation=True)
    return Step(Wish(1, DossierNumber(1), id_, text), Action.WRITE, descriptor, target=id_)


def label_step(add: str, *remove: str) -> Step:
    """Return the step that adds a label and removes others, by their ids."""
    wish = Wish(2, DossierNumber(1), LABEL, add)
    removed = {id_: id_ for id_ in remove}
    return Step(wish, Action.WRITE, target=add, add=add, remove=removed)
