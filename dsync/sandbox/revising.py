"""Publishes new versions of a form, and rebases the open dossiers onto them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dsync.sandbox import ids
from dsync.sandbox.champ import NOT_TEXT
from dsync.sandbox.form_parts import Descriptor
from dsync.sandbox.model import FINISHED, Demarche, Dossier, Revision
from dsync.sandbox.world import World


@dataclass(slots=True)
class Change:
    """What a new revision changes; champs and annotations alike, by stable id."""

    add_champs: list[Descriptor] = field(default_factory=list)
    add_annotations: list[Descriptor] = field(default_factory=list)
    rename: dict[int, str] = field(default_factory=dict)
    remove: list[int] = field(default_factory=list)
    retype: dict[int, str] = field(default_factory=dict)
    options: dict[int, list[str]] = field(default_factory=dict)


def publish(world: World, demarche: Demarche, change: Change, *, rebases: bool = True) -> str:
    """Publish the draft with a change; return the new revision's identifier."""
    draft = demarche.revisions[-1]
    _apply(draft, change)
    draft.published_at = world.clock.now()
    demarche.revisions.append(world.draft_after(draft, draft.published_at))
    demarche.modified_at = draft.published_at
    if rebases:
        rebase(world, demarche, retype=change.retype)
    world.forget_rendered()
    return ids.encode("ProcedureRevision", draft.key)


def rebase(
    world: World,
    demarche: Demarche,
    number: int | None = None,
    *,
    retype: dict[int, str] | None = None,
) -> None:
    """Bring one dossier, or all that are not finished, to the active revision.

    None of their dates moves.
    """
    for dossier in demarche.dossiers.values():
        if dossier.seed.state not in FINISHED and number in (None, dossier.number):
            dossier.revision = demarche.revisions[-2]
            _cast(dossier, retype or {})
    world.forget_rendered()


def _cast(dossier: Dossier, types: dict[int, str]) -> None:
    """Keep the text of a champ that takes texts still; a value of another kind is lost."""
    for answers in (dossier.seed.champs, dossier.seed.annotations):
        for stable_id, type_ in types.items():
            if isinstance(answers.get(stable_id), str) is (type_ in NOT_TEXT):
                answers.pop(stable_id, None)


def _apply(revision: Revision, change: Change) -> None:
    for kept, added in (
        (revision.champs, change.add_champs),
        (revision.annotations, change.add_annotations),
    ):
        kept.extend(added)
        kept[:] = [d for d in kept if d["stable_id"] not in change.remove]
        for descriptor in kept:
            _alter(descriptor, change)
            for cell in descriptor["champs"]:
                _alter(cell, change)


def _alter(descriptor: Any, change: Change) -> None:
    stable_id = descriptor["stable_id"]
    descriptor["label"] = change.rename.get(stable_id, descriptor["label"])
    descriptor["type"] = change.retype.get(stable_id, descriptor["type"])
    descriptor["options"] = change.options.get(stable_id, descriptor["options"])
