"""Whether there is anything to decide on a dossier, and what."""

from __future__ import annotations

from typing import NamedTuple

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.evaluate import evaluate, evidence_fingerprint
from dsync.eig.precheck.evidence import Evidence, ProductEvidence
from dsync.eig.precheck.rules import RuleSet


class Standing(NamedTuple):
    """A verdict that stands unless something speaks for a new one."""

    is_stale: bool
    """Whether the dossier itself, its doublons or the rules are others than it was given on."""
    preuve_hash: str | None
    remarque: str | None
    product: ProductEvidence | None
    """What it is judged again on, while the applicant names that product."""


def decide(
    candidature: Candidature,
    evidence: Evidence,
    rules: RuleSet,
    *,
    doublons: tuple[DossierNumber, ...],
    standing: Standing | None,
) -> Decision | None:
    """Return a new decision, or None when the standing verdict stands.

    The catalogue of another day only adds a remark to a verdict whose product was found.

    Args:
        candidature: what is judged.
        evidence: what is publicly known.
        rules: the rules in force.
        doublons: the other dossiers for the same product.
        standing: the verdict that the dossier has; None when it was never judged.

    Raises:
        RuleEvaluationError: when a check fails, which is a fault of dsync.
    """
    if standing is None:
        return evaluate(candidature, evidence, rules, doublons=doublons)
    grounds = evidence_fingerprint(candidature, evidence, rules, standing.product)
    stands = not standing.is_stale and grounds == standing.preuve_hash
    if stands:
        if standing.product is None or evidence.catalogue is None:
            return None
        is_rewritten = grounds != evidence_fingerprint(candidature, evidence, rules)
        if not is_rewritten and standing.remarque is None:
            return None
    decision = evaluate(
        candidature, evidence, rules, doublons=doublons, frozen_product=standing.product
    )
    return None if stands and decision.remarque == standing.remarque else decision
