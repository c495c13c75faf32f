"""Store one page: recorded, compared, journaled, with the watermark that it allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dsync.annotations import (
    AnnotationsConfig,
    ResolvedAnnotations,
    labels_text,
    normalise,
)
from dsync.annotations.config import LABEL
from dsync.domain.dossier import Demarche, Dossier
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.ds import Page, Unreadable
from dsync.store import EndedWish, Record, Tx, WishStatus
from dsync.sync.context import Run

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ANOMALIES = {
    "timeout": "Démarches Simplifiées n’arrive pas à rendre ce dossier dans le temps imparti",
    "bad_data": "Démarches Simplifiées ne peut pas rendre ce dossier : ses données y sont cassées",
    "illisible": "Ce dossier n’a pas la forme attendue, sa dernière copie reste",
    "incomplet": "Démarches Simplifiées ne peut pas rendre une partie de ce dossier",
    "regle": "Une règle du pré-contrôle a échoué sur ce dossier ; son dernier verdict reste",
}
"""What is wrong with a dossier, by code, as the database's readers see it."""


SHOWN = 5
"""Fields that a message names."""


@dataclass(slots=True)
class Crawl:
    """One crawl's plan and what it has seen."""

    since: datetime
    after: str | None
    full: bool
    moves_watermark: bool
    server_time: datetime | None = None
    """The server's clock at the first answer."""
    is_ordered: bool = True
    revision_id: RevisionId | None = None


def store_page(
    run: Run, crawl: Crawl, page: Page, size: int, size_at: datetime | None = None
) -> None:
    """Map a page; store it and its watermark in one transaction, or nothing of it.

    Args:
        run: the run that read it.
        crawl: the crawl that it is of.
        page: what DS gave.
        size: how many dossiers to ask for next time.
        size_at: when that was last changed.

    Raises:
        StoreError: the page and the watermark are as before.
    """
    learn_revisions(run, {dossier.revision_id for dossier in page.nodes})
    records = [_record_of(run, dossier) for dossier in page.nodes]
    anomalies = [(number, "incomplet", path) for number, path in page.incomplete.items()]
    with run.transaction() as tx:
        known = tx.numbers([one.dossier_id for one in page.unreadable if one.dossier_id])
        named = [(one.number or known.get(one.dossier_id or ""), one) for one in page.unreadable]
        quarantined_numbers = [(number, one) for number, one in named if number]
        result = tx.store_page(
            run.id, records, now=run.now, mark_read=True, incomplete=page.incomplete
        )
        anomalies += [(number, one.code, one.path) for number, one in quarantined_numbers]
        for concerned, code, path in anomalies:
            note_anomaly(run, tx, concerned, code, path)
        if quarantined_numbers:
            tx.mark_seen(run.id, [number for number, _ in quarantined_numbers])
        open_ones = [record for record in records if record.is_open]
        settled = tx.ended_wishes([record.numero for record in open_ones])
        moved = edited_elsewhere(open_ones, settled, run.annotations_of, run.context.annotations)
        tx.reopen_wishes([*result.annotations_changed, *moved])
        # The revision that it follows, or its groupe, may be another.
        tx.retry_stopped(run.now, result.changed)
        changes: dict[str, Any] = {"page_size": size, "page_size_at": size_at}
        if crawl.full:
            changes["full_cursor"] = page.end_cursor if page.has_next else None
        watermark = _watermark_after(crawl, records)
        if watermark is not None:
            changes["watermark"] = watermark
        tx.save_state(**changes)
    run.report.read += result.read
    run.report.changed += len(result.created) + len(result.changed)
    if quarantined_numbers:
        tell_quarantined(run, [number for number, _ in quarantined_numbers])
    if page.incomplete:
        run.report.problem(
            "DS cannot render a part of some dossiers, which are stored without it: see "
            "`dsync quarantine list`, and tell DS's support which fields."
        )
    for number, one in named:
        if not number:
            run.report.problem(_nameless(one))


def _record_of(run: Run, dossier: Dossier) -> Record:
    revision = run.revisions[dossier.revision_id]
    return run.context.recorder.record(dossier, run.context.demarche, revision)


def _nameless(one: Unreadable) -> str:
    places = (("after", one.after), ("before", one.before))
    place = " and ".join(f"{where} {number}" for where, number in places if number)
    return (
        f"DS shows a dossier without its number ({place or 'alone'} in the order of last change): "
        "it is not in the copy, or not up to date there. Look for it on DS, and tell DS's support."
    )


def note_anomaly(run: Run, tx: Tx, number: DossierNumber, code: str, path: str = "") -> None:
    """Note what is wrong with a dossier, in French, with the field's path where it is known."""
    message = ANOMALIES[code] + (f" ({path})." if path else ".")
    tx.quarantine(run.id, number, code, message, run.now)


def learn_revisions(run: Run, ids: Iterable[RevisionId]) -> None:
    """Make sure that the descriptors of these revisions are known, where DS gives them."""
    wanted = set(ids)
    if wanted <= run.revisions.keys():
        return
    with run.transaction() as tx:
        run.revisions.update(tx.revisions())
    if not wanted <= run.revisions.keys():
        refresh_demarche(run)
    for unknown in wanted - run.revisions.keys():
        run.revisions[unknown] = None


def _watermark_after(crawl: Crawl, records: Sequence[Record]) -> datetime | None:
    if not crawl.moves_watermark or not crawl.is_ordered or crawl.server_time is None:
        return None
    dates: list[datetime] = [record.dates["modifie_le"] for record in records]
    return max((date for date in dates if date < crawl.server_time), default=None)


def tell_quarantined(run: Run, numbers: Iterable[DossierNumber]) -> None:
    """Count the dossiers that this run has set aside, and say so."""
    run.report.quarantined_numbers.update(numbers)
    run.report.problem(
        "Some dossiers cannot be read and are in quarantine: see `dsync quarantine list`."
    )


def store_alone(run: Run, page: Page) -> None:
    """Store dossiers read one by one, outside any crawl."""
    crawl = Crawl(EPOCH, None, full=False, moves_watermark=False)
    with run.transaction() as tx:
        state = tx.state()
    store_page(run, crawl, page, state.page_size, state.page_size_at)


def refresh_demarche(run: Run) -> Demarche:
    """Read the démarche's facts (revisions, labels, instructeurs) and keep them.

    A revision of which something cannot be read stays as it was known: a form once published does
    not change.
    """
    demarche = run.context.client.demarche(run.context.demarche)
    with run.transaction() as tx:
        tx.save_demarche(demarche, run.now)
        run.revisions.update({**demarche.revisions, **tx.revisions()})
    if demarche.lost:
        more = f" and {len(demarche.lost) - SHOWN} others" if len(demarche.lost) > SHOWN else ""
        run.report.problem(
            "DS's answer about the démarche has fields that cannot be read "
            f"({', '.join(demarche.lost[:SHOWN])}{more}): they stay unknown until it is whole. "
            "If it lasts, tell DS's support."
        )
    run.demarche_is_fresh = True
    return demarche


def edited_elsewhere(
    records: Sequence[Record],
    settled: Iterable[EndedWish],
    annotations_of: Callable[[RevisionId], ResolvedAnnotations],
    config: AnnotationsConfig,
) -> list[DossierNumber]:
    """Return the dossiers that show something else than what was settled.

    Args:
        records: the page's dossiers.
        settled: their wishes that were confirmed, or stopped by a human's value.
        annotations_of: returns dsync's annotations in a revision of the form.
        config: the annotations and labels that dsync writes.
    """
    shown = {record.numero: record for record in records}
    ids = {record.revision_id for record in records}
    resolved = {id_: annotations_of(id_) for id_ in ids}
    moved = [
        wish.numero
        for wish in settled
        if not _is_as_left(wish, shown[wish.numero], resolved, config)
    ]
    return list(dict.fromkeys(moved))


def _is_as_left(
    wish: EndedWish,
    record: Record,
    resolved: Mapping[RevisionId, ResolvedAnnotations],
    config: AnnotationsConfig,
) -> bool:
    """Whether the dossier shows what was settled; what dsync does not write there counts so."""
    if wish.annotation == LABEL:
        managed = [name for name in record.labels if name in config.owned_labels]
        return config.labels is None or labels_text(managed) == _left(wish)
    descriptor = resolved[record.revision_id].by_name(wish.annotation)
    if descriptor is None:
        return True
    if wish.cible is not None and wish.cible != descriptor.id:
        return False
    there = normalise(descriptor.type, record.owned.get(descriptor.id))
    return there == normalise(descriptor.type, _left(wish))


def _left(wish: EndedWish) -> str:
    """Return what stood there when the wish was settled: its own value, or the human's."""
    value = wish.valeur if wish.statut is WishStatus.CONFIRMEE else wish.valeur_distante
    return value or ""
