"""Decides what to do for each annotation: compares wanted, current and last written value.

Only an answered write makes a value dsync's own. Another one is a human's and is kept, also if it
equals the wanted one. Detail, date and label explain the result, so they are not written while it
is blocked by a human's value or a refusal. Beside a human's result, dsync's would say the contrary:
its label goes, and its detail says whose opinion is whose.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from dsync.annotations.targets import (
    DATE,
    DETAIL,
    LABEL,
    RESULTAT,
    VALIDATION,
    VALUE_NAMES,
    AnnotationsConfig,
    ResolvedAnnotations,
    misnamed,
    normalise,
    offers,
)
from dsync.annotations.wish import Wish, WishStatus, WrittenValue
from dsync.domain.dossier import Descriptor, Etat, Json
from dsync.domain.ids import DossierId
from dsync.domain.verdict import Verdict
from dsync.errors import FRENCH_MARKS, quotation

_DATES = frozenset({"date", "datetime"})
_OF = {RESULTAT: "du résultat", DETAIL: "du détail", DATE: "de la date"}


class Action(StrEnum):
    """What to do for one wish."""

    CONFIRM = "confirm"
    """DS has the wanted value, and this database wrote it."""
    EQUAL = "equal"
    """DS has the wanted value, which a human wrote: it stays theirs when dsync wants another."""
    WRITE = "write"
    CONFLICT = "conflict"
    BLOCKED_BY_CONFLICT = "blocked_by_conflict"
    """Not written because the result is in conflict."""
    BLOCKED_BY_REFUSAL = "blocked_by_refusal"
    """Not written because the result is refused."""
    SUSPEND = "suspend"
    """Not written because an instructeur validated the pre-check."""
    REFUSE = "refuse"
    """The revision has no such annotation or option, or the démarche has no such label."""
    REFUSE_NOT_SAVED = "refuse_not_saved"
    """DS returned the value as saved, but does not have it, and no human edited it since."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A dossier's current annotations and labels, as just read from DS."""

    dossier_id: DossierId
    etat: Etat
    values: Mapping[str, Json]
    """By descriptor id; an annotation that the dossier's revision lacks is absent."""
    labels: Mapping[str, str]
    """Ids by name."""
    edited_at: datetime
    """DS's date of the last manual edit of annotations."""
    updated_at: Mapping[str, datetime] = field(default_factory=dict)
    """When each value was last written, by a human or by API; by descriptor id."""

    def seen_at(self, target: str | None) -> datetime:
        """Return the date of the last manual edit, or of the last change of an annotation."""
        return max(self.edited_at, self.updated_at.get(target or "", self.edited_at))


@dataclass(frozen=True, slots=True)
class Step:
    """One wish with its action."""

    wish: Wish
    action: Action
    descriptor: Descriptor | None = None
    remote: str | None = None
    """The current value in DS, normalised, if it explains the action."""
    target: str | None = None
    """Id of the descriptor or of the label to which the action applies."""
    add: str | None = None
    """The name of the label to add; `target` is its id."""
    remove: Mapping[str, str] = field(default_factory=dict)
    """The ids of the labels to remove, by name."""
    reason: str | None = None
    """Why the value is not written, in French, as the database's readers see it."""
    beside: str | None = None
    """What of dsync's stands, or is written, beside a human's result in place of the wished value;
    "": no label."""

    @property
    def sent(self) -> str:
        """The value that is written."""
        return self.wish.valeur if self.beside is None else self.beside

    @property
    def targets(self) -> list[str]:
        """The ids that a write has: of the annotation, or of the labels to add and to remove."""
        if self.descriptor is not None:
            return [self.descriptor.id]
        added = [self.target] if self.add and self.target else []
        return [*added, *self.remove.values()]

    @property
    def replaces(self) -> WrittenValue | None:
        """The value in DS if the last write was not answered; unforced, it is dsync's own."""
        if self.wish.uncertain is None or self.wish.is_forced or self.remote is None:
            return None
        # The target is the label to add; those in DS are known by their names.
        return WrittenValue(self.remote, self.descriptor and self.descriptor.id)


def plan(
    wishes: Sequence[Wish],
    remote: Remote,
    resolved: ResolvedAnnotations,
    config: AnnotationsConfig,
    available_labels: Mapping[str, str],
    *,
    written: Collection[str] | None = None,
    stated: Verdict | None = None,
    is_taking_over: bool = False,
) -> list[Step]:
    """Return one step for each wish, that of the result first.

    A forced wish overwrites a human's value and ignores the validation, unless the current value
    is another one than the operator saw. `available_labels` are ids by name; `written` are the
    annotations into which this database wrote (None: any may be written), `stated` is the verdict
    that the wanted detail states; `is_taking_over`: another database of dsync wrote into the
    démarche, labels included.
    """
    ordered = [
        wish
        if wish.force_sur in (None, current_value(wish.annotation, remote, resolved, config))
        else wish._replace(force_par=None)
        for wish in sorted(wishes, key=lambda wish: (wish.annotation != RESULTAT, wish.annotation))
    ]
    validated = _is_validated(remote, resolved)
    left = config.owned_labels.intersection(remote.labels) if is_taking_over else frozenset()
    emptied = _emptied(ordered, remote, resolved, has_label=bool(left))
    block = _block_of(ordered, remote, resolved, emptied)
    steps = []
    for wish in ordered:
        if validated and not wish.is_forced:
            steps.append(Step(wish, Action.SUSPEND))
        elif wish.annotation == LABEL:
            detail = resolved.detail and remote.values.get(resolved.detail.id)
            steps.append(
                _label_step(
                    wish, remote, config, available_labels, block, is_away=is_beside(str(detail))
                )
            )
        else:
            descriptor = resolved.by_name(wish.annotation)
            steps.append(_value_step(wish, remote, descriptor, block, emptied))
    why = _misaimed(resolved, config, written) or _contradiction(ordered, config, stated)
    if why is None:
        return steps
    return [
        Step(step.wish, Action.REFUSE, reason=why) if step.action is Action.WRITE else step
        for step in steps
    ]


def _misaimed(
    resolved: ResolvedAnnotations, config: AnnotationsConfig, written: Collection[str] | None
) -> str | None:
    """Return why nothing may be written into the annotations of a form for the first time.

    One that was renamed since dsync writes there is the same one.
    """
    for name, (descriptor, libelles) in misnamed(config, resolved).items():
        is_known = (
            written is None or descriptor.id in written or (name == VALIDATION and bool(written))
        )
        if not is_known:
            return (
                f"l’annotation de [annotations] {name} s’appelle « {descriptor.libelle} » dans "
                f"Démarches Simplifiées, et non « {libelles[0]} »"
            )
    return None


def _contradiction(
    wishes: Sequence[Wish], config: AnnotationsConfig, stated: Verdict | None
) -> str | None:
    """Return why these wishes may never stand beside each other, None if they may.

    Whatever the cause, such as a slip in the configuration, the result or label would be false.
    """
    if stated is None:
        return None
    for wish in wishes:
        texts = {RESULTAT: config.options, LABEL: config.labels}.get(wish.annotation)
        if texts is not None and texts.contradicts(wish.valeur, stated):
            what = "le résultat" if wish.annotation == RESULTAT else "le label"
            return f"{what} « {wish.valeur} » contredit le détail, qui dit « {stated.value} »"
    return None


def current_value(
    annotation: str, remote: Remote, resolved: ResolvedAnnotations, config: AnnotationsConfig
) -> str:
    """Return the value that a forced write would overwrite; "" when there is none."""
    if annotation == LABEL:
        there = labels_text(name for name in remote.labels if name in config.owned_labels)
    else:
        descriptor = resolved.by_name(annotation)
        there = (descriptor and normalise(descriptor.type, remote.values.get(descriptor.id))) or ""
    return f"{there} (validated)".lstrip() if _is_validated(remote, resolved) else there


def shows(
    annotation: str,
    value: str,
    values: Mapping[str, Json],
    labels: Iterable[str],
    resolved: ResolvedAnnotations,
    config: AnnotationsConfig,
) -> bool:
    """Return whether an annotation or the label has a value; True where dsync writes nothing.

    `value` is as the outbox stores it; `values` are the annotations by the descriptor's id.
    """
    # Labels that dsync does not write are other people's, and say nothing about its own.
    if annotation == LABEL:
        managed = labels_text(name for name in labels if name in config.owned_labels)
        return config.labels is None or managed == value
    descriptor = resolved.by_name(annotation)
    if descriptor is None:
        return True
    there = normalise(descriptor.type, values.get(descriptor.id))
    return there == normalise(descriptor.type, value)


def _emptied(
    wishes: Sequence[Wish], remote: Remote, resolved: ResolvedAnnotations, *, has_label: bool
) -> frozenset[str]:
    """Return the annotations that a human emptied before this database has written anything here.

    dsync writes result, detail and date together, and then the label. A date, or a label of
    dsync's, without a result or a detail is what was left of them, such as after the database was
    lost.
    """
    if not all(wish.is_first for wish in wishes):
        return frozenset()
    there = {
        name: bool(descriptor and normalise(descriptor.type, remote.values.get(descriptor.id)))
        for name in VALUE_NAMES
        for descriptor in (resolved.by_name(name),)
    }
    left = {RESULTAT: there[DATE] or has_label, DETAIL: there[DATE] or has_label, DATE: has_label}
    return frozenset(name for name in VALUE_NAMES if left[name] and not there[name])


def _is_validated(remote: Remote, resolved: ResolvedAnnotations) -> bool:
    box = resolved.validation
    return bool(box and normalise("checkbox", remote.values.get(box.id)))


def labels_text(names: Iterable[str]) -> str:
    """Return the names of labels as one text, as the outbox stores them."""
    return ", ".join(sorted(names))


@dataclass(frozen=True, slots=True)
class _Block:
    """Why the annotations that explain the result are not written."""

    action: Action
    reason: str
    opinion: str | None = None
    """The detail beside a human's result, which says whose opinion is whose."""

    def stops(self, wish: Wish) -> bool:
        """Return whether it blocks a wish; an order to overwrite any value ignores a conflict."""
        goes_over = wish.is_forced and wish.force_sur is None
        is_conflict = self.action is Action.BLOCKED_BY_CONFLICT
        return wish.annotation != RESULTAT and not (goes_over and is_conflict)


WAITS_FOR_RESULT = "attend le résultat, qui est refusé : "
"""Why an annotation is not written whose result is refused; that one's reason follows."""
_BY_CONFLICT = _Block(Action.BLOCKED_BY_CONFLICT, "retenu par le conflit sur le résultat")
_BESIDE = re.compile(r"Avis (?:de|retiré par) l’équipe ; celui de dsync était « .+ »\.")


def is_beside(detail: str) -> bool:
    """Return whether a detail is the sentence that dsync writes beside a human's result."""
    return _BESIDE.fullmatch(detail) is not None


def _opinion(result: Step, remote: Remote) -> str | None:
    """Return the detail beside a human's result; None if no hand wrote it, by DS's dates.

    What a renamed option or another program did in all dossiers is nobody's opinion.
    """
    at = remote.updated_at.get(result.target or "")
    if at is None or at > remote.edited_at:
        return None
    whose = "de" if result.remote else "retiré par"
    return f"Avis {whose} l’équipe ; celui de dsync était « {result.wish.valeur} »."


def _by_refusal(reason: str | None) -> _Block:
    why = quotation(reason or "", marks=FRENCH_MARKS)
    return _Block(Action.BLOCKED_BY_REFUSAL, f"{WAITS_FOR_RESULT}{why}")


def _block_of(
    wishes: Sequence[Wish],
    remote: Remote,
    resolved: ResolvedAnnotations,
    emptied: Collection[str],
) -> _Block | None:
    result = next((wish for wish in wishes if wish.annotation == RESULTAT), None)
    if result is None:
        return None
    step = _value_step(result, remote, resolved.resultat, None, emptied)
    if step.action is Action.CONFLICT:
        return replace(_BY_CONFLICT, opinion=_opinion(step, remote))
    if step.action is Action.REFUSE:
        return _by_refusal(step.reason)
    # The result met a conflict or a refusal before and is not tried again now: its explanation
    # would stand in DS beside a result that it does not explain.
    if step.action is Action.WRITE and not (result.is_due or result.statut == WishStatus.CONFIRMEE):
        is_refused = result.statut == WishStatus.REFUSEE
        return _by_refusal(result.erreur) if is_refused else _BY_CONFLICT
    return None


def _value_step(
    wish: Wish,
    remote: Remote,
    descriptor: Descriptor | None,
    block: _Block | None,
    emptied: Collection[str],
) -> Step:
    # DS has moved the dossier to a revision without it since the last read: what dsync wrote is
    # gone with the annotation, and nobody emptied it.
    last = wish.pushed.cible if wish.pushed else None
    is_gone = descriptor and descriptor.id == last and descriptor.id not in remote.values
    if descriptor is None or is_gone:
        reason = f"l’annotation {_OF[wish.annotation]} manque dans la révision du dossier"
        return Step(wish, Action.REFUSE, reason=reason)
    there = normalise(descriptor.type, remote.values.get(descriptor.id))
    wanted = normalise(descriptor.type, wish.valeur)

    def step(action: Action, reason: str | None = None) -> Step:
        return Step(wish, action, descriptor, there, descriptor.id, reason=reason)

    own = _own_values(wish, descriptor, remote)
    if wish.annotation in emptied:
        own.discard(None)
    if is_beside(there or "") and wish.annotation == DETAIL and _is_by_api(descriptor, remote):
        # Of another database, such as this one before it was restored.
        own.add(there)
    if block and block.opinion and block.stops(wish) and wish.annotation == DETAIL:
        beside = normalise(descriptor.type, block.opinion)
        if there and there in own:
            action = block.action if there == beside else Action.WRITE
            return replace(step(action, block.reason), beside=beside)
    if there == wanted:
        return step(Action.CONFIRM if there in own else Action.EQUAL)
    is_own = wish.is_forced or there in own
    # A human's value over one of dsync's is a conflict of its own, blocked or not.
    if block and block.stops(wish) and (is_own or _is_untouched(wish)):
        return step(block.action, block.reason)
    if not is_own and _is_not_saved(wish, there, remote, descriptor):
        return step(
            Action.REFUSE_NOT_SAVED,
            f"Démarches Simplifiées n’a pas gardé la date écrite dans l’annotation "
            f"« {descriptor.libelle} »",
        )
    if not is_own:
        return step(Action.CONFLICT)
    if not offers(descriptor, wish.valeur):
        return step(
            Action.REFUSE,
            f"l’annotation « {descriptor.libelle} » n’a pas l’option « {wish.valeur} »",
        )
    return step(Action.WRITE)


def _is_untouched(wish: Wish) -> bool:
    """Return whether neither dsync nor, as far as it has seen, a human wrote the value before."""
    return wish.is_first and not wish.is_humans


def _own_values(wish: Wish, descriptor: Descriptor, remote: Remote) -> set[str | None]:
    """Return the current values that dsync wrote or left; None stands for an empty annotation.

    A value written into another descriptor does not count: an annotation that was created again in
    the form is empty although nobody emptied it.
    """
    # Once a human's value was seen, the one before it is no longer dsync's, should it be put back.
    is_humans = wish.is_humans and wish.cible in (None, descriptor.id)
    written = (None if is_humans else wish.pushed, wish.uncertain)
    known = [own for own in written if own and own.cible == descriptor.id]
    ours = {normalise(descriptor.type, own.valeur) for own in known}
    if not is_humans and (wish.pushed is None or wish.pushed not in known):
        # dsync has written nothing here, so an empty annotation is nobody's. Once it has, an empty
        # one was emptied by a human.
        ours.add(None)
    if known and _is_edited_since(wish, remote, descriptor):
        ours.discard(None)
        # What dsync wrote before, a human has put back, whether or not DS executed the last write.
        if wish.pushed in known and wish.pushed != wish.uncertain:
            ours.discard(normalise(descriptor.type, wish.pushed.valeur))
    return ours


def _is_edited_since(wish: Wish, remote: Remote, descriptor: Descriptor) -> bool:
    """Return whether a human edited annotations since dsync's last write, and this one changed.

    Compared by DS's own dates: the clocks of this machine and of DS can differ. Neither alone says
    so: the first one moves with an edit of another annotation, the second one without a hand.
    """
    changed_at = remote.updated_at.get(descriptor.id)
    if wish.seen_at is None or changed_at is None:
        return False
    return wish.seen_at < min(changed_at, remote.edited_at)


def _is_by_api(descriptor: Descriptor, remote: Remote) -> bool:
    """Return whether a value was provably not written by hand: later than the last manual edit."""
    changed_at = remote.updated_at.get(descriptor.id)
    return changed_at is not None and changed_at > remote.edited_at


def _is_not_saved(wish: Wish, there: str | None, remote: Remote, descriptor: Descriptor) -> bool:
    """Return whether a date is empty because DS did not save it, and not because of a human.

    A date that was once emptied by hand can stay empty after a write by API, although DS returns
    it as saved (DS's issue 10640). A manual edit moves the annotations' date of last change, a
    write by API does not: if that date has not moved since before dsync's write, nobody emptied it.
    """
    return (
        there is None
        and descriptor.type in _DATES
        and wish.seen_at is not None
        and wish.seen_at >= remote.edited_at
    )


def _label_step(
    wish: Wish,
    remote: Remote,
    config: AnnotationsConfig,
    available: Mapping[str, str],
    block: _Block | None,
    *,
    is_away: bool,
) -> Step:
    """Add the wanted label and remove the one that dsync added; all other labels stay.

    `is_away`: by the detail, dsync has taken it away, perhaps before its database was restored.
    """
    managed = config.owned_labels
    # The configuration may name other labels since dsync put one.
    put = wish.pushed.cible if wish.pushed else None
    present = {name: id_ for name, id_ in remote.labels.items() if name in managed or id_ == put}
    text = labels_text(present) or None
    only = next(iter(present.values())) if len(present) == 1 else None
    is_known = _labels_are_own(wish, present, set(available.values()))
    is_known |= is_away and not present and not wish.is_humans
    if not wish.valeur:
        # No label is written any more: dsync's goes, one that a human put stays.
        own = Action.WRITE if present else Action.CONFIRM
        action = own if is_known else Action.EQUAL
        return Step(wish, action, remote=text, target=only, remove=present)
    if block and block.opinion and block.stops(wish) and is_known:
        action = Action.WRITE if present else block.action
        gone = Step(wish, action, remote=text, target=only, remove=present, reason=block.reason)
        return replace(gone, beside="")
    # That one and no other of dsync's: one beside it would contradict it.
    if list(present) == [wish.valeur]:
        action = Action.CONFIRM if is_known else Action.EQUAL
        return Step(wish, action, remote=wish.valeur, target=only)
    if wish.valeur not in available:
        return Step(wish, Action.REFUSE, reason=f"la démarche n’a pas de label « {wish.valeur} »")
    is_own = wish.is_forced or is_known
    if block and block.stops(wish) and (is_own or _is_untouched(wish)):
        return Step(wish, block.action, remote=text, target=only, reason=block.reason)
    if not is_own:
        return Step(wish, Action.CONFLICT, remote=text, target=only)
    return Step(
        wish,
        Action.WRITE,
        remote=text,
        target=available[wish.valeur],
        add=wish.valeur if wish.valeur not in present else None,
        remove={name: id_ for name, id_ in present.items() if name != wish.valeur},
    )


def _labels_are_own(wish: Wish, present: Mapping[str, str], available: set[str]) -> bool:
    """Return whether dsync's last write, or one without an answer, explains the dossier's labels.

    A label that was deleted from the démarche, or deleted and created again, is on no dossier: so
    nobody removed it from this one. `present` are ids of dsync's labels on the dossier, by name,
    `available` ids of the démarche's.
    """
    there = set(present.values())
    if wish.is_humans:
        return wish.uncertain is not None and there == _label_ids(wish.uncertain, present)
    last = _label_ids(wish.pushed, present) & (available | there)
    if wish.uncertain is None:
        return there == last
    return there <= last | _label_ids(wish.uncertain, present)


def _label_ids(own: WrittenValue | None, present: Mapping[str, str]) -> set[str]:
    if own is None or not own.valeur:
        return set()
    if own.cible is not None:
        return {own.cible}
    # Several labels that an operator adopted are stored by name only.
    return {id_ for name, id_ in present.items() if name in own.valeur.split(", ")}
