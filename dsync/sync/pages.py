"""Store one page: mapped, compared, journaled, with the watermark that it allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dsync.domain.dossier import Demarche
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.ds import Node, Page
from dsync.errors import MappingError
from dsync.mapping import Record, record_of
from dsync.store import PageResult, Tx
from dsync.sync.context import Run
from dsync.sync.standing import surprises

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

QUARANTINED = {
    "timeout": "Démarches Simplifiées n’arrive pas à rendre ce dossier dans le temps imparti.",
    "bad_data": "Démarches Simplifiées ne peut pas rendre ce dossier : ses données y sont cassées.",
    "illisible": "Ce dossier n’a pas le minimum attendu : numéro, identifiant, état et date.",
    "regle": "Une règle du pré-contrôle a échoué sur ce dossier ; son dernier verdict reste.",
}
"""Why a dossier is in quarantine, by code, as the database's readers see it."""


@dataclass(slots=True)
class Crawl:
    """One crawl's plan and what it has seen."""

    since: datetime
    after: str | None
    full: bool
    moves_watermark: bool
    signpost: datetime | None = None
    """The server's clock at the first answer."""
    is_ordered: bool = True
    revision_id: RevisionId | None = None


def _map(run: Run, nodes: Sequence[Node]) -> tuple[list[Record], list[DossierNumber]]:
    """Map dossiers one by one: of their large trees, one is in memory at a time.

    Returns:
        The records, and the numbers of the dossiers that lack the least that is needed.
    """
    learn_revisions(run, {node.revision_id for node in nodes})
    records, unreadable = [], []
    for node in nodes:
        revision = run.revisions[node.revision_id]
        try:
            mapped = run.context.mapper.map(node.json, run.context.demarche, revision)
            records.append(record_of(mapped))
        except MappingError:
            unreadable.append(node.number)
    return records, unreadable


def store_page(run: Run, crawl: Crawl, page: Page, page_size: int) -> None:
    """Map a page; store it and its watermark in one transaction, or nothing of it.

    Raises:
        StoreError: the page and the watermark are as before.
    """
    records, unreadable = _map(run, page.nodes)
    set_aside = [(rejected.number, rejected.code) for rejected in page.rejected]
    set_aside += [(number, "illisible") for number in unreadable]
    with run.transaction() as tx:
        result = tx.store_page(run.id, records, now=run.now, mark_read=True)
        for number, code in set_aside:
            quarantine(run, tx, number, code)
        if set_aside:
            tx.mark_seen(run.id, [number for number, _ in set_aside])
        open_ones = [record for record in records if record.is_open]
        settled = tx.settled_wishes([record.numero for record in open_ones])
        moved = surprises(open_ones, settled, run.annotations_of, run.context.annotations)
        tx.reopen_wishes([*result.annotations_changed, *moved])
        # The revision that it follows, or its groupe, may be another.
        tx.retry_stopped(run.now, result.changed)
        changes: dict[str, Any] = {"page_size": page_size}
        if crawl.full:
            changes["full_cursor"] = page.end_cursor if page.has_next else None
        watermark = _watermark_after(crawl, records)
        if watermark is not None:
            changes["watermark"] = watermark
        tx.save_state(**changes)
    _count(run, result, len(set_aside))


def quarantine(run: Run, tx: Tx, number: DossierNumber, code: str) -> None:
    """Put a dossier into quarantine, saying why in French."""
    tx.quarantine(run.id, number, code, QUARANTINED.get(code, code), run.now)


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
    if not crawl.moves_watermark or not crawl.is_ordered or crawl.signpost is None:
        return None
    dates: list[datetime] = [record.dates["modifie_le"] for record in records]
    return max((date for date in dates if date < crawl.signpost), default=None)


def _count(run: Run, result: PageResult, quarantined: int) -> None:
    report = run.report
    report.read += result.read
    report.changed += len(result.created) + len(result.changed)
    if quarantined:
        tell_quarantined(run, quarantined)


def tell_quarantined(run: Run, count: int) -> None:
    """Count the dossiers that this run has set aside, and say so."""
    run.report.quarantined += count
    run.report.problem(
        "Some dossiers cannot be read and are in quarantine: see `dsync quarantine list`."
    )


def store_nodes(run: Run, nodes: Sequence[Node]) -> None:
    """Store dossiers read one by one, outside any crawl."""
    crawl = Crawl(EPOCH, None, full=False, moves_watermark=False)
    page = Page.of_nodes(nodes)
    with run.transaction() as tx:
        size = tx.state().page_size
    store_page(run, crawl, page, size)


def refresh_demarche(run: Run) -> Demarche:
    """Read the démarche's facts (revisions, labels, instructeurs) and keep them."""
    demarche = run.context.client.demarche(run.context.demarche)
    with run.transaction() as tx:
        tx.save_demarche(demarche, run.now)
    run.revisions.update(demarche.revisions)
    run.demarche_is_fresh = True
    return demarche
