"""Writes the outbox's wishes into DS, never over a human's value and never twice.

For each batch of dossiers, one request reads the current annotations and labels, and the writes
are planned. The wishes to be written are marked `incertaine` before the request is sent: after a
crash the next run reads back first. One mutation document carries the batch; the outcome of each
dossier is recorded separately.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from math import ceil

from dsync.annotations import Action, DossierWishes, WishOutcome, WishStatus, WrittenValue
from dsync.domain.dossier import OPEN_ETATS
from dsync.domain.ids import DossierNumber
from dsync.ds import DossierWrite, Refusal
from dsync.errors import (
    DSBadDataError,
    DSError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
    InterruptedRunError,
    quotation,
)
from dsync.sync.config_changes import follow_config_changes, report_missing_labels
from dsync.sync.context import Run
from dsync.sync.page_storing import learn_revisions, refresh_demarche
from dsync.sync.work import Overwrite, Push
from dsync.sync.writes import (
    WriteTerms,
    described,
    may_have_outdated_labels,
    note_refusals,
    outcome_without_write,
    plan_steps,
    postponed,
    record_answers,
    refusals_of,
    reset_unsent,
    schedule_read_back,
)

MAX_FAILURES = 3
"""Consecutive failed writes of single dossiers, after which the push ends: the cause is then an
outage of DS and not the dossiers. Also of batches after which DS limited the rate."""
REQUESTS_PER_BATCH = 2
"""One that reads the current values, and one that writes."""
UNANSWERED = (
    "DS did not answer a write: the state of these annotations is unknown. They are read back "
    "after 35 s, by the next run or by `dsync push`, which waits until then."
)


class _NextBatch(Enum):
    """The size of the next batch."""

    LARGER = "larger"
    SMALLER = "smaller"
    """DS did not execute the whole document."""
    NONE = "none"
    """No further batch is sent."""


def push_on_request(run: Run, work: Push | Overwrite) -> None:
    """Write every wish that is asked for.

    Raises:
        DsyncError: DS or the database cannot be reached; the outcomes recorded so far stay.
    """
    dossiers = work.dossiers
    follow_config_changes(run)
    with run.transaction() as tx:
        if isinstance(work, Overwrite):
            tx.outbox.force(dossiers, run.asked_by, work.shown)
        else:
            tx.outbox.retry_refused(dossiers)
    push_due(run, dossiers, waits=not run.report.dry)
    for number in run.absent(dossiers):
        run.problem(
            f"Dossier {number} is not in the copy, or not present in DS: nothing to send. "
            f"`dsync sync --dossier {number}` reads it."
        )


def push_due(run: Run, numbers: Sequence[DossierNumber] = (), *, waits: bool = False) -> None:
    """Write every wish that is due, and record the outcomes.

    Args:
        run: the run under way.
        numbers: the dossiers to push; empty: all.
        waits: whether unanswered writes are read back once that is possible; if not, a later run
            reads them back.

    Raises:
        DsyncError: DS or the database cannot be reached; the outcomes recorded so far stay.
    """
    if run.context.annotations is None:
        return
    _push_now(run, numbers, waits=waits)
    if waits:
        with run.reading() as reader:
            left = reader.outbox.time_until_readable(run.now, numbers)
        if left:
            seconds = ceil(left.total_seconds())
            run.context.progress.message(
                f"DS did not answer a write: waiting {seconds} s before reading it back. "
                "Stopping now is safe: a later run reads it back."
            )
            run.context.stop.wait(seconds)
            run.context.check_stop()
            _push_now(run, numbers, waits=True)
    with run.reading() as reader:
        waiting, causes = (
            reader.outbox.waiting_count(numbers),
            reader.outbox.waiting_causes(numbers),
        )
    if waiting and not run.report.errors:
        why = "; ".join(map(quotation, causes)) or "DS did not answer"
        run.problem(
            f"Dossiers whose annotations are waiting: {waiting} ({why}). They are sent within an "
            "hour, or now with `dsync push`."
        )


def _push_now(run: Run, numbers: Sequence[DossierNumber], *, waits: bool) -> None:
    with run.reading() as reader:
        total = reader.outbox.due_count(run.now, numbers)
    terms = _terms(run) if total else None
    if terms is not None:
        _push_all(run, terms, numbers, total, waits=waits)


def _terms(run: Run) -> WriteTerms | None:
    """Return the instructeur and the labels to write with; None when the pushes have to wait.

    The stored démarche is used. It is read again from DS only if it does not contain the
    configured instructeur.
    """
    named, annotations = run.context.instructeur, run.context.annotations
    if annotations is None:
        return None
    if not named:
        run.problem(
            "Nothing is pushed, because no instructeur is configured: set DSYNC_DS_INSTRUCTEUR to "
            "the e-mail or the id of an instructeur of the démarche."
        )
        return None
    with run.reading() as reader:
        demarche = reader.demarche.read()
    found = demarche.instructeur_id(named) if demarche else None
    # They may have been added to a groupe since the démarche was read.
    if found is None and not run.demarche_is_fresh:
        demarche = refresh_demarche(run)
        found = demarche.instructeur_id(named)
    if demarche is None or found is None:
        run.problem(
            "Nothing is pushed, because the instructeur of DSYNC_DS_INSTRUCTEUR is in no groupe "
            "instructeur of the démarche: add them to one, or configure another instructeur."
        )
        return None
    programme = run.context.programme
    stated_verdict = programme.stated_verdict if programme else lambda _detail: None
    return WriteTerms(found, demarche.labels, annotations, stated_verdict)


def _refresh_labels(run: Run, terms: WriteTerms) -> None:
    """Read the démarche's labels again: a renamed or removed label is not a human's edit."""
    demarche = refresh_demarche(run)
    terms.labels = demarche.labels
    report_missing_labels(run, demarche)


def _push_all(
    run: Run, terms: WriteTerms, numbers: Sequence[DossierNumber], total: int, *, waits: bool
) -> None:
    """Push batch after batch; halve the size when DS cannot execute a batch, then double it."""
    max_size = run.context.push_batch
    size, failures, limited = max_size, 0, 0
    seen: set[DossierNumber] = set()
    while True:
        run.context.check_stop()
        with run.reading() as reader:
            # A label is written after its dossier's annotations. At full batch size, the labels of
            # one batch share a request with the annotations of the next one.
            labels = size if size == max_size else 0
            due = reader.outbox.due_dossiers(run.now, limit=size, labels=labels, numbers=numbers)
        if not due:
            return
        try:
            then = _push_batch(run, terms, due, numbers)
        except (DSTimeoutError, DSBadDataError):
            if size > 1:
                size = max(1, size // 2)
                continue
            _postpone(run, due)
            then = _NextBatch.LARGER
        except DSRateLimitedError:
            # During the wait a human can edit what is overwritten: the batch is read again.
            limited += 1
            if limited > MAX_FAILURES:
                raise
            continue
        except DSOutcomeUnknownError as exc:
            # In a document with several dossiers, one of them can make DS fail on all.
            failures += len(due) == 1
            # One by one, until a document of one dossier shows which of them it is.
            size = 1
            if not exc.finished and not waits:
                run.problem(UNANSWERED)
            then = _NextBatch.LARGER if failures < MAX_FAILURES else _NextBatch.NONE
        else:
            failures = limited = 0
            size = max(1, size // 2) if then is _NextBatch.SMALLER else min(max_size, size * 2)
        seen.update(dossier.numero for dossier in due)
        run.context.progress.pushed(min(len(seen), total), total)
        if then is _NextBatch.NONE:
            return


def _push_batch(
    run: Run, terms: WriteTerms, due: Sequence[DossierWishes], numbers: Sequence[DossierNumber]
) -> _NextBatch:
    """Read, plan and write one batch, and record its outcomes; return the next batch's size.

    Raises:
        DSTimeoutError: DS timed out while reading or before writing; request fewer dossiers.
        DSBadDataError: DS cannot render a dossier of the batch; request fewer.
        DSOutcomeUnknownError: the write was not answered; its wishes stay `incertaine`.
        DSRateLimitedError: nothing was written, or DS limits the read; the wishes wait.
        DSError: nothing was written; the wishes wait.
        InterruptedRunError: nothing was sent; the wishes wait.
    """
    learn_revisions(run, {dossier.revision_id for dossier in due})
    resolved = {d.numero: run.annotations_of(d.revision_id) for d in due}
    ids = sorted({id_ for found in resolved.values() for id_ in found.ids()})
    # Not between the read and the write, where nobody looks at what a human edits.
    run.context.client.wait_for_room(REQUESTS_PER_BATCH)
    remotes = run.context.client.read_annotations(
        [d.numero for d in due], ids, run.context.demarche
    )
    writes: list[DossierWrite] = []
    outcomes: list[WishOutcome] = []
    adopted: dict[DossierNumber, Mapping[str, WrittenValue]] = {}
    for dossier in due:
        number, remote, own = dossier.numero, remotes[dossier.numero], resolved[dossier.numero]
        if remote is None or remote.etat not in OPEN_ETATS:
            outcomes += postponed(run, dossier, "DS ne montre plus ce dossier, ou il est terminé")
            continue
        if remote.dossier_id != dossier.dossier_id:
            # It would be written into another dossier.
            outcomes += postponed(run, dossier, "DS donne à ce dossier un autre identifiant")
            continue
        steps, adopted_here = plan_steps(dossier, remote, own, terms)
        # The stored labels may be older than a renaming on DS, which would look like a human's
        # edit.
        if may_have_outdated_labels(steps) and not run.demarche_is_fresh:
            _refresh_labels(run, terms)
            steps, adopted_here = plan_steps(dossier, remote, own, terms)
        if adopted_here:
            adopted[number] = adopted_here
        if any(step.action is Action.CONFLICT for step in steps):
            run.report.conflict_numbers.add(number)
        note_refusals(run, refusals_of(steps))
        unsent = [step for step in steps if step.action is not Action.WRITE]
        outcomes += [outcome_without_write(step, remote) for step in unsent]
        if sent := tuple(step for step in steps if step.action is Action.WRITE):
            write = DossierWrite(number, remote.dossier_id, terms.instructeur_id, sent)
            writes.append(write)
            if run.report.dry:
                run.report.would_send(described(write, remote, own, terms))
    if adopted:
        with run.transaction() as tx:
            tx.wishes.adopt(run.id, adopted, run.now)
        run.report.adopted_numbers.update(adopted)
    if run.report.dry:
        return _simulate(run, outcomes, writes)
    with run.transaction() as tx:
        # Before the request: whatever happens from here on, the next run knows what DS may have.
        tx.wishes.record_outcomes(run.id, outcomes, run.now)
        edited = {number: remote.edited_at for number, remote in remotes.items() if remote}
        marked = [(step, edited[write.number]) for write in writes for step in write.steps]
        tx.outbox.mark_sending(marked, run.now)
    if not writes:
        return _NextBatch.LARGER
    try:
        answers = run.context.client.push(writes)
    except DSOutcomeUnknownError as exc:
        if exc.finished:
            schedule_read_back(run, writes)
        raise
    except (DSError, InterruptedRunError):
        reset_unsent(run, writes)
        raise
    modified = {number: remote.modified_at for number, remote in remotes.items() if remote}
    record_answers(run, writes, answers, modified)
    read_only = next((o.message for o in answers if o.code == Refusal.READ_ONLY), None)
    if read_only is not None:
        # DS would refuse each further batch for the same reason.
        with run.transaction() as tx:
            tx.outbox.refuse_waiting(read_only, numbers)
        return _NextBatch.NONE
    return _NextBatch.SMALLER if any(answer.unknown for answer in answers) else _NextBatch.LARGER


def _postpone(run: Run, due: Sequence[DossierWishes]) -> None:
    why = "DS ne rend pas les annotations de ce dossier pour l’instant"
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, [s for d in due for s in postponed(run, d, why)], run.now)
    run.problem(
        "DS cannot return the annotations of some dossiers now; dsync retries within an hour."
    )


def _simulate(
    run: Run, outcomes: Sequence[WishOutcome], writes: Sequence[DossierWrite]
) -> _NextBatch:
    """Record what would be sent as confirmed in the dry run's transaction."""
    written = [
        WishOutcome(step.wish.id, WishStatus.CONFIRMEE) for write in writes for step in write.steps
    ]
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, [*outcomes, *written], run.now)
    run.report.pushed_numbers.update(write.number for write in writes)
    return _NextBatch.LARGER
