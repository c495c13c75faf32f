"""One dossier's write: from the plan to what is sent, and from the answer to what is settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dsync.annotations import (
    Action,
    AnnotationsConfig,
    Own,
    Remote,
    ResolvedAnnotations,
    Step,
    Wish,
    current_value,
    own_set,
    plan,
)
from dsync.annotations.config import DATE, DETAIL, LABEL, RESULTAT, VALUE_NAMES
from dsync.annotations.values import input_value
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.ds import AnnotationWrite, DossierWrite, Refusal, RemoteAnnotations, WriteOutcome
from dsync.store import DueDossier, Pushed, Sending, Settlement, StoredWish, WishStatus

HELD = "retenu par le conflit sur le résultat"
HELD_REFUSED = "attend le résultat, qui est refusé"


@dataclass(slots=True)
class Target:
    """In whose name, and with which labels, the démarche's annotations are written."""

    instructeur_id: str
    labels: Mapping[str, str]
    """Of the démarche, ids by name."""
    config: AnnotationsConfig
    stated_verdict: Callable[[str], Verdict | None]
    """Returns the verdict that a detail states, None for a text that is not the programme's."""


@dataclass(slots=True)
class Draft:
    """What is to be done for one dossier."""

    numero: DossierNumber
    settled: list[Settlement] = field(default_factory=list)
    """Wishes settled without a write."""
    steps: list[Step] = field(default_factory=list)
    """Wishes that `write` carries."""
    write: DossierWrite | None = None
    label_ids: Mapping[str, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)
    """What stands in DS, by annotation, as a question before a forced write shows it."""
    seen_at: datetime | None = None
    """DS's date of the last edit of annotations by hand, as just read."""
    in_conflict: bool = False
    is_label_astray: bool = False
    """The label is refused, or in conflict: the démarche's labels may be others than known."""
    adopted: Mapping[str, Pushed] = field(default_factory=dict)
    """What stands in DS as dsync's own, though this database did not write it; by annotation."""
    refusals: list[str] = field(default_factory=list)
    """Why wishes were refused before anything was sent; labels' faults are told elsewhere."""

    @property
    def wish_ids(self) -> list[int]:
        """The outbox rows that the write carries."""
        return [step.wish.id for step in self.steps]

    @property
    def sendings(self) -> list[Sending]:
        """What to note of those rows before they are sent."""
        return [Sending(step.wish.id, step.target, self.seen_at) for step in self.steps]

    def described(self) -> dict[str, Any]:
        """Return the write as a dry run prints it."""
        values = {s.wish.annotation: s.wish.valeur for s in self.steps if s.descriptor}
        label = next((s for s in self.steps if s.wish.annotation == LABEL), None)
        document: dict[str, Any] = {"dossier": self.numero, "annotations": values}
        forced = [s.wish for s in self.steps if s.wish.force]
        if forced:
            document["replaced"] = {w.annotation: self.standing[w.annotation] for w in forced}
            document["becomes"] = {w.annotation: w.valeur for w in forced}
        if label is not None:
            document["label"] = {"add": label.add, "remove": list(label.remove)}
        return document


def draft(
    dossier: DueDossier, remote: RemoteAnnotations, resolved: ResolvedAnnotations, target: Target
) -> Draft:
    """Plan one dossier's wishes; only those that are due are settled or written."""
    edited_at = remote.date_derniere_modification_annotations
    made = Draft(dossier.numero, label_ids={**remote.labels, **target.labels}, seen_at=edited_at)
    due = {w.id for w in dossier.wishes if w.is_due}
    there = Remote(remote.values, remote.labels, edited_at, remote.updated_at)
    wishes = [_wish(stored) for stored in dossier.wishes]
    if not any(w.pushed or w.uncertain for w in wishes if w.annotation in VALUE_NAMES):
        wanted = {wish.annotation: wish.valeur for wish in wishes}
        own = own_set(there, resolved, target.config, target.stated_verdict, wanted)
        made.adopted = {name: Pushed(value.value, value.target) for name, value in own.items()}
        wishes = _renewed(wishes, own)
    steps = plan(
        wishes,
        there,
        resolved,
        target.config,
        target.labels,
    )
    names = [step.wish.annotation for step in steps if step.wish.force]
    made.standing = {name: current_value(name, there, resolved, target.config) for name in names}
    for step in steps:
        if step.wish.id not in due:
            continue
        if step.action is Action.WRITE:
            made.steps.append(step)
            continue
        made.settled.append(_settled(step, remote))
        made.in_conflict |= step.action is Action.CONFLICT
        is_refused = step.action in {Action.REFUSE, Action.REFUSE_NOT_SAVED}
        if step.wish.annotation == LABEL:
            made.is_label_astray |= is_refused or step.action is Action.CONFLICT
        elif is_refused:
            made.refusals.append(step.reason or "")
    if made.steps:
        made.write = _write(dossier, remote, made.steps, target)
    return made


def _renewed(wishes: Sequence[Wish], own: Mapping[str, Own]) -> list[Wish]:
    """Return the wishes with what was adopted as pushed; the same verdict keeps its date."""
    wanted = {wish.annotation: wish.valeur for wish in wishes}
    decisive = (RESULTAT, DETAIL)
    is_same = all(name in own and own[name].value == wanted.get(name) for name in decisive)
    renewed = []
    for wish in wishes:
        known = own.get(wish.annotation)
        if known is not None:
            is_kept = is_same and wish.annotation == DATE
            valeur = known.value if is_kept and known.value else wish.valeur
            wish = replace(wish, pushed=known, valeur=valeur)
        renewed.append(wish)
    return renewed


def _wish(stored: StoredWish) -> Wish:
    is_refused = stored.statut is WishStatus.REFUSEE
    return Wish(
        stored.id,
        stored.annotation,
        stored.valeur,
        _own(stored.pushed),
        _own(stored.uncertain),
        stored.seen_at,
        force=stored.force_par is not None,
        over=stored.force_sur,
        is_due=stored.is_due,
        is_confirmed=stored.statut is WishStatus.CONFIRMEE,
        refusal=(stored.erreur or "") if is_refused else None,
    )


def _own(pushed: Pushed | None) -> Own | None:
    return None if pushed is None else Own(pushed.valeur, pushed.cible)


_STATUSES = {
    Action.CONFIRM: WishStatus.CONFIRMEE,
    Action.CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_REFUSAL: WishStatus.REFUSEE,
    Action.SUSPEND: WishStatus.SUSPENDUE,
    Action.REFUSE: WishStatus.REFUSEE,
    Action.REFUSE_NOT_SAVED: WishStatus.REFUSEE,
}


def _settled(step: Step, remote: RemoteAnnotations) -> Settlement:
    wish, statut = step.wish, _STATUSES[step.action]
    end = Settlement(wish.id, statut, cible=step.target, erreur=step.reason)
    match step.action:
        case Action.CONFIRM:
            return replace(end, pushed=wish.valeur, valeur=wish.valeur)
        case Action.CONFLICT:
            since = remote.updated_at.get(step.target or "")
            return replace(end, valeur_distante=step.remote or "", distante_le=since)
        case Action.BLOCKED_BY_CONFLICT:
            return replace(end, valeur_distante=step.remote or "", erreur=HELD)
        case Action.BLOCKED_BY_REFUSAL:
            return replace(end, erreur=f"{HELD_REFUSED} : {step.reason}")
        case Action.REFUSE_NOT_SAVED:
            # The annotation is empty, and that is known: a newer value may be tried.
            return replace(end, pushed="", definitive=True)
        case _:
            return end


def _write(
    dossier: DueDossier, remote: RemoteAnnotations, steps: Sequence[Step], target: Target
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
        instructeur_id=target.instructeur_id,
        annotations=annotations,
        labels_add=(target.labels[label.add],) if label and label.add else (),
        labels_remove=tuple(remote.labels[name] for name in label.remove) if label else (),
    )


def settle_outcome(made: Draft, outcome: WriteOutcome, later: datetime) -> list[Settlement]:
    """Say what became of each wish that was sent, by the ids that came back."""
    return [_outcome(made, step, outcome, later) for step in made.steps]


def _outcome(made: Draft, step: Step, outcome: WriteOutcome, later: datetime) -> Settlement:
    wish = step.wish
    if outcome.code == Refusal.READ_ONLY:
        return Settlement(wish.id, WishStatus.REFUSEE, erreur=outcome.message, nothing_written=True)
    if outcome.not_found or outcome.code:
        return Settlement(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=outcome.message,
            prochain_essai_le=later,
            nothing_written=True,
        )
    if _is_done(made, step, outcome):
        return Settlement(
            wish.id,
            WishStatus.CONFIRMEE,
            pushed=wish.valeur,
            cible=step.target,
            replaced=step.remote or "",
            written=True,
        )
    message = _refusal(made, step, outcome)
    if message is not None:
        # Of a label one half may be done: what stands there now is ours all the same.
        is_half_done = step.descriptor is None and bool(
            _label_ids(made, step) & outcome.labels_done
        )
        return Settlement(
            wish.id, WishStatus.REFUSEE, erreur=message, nothing_written=not is_half_done
        )
    return Settlement(wish.id, WishStatus.INCERTAINE)


def _is_done(made: Draft, step: Step, outcome: WriteOutcome) -> bool:
    if step.descriptor is not None:
        return step.descriptor.id in outcome.saved
    return _label_ids(made, step) <= outcome.labels_done


def _label_ids(made: Draft, step: Step) -> frozenset[str]:
    names = (*((step.add,) if step.add else ()), *step.remove)
    return frozenset(made.label_ids[name] for name in names if name in made.label_ids)


def _refusal(made: Draft, step: Step, outcome: WriteOutcome) -> str | None:
    if step.descriptor is not None:
        return outcome.refused.get(step.descriptor.id)
    refused = [outcome.refused[id_] for id_ in _label_ids(made, step) if id_ in outcome.refused]
    return refused[0] if refused else None
