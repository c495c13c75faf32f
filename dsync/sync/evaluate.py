"""Judge what has to be judged, and put the wishes that follow into the outbox.

A verdict is worked out again when the dossier's own inputs changed, when the rules or the set
of dossiers for the same product did, when impossible evidence is back, and, for what is not
Éligible, when its evidence changed. Verdict and wishes are stored in one transaction a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from dsync.annotations import desired
from dsync.annotations.config import DETAIL, RESULTAT
from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Verdict
from dsync.eligibility import (
    Evidence,
    Standing,
    decide,
    resolve_product,
    stored_product,
)
from dsync.store import Judgeable, NewVerdict, NewWish, Reader
from dsync.sync.batches import batches
from dsync.sync.context import Run
from dsync.sync.evidence import gather, with_registry
from dsync.sync.pages import quarantine


def evaluate_due(run: Run) -> None:
    """Give every verdict that is due, after the crawl: doublons are judged over all dossiers.

    Raises:
        StoreError: the verdicts stored so far stay; the others are still due.
    """
    gathered = gather(run)
    with run.transaction() as tx:
        # Both what is judged by and what it rests on: the open ones are looked at again.
        key = f"{gathered.key}:{run.context.rules.version}"
        has_moved = tx.state().evidence_key != key
        numbers = tx.evaluation_numbers(everything_open=has_moved)
        if has_moved or gathered.registry_enabled:
            numbers = _with(numbers, tx.undetermined())
    evidence = cache(gathered.evidence)  # Read when first needed.
    numbers = _with(numbers, _name_products(run, numbers, evidence))
    done = 0
    for some in batches(run.context, numbers):
        store_verdicts(run, _judged(run, some, evidence()))
        done += len(some)
        run.context.progress.evaluated(done, len(numbers))
    if has_moved:
        with run.transaction() as tx:
            tx.save_state(evidence_key=key)


def _with(numbers: list[DossierNumber], others: Collection[DossierNumber]) -> list[DossierNumber]:
    """Return both in order, each once; the same list when there is nothing to add."""
    return sorted({*numbers, *others}) if others else numbers


def _name_products(
    run: Run, numbers: Sequence[DossierNumber], evidence: Callable[[], Evidence]
) -> set[DossierNumber]:
    """Store the product of each dossier that names another one than before.

    Before anyone is judged: dossiers for one product are counted. Returns all whom it concerns.
    """
    concerned: set[DossierNumber] = set()
    for chunk in batches(run.context, numbers):
        with run.reading() as reader:
            rows = reader.addresses(chunk)
        moved: dict[DossierNumber, str | None] = {}
        for row in rows:
            frozen = stored_product(row.controles) if row.verdict == Verdict.ELIGIBLE else None
            if frozen and frozen.address == row.page_produit:
                product: str | None = frozen.product_id
            else:
                product = resolve_product(row.page_produit, evidence().catalogue).product_id
            if product != row.produit_id:
                moved[row.numero] = product
        if moved:
            with run.transaction() as tx:
                concerned.update(tx.name_products(moved))
    return concerned


def doublons_of(
    reader: Reader, judgeables: Sequence[Judgeable]
) -> dict[DossierNumber, tuple[DossierNumber, ...]]:
    """Return the other dossiers for each one's product, by number."""
    products = {j.produit_id for j in judgeables if j.produit_id is not None}
    members = reader.sharing(sorted(products)) if products else {}
    return {
        j.numero: tuple(n for n in members.get(j.produit_id or "", ()) if n != j.numero)
        for j in judgeables
    }


@dataclass(frozen=True, slots=True)
class Batch:
    """Dossiers that were looked at, with the verdicts that came of it."""

    numbers: Sequence[DossierNumber]
    verdicts: Sequence[tuple[Judgeable, NewVerdict]]
    failed: Set[DossierNumber] = frozenset()
    """Those on which a rule failed."""


def _judged(run: Run, numbers: Sequence[DossierNumber], evidence: Evidence) -> Batch:
    """Judge dossiers, but those whose verdict is not looked at any more."""
    rules = run.context.rules
    with run.reading() as reader:
        read = reader.judgeable(numbers)
        doublons = doublons_of(reader, read)
    judgeables = [j for j in read if j.presence == Presence.PRESENT and _may_be_judged(j)]
    known = with_registry(run, [j.candidature for j in judgeables], evidence)
    verdicts, failed = [], set()
    for j in judgeables:
        others = doublons[j.numero]
        standing = _standing(j, rules.version, others)
        try:
            decision = decide(j.candidature, known, rules, doublons=others, standing=standing)
        except Exception:  # Whatever fails on one dossier stops no other.
            failed.add(j.numero)
            continue
        if decision is not None:
            verdicts.append((j, NewVerdict(j.numero, decision, j.inputs_hash, others)))
    return Batch(numbers, verdicts, failed)


def _may_be_judged(judgeable: Judgeable) -> bool:
    """A finished dossier keeps its verdict, but for one that could not be given."""
    current = judgeable.current
    return (
        current is None
        or judgeable.candidature.etat in OPEN_ETATS
        or current.verdict is Verdict.INDETERMINE
    )


def _standing(
    judgeable: Judgeable, version_regles: str, others: tuple[DossierNumber, ...]
) -> Standing | None:
    """Return the verdict that a dossier has, as far as judging it again needs it."""
    current = judgeable.current
    if current is None:
        return None
    is_open = judgeable.candidature.etat in OPEN_ETATS
    is_stale = (
        current.inputs_hash != judgeable.inputs_hash
        or current.version_regles != version_regles
        or current.doublons != others
        # Judged when it was finished, and open again: nothing was ever wished for it.
        or (is_open and current.verdict is not Verdict.INDETERMINE and not judgeable.wished)
    )
    is_eligible = current.verdict is Verdict.ELIGIBLE
    product = stored_product(current.controles) if is_eligible else None
    return Standing(is_stale, is_eligible, current.preuve_hash, current.remarque, product)


def store_verdicts(run: Run, batch: Batch) -> None:
    """Store a batch of verdicts with the wishes that follow, in one transaction."""
    now = run.now
    verdicts = batch.verdicts
    wishes = [wish for j, new in verdicts for wish in _wishes(run, j, new.decision, now)]
    with run.transaction() as tx:
        tx.save_verdicts(run.id, [new for _, new in verdicts], now)
        tx.wish(wishes, now)
        for number in sorted(batch.failed):
            quarantine(run, tx, number, "regle")
        tx.close_evaluation([number for number in batch.numbers if number not in batch.failed])
    run.report.evaluated += len(verdicts)
    run.report.verdicts.update(new.decision.verdict.key for _, new in verdicts)
    run.report.quarantined += len(batch.failed)
    if batch.failed:
        run.report.problem(
            "A rule failed on some dossiers, which keep their last verdict: see "
            "`dsync quarantine list` and report it."
        )


def _wishes(run: Run, judgeable: Judgeable, decision: Decision, now: datetime) -> list[NewWish]:
    """Return what the annotations should hold; nothing when a reader would see no difference."""
    if judgeable.candidature.etat not in OPEN_ETATS:
        return []
    wanted = desired(decision.verdict, decision.detail, now, run.context.annotations)
    wished = judgeable.wished
    if all(wished.get(name) == wanted.get(name) for name in (RESULTAT, DETAIL)):
        return []
    return [NewWish(judgeable.numero, name, value) for name, value in wanted.items()]
