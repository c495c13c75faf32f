"""Read the démarche's dossiers into the store, page by page, missing none.

Each page is stored in one transaction with the watermark that it allows. The watermark comes
from DS's own dates; a dossier edited while the crawl runs shows a date later than its place in
the order, so only dates older than the crawl's first answer count.

A full read also shows what has vanished. Each such dossier is asked for by its number before it is
believed gone; a démarche that suddenly shows far fewer dossiers trips the safety brake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from dsync.domain.ids import DossierNumber, RevisionId
from dsync.ds import DeletedPage, ListRequest, PageReader
from dsync.errors import (
    ConfigurationError,
    DSContractError,
    DSNotFoundError,
    DSUnauthorizedError,
    SafetyBrakeError,
)
from dsync.store import SyncState, Tx
from dsync.sync.context import Run, batches
from dsync.sync.pages import (
    EPOCH,
    Crawl,
    refresh_demarche,
    store_alone,
    store_page,
)
from dsync.sync.prefetch import prefetched
from dsync.sync.report import SyncOptions

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=16)
"""Deletions are back-dated by up to some two weeks (source: api-notes on `deletedDossiers`)."""
RESUME_WITHIN = timedelta(days=1)
CLOCK_TOLERANCE = timedelta(minutes=1)
REBASE_PAUSE = timedelta(minutes=2)
"""The shortest pause before dossiers that DS has not rebased yet are read again."""
REBASE_WITHIN = timedelta(days=1)


def pull(run: Run, options: SyncOptions) -> None:
    """Do the reading that `options` order.

    Raises:
        DsyncError: when the run cannot go on; every page before is stored.
    """
    if options.dossiers:
        _pull_dossiers(run, options.dossiers)
        return
    with run.transaction() as tx:
        state = tx.state().as_of(run.now)
    try:
        _pull_demarche(run, options, state)
    except DSNotFoundError as exc:
        raise ConfigurationError(
            f"DS has no démarche {run.context.demarche}: correct DSYNC_DEMARCHE, or [demarche] "
            "number in the configuration file."
        ) from exc


def _pull_demarche(run: Run, options: SyncOptions, state: SyncState) -> None:
    if options.since is not None:
        crawl = Crawl(options.since, None, full=False, moves_watermark=False)
        _crawl(run, options, state, crawl)
        return
    full = (
        options.full
        or state.watermark is None
        or _is_due(state.full_due_at, run.now)
        # Another mapping reads the same dossiers otherwise.
        or state.mapping_key != run.context.mapping_key
    )
    if not full:
        crawl = _incremental(run, state)
        _crawl(run, options, state, crawl)
        full = _is_ahead(run, state, crawl)
    if full:
        crawl = _read_all(run, options, state)
    if crawl.revision_id and crawl.revision_id != state.last_revision_id:
        # A full read that went on from another day's cursor has not seen what lies before it.
        is_whole = full and crawl.after is None
        _follow_revision(run, options, state, crawl.revision_id, read_again=not is_whole)


def _read_all(run: Run, options: SyncOptions, state: SyncState) -> Crawl:
    """Do a full read, or go on with one that was broken off, and settle what it did not show."""
    options = replace(options, full=True)
    if not run.demarche_is_fresh:
        refresh_demarche(run)
    crawl = _full(run, state)
    try:
        _crawl(run, options, state, crawl)
    except DSContractError as exc:
        if crawl.after is None or exc.details.get("fault") != "invalid_cursor":
            raise
        log.warning("cursor_refused", run=run.id)
        crawl = _full(run, replace(state, full_cursor=None))
        _crawl(run, options, state, crawl)
    handle_disappearances(run, accept=options.accept_deletions)
    with run.transaction() as tx:
        tx.save_state(
            mapping_key=run.context.mapping_key,
            full_due_at=_rebase_due_at(run, tx, crawl),
        )
        if crawl.server_time and crawl.is_ordered:
            tx.reset_watermark(crawl.server_time)
    run.has_read_all = True
    return crawl


def _incremental(run: Run, state: SyncState) -> Crawl:
    since = (state.watermark or EPOCH) - run.context.policy.overlap
    return Crawl(since, None, full=False, moves_watermark=True)


def _full(run: Run, state: SyncState) -> Crawl:
    started = state.full_started_at
    if state.full_cursor and started and run.now - started < RESUME_WITHIN:
        return Crawl(EPOCH, state.full_cursor, full=True, moves_watermark=True)
    with run.transaction() as tx:
        tx.save_state(full_cursor=None, full_started_run=run.id, full_started_at=run.now)
    return Crawl(EPOCH, None, full=True, moves_watermark=True)


def _is_ahead(run: Run, state: SyncState, crawl: Crawl) -> bool:
    """Return whether the watermark is after DS's present: only a full read can correct that."""
    if not (state.watermark and crawl.server_time):
        return False
    if state.watermark <= crawl.server_time + CLOCK_TOLERANCE:
        return False
    run.report.problem(
        "The watermark was ahead of DS's clock, so changes may have been passed over: all "
        "dossiers were read again and the watermark is set back. Nothing to do."
    )
    return True


def _crawl(run: Run, options: SyncOptions, state: SyncState, crawl: Crawl) -> None:
    """Read page after page to the end; `crawl` tells afterwards what was seen."""
    lists = _deletion_lists(options, state, full=crawl.full)
    expected = _expected(run, crawl)
    reader = PageReader(
        run.context.client,
        run.context.demarche,
        updated_since=crawl.since,
        after=crawl.after,
        page_size=state.page_size,
        page_size_at=state.page_size_at,
        clock=run.context.clock,
        pending=lists,
        deleted=lists,
    )
    with prefetched(reader, run.context.stop) as pages:
        for page in pages:
            crawl.server_time = crawl.server_time or page.server_date or run.now
            crawl.is_ordered = crawl.is_ordered and not page.out_of_order
            crawl.revision_id = page.active_revision_id or crawl.revision_id
            if lists and (page.pending or page.deleted):
                _store_deletions(run, page.pending, page.deleted)
            store_page(run, crawl, page, reader.page_size, reader.page_size_at)
            read = run.report.read
            run.context.progress.pulled(read, expected if read <= expected else None)
    _finish_crawl(run, crawl, lists)


def _expected(run: Run, crawl: Crawl) -> int:
    """Return how many dossiers the copy lets expect; DS tells no total. 0: nobody knows."""
    if not crawl.full or crawl.after is not None:
        return 0
    with run.transaction() as tx:
        return tx.present_count()


def _deletion_lists(options: SyncOptions, state: SyncState, *, full: bool) -> ListRequest | None:
    """A full read needs the whole lists: they tell what is gone from what is merely hidden."""
    if not options.deletions and not full:
        return None
    if full or state.last_deletions_at is None:
        return ListRequest(since=None, after=None)
    return ListRequest(since=state.last_deletions_at - LOOK_BACK, after=None)


def _finish_crawl(run: Run, crawl: Crawl, lists: ListRequest | None) -> None:
    changes: dict[str, object] = {}
    if lists:
        changes["last_deletions_at"] = crawl.server_time or run.now
    if crawl.moves_watermark and crawl.is_ordered:
        changes["watermark"] = crawl.server_time
        changes["last_incremental_at"] = run.now
    if not crawl.is_ordered:
        run.report.problem(
            "DS served a page that goes back in time; the watermark stays where it was and the "
            "next run reads again from there. If it lasts, tell DS's support."
        )
    with run.transaction() as tx:
        tx.save_state(**changes)


def _store_deletions(run: Run, pending: DeletedPage | None, deleted: DeletedPage | None) -> None:
    """Store both lists to their ends, before the page that came with them: a page is newer.

    Raises:
        DSContractError: they would never end.
    """
    asked: set[tuple[ListRequest | None, ListRequest | None]] = set()
    while pending or deleted:
        with run.transaction() as tx:
            count = tx.apply_deletions(
                run.id,
                pending.nodes if pending else (),
                deleted.nodes if deleted else (),
                now=run.now,
            )
        run.report.deleted += count
        if any(one and one.unreadable for one in (pending, deleted)):
            run.report.problem(
                "DS's lists of deletions have entries that cannot be read: what became of these "
                "dossiers is not known before they vanish from a full read. Tell DS's support."
            )
        run.context.check_stop()
        more_pending = pending.next_request if pending else None
        more_deleted = deleted.next_request if deleted else None
        if not more_pending and not more_deleted:
            return
        if (more_pending, more_deleted) in asked:
            raise DSContractError(
                "DS's lists of deletions do not go on: their cursors repeat. Tell DS's support."
            )
        asked.add((more_pending, more_deleted))
        pending, deleted = run.context.client.deletions(
            run.context.demarche, pending=more_pending, deleted=more_deleted
        )


def _pull_dossiers(run: Run, numbers: Sequence[DossierNumber]) -> None:
    for number in numbers:
        run.context.check_stop()
        try:
            page = run.context.client.dossier(number, run.context.demarche)
        except (DSNotFoundError, DSUnauthorizedError) as exc:
            if isinstance(exc, DSUnauthorizedError) and exc.reason != "scope":
                raise
            run.report.problem(
                f"Dossier {number}: DS does not show it (hidden, erased, another démarche's, or "
                "no such number). Look it up on DS."
            )
            continue
        store_alone(run, page)


def _follow_revision(
    run: Run, options: SyncOptions, state: SyncState, revision_id: RevisionId, *, read_again: bool
) -> None:
    """A new revision renames, adds and removes champs without moving any date: read all again.

    What is due is noted with the revision, so that a process killed in between leaves it due.
    """
    if not run.demarche_is_fresh:
        refresh_demarche(run)
    if state.last_revision_id is not None:
        log.info("revision_changed", demarche=run.context.demarche, run=run.id)
    if state.last_revision_id is not None and read_again:
        with run.transaction() as tx:
            tx.save_state(last_revision_id=revision_id, full_due_at=run.now)
            state = tx.state()
        _read_all(run, options, state)
    with run.transaction() as tx:
        tx.save_state(last_revision_id=revision_id)


def _rebase_due_at(run: Run, tx: Tx, crawl: Crawl) -> datetime | None:
    """Return when to read all again for the open dossiers that do not follow the active revision.

    DS moves them to it some time after its publication, 30 s or much longer, and no date of
    theirs moves. The pauses grow with the time since the publication, which doubles each time;
    what DS has not moved within a day is left to the nightly full reads.

    Args:
        run: the run.
        tx: the transaction in which the full read is closed.
        crawl: the full read, which tells the active revision and DS's time.
    """
    revision = run.revisions.get(crawl.revision_id) if crawl.revision_id else None
    if revision is None or revision.date_publication is None or not tx.open_behind(revision.id):
        return None
    elapsed = (crawl.server_time or run.now) - revision.date_publication
    return None if elapsed > REBASE_WITHIN else run.now + max(REBASE_PAUSE, elapsed)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


ASK_AT_ONCE = 50


def handle_disappearances(run: Run, *, accept: bool) -> None:
    """Mark what has vanished and close the full read.

    Raises:
        SafetyBrakeError: when too many have; none of them is marked.
    """
    with run.transaction() as tx:
        state = tx.state()
        began = state.full_started_run or run.id
        unseen, unlisted = tx.unseen(began), tx.unlisted(began)
        present = tx.present_count()
    limit = _limit(run, present)
    if len(unseen) > limit and not accept:
        _close(run)
        raise SafetyBrakeError(
            f"Safety brake: {len(unseen)} of {present} dossiers are no longer shown by DS nor "
            f"listed as deleted (at most {limit} are believed). None was marked. Look at the "
            "démarche and the token's scope, then confirm with "
            "`dsync sync --full --accept-deletions`."
        )
    # Hidden ones that no list shows any more have been restored, then expired: no mass of them
    # would empty the copy.
    vanished = _ask_again(run, [*unseen, *unlisted])
    with run.transaction() as tx:
        # By batches: a statement takes 32,766 parameters on SQLite, 65,535 on PostgreSQL.
        run.report.deleted += sum(
            tx.mark_vanished(run.id, chunk, run.now) for chunk in batches(run.context, vanished)
        )
    if state.full_started_at is not None:
        _release_gone(run, state.full_started_at)
    _close(run)


def _limit(run: Run, present: int) -> int:
    policy = run.context.policy
    return max(policy.disappearances, int(present * policy.disappearances_percent / 100))


def _ask_again(run: Run, unseen: Sequence[DossierNumber]) -> list[DossierNumber]:
    """Return those that DS does not have; read and store the others, remove foreign ones."""
    ours = run.context.demarche
    vanished: list[DossierNumber] = []
    for chunk in batches(run.context, unseen, ASK_AT_ONCE):
        found = run.context.client.demarches_of(chunk)
        foreign = [number for number in chunk if found.get(number) not in (None, ours)]
        if foreign:
            log.warning("dossiers_of_another_demarche_removed", count=len(foreign), run=run.id)
            with run.transaction() as tx:
                run.report.deleted += tx.remove(foreign)
        for number in chunk:
            if number in foreign:
                continue
            if found.get(number, ours) is None:
                vanished.append(number)
                continue
            try:
                store_alone(run, run.context.client.dossier(number, ours))
            except DSNotFoundError:
                vanished.append(number)
    return vanished


def _release_gone(run: Run, started_at: datetime) -> None:
    """Let out of quarantine who was not met again because DS has them no more."""
    with run.transaction() as tx:
        kept = [q.numero for q in tx.quarantined() if q.dernier_essai_le < started_at]
    numbers = [DossierNumber(numero) for numero in kept]
    ours = run.context.demarche
    found = run.context.client.demarches_of(numbers) if numbers else {}
    gone = [number for number in numbers if found.get(number, ours) != ours]
    with run.transaction() as tx:
        tx.release(run.id, gone, run.now)


def _close(run: Run) -> None:
    with run.transaction() as tx:
        tx.save_state(
            last_full_at=run.now,
            full_cursor=None,
            full_started_run=None,
            full_started_at=None,
            full_due_at=None,
        )
