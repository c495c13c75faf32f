"""Send what the outbox wishes, never over a human's hand, never twice by accident.

For each batch: one request reads what stands there, the plan is made, what will be written is
marked `incertaine` before it is sent (a process killed in between reads back first), one
document carries the batch, and each alias's outcome is settled on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from math import ceil

import structlog

from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.ds import Refusal, WriteOutcome
from dsync.errors import (
    DSBadDataError,
    DSError,
    DSOutcomeUnknownError,
    DSTimeoutError,
    InterruptedRunError,
)
from dsync.store import DueDossier, Pushed, Settlement, WishStatus
from dsync.sync.context import Run
from dsync.sync.pages import learn_revisions, refresh_demarche
from dsync.sync.reconsider import tell_missing_labels
from dsync.sync.writing import Draft, Target, draft, settle_outcome

log = structlog.get_logger(__name__)

UNKNOWN_FOR = timedelta(seconds=35)
"""DS gives up after 30 s: what it has not answered by then is done or never will be."""
POSTPONED_FOR = timedelta(hours=1)
"""For what waits until somebody gives a right, or until the next pull tells more."""
MOST_ATTEMPTS = 8
BACKOFF = timedelta(minutes=5)
"""Before a dossier whose write alone ends in DS's internal error is tried again; then doubled:
given up after some ten hours, which an outage of DS seldom lasts."""
MOST_FAILURES = 3
"""Single dossiers in a row whose write fails, after which it is DS that fails, not they."""
REMEDIES: dict[str, str] = {
    Refusal.READ_ONLY: (
        "DS refuses to write: the token is read-only. Make a read/write token in the DS profile "
        "and set DSYNC_DS_TOKEN: the next run then sends what was refused."
    ),
    Refusal.NO_RIGHT: (
        "DS refuses to write: the instructeur of DSYNC_DS_INSTRUCTEUR has no right on some "
        "dossiers. Pushes wait; add them to the groupe instructeur of these dossiers."
    ),
}

UNANSWERED = (
    "DS did not answer a write: these annotations are uncertain, and are read back no earlier "
    "than 35 s from now, by the next run or by `dsync push`, which waits for it."
)


class _Next(Enum):
    """How to go on after a batch."""

    LARGER = "larger"
    SMALLER = "smaller"
    """DS did not come to the end of the document."""
    NONE = "none"


def push_due(
    run: Run,
    numbers: Sequence[DossierNumber] = (),
    *,
    say_waiting: Callable[[str], None] | None = None,
) -> None:
    """Settle every wish that is due.

    Args:
        run: the run.
        numbers: only these dossiers, when any are given.
        say_waiting: given where what was sent without an answer is waited for and read back; is
            told so first. Else that is left to a later run.

    Raises:
        DsyncError: when DS or the database cannot be reached; what was settled stays so.
    """
    _push_now(run, numbers, waits=say_waiting is not None)
    if say_waiting is not None:
        with run.transaction() as tx:
            left = tx.unknown_for(run.now, UNKNOWN_FOR, numbers)
        if left:
            seconds = ceil(left.total_seconds())
            say_waiting(
                f"DS did not answer a write: waiting {seconds} s before reading back what it did. "
                "It is safe to stop: a later run reads back too."
            )
            run.context.stop.wait(seconds)
            run.context.check_stop()
            _push_now(run, numbers, waits=True)
    with run.transaction() as tx:
        waiting, causes = tx.waiting_count(numbers), tx.waiting_causes(numbers)
    if waiting and not run.report.errors:
        why = "; ".join(causes) or "DS did not answer"
        run.report.problem(
            f"Dossiers that wait for their annotations: {waiting} ({why}). Tried again within the "
            "hour, or now by `dsync push`."
        )


def tell_unknown(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Say which of the dossiers that an operator named are none that can be written."""
    if not numbers:
        return
    with run.reading() as reader:
        known = {j.numero for j in reader.due(numbers) if j.presence == Presence.PRESENT}
    for number in numbers:
        if number not in known:
            run.report.problem(
                f"Dossier {number} is not in the copy, or not present in DS: nothing to send. "
                f"`dsync sync --dossier {number}` reads it."
            )


def _push_now(run: Run, numbers: Sequence[DossierNumber], *, waits: bool) -> None:
    with run.transaction() as tx:
        total = tx.due_count(run.now, UNKNOWN_FOR, numbers)
    target = _target(run) if total else None
    if target is not None:
        _push_all(run, target, numbers, total, waits=waits)


def _target(run: Run) -> Target | None:
    """Return in whose name and with which labels annotations are written; None: pushes wait.

    The démarche's facts are as last read; who is not found in them is looked for on DS.
    """
    named = run.context.policy.instructeur
    if not named:
        run.report.problem(
            "No instructeur is configured, so pushes wait: set DSYNC_DS_INSTRUCTEUR to the e-mail "
            "or the id of an instructeur of the démarche."
        )
        return None
    with run.transaction() as tx:
        demarche = tx.demarche()
    found = demarche.instructeur_id(named) if demarche else None
    if found is None and not run.demarche_is_fresh:
        demarche = refresh_demarche(run)
        found = demarche.instructeur_id(named)
    if demarche is None or found is None:
        run.report.problem(
            "The instructeur of DSYNC_DS_INSTRUCTEUR is in no groupe instructeur of the démarche, "
            "so pushes wait: add them, or name another."
        )
        return None
    programme = run.context.programme
    stated_verdict = programme.stated_verdict if programme else lambda _detail: None
    return Target(found, demarche.labels, run.context.annotations, stated_verdict)


def _refresh_labels(run: Run, target: Target) -> None:
    """Learn the démarche's labels anew: one renamed or removed on DS is no human's edit."""
    demarche = refresh_demarche(run)
    target.labels = demarche.labels
    tell_missing_labels(run, demarche)


def _push_all(
    run: Run, target: Target, numbers: Sequence[DossierNumber], total: int, *, waits: bool
) -> None:
    """Push batch after batch; a batch that is too heavy for DS is halved, then grows back."""
    most = run.context.policy.push_batch
    size, failures = most, 0
    seen: set[DossierNumber] = set()
    while True:
        run.context.check_stop()
        with run.transaction() as tx:
            # While DS follows, the labels of one batch travel with the annotations of the next.
            labels = size if size == most else 0
            due = tx.due_dossiers(run.now, UNKNOWN_FOR, limit=size, labels=labels, numbers=numbers)
        if not due:
            return
        try:
            then = _push_batch(run, target, due, numbers)
        except (DSTimeoutError, DSBadDataError):
            if size > 1:
                size = max(1, size // 2)
                continue
            _postpone(run, due)
            then = _Next.LARGER
        except DSOutcomeUnknownError as exc:
            failures += len(due) == 1
            size = 1
            if not exc.finished and not waits:
                run.report.problem(UNANSWERED)
            then = _Next.LARGER if failures < MOST_FAILURES else _Next.NONE
        else:
            failures = 0
            size = max(1, size // 2) if then is _Next.SMALLER else min(most, size * 2)
        seen.update(dossier.numero for dossier in due)
        run.context.progress.pushed(min(len(seen), total), total)
        if then is _Next.NONE:
            return


def _push_batch(
    run: Run, target: Target, due: Sequence[DueDossier], numbers: Sequence[DossierNumber]
) -> _Next:
    """Read, plan, write and settle one batch; say how to go on."""
    learn_revisions(run, {dossier.revision_id for dossier in due})
    resolved = {d.numero: run.annotations_of(d.revision_id) for d in due}
    ids = sorted({id_ for found in resolved.values() for id_ in found.ids()})
    remotes = run.context.client.read_annotations(
        [d.numero for d in due], ids, run.context.demarche
    )
    drafts: list[Draft] = []
    settled: list[Settlement] = []
    adopted: dict[DossierNumber, Mapping[str, Pushed]] = {}
    for dossier in due:
        remote = remotes[dossier.numero]
        if remote is None or remote.etat not in OPEN_ETATS:
            settled += _later(run, dossier, "DS ne montre plus ce dossier, ou il est terminé")
            continue
        made = draft(dossier, remote, resolved[dossier.numero], target)
        if made.is_label_astray and not run.demarche_is_fresh:
            _refresh_labels(run, target)
            made = draft(dossier, remote, resolved[dossier.numero], target)
        settled += made.settled
        if made.adopted:
            adopted[made.numero] = made.adopted
        if made.in_conflict:
            run.report.stopped.add(made.numero)
        _note_refusals(run, made.refusals)
        if made.write is not None:
            drafts.append(made)
    if adopted:
        with run.transaction() as tx:
            tx.adopt(run.id, adopted, run.now)
        run.report.recognised.update(adopted)
    if run.report.dry:
        return _pretend(run, settled, drafts)
    sent = [wish_id for made in drafts for wish_id in made.wish_ids]
    with run.transaction() as tx:
        tx.settle(run.id, settled, run.now)
        tx.mark_sending([sending for made in drafts for sending in made.sendings], run.now)
    if not drafts:
        return _Next.LARGER
    writes = [made.write for made in drafts if made.write is not None]
    try:
        outcomes = run.context.client.push(writes)
    except DSOutcomeUnknownError as exc:
        if exc.finished:
            _read_back_soon(run, due, drafts)
        raise
    except (DSError, InterruptedRunError):
        _take_back(run, sent)
        raise
    then = _settle_outcomes(run, drafts, outcomes)
    read_only = next((o.message for o in outcomes if o.code == Refusal.READ_ONLY), None)
    if read_only is not None:
        # The others would be refused one batch after the other.
        with run.transaction() as tx:
            tx.refuse_waiting(read_only, numbers)
        return _Next.NONE
    return then


def _settle_outcomes(run: Run, drafts: Sequence[Draft], outcomes: Sequence[WriteOutcome]) -> _Next:
    by_number = {outcome.number: outcome for outcome in outcomes}
    settled: list[Settlement] = []
    codes: set[str] = set()
    for made in drafts:
        outcome = by_number[made.numero]
        result = settle_outcome(made, outcome, run.now + POSTPONED_FOR)
        settled += result
        if any(s.statut is WishStatus.CONFIRMEE for s in result):
            run.report.written.add(made.numero)
        if outcome.code:
            codes.add(outcome.code)
            continue
        _note_refusals(run, [s.erreur or "" for s in result if s.statut is WishStatus.REFUSEE])
    with run.transaction() as tx:
        tx.settle(run.id, settled, run.now)
    for code in sorted(codes & REMEDIES.keys()):
        run.report.problem(REMEDIES[code])
    is_cut = any(outcome.unknown for outcome in outcomes)
    return _Next.SMALLER if is_cut else _Next.LARGER


def _note_refusals(run: Run, reasons: Sequence[str]) -> None:
    """Say why a dossier's wishes are refused, each reason once."""
    for reason in reasons:
        run.report.problem(
            f"Annotations refused: {reason}. Correct the form or the configuration "
            "(`dsync check`); they are sent again when either changes, or now by `dsync push`."
        )


def _take_back(run: Run, wish_ids: Sequence[int]) -> None:
    """Nothing was executed (a refused token, say): the wishes wait, nothing is uncertain."""
    settled = [
        Settlement(wish_id, WishStatus.EN_ATTENTE, nothing_written=True) for wish_id in wish_ids
    ]
    with run.transaction() as tx:
        tx.settle(run.id, settled, run.now)


def _read_back_soon(run: Run, due: Sequence[DueDossier], drafts: Sequence[Draft]) -> None:
    """DS failed in the middle of the document: some are done, some are not; ask one by one.

    One that was alone in its document waits, longer each time, and is given up in the end.
    """
    attempts = {wish.id: wish.tentatives for dossier in due for wish in dossier.wishes}
    why = "DS répond par une erreur interne à chaque écriture"
    is_alone = len(drafts) == 1
    settled = []
    for made in drafts:
        for wish_id in made.wish_ids:
            tried = attempts[wish_id]
            given_up = is_alone and tried + 1 >= MOST_ATTEMPTS
            later = run.now + BACKOFF * 2**tried if is_alone and not given_up else None
            statut = WishStatus.REFUSEE if given_up else WishStatus.EN_ATTENTE
            settled.append(Settlement(wish_id, statut, erreur=why, prochain_essai_le=later))
    if any(end.statut is WishStatus.REFUSEE for end in settled):
        _note_refusals(run, [why])
    with run.transaction() as tx:
        tx.settle(run.id, settled, run.now)


def _later(run: Run, dossier: DueDossier, why: str) -> list[Settlement]:
    return [
        Settlement(
            wish.id,
            WishStatus.EN_ATTENTE,
            erreur=why,
            prochain_essai_le=run.now + POSTPONED_FOR,
        )
        for wish in dossier.wishes
        if wish.is_due
    ]


def _postpone(run: Run, due: Sequence[DueDossier]) -> None:
    why = "DS ne rend pas les annotations de ce dossier pour l’instant"
    with run.transaction() as tx:
        tx.settle(run.id, [s for d in due for s in _later(run, d, why)], run.now)
    run.report.problem("Some dossiers' annotations cannot be read in DS now; tried again later.")


def _pretend(run: Run, settled: Sequence[Settlement], drafts: Sequence[Draft]) -> _Next:
    """Tell what would be sent, and settle it in the dry run's scratch copy alone."""
    for made in drafts:
        run.report.would_send(made.described())
    written = [
        Settlement(wish_id, WishStatus.CONFIRMEE) for made in drafts for wish_id in made.wish_ids
    ]
    with run.transaction() as tx:
        tx.settle(run.id, [*settled, *written], run.now)
    run.report.written.update(made.numero for made in drafts)
    return _Next.LARGER
