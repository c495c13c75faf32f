"""Steps of a dossier's plan, as they are sent to DS."""

from __future__ import annotations

from dsync.annotations.plan import Action, Step
from dsync.annotations.targets import LABEL
from dsync.annotations.wish import Wish
from dsync.domain.dossier import Descriptor
from dsync.domain.ids import DescriptorId, DossierNumber


def value_step(id_: str, type_: str, text: str) -> Step:
    """Return the step that writes a text into an annotation."""
    descriptor = Descriptor(DescriptorId(id_), id_, type_, is_annotation=True)
    return Step(Wish(1, DossierNumber(1), id_, text), Action.WRITE, descriptor, target=id_)


def label_step(add: str, *remove: str) -> Step:
    """Return the step that adds a label and removes others, by their ids."""
    wish = Wish(2, DossierNumber(1), LABEL, add)
    removed = {id_: id_ for id_ in remove}
    return Step(wish, Action.WRITE, target=add, add=add, remove=removed)
