"""Reads DS's answers to writes: the outcome of each wish that was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dsync.annotations import Step
from dsync.ds import Refusal, WriteOutcome
from dsync.store import DuePush, WishOutcome, WishStatus
from dsync.sync.context import Run
from dsync.sync.planned_writes import PlannedWrite

POSTPONED_FOR = timedelta(hours=1)
"""Delay of a wish that cannot be sent now: a right is missing, or the next pull is needed."""
MAX_ATTEMPTS = 8
BACKOFF = timedelta(minutes=5)
"""Delay before the first retry of a dossier whose write, sent alone, ends in an internal error of
DS. It doubles with each attempt: `MAX_ATTEMPTS` span about ten hours, longer than most outages."""
REMEDIES: dict[str, str] = {
    Refusal.READ_ONLY: (
        "DS refuses to write: the token is read-only. Make a read/write token in the DS profile "
        "and put it into DSYNC_DS_TOKEN or its file: the next run then sends what was refused."
    ),
    Refusal.NO_RIGHT: (
        "DS refuses to write: the instructeur of DSYNC_DS_INSTRUCTEUR has no right on some "
        "dossiers. Pushes wait; add them to the groupe instructeur of these dossiers."
    ),
}


def record_answers(
    run: Run, planned: Sequence[PlannedWrite], answers: Sequence[WriteOutcome]
) -> None:
    """Record what DS answered to the writes of a document, and report what it refused."""
    by_number = {answer.number: answer for answer in answers}
    outcomes: list[WishOutcome] = []
    codes: set[str] = set()
    for made in planned:
        answer = by_number[made.numero]
        result = [_outcome(made, step, answer, run.now + POSTPONED_FOR) for step in made.steps]
        outcomes += result
        if any(s.statut is WishStatus.CONFIRMEE for s in result):
            run.report.pushed_numbers.add(made.numero)
        if answer.code:
            codes.add(answer.code)
            continue
        note_refusals(run, [s.erreur or "" for s in result if s.statut is WishStatus.REFUSEE])
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)
    for code in sorted(codes & REMEDIES.keys()):
        run.report.problem(REMEDIES[code])


def note_refusals(run: Run, reasons: Sequence[str]) -> None:
    """Report why wishes were refused, each reason once."""
    for reason in reasons:
        run.report.problem(
            f"Annotations refused: {reason}. Correct the form or the configuration "
            "(`dsync check`); they are sent again when either changes, or now with `dsync push`."
        )


def reset_unsent(run: Run, planned: Sequence[PlannedWrite]) -> None:
    """Reset wishes of a request that DS did not execute, such as with a refused token."""
    outcomes = [
        WishOutcome(step.wish.id, WishStatus.EN_ATTENTE, nothing_written=True)
        for made in planned
        for step in made.steps
    ]
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)


def schedule_read_back(run: Run, planned: Sequence[PlannedWrite]) -> None:
    """Have the wishes of a document in which DS failed half-way read back, one dossier a time.

    A dossier that was alone in its document is retried with increasing delays, and refused after
    `MAX_ATTEMPTS`.
    """
    why = "DS répond par une erreur interne à chaque écriture"
    # Of several dossiers, any may be the one on which DS fails, so they are sent again one by one.
    is_alone = len(planned) == 1
    outcomes = []
    for made in planned:
        for wish in (step.wish for step in made.steps):
            tried = wish.tentatives
            is_last_attempt = is_alone and tried + 1 >= MAX_ATTEMPTS
            later = run.now + BACKOFF * 2**tried if is_alone and not is_last_attempt else None
            statut = WishStatus.REFUSEE if is_last_attempt else WishStatus.EN_ATTENTE
            outcomes.append(WishOutcome(wish.id, statut, erreur=why, prochain_essai_le=later))
    if any(end.statut is WishStatus.REFUSEE for end in outcomes):
        note_refusals(run, [why])
    with run.transaction() as tx:
        tx.record_outcomes(run.id, outcomes, run.now)


def postponed(run: Run, dossier: DuePush, why: str) -> list[WishOutcome]:
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


def _outcome(made: PlannedWrite, step: Step, answer: WriteOutcome, later: datetime) -> WishOutcome:
    wish = step.wish
    if answer.code == Refusal.READ_ONLY:
        return WishOutcome(wish.id, WishStatus.REFUSEE, erreur=answer.message, nothing_written=True)
    # Nothing at all was written: a label, which needs no right, is never in one document with
    # annotations of its dossier (`_is_due` in the outbox).
    if answer.not_found or answer.code:
        return WishOutcome(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=answer.message,
            prochain_essai_le=later,
            nothing_written=True,
        )
    targets, done = made.targets(step), answer.saved | answer.labels_done
    if done.issuperset(targets):
        return WishOutcome(
            wish.id,
            WishStatus.CONFIRMEE,
            pushed=wish.valeur,
            cible=step.target,
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
            nothing_written=done.isdisjoint(targets),
        )
    # DS says neither that it saved the value nor why not: the next run reads it back.
    return WishOutcome(wish.id, WishStatus.INCERTAINE)
