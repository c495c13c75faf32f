"""Judge what has to be judged, and put the wishes that follow into the outbox.

A verdict is worked out again when the dossier's own inputs changed, when the rules or the set
of dossiers for the same product did, when impossible evidence is back, and, where no product was
found, when its evidence changed. Verdict and wishes are stored in one transaction a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import NamedTuple

from msgspec.structs import replace

from dsync.annotations import desired
from dsync.annotations.config import DETAIL, RESULTAT
from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Verdict
from dsync.eligibility import (
    Evidence,
    ProductEvidence,
    RuleSet,
    Standing,
    decide,
    evaluate,
    name_product,
    stored_product,
)
from dsync.store import Judgeable, NamedId, NewVerdict, NewWish, Reader, StoredVerdict
from dsync.sync.batches import batches
from dsync.sync.context import Run
from dsync.sync.evidence import Gathered, gather, with_registry
from dsync.sync.pages import note_anomaly

NOON = time(12, tzinfo=UTC)
"""The same day in Paris as in UTC."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What an operator asks for: dossiers are then judged even where their verdict stands."""

    as_of: date | None = None
    """Judge as if they had been deposited that day."""
    refresh: bool = False
    """Judge on the catalogue at hand instead of the product evidence kept."""


def evaluate_due(run: Run, *, accept_catalogue: bool = False) -> None:
    """Give every verdict that is due, after the crawl: doublons are judged over all dossiers.

    Args:
        run: the run under way.
        accept_catalogue: whether a catalogue that the safety brake stopped is to be believed.

    Raises:
        StoreError: the verdicts stored so far stay; the others are still due.
    """
    gathered = gather(run, accept=accept_catalogue)
    with run.transaction() as tx:
        # Both what is judged by and what it rests on: the open ones are looked at again.
        key = f"{gathered.key}:{run.context.rules.version}"
        has_moved = tx.state().evidence_key != key
        numbers: Sequence[DossierNumber] = tx.evaluation_numbers(everything_open=has_moved)
        if has_moved or gathered.registry_enabled:
            numbers = _with(numbers, tx.undetermined())
    for batch in judge(run, gathered, numbers):
        store_verdicts(run, batch)
    if has_moved:
        with run.transaction() as tx:
            tx.save_state(evidence_key=key)


def judge(
    run: Run, gathered: Gathered, numbers: Sequence[DossierNumber], demand: Demand | None = None
) -> Iterator[Batch]:
    """Judge dossiers, batch by batch: the one way from candidatures to decisions.

    What is due after a crawl comes without a `demand`: a verdict that nothing speaks against
    then stands, and the dossiers whose doublons changed are judged too. The caller stores a batch
    before it takes the next.

    Args:
        run: the run under way.
        gathered: its evidence.
        numbers: the dossiers, in order.
        demand: what an operator asks for.

    Raises:
        InterruptedRunError: before a batch, when the run was asked to stop.
        StoreError: the database cannot be read.
    """
    evidence = cache(gathered.evidence)  # Read when first needed.
    concerned = _name_products(run, numbers, evidence, demand)
    if demand is None:
        numbers = _with(numbers, concerned)
    done = 0
    for some in batches(run.context, numbers):
        yield _judged(run, some, evidence(), demand)
        done += len(some)
        run.context.progress.evaluated(done, len(numbers))


def _with(
    numbers: Sequence[DossierNumber], others: Collection[DossierNumber]
) -> Sequence[DossierNumber]:
    """Return both in order, each once; the same list when there is nothing to add."""
    return sorted({*numbers, *others}) if others else numbers


def _name_products(
    run: Run,
    numbers: Sequence[DossierNumber],
    evidence: Callable[[], Evidence],
    demand: Demand | None,
) -> set[DossierNumber]:
    """Store the product of each dossier that names another one than before.

    Before anyone is judged: dossiers for one product are counted. Returns all whom it concerns.
    Without a catalogue nothing is known to have moved.
    """
    concerned: set[DossierNumber] = set()
    for chunk in batches(run.context, numbers):
        catalogue = evidence().catalogue
        if catalogue is None:
            break
        with run.reading() as reader:
            rows = reader.addresses(chunk)
        moved: dict[DossierNumber, NamedId] = {}
        for row in rows:
            frozen = None if demand and demand.refresh else stored_product(row.preuve_produit)
            match = name_product(row.page_produit, evidence(), frozen).match
            id_ = catalogue.present_id(match.product_id) if match.product_id else None
            product = NamedId(id_, id_ is not None and match.is_published)
            if product != row.product:
                moved[row.numero] = product
        if moved:
            with run.transaction() as tx:
                concerned.update(tx.name_products(moved))
    return concerned


def _doublons(
    reader: Reader, judgeables: Sequence[Judgeable]
) -> dict[DossierNumber, tuple[DossierNumber, ...]]:
    """Return the other dossiers for each one's product, by number."""
    products = {j.product.id for j in judgeables if j.product.id is not None}
    members = reader.sharing(sorted(products)) if products else {}
    return {
        j.numero: tuple(n for n in members.get(j.product.id or "", ()) if n != j.numero)
        for j in judgeables
    }


class Judged(NamedTuple):
    """A dossier with the decision on it."""

    judgeable: Judgeable
    decision: Decision
    others: tuple[DossierNumber, ...]
    """The other dossiers for its product."""

    @property
    def stands(self) -> bool:
        """Whether the verdict given earlier stays: the evidence for another is out of reach."""
        current = self.judgeable.current
        return (
            current is not None
            and current.verdict is not Verdict.INDETERMINE
            and self.decision.verdict is Verdict.INDETERMINE
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Dossiers that were looked at, with the decisions that came of it."""

    numbers: Sequence[DossierNumber]
    judged: Sequence[Judged]
    failed: Set[DossierNumber] = frozenset()
    """Those on which a rule failed."""


def _judged(
    run: Run, numbers: Sequence[DossierNumber], evidence: Evidence, demand: Demand | None
) -> Batch:
    """Judge dossiers, but those whose verdict is not looked at any more."""
    rules = run.context.rules
    with run.reading() as reader:
        read = reader.judgeable(numbers)
        doublons = _doublons(reader, read)
    judgeables = [j for j in read if j.presence == Presence.PRESENT and (demand or _is_due(j))]
    known = with_registry(run, [j.candidature for j in judgeables], evidence)
    judged: list[Judged] = []
    failed: set[DossierNumber] = set()
    for j in judgeables:
        others = doublons[j.numero]
        try:
            decision = _decide(j, known, rules, others, demand)
        except Exception:  # Whatever fails on one dossier stops no other.
            failed.add(j.numero)
            continue
        if decision is not None:
            judged.append(Judged(j, decision, others))
    return Batch(numbers, judged, failed)


def _decide(
    judgeable: Judgeable,
    evidence: Evidence,
    rules: RuleSet,
    others: tuple[DossierNumber, ...],
    demand: Demand | None,
) -> Decision | None:
    """Return the decision on a dossier, None when its verdict stands."""
    current = judgeable.current
    frozen = stored_product(current.preuve_produit) if current else None
    candidature = judgeable.candidature
    if demand is None:
        standing = _standing(judgeable, current, rules.version, others, frozen) if current else None
        return decide(candidature, evidence, rules, doublons=others, standing=standing)
    if demand.as_of is not None:
        candidature = replace(candidature, depose_le=datetime.combine(demand.as_of, NOON))
    if demand.refresh:
        frozen = None
    return evaluate(candidature, evidence, rules, doublons=others, frozen_product=frozen)


def _is_due(judgeable: Judgeable) -> bool:
    """A finished dossier keeps its verdict, but for one that could not be given."""
    current = judgeable.current
    return (
        current is None
        or judgeable.candidature.etat in OPEN_ETATS
        or current.verdict is Verdict.INDETERMINE
    )


def _standing(
    judgeable: Judgeable,
    current: StoredVerdict,
    version_regles: str,
    others: tuple[DossierNumber, ...],
    frozen: ProductEvidence | None,
) -> Standing:
    """Return the verdict that a dossier has, as far as judging it again needs it."""
    is_open = judgeable.candidature.etat in OPEN_ETATS
    is_stale = (
        current.inputs_hash != judgeable.inputs_hash
        or current.version_regles != version_regles
        or current.doublons != others
        # Judged when it was finished, and open again: nothing was ever wished for it.
        or (is_open and current.verdict is not Verdict.INDETERMINE and not judgeable.wished)
    )
    return Standing(is_stale, current.preuve_hash, current.remarque, frozen)


def store_verdicts(run: Run, batch: Batch) -> None:
    """Store a batch of verdicts with the wishes that follow, in one transaction.

    A verdict that stands for want of evidence stays, and its dossier stays due.
    """
    now = run.now
    given = [one for one in batch.judged if not one.stands]
    waiting = {one.judgeable.numero for one in batch.judged if one.stands}
    verdicts = [
        NewVerdict(one.judgeable.numero, one.decision, one.judgeable.inputs_hash, one.others)
        for one in given
    ]
    wishes = [wish for one in given for wish in _wishes(run, one, now)]
    with run.transaction() as tx:
        fresh = set(tx.save_verdicts(run.id, verdicts, now))
        tx.wish(wishes, now)
        for number in sorted(batch.failed):
            note_anomaly(run, tx, number, "regle")
        still_due = batch.failed | waiting
        tx.close_evaluation([number for number in batch.numbers if number not in still_due])
    run.report.evaluated += len(fresh)
    run.report.verdicts.update(new.decision.verdict.key for new in verdicts if new.numero in fresh)
    run.report.set_aside.update(batch.failed)
    if batch.failed:
        run.report.problem(
            "A rule failed on some dossiers, which keep their last verdict: see "
            "`dsync quarantine list` and report it."
        )


def _wishes(run: Run, judged: Judged, now: datetime) -> list[NewWish]:
    """Return what the annotations should hold; nothing when a reader would see no difference."""
    judgeable, decision, _ = judged
    if judgeable.candidature.etat not in OPEN_ETATS:
        return []
    current = judgeable.current
    is_same = current is not None and (current.verdict, current.detail) == (
        decision.verdict,
        decision.detail,
    )
    since = current.depuis_le if current is not None and is_same else now
    wanted = desired(decision.verdict, decision.detail, since, run.context.annotations)
    wished = judgeable.wished
    if all(wished.get(name) == wanted.get(name) for name in (RESULTAT, DETAIL)):
        return []
    return [NewWish(judgeable.numero, name, value) for name, value in wanted.items()]
