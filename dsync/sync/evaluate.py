"""Judge what has to be judged, and put the wishes that follow into the outbox.

A verdict is worked out again when the dossier's own inputs changed, when the rules or the set
of dossiers for the same product did, when impossible evidence is back, and, for what is not
Éligible, when its evidence changed. Verdict and wishes are stored in one transaction a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from dsync.annotations import desired
from dsync.annotations.config import DETAIL, RESULTAT
from dsync.domain.dossier import OPEN_ETATS, Etat, Presence
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

Products = Mapping[DossierNumber, str | None]
"""Which product a dossier names, by number."""
_NONE: Products = {}

COUNTED = OPEN_ETATS | {Etat.ACCEPTE}
"""States in which a dossier counts as another one for the same product."""


@dataclass(frozen=True, slots=True)
class Doublons:
    """Which dossiers are for the same product: one list a product, however many share it."""

    members: Mapping[str, Sequence[DossierNumber]]

    def of(self, numero: DossierNumber, product: str | None) -> tuple[DossierNumber, ...]:
        """Return the other dossiers for this one's product, by number."""
        if product is None:
            return ()
        return tuple([other for other in self.members.get(product, ()) if other != numero])


def evaluate_due(run: Run) -> None:
    """Give every verdict that is due, after the crawl: doublons are judged over all dossiers.

    Raises:
        StoreError: the verdicts stored so far stay; the others are still due.
    """
    gathered = gather(run)
    with run.transaction() as tx:
        tx.queue_outdated(run.context.rules.version)
        evidence_moved = tx.state().evidence_key != gathered.key
        numbers = tx.evaluation_numbers(everything_open=evidence_moved)
        if evidence_moved or gathered.registry_enabled:
            numbers = _with(numbers, tx.undetermined())
    evidence = cache(gathered.evidence)  # Read when first needed.
    products = _moved_products(run, numbers, evidence)
    with run.reading() as reader:
        doublons, regrouped = doublons_of(reader, products)
    numbers = _with(numbers, regrouped)
    _judge_all(run, numbers, evidence, doublons, products)
    if evidence_moved:
        with run.transaction() as tx:
            tx.save_state(evidence_key=gathered.key)


def _with(numbers: list[DossierNumber], others: Collection[DossierNumber]) -> list[DossierNumber]:
    """Return both in order, each once; the same list when there is nothing to add."""
    return sorted({*numbers, *others}) if others else numbers


def _judge_all(
    run: Run,
    numbers: Sequence[DossierNumber],
    evidence: Callable[[], Evidence],
    doublons: Doublons,
    products: Products,
) -> None:
    done = 0
    for some in batches(run.context, numbers):
        store_verdicts(run, _judged(run, some, evidence(), doublons, products), products)
        done += len(some)
        run.context.progress.evaluated(done, len(numbers))


def _moved_products(
    run: Run, numbers: Sequence[DossierNumber], evidence: Callable[[], Evidence]
) -> Products:
    """Return the products of those dossiers that name another one than before.

    They are looked up before anyone counts dossiers by product, and stored with the verdicts.
    """
    moved: dict[DossierNumber, str | None] = {}
    for chunk in batches(run.context, numbers):
        with run.reading() as reader:
            rows = reader.addresses(chunk)
        for row in rows:
            frozen = stored_product(row.controles) if row.verdict == Verdict.ELIGIBLE else None
            if frozen and frozen.address == row.page_produit:
                product: str | None = frozen.product_id
            else:
                product = resolve_product(row.page_produit, evidence().catalogue).product_id
            if product != row.produit_id:
                moved[row.numero] = product
    return moved


def doublons_of(reader: Reader, products: Products = _NONE) -> tuple[Doublons, set[DossierNumber]]:
    """Return the other dossiers for each one's product, and those whose set changed.

    Args:
        reader: where the dossiers are.
        products: those that are others than stored.
    """
    members: dict[str, list[DossierNumber]] = defaultdict(list)
    judged: list[tuple[DossierNumber, str | None, tuple[DossierNumber, ...]]] = []
    for row in reader.products():
        if row.presence != Presence.PRESENT:
            continue
        product = products.get(row.numero, row.produit_id)
        if product and row.etat in COUNTED:
            members[product].append(row.numero)
        if row.etat in OPEN_ETATS and row.doublons is not None:
            judged.append((row.numero, product, row.doublons))
    doublons = Doublons(members)
    return doublons, {
        numero for numero, product, known in judged if known != doublons.of(numero, product)
    }


@dataclass(frozen=True, slots=True)
class Batch:
    """Dossiers that were looked at, with the verdicts that came of it."""

    numbers: Sequence[DossierNumber]
    verdicts: Sequence[tuple[Judgeable, NewVerdict]]
    failed: Set[DossierNumber] = frozenset()
    """Those on which a rule failed."""


def _judged(
    run: Run,
    numbers: Sequence[DossierNumber],
    evidence: Evidence,
    doublons: Doublons,
    products: Products,
) -> Batch:
    """Judge dossiers, but those whose verdict is not looked at any more."""
    rules = run.context.rules
    with run.reading() as reader:
        read = reader.judgeable(numbers)
    judgeables = [j for j in read if j.presence == Presence.PRESENT and _may_be_judged(j)]
    known = with_registry(run, [j.candidature for j in judgeables], evidence)
    verdicts, failed = [], set()
    for j in judgeables:
        others = doublons.of(j.numero, products.get(j.numero, j.produit_id))
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


def store_verdicts(run: Run, batch: Batch, products: Products = _NONE) -> None:
    """Store a batch of verdicts with the wishes that follow, in one transaction."""
    now = run.now
    verdicts = batch.verdicts
    wishes = [wish for j, new in verdicts for wish in _wishes(run, j, new.decision, now)]
    with run.transaction() as tx:
        tx.save_verdicts(run.id, [new for _, new in verdicts], now)
        tx.wish(wishes, now)
        for number in sorted(batch.failed):
            quarantine(run, tx, number, "regle")
        tx.close_evaluation(batch.numbers, products=products, still_due=batch.failed)
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
