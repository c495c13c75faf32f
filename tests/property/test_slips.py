"""Typing errors in addresses, for all products of the catalogue's samples."""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import combinations

import pytest

from dsync.eig.precheck.product import Lien, resolve_product
from tests.profiles import long
from tests.property.answers import PAGE, slug, source

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


def with_other_words(text: str) -> set[str]:
    """Return a text of several words without one of them, or with two of them exchanged."""
    words = [word for word in re.split(r"[\W_]", text) if word]
    sign = next((sign for sign in text if not sign.isalnum()), "-")
    found = {sign.join(words[:place] + words[place + 1 :]) for place in range(len(words))}
    for one, other in combinations(range(len(words)), 2):
        exchanged = list(words)
        exchanged[one], exchanged[other] = exchanged[other], exchanged[one]
        found.add(sign.join(exchanged))
    return found - {text, ""}


@pytest.mark.parametrize(
    ("version", "step"), [("2.6", 4), ("2.7", 4), long("2.6", 1), long("2.7", 1)]
)
def test_no_other_words_of_an_id_or_name_are_an_unknown_page(version: str, step: int) -> None:
    """A word dropped, two exchanged, the name as address: most suggest the product, none another.

    None of them is certain but by what else is published.
    """
    of = source(version)
    counted: Counter[str] = Counter()
    for row in of.rows[::step]:
        slips = {slug(row), *with_other_words(slug(row)), *with_other_words(row["id"])}
        for slip in slips - {row["id"]}:
            match = resolve_product(f"{PAGE}/{slip}.html", of.catalogue)
            assert match.lien is not Lien.INCONNUE, slip
            assert not match.is_certain or match.product_id == row["id"], slip
            named = [*match.ids, *filter(None, [match.product_id])]
            counted["right" if row["id"] in named else "other" if named else "none"] += 1
    print(f"{version}: {dict(counted)}")
    assert 0 == counted["other"]
    assert counted["right"] >= 0.8 * counted.total()
