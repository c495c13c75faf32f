"""Stores one page of dossiers with the watermark that it covers, and compares its annotations.

In the same transaction, wishes are opened again whose annotations differ in DS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from dsync.annotations.plan import shows
from dsync.annotations.targets import LABEL, RESULTAT, AnnotationsConfig, ResolvedAnnotations
from dsync.annotations.wish import Wish, WishStatus
from dsync.domain.conversation import conversation_of, set_aside, told, with_sides, with_told
from dsync.domain.dossier import Anomaly, Dossier
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.ds.client import DOSSIERS_PER_REQUEST
from dsync.ds.dossier_reading import lacks_names_only, unread_parts
from dsync.ds.results import Page, Unreadable
from dsync.messages import kinds as k
from dsync.store import PageResult, Record, StoredDossier, Tx
from dsync.sync.brakes.belief import Held, Read, doubted, filled, known_of, may_lack_company
from dsync.sync.brakes.grounds import LOST_TICK, has_lost_box, is_ticked
from dsync.sync.context import Run, learn_revisions
from dsync.sync.record import dossier_of
from dsync.sync.work import ReadDossiers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PageJudge = Callable[[Tx, Sequence[DossierNumber]], Callable[[], None]]
"""Judges dossiers of a page in its transaction; returns what reports that, after the commit."""


@dataclass(slots=True)
class Crawl:
    """One read of the list of dossiers, page after page: where it starts, what it has seen."""

    since: datetime
    """Only dossiers changed since this instant are read."""
    after: str | None
    """The cursor from which an interrupted full read continues; None: from the start."""
    full: bool
    advances_watermark: bool
    server_time: datetime | None = None
    """DS's clock at the first answer."""
    is_ordered: bool = True
    """Whether the dossiers came in the order of their last change, as the API promises."""
    revision_id: RevisionId | None = None
    """The démarche's active revision, as the last page named it."""
    failed_lists: set[str] = field(default_factory=set)
    """`pending`, `deleted`: the lists of deletions that DS failed on."""


def store_page(
    run: Run,
    crawl: Crawl,
    page: Page,
    size: int | None = None,
    size_at: datetime | None = None,
    *,
    again: bool = False,
    judging: Callable[[Run], PageJudge | None] = lambda _: None,
) -> list[DossierNumber]:
    """Record a page's dossiers; store them and the watermark in one transaction.

    The new and changed ones are judged in it, if `judging` returns what judges; if not, they are
    returned. `size` is the page size with which the next run starts (None: it
    stays), `size_at` when it last changed (None: it is the default). With `again`, unchanged
    dossiers are stored, too.

    Raises:
        StoreError: the database failed; neither the page nor the watermark is stored.
        DSError: the démarche's facts could not be read; nothing is stored.
    """
    # It can send a request to DS, and none is sent within a transaction.
    learn_revisions(run, {dossier.revision_id for dossier in page.nodes})
    # Mapped before the transaction, which locks the whole database on SQLite.
    records, held = _records_of(run, page)
    watermark = _watermark_after(crawl, records)
    judge = judging(run)
    with run.transaction() as tx:
        # DS may give an unreadable dossier's id without its number.
        by_id = tx.dossiers.numbers([one.dossier_id for one in page.unreadable if one.dossier_id])
        named = [(one.number or by_id.get(one.dossier_id or ""), one) for one in page.unreadable]
        numbers = [record.numero for record in records]
        erased = tx.deletions.erased_on_request(
            [*numbers, *(number for number, _ in named if number)]
        )
        twins = {record.numero: record.etat for record in records if record.numero in erased}
        records = [record for record in records if record.numero not in erased]
        # Their content may be another dossier's.
        misnamed = set(
            tx.dossiers.misnamed((record.numero, record.facts["dossier_id"]) for record in records)
        )
        records = [record for record in records if record.numero not in misnamed]
        # Nor into quarantine: no later read would release what is not copied.
        unreadable = [(number, one) for number, one in named if number and number not in erased]
        unreadable += [(n, Unreadable(n, Anomaly.IDENTITE)) for n in sorted(misnamed)]
        unreadable += [
            (n, Unreadable(n, Anomaly.DOUTEUX)) for n in sorted(held.new) if n not in erased
        ]
        unwanted = erased | misnamed
        partial = {n: path for n, path in page.incomplete.items() if n not in unwanted}
        incomplete = {n: path for n, path in partial.items() if not lacks_names_only(path)}
        result = tx.dossiers.store_page(
            run.id, records, now=run.now, incomplete=incomplete, again=again
        )
        anomalies = [(number, Anomaly.INCOMPLET, path) for number, path in incomplete.items()]
        anomalies += [(number, one.code, one.path) for number, one in unreadable]
        for number, code, path in anomalies:
            quarantine_dossier(run, tx, number, code, path)
        skipped = [number for number in page.skipped if number not in erased]
        if seen := [*sorted(erased | held.whole), *skipped, *(number for number, _ in unreadable)]:
            # So that a full read does not take them for disappeared.
            tx.deletions.mark_seen(run.id, seen)
        if twins:
            tx.deletions.follow_twins(twins)
        ticked = {dossier.number for dossier in page.nodes if is_ticked(run, dossier)}
        tx.outbox.suspend(held.unticked, LOST_TICK)
        _reopen_wishes(run, tx, records, result, ticked)
        changes: dict[str, Any] = {"page_size": size, "page_size_at": size_at} if size else {}
        if crawl.full:
            changes["full_cursor"] = page.end_cursor if page.has_next else None
        if watermark is not None:
            changes["watermark"] = watermark
        tx.state.save(**changes)
        read = run.report.read + result.read
        changed = run.report.changed + len(result.created) + len(result.changed)
        tx.journal.save_progress(run.id, read=read, changed=changed)
        due = [*result.created, *result.changed]
        run.compared.difference_update(due)
        report = judge(tx, due) if judge else None
    # After the commit: a page that was rolled back is not counted.
    run.report.read, run.report.changed = read, changed
    if report:
        report()
    if unread := [*skipped, *(number for number, _ in unreadable)]:
        report_quarantined(run, unread)
    if incomplete:
        run.problem(k.Noted(k.Note.NOT_RENDERED))
    if len(partial) > len(incomplete):
        run.problem(k.Noted(k.Note.PLACES_WITHOUT_NAME))
    for known_number, one in named:
        if not known_number:
            run.problem(k.WithoutNumber(one.after, one.before))
    return [] if judge else due


def _reopen_wishes(
    run: Run, tx: Tx, records: Sequence[Record], result: PageResult, ticked: Set[DossierNumber]
) -> None:
    """Open the wishes again whose annotation differs in DS, or whose obstacle may be gone."""
    open_records = [record for record in records if record.is_open]
    numbers = [record.numero for record in open_records]
    ended = tx.wishes.current([WishStatus.CONFIRMEE, WishStatus.CONFLIT], numbers)
    edited = edited_elsewhere(open_records, ended, run.annotations_of, run.context.annotations)
    accepted = tx.wishes.current([WishStatus.REMPLACEE], numbers)
    tx.outbox.give_back(_agreed(run, open_records, accepted))
    # Of a validated one, whose box cannot be read any more, nothing says that it is not.
    validated = tx.wishes.revisions([WishStatus.SUSPENDUE], result.annotations_changed)
    kept = {number for number, id_ in validated.items() if has_lost_box(run, id_)}
    kept |= tx.outbox.suspended_for(LOST_TICK) - ticked
    tx.outbox.reopen([n for n in (*result.annotations_changed, *edited) if n not in kept])
    # A changed dossier can have another revision or groupe, which can remove the obstacle.
    tx.outbox.retry_stopped(result.changed)


def _agreed(run: Run, records: Sequence[Record], accepted: Iterable[Wish]) -> list[DossierNumber]:
    """Return the dossiers whose result a human replaced, which shows what dsync wants by now."""
    config, shown = run.context.annotations, {record.numero: record for record in records}
    agreed = list[DossierNumber]()
    if config is None:
        return agreed
    for wish in accepted:
        record = shown[wish.numero]
        own = run.annotations_of(record.revision_id)
        if wish.annotation != RESULTAT or own.resultat is None:
            continue
        if shows(RESULTAT, wish.valeur, record.owned, record.labels, own, config):
            agreed.append(wish.numero)
    return agreed


def _records_of(run: Run, page: Page) -> tuple[list[Record], Held]:
    """Return the records of a page's dossiers, and what is not believed of them.

    What DS could not render, or is not believed, is as in the copy.
    """
    numbers = [dossier.number for dossier in page.nodes]
    with run.reading() as reader:
        agents, known = reader.demarche.agents(), reader.contents.messages(numbers)
        corrections = reader.contents.corrections(numbers)
        copied = reader.dossiers.content_hashes(numbers)
        gaps = [d.number for d in page.nodes if d.number in page.incomplete or may_lack_company(d)]
        stored = reader.contents.of(gaps) if gaps else {}

    def record_of(one: Read) -> Record:
        revision = run.revisions.get(one.dossier.revision_id)
        before = corrections.get(one.dossier.number, ())
        return run.context.recorder.record(
            one.dossier, run.context.demarche, revision, before, one.unread
        )

    read = list[Read]()
    for one in page.nodes:
        copied_messages = known[one.number]
        one = replace(one, messages=with_sides(one, agents, copied_messages))
        its = _filled(one, page.incomplete.get(one.number), stored.get(one.number))
        messages = with_told(its.dossier.messages, copied_messages)
        read.append(its._replace(dossier=replace(its.dossier, messages=messages)))
    records = [record_of(one) for one in read]
    new = {one.numero for one in records if one.numero not in copied}
    changed = {
        one.numero
        for one in records
        if one.numero not in new and copied[one.numero] != one.content_hash
    }
    held = doubted(run, read, changed=changed, new=new)
    records = [
        record_of(held.instead[one.numero]) if one.numero in held.instead else one
        for one in records
        if one.numero not in held.new | held.whole
    ]
    return records, held


def _filled(dossier: Dossier, path: str | None, stored: StoredDossier | None) -> Read:
    """Return a dossier with the known values of what DS could not render.

    `path` is that of what it could not render; None: it rendered everything.
    """
    unread = frozenset() if path is None else unread_parts(dossier, path)
    return filled(dossier, unread, known_of(stored)) if unread or stored else Read(dossier)


def store_told(run: Run, work: ReadDossiers) -> None:
    """Store what a person says of the messages of dossiers.

    That they have written to the usagers, which counts until DS shows it; or that there is nothing
    to answer.
    """
    shown = work.shown or {}
    with run.reading() as reader:
        copied = reader.contents.of([*(work.dossiers if work.sent else shown)])
    with run.transaction() as tx:
        for number, stored in copied.items():
            said = told(run.now) if work.sent else set_aside(shown[number], run.asked_by)
            dossier = dossier_of(stored)
            dossier = replace(dossier, messages=(*(dossier.messages or ()), said))
            tx.dossiers.save_messages(number, dossier.messages or (), conversation_of(dossier))


def quarantine_dossier(
    run: Run, tx: Tx, number: DossierNumber, why: Anomaly, place: str = ""
) -> None:
    """Put a dossier into quarantine.

    `place` is that of the field that DS cannot render, or of what failed; empty: it is not known.
    """
    message = why.french + (f" ({place})." if place else ".")
    tx.quarantine.add(run.id, number, why, message, run.now)


def _watermark_after(crawl: Crawl, records: Sequence[Record]) -> datetime | None:
    if not crawl.advances_watermark or not crawl.is_ordered or crawl.server_time is None:
        return None
    # A dossier that changed during the read has a later date than its place in the list.
    dates: list[datetime] = [record.dates["modifie_le"] for record in records]
    return max((date for date in dates if date < crawl.server_time), default=None)


def report_quarantined(run: Run, numbers: Iterable[DossierNumber]) -> None:
    """Count and report the dossiers that this run could not read."""
    run.report.quarantined_numbers.update(numbers)
    run.problem(k.Noted(k.Note.UNREADABLE_DOSSIERS))


def store_by_number(
    run: Run, numbers: Sequence[DossierNumber], *, again: bool = True
) -> list[DossierNumber]:
    """Request dossiers by number, and store them; return those not shown by DS.

    With `again`, unchanged ones too: that repairs a copy that something outside dsync has damaged.
    """
    missing: list[DossierNumber] = []
    crawl = Crawl(EPOCH, None, full=False, advances_watermark=False)
    for some in run.batches(numbers, DOSSIERS_PER_REQUEST):
        page = run.context.client.dossiers(some, run.demarche)
        store_page(run, crawl, page, again=again)
        shown = {dossier.number for dossier in page.nodes} | {one.number for one in page.unreadable}
        missing += [number for number in some if number not in shown]
    return missing


def edited_elsewhere(
    records: Sequence[Record],
    ended: Iterable[Wish],
    annotations_of: Callable[[RevisionId], ResolvedAnnotations],
    config: AnnotationsConfig | None,
) -> list[DossierNumber]:
    """Return the dossiers whose annotations or labels differ from those of their ended wishes.

    Ended ones were confirmed, or are in conflict. `annotations_of` returns dsync's annotations in a
    revision of the form; without a configuration it writes none.
    """
    if config is None:
        return []
    shown = {record.numero: record for record in records}
    ids = {record.revision_id for record in records}
    resolved = {id_: annotations_of(id_) for id_ in ids}
    edited = [
        wish.numero
        for wish in ended
        if not _is_unchanged(wish, shown[wish.numero], resolved, config)
    ]
    return list(dict.fromkeys(edited))


def _is_unchanged(
    wish: Wish,
    record: Record,
    resolved: Mapping[RevisionId, ResolvedAnnotations],
    config: AnnotationsConfig,
) -> bool:
    """Return whether DS still shows the wish's final value; True where dsync writes nothing."""
    own = resolved[record.revision_id]
    if wish.annotation != LABEL and wish.cible is not None:
        descriptor = own.by_name(wish.annotation)
        if descriptor is not None and wish.cible != descriptor.id:
            # The annotation was made anew on DS, and dsync has written nothing into that one.
            return False
    # DS's when the wish ended: the wished one, or the human's in a conflict.
    value = wish.valeur if wish.statut == WishStatus.CONFIRMEE else wish.valeur_distante
    return shows(wish.annotation, value or "", record.owned, record.labels, own, config)
