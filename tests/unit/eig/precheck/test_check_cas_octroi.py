"""`cas_octroi`: the conditions of the chosen case."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.eig.precheck.builders import check

LANCER = "Lancer un produit numérique"
INTERNALISER = "Internaliser le pilotage stratégique"
BEFORE = [("investigation", "2024-01-01")]
OPEN = {"stats_url": "https://x.fr/stats", "repository": "https://github.com/x/y"}


def of(phases: list[tuple[str, str]], **attributes: str) -> dict[str, dict[str, Any]]:
    """A catalogue of the one product."""
    return {"a-just": {"name": "A-JUST", "phases": phases, **attributes}}


@pytest.mark.parametrize(
    ("cas", "products", "resultat"),
    [
        (LANCER, of(BEFORE), "conforme"),
        (LANCER, of([("Investigation", "2024-05-20")]), "conforme"),
        (LANCER, of([*BEFORE, ("construction", "2024-03-01")]), "conforme"),
        (LANCER, of([*BEFORE, ("success", "2024-03-01")]), "conforme"),
        (LANCER, of([("construction", "2024-03-01")]), "conforme"),
        (LANCER, of([("Accélération", "2024-05-20")]), "conforme"),
        (LANCER, of([("construction", "2024-05-21")]), "a_verifier"),
        (LANCER, of([("construction", "2023-01-01"), ("success", "2024-03-01")]), "a_verifier"),
        (LANCER, of([("investigation", "2024-05-21")]), "a_verifier"),
        (LANCER, of([("abandon-investigation", "2024-01-01")]), "a_verifier"),
        (LANCER, of([("investigation", "")]), "a_verifier"),
        (LANCER, of([]), "a_verifier"),
        (LANCER, of([], **OPEN), "a_verifier"),
        ("LANCER UN PRODUIT NUMERIQUE", of(BEFORE), "conforme"),
        ("Pour lancer un service", of(BEFORE), "conforme"),
        (INTERNALISER, of([], **OPEN), "conforme"),
        (INTERNALISER, of(BEFORE, **OPEN), "conforme"),
        (INTERNALISER, of(BEFORE), "a_verifier"),
        (INTERNALISER, of(BEFORE, stats_url="https://x.fr/stats"), "a_verifier"),
        (INTERNALISER, of(BEFORE, repository="https://github.com/x/y"), "a_verifier"),
        (INTERNALISER, of(BEFORE, **OPEN | {"stats_url": "  "}), "a_verifier"),
        # What the template of a page comes with.
        (INTERNALISER, of(BEFORE, **OPEN | {"stats_url": "/stats"}), "a_verifier"),
        (INTERNALISER, of(BEFORE, **OPEN | {"repository": "à venir"}), "a_verifier"),
        (None, of(BEFORE, **OPEN), "a_verifier"),
        ("  ", of(BEFORE, **OPEN), "a_verifier"),
        ("Autre", of(BEFORE, **OPEN), "a_verifier"),
        ("Lancer puis internaliser", of(BEFORE, **OPEN), "a_verifier"),
    ],
    ids=str,
)
def test_each_case_needs_its_conditions(
    cas: str | None, products: dict[str, dict[str, Any]], resultat: str
) -> None:
    """« Lancer » needs a started investigation; « Internaliser » statistics and a repository."""
    assert check("cas_octroi", cas_demande=cas, products=products).resultat == resultat


@pytest.mark.parametrize(
    ("cas", "other", "products", "is_met"),
    [
        (INTERNALISER, LANCER, of(BEFORE), True),
        (INTERNALISER, LANCER, of([]), False),
        (LANCER, INTERNALISER, of([], **OPEN), True),
        (LANCER, INTERNALISER, of([]), False),
    ],
)
def test_the_other_case_is_named_where_its_conditions_are_met(
    cas: str, other: str, products: Any, is_met: bool
) -> None:
    answer = check("cas_octroi", cas_demande=cas, products=products)
    assert (answer.resultat, other in answer.motif) == ("a_verifier", is_met)


def test_a_product_in_construction_has_its_investigation_behind_it() -> None:
    """The sentence says so, although the catalogue lists no investigation."""
    answer = check("cas_octroi", cas_demande=LANCER, products=of([("construction", "2024-03-01")]))
    assert answer.motif == (
        "Cas d’octroi « Lancer un produit numérique » (au catalogue, phase « construction » au "
        "20/05/2024, donc phase « investigation » achevée)."
    )


def test_what_is_missing_is_said_of_the_page() -> None:
    """Of a phase that the page does not list, nothing is said of its beginning."""
    for phases, said in (
        ([("investigation", "2024-05-21")], "la phase « investigation » n’avait pas commencé le "
                                            "20/05/2024"),
        ([("investigation", "")], "une phase « investigation » sans date"),
        ([("success", "2022-06-13")], "aucune phase « investigation »"),
        ([], "aucune phase « investigation »"),
    ):  # fmt: skip
        answer = check("cas_octroi", cas_demande=LANCER, products=of(phases))
        assert answer.motif.startswith(f"Selon la fiche, {said} (catalogue")
