"""The decision: reproducible, with reasons, and never Inéligible for missing evidence."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision, Resultat, Verdict
from dsync.eig.candidature import Reponse, Voeu
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evidence import PublicEvidence, stored_product
from tests.unit.eig.precheck.builders import (
    EVIDENCE,
    FETCHED_AT,
    RULES,
    CurrentVerdict,
    a_just,
    candidature,
    judge_if_needed,
    judged,
    load_rules,
    published,
    without,
)

PAGE = "https://beta.gouv.fr/startups"


def test_an_eligible_candidature() -> None:
    """All checks conforme give Éligible, with the constats."""
    decision = judged(candidature())
    assert decision.verdict is Verdict.ELIGIBLE
    told = ("produit_id", "phase_constatee", "type_administration")
    expected = ["a-just", "construction", "administration_centrale"]
    assert expected == [decision.constats[name] for name in told]
    assert decision.version_regles == RULES.version


@pytest.mark.parametrize("written", ["accélération", "Acceleration", "ACCÉLÉRATION "])
def test_one_phase_has_one_spelling(written: str) -> None:
    catalogue = published(a_just([(written, "2020-01-01")]))
    known = PublicEvidence(catalogue, datetime(2024, 5, 20, 9, tzinfo=UTC))
    decision = judged(candidature(), known)
    assert "acceleration" == decision.constats["phase_constatee"]


def test_a_check_is_no_more_severe_than_configured() -> None:
    functions = ("administration", "fiche_produit", "phase")
    rules = load_rules(**{name: {"sinon": "a_verifier"} for name in functions})
    decision = judged(candidature(code="7210", page_produit=None, voeux=()), EVIDENCE, rules)
    assert decision.verdict is Verdict.A_VERIFIER


def test_a_check_that_is_off_is_not_made() -> None:
    """It has no result and no text; a blank answer that it would report is one of completude."""
    needed = (("page_produit", "Page produit"),)
    answers: dict[str, Any] = {"code": "7210", "page_produit": None, "voeux": ()}

    def decided(*off: str) -> Decision:
        rules = load_rules(needed=needed, **without(*off))
        return judged(candidature(**answers), EVIDENCE, rules)

    off = (Check.ADMINISTRATION, Check.FICHE_PRODUIT, Check.PROFILS)
    whole, part = decided(), decided(*off)
    assert (Verdict.INELIGIBLE, Verdict.A_VERIFIER) == (whole.verdict, part.verdict)
    assert whole.version_regles != part.version_regles
    names = [controle.controle for controle in part.controles]
    assert [check for check in Check if check not in off] == names
    assert not {"administration", "profils"} & set(part.detail.replace(":", " ").split())
    assert "« Page produit »" in part.detail.replace("\u00a0", " ")
    assert "inconnu" == part.constats["type_administration"]


_PAGES = [f"{PAGE}/a-just", f"{PAGE}/docs {PAGE}/a-just", f"{PAGE}/rien"]
_TYPED = [*_PAGES, "A-JUST", "Service jumeau"]
_ANY_TEXT = st.none() | st.text(max_size=300) | st.sampled_from(_TYPED)
_VOEUX = st.builds(Voeu, st.integers(1, 4), _ANY_TEXT, st.none())
_FIELDS = ["page_produit", "phase_declaree", "cas_demande", "voeux", "probleme", "entite"]
_CHANGES = st.fixed_dictionaries(
    {
        "page_produit": _ANY_TEXT,
        "phase_declaree": _ANY_TEXT | st.just("Construction"),
        "cas_demande": _ANY_TEXT | st.just("Internaliser le pilotage stratégique"),
        "voeux": st.lists(_VOEUX, max_size=4).map(tuple),
        "probleme": _ANY_TEXT,
        "reponses": st.dictionaries(st.sampled_from(_FIELDS), st.sampled_from(Reponse)),
        "code": st.sampled_from([None, "7120", "7210", "9220", "7389", "8210"]),
        "depose_le": st.datetimes(datetime(2023, 12, 1), datetime(2025, 2, 1)).map(  # noqa: DTZ001
            lambda moment: moment.replace(tzinfo=UTC)
        ),
    }
)


@settings(max_examples=40)
@given(_CHANGES, st.lists(st.integers(2, 2_000_000_000), max_size=30), st.randoms())
def test_the_same_input_gives_the_same_bytes(
    changes: dict[str, Any], doublons: list[int], order: random.Random
) -> None:
    """The order of champs, wishes, doublons, answers does not matter, nor the time of fetch."""
    one = candidature(**changes)
    named, others = doublons[:10], doublons[10:]
    order.shuffle(shuffled := list(named))
    shuffled += others
    voeux = list(changes["voeux"])
    order.shuffle(voeux)
    reponses = dict(reversed(changes["reponses"].items()))
    other = one.with_changes(voeux=tuple(voeux), reponses=reponses)
    first = judged(one, doublons=doublons)  # type: ignore[arg-type]
    second = judged(other, doublons=shuffled)  # type: ignore[arg-type]
    read_later = replace(EVIDENCE, catalogue_at=FETCHED_AT + timedelta(hours=9))
    later = judged(one, read_later, doublons=doublons)  # type: ignore[arg-type]
    assert first == second
    assert (later.detail, later.preuve_hash) == (first.detail, first.preuve_hash)
    assert len(first.detail) <= 2000
    assert json.loads(json.dumps([dict(c.preuve) for c in first.controles])) == [
        c.preuve for c in first.controles
    ]


@settings(max_examples=40)
@given(_CHANGES)
def test_unknown_evidence_alone_never_gives_ineligible(changes: dict[str, Any]) -> None:
    one = candidature(**changes)
    known = judged(one)
    unknown = judged(one, PublicEvidence(None, registry_enabled=True))
    before = {c.controle for c in known.controles if c.resultat is Resultat.NON_CONFORME}
    after = {c.controle for c in unknown.controles if c.resultat is Resultat.NON_CONFORME}
    assert after <= before


def test_the_fingerprint_moves_only_with_its_own_evidence() -> None:
    """Changes of the own product and of the registry's answer change it, others do not."""
    product = {"name": "A", "phases": [("construction", "2023-01-01")]}
    moved = product | {"phases": [("success", "2023-01-01")]}

    def of(products: dict[str, Any], redirects: str | None = "{}") -> str:
        found = PublicEvidence(published(products, redirects))
        return judged(candidature(), found).preuve_hash

    assert of({"a-just": product}) == of({"a-just": product, "b": moved}, None)
    assert of({"a-just": product}) != of({"a-just": moved})
    assert of({"b": product}) != of({"b": product}, None)
    without_code = candidature(code=None)
    asked = replace(EVIDENCE, registry_enabled=True)
    hashes = [judged(without_code, known).preuve_hash for known in (asked, EVIDENCE)]
    assert hashes[0] != hashes[1]


PAST = PublicEvidence(published(a_just([("success", "2024-01-01")])))
"""With a later catalogue, in which the product's phase is ineligible."""


def test_a_verdict_keeps_its_product_evidence() -> None:
    """A later change of the catalogue only adds a remark."""
    first = judged(candidature())
    frozen = stored_product(first.preuve)
    assert frozen is not None
    assert (frozen.product.id, frozen.saisie) == ("a-just", candidature().page_produit)
    kept = judged(candidature(), PAST, frozen=frozen)
    assert structs.replace(kept, remarque=None) == first
    assert (kept.remarque or "").startswith(
        "D’après le catalogue actuel, le verdict serait Inéligible. Phase « pérennisé » au"
    )


@pytest.mark.parametrize("later", ["same", "none"])
def test_no_remark_without_a_change(later: str) -> None:
    first = judged(candidature())
    now = EVIDENCE if later == "same" else PublicEvidence(None)
    frozen = stored_product(first.preuve)
    assert judged(candidature(), now, frozen=frozen) == first


FROZEN_CASES = {
    "the same address": ("a-just", "a-just", {}),
    "with .html": ("a-just", "a-just.html", {}),
    "an alias of it": ("a-just", "ajust", {"ajust": "a-just"}),
    "its site, then its page": (None, "a-just", {}),
    "withdrawn": ("a-just", "a-just", None),
    "withdrawn, with .html": ("a-just", "A-JUST.html", None),
    "renamed with an alias, old address": ("a-just", "a-just.html", {"a-just": "justice"}),
    "renamed with an alias, new address": ("a-just", "justice", {"a-just": "justice"}),
    "an alias that is gone since": ("ajust", "ajust.html", {}),
}


@pytest.mark.parametrize("case", FROZEN_CASES)
def test_the_product_named_keeps_its_evidence_however_it_is_spelled(case: str) -> None:
    """Frozen evidence applies to the product, even if it was rewritten, renamed or withdrawn."""
    before, after, renamed = FROZEN_CASES[case]
    rewritten = {"name": "Autre nom", "phases": [("alumni", "2021-01-01")]}
    ids = {"autre", *(["a-just"] if renamed is not None else []), *(renamed or {}).values()}
    ids -= set(renamed or {})
    redirects = {f"/startups/{old}": f"{PAGE}/{new}.html" for old, new in (renamed or {}).items()}
    catalogue = published(dict.fromkeys(sorted(ids), rewritten), json.dumps(redirects))
    later = PublicEvidence(catalogue, datetime(2024, 5, 30, tzinfo=UTC))
    typed = f"{PAGE}/{before}" if before else "https://a-just.beta.gouv.fr"
    first = judged(candidature(page_produit=typed))
    frozen = stored_product(first.preuve)
    one = candidature(page_produit=f"{PAGE}/{after}")
    decision = judged(one, later, frozen=frozen)
    assert (Verdict.ELIGIBLE, "construction") == (
        decision.verdict,
        decision.constats["phase_constatee"],
    )
    assert decision.detail.count("a-just.html") == 1
    again = stored_product(decision.preuve)
    assert again is not None
    assert frozen is not None
    assert (again.product, again.consulte_le) == (frozen.product, frozen.consulte_le)


def test_a_name_that_was_corrected_is_judged_anew() -> None:
    """That an earlier catalogue lacked no page is known of an address alone."""
    near, corrected = judged(candidature(page_produit="domiffa")), f"{PAGE}/domifa"
    current = CurrentVerdict(True, near, stored_product(near.preuve))
    one = candidature(page_produit=corrected)
    assert judged(one) == judge_if_needed(one, current=current)


def test_another_product_is_judged_on_todays_catalogue() -> None:
    frozen = stored_product(judged(candidature()).preuve)
    other = candidature(page_produit=f"{PAGE}/docs")
    decision = judged(other, frozen=frozen)
    assert decision == judged(other)
    assert (kept := stored_product(decision.preuve))
    assert kept.product.id == "docs"


@pytest.mark.parametrize("typed", [None, f"{PAGE}/rien-de-tel", f"{PAGE}/docs {PAGE}/a-just"])
def test_evidence_outlives_an_answer_that_names_no_product(typed: str | None) -> None:
    """Frozen evidence is kept while the champ is blank, and used when it is filled again."""
    first = judged(candidature())
    between = judged(
        candidature(page_produit=typed),
        PAST,
        frozen=stored_product(first.preuve),
    )
    assert between.constats["produit_id"] is None
    after = judged(candidature(), PAST, frozen=stored_product(between.preuve))
    assert (first.verdict, first.detail) == (after.verdict, after.detail)


@pytest.mark.parametrize("document", [None, {}, {"saisie": "x"}, ["x"], "x"], ids=str)
def test_erased_or_broken_evidence_is_none(document: Any) -> None:
    assert stored_product(document) is None


@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("before", [(), (DossierNumber(9),), (DossierNumber(9), DossierNumber(12))])
@pytest.mark.parametrize(
    "changes", [{}, {"code": "7210"}, {"page_produit": f"{PAGE}/docs"}, {"voeux": []}]
)
def test_another_twin_gives_the_decision_of_a_whole_evaluation(
    changes: dict[str, Any], before: tuple[DossierNumber, ...], rewritten: bool
) -> None:
    """Results that still hold are kept, and give the same text, evidence and remark."""
    one, now = candidature(**changes), PAST if rewritten else EVIDENCE
    first = judged(one, doublons=before)
    frozen, twins = stored_product(first.preuve), (DossierNumber(11),)
    whole = judged(one, now, doublons=twins, frozen=frozen)
    current = CurrentVerdict(False, first, frozen)
    assert whole == judge_if_needed(one, now, doublons=twins, current=current)


@pytest.mark.parametrize(
    ("changes", "stands"),
    [({}, True), ({"probleme": "Autre"}, True), ({"page_produit": f"{PAGE}/autre.html"}, False)],
)
def test_an_answer_read_in_time_stays_so_whatever_else_changes(
    changes: dict[str, Any], stands: bool
) -> None:
    """A revision that adds a question a year later is no new reading of an unknown page."""
    given: dict[str, Any] = {"page_produit": f"{PAGE}/inconnue.html"}
    first = judged(candidature(**given))
    assert first.verdict is Verdict.INELIGIBLE
    later = PublicEvidence(EVIDENCE.catalogue, FETCHED_AT + timedelta(days=365))
    current = CurrentVerdict(True, first, stored_product(first.preuve))
    one = candidature(**given | changes)
    again = judge_if_needed(one, later, current=current)
    assert again is not None
    assert stands == (first.controles[2] == again.controles[2])
    assert stands == (again.verdict is Verdict.INELIGIBLE)
    # Other rules read it anew.
    other = structs.replace(first, version_regles="other")
    current = CurrentVerdict(True, other, None)
    anew = judge_if_needed(candidature(**given), later, current=current)
    assert anew is not None
    assert anew.verdict is Verdict.A_VERIFIER
