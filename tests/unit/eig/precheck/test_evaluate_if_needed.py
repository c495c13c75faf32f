"""When a dossier is judged again, and with which evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Verdict
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.catalogue import Catalogue
from dsync.eig.precheck.evaluation import CurrentVerdict, evaluate, evaluate_if_needed
from dsync.eig.precheck.evidence import Evidence, stored_product
from dsync.eig.precheck.rules import RuleSet

Build = Callable[..., Candidature]
PAGE = "https://beta.gouv.fr/startups"
OTHER = DossierNumber(9)


def current_of(decision: Decision, *, is_stale: bool = False, **changes: Any) -> CurrentVerdict:
    """Return a decision as the current verdict."""
    product = stored_product(decision.preuve)
    return CurrentVerdict(is_stale, structs.replace(decision, **changes), product)


@pytest.fixture
def past(write_startups: Callable[..., str]) -> Evidence:
    """Evidence with a later catalogue, in which the product's phase is ineligible."""
    products = {"a-just": {"name": "A-JUST", "phases": [("success", "2024-01-01")]}}
    return Evidence(Catalogue.parse(write_startups(products), "{}", source="later"))


@pytest.fixture
def unknown(candidature: Build) -> Candidature:
    """A candidature with an unknown product: Inéligible."""
    return candidature(page_produit=f"{PAGE}/nouveau")


def test_a_verdict_on_the_same_evidence_stays_valid(
    unknown: Candidature, evidence: Evidence, rules: RuleSet
) -> None:
    """Without any change there is no new decision."""
    first = evaluate(unknown, evidence, rules, doublons=())
    assert first.verdict is Verdict.INELIGIBLE
    later = replace(evidence, catalogue_at=None)
    assert evaluate_if_needed(unknown, later, rules, doublons=(), current=current_of(first)) is None


def test_a_verdict_without_a_digest_is_judged_again(
    unknown: Candidature, evidence: Evidence, rules: RuleSet
) -> None:
    """A verdict without a `preuve_hash` is evaluated again."""
    first = evaluate(unknown, evidence, rules, doublons=())
    current = current_of(first, preuve_hash=None)
    assert first == evaluate_if_needed(unknown, evidence, rules, doublons=(), current=current)


def test_a_stale_verdict_is_judged_again_on_the_same_evidence(
    unknown: Candidature, evidence: Evidence, rules: RuleSet
) -> None:
    """A change of the dossier, the doublons or the rules causes a new decision."""
    first = evaluate(unknown, evidence, rules, doublons=())
    current = current_of(first, is_stale=True)
    assert evaluate(unknown, evidence, rules, doublons=(OTHER,)) == evaluate_if_needed(
        unknown, evidence, rules, doublons=(OTHER,), current=current
    )


def test_an_eligible_verdict_stays_valid_on_the_same_catalogue(
    candidature: Build, evidence: Evidence, rules: RuleSet
) -> None:
    """The same catalogue, or none, causes no new decision."""
    first = evaluate(candidature(), evidence, rules, doublons=())
    for known in (evidence, Evidence(None)):
        current = current_of(first)
        assert evaluate_if_needed(candidature(), known, rules, doublons=(), current=current) is None


@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("before", [(), (OTHER,), (OTHER, DossierNumber(12))])
@pytest.mark.parametrize(
    "changes",
    [{}, {"code": "7210"}, {"page_produit": f"{PAGE}/docs"}, {"benefices": None, "voeux": []}],
)
def test_another_twin_gives_the_decision_of_a_whole_evaluation(
    candidature: Build,
    evidence: Evidence,
    past: Evidence,
    rules: RuleSet,
    changes: dict[str, Any],
    before: tuple[DossierNumber, ...],
    rewritten: bool,
) -> None:
    """Results that still hold are kept, and give the same text, evidence and remark."""
    one, now = candidature(**changes), past if rewritten else evidence
    first = evaluate(one, evidence, rules, doublons=before)
    twins = (DossierNumber(11),)
    assert evaluate(
        one, now, rules, doublons=twins, frozen_product=stored_product(first.preuve)
    ) == evaluate_if_needed(one, now, rules, doublons=twins, current=current_of(first))


def test_a_stale_eligible_verdict_is_judged_on_its_product_evidence(
    candidature: Build, evidence: Evidence, past: Evidence, rules: RuleSet
) -> None:
    """A change of other answers does not discard the frozen evidence."""
    first = evaluate(candidature(), evidence, rules, doublons=())
    other = candidature(probleme="Un autre problème")
    decision = evaluate_if_needed(
        other, past, rules, doublons=(), current=current_of(first, is_stale=True)
    )
    assert decision is not None
    assert (Verdict.ELIGIBLE, "construction") == (
        decision.verdict,
        decision.constats["phase_constatee"],
    )
    worse = candidature(code="7210")
    decision = evaluate_if_needed(
        worse, past, rules, doublons=(), current=current_of(first, is_stale=True)
    )
    assert decision is not None
    assert (Verdict.INELIGIBLE, "construction") == (
        decision.verdict,
        decision.constats["phase_constatee"],
    )


def test_a_stale_eligible_verdict_on_the_same_evidence_is_given_again(
    candidature: Build, evidence: Evidence, rules: RuleSet
) -> None:
    """The new fingerprint is stored even if the text is equal."""
    first = evaluate(candidature(), evidence, rules, doublons=())
    current = current_of(first, is_stale=True)
    assert first == evaluate_if_needed(candidature(), evidence, rules, doublons=(), current=current)


@pytest.mark.parametrize("how", ["another product", "erased evidence"])
def test_a_verdict_without_its_evidence_is_judged_on_the_catalogue_at_hand(
    candidature: Build, evidence: Evidence, past: Evidence, rules: RuleSet, how: str
) -> None:
    """Frozen evidence is not used for another product."""
    first = evaluate(candidature(), evidence, rules, doublons=())
    current = current_of(first, is_stale=True)
    one = candidature()
    if how == "another product":
        one = candidature(page_produit=f"{PAGE}/docs")
    else:
        current = current._replace(product=None)
    decision = evaluate_if_needed(one, past, rules, doublons=(), current=current)
    assert decision is not None
    anew = evaluate(one, past, rules, doublons=())
    assert (anew.verdict, anew.controles) == (decision.verdict, decision.controles)
    assert decision.verdict is Verdict.INELIGIBLE
