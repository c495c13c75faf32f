"""Runs: which one is due, and its execution under the lease, with a report and a journal entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from dsync.domain.run import Kind, Status
from dsync.errors import DsyncError, InterruptedRunError
from dsync.store import SyncState, Tx
from dsync.sync.by_hand import erase
from dsync.sync.config_changes import check_sections, follow_config_changes
from dsync.sync.context import Context, Run
from dsync.sync.evaluate import evaluate_due, precheck
from dsync.sync.leasing import held_lease, renewed
from dsync.sync.pieces import copy_new_pieces, copy_pieces, delete_doomed_pieces
from dsync.sync.pull import pull
from dsync.sync.push import push_due, push_on_request
from dsync.sync.report import RunReport, SyncOptions

log = structlog.get_logger(__name__)

FIRST_PAUSE = timedelta(seconds=15)
"""Minimum time between two runs of which the second one sends what the first one left waiting."""


class Schedule(NamedTuple):
    """When runs are due; what has not succeeded stays due.

    What makes any run a full read, such as a changed mapping, is in `pull`.
    """

    incremental: timedelta
    """Interval between incremental runs."""
    deletions: timedelta
    """Interval between readings of the deletion lists."""
    full_at: time
    """Time of day (UTC) from which the nightly full read is due."""

    def due(
        self, state: SyncState, now: datetime, *, sendable_at: datetime | None = None
    ) -> SyncOptions | None:
        """Return the run that is due, None without one.

        Args:
            state: as stored.
            now: the present instant, in UTC.
            sendable_at: from when on a wish in the outbox can be sent; None: none waits.
        """
        state = state.as_of(now)
        lists = _passed(state.last_deletions_at, self.deletions, now)
        if self._full_is_due(state, now):
            return SyncOptions(full=True, started_by="service")
        at = self._incremental_at(state, sendable_at)
        if lists or at is None or at <= now:
            return SyncOptions(deletions=lists, started_by="service")
        return None

    def next_due_at(
        self, state: SyncState, now: datetime, *, sendable_at: datetime | None = None
    ) -> datetime:
        """Return when the next run is due; `now` if one is due; Args as of `due`."""
        if self.due(state, now, sendable_at=sendable_at):
            return now
        instants = [
            self._incremental_at(state, sendable_at),
            state.last_deletions_at and state.last_deletions_at + self.deletions,
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


def _passed(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or now - last >= every


def sync(context: Context, options: SyncOptions) -> RunReport:
    """Execute a run of any kind; errors are in the report, not raised.

    A dry run works on a scratch copy of the database, which is deleted at the end.

    Args:
        context: the collaborators of the run.
        options: the run's options.
    """
    report = RunReport(options.kind, context.clock(), dry=options.is_dry)
    # Its number stays bound after it, for the lines about its end, or about a crash.
    unbind_contextvars("run")
    try:
        if options.is_dry:
            with context.store.scratch_copy() as scratch:
                _execute(replace(context, store=scratch), options, report)
            # The number exists in the scratch copy only.
            report.run = None
        else:
            _execute(context, options, report)
    except DsyncError as exc:
        report.fail(exc)
    # A run that could not start, such as without the lease, is closed by nobody else.
    if report.ended_at is None:
        report.close(context.clock())
    return report


def _synchronise(run: Run, options: SyncOptions) -> None:
    check_sections(run, accept=options.accept_config)
    pull(run, options)
    evaluate_due(run)
    follow_config_changes(run)
    # Wishes of before wait, too: what is written while rules are stopped is for a person to decide.
    if options.push and run.rules_stopped is None:
        push_due(run, options.dossiers)
    # Only a run that has read all changes makes the copy fresh.
    has_read_all = run.report.status is not Status.FAILED and options.since is None
    if options.kind is not Kind.DOSSIER and has_read_all:
        with run.transaction() as tx:
            tx.state.save(last_success_at=run.now)
    if options.pieces:
        # Last, so that files delay neither verdicts nor pushes.
        copy_new_pieces(run)


_WORK = {
    None: _synchronise,
    Kind.PUSH: push_on_request,
    Kind.PRECHECK: precheck,
    Kind.ERASURE: erase,
    Kind.PIECES: copy_pieces,
}
"""What a run does, by `SyncOptions.work`."""


def _execute(context: Context, options: SyncOptions, report: RunReport) -> None:
    with held_lease(context.store, context.demarche, context.stop, options.wait_s) as lease:
        with context.store.transaction(lease) as tx:
            number = tx.journal.start_run(options.kind.value, options.started_by, report.started_at)
            if options.request is not None:
                # In the transaction that starts the run: of two services that chose one request,
                # the second fails here and leaves no run.
                tx.requests.begin(options.request, number, report.started_at)
        report.run = number
        bind_contextvars(demarche=context.demarche, run=None if options.is_dry else number)
        log.info("run_started", kind=options.kind.value, dry_run=options.is_dry)
        with renewed(context.store, lease):
            _do(Run(context, lease, number, report), options)
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


def _do(run: Run, options: SyncOptions) -> None:
    def work(run: Run) -> None:
        _WORK[options.work](run, options)

    context, report = run.context, run.report
    # The client of a service outlives the run.
    before, failed_before = context.client.requests, context.client.errors.copy()
    # What was erased, in this run or before, is deleted from the target of files, too, whether
    # or not the work succeeded. A dry run would delete from the real target.
    for step in (work,) if options.is_dry else (work, delete_doomed_pieces):
        try:
            step(run)
        except DsyncError as exc:
            report.fail(exc)
            log.warning("run_failed", error=exc.message, exit_code=exc.exit_code)
    report.requests = context.client.requests - before
    report.error_classes.update(context.client.errors - failed_before)
    report.close(context.clock())
    # If the lease was lost, this raises, and the next run marks this one as interrupted.
    with run.transaction() as tx:
        tx.journal.finish_run(run.id, report.columns())
        tx.indicators.save(context.clock(), changed=report.has_news)
        _journal(tx, options, report)


def _journal(tx: Tx, options: SyncOptions, report: RunReport) -> None:
    """Store the result of a run that a person asked for, with who it was.

    A request that a stop interrupted stays open: the next service executes it.
    """
    now = report.ended_at or report.started_at
    result, code = report.to_json(), report.exit_code
    if options.request is not None:
        if code != InterruptedRunError.exit_code:
            tx.requests.finish(
                options.request, options=options.asked(), code=code, result=result, now=now
            )
    elif options.is_manual:
        tx.requests.record(
            options.kind.value,
            options.asked(),
            options.started_by,
            since=report.started_at,
            now=now,
            run=report.run,
            code=code,
            result=result,
        )
