"""Decide, annotation by annotation, what to write: desired x remote x last pushed.

A value that is neither what was last pushed nor what is wanted is a human's: it stays. A
conflict on the result holds back the detail, the date and the label, which would contradict it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dsync.annotations.config import (
    LABEL,
    RESULTAT,
    AnnotationsConfig,
    ResolvedAnnotations,
)
from dsync.annotations.values import normalise
from dsync.domain.dossier import Descriptor, Json


class Action(StrEnum):
    """What becomes of one wish."""

    CONFIRM = "confirm"
    """It stands there already, whoever wrote it."""
    WRITE = "write"
    CONFLICT = "conflict"
    HOLD = "hold"
    """Held back by the result's conflict."""
    SUSPEND = "suspend"
    """An instructeur validated the pre-check."""
    REFUSE = "refuse"
    """The dossier's revision has no such annotation, or the démarche no such label."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A wanted value, what dsync last had there, and whether an operator forces it."""

    id: int
    annotation: str
    valeur: str
    pushed: str | None = None
    """None: never pushed by this database."""
    uncertain: str | None = None
    """Sent, and never answered: if it stands there, it is ours too."""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Remote:
    """What stands in DS now; values by descriptor id, labels by name."""

    values: Mapping[str, Json]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One wish with its action; for a label, which names to put and to take off."""

    wish: Wish
    action: Action
    descriptor: Descriptor | None = None
    remote: str | None = None
    """The value in DS, normalised, where it explains the action."""
    add: str | None = None
    remove: tuple[str, ...] = ()
    reason: str | None = None


def plan(
    wishes: Sequence[Wish],
    remote: Remote,
    resolved: ResolvedAnnotations,
    config: AnnotationsConfig,
    available_labels: Mapping[str, str],
) -> list[Step]:
    """Return one step a wish, the result's first.

    A forced wish goes over a conflict and over the validated box.
    """
    ordered = sorted(wishes, key=lambda wish: (wish.annotation != RESULTAT, wish.annotation))
    validated = bool(
        resolved.validation and normalise("checkbox", remote.values.get(resolved.validation.id))
    )
    held = _result_in_conflict(ordered, remote, resolved)
    steps = []
    for wish in ordered:
        if validated and not wish.force:
            steps.append(Step(wish, Action.SUSPEND))
        elif wish.annotation == LABEL:
            steps.append(_label_step(wish, remote, config, available_labels, held=held))
        else:
            steps.append(_value_step(wish, remote, resolved.by_name(wish.annotation), held=held))
    return steps


def labels_text(names: Iterable[str]) -> str:
    """Return labels as the outbox keeps them; a human's may be several, or none."""
    return ", ".join(sorted(names))


def _value_step(wish: Wish, remote: Remote, descriptor: Descriptor | None, *, held: bool) -> Step:
    if descriptor is None:
        return Step(wish, Action.REFUSE, reason="annotation absente de la révision du dossier")
    there = normalise(descriptor.type, remote.values.get(descriptor.id))
    wanted = normalise(descriptor.type, wish.valeur)
    if there == wanted:
        return Step(wish, Action.CONFIRM, descriptor, there)
    if _is_human(wish, there, descriptor):
        return Step(wish, Action.CONFLICT, descriptor, there)
    if held and wish.annotation != RESULTAT and not wish.force:
        return Step(wish, Action.HOLD, descriptor, there)
    if not _is_offered(wish.valeur, descriptor):
        reason = f"l’annotation « {descriptor.libelle} » n’a pas l’option « {wish.valeur} »"
        return Step(wish, Action.REFUSE, reason=reason)
    return Step(wish, Action.WRITE, descriptor, there)


def _is_offered(value: str, descriptor: Descriptor) -> bool:
    """Whether a drop-down list has the option; DS takes no other, to the letter."""
    if descriptor.type != "drop_down_list" or not descriptor.options or descriptor.other_option:
        return True
    return value in descriptor.options


def _is_human(wish: Wish, there: str | None, descriptor: Descriptor) -> bool:
    if wish.force:
        return False
    ours = {normalise(descriptor.type, wish.pushed)}
    if wish.uncertain is not None:
        ours.add(normalise(descriptor.type, wish.uncertain))
    return there not in ours


def _result_in_conflict(
    wishes: Sequence[Wish], remote: Remote, resolved: ResolvedAnnotations
) -> bool:
    descriptor = resolved.resultat
    result = next((wish for wish in wishes if wish.annotation == RESULTAT), None)
    if result is None or descriptor is None:
        return False
    return _value_step(result, remote, descriptor, held=False).action is Action.CONFLICT


def _label_step(
    wish: Wish,
    remote: Remote,
    config: AnnotationsConfig,
    available: Mapping[str, str],
    *,
    held: bool,
) -> Step:
    """Put the wished label and take off the one that dsync put; others' labels stay."""
    managed = config.owned_labels
    present = [name for name in remote.labels if name in managed]
    remote_text = labels_text(present) or None
    if present == [wish.valeur]:
        return Step(wish, Action.CONFIRM, remote=wish.valeur)
    if wish.valeur not in available:
        return Step(wish, Action.REFUSE, reason=f"la démarche n’a pas de label « {wish.valeur} »")
    if not wish.force and not _labels_are_ours(wish, present):
        return Step(wish, Action.CONFLICT, remote=remote_text)
    if held and not wish.force:
        return Step(wish, Action.HOLD, remote=remote_text)
    return Step(
        wish,
        Action.WRITE,
        remote=remote_text,
        add=wish.valeur if wish.valeur not in present else None,
        remove=tuple(name for name in present if name != wish.valeur),
    )


def _labels_are_ours(wish: Wish, present: Sequence[str]) -> bool:
    """Whether what is there is our last label, or what a lost answer may have made of it."""
    last = {wish.pushed} if wish.pushed else set()
    if wish.uncertain is None:
        return set(present) == last
    return set(present) <= last | {wish.uncertain}
