"""A dossier and its sheet for a jury in print: one A4 portrait page, whatever was typed.

Needs Debian's chromium, as `test_browser.py`, whose rules hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.conftest import NewEngine
from tests.console.served import ServedConsole, served
from tests.console.test_browser import assert_accessible, browser, entered, menu, pytestmark
from tests.console.test_jury import DAY, grade, ungraded
from tests.engine.rig import number, seeds

__all__ = ["browser", "pytestmark"]

SENTENCE = "La démarche est longue, l’usager attend, l’agent ressaisit les mêmes pièces. "
LONG = (SENTENCE * 60)[:4_000]
CAPITALS = ("LES USAGERS ATTENDENT LEUR DÉCISION WWW. " * 120)[:4_000]
LINES = "Un point\n\n" * 400
TEXTS = (4105, 4106, 4202, 4502, 4503, 4602, 4603, 4604)
MISSIONS = 4406
SIZE = re.compile(rb"/MediaBox ?\[ ?0 0 (\d+)(?:\.\d+)? (\d+)")


@pytest.fixture(scope="module")
def sheets(new_engine: NewEngine) -> Iterator[ServedConsole]:
    """Dossiers of one jury: eight evaluators at each moment, the longest texts, none at all."""
    with new_engine(seeds()) as engine:
        engine.sync()
        full, wide, short = ungraded(engine, 3)
        for rank, text in ((full, LONG), (wide, CAPITALS)):
            people = [f"prenom.nom-de-famille{one}@ministere.gouv.fr" for one in range(8)]
            grade(engine, rank, *((moment, who, 4) for moment in MOMENTS for who in people))
            for champ in TEXTS:
                engine.control.edit_champ(number(rank), champ, text if champ != 4604 else LINES)
            for line in range(-8, 0):
                engine.control.edit_annotation(number(rank), 5320, text, row=line)
        grade(engine, short)
        for champ in TEXTS:
            engine.control.edit_champ(number(short), champ, "Bref.")
        engine.sync_later()
        with served(engine) as console:
            yield console


MOMENTS = ("Dossier", "Soutenance")


def pdf_pages(page: Page) -> list[tuple[int, int]]:
    """Return width and height of the pages that are printed, in points."""
    printed = page.pdf(prefer_css_page_size=True)
    return [(int(found[1]), int(found[2])) for found in SIZE.finditer(printed)]


def test_a_sheet_is_of_one_page(browser: Browser, sheets: ServedConsole) -> None:
    """In A4 portrait; all sheets of a jury in one print, each from a new page."""
    with entered(browser, sheets) as page:
        page.goto(f"/jury?le={DAY}")
        links = page.locator('tbody a[href^="/jury/fiches/"]').evaluate_all(
            "all => all.map(e => e.href)"
        )
        counts = []
        for link in links:
            page.goto(link)
            sizes = pdf_pages(page)
            assert {(594, 841)} >= {*sizes}, "A4 portrait"
            counts.append(len(sizes))
            page.goto(link.replace("/jury/fiches/", "/dossiers/"))
            assert [(594, 841)] == pdf_pages(page), "the dossier itself"
            page.evaluate(
                """() => {
                    const list = document.querySelector(".controles");
                    const one = list.querySelector("details");
                    one.querySelector(".une").textContent = "Un motif long. ".repeat(40);
                    while (list.children.length < 40) list.append(one.cloneNode(true));
                }"""
            )
            assert [(594, 841)] == pdf_pages(page), "with as many checks as there can be"
        assert [1, 1, 1] == counts
        page.goto(f"/jury?le={DAY}")
        page.get_by_role("button", name="Fiches à imprimer").click()
        page.wait_for_url("**/jury/fiches**", wait_until="load")
        assert sum(counts) == len(pdf_pages(page))
        page.goto(f"/jury?le={DAY}")
        page.get_by_role("checkbox").first.check()
        page.get_by_role("button", name="Fiches à imprimer").click()
        page.wait_for_url("**/jury/fiches**", wait_until="load")
        assert counts[0] == len(pdf_pages(page))


def test_the_marks_are_three_clicks_away(browser: Browser, sheets: ServedConsole) -> None:
    """From the first page to the matrix of a dossier; it fits the screen, and a telephone's."""
    with entered(browser, sheets) as page:
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto("/")
            menu(page, "Jury")
            table = page.get_by_role("region", name="Dossiers du jury", exact=True)
            assert table.evaluate("e => e.scrollWidth <= e.clientWidth")
            page.get_by_role("link", name="Notes du").first.click()
            expect(
                page.get_by_role("columnheader", name="prenom.nom-de-famille7").first
            ).to_be_visible()
            expect(page.get_by_role("rowheader", name="Problème avéré").last).to_be_visible()
            assert width >= page.evaluate("document.documentElement.scrollWidth")
        assert_accessible(page, width)
