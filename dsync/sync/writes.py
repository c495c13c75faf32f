"""The writes into one dossier: which wishes are sent, and the outcome of each, sent or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from dsync.annotations.adopted import adopted_values, is_unwritten, later_values
from dsync.annotations.plan import Action, Remote, Step, current_value, plan
from dsync.annotations.targets import (
    DATE,
    DETAIL,
    LABEL,
    RESULTAT,
    AnnotationsConfig,
    ResolvedAnnotations,
)
from dsync.annotations.wish import DossierWishes, Wish, WishOutcome, WishStatus, WrittenValue
from dsync.domain.consent import digest_of
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.ds.classify import Refusal
from dsync.ds.write_document import DossierWrite, WriteOutcome
from dsync.messages import kinds as k
from dsync.sync.context import Run

POSTPONED_FOR = timedelta(hours=1)
"""Delay of a wish that cannot be sent now: a right is missing, or the next pull is needed."""
MAX_ATTEMPTS = 8
BACKOFF = timedelta(minutes=5)
"""Delay before the first retry of a dossier whose write, sent alone, ends in an internal error of
DS. It doubles with each attempt: `MAX_ATTEMPTS` span about ten hours, longer than most outages."""
REMEDIES: dict[str, k.Note] = {
    Refusal.READ_ONLY: k.Note.READ_ONLY,
    Refusal.NO_RIGHT: k.Note.NO_RIGHT,
}


class Another(NamedTuple):
    """What becomes of a dossier into which another database of dsync wrote."""

    digest: str
    """Of what this one would write there."""
    before: str
    """The result there."""
    after: str
    """The result that this one wants."""

    @classmethod
    def of(cls, steps: Sequence[Step], adopted: Mapping[str, WrittenValue]) -> Self:
        """Return that of a dossier, by what `plan_steps` returns."""
        result = next((step for step in steps if step.wish.annotation == RESULTAT), None)
        there = (result and result.remote) or (RESULTAT in adopted and adopted[RESULTAT].valeur)
        after = result.wish.valeur if result else ""
        return cls(digest_of_writes(steps), there or "", after)


@dataclass(slots=True)
class WriteTerms:
    """The instructeur, labels and configuration with which annotations are written."""

    instructeur_id: str
    labels: Mapping[str, str]
    """Ids of the démarche's labels, by name."""
    config: AnnotationsConfig
    stated_verdict: Callable[[str], Verdict | None]
    """Returns the verdict that a detail states, None for a text that the programme did not make."""
    written: Collection[str] = frozenset()
    """The annotations into which this database wrote before this push."""
    anothers: dict[DossierNumber, Another] = field(default_factory=dict)
    """The dossiers into which another database wrote. This one writes into them, and into others,
    only with a person's consent to all of them (`dsync/sync/brakes/grounds.py`)."""


def plan_steps(
    dossier: DossierWishes, remote: Remote, resolved: ResolvedAnnotations, terms: WriteTerms
) -> tuple[list[Step], Mapping[str, WrittenValue]]:
    """Plan the wishes of one dossier: return a step for each, and adopted values by annotation.

    All its current wishes are given: those that are not due only influence the others. The values
    in DS are those that another database of dsync wrote (None: a human's replaced it), as if they
    were this one's: that needs a person's consent.
    """
    wishes = dossier.wishes
    if is_unwritten(wishes):
        wanted = {wish.annotation: wish.valeur for wish in wishes}
        # This database has written nothing here; another one of dsync may have.
        adopted = adopted_values(remote, resolved, terms.config, terms.stated_verdict, wanted)
    else:
        by_name = {wish.annotation: wish for wish in wishes}
        # dsync may have written more than is recorded, if this database was restored from a backup.
        adopted = later_values(by_name, remote, resolved, terms.config, terms.stated_verdict)
    steps = plan(
        _renewed(wishes, adopted),
        remote,
        resolved,
        terms.config,
        terms.labels,
        written=terms.written,
        stated=terms.stated_verdict(next((w.valeur for w in wishes if w.annotation == DETAIL), "")),
        is_taking_over=bool(terms.anothers),
    )
    return steps, adopted


def digest_of_writes(steps: Sequence[Step]) -> str:
    """Return a digest of the writes among these steps: of each annotation, before and after."""
    return digest_of(
        *sorted(
            f"{step.wish.annotation}: {step.remote or ''} → {step.sent}"
            for step in steps
            if step.action is Action.WRITE
        )
    )


def may_have_outdated_labels(steps: Sequence[Step]) -> bool:
    """Return whether the label is refused or in conflict: one renamed on DS can cause it."""
    return any(
        step.wish.annotation == LABEL and step.action in {Action.REFUSE, Action.CONFLICT}
        for step in steps
    )


def refusals_of(steps: Sequence[Step]) -> list[str]:
    """Return why annotations are refused without a write; `report_missing_labels` has labels."""
    refused = {Action.REFUSE, Action.REFUSE_NOT_SAVED}
    return [
        step.reason or ""
        for step in steps
        if step.wish.annotation != LABEL and step.action in refused
    ]


def described(
    write: DossierWrite, remote: Remote, resolved: ResolvedAnnotations, terms: WriteTerms
) -> dict[str, Any]:
    """Return a write as a JSON object, for a dry run; the arguments are those of `plan_steps`."""
    values = {step.wish.annotation: step.sent for step in write.steps if step.descriptor}
    document: dict[str, Any] = {"dossier": write.number, "annotations": values}
    forced = [step.wish for step in write.steps if step.wish.is_forced]
    if forced:
        document["replaced"] = {
            wish.annotation: current_value(wish.annotation, remote, resolved, terms.config)
            for wish in forced
        }
        document["becomes"] = {wish.annotation: wish.valeur for wish in forced}
    for step in write.steps:
        if step.wish.annotation == LABEL:
            document["label"] = {"add": step.add, "remove": list(step.remove)}
    return document


def _renewed(wishes: Sequence[Wish], own: Mapping[str, WrittenValue]) -> list[Wish]:
    """Return the wishes with the adopted values as pushed ones; an equal verdict keeps its date."""
    wanted = {wish.annotation: wish.valeur for wish in wishes}
    decisive = [name for name in (RESULTAT, DETAIL) if name in own]
    is_same = all(own[name].valeur == wanted.get(name) for name in decisive)
    renewed = []
    for wish in wishes:
        known = own.get(wish.annotation)
        if known is not None:
            is_kept = is_same and wish.annotation == DATE
            valeur = known.valeur if is_kept and known.valeur else wish.valeur
            wish = wish._replace(pushed=known, uncertain=None, seen_at=None, valeur=valeur)
        renewed.append(wish)
    return renewed


_STATUSES = {
    Action.CONFIRM: WishStatus.CONFIRMEE,
    Action.EQUAL: WishStatus.CONFIRMEE,
    Action.CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_CONFLICT: WishStatus.CONFLIT,
    Action.BLOCKED_BY_REFUSAL: WishStatus.REFUSEE,
    Action.SUSPEND: WishStatus.SUSPENDUE,
    Action.REFUSE: WishStatus.REFUSEE,
    Action.REFUSE_NOT_SAVED: WishStatus.REFUSEE,
}


def outcome_without_write(step: Step, remote: Remote) -> WishOutcome:
    """Return the outcome of a wish that is not written, by what DS has."""
    wish, statut = step.wish, _STATUSES[step.action]
    end = WishOutcome(wish.id, statut, cible=step.target, erreur=step.reason)
    match step.action:
        case Action.CONFIRM:
            at = remote.updated_at.get(step.target or "")
            return end._replace(pushed=wish.valeur, valeur=wish.valeur, seen_at=at)
        case Action.EQUAL:
            return end._replace(valeur_distante=wish.valeur)
        case Action.CONFLICT:
            since = remote.updated_at.get(step.target or "")
            return end._replace(valeur_distante=step.remote or "", distante_le=since)
        case Action.BLOCKED_BY_CONFLICT:
            end = end._replace(valeur_distante=step.remote or "")
            if step.beside is None:
                return end
            at = remote.updated_at.get(step.target or "")
            return end._replace(pushed=step.beside, seen_at=at)
        case Action.REFUSE_NOT_SAVED:
            # DS is known to hold no value here, so a later wish with another value can be written.
            return end._replace(pushed="", definitive=True)
        case _:
            return end


def record_answers(
    run: Run, writes: Sequence[DossierWrite], answers: Sequence[WriteOutcome]
) -> None:
    """Record what DS answered to the writes of a document, and report what it refused."""
    by_number = {answer.number: answer for answer in answers}
    outcomes: list[WishOutcome] = []
    codes: set[str] = set()
    for write in writes:
        answer = by_number[write.number]
        result = [_outcome_of_answer(step, answer, run.now + POSTPONED_FOR) for step in write.steps]
        outcomes += result
        if any(s.written for s in result):
            run.report.pushed_numbers.add(write.number)
        if answer.saved or answer.labels_done:
            run.met.add(write.number)
        if answer.code:
            codes.add(answer.code)
            continue
        note_refusals(run, [s.erreur or "" for s in result if s.statut is WishStatus.REFUSEE])
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, outcomes, run.now)
    for code in sorted(codes & REMEDIES.keys()):
        run.problem(k.Noted(REMEDIES[code]))


def note_refusals(run: Run, reasons: Sequence[str]) -> None:
    """Report why wishes were refused, each reason once."""
    for reason in reasons:
        run.problem(k.WriteRefused(reason))


def reset_unsent(run: Run, writes: Sequence[DossierWrite]) -> None:
    """Reset wishes of a request that DS did not execute, such as with a refused token."""
    outcomes = [
        WishOutcome(step.wish.id, WishStatus.EN_ATTENTE, written=False)
        for write in writes
        for step in write.steps
    ]
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, outcomes, run.now)


def schedule_read_back(run: Run, writes: Sequence[DossierWrite]) -> None:
    """Have the wishes of a document in which DS failed half-way read back, one dossier a time.

    A dossier that was alone in its document is retried with increasing delays, and refused after
    `MAX_ATTEMPTS`.
    """
    why = "DS répond par une erreur interne à chaque écriture"
    # Of several dossiers, any may be the one on which DS fails, so they are sent again one by one.
    is_alone = len(writes) == 1
    outcomes = []
    for write in writes:
        for wish in (step.wish for step in write.steps):
            tried = wish.tentatives
            is_last_attempt = is_alone and tried + 1 >= MAX_ATTEMPTS
            later = run.now + BACKOFF * 2**tried if is_alone and not is_last_attempt else None
            statut = WishStatus.REFUSEE if is_last_attempt else WishStatus.EN_ATTENTE
            outcomes.append(WishOutcome(wish.id, statut, erreur=why, prochain_essai_le=later))
    if any(end.statut is WishStatus.REFUSEE for end in outcomes):
        note_refusals(run, [why])
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, outcomes, run.now)


def postponed(run: Run, dossier: DossierWishes, why: str) -> list[WishOutcome]:
    """Return the outcomes of a dossier's due wishes that are not sent now, for the reason given."""
    return [
        WishOutcome(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=why,
            prochain_essai_le=run.now + POSTPONED_FOR,
        )
        for wish in dossier.wishes
        if wish.is_due
    ]


def _outcome_of_answer(step: Step, answer: WriteOutcome, later: datetime) -> WishOutcome:
    wish = step.wish
    if answer.code == Refusal.READ_ONLY:
        return WishOutcome(wish.id, WishStatus.REFUSEE, erreur=answer.message, written=False)
    # Nothing at all was written: a label, which needs no right, is never in one document with
    # annotations of its dossier (`_is_due` in the outbox).
    if answer.not_found or answer.code:
        return WishOutcome(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=answer.message,
            prochain_essai_le=later,
            written=False,
        )
    targets, done = step.targets, answer.saved | answer.labels_done
    if done.issuperset(targets):
        is_confirmed = step.beside is None
        return WishOutcome(
            wish.id,
            WishStatus.CONFIRMEE if is_confirmed else WishStatus.CONFLIT,
            pushed=step.sent,
            cible=step.target,
            valeur_distante=step.beside,
            erreur=step.reason,
            seen_at=answer.dated.get(step.target or ""),
            replaced=step.remote or "",
            written=True,
        )
    refusals = [answer.refused[id_] for id_ in targets if id_ in answer.refused]
    if refusals:
        # If DS added one label and refused to remove another, dsync wrote the current ones too.
        return WishOutcome(
            wish.id,
            WishStatus.REFUSEE,
            erreur=refusals[0],
            written=False if done.isdisjoint(targets) else None,
        )
    # DS says neither that it saved the value nor why not: the next run reads it back.
    return WishOutcome(wish.id, WishStatus.INCERTAINE)
