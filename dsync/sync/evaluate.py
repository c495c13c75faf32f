"""Judge what has to be judged, and put the wishes that follow into the outbox.

A verdict is worked out again when the dossier's own inputs changed, when the rules or the set
of dossiers for the same product did, when impossible evidence is back, and, for what is not
Éligible, when its evidence changed. Verdict and wishes are stored in one transaction a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from dsync.annotations import desired
from dsync.annotations.config import DETAIL, RESULTAT
from dsync.domain.candidature import Candidature
from dsync.domain.dossier import OPEN_ETATS, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Verdict
from dsync.eligibility import (
    Evidence,
    RuleSet,
    evaluate,
    evidence_fingerprint,
    resolve_product,
    stored_product,
)
from dsync.errors import RuleEvaluationError
from dsync.store import Judgeable, NewVerdict, NewWish, Reader
from dsync.sync.batches import batches
from dsync.sync.context import Run
from dsync.sync.evidence import gather, with_registry
from dsync.sync.pages import quarantine
from dsync.sync.prefetch import prefetched

Products = Mapping[DossierNumber, str | None]
"""Which product a dossier names, by number."""
_NONE: Products = {}

COUNTED = OPEN_ETATS | {Etat.ACCEPTE}
"""States in which a dossier counts as another one for the same product."""


@dataclass(frozen=True, slots=True)
class Doublons:
    """Which dossiers are for the same product: one list a product, however many share it."""

    product_of: Mapping[DossierNumber, str]
    members: Mapping[str, Sequence[DossierNumber]]

    def of(self, numero: DossierNumber) -> tuple[DossierNumber, ...]:
        """Return the other dossiers for this one's product, by number."""
        product = self.product_of.get(numero)
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
        numbers = set(tx.evaluation_numbers(everything_open=evidence_moved))
        if evidence_moved or gathered.registry_enabled:
            numbers |= set(tx.undetermined())
    evidence = gathered.evidence() if numbers else None
    products = _moved_products(run, sorted(numbers), evidence) if evidence else {}
    with run.reading() as reader:
        doublons, regrouped = doublons_of(reader, products)
    numbers |= regrouped
    if numbers:
        evidence = evidence or gathered.evidence()
        _judge_all(run, sorted(numbers), evidence, doublons, products)
    if evidence_moved:
        with run.transaction() as tx:
            tx.save_state(evidence_key=gathered.key)


def _judge_all(
    run: Run,
    numbers: Sequence[DossierNumber],
    evidence: Evidence,
    doublons: Doublons,
    products: Products,
) -> None:
    """Judge a batch while the one before is being stored."""
    done = 0
    judged = (_judge(run, chunk, evidence, doublons) for chunk in batches(run.context, numbers))
    with prefetched(judged, run.context.stop) as ready:
        for batch in ready:
            store_verdicts(run, batch, products)
            done += len(batch.numbers)
            run.context.progress.evaluated(done, len(numbers))


def _moved_products(run: Run, numbers: Sequence[DossierNumber], evidence: Evidence) -> Products:
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
                product = resolve_product(row.page_produit, evidence.catalogue).product_id
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
    product_of: dict[DossierNumber, str] = {}
    names: dict[str, str] = {}
    judged: list[tuple[DossierNumber, tuple[DossierNumber, ...]]] = []
    for row in reader.products():
        is_present = row.presence == Presence.PRESENT
        produit_id = products.get(row.numero, row.produit_id)
        if produit_id:
            # One text a product, not one a dossier.
            product = names.setdefault(produit_id, produit_id)
            product_of[row.numero] = product
            if is_present and row.etat in COUNTED:
                members[product].append(row.numero)
        if is_present and row.etat in OPEN_ETATS and row.doublons is not None:
            judged.append((row.numero, row.doublons))
    doublons = Doublons(product_of, members)
    return doublons, {numero for numero, known in judged if known != doublons.of(numero)}


@dataclass(frozen=True, slots=True)
class Batch:
    """Dossiers that were looked at, with the verdicts that came of it."""

    numbers: Sequence[DossierNumber]
    verdicts: Sequence[tuple[Judgeable, NewVerdict]]
    failed: Set[DossierNumber] = frozenset()
    """Those on which a rule failed."""


def _judge(
    run: Run, numbers: Sequence[DossierNumber], evidence: Evidence, doublons: Doublons
) -> Batch:
    with run.reading() as reader:
        judgeables = reader.judgeable(numbers)
    evidence = with_registry(run, [j.candidature for j in judgeables], evidence)
    verdicts: list[tuple[Judgeable, NewVerdict]] = []
    failed: set[DossierNumber] = set()
    for judgeable in judgeables:
        others = doublons.of(judgeable.numero)
        try:
            decision = _decide(run, judgeable, evidence, others)
        except RuleEvaluationError:
            failed.add(judgeable.numero)
            continue
        if decision is not None:
            new = NewVerdict(judgeable.numero, decision, judgeable.inputs_hash, others)
            verdicts.append((judgeable, new))
    return Batch(numbers, verdicts, failed)


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


def _decide(
    run: Run, judgeable: Judgeable, evidence: Evidence, others: Sequence[DossierNumber]
) -> Decision | None:
    """Return a new decision, or None when the present verdict stands."""
    current, candidature = judgeable.current, judgeable.candidature
    rules = run.context.rules
    if judgeable.presence != Presence.PRESENT:
        return None
    if current is None:
        return judge(judgeable, candidature, evidence, rules, others)
    is_open = candidature.etat in OPEN_ETATS
    if not is_open and current.verdict is not Verdict.INDETERMINE:
        return None
    own_change = (
        current.inputs_hash != judgeable.inputs_hash
        or current.version_regles != rules.version
        or tuple(current.doublons) != tuple(others)
        # Judged when it was finished, and open again: nothing was ever wished for it.
        or (is_open and current.verdict is not Verdict.INDETERMINE and not judgeable.wished)
    )
    if current.verdict is Verdict.ELIGIBLE:
        decision = judge(judgeable, candidature, evidence, rules, others)
        return decision if own_change or decision.remarque != current.remarque else None
    if own_change or current.preuve_hash != evidence_fingerprint(candidature, evidence, rules):
        return judge(judgeable, candidature, evidence, rules, others)
    return None


def judge(
    judgeable: Judgeable,
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    others: Sequence[DossierNumber],
) -> Decision:
    """Judge a candidature; one that is Éligible on the product evidence that it was given on.

    The catalogue of another day then only adds a remark.
    """
    current, frozen = judgeable.current, None
    if current is not None and current.verdict is Verdict.ELIGIBLE:
        frozen = stored_product(current.controles)
    return evaluate(candidature, evidence, rules, doublons=others, frozen_product=frozen)


def _wishes(run: Run, judgeable: Judgeable, decision: Decision, now: datetime) -> list[NewWish]:
    """Return what the annotations should hold; nothing when a reader would see no difference."""
    if judgeable.candidature.etat not in OPEN_ETATS:
        return []
    wanted = desired(decision.verdict, decision.detail, now, run.context.annotations)
    wished = judgeable.wished
    if all(wished.get(name) == wanted.get(name) for name in (RESULTAT, DETAIL)):
        return []
    return [NewWish(judgeable.numero, name, value) for name, value in wanted.items()]
