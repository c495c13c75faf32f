"""Typing errors in addresses, for all products of the catalogue's samples."""

from __future__ import annotations

import string

import pytest

from dsync.eig.precheck.product import Lien, resolve_product
from tests.profiles import long
from tests.property.answers import PAGE, source

LETTERS = string.ascii_lowercase + string.digits + "-._'éàç"
SIGNS = ' ,;:/?#@&=+()<>"|~$*!'


def misspellings(id_: str, letters: str) -> set[str]:
    """Return all texts with one typing error: a letter missing, added, replaced or exchanged."""
    halves = [(id_[:place], id_[place:]) for place in range(len(id_) + 1)]
    return {
        slip
        for before, after in halves
        for slip in (
            before + after[1:],
            before + after[1:2] + after[:1] + after[2:],
            *(before + letter + after for letter in letters),
            *(before + letter + after[1:] for letter in letters),
        )
    } - {id_, ""}


@pytest.mark.parametrize(
    ("version", "form", "letters", "step"),
    [
        ("2.6", "beta.gouv.fr/startups/{}", "a-é '", 1),
        ("2.7", f"{PAGE}/{{}}.html", LETTERS + SIGNS, 12),
        long("2.7", f"{PAGE}/{{}}.html", LETTERS + SIGNS, 1),
    ],
    ids=["few letters", "some products", "all"],
)
def test_no_misspelling_is_an_unknown_page(
    version: str, form: str, letters: str, step: int
) -> None:
    """One typing error in an id never gives an unknown page.

    A few letters for each product, and all letters for some; the long profile, all for all.
    """
    catalogue = source(version).catalogue
    for product in list(catalogue.products.values())[::step]:
        for slip in misspellings(product.id, letters):
            match = resolve_product(form.format(slip), catalogue)
            assert match.lien not in (Lien.INCONNUE, Lien.AUCUN, Lien.VIDE), (slip, match)
            if match.lien is Lien.PROCHE:
                assert f"{product.nom} ({product.id})" in match.noms, slip
