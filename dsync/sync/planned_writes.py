"""Plans the writes into one dossier: what is sent, and the outcome of each wish that is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dsync.annotations import (
    Action,
    AnnotationsConfig,
    Remote,
    ResolvedAnnotations,
    Step,
    Wish,
    WrittenValue,
    adopted_values,
    current_value,
    later_values,
    plan,
)
from dsync.annotations.config import DATE, DETAIL, LABEL, RESULTAT, VALUE_NAMES
from dsync.annotations.values import input_value
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.ds import AnnotationWrite, DossierWrite, RemoteAnnotations
from dsync.store import DuePush, Sending, WishOutcome, WishStatus


@dataclass(slots=True)
class WriteTerms:
    """The instructeur, labels and configuration with which annotations are written."""

    instructeur_id: str
    labels: Mapping[str, str]
    """Ids of the démarche's labels, by name."""
    config: AnnotationsConfig
    stated_verdict: Callable[[str], Verdict | None]
    """Returns the verdict that a detail states, None for a text that the programme did not make."""


@dataclass(slots=True)
class PlannedWrite:
    """The plan for one dossier."""

    numero: DossierNumber
    outcomes: list[WishOutcome] = field(default_factory=list)
    """Outcomes of the wishes that need no write."""
    steps: list[Step] = field(default_factory=list)
    """The wishes that `write` carries."""
    write: DossierWrite | None = None
    label_ids: Mapping[str, str] = field(default_factory=dict)
    current_values: Mapping[str, str] = field(default_factory=dict)
    """Of forced wishes: DS's current values by annotation, shown to the operator beforehand."""
    seen_at: datetime | None = None
    """DS's date of the last manual edit of annotations, as just read."""
    in_conflict: bool = False
    labels_may_be_outdated: bool = False
    """Whether the label is refused or in conflict, which a label renamed on DS can cause."""
    adopted: Mapping[str, WrittenValue] = field(default_factory=dict)
    """By annotation: values in DS that another database of dsync wrote; None: a human's."""
    refusals: list[str] = field(default_factory=list)
    """Reasons of the refusals made before sending. Labels are left out: `report_missing_labels`
    reports them."""

    @property
    def sendings(self) -> list[Sending]:
        """What the store records of the wishes before they are sent."""
        return [
            Sending(step.wish.id, step.target, self.seen_at, _sent_before(step))
            for step in self.steps
        ]

    def targets(self, step: Step) -> list[str]:
        """Return the id of the step's annotation, or of the labels that it adds and removes."""
        if step.descriptor is not None:
            return [step.descriptor.id]
        names = (step.add, *step.remove)
        return [self.label_ids[name] for name in names if name and name in self.label_ids]

    def described(self) -> dict[str, Any]:
        """Return the write as a JSON object, for a dry run."""
        values = {s.wish.annotation: s.wish.valeur for s in self.steps if s.descriptor}
        label = next((s for s in self.steps if s.wish.annotation == LABEL), None)
        document: dict[str, Any] = {"dossier": self.numero, "annotations": values}
        forced = [s.wish for s in self.steps if s.wish.force]
        if forced:
            document["replaced"] = {w.annotation: self.current_values[w.annotation] for w in forced}
            document["becomes"] = {w.annotation: w.valeur for w in forced}
        if label is not None:
            document["label"] = {"add": label.add, "remove": list(label.remove)}
        return document


def plan_write(
    dossier: DuePush, remote: RemoteAnnotations, resolved: ResolvedAnnotations, terms: WriteTerms
) -> PlannedWrite:
    """Plan the due wishes of one dossier.

    Args:
        dossier: with all its current wishes; those that are not due only influence the others.
        remote: its annotations and labels, as just read from DS.
        resolved: dsync's annotations in the dossier's revision of the form.
        terms: the instructeur, labels and configuration to write with.
    """
    edited_at = remote.date_derniere_modification_annotations
    # The dossier may have a label that the stored démarche does not contain yet.
    made = PlannedWrite(
        dossier.numero, label_ids={**remote.labels, **terms.labels}, seen_at=edited_at
    )
    there = Remote(remote.values, remote.labels, edited_at, remote.updated_at)
    wishes = dossier.wishes
    if not any(w.pushed or w.uncertain for w in wishes if w.annotation in VALUE_NAMES):
        wanted = {wish.annotation: wish.valeur for wish in wishes}
        # This database has written nothing here; another one of dsync may have.
        made.adopted = adopted_values(there, resolved, terms.config, terms.stated_verdict, wanted)
    else:
        by_name = {wish.annotation: wish for wish in wishes}
        # dsync may have written more than is recorded, if this database was restored from a backup.
        made.adopted = later_values(by_name, there, resolved, terms.config, terms.stated_verdict)
    steps = plan(_renewed(wishes, made.adopted), there, resolved, terms.config, terms.labels)
    names = [step.wish.annotation for step in steps if step.wish.force]
    made.current_values = {
        name: current_value(name, there, resolved, terms.config) for name in names
    }
    for step in steps:
        if not step.wish.is_due:
            continue
        if step.action is Action.WRITE:
            made.steps.append(step)
            continue
        made.outcomes.append(_outcome_without_write(step, remote))
        made.in_conflict |= step.action is Action.CONFLICT
        is_refused = step.action in {Action.REFUSE, Action.REFUSE_NOT_SAVED}
        if step.wish.annotation == LABEL:
            made.labels_may_be_outdated |= is_refused or step.action is Action.CONFLICT
        elif is_refused:
            made.refusals.append(step.reason or "")
    if made.steps:
        made.write = _write(dossier, remote, made.steps, terms)
    return made


def _renewed(wishes: Sequence[Wish], own: Mapping[str, WrittenValue]) -> list[Wish]:
    """Return the wishes with the adopted values as pushed ones; an equal verdict keeps its date."""
    wanted = {wish.annotation: wish.valeur for wish in wishes}
    decisive = [name for name in (RESULTAT, DETAIL) if name in own]
    is_same = all(own[name].value == wanted.get(name) for name in decisive)
    renewed = []
    for wish in wishes:
        known = own.get(wish.annotation)
        if known is not None:
            is_kept = is_same and wish.annotation == DATE
            valeur = known.value if is_kept and known.value else wish.valeur
            wish = replace(wish, pushed=known, uncertain=None, valeur=valeur)
        renewed.append(wish)
    return renewed


def _sent_before(step: Step) -> WrittenValue | None:
    """Return the value in DS if the last write was not answered; unforced, it is dsync's own."""
    if step.wish.uncertain is None or step.wish.force or step.remote is None:
        return None
    # The step's target is the label to add; those in DS are known by their names.
    return WrittenValue(step.remote, step.descriptor and step.descriptor.id)


_STATUSES = {
    Action.CONFIRM: WishStatus.CONFIRMEE,
    Action.CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_REFUSAL: WishStatus.REFUSEE,
    Action.SUSPEND: WishStatus.SUSPENDUE,
    Action.REFUSE: WishStatus.REFUSEE,
    Action.REFUSE_NOT_SAVED: WishStatus.REFUSEE,
}


def _outcome_without_write(step: Step, remote: RemoteAnnotations) -> WishOutcome:
    wish, statut = step.wish, _STATUSES[step.action]
    end = WishOutcome(wish.id, statut, cible=step.target, erreur=step.reason)
    match step.action:
        case Action.CONFIRM:
            return replace(end, pushed=wish.valeur, valeur=wish.valeur)
        case Action.CONFLICT:
            since = remote.updated_at.get(step.target or "")
            return replace(end, valeur_distante=step.remote or "", distante_le=since)
        case Action.BLOCKED_BY_CONFLICT:
            return replace(end, valeur_distante=step.remote or "")
        case Action.REFUSE_NOT_SAVED:
            # DS is known to hold no value here, so a later wish with another value can be written.
            return replace(end, pushed="", definitive=True)
        case _:
            return end


def _write(
    dossier: DuePush, remote: RemoteAnnotations, steps: Sequence[Step], terms: WriteTerms
) -> DossierWrite:
    annotations = tuple(
        AnnotationWrite(
            step.descriptor.id,
            step.descriptor.type,
            input_value(step.descriptor.type, step.wish.valeur),
        )
        for step in steps
        if step.descriptor
    )
    label = next((step for step in steps if step.wish.annotation == LABEL), None)
    return DossierWrite(
        number=dossier.numero,
        dossier_id=remote.dossier_id,
        instructeur_id=terms.instructeur_id,
        annotations=annotations,
        labels_add=(terms.labels[label.add],) if label and label.add else (),
        labels_remove=tuple(remote.labels[name] for name in label.remove) if label else (),
    )
