"""`cas_octroi`: the conditions of the chosen case."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.eig.precheck.builders import a_just, check

LANCER = "Lancer un produit numérique"
INTERNALISER = "Internaliser le pilotage stratégique"
BEFORE = [("investigation", "2024-01-01")]
OPEN = {"stats_url": "https://x.fr/stats", "repository": "https://github.com/x/y"}


@pytest.mark.parametrize(
    ("cas", "products", "resultat"),
    [
        (LANCER, a_just(BEFORE), "conforme"),
        (LANCER, a_just([("Investigation", "2024-05-20")]), "conforme"),
        (LANCER, a_just([*BEFORE, ("construction", "2024-03-01")]), "conforme"),
        (LANCER, a_just([*BEFORE, ("success", "2024-03-01")]), "conforme"),
        (LANCER, a_just([("construction", "2024-03-01")]), "conforme"),
        (LANCER, a_just([("Accélération", "2024-05-20")]), "conforme"),
        (LANCER, a_just([("construction", "2024-05-21")]), "a_verifier"),
        (LANCER, a_just([("construction", "2023-01-01"), ("success", "2024-03-01")]), "a_verifier"),
        (LANCER, a_just([("investigation", "2024-05-21")]), "a_verifier"),
        (LANCER, a_just([("abandon-investigation", "2024-01-01")]), "a_verifier"),
        (LANCER, a_just([("investigation", "")]), "a_verifier"),
        (LANCER, a_just([]), "a_verifier"),
        (LANCER, a_just([], **OPEN), "a_verifier"),
        ("LANCER UN PRODUIT NUMERIQUE", a_just(BEFORE), "conforme"),
        ("Pour lancer un service", a_just(BEFORE), "conforme"),
        (INTERNALISER, a_just([], **OPEN), "conforme"),
        (INTERNALISER, a_just(BEFORE, **OPEN), "conforme"),
        (INTERNALISER, a_just(BEFORE), "a_verifier"),
        (INTERNALISER, a_just(BEFORE, stats_url="https://x.fr/stats"), "a_verifier"),
        (INTERNALISER, a_just(BEFORE, repository="https://github.com/x/y"), "a_verifier"),
        (INTERNALISER, a_just(BEFORE, **OPEN | {"stats_url": "  "}), "a_verifier"),
        # What the template of a page comes with.
        (INTERNALISER, a_just(BEFORE, **OPEN | {"stats_url": "/stats"}), "a_verifier"),
        (INTERNALISER, a_just(BEFORE, **OPEN | {"repository": "à venir"}), "a_verifier"),
        (None, a_just(BEFORE, **OPEN), "a_verifier"),
        ("  ", a_just(BEFORE, **OPEN), "a_verifier"),
        ("Autre", a_just(BEFORE, **OPEN), "a_verifier"),
        ("Lancer puis internaliser", a_just(BEFORE, **OPEN), "a_verifier"),
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
        (INTERNALISER, LANCER, a_just(BEFORE), True),
        (INTERNALISER, LANCER, a_just([]), False),
        (LANCER, INTERNALISER, a_just([], **OPEN), True),
        (LANCER, INTERNALISER, a_just([]), False),
    ],
)
def test_the_other_case_is_named_where_its_conditions_are_met(
    cas: str, other: str, products: Any, is_met: bool
) -> None:
    answer = check("cas_octroi", cas_demande=cas, products=products)
    assert (answer.resultat, other in answer.motif) == ("a_verifier", is_met)


def test_a_product_in_construction_has_its_investigation_behind_it() -> None:
    """The sentence says so, although the catalogue lists no investigation."""
    answer = check(
        "cas_octroi", cas_demande=LANCER, products=a_just([("construction", "2024-03-01")])
    )
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
        answer = check("cas_octroi", cas_demande=LANCER, products=a_just(phases))
        assert answer.motif.startswith(f"Selon la fiche, {said} (catalogue")
