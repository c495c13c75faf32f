"""Changes of dossiers and forms, with the dates that each one sets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dsync.sandbox.content.seeds import DescriptorSeed
from dsync.sandbox.world import ids
from dsync.sandbox.world.champs import NOT_TEXT, ServedChamp
from dsync.sandbox.world.model import (
    FINISHED,
    FormRevision,
    Groupe,
    Label,
    LifeStep,
    Row,
    ServedDemarche,
    ServedDossier,
    Source,
    World,
)

_EVENTS = {
    ("en_construction", "en_instruction"): "passe_en_instruction",
    ("en_instruction", "en_construction"): "repasse_en_construction",
    ("en_instruction", "accepte"): "accepte",
    ("en_instruction", "refuse"): "refuse",
    ("en_instruction", "sans_suite"): "classe_sans_suite",
}
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MAX_DECIMALS = 3


class RefusalError(Exception):
    """DS refuses a change; the message is in French. Nothing was changed."""


def move(
    dossier: ServedDossier,
    state: str,
    at: datetime,
    agent: str | None,
    motivation: str | None = None,
) -> None:
    """Move a dossier to another state.

    Args:
        dossier: the dossier.
        state: the new state.
        at: instant of the change.
        agent: e-mail address of the instructeur.
        motivation: reason of a final decision.
    """
    seed = dossier.seed
    event = _EVENTS.get((seed.state, state), "repasse_en_instruction")
    seed.state = state  # type: ignore[assignment]
    if state == "en_construction":
        seed.en_instruction_at = None
    elif state == "en_instruction":
        seed.en_instruction_at = at
    seed.traite_at = at if state in FINISHED else None
    seed.motivation = motivation if state in FINISHED else None
    dossier.steps.append(LifeStep(event, state, at, agent, motivation, dossier.revision))
    dossier.updated_at = at


def archive(dossier: ServedDossier, at: datetime, *, archived: bool) -> None:
    """Archive a dossier, or undo it."""
    dossier.seed.archived = archived
    dossier.updated_at = at


def hand_over(dossier: ServedDossier, groupe: Groupe, at: datetime) -> None:
    """Assign a dossier to another groupe; only its instructeurs may then write."""
    dossier.groupe = groupe
    dossier.followers = [agent for agent in dossier.followers if agent in groupe.instructeurs]
    dossier.updated_at = at


def edit(
    dossier: ServedDossier,
    source: Source,
    stable_id: int,
    value: Any,
    row: int | None,
    at: datetime,
    agent: str | None = None,
) -> None:
    """Store a value entered in the web interface, with the dates that DS sets.

    Since June 2026 an instructeur can correct a champ: this does not set the champs' date, which
    is the usager's. A submission by the usager ends a pending correction.

    Args:
        dossier: the dossier.
        source: whether it is a champ or an annotation.
        stable_id: of its descriptor.
        value: the new value, see `DossierSeed`.
        row: index of the row in a repetition.
        at: instant of the change.
        agent: the instructeur who corrects a champ.
    """
    descriptor, repetition = dossier.revision.descriptor(source, stable_id)
    in_row = dossier.rows_of(repetition, source)[row or 0] if repetition else None
    champ = ServedChamp(dossier, source, descriptor, in_row)
    if champ.type == "repetition":
        dossier.rows.pop(stable_id, None)
    champ.cells[stable_id] = value
    dossier.touched[champ.key] = at
    if source == "annotations":
        dossier.annotations_at = at
    elif agent:
        event = "depose_correction_instructeur"
        dossier.steps.append(
            LifeStep(event, dossier.seed.state, at, agent, revision=dossier.revision)
        )
    else:
        dossier.champs_at = at
        dossier.correction_at = None
        dossier.steps.append(
            LifeStep("depose_correction_usager", dossier.seed.state, at, revision=dossier.revision)
        )
    dossier.updated_at = at


def ask_correction(dossier: ServedDossier, at: datetime) -> None:
    """Ask the usager for a correction; it is pending until the usager submits."""
    dossier.correction_at = dossier.updated_at = at


def label(dossier: ServedDossier, label: Label, at: datetime, *, there: bool) -> None:
    """Add or remove a label; since July 2026 both set the dossier's date of last change."""
    if there != (label in dossier.labels):
        (dossier.labels.append if there else dossier.labels.remove)(label)
        dossier.updated_at = at


def write(champ: ServedChamp, given: Any, at: datetime, *, kept: bool = True) -> None:
    """Store an annotation's value written by API; this does not set the annotations' date.

    Args:
        champ: the annotation; its `value` becomes the normalised value.
        given: the value, of the annotation's type; None empties it.
        at: instant of the change; an equal value sets no date.
        kept: False to answer as if the value were saved without saving it.

    Raises:
        RefusalError: DS's validation refuses the value.
    """
    before, store = champ.value, _KEPT.get(champ.type, _as_is)
    champ.value = None if given is None else store(champ.descriptor, given)
    if before == champ.value or not kept:
        return
    champ.cells[champ.stable_id] = champ.value
    champ.dossier.touched[champ.key] = at
    champ.dossier.updated_at = at


def add_row(dossier: ServedDossier, repetition: DescriptorSeed, at: datetime) -> None:
    """Add an empty row to an annotation of type repetition; this sets no date."""
    rows = dossier.rows_of(repetition, "annotations")
    rows.append(Row(ids.ulid(at, dossier.number, repetition["stable_id"], len(rows)), {}))


@dataclass(slots=True)
class Change:
    """The changes of a new revision; champs and annotations are given by stable id."""

    add_champs: list[DescriptorSeed] = field(default_factory=list)
    add_annotations: list[DescriptorSeed] = field(default_factory=list)
    rename: dict[int, str] = field(default_factory=dict)
    remove: list[int] = field(default_factory=list)
    retype: dict[int, str] = field(default_factory=dict)
    options: dict[int, list[str]] = field(default_factory=dict)


def publish(world: World, demarche: ServedDemarche, change: Change) -> str:
    """Apply a change to the draft and publish it; return the new revision's id."""
    revision = demarche.revisions[-1]
    _apply(revision, change)
    revision.date_publication = demarche.modified_at = world.now()
    world.begin_draft(demarche)
    return revision.id


def rebase(
    demarche: ServedDemarche, number: int | None = None, *, retype: Mapping[int, str] | None = None
) -> None:
    """Move one dossier, or all that are not finished, to the active revision.

    This sets none of their dates.

    Args:
        demarche: the démarche.
        number: of the dossier; None: all.
        retype: new types by stable id, to convert the values.
    """
    for dossier in demarche.dossiers.values():
        if dossier.seed.state not in FINISHED and number in (None, dossier.number):
            dossier.revision = demarche.published
            _cast(dossier, retype or {})


def _cast(dossier: ServedDossier, types: Mapping[int, str]) -> None:
    """Delete values that do not fit their new type; a text stays a text."""
    for answers in (dossier.seed.champs, dossier.seed.annotations):
        for stable_id, type_ in types.items():
            if isinstance(answers.get(stable_id), str) is (type_ in NOT_TEXT):
                answers.pop(stable_id, None)


def _apply(revision: FormRevision, change: Change) -> None:
    revision.champs += change.add_champs
    revision.annotations += change.add_annotations
    for kept in (revision.champs, revision.annotations):
        kept[:] = [d for d in kept if d["stable_id"] not in change.remove]
        for descriptor in [*kept, *(cell for d in kept for cell in d["champs"])]:
            stable_id = descriptor["stable_id"]
            descriptor["label"] = change.rename.get(stable_id, descriptor["label"])
            descriptor["type"] = change.retype.get(stable_id, descriptor["type"])
            descriptor["options"] = change.options.get(stable_id, descriptor["options"])


# --- how DS normalises a value that it stores ---------------------------------------------------


def _text(_: DescriptorSeed, value: str) -> str | None:
    """Remove control characters and carriage returns; an empty text becomes None."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c in "\n\t" or unicodedata.category(c) != "Cc")
    return "".join(kept) or None


def _email(descriptor: DescriptorSeed, value: str) -> str | None:
    text = _text(descriptor, value)
    if text and not _EMAIL.fullmatch(text):
        raise RefusalError(
            "est invalide. Saisissez une adresse électronique valide. "
            "Exemple\N{NO-BREAK SPACE}: adresse@mail.com"
        )
    return text


def _option(descriptor: DescriptorSeed, value: str) -> str | None:
    if not descriptor["other_option"]:
        _options(descriptor, [value] if value else [])
    return value or None


def _options(descriptor: DescriptorSeed, value: list[str]) -> list[str] | None:
    if any(option not in descriptor["options"] for option in value):
        raise RefusalError("doit être dans les options proposées")
    return list(value) or None


def _decimal(_: DescriptorSeed, value: float) -> float:
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    if isinstance(exponent, str) or -exponent > _MAX_DECIMALS:
        raise RefusalError("doit comprendre entre 1 et 3 chiffres après le point")
    return float(value)


def _instant(_: DescriptorSeed, value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=0)


def _day(_: DescriptorSeed, value: date) -> str:
    return value.isoformat()


def _as_is(_: DescriptorSeed, value: Any) -> Any:
    return value


_KEPT: dict[str, Callable[[DescriptorSeed, Any], Any]] = {
    "text": _text,
    "textarea": _text,
    "email": _email,
    "date": _day,
    "datetime": _instant,
    "decimal_number": _decimal,
    "drop_down_list": _option,
    "multiple_drop_down_list": _options,
}
