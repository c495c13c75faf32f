"""Copies the démarche's dossiers into the store, page by page.

Each page is stored in one transaction with the watermark that it covers. The watermark comes from
DS's own dates. A dossier edited during the read has a date later than its position in the list,
so only dates before the first answer count.

After a full read, `reconcile` requests the dossiers that it did not return by their numbers, before
they are marked as disappeared. If too many are missing, a safety brake stops the run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from dsync.domain.consent import GONE, IN_DS, Consent, Move, Proposal
from dsync.domain.dossier import Anomaly, Presence
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.ds.client import DOSSIERS_PER_REQUEST
from dsync.ds.crawl import (
    MAX_PAGE_SIZE,
    NO_PROGRESS,
    ListProgress,
    PageReader,
    PageSize,
    read_lists,
)
from dsync.ds.results import DeletedPage, ListRequest
from dsync.errors import (
    ConfigurationError,
    DamagedJsonError,
    DSBadDataError,
    DSContractError,
    DSNotFoundError,
    DSTimeoutError,
    SafetyBrakeError,
)
from dsync.messages import kinds as k
from dsync.store import SyncState, Tx
from dsync.store.requests import WEBHOOK
from dsync.sync.brakes.belief import begin, settle
from dsync.sync.brakes.doubts import Doubts
from dsync.sync.context import (
    OVERLAP,
    Run,
    is_accepted,
    learn_revisions,
    most_of,
    nothing_to_accept,
    refresh_demarche,
)
from dsync.sync.evaluate import evaluate_page, page_judge
from dsync.sync.page_storing import (
    EPOCH,
    Crawl,
    store_by_number,
    store_page,
)
from dsync.sync.prefetch import prefetched
from dsync.sync.work import Read, ReadAll, ReadChanges, ReadDossiers

log = structlog.get_logger(__name__)

LISTS = {
    "pending": "hidden dossiers (pendingDeletedDossiers)",
    "deleted": "erased dossiers (deletedDossiers)",
}
"""DS's lists of deletions, by their names in the sync state."""
FEW = 1_000
"""Most dossiers of a démarche whose hidden ones are asked for in each run: for that list, DS goes
through all of its dossiers."""
LOOK_BACK = timedelta(days=16)
"""How far before the last reading the deletion lists are requested: DS dates an entry by the day
on which the dossier was hidden, and adds it to `deletedDossiers` up to two weeks later."""
EXPIRED_WITHIN = timedelta(days=3)
"""How long after their expiry dossiers are asked for: DS hides them on that day, or soon after."""
MOST_EXPIRED = 100
"""Maximum number of expired dossiers asked for in a run; takes two requests."""
POISONED_AGAIN = timedelta(hours=1)
"""How long an incremental read skips a dossier after DS could not render it."""
RESUME_WITHIN = timedelta(days=1)
"""How long the cursor of an interrupted full read is used; an older one restarts the read."""
AHEAD_TOLERANCE = timedelta(minutes=1)
"""How far the watermark may be ahead of DS's clock before it is taken for wrong."""
REBASE_PAUSE = timedelta(minutes=2)
"""Minimum delay before dossiers that DS has not moved to the active revision are read again."""
DATE_STEP_S = 1.0
"""How exact DS's dates are."""
MANY_WRITTEN = 50
"""Number of dossiers that were written into and are met again, from which glances are read before
pages: one page is as fast as a page of glances with the request that follows it."""
REBASE_WITHIN = timedelta(days=1)
"""Time after a revision's publication from which only the nightly full reads look for them."""


def pull(run: Run, work: Read) -> None:
    """Read the dossiers that are asked for.

    Raises:
        ConfigurationError: DS has no démarche of this number.
        SafetyBrakeError: too many dossiers are missing from a full read; none is marked.
        DsyncError: the run cannot continue; the pages read so far are stored.
    """
    state = begin(run).as_of(run.now)
    if isinstance(work, ReadDossiers):
        _pull_dossiers(run, work.dossiers)
        settle(run, store_by_number, is_whole=False)
        return
    try:
        is_whole = _pull_demarche(run, work, state)
        settle(run, store_by_number, is_whole=is_whole)
    except DSNotFoundError as exc:
        raise ConfigurationError(
            k.Numbered(k.NumberNote.NO_SUCH_DEMARCHE, run.context.demarche)
        ) from exc


def _pull_demarche(run: Run, work: ReadChanges | ReadAll, state: SyncState) -> bool:
    """Read the démarche's dossiers; return whether this run has read all of them."""
    # A full read reads the lists of deletions, whatever was asked for.
    whole = isinstance(work, ReadAll) or work.deletions
    lists = LISTS if whole else _cheap_lists(run, state)
    accept = isinstance(work, ReadAll) and work.accept_deletions
    if isinstance(work, ReadChanges) and work.since is not None:
        crawl = Crawl(work.since, None, full=False, advances_watermark=False)
        _read_pages(run, state, crawl, lists=lists)
        return False
    full = (
        isinstance(work, ReadAll)
        or state.watermark is None
        or _is_due(state.full_due_at, run.now)
        # Another mapping gives other rows for unchanged dossiers.
        or state.mapping_key != run.context.mapping_key
    )
    if not full:
        crawl = _incremental(state)
        _pass_known(run, crawl)
        _read_pages(run, state, crawl, lists=lists)
        # DS's clock is known from an answer only, so the incremental read comes first.
        full = _is_ahead(run, state, crawl)
        if whole and not full:
            _follow_expired(run)
    if full:
        crawl = _read_all(run, state, accept=accept)
    if crawl.revision_id and crawl.revision_id != state.last_revision_id:
        # A resumed full read has not read the dossiers before its cursor.
        is_complete = full and crawl.after is None
        again = _follow_revision(
            run, state, crawl.revision_id, read_again=not is_complete, accept=accept
        )
        crawl, full = again or crawl, full or again is not None
    return full and crawl.after is None


def _cheap_lists(run: Run, state: SyncState) -> list[str]:
    """Return the lists of deletions that any run asks for, in the request of its first page.

    One that has just failed is left to the hourly reading of both.
    """
    with run.reading() as reader:
        is_small = not reader.dossiers.has_more_than(FEW)
    last, names = state.last_deletions_at, LISTS if is_small else ["deleted"]
    return [name for name in names if last and (at := state.read_at(name)) and at >= last]


def _follow_expired(run: Run) -> None:
    """Mark the dossiers that DS has hidden because they expired: it lists them nowhere.

    They are asked for by their numbers for some days after their date of expiry; the others are
    found by the next full read.
    """
    with run.reading() as reader:
        numbers = reader.deletions.expired(run.now - EXPIRED_WITHIN, run.now, MOST_EXPIRED)
    _mark_gone(run, numbers)


def _mark_gone(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Mark those of some present dossiers that DS does not show."""
    if not numbers:
        return
    with run.reading() as reader:
        limit = _limit(run, reader.dossiers.present_count())
    found = run.context.client.demarches_of(numbers, run.demarche)
    gone = [number for number in numbers if found.get(number, run.demarche) is None]
    # More are left to the full read, and to its safety brake.
    if 0 < len(gone) <= limit:
        with run.transaction() as tx:
            run.report.deleted += tx.deletions.mark_disappeared(run.id, gone, run.now)


def _read_all(run: Run, state: SyncState, *, accept: bool) -> Crawl:
    """Do a full read, or resume an interrupted one; then reconcile the copy with it."""
    # Labels, groupes and instructeurs change without moving any dossier's date.
    if not run.demarche_is_fresh:
        refresh_demarche(run)
    crawl = _full(run, state)
    try:
        _read_pages(run, state, crawl, accept=accept)
    except DSContractError as exc:
        if exc.details.get("fault") == NO_PROGRESS:
            # The cursor leads into the same circle.
            with run.transaction() as tx:
                tx.state.save(full_cursor=None)
        # A stored cursor that DS accepts no more costs a read from the start.
        if crawl.after is None or exc.details.get("fault") != "invalid_cursor":
            raise
        log.warning("cursor_refused")
        crawl = _full(run, replace(state, full_cursor=None))
        _read_pages(run, state, crawl, accept=accept)
    if crawl.revision_id:
        # One that was published during the read is not known yet.
        learn_revisions(run, {crawl.revision_id})
    reconcile(run, crawl, accept=accept)
    run.has_read_all = True
    return crawl


def _incremental(state: SyncState) -> Crawl:
    since = (state.watermark or EPOCH) - OVERLAP
    return Crawl(since, None, full=False, advances_watermark=True)


def _full(run: Run, state: SyncState) -> Crawl:
    started, key = state.full_started_at, run.context.mapping_key
    is_recent = started is not None and run.now - started < RESUME_WITHIN
    # The pages before the cursor have the rows of the mapping with which they were stored.
    if state.full_cursor and is_recent and state.full_mapping_key == key:
        return Crawl(EPOCH, state.full_cursor, full=True, advances_watermark=True)
    with run.transaction() as tx:
        # The run's number stays over resumes: a dossier that no run since then has seen is missing.
        tx.state.save(
            full_cursor=None,
            full_started_run=run.id,
            full_started_at=run.now,
            full_mapping_key=key,
        )
    return Crawl(EPOCH, None, full=True, advances_watermark=True)


def _pass_known(run: Run, crawl: Crawl) -> None:
    """Move an incremental read past the dossiers that are in the copy as a push has left them.

    If the overlap has many of them, they are compared by what glances show, and only those that
    differ are requested, by their numbers, with the other ones. The pages begin behind them.
    """
    with run.reading() as reader:
        if reader.journal.written_since(crawl.since) < MANY_WRITTEN:
            return
        quarantined = {one.numero for one in reader.quarantine.entries()}
    client, number = run.context.client, run.demarche
    differ: list[DossierNumber] = []
    places: set[str | None] = {None}
    # The pages isolate what DS cannot render, and repair what is damaged in the copy.
    with suppress(DSTimeoutError, DSBadDataError, DamagedJsonError):
        while True:
            run.context.check_stop()
            page = client.read_glance_page(
                number, first=MAX_PAGE_SIZE, after=crawl.after, updated_since=crawl.since
            )
            # Of the answer before all pages: what changes later is left to the next read.
            crawl.server_time = crawl.server_time or page.server_date or run.now
            glances = [one for one in page.glances if one and one.number not in quarantined]
            with run.reading() as reader:
                known = reader.dossiers.glances([one.number for one in glances])
            changed = [one.number for one in glances if one != known.get(one.number)]
            # Where most are new, a page is the smaller request; it also has what cannot be read.
            if len(glances) < len(page.glances) or len(changed) > DOSSIERS_PER_REQUEST:
                break
            differ += changed
            # Null on an empty page. A cursor that repeats is left to the pages, which refuse it.
            if page.end_cursor is None or page.end_cursor in places:
                break
            crawl.after = page.end_cursor
            places.add(crawl.after)
            if not page.has_next:
                break
    # One that changes while it waits moves behind the cursor.
    # Those that DS does not show were hidden since: the lists of deletions have them.
    store_by_number(run, list(dict.fromkeys(differ)), again=False)


def read_back(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Read dossiers again in which a push has written or met a value, so that the copy shows it.

    What DS does not return now is left to the next read, for which it has a new date; what is in
    quarantine, to its next attempt.
    """
    with run.reading() as reader:
        unread = reader.quarantine.unread()
        written = reader.journal.written_since(_incremental(reader.state.read()).since)
    # What the next read will count, this run included.
    if written + len(numbers) >= MANY_WRITTEN:
        # DS's dates are whole seconds: an edit in the second of a write shows by no later date, and
        # a glance by nothing else. What is read once that second is over has it.
        run.context.stop.wait(DATE_STEP_S)
    # The pages of this run have settled what they showed. Its dossiers are not counted twice.
    run.doubts, read = Doubts(), run.report.read
    begin(run)
    with suppress(DSTimeoutError, DSBadDataError):
        store_by_number(run, [one for one in numbers if one not in unread])
    settle(run, store_by_number, is_whole=False)
    run.report.read = read


def _is_ahead(run: Run, state: SyncState, crawl: Crawl) -> bool:
    """Return whether the watermark is after DS's present: only a full read can correct that."""
    if not (state.watermark and crawl.server_time):
        return False
    if state.watermark <= crawl.server_time + AHEAD_TOLERANCE:
        return False
    run.problem(k.Noted(k.Note.WATERMARK_AHEAD))
    return True


def _read_pages(
    run: Run,
    state: SyncState,
    crawl: Crawl,
    *,
    lists: Collection[str] = LISTS,
    accept: bool = False,
) -> None:
    """Read and store the pages to the end; update `crawl` with what was seen.

    `lists`: the lists of deletions to read; `accept`: whether a mass deletion is accepted.
    """
    requests = _deletion_lists(state, lists, full=crawl.full)
    with run.reading() as reading:
        # By the copy; 0: unknown. DS gives no total.
        expected = reading.dossiers.present_count() if crawl.full and not crawl.after else 0
        # A full read requests each of them again, and any read what DS renders in part.
        poisoned = {
            one.numero: crawl.full
            or one.code == Anomaly.INCOMPLET
            or run.now - one.dernier_essai_le >= POISONED_AGAIN
            for one in reading.quarantine.entries()
            if one.code in (Anomaly.BAD_DATA, Anomaly.TIMEOUT, Anomaly.INCOMPLET)
        }
    is_first = state.watermark is None
    reader = PageReader(
        run.context.client,
        run.context.demarche,
        size=PageSize(state.page_size, MAX_PAGE_SIZE, state.page_size_at, run.context.clock),
        updated_since=crawl.since,
        after=crawl.after,
        lists=requests,
        poisoned=poisoned,
    )
    with prefetched(reader.requested(), run.context.stop) as pages:
        # Read here, so that the request for the next page does not wait for it.
        for page in map(reader.read, pages):
            # The first answer's time: what changes later is left to the next read.
            crawl.server_time = crawl.server_time or page.server_date or run.now
            crawl.is_ordered = crawl.is_ordered and not page.out_of_order
            crawl.revision_id = page.active_revision_id or crawl.revision_id
            # With the first page come the lists' first pages; the next ones are requested here.
            if page.pending or page.deleted:
                _store_deletions(run, crawl, page.pending, page.deleted)
            size = (reader.page_size, reader.page_size_at)
            evaluate_page(run, store_page(run, crawl, page, *size, judging=page_judge))
            if is_first:
                # The shares of values in one page are those of all of them.
                run.context.store.analyze()
                is_first = False
            read = run.report.read
            # New dossiers can exceed the number in the copy; a total below the count is not shown.
            run.context.progress.pulled(read, expected if read <= expected else None)
    crawl.failed_lists |= reader.failed_lists
    _finish_crawl(run, crawl, state, asked=lists, accept=accept)


def _deletion_lists(
    state: SyncState, names: Collection[str] = LISTS, *, full: bool
) -> dict[str, ListRequest]:
    """Return where deletion lists are read from, each from its last good reading.

    A full read takes the complete lists, to tell deleted dossiers from disappeared ones.
    """

    def since(last: datetime | None) -> datetime | None:
        if full or last is None:
            return None
        # The watermark is of DS's clock: no clock of a machine that was ahead skips an entry.
        return min(last, state.watermark or last) - LOOK_BACK

    return {name: ListRequest(since(state.read_at(name)), None) for name in names}


def _finish_crawl(
    run: Run, crawl: Crawl, state: SyncState, *, asked: Collection[str], accept: bool
) -> None:
    """Store what the crawl has read; `asked`: the lists of deletions that were read."""
    changes: dict[str, object] = {}
    changes |= {f"last_{name}_at": run.now for name in asked if name not in crawl.failed_lists}
    if "pending" in asked:
        # Of this machine's clock, by which they are due again: with DS's, those of a machine whose
        # clock differs would be due at each check of the service.
        changes["last_deletions_at"] = run.now
    for name in sorted(crawl.failed_lists):
        run.problem(k.ListFails(LISTS[name], state.read_at(name), run.demarche))
    if crawl.advances_watermark and crawl.is_ordered:
        # All that changed before DS's first answer is stored, so the watermark moves up to it even
        # if no dossier has so late a date.
        changes["watermark"] = crawl.server_time
        changes["last_incremental_at"] = run.now
    if not crawl.is_ordered:
        run.problem(k.Noted(k.Note.OUT_OF_ORDER))
    with run.transaction() as tx:
        if asked and _is_mass_deletion_over(run, tx, accept=accept):
            changes |= {f"mass_deletion_{name}": None for name in ("run", "count", "of")}
        tx.state.save(**changes)


def _is_mass_deletion_over(run: Run, tx: Tx, *, accept: bool) -> bool:
    """Return whether a mass deletion was accepted, or most of its dossiers are back."""
    state = tx.state.read()
    at, limit = state.mass_deletion_run, _limit(run, state.mass_deletion_of or 0)
    return at is not None and (accept or tx.deletions.still_gone(at) <= limit)


def _store_deletions(
    run: Run, crawl: Crawl, pending: DeletedPage | None, deleted: DeletedPage | None
) -> None:
    """Read both deletion lists from their first pages to their ends, and store them.

    This precedes the page of the same answer, because a dossier in the page is newer information:
    it can have been restored. The crawl receives the lists that fail, or do not end.
    """
    progress = {name: ListProgress() for name in LISTS}
    asked: set[tuple[str, ListRequest]] = set()
    gone = present = 0
    while pending or deleted:
        hidden, erased = (page.nodes if page else () for page in (pending, deleted))
        if hidden or erased:
            with run.transaction() as tx:
                present = present or tx.dossiers.present_count()
                count = tx.deletions.apply(run.id, hidden, erased, now=run.now)
                gone += count
                if gone > _limit(run, present):
                    # Followed all the same: these are DS's own words. A person is told of it.
                    tx.state.save(
                        mass_deletion_run=run.id, mass_deletion_count=gone, mass_deletion_of=present
                    )
            run.report.deleted += count
        if any(one and one.unreadable for one in (pending, deleted)):
            run.problem(k.Noted(k.Note.UNREADABLE_DELETIONS))
        run.context.check_stop()
        more = {
            name: page.next_request
            for name, page in zip(LISTS, (pending, deleted), strict=True)
            if page and page.next_request
        }
        for name, page in zip(LISTS, (pending, deleted), strict=True):
            if page is None:
                continue
            entries = [(node.number, node.date_suppression) for node in page.nodes]
            try:
                progress[name].add([*entries, *[(None, None)] * page.unreadable])
            except DSContractError as exc:
                log.warning("list_of_deletions_failed", list=name, error=exc.message)
                crawl.failed_lists |= {name}
        # Its cursors repeat: reading would not end.
        crawl.failed_lists |= {name for name, request in more.items() if (name, request) in asked}
        more = {name: one for name, one in more.items() if name not in crawl.failed_lists}
        if not more:
            return
        asked.update(more.items())
        pending, deleted, failed = read_lists(
            run.context.client, run.demarche, *(more.get(name) for name in LISTS)
        )
        crawl.failed_lists |= failed


def _pull_dossiers(run: Run, numbers: Sequence[DossierNumber]) -> None:
    is_announced = run.asked_by == WEBHOOK
    with run.reading() as reader:
        erased = reader.deletions.erased_on_request(numbers)
    for number in () if is_announced else erased.intersection(numbers):
        run.problem(k.Numbered(k.NumberNote.ERASED_HERE, number))
    wanted = [number for number in dict.fromkeys(numbers) if number not in erased]
    missing = store_by_number(run, wanted)
    if is_announced:
        _follow_missing(run, missing)
        return
    for number in missing:
        run.problem(k.Numbered(k.NumberNote.NOT_SHOWN, number))


def _follow_missing(run: Run, numbers: Sequence[DossierNumber]) -> None:
    """Follow what became of dossiers that a webhook announced and DS does not show.

    Of those that are in the copy, DS's lists of deletions tell. What is unknown here, or of another
    démarche, is none of this one's.
    """

    def present() -> list[DossierNumber]:
        with run.reading() as reader:
            return reader.deletions.still_present(numbers)

    if not numbers or not present():
        return
    with run.reading() as reader:
        requests = _deletion_lists(reader.state.read().as_of(run.now), full=False)
    crawl = Crawl(EPOCH, None, full=False, advances_watermark=False)
    pending, deleted, _ = read_lists(
        run.context.client, run.demarche, *(requests[name] for name in LISTS)
    )
    _store_deletions(run, crawl, pending, deleted)
    _mark_gone(run, present())


def _follow_revision(
    run: Run, state: SyncState, revision_id: RevisionId, *, read_again: bool, accept: bool
) -> Crawl | None:
    """Record a new active revision; read all dossiers again if `read_again`, and return that read.

    A new revision can rename, add and remove champs without changing a dossier's dates. The full
    read is stored as due together with the revision: if the process is killed, it stays due.
    """
    if not run.demarche_is_fresh:
        refresh_demarche(run)
    if state.last_revision_id is not None:
        log.info("revision_changed")
    crawl = None
    # None: this was the first read of all dossiers.
    if state.last_revision_id is not None and read_again:
        with run.transaction() as tx:
            tx.state.save(last_revision_id=revision_id, full_due_at=run.now)
            # The read before has moved the watermark and the cursor.
            state = tx.state.read()
        crawl = _read_all(run, state, accept=accept)
    with run.transaction() as tx:
        tx.state.save(last_revision_id=revision_id)
    return crawl


def _rebase_due_at(run: Run, tx: Tx, crawl: Crawl) -> datetime | None:
    """Return when to read all dossiers again because some do not have the active revision yet.

    DS moves open dossiers to a new revision some time after its publication, from 30 s to hours,
    without changing their dates. The delay is the time since the publication, so it doubles with
    each read. After `REBASE_WITHIN`, the nightly full reads are enough: None.
    """
    revision = run.revisions.get(crawl.revision_id) if crawl.revision_id else None
    if (
        revision is None
        or revision.date_publication is None
        or not tx.dossiers.open_behind(revision.id)
    ):
        return None
    elapsed = (crawl.server_time or run.now) - revision.date_publication
    return None if elapsed > REBASE_WITHIN else run.now + max(REBASE_PAUSE, elapsed)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def reconcile(run: Run, crawl: Crawl, *, accept: bool) -> None:
    """Mark the dossiers that a full read shows to have disappeared, and record its end.

    Raises:
        SafetyBrakeError: too many dossiers are missing, unless `accept`; none is marked.
        DSError: the missing dossiers could not be requested; none is marked.
    """
    with run.reading() as reader:
        state = reader.state.read()
        began = state.full_started_run or run.id
        unseen, unlisted = (
            reader.deletions.unseen(began),
            reader.deletions.unseen(began, Presence.MASQUE),
        )
        twins = reader.deletions.lost_twins(began)
        present = reader.dossiers.present_count()
    limit = _limit(run, present)
    proposal = Proposal(
        Consent.DELETIONS,
        (Move("dossier", IN_DS, GONE, len(unseen)),),
        of=present,
        subjects={str(number): "" for number in unseen},
    )
    if len(unseen) > limit and not accept and not is_accepted(run, proposal):
        # The read is complete. If it stayed due, each next run would be a full one and stop here.
        _end_full_read(run, crawl)
        raise SafetyBrakeError(k.Disappeared(len(unseen), present, limit))
    if crawl.failed_lists:
        unlisted = []  # They stay hidden until the lists can be read.
    # A hidden dossier that is no longer in the lists was restored and has since expired. The brake
    # does not count these: they are not present in the copy, so losing them cannot empty it.
    disappeared = _request_missing(run, [*unseen, *unlisted])
    # As many as the brake allows: more may be the token's scope, and they go on counting.
    lost = _request_missing(run, twins) if len(twins) <= limit else []
    if lost or disappeared:
        with run.transaction() as tx:
            tx.deletions.hide_twins(lost)
            # In batches: a statement takes 32,766 parameters on SQLite, 65,535 on PostgreSQL.
            run.report.deleted += sum(
                tx.deletions.mark_disappeared(run.id, chunk, run.now)
                for chunk in run.batches(disappeared)
            )
    # Done, or fewer are missing: the cause is gone.
    nothing_to_accept(run, Consent.DELETIONS)
    if state.full_started_at is not None:
        _release_gone(run, state.full_started_at)
    _end_full_read(run, crawl)


def _limit(run: Run, present: int) -> int:
    return most_of(present, run.context.disappearances_percent)


def _request_missing(run: Run, missing: Sequence[DossierNumber]) -> list[DossierNumber]:
    """Request dossiers by number; return those that DS does not have.

    The others are stored, or removed from the copy if they belong to another démarche.
    """
    ours = run.context.demarche
    disappeared: list[DossierNumber] = []
    for chunk in run.batches(missing, DOSSIERS_PER_REQUEST):
        found = run.context.client.demarches_of(chunk, ours)
        # A token may reach several démarches, whose dossiers DS shows by number, too: one that got
        # into the copy would stay for ever.
        foreign = [number for number in chunk if found.get(number) not in (None, ours)]
        if foreign:
            log.warning("dossiers_of_another_demarche_removed", count=len(foreign))
            with run.transaction() as tx:
                run.report.deleted += tx.deletions.remove(foreign)
        # A dossier that DS cannot render has no entry: it exists.
        shown = [number for number in chunk if found.get(number, ours) == ours]
        disappeared += [number for number in chunk if found.get(number, ours) is None]
        disappeared += store_by_number(run, shown)
    return disappeared


def _release_gone(run: Run, started_at: datetime) -> None:
    """Release from quarantine the dossiers that the full read did not meet and DS has no more."""
    with run.reading() as reader:
        # An attempt since the start of the read means that DS still lists the dossier.
        numbers = [q.numero for q in reader.quarantine.entries() if q.dernier_essai_le < started_at]
    ours = run.context.demarche
    found = run.context.client.demarches_of(numbers, run.demarche) if numbers else {}
    gone = [number for number in numbers if found.get(number, ours) != ours]
    if gone:
        with run.transaction() as tx:
            tx.quarantine.release(run.id, gone, run.now)


def _end_full_read(run: Run, crawl: Crawl) -> None:
    with run.transaction() as tx:
        if not run.context.maps:
            # The pages left these rows as they were, if there are any: nothing is mapped.
            tx.deletions.delete_mapped_rows()
        tx.state.save(
            last_full_at=run.now,
            full_cursor=None,
            full_started_run=None,
            full_started_at=None,
            full_due_at=_rebase_due_at(run, tx, crawl),
            # Only now: until the end, some dossiers have the rows of the former mapping.
            mapping_key=run.context.mapping_key,
        )
        if crawl.server_time and crawl.is_ordered:
            # `save` never moves the watermark back, so one that was ahead stays until here.
            tx.state.reset_watermark(crawl.server_time)
