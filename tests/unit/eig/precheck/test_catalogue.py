"""Parsing of the catalogue's files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dsync.eig.precheck.catalogue import (
    Catalogue,
    CatalogueError,
    Phase,
    united_redirects,
    updated_products,
)
from dsync.eig.precheck.product import Lien, resolve_product


def body(*entries: Any) -> str:
    """Write a startups.json of raw entries."""
    return json.dumps({"data": list(entries)})


def entry(**attributes: Any) -> dict[str, Any]:
    """Write a product's entry."""
    return {"id": "x", "type": "startup", "attributes": {"name": "X", "phases": [], **attributes}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ('{"data": [{"id": "a", "name": "guillemet " non échappé"}]}', "not valid JSON"),
        ('{"data": [', "not valid JSON"),
        ("<!doctype html><html></html>", "HTML"),
        ("  <html>", "HTML"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "no list of products"),
        ("12", "no list of products"),
        ("{}", "no list of products"),
        ('{"data": {}}', "no list of products"),
        ('{"data": []}', "no list of products"),
        (body("x"), "no « id »"),
        (body({"attributes": {}}), "no « id »"),
        (body({"id": "", "attributes": {}}), "no « id »"),
        (body({"id": 3, "attributes": {}}), "no « id »"),
        (body({"id": "x"}), "no « id »"),
        (body({"id": "x", "attributes": []}), "no « id »"),
        (body(entry(), {"id": "y"}), "no « id »"),
    ],
)
def test_what_is_no_catalogue_is_refused_whole(text: str, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        Catalogue.parse(text, "{}")


@pytest.mark.parametrize(
    ("phases", "readable", "expected"),
    [
        ([], True, ()),
        ([{"name": "construction", "start": "2021-09-01", "end": ""}], True,
         (Phase("construction", date(2021, 9, 1)),)),
        ([{"name": "construction", "start": "2021-09-01T00:00:00.000Z"}], True,
         (Phase("construction", date(2021, 9, 1)),)),
        ([{"name": "construction", "start": ""}], True, (Phase("construction", None),)),
        ([{"name": "construction"}], True, (Phase("construction", None),)),
        ([{"name": "construction", "start": "bientôt"}], True, (Phase("construction", None),)),
        ([{"start": "2021-09-01"}], False, ()),
        (["construction"], False, ()),
        ({"name": "construction"}, False, ()),
        (None, False, ()),
    ],
)  # fmt: skip
def test_phases_that_cannot_be_read_are_reported(
    phases: Any, readable: bool, expected: tuple[Phase, ...]
) -> None:
    """A product with unreadable phases is still published."""
    product = Catalogue.parse(body(entry(phases=phases)), "{}").products["x"]
    assert (product.phases_lisibles, product.phases) == (readable, expected)


def test_missing_attributes_are_blank() -> None:
    found = Catalogue.parse(body({"id": "x", "attributes": {"phases": []}}), "{}").products["x"]
    assert (found.nom, found.link, found.stats_url, found.repository) == ("x", "", "", "")


def test_texts_can_be_stored_in_any_database() -> None:
    """Lone surrogates and NUL characters are removed."""
    product = Catalogue.parse(body(entry(name="A\ud800\0 ")), "{}").products["x"]
    assert product.nom == "A?"


@pytest.mark.parametrize(
    ("redirects", "known"),
    [
        ("{}", True),
        ('{"/startups/a": "/startups/x"}', True),
        (None, False),
        ("", False),
        ("<html>", False),
        ("[]", False),
        ('[["/startups/a", "/startups/x"]]', False),
        ("null", False),
        ("[" * 100_000, False),
    ],
)
def test_aliases_are_known_or_not(redirects: str | None, known: bool) -> None:
    """Without a redirects file there is no alias; with an unreadable one, aliases are unknown."""
    assert Catalogue.parse(body(entry()), redirects).aliases_known is known


def test_a_long_chain_of_aliases_ends() -> None:
    """Redirects are followed over several steps, up to a limit."""
    chain = {f"/startups/a{n}": f"/startups/a{n + 1}" for n in range(40)}
    aliases = Catalogue.parse(body(entry() | {"id": "a40"}), json.dumps(chain)).aliases
    assert ({"a40"}, False) == (aliases["a25"], "a0" in aliases)


def test_the_fingerprint_moves_with_what_verdicts_rest_on() -> None:
    """Statistics are part of the fingerprint, the link is not."""

    def of(**attributes: Any) -> str:
        return Catalogue.parse(body(entry(**attributes)), "{}").products["x"].fingerprint

    assert of() != of(stats_url="https://x.fr/stats")
    assert of() == of(link="https://x.fr")


def test_a_product_once_published_stays_known_by_its_id_and_its_names() -> None:
    """Its last name and phases and its earlier names are kept when later catalogues lack it."""
    first = Catalogue.parse(
        body({**entry(name="Ancien"), "id": "parti"}, {**entry(name="Avant"), "id": "x"}), "{}"
    )
    at = datetime(2026, 3, 1, tzinfo=UTC)
    known = updated_products(first, (), at)
    second = Catalogue.parse(body(entry(name="Après")), "{}", known=known)
    assert {"parti": known[0]} == second.former
    assert ("Ancien", at) == (known[0].nom, known[0].vu_le)
    assert {("ancien",): {"parti"}, ("parti",): {"parti"}} == second.former_names
    later = [*known[:1], *updated_products(second, known, at)]
    third = Catalogue.parse(body(entry(name="Après")), "{}", known=later)
    assert {"x"} == third.former_names["avant",]


@pytest.mark.parametrize("version", ["v2.6", "v2.7"])
def test_a_product_comes_with_its_incubators_title(version: str) -> None:
    """In v2.6 the id of an incubator is a path, and the relationship has the bare id."""
    id_ = "/incubateurs/dinum" if version == "v2.6" else "dinum"
    document = json.loads(body(entry(), {**entry(), "id": "y"}))
    document["data"][0]["relationships"] = {"incubator": {"data": {"id": "dinum"}}}
    document["included"] = [{"id": id_, "attributes": {"title": "L’incubateur de la DINUM"}}]
    found = Catalogue.parse(json.dumps(document), "{}").products
    assert ["L’incubateur de la DINUM", ""] == [found[name].incubateur for name in ("x", "y")]


@pytest.mark.parametrize(
    ("known", "published", "united"),
    [
        (None, '{"/a": "/x"}', '{"/a": "/x"}'),
        ('{"/a": "/x"}', '{"/a": "/y", "/b": "/x"}', '{"/a": "/y", "/b": "/x"}'),
        ('{"/a": "/x", "/b": "/x"}', "{}", '{"/a": "/x", "/b": "/x"}'),
        ('{"/a": "/x", "/b": "/x"}', '{"/b": "/x"}', '{"/a": "/x", "/b": "/x"}'),
        ('{"/a": "/x", "/b": "/x"}', '{"/b": "/y"}', '{"/b":"/y","/a":"/x"}'),
        ('{"/b":"/y","/a":"/x"}', '{"/b": "/y"}', '{"/b":"/y","/a":"/x"}'),
    ],
)
def test_an_alias_once_known_stays(known: str | None, published: str, united: str) -> None:
    """Where both name it, the newest wins; a text that says nothing new changes nothing."""
    assert united == united_redirects(known, published)


def test_products_with_another_name_or_other_phases_are_counted() -> None:
    """Not those that are new, gone or renamed by an alias."""
    before = Catalogue.parse(body(*({**entry(name=n), "id": n} for n in "abcd")), "{}")
    phase = [{"name": "alumni", "start": "2020-01-01"}]
    products = [
        {**entry(name="A"), "id": "a"},
        {**entry(name="b", phases=phase), "id": "b"},
        {**entry(name="c"), "id": "e"},
        {**entry(name="f"), "id": "f"},
    ]
    redirects = json.dumps({"/startups/c": "/startups/e"})
    assert 2 == Catalogue.parse(body(*products), redirects).count_changed(before)


def test_a_former_address_that_is_given_twice_is_ambiguous() -> None:
    page = "https://beta.gouv.fr/startups"
    redirects = f'{{"/startups/ancien": "{page}/x.html", "/startups/ancien": "{page}/y.html"}}'
    catalogue = Catalogue.parse(body(entry(name="X"), {**entry(name="Y"), "id": "y"}), redirects)
    assert {"x", "y"} == catalogue.aliases["ancien"]
    match = resolve_product(f"{page}/ancien.html", catalogue)
    assert (Lien.AMBIGU, ("X (x)", "Y (y)")) == (match.lien, match.noms)
