"""Judge what has to be judged, and put the wishes that follow into the outbox.

A verdict is worked out again when the dossier's own inputs changed, when the rules or the set
of dossiers for the same product did, when impossible evidence is back, and, for what is not
Éligible, when its evidence changed. Verdict and wishes are stored in one transaction a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import structlog

from dsync.annotations import desired
from dsync.annotations.config import DETAIL, RESULTAT
from dsync.domain.dossier import OPEN_ETATS, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Verdict
from dsync.eligibility import (
    Evidence,
    evaluate,
    evidence_fingerprint,
    resolve_product,
    stored_product,
)
from dsync.errors import RuleEvaluationError
from dsync.store import Judgeable, NewVerdict, NewWish, Tx
from dsync.sync.context import Run
from dsync.sync.evidence import gather, with_registry

log = structlog.get_logger(__name__)

BATCH = 500
COUNTED = OPEN_ETATS | {Etat.ACCEPTE}
"""States in which a dossier counts as another one for the same product."""

Doublons = Mapping[DossierNumber, tuple[DossierNumber, ...]]


def evaluate_due(run: Run) -> None:
    """Give every verdict that is due, after the crawl: doublons are judged over all dossiers."""
    gathered = gather(run)
    with run.transaction() as tx:
        tx.queue_outdated(run.context.rules.version)
        evidence_moved = tx.state().evidence_key != gathered.key
        numbers = set(tx.evaluation_numbers(everything_open=evidence_moved))
        if gathered.registry_enabled:
            numbers |= set(tx.undetermined())
    _resolve_products(run, sorted(numbers), gathered.evidence)
    with run.transaction() as tx:
        doublons, regrouped = _doublons(tx)
    numbers |= regrouped
    done = 0
    for chunk in _chunks(sorted(numbers)):
        run.context.check_stop()
        _judge(run, chunk, gathered.evidence, doublons)
        done += len(chunk)
        run.context.progress.evaluated(done, len(numbers))
    if evidence_moved:
        with run.transaction() as tx:
            tx.save_state(evidence_key=gathered.key)


def _resolve_products(run: Run, numbers: Sequence[DossierNumber], evidence: Evidence) -> None:
    """Say which product each dossier names, before anyone counts dossiers by product."""
    for chunk in _chunks(numbers):
        with run.transaction() as tx:
            moved = []
            for row in tx.addresses(chunk):
                frozen = stored_product(row.controles) if row.verdict == Verdict.ELIGIBLE else None
                if frozen and frozen.address == row.page_produit:
                    product = frozen.product_id
                else:
                    product = resolve_product(row.page_produit, evidence.catalogue).product_id
                if product != row.produit_id:
                    moved.append((row.numero, product))
            tx.set_product(moved)


def _doublons(tx: Tx) -> tuple[Doublons, set[DossierNumber]]:
    """Return the other dossiers for each one's product, and those whose set changed."""
    members: dict[str, list[DossierNumber]] = defaultdict(list)
    rows = tx.products()
    for row in rows:
        if row.produit_id and row.presence == Presence.PRESENT and row.etat in COUNTED:
            members[row.produit_id].append(row.numero)
    doublons: dict[DossierNumber, tuple[DossierNumber, ...]] = {}
    regrouped = set()
    for row in rows:
        others = members.get(row.produit_id, []) if row.produit_id else []
        doublons[row.numero] = tuple(sorted(n for n in others if n != row.numero))
        is_open = row.presence == Presence.PRESENT and row.etat in OPEN_ETATS
        if is_open and row.doublons is not None and tuple(row.doublons) != doublons[row.numero]:
            regrouped.add(row.numero)
    return doublons, regrouped


def _judge(
    run: Run, numbers: Sequence[DossierNumber], evidence: Evidence, doublons: Doublons
) -> None:
    with run.transaction() as tx:
        judgeables = tx.judgeable(numbers)
    evidence = with_registry(run, [j.candidature for j in judgeables], evidence)
    verdicts, failed = [], []
    for judgeable in judgeables:
        try:
            decision = _decide(run, judgeable, evidence, doublons)
        except Exception as exc:  # noqa: BLE001 - one dossier's fault must stop nobody
            log.exception("rule_failed", dossier=judgeable.numero, error=type(exc).__name__)
            failed.append(judgeable.numero)
            continue
        if decision is not None:
            others = doublons.get(judgeable.numero, ())
            verdicts.append((judgeable, NewVerdict(
                judgeable.numero, decision, judgeable.inputs_hash, others
            )))
    _store(run, numbers, verdicts, failed)


def _store(
    run: Run,
    numbers: Sequence[DossierNumber],
    verdicts: Sequence[tuple[Judgeable, NewVerdict]],
    failed: Sequence[DossierNumber],
) -> None:
    now = run.now
    wishes = [
        wish for judgeable, verdict in verdicts for wish in _wishes(run, judgeable, verdict, now)
    ]
    with run.transaction() as tx:
        tx.save_verdicts(run.id, [verdict for _, verdict in verdicts], now)
        tx.wish(wishes, now)
        for number in failed:
            tx.quarantine(run.id, number, "regle", RuleEvaluationError.__doc__ or "", now)
        tx.clear_evaluation([n for n in numbers if n not in set(failed)])
    run.report.evaluated += len(verdicts)
    run.report.verdicts.update(verdict.decision.verdict.key for _, verdict in verdicts)
    run.report.quarantined += len(failed)
    if failed:
        run.report.problem(
            "A rule failed on some dossiers, which keep their last verdict: see "
            "`dsync quarantine list` and report it."
        )


def _decide(
    run: Run, judgeable: Judgeable, evidence: Evidence, doublons: Doublons
) -> Decision | None:
    """Return a new decision, or None when the present verdict stands."""
    current = judgeable.current
    is_open = judgeable.candidature.etat in OPEN_ETATS
    if judgeable.presence != Presence.PRESENT or (current is not None and not is_open):
        return None
    others = doublons.get(judgeable.numero, ())
    rules = run.context.rules
    if current is None:
        return evaluate(judgeable.candidature, evidence, rules, doublons=others)
    own_change = (
        current.inputs_hash != judgeable.inputs_hash
        or current.version_regles != rules.version
        or tuple(current.doublons) != others
    )
    if current.verdict == Verdict.ELIGIBLE:
        return _decide_eligible(run, judgeable, evidence, others, own_change=own_change)
    if own_change or current.preuve_hash != evidence_fingerprint(
        judgeable.candidature, evidence, rules
    ):
        return evaluate(judgeable.candidature, evidence, rules, doublons=others)
    return None


def _decide_eligible(
    run: Run,
    judgeable: Judgeable,
    evidence: Evidence,
    others: Sequence[DossierNumber],
    *,
    own_change: bool,
) -> Decision | None:
    """Keep an Éligible's product evidence; note what today's catalogue would say instead."""
    current = judgeable.current
    assert current is not None  # noqa: S101 - the caller has looked
    rules = run.context.rules
    today = evaluate(judgeable.candidature, evidence, rules, doublons=others)
    frozen = stored_product(current.controles)
    if frozen is None or frozen.address != judgeable.candidature.page_produit:
        return today if own_change else None
    kept = evaluate(
        judgeable.candidature, evidence, rules, doublons=others, frozen_product=frozen
    )
    remark = None
    if today.verdict not in (kept.verdict, Verdict.INDETERMINE):
        remark = f"Sur le catalogue actuel, le pré-contrôle donnerait : {today.verdict.value}."
    if own_change or remark != current.remarque:
        return replace(kept, remarque=remark)
    return None


def _wishes(
    run: Run, judgeable: Judgeable, verdict: NewVerdict, now: object
) -> list[NewWish]:
    """Return what the annotations should hold; nothing when the reader would see no difference."""
    if judgeable.candidature.etat not in OPEN_ETATS:
        return []
    decision = verdict.decision
    wanted = desired(decision.verdict, decision.detail, run.now, run.context.annotations)
    wished = judgeable.wished
    if all(wished.get(name) == wanted.get(name) for name in (RESULTAT, DETAIL)):
        return []
    return [NewWish(judgeable.numero, name, value) for name, value in wanted.items()]


def _chunks(numbers: Sequence[DossierNumber]) -> Iterator[Sequence[DossierNumber]]:
    for start in range(0, len(numbers), BATCH):
        yield numbers[start : start + BATCH]
