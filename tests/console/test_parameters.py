"""What addresses and forms may give: every value gets a page, or 400 with the way back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from urllib.parse import urlencode

import pytest

from dsync.console import words as named
from tests.console.served import ServedConsole, served, words
from tests.engine.rig import FIRST, Engine, seeds
from tests.profiles import long
from tests.store.databases import on_postgresql, on_sqlite

LISTS = {
    "/dossiers": (*named.FILTERS, "tri", "ordre", "page", "colonnes", "complet", "demarche"),
    "/dossiers.csv": ("depose_du", "q"),
    f"/dossiers/{FIRST}": ("depose_du", "numeros"),
    f"/dossiers/{FIRST}/explication": ("etabli_le", "le"),
    "/suivi": (*named.CHANGE_FILTERS, "page", "demarche", "x"),
    "/changements.csv": ("depuis",),
    "/jury": ("le",),
    "/jury/fiches": ("le", "dossier"),
    "/a-reporter": ("le",),
    "/synchronisations": ("page",),
    "/journal": ("page",),
    "/consultations": ("dossier", "qui", "du", "au", "page"),
}
"""Each address with its parameters."""
ODD = (
    *("0001-01-01", "9999-12-31", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00 23:59"),
    *("a\0b", "2027-W01-1", "\udcff", "\u00b2", "9" * 30, "%_\\'\""),
)
"""Every second one is odd in a way of its own."""
REFUSED = {
    "/dossiers?depose_du=0001-01-01": "La date attendue est de la forme 2027-06-30.",
    "/dossiers.csv?depose_au=9999-12-31": "La date attendue est de la forme 2027-06-30.",
    "/dossiers?depose_du=2027-02-30": "La date attendue est de la forme 2027-06-30.",
    "/suivi?depuis=9999-12-31T23:59:59-23:59": "ou 2027-06-30T08:00:00Z.",
    "/suivi?du=2027-06-30T08:00:00Z": "La date attendue est de la forme 2027-06-30.",
    "/dossiers?q=a%00b": "Le filtre « q » ne connaît pas",
    "/dossiers?groupe=%00": "Le filtre « groupe » ne connaît pas",
    "/suivi?champ=%00": "Le filtre « champ » ne connaît pas",
    "/jury/fiches?dossier=1+x": "Le filtre « dossier » ne connaît pas « x »",
}


@pytest.fixture
def site(database_url: str) -> Iterator[ServedConsole]:
    """Serve a console on each database."""
    with Engine(database_url, seeds([0, 5])) as engine:
        engine.sync()
        with served(engine) as console:
            yield console


@pytest.mark.parametrize(
    ("database_url", "each"),
    [
        long("sqlite", len(ODD)),
        long("postgresql", len(ODD)),
        pytest.param("postgresql", 2, id="postgresql"),  # The stricter one.
    ],
    indirect=["database_url"],
)
def test_no_address_makes_an_error_of_the_site(site: ServedConsole, each: int) -> None:
    """Of each page each parameter, with so many of the odd values, in turn."""
    visitor = site.visitor()
    values = cycle(ODD)
    found = {}
    for path, name in [(path, name) for path, names in LISTS.items() for name in names]:
        for value in islice(values, each):
            query = urlencode({name: value}, errors="surrogateescape")
            answer = visitor.get(f"{path}?{query}", allow_redirects=False)
            if answer.status_code not in (200, 303, 400, 404):
                found[f"{path}?{query}"] = answer.status_code
    assert {} == found


@on_sqlite  # No database is asked.
def test_a_value_that_nobody_can_mean_is_refused_with_the_way_back(site: ServedConsole) -> None:
    """400 with what is expected, and a link to the page without it."""
    visitor = site.visitor()
    for address, said in REFUSED.items():
        answer = visitor.get(address)
        assert 400 == answer.status_code, address
        assert said in words(answer.text)
        path = address.partition("?")[0].partition(".")[0]
        assert f'href="{path}"' in answer.text, address


@on_postgresql  # Which takes no null character.
def test_a_form_takes_any_text(site: ServedConsole) -> None:
    """Null characters, which nobody types, are left out."""
    visitor = site.visitor()
    for text in ODD:
        fields = {"texte": text.encode("utf-8", "surrogateescape"), "quoi": "relire"}
        answer = visitor.post("/personne", **fields)
        assert answer.status_code == (400 if "\udcff" in text else 200), repr(text)
