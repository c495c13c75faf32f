"""Runs: which one is due, and its execution under the lease, with a report and a journal entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from dsync.domain.consent import FULL_READ
from dsync.errors import ConfigurationError, DsyncError, InterruptedRunError
from dsync.messages import kinds as k
from dsync.store import SyncState
from dsync.store.codes import Status
from dsync.sync.answering import answer
from dsync.sync.brakes.grounds import check_sections, end_consent, follow_config_changes
from dsync.sync.context import Context, Run
from dsync.sync.erasure import erase
from dsync.sync.evaluate import evaluate_due, precheck
from dsync.sync.leasing import held_lease, renewed, wait_for_lease
from dsync.sync.page_storing import store_told
from dsync.sync.piece_copying import copy_new_pieces, copy_pieces, delete_doomed_pieces
from dsync.sync.pull import pull
from dsync.sync.report import RunReport
from dsync.sync.sending import push_due, push_on_request
from dsync.sync.work import (
    Accept,
    AcceptEvidence,
    AnswerCheck,
    Attempted,
    CopyPieces,
    Erase,
    LiftErasure,
    Overwrite,
    PrecheckAsOf,
    Purge,
    Push,
    Read,
    ReadAll,
    ReadChanges,
    ReadDossiers,
    Request,
    WithdrawAnswer,
    finish,
)

log = structlog.get_logger(__name__)

DELETIONS = timedelta(hours=1)
"""Time from one read of both lists of deleted dossiers to the next."""
FULL_WITHIN = timedelta(hours=2)
"""Time within which the full reads of all démarches begin."""
FIRST_PAUSE = timedelta(seconds=15)
"""Minimum time between two runs of which the second one sends what the first one left waiting."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When runs are due; what has not succeeded stays due.

    What makes any run a full read, such as a changed mapping, is in `pull`.
    """

    incremental: timedelta
    """Interval between incremental runs."""
    full_at: time
    """Time of day (UTC) from which the nightly full read is due."""

    def due(
        self, state: SyncState, now: datetime, *, sendable_at: datetime | None = None
    ) -> ReadAll | ReadChanges | None:
        """Return the read that is due, None without one.

        A wish in the outbox can be sent from `sendable_at` on; None: none waits.
        """
        state = state.as_of(now)
        lists = state.last_deletions_at is None or now - state.last_deletions_at >= DELETIONS
        if self._full_is_due(state, now):
            return ReadAll()
        at = self._incremental_at(state, sendable_at)
        if lists or at is None or at <= now:
            return ReadChanges(deletions=lists)
        return None

    def next_due_at(
        self, state: SyncState, now: datetime, *, sendable_at: datetime | None = None
    ) -> datetime:
        """Return when the next run is due; `now` if one is due; Args as of `due`."""
        if self.due(state, now, sendable_at=sendable_at):
            return now
        instants = [
            self._incremental_at(state, sendable_at),
            state.last_deletions_at and state.last_deletions_at + DELETIONS,
            state.full_due_at,
            _night(now, self.full_at) + timedelta(days=1),
        ]
        return max(now, min(at for at in instants if at is not None))

    def _incremental_at(self, state: SyncState, sendable_at: datetime | None) -> datetime | None:
        """Return when an incremental run is due; None: at once."""
        read, success = state.last_incremental_at, state.last_success_at
        # After its read a run judges and sends: one that failed there is done again.
        if read is None or success is None or success < read:
            return None
        at = read + self.incremental
        if sendable_at is None:
            return at
        # What the last run could not send has waited so long: it waits as long again.
        pause = min(max(success - sendable_at, FIRST_PAUSE), self.incremental)
        return min(at, max(sendable_at, success + pause))

    def _full_is_due(self, state: SyncState, now: datetime) -> bool:
        if state.last_full_at is None or (state.full_due_at and state.full_due_at <= now):
            return True
        # That is the end of the read: one that began before this time of day, and ended after it,
        # is this night's.
        return state.last_full_at < _night(now, self.full_at)


def _night(now: datetime, full_at: time) -> datetime:
    """Return the latest instant at which a nightly full read became due."""
    tonight = datetime.combine(now.date(), full_at, tzinfo=UTC)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def sync(context: Context, request: Request) -> RunReport:
    """Execute a request by a run; errors are in the report, not raised."""
    report = RunReport(request.work.kind, context.clock(), configuration=context.config)
    with _reported(context, report):
        _execute(context, request.work, report, request)
    return report


def attempt(context: Context, work: Attempted, wait_s: float = 0) -> RunReport:
    """Do a dry run, which writes nothing, neither to DS nor to the database.

    It works in a transaction that is rolled back. Errors are in the report, not raised. It waits up
    to `wait_s` seconds for the lease.
    """
    report = RunReport(work.kind, context.clock(), dry=True, configuration=context.config)
    with _reported(context, report):
        # Before the transaction, which on SQLite would keep the other process from its end.
        wait_for_lease(context.store, context.demarche, context.stop, wait_s)
        with context.store.trial() as trial:
            _execute(replace(context, store=trial), work, report)
    # The number was only the transaction's.
    report.run = None
    return report


@contextmanager
def _reported(context: Context, report: RunReport) -> Iterator[None]:
    # Its number stays bound after it, for the lines about its end, or about a crash.
    unbind_contextvars("run")
    try:
        yield
    except DsyncError as exc:
        report.fail(exc)
    # A run that could not start, such as without the lease, is closed by nobody else.
    if report.ended_at is None:
        report.close(context.clock())


def _work(run: Run, work: Attempted, *, copies_pieces: bool) -> None:
    match work:
        case ReadChanges() | ReadAll() | ReadDossiers():
            _synchronise(run, work, copies_pieces=copies_pieces)
        case Push() | Overwrite():
            push_on_request(run, work)
        case AcceptEvidence():
            evaluate_due(run, accept_evidence=True)
        case Accept():
            _give(run, work)
            then = ReadAll() if work.genre in FULL_READ else ReadChanges()
            _synchronise(run, then, copies_pieces=copies_pieces)
        case Erase() | LiftErasure() | Purge():
            erase(run, work)
        case CopyPieces():
            copy_pieces(run, work.dossiers)
        case AnswerCheck() | WithdrawAnswer():
            answer(run, work)
        case PrecheckAsOf():
            precheck(run, work.judging, work.as_of)
        case _:
            precheck(run, work)


def _give(run: Run, work: Accept) -> None:
    """Record a person's consent to what they were shown.

    Raises:
        ConfigurationError: something else waits by now, or nothing; nothing is stored.
    """
    with run.transaction() as tx:
        if not tx.consents.give(work.genre, work.accord, run.asked_by, run.now):
            raise ConfigurationError(k.ConsentGone(work.genre.word))


def _synchronise(run: Run, work: Read, *, copies_pieces: bool) -> None:
    check_sections(run)
    if isinstance(work, ReadDossiers) and (work.sent or work.aside):
        store_told(run, work)
    pull(run, work)
    evaluate_due(run)
    follow_config_changes(run)
    end_consent(run)
    # Wishes of before wait, too: what is written while rules are stopped is for a person to decide.
    if work.push and not run.rules_stopped:
        push_due(run, work.dossiers if isinstance(work, ReadDossiers) else ())
    # Only a run that has read all changes makes the copy fresh.
    is_whole = isinstance(work, ReadAll) or (isinstance(work, ReadChanges) and work.since is None)
    if is_whole and run.report.status is not Status.FAILED:
        with run.transaction() as tx:
            tx.state.save(last_success_at=run.now)
    if copies_pieces:
        # Last, so that files delay neither verdicts nor pushes.
        copy_new_pieces(run)


def _execute(
    context: Context, work: Attempted, report: RunReport, request: Request | None = None
) -> None:
    asked_by, wait_s = (request.asked_by, request.wait_s) if request else ("cli", 0)
    with held_lease(context.store, context.demarche, context.stop, wait_s) as lease:
        with context.store.transaction(lease) as tx:
            number = tx.journal.start_run(work.kind.value, asked_by, report.started_at)
            if request is not None and request.rows:
                # In the transaction that starts the run: of two services that chose one request,
                # the second fails here and leaves no run.
                tx.requests.begin(request.rows, number, report.started_at)
        report.run = number
        bind_contextvars(demarche=context.demarche, run=None if report.dry else number)
        log.info(
            "run_started",
            kind=work.kind.value,
            dry_run=report.dry,
            configuration=context.config,
        )
        with renewed(context.store, lease):
            _do(Run(context, lease, number, report, asked_by), work, request)
    log.info(
        "run_finished",
        status=report.status.value,
        read=report.read,
        changed=report.changed,
        evaluated=report.evaluated,
        pushed=report.pushed,
        conflicts=report.conflicts,
        adopted=report.adopted,
        requests=report.requests,
    )


def _do(run: Run, work: Attempted, request: Request | None) -> None:
    context, report = run.context, run.report
    # The client of a service outlives the run.
    before, failed_before = context.client.requests, context.client.errors.copy()
    do = partial(_work, work=work, copies_pieces=request is not None and request.copies_pieces)
    # What was erased, in this run or before, is deleted from the target of files, too, whether
    # or not the work succeeded. A dry run would delete from the real target.
    for step in (do,) if report.dry else (do, delete_doomed_pieces):
        try:
            step(run)
        except DsyncError as exc:
            report.fail(exc)
            log.warning("run_failed", error=exc.message, exit_code=exc.exit_code)
    report.requests = context.client.requests - before
    report.error_classes.update(context.client.errors - failed_before)
    report.close(context.clock())
    # If the lease was lost, this raises, and the next run marks this one as interrupted.
    unknown = k.Numbered(k.NumberNote.NO_SUCH_DEMARCHE, context.demarche)
    with run.transaction() as tx:
        is_of_command = request is not None and not request.copies_pieces
        if is_of_command and unknown in report.said and tx.demarche.read() is None:
            # A mistyped number is no démarche that the database has. A service has to tell of it.
            tx.deletions.forget_demarche()
            report.run = None
            return
        tx.journal.finish_run(run.id, report.columns())
        tx.state.save_figures(context.clock(), changed=report.has_news)
        is_interrupted = report.exit_code == InterruptedRunError.exit_code
        # One in the queue that a stop interrupted stays open: the next service executes it.
        if request is not None and not (request.id is not None and is_interrupted):
            finish(tx.requests, request, report)
