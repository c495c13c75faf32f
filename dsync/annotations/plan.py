"""Decide, annotation by annotation, what to write: desired x remote x last pushed.

A value that is neither what was last pushed nor what is wanted is a human's: it stays. Detail,
date and label would contradict a result that is not there: they wait for it, whether a human's
value or a refusal stops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from dsync.annotations.config import (
    DATE,
    DETAIL,
    LABEL,
    RESULTAT,
    AnnotationsConfig,
    ResolvedAnnotations,
)
from dsync.annotations.values import normalise
from dsync.domain.dossier import Descriptor, Json

_DATES = frozenset({"date", "datetime"})
_OF = {RESULTAT: "du résultat", DETAIL: "du détail", DATE: "de la date"}


class Action(StrEnum):
    """What becomes of one wish."""

    CONFIRM = "confirm"
    """It stands there already, whoever wrote it."""
    WRITE = "write"
    CONFLICT = "conflict"
    HOLD = "hold"
    """Held back by the result's conflict."""
    HOLD_REFUSED = "hold_refused"
    """Held back because the result is refused."""
    SUSPEND = "suspend"
    """An instructeur validated the pre-check."""
    REFUSE = "refuse"
    """The dossier's revision has no such annotation or option, or the démarche no such label."""
    REFUSE_UNKEPT = "refuse_unkept"
    """DS said that it saved the value, and it is not there; no human edited anything since."""


@dataclass(frozen=True, slots=True)
class Own:
    """A value that dsync put, or may have put, somewhere in DS."""

    value: str | None
    target: str | None
    """The annotation's descriptor, or the label; None: not known."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A wanted value, what dsync last had there, and what an operator ordered."""

    id: int
    annotation: str
    valeur: str
    pushed: Own | None = None
    """None: never pushed by this database."""
    uncertain: Own | None = None
    """Sent, and never answered: if it stands there, it is ours too."""
    seen_at: datetime | None = None
    """DS's date of the last edit of annotations by hand, just before `pushed` was written."""
    force: bool = False
    """An operator orders to go over a human's value and the validated box."""
    over: str | None = None
    """What stood there when the order was given, as `standing` returns it; None: anything."""
    is_due: bool = True
    """Whether it is to be settled now; others are looked at for what they say of the rest."""
    is_confirmed: bool = False
    """Settled before: DS holds it."""
    refusal: str | None = None
    """Settled before: why it is refused."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What stands in DS now; values by descriptor id, labels' ids by name."""

    values: Mapping[str, Json]
    labels: Mapping[str, str]
    edited_at: datetime | None = None
    """DS's date of the last edit of annotations by hand."""
    updated_at: Mapping[str, datetime] = field(default_factory=dict)
    """When each value was last written, by whomever; by descriptor id."""


@dataclass(frozen=True, slots=True)
class Step:
    """One wish with its action; for a label, which names to put and to take off."""

    wish: Wish
    action: Action
    descriptor: Descriptor | None = None
    remote: str | None = None
    """The value in DS, normalised, where it explains the action."""
    target: str | None = None
    """The descriptor or the label at which it is settled."""
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

    A forced wish goes over a conflict and over the validated box, unless something else stands
    there than the operator was shown.

    Args:
        wishes: the dossier's current wishes.
        remote: what stands in the dossier.
        resolved: dsync's annotations in the dossier's revision.
        config: the section `[annotations]`.
        available_labels: the démarche's labels, ids by name.
    """
    ordered = [
        replace(wish, force=wish.force and _is_as_shown(wish, remote, resolved, config))
        for wish in sorted(wishes, key=lambda wish: (wish.annotation != RESULTAT, wish.annotation))
    ]
    validated = _is_validated(remote, resolved)
    hold = _hold(ordered, remote, resolved)
    steps = []
    for wish in ordered:
        if validated and not wish.force:
            steps.append(Step(wish, Action.SUSPEND))
        elif wish.annotation == LABEL:
            steps.append(_label_step(wish, remote, config, available_labels, hold))
        else:
            descriptor = resolved.by_name(wish.annotation)
            steps.append(_value_step(wish, remote, descriptor, hold))
    return steps


def standing(
    annotation: str, remote: Remote, resolved: ResolvedAnnotations, config: AnnotationsConfig
) -> str:
    """Return what a forced write of an annotation or the label would go over; blank: nothing."""
    if annotation == LABEL:
        there = labels_text(name for name in remote.labels if name in config.owned_labels)
    else:
        descriptor = resolved.by_name(annotation)
        there = (descriptor and normalise(descriptor.type, remote.values.get(descriptor.id))) or ""
    return f"{there} (validated)".lstrip() if _is_validated(remote, resolved) else there


def _is_as_shown(
    wish: Wish, remote: Remote, resolved: ResolvedAnnotations, config: AnnotationsConfig
) -> bool:
    there = standing(wish.annotation, remote, resolved, config)
    return wish.over is None or wish.over == there


def _is_validated(remote: Remote, resolved: ResolvedAnnotations) -> bool:
    box = resolved.validation
    return bool(box and normalise("checkbox", remote.values.get(box.id)))


def labels_text(names: Iterable[str]) -> str:
    """Return labels as the outbox keeps them; a human's may be several, or none."""
    return ", ".join(sorted(names))


@dataclass(frozen=True, slots=True)
class _Hold:
    """Why what explains the result does not go out."""

    action: Action
    reason: str | None = None


def _hold(wishes: Sequence[Wish], remote: Remote, resolved: ResolvedAnnotations) -> _Hold | None:
    result = next((wish for wish in wishes if wish.annotation == RESULTAT), None)
    if result is None:
        return None
    step = _value_step(result, remote, resolved.resultat, None)
    if step.action is Action.CONFLICT:
        return _Hold(Action.HOLD)
    if step.action is Action.REFUSE:
        return _Hold(Action.HOLD_REFUSED, step.reason)
    if step.action is Action.WRITE and not (result.is_due or result.is_confirmed):
        is_refused = result.refusal is not None
        return _Hold(Action.HOLD_REFUSED if is_refused else Action.HOLD, result.refusal)
    return None


def _value_step(
    wish: Wish, remote: Remote, descriptor: Descriptor | None, hold: _Hold | None
) -> Step:
    if descriptor is None:
        reason = f"l’annotation {_OF[wish.annotation]} manque dans la révision du dossier"
        return Step(wish, Action.REFUSE, reason=reason)
    there = normalise(descriptor.type, remote.values.get(descriptor.id))
    wanted = normalise(descriptor.type, wish.valeur)

    def step(action: Action, reason: str | None = None) -> Step:
        return Step(wish, action, descriptor, there, descriptor.id, reason=reason)

    if there == wanted:
        return step(Action.CONFIRM)
    if not wish.force and there not in _ours(wish, descriptor):
        if _is_unkept(wish, there, remote, descriptor):
            return step(
                Action.REFUSE_UNKEPT,
                f"Démarches Simplifiées n’a pas gardé la date écrite dans l’annotation "
                f"« {descriptor.libelle} »",
            )
        return step(Action.CONFLICT)
    if hold and wish.annotation != RESULTAT:
        return step(hold.action, hold.reason)
    if not _is_offered(wish.valeur, descriptor):
        return step(
            Action.REFUSE,
            f"l’annotation « {descriptor.libelle} » n’a pas l’option « {wish.valeur} »",
        )
    return step(Action.WRITE)


def _is_offered(value: str, descriptor: Descriptor) -> bool:
    """Whether a drop-down list has the option; DS takes no other, to the letter."""
    if descriptor.type != "drop_down_list" or not descriptor.options or descriptor.other_option:
        return True
    return value in descriptor.options


def _ours(wish: Wish, descriptor: Descriptor) -> set[str | None]:
    """Return the values which, standing there, are dsync's own; None: an empty annotation.

    What was pushed into another descriptor says nothing of this one: made anew, it is empty, and
    that is nobody's hand.
    """
    known = [own for own in (wish.pushed, wish.uncertain) if own and own.target == descriptor.id]
    ours = {normalise(descriptor.type, own.value) for own in known}
    if wish.pushed is None or wish.pushed not in known:
        ours.add(None)
    return ours


def _is_unkept(wish: Wish, there: str | None, remote: Remote, descriptor: Descriptor) -> bool:
    """Whether an empty date is DS's doing, not a human's.

    A date that was once cleared by hand may stay empty at the next write by API, though DS says
    that it saved it (DS's issue 10640). An edit by hand moves the annotations' own date, a write
    by API does not: where that date is still the one before our write, nobody cleared it.
    """
    return (
        there is None
        and descriptor.type in _DATES
        and wish.seen_at is not None
        and wish.seen_at == remote.edited_at
    )


def _label_step(
    wish: Wish,
    remote: Remote,
    config: AnnotationsConfig,
    available: Mapping[str, str],
    hold: _Hold | None,
) -> Step:
    """Put the wished label and take off the one that dsync put; others' labels stay."""
    managed = config.owned_labels
    present = {name: id_ for name, id_ in remote.labels.items() if name in managed}
    text = labels_text(present) or None
    only = next(iter(present.values())) if len(present) == 1 else None
    if list(present) == [wish.valeur]:
        return Step(wish, Action.CONFIRM, remote=wish.valeur, target=only)
    if wish.valeur not in available:
        return Step(wish, Action.REFUSE, reason=f"la démarche n’a pas de label « {wish.valeur} »")
    ids = {available[name] for name in managed if name in available}
    if not wish.force and not _labels_are_ours(wish, present, ids):
        return Step(wish, Action.CONFLICT, remote=text, target=only)
    if hold:
        return Step(wish, hold.action, remote=text, target=only, reason=hold.reason)
    return Step(
        wish,
        Action.WRITE,
        remote=text,
        target=available[wish.valeur],
        add=wish.valeur if wish.valeur not in present else None,
        remove=tuple(name for name in present if name != wish.valeur),
    )


def _labels_are_ours(wish: Wish, present: Mapping[str, str], managed: set[str]) -> bool:
    """Whether what is there is our last label, or what a lost answer may have made of it.

    A label that the démarche has no more, or made anew, is on no dossier: nobody took it off.

    Args:
        wish: the wanted label.
        present: those of dsync's labels that are on the dossier, ids by name.
        managed: ids of dsync's labels that the démarche has.
    """
    there = set(present.values())
    last = _label_ids(wish.pushed, present) & (managed | there)
    if wish.uncertain is None:
        return there == last
    return there <= last | _label_ids(wish.uncertain, present)


def _label_ids(own: Own | None, present: Mapping[str, str]) -> set[str]:
    if own is None or not own.value:
        return set()
    if own.target is not None:
        return {own.target}
    # Several that an operator adopted are known by their names.
    return {id_ for name, id_ in present.items() if name in own.value.split(", ")}
