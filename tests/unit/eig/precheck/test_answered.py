"""What a person's answer means: about which product, by which one, and of a check that is off."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from dsync.domain.check_answers import Answer, found_by
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Decision, Resultat, Verdict
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evidence import PublicEvidence, stored_product
from tests.unit.eig.precheck.builders import (
    EVIDENCE,
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
TWIN = (DossierNumber(9),)


def one_of(decision: Decision, name: str) -> Controle:
    return next(c for c in decision.controles if c.controle == name)


def answer(
    decision: Decision, name: str, resultat: str = "conforme", produit: str | None = None
) -> dict[str, Answer]:
    """Answer a check on what it finds."""
    at = datetime(2024, 6, 3, 9, tzinfo=UTC)
    found = found_by(one_of(decision, name))
    return {
        name: Answer(7, name, Resultat(resultat), "vu", "ada.lo@x.fr", at, found, produit=produit)
    }


def decided(page: str | None, answers: Any = None, *, frozen: Any = None, **more: Any) -> Decision:
    """Judge a candidature with this page and these answers."""
    options = {"doublons": more.pop("doublons", ()), "frozen": stored_product(frozen)}
    one = candidature(page_produit=page, **more)
    return judged(one, answers=answers or {}, **options)


@pytest.mark.parametrize("name", ["phase", "cas_octroi", "doublon"])
@pytest.mark.parametrize(
    ("then", "resultat"),
    [
        (f"{PAGE}/a-just", "non_conforme"),
        (f"{PAGE}/a-just.html", "non_conforme"),
        (f"{PAGE}/ajust", "non_conforme"),
        # Of the same phases and cases, and as lonely.
        (f"{PAGE}/mdso", "a_verifier"),
        (f"{PAGE}/pix", "a_verifier"),
    ],
)
def test_an_answer_holds_for_the_product_about_which_it_was_given(
    name: str, then: str, resultat: str
) -> None:
    """Though another product gives the same finding; not for another spelling of the same one."""
    first = decided(f"{PAGE}/a-just")
    given = answer(first, name, "non_conforme")
    assert resultat == one_of(decided(then, given), name).resultat.value


@pytest.mark.parametrize(
    ("typed", "given", "then", "resultat"),
    [
        ("Umap vert", "conforme", "Umap vert", "conforme"),
        ("Umap vert", "conforme", "Umap bleu", "a_verifier"),
        ("Umap vert", "conforme", f"{PAGE}/docs", "a_verifier"),
        # Another spelling of one product.
        ("A-JUST", "conforme", f"{PAGE}/a-just", "conforme"),
        (f"{PAGE}/a-just", "non_conforme", f"{PAGE}/ajust.html", "non_conforme"),
        (f"{PAGE}/a-just", "non_conforme", f"{PAGE}/docs", "a_verifier"),
        # They did what was asked of them, or said more than that.
        ("A-JUST", "non_conforme", f"{PAGE}/a-just", "a_verifier"),
        ("A-JUST", "conforme", f"{PAGE}/a-just en projet", "a_verifier"),
        ("A-JUST", "conforme", "DomiFa", "a_verifier"),
    ],
)
def test_an_answer_about_the_page_holds_for_its_product(
    typed: str, given: str, then: str, resultat: str
) -> None:
    """Naming another one has it confirmed, also where the check would find that one conforming."""
    answers = answer(decided(typed), "fiche_produit", given)
    assert resultat == one_of(decided(then, answers), "fiche_produit").resultat


@pytest.mark.parametrize(
    ("typed", "produit", "verdict", "phase"),
    [
        # Unknown, blank, no page, a slip, another product: the person's word counts.
        ("Umap vert", "a-just", Verdict.ELIGIBLE, "conforme"),
        (None, "a-just", Verdict.ELIGIBLE, "conforme"),
        ("néant", "a-just", Verdict.ELIGIBLE, "conforme"),
        (f"{PAGE}/docs", "a-just", Verdict.ELIGIBLE, "conforme"),
        ("A-JUST", "a-just", Verdict.ELIGIBLE, "conforme"),
        # Past its phases: as with its address.
        ("Umap vert", "domifa", Verdict.INELIGIBLE, "non_conforme"),
        ("Domifa", "domifa", Verdict.INELIGIBLE, "non_conforme"),
        ("Umap vert", "sans-phase", Verdict.A_VERIFIER, "a_verifier"),
    ],
)
def test_a_named_product_weighs_as_its_address_does(
    typed: str | None, produit: str, verdict: Verdict, phase: str
) -> None:
    """Phase, case and doublon are those of a dossier that gives the address."""
    given = answer(decided(typed), "fiche_produit", produit=produit)
    made = decided(typed, given)
    by_address = decided(f"{PAGE}/{produit}")
    assert (verdict, phase) == (made.verdict, one_of(made, "phase").resultat)
    for name in ("phase", "cas_octroi", "doublon"):
        assert one_of(by_address, name) == one_of(made, name)
    assert produit == made.constats["produit_id"]
    said = one_of(made, "fiche_produit").motif
    assert f"Établi par A. Lo le 03/06/2024 (vu), pour le produit {produit}." == said
    # Again, with what is stored: nothing is new.
    assert made == decided(typed, given, frozen=made.preuve)


def test_a_named_product_that_the_applicant_then_names_stays_established() -> None:
    """Another one instead: the answer is to be confirmed, and the checks are of that one."""
    given = answer(decided("Umap vert"), "fiche_produit", produit="a-just")
    same, other = decided(f"{PAGE}/ajust", given), decided(f"{PAGE}/domifa", given)
    assert Verdict.ELIGIBLE is same.verdict
    assert "Établi par A. Lo" in one_of(same, "fiche_produit").motif
    assert "a_verifier" == one_of(other, "fiche_produit").resultat
    assert "domifa" == other.constats["produit_id"]
    unknown = decided("Umap bleu", given)
    assert ("a_verifier", None) == (
        one_of(unknown, "fiche_produit").resultat,
        unknown.constats["produit_id"],
    )


def test_a_named_product_is_gone_with_the_answer() -> None:
    """Withdrawn: the verdict is that of what is typed, though the evidence is stored."""
    for typed in ("Umap vert", None, "A-JUST", f"{PAGE}/docs"):
        before = decided(typed)
        made = decided(typed, answer(before, "fiche_produit", produit="a-just"))
        after = decided(typed, frozen=made.preuve)
        assert (before.verdict, before.detail) == (after.verdict, after.detail)


def test_a_named_product_keeps_its_first_evidence() -> None:
    """A later catalogue adds a remark; one that cannot be read changes nothing."""
    one = candidature(page_produit="Umap vert")
    given = answer(judged(one), "fiche_produit", produit="a-just")
    first = judged(one, answers=given)
    frozen = stored_product(first.preuve)
    renamed = json.dumps({"/startups/justice": f"{PAGE}/a-just.html"})
    past = PublicEvidence(published(a_just([("success", "2024-01-01")]), renamed))
    kept = judged(one, past, frozen=frozen, answers=given)
    assert (first.verdict, first.detail) == (kept.verdict, kept.detail)
    assert "le verdict serait Inéligible" in (kept.remarque or "")
    # By a former id of it, too.
    former = {"fiche_produit": structs.replace(given["fiche_produit"], produit="justice")}
    named = judged(one, past, frozen=frozen, answers=former)
    assert (first.verdict, first.constats) == (named.verdict, named.constats)
    current = CurrentVerdict(False, first, frozen)
    nothing = replace(EVIDENCE, catalogue=None)
    for known in (EVIDENCE, nothing):
        again = judge_if_needed(one, known, current=current, answers=given)
        assert again is None


def test_the_same_words_are_a_doublon_without_a_product() -> None:
    """« À vérifier », with the others; and the answer is not one about a product."""
    found = one_of(decided("Umap vert", doublons=TWIN), "doublon")
    assert ("a_verifier", [9]) == (found.resultat, found.preuve["dossiers"])
    assert "Aucun produit reconnu, mais même réponse" in found.motif
    given = answer(decided("Umap vert", doublons=TWIN), "doublon")
    later = decided(f"{PAGE}/a-just", given, doublons=TWIN)
    assert "a_verifier" == one_of(later, "doublon").resultat
    assert "sans_objet" == one_of(decided("Umap vert"), "doublon").resultat


@pytest.mark.parametrize("name", [check.value for check in Check])
@pytest.mark.parametrize(
    ("resultat", "verdict"),
    [("non_conforme", Verdict.A_VERIFIER), ("conforme", Verdict.ELIGIBLE)],
)
def test_a_check_that_is_off_does_not_drop_a_refusal(
    name: str, resultat: str, verdict: Verdict
) -> None:
    """« À vérifier », and who refused it and when; what somebody accepted is not missed."""
    one = candidature()
    given = answer(judged(one), name, resultat)
    rules = load_rules(**without(name))
    decision = judged(one, EVIDENCE, rules, answers=given)
    assert verdict is decision.verdict
    said = decision.detail.replace("\u00a0", " ")
    refused = "ce contrôle n’est plus fait : non conforme selon A. Lo le 03/06/2024 (vu)"
    assert (verdict is Verdict.A_VERIFIER) is (refused in said)
    current = CurrentVerdict(False, decision, stored_product(decision.preuve))
    again = judge_if_needed(one, EVIDENCE, rules, current=current, answers=given)
    assert again is None
    twin = judge_if_needed(one, EVIDENCE, rules, doublons=TWIN, current=current, answers=given)
    assert twin == judged(
        one, EVIDENCE, rules, doublons=TWIN, answers=given, frozen=current.product
    )
