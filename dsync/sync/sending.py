"""Writes the outbox's wishes into DS, never over a human's value and never twice.

For each batch of dossiers, one request reads the current annotations and labels, and the writes
are planned. The wishes to be written are marked `incertaine` before the request is sent: after a
crash the next run reads back first. One mutation document carries the batch; the outcome of each
dossier is recorded separately. At full size, a thread reads the next batch while one is written;
the database is the run's own thread's. In the end the dossiers are read again, for the copy.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from math import ceil
from typing import NamedTuple

from dsync.annotations.plan import Action, Remote, Step
from dsync.annotations.targets import ResolvedAnnotations
from dsync.annotations.wish import DossierWishes, WishOutcome, WishStatus, WrittenValue
from dsync.domain.consent import Consent
from dsync.domain.dossier import OPEN_ETATS
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import stated_verdict
from dsync.ds.classify import Refusal
from dsync.ds.crawl import PageSize
from dsync.ds.write_document import DossierWrite
from dsync.errors import (
    DSBadDataError,
    DSError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
    InterruptedRunError,
)
from dsync.messages import kinds as k
from dsync.sync.brakes.grounds import (
    UNREAD_BOX,
    follow_config_changes,
    has_lost_box,
    is_writer,
    may_adopt,
    report_missing_labels,
    serves_another_call,
)
from dsync.sync.brakes.replacing import end_first_write, is_unseen, replaces_too_much
from dsync.sync.context import Run, learn_revisions, nothing_to_accept, refresh_demarche
from dsync.sync.pull import read_back
from dsync.sync.work import Overwrite, Push
from dsync.sync.writes import (
    Another,
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
REQUESTS_PER_BATCH = 3
"""One reads the current values, one writes, and one reads those of the next batch."""
FIRST_BATCH = 10
"""Number of dossiers in the first batch, if `push_batch` is not less."""
QUICK = timedelta(seconds=5)
"""A batch that takes no longer is followed by one of twice its size: DS ends a document after 30 s,
and in the meantime nobody looks at what a human edits."""
SLOW = timedelta(seconds=10)
"""A batch that takes longer is followed by one of half its size. What was read longer ago is read
again before it is written, such as after a wait for permits, or after the process was suspended."""


class _Then(Enum):
    """What follows a batch."""

    NEXT = "next"
    SMALLER = "smaller"
    """DS did not execute the whole document."""
    NONE = "none"
    """No further batch is sent."""


Remotes = Mapping[DossierNumber, Remote | None]
"""What DS has of dossiers; None: it does not show the dossier."""


class _Ahead(NamedTuple):
    """A batch that a thread reads."""

    due: Sequence[DossierWishes]
    remotes: Future[Remotes]
    asked_at: datetime
    """What DS has is not older."""


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
    is_order = isinstance(work, Overwrite)
    try:
        push_due(run, dossiers, waits=not run.report.dry, ordered=is_order)
    finally:
        if is_order:
            # It is about what stands now: what could not be written meets later values unordered.
            with run.transaction() as tx:
                tx.outbox.end_order(dossiers)
    for number in run.absent(dossiers):
        run.problem(k.Numbered(k.NumberNote.NOTHING_TO_SEND, number))


def push_due(
    run: Run,
    numbers: Sequence[DossierNumber] = (),
    *,
    waits: bool = False,
    ordered: bool = False,
) -> None:
    """Write every wish of the dossiers (none: of all) that is due, and record the outcomes.

    If it waits, unanswered writes are read back once that is possible; else a later run does so. No
    brake stops writes that a person ordered, by what they saw.

    Raises:
        DsyncError: DS or the database cannot be reached; the outcomes recorded so far stay.
    """
    if run.context.annotations is None:
        end_first_write(run)
        return
    if serves_another_call(run):
        return
    _push_now(run, numbers, waits=waits, ordered=ordered)
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
            _push_now(run, numbers, waits=True, ordered=ordered)
    # Twice at most: where somebody edited since the pull, what was found is compared once more.
    for _ in range(2):
        if not run.met or run.report.dry:
            break
        met, run.met = sorted(run.met), set()
        read_back(run, met)
        _push_now(run, met, waits=waits, ordered=ordered)
    if run.report.errors:
        return
    with run.reading() as reader:
        waiting = reader.outbox.waiting_count(numbers)
        causes = reader.outbox.waiting_causes(numbers) if waiting else ()
        refused = reader.outbox.refusals(numbers)
    if waiting:
        run.problem(k.WritesWait(waiting, tuple(causes)))
    note_refusals(run, refused)


def _push_now(run: Run, numbers: Sequence[DossierNumber], *, waits: bool, ordered: bool) -> None:
    with run.reading() as reader:
        total = reader.outbox.due_count(run.now, numbers)
    terms = _terms(run) if total else None
    if (
        terms is not None
        and is_writer(run, terms)
        and not is_unseen(run, terms, ordered=ordered)
        and (ordered or not replaces_too_much(run))
    ):
        _push_all(run, terms, numbers, total, waits=waits)
        if terms.anothers and terms.anothers.keys() <= run.report.adopted_numbers:
            nothing_to_accept(run, Consent.WRITER)
    elif not total and not numbers:
        nothing_to_accept(run, Consent.WRITER, Consent.WRITES)
        end_first_write(run)


def _terms(run: Run) -> WriteTerms | None:
    """Return the instructeur and the labels to write with; None when the pushes have to wait.

    The stored démarche is used. It is read again from DS only if it does not contain the
    configured instructeur.
    """
    named, annotations = run.context.instructeur, run.context.annotations
    if annotations is None:
        return None
    if not named:
        run.problem(k.Noted(k.Note.NO_INSTRUCTEUR))
        return None
    demarche = run.known_demarche()
    found = demarche.instructeur_id(named) if demarche else None
    # They may have been added to a groupe since the démarche was read.
    if found is None and not run.demarche_is_fresh:
        demarche = refresh_demarche(run)
        found = demarche.instructeur_id(named)
    if demarche is None or found is None:
        run.problem(k.Noted(k.Note.INSTRUCTEUR_WITHOUT_GROUPE))
        return None
    programme = run.context.programme
    words = annotations.options.words
    stated = partial(stated_verdict, words=words) if programme else lambda _detail: None
    with run.reading() as reader:
        written = reader.outbox.written_annotations()
    return WriteTerms(found, demarche.labels, annotations, stated, written)


def _refresh_labels(run: Run, terms: WriteTerms) -> None:
    """Read the démarche's labels again: a renamed or removed label is not a human's edit."""
    demarche = refresh_demarche(run)
    terms.labels = demarche.labels
    report_missing_labels(run, demarche)


def _push_all(
    run: Run, terms: WriteTerms, numbers: Sequence[DossierNumber], total: int, *, waits: bool
) -> None:
    """Push batch after batch; their size follows the time that DS takes."""
    most = run.context.client.limits.push_batch
    size = PageSize(FIRST_BATCH, most, None, run.context.clock, grows_after=timedelta())
    failures = limited = 0
    seen: set[DossierNumber] = set()
    ahead: _Ahead | None = None
    with ThreadPoolExecutor(1, "dsync-push") as thread:
        while True:
            run.context.check_stop()
            due = ahead.due if ahead else _due(run, size, numbers)
            if not due:
                return
            # Not between the read and the write, where nobody looks at what a human edits.
            run.context.client.wait_for_room(REQUESTS_PER_BATCH)
            began, then = run.now, _Then.NEXT
            following: _Ahead | None = None
            # After a failure nothing that was read before it is used.
            read, ahead = ahead, None
            try:
                remotes = _current(run, due, read)
                not_after = run.now + SLOW
                if (writes := _plan_batch(run, terms, due, remotes)) is None:
                    return
                if writes:
                    if size.is_largest:
                        # If this fails, what is marked is read back later, as after a crash.
                        following = _read_ahead(run, thread, _due(run, size, numbers))
                    then = _send(run, writes, not_after, numbers)
            except (DSTimeoutError, DSBadDataError):
                if size.usual > 1:
                    size.timed_out(len(due))
                    continue
                _postpone(run, due)
            except DSRateLimitedError:
                # During a wait a human can edit what is overwritten: the batch is read again.
                limited += 1
                if limited > MAX_FAILURES:
                    raise
                continue
            except DSOutcomeUnknownError as exc:
                # In a document with several dossiers, one of them can make DS fail on all.
                failures += len(due) == 1
                # One by one, until a document of one dossier shows which of them it is.
                size.usual = 1
                if not exc.finished and not waits:
                    run.problem(k.Noted(k.Note.UNANSWERED))
                then = _Then.NEXT if failures < MAX_FAILURES else _Then.NONE
            else:
                failures = limited = 0
                took = run.now - began
                if then is _Then.SMALLER or took > SLOW:
                    size.timed_out(len(due))
                else:
                    ahead = following
                    if took <= QUICK:
                        size.succeeded(len(due))
            seen.update(dossier.numero for dossier in due)
            run.context.progress.pushed(min(len(seen), total), total)
            if then is _Then.NONE:
                return


def _due(run: Run, size: PageSize, numbers: Sequence[DossierNumber]) -> list[DossierWishes]:
    # A label is written after its dossier's annotations. At full size, the labels of one batch
    # share a request with the annotations of a later one.
    labels = size.usual if size.is_largest else 0
    with run.reading() as reader:
        return reader.outbox.due_dossiers(run.now, limit=size.usual, labels=labels, numbers=numbers)


def _reading(run: Run, due: Sequence[DossierWishes]) -> Callable[[], Remotes]:
    """Return the request that reads the current values of these dossiers."""
    learn_revisions(run, {dossier.revision_id for dossier in due})
    ids = {id_ for d in due for id_ in run.annotations_of(d.revision_id).ids()}
    return partial(
        run.context.client.read_annotations, [d.numero for d in due], sorted(ids), run.demarche
    )


def _read_ahead(
    run: Run, thread: ThreadPoolExecutor, due: Sequence[DossierWishes]
) -> _Ahead | None:
    """Have a thread read these dossiers; not if their form has to be read from DS before."""
    if not due or not {d.revision_id for d in due} <= run.revisions.keys():
        return None
    asked_at = run.now
    # In the same context, so that its log lines name the run, too.
    in_context = contextvars.copy_context().run
    return _Ahead(due, thread.submit(in_context, _reading(run, due)), asked_at)


def _current(run: Run, due: Sequence[DossierWishes], ahead: _Ahead | None) -> Remotes:
    """Return what DS has of a batch: what was read ahead, unless a human had time to edit it."""
    if ahead is not None:
        remotes = ahead.remotes.result()
        if abs(run.now - ahead.asked_at) <= SLOW:
            return remotes
    return _reading(run, due)()


def _plan_batch(
    run: Run, terms: WriteTerms, due: Sequence[DossierWishes], remotes: Remotes
) -> list[DossierWrite] | None:
    """Plan a batch, record what is not written, and mark what is; return the writes.

    In a dry run, record the writes, too, and return none. None: another database of dsync wrote
    meanwhile; nothing is recorded, and nothing more may be written.

    Raises:
        DSError: the démarche's labels cannot be read; nothing was marked.
    """
    writes: list[DossierWrite] = []
    outcomes: list[WishOutcome] = []
    adopted: dict[DossierNumber, Mapping[str, WrittenValue]] = {}
    plans: list[tuple[DossierWishes, Remote, list[Step]]] = []
    anothers: dict[DossierNumber, Another] = {}
    for dossier in due:
        number, remote = dossier.numero, remotes[dossier.numero]
        own = run.annotations_of(dossier.revision_id)
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
        is_due = [step for step in steps if step.wish.is_due]
        if may_have_outdated_labels(is_due) and not run.demarche_is_fresh:
            _refresh_labels(run, terms)
            steps, adopted_here = plan_steps(dossier, remote, own, terms)
        if _may_be_validated(run, dossier, remote, own):
            held = [s for s in steps if s.action is Action.WRITE and not s.wish.is_forced]
            waiting = tuple(step.wish for step in held)
            outcomes += postponed(run, dossier._replace(wishes=waiting), UNREAD_BOX)
            steps = [step for step in steps if step not in held]
        if adopted_here:
            adopted[number], anothers[number] = adopted_here, Another.of(steps, adopted_here)
        plans.append((dossier, remote, [step for step in steps if step.wish.is_due]))
    if anothers and not may_adopt(run, terms, anothers):
        return None
    for dossier, remote, steps in plans:
        number, own = dossier.numero, run.annotations_of(dossier.revision_id)
        if any(step.action is Action.CONFLICT for step in steps):
            run.report.conflict_numbers.add(number)
        note_refusals(run, refusals_of(steps))
        unsent = [step for step in steps if step.action is not Action.WRITE]
        ends = [outcome_without_write(step, remote) for step in unsent]
        if any(end.statut is not WishStatus.REFUSEE for end in ends):
            run.met.add(number)
        outcomes += ends
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
        _simulate(run, outcomes, writes)
        return []
    with run.transaction() as tx:
        # Before the request: whatever happens from here on, the next run knows what DS may have.
        tx.wishes.record_outcomes(run.id, outcomes, run.now)
        by_number = {dossier.numero: remote for dossier, remote, _ in plans}
        marked = [
            (step, by_number[write.number].seen_at(step.target))
            for write in writes
            for step in write.steps
        ]
        tx.outbox.mark_sending(marked, run.now)
    return writes


def _may_be_validated(
    run: Run, dossier: DossierWishes, remote: Remote, own: ResolvedAnnotations
) -> bool:
    """Return whether a dossier may be validated, and its box cannot be read."""
    box = own.validation
    # DS has moved the dossier to a revision without it since the last read, or retyped it.
    is_unread = box is not None and (
        box.id not in remote.values or isinstance(remote.values[box.id], str)
    )
    return is_unread or has_lost_box(run, dossier.revision_id)


def _send(
    run: Run,
    writes: Sequence[DossierWrite],
    not_after: datetime,
    numbers: Sequence[DossierNumber],
) -> _Then:
    """Send what is marked, and record its outcomes.

    Raises:
        DSRateLimitedError: nothing was written, also if it is after that instant.
        DSTimeoutError: DS executed nothing; request fewer dossiers.
        DSOutcomeUnknownError: the write was not answered; its wishes stay `incertaine`.
        DSError: nothing was written; the wishes wait.
        InterruptedRunError: nothing was sent; the wishes wait.
    """
    try:
        answers = run.context.client.push(writes, not_after)
    except DSOutcomeUnknownError as exc:
        if exc.finished:
            schedule_read_back(run, writes)
        raise
    except (DSError, InterruptedRunError):
        reset_unsent(run, writes)
        raise
    record_answers(run, writes, answers)
    read_only = next((o.message for o in answers if o.code == Refusal.READ_ONLY), None)
    if read_only is not None:
        # DS would refuse each further batch for the same reason.
        with run.transaction() as tx:
            tx.outbox.refuse_waiting(read_only, numbers)
        return _Then.NONE
    return _Then.SMALLER if any(answer.unknown for answer in answers) else _Then.NEXT


def _postpone(run: Run, due: Sequence[DossierWishes]) -> None:
    why = "DS ne rend pas les annotations de ce dossier pour l’instant"
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, [s for d in due for s in postponed(run, d, why)], run.now)
    run.problem(k.Noted(k.Note.ANNOTATIONS_NOT_RENDERED))


def _simulate(run: Run, outcomes: Sequence[WishOutcome], writes: Sequence[DossierWrite]) -> None:
    """Record what would be sent as confirmed in the dry run's transaction."""
    written = [
        WishOutcome(step.wish.id, WishStatus.CONFIRMEE) for write in writes for step in write.steps
    ]
    with run.transaction() as tx:
        tx.wishes.record_outcomes(run.id, [*outcomes, *written], run.now)
    run.report.pushed_numbers.update(write.number for write in writes)
