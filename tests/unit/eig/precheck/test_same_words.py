"""Answers without a known product: which of them name the same thing."""

from __future__ import annotations

import pytest

from dsync.eig.candidature_facts import named_words
from dsync.eig.precheck.product import resolve_product
from tests.unit.eig.precheck.builders import CATALOGUE

PAGE = "https://beta.gouv.fr/startups"


def named(typed: str | None) -> str | None:
    return named_words(typed, resolve_product(typed, CATALOGUE))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zéphyr Vallon", "zephyr vallon"),
        ("Zéphyr Vallon", "ZEPHYR-VALLON"),
        ("Zéphyr Vallon", "zephyr_vallon."),
        ("Zéphyr Vallon", f"{PAGE}/zephyr-vallon.html"),
        ("Zéphyr Vallon", "beta.gouv.fr/startups/zephyr.vallon/"),
        ("Zéphyr Vallon", f"Bonjour, voici notre produit Zéphyr Vallon : {PAGE}/zephyr-vallon"),
        ("Zéphyr Vallon", "https://www.zephyr-vallon.gouv.fr/"),
        ("https://zephyr.example.org/a", "zephyr.example.org/a/"),
        ("Le service Zéphyr", "zéphyr (site web)"),
    ],
)
def test_the_same_words_however_they_are_written(one: str, other: str) -> None:
    """Case, accents, separators, addresses and fillers make no difference."""
    assert named(one) == named(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zéphyr", "Zéphyr Vallon"),
        ("Zéphyr 2", "Zéphyr 3"),
        ("https://zephyr.example.org/a", "https://zephyr.example.org/b"),
    ],
)
def test_other_words_are_another_thing(one: str, other: str) -> None:
    """Words alone are compared: one more may be another project."""
    assert named(one) != named(other)


@pytest.mark.parametrize(
    "typed",
    [
        None, "", "  ", "-", "?", "aucune", "Néant", "pas de fiche", "sans objet", "N/A", "NC",
        "Pas encore de fiche", "à venir", "en cours de création", "Voir pièce jointe",
        "le produit", "https://beta.gouv.fr/startups/nom-du-produit.html", "https://beta.gouv.fr",
        "2024", "contact@example.fr", f"{PAGE}/a-just", "A-JUST", f"{PAGE}/a-just en projet",
    ],
)  # fmt: skip
def test_what_names_nothing_or_a_known_product_is_not_compared(typed: str | None) -> None:
    """Blank, a statement that there is none, fillers alone; products are compared by their id."""
    assert named(typed) is None
