"""Typing errors in addresses, for all products of the catalogue's samples."""

from __future__ import annotations

import re
import string
from collections import Counter
from itertools import combinations

import pytest

from dsync.eig.precheck.product import Lien, resolve_product
from tests.profiles import long
from tests.property.answers import FILES, PAGE, nom, slug, source

LETTERS = string.ascii_lowercase + string.digits + "-._'éàç"
SMALL = {"", "l", "d", "le", "la", "les", "de", "du", "des", "a", "au", "aux", "et", "en"}
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


def spelling(text: str) -> frozenset[str]:
    """Return the words of a name or an id, in the singular and without small ones."""
    return frozenset(word.removesuffix("s") for word in slug(text).split("-")) - SMALL


@pytest.mark.parametrize(
    ("name", "least"),
    # Of the sandbox's names, most have two words that dozens of others have.
    [("2.6", 0.85), ("2.7", 0.85), long("sandbox", 0.5), *(long(name, 0.9) for name in FILES)],
)
def test_no_other_words_of_an_id_or_name_are_an_unknown_page(name: str, least: float) -> None:
    """A word dropped, two exchanged, the name as address: most suggest the product, none another.

    None of them is certain but by what else is published, and none is Inéligible.
    """
    of = source(name)
    published = {row["id"]: {spelling(row["id"]), spelling(nom(row))} for row in of.rows}
    counted: Counter[str] = Counter()
    for row in of.rows:
        id_ = row["id"]
        others = set().union(*(said for other, said in published.items() if other != id_))
        slips = {slug(nom(row)), *with_other_words(slug(nom(row))), *with_other_words(id_)}
        # What is all that another product is called names that one.
        for slip in {slip for slip in slips if spelling(slip) not in others} - {id_}:
            match = resolve_product(f"{PAGE}/{slip}.html", of.catalogue)
            assert match.lien is not Lien.INCONNUE, slip
            assert not match.is_certain or match.product_id == id_, slip
            named = [*match.ids, *filter(None, [match.product_id])]
            counted["right" if id_ in named else "other" if named else "none"] += 1
    print(f"\n{name}: of {counted.total()} addresses {dict(counted)}")
    assert 0 == counted["other"]
    assert counted["right"] >= least * counted.total()
