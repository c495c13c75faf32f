"""The console in a real browser: accessible, at any width, by keyboard, with and without scripts.

Needs Debian's chromium; without it these tests are skipped, which `.ci/run` does not accept.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dsync.configuration import ConsoleSection
from tests.console.addresses import ADDRESSES
from tests.console.conftest import SHOWN, NewEngine
from tests.console.provider import Clock, provider, team_access
from tests.console.served import ServedConsole, beside, served
from tests.console.test_elsewhere import OTHER
from tests.console.test_shell import LEGAL, SECTION
from tests.engine.rig import DEMARCHE, PROBLEME, RESULTAT, Engine, number, seeds
from tests.engine.served import register, unregister
from tests.profiles import long

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
CODE = re.compile(r"\b4\d\d\b")
WIDTHS = (320, 640, 768, 1280)
"""Of windows, in px; 640: as text of twice the size on 1280."""
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
"""All that another scheme of colours can break."""
Schemes = Mapping[Literal["light", "dark"], dict[str, Any]]
SCHEMES: Schemes = {"light": RULES, "dark": COLOURS}
OTHER_THEME: Schemes = {"light": COLOURS}
"""The markup is the same in both themes."""
PAGES = (*ADDRESSES, *LEGAL, f"/dossiers/{number(5)}")
FULL_PAGES = ("/", "/dossiers", f"/dossiers/{number(5)}")
"""Those that have most of what a page can have."""
SHAPES = {*FULL_PAGES, "/suivi", "/jury", "/conflits", "/synchronisations", "/acces", "/regles"}
"""Beside those, one of each shape: figures, marks, choices, a wide table, forms, a long text."""
OTHERS = [long(one) for one in PAGES if one not in FULL_PAGES]
with_and_without_scripts = pytest.mark.parametrize(
    "scripts", [True, long(False)], ids=["scripts", "no scripts"]
)
"""Without a browser, all other tests of the console are without scripts."""

if CHROMIUM is None and os.environ.get("DSYNC_NEEDS_BROWSER"):
    pytest.fail("chromium is missing: apt-get install chromium", pytrace=False)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A chromium without a window."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def told(new_engine: NewEngine) -> Iterator[Engine]:
    """An engine with everything to see: conflicts, quarantine, changes, a manual run."""
    with new_engine(seeds(range(SHOWN))) as engine:
        engine.sync_until_quiet()
        for rank in (0, 1, 2):
            engine.control.edit_annotation(number(rank), RESULTAT, "Écrit à la main")
        engine.control.edit_champ(number(3), PROBLEME, "Un autre problème")
        engine.control.faults.return_null(number(4), champs_only=True)
        engine.sync_later(full=True)
        yield engine


@pytest.fixture(scope="module")
def shown(told: Engine) -> Iterator[ServedConsole]:
    """Its console."""
    with served(told) as console:
        yield console


@pytest.fixture(scope="module")
def page(browser: Browser, shown: ServedConsole) -> Iterator[Page]:
    """A page of a session."""
    with entered(browser, shown) as made:
        yield made


@pytest.fixture(scope="module")
def state_page(browser: Browser, told: Engine) -> Iterator[Page]:
    """The same in the State's design system."""
    with (
        served(told, section=SECTION.model_copy(update={"theme": "dsfr"})) as console,
        entered(browser, console) as made,
    ):
        yield made


@contextmanager
def entered(
    browser: Browser, console: ServedConsole, *, codes: Collection[str] = (), **options: Any
) -> Iterator[Page]:
    """Yield a page of a session, in which nothing may go wrong, but for answers of these codes.

    Nor may anything be asked elsewhere.
    """
    context = browser.new_context(base_url=console.base, **options)
    page, troubles = context.new_page(), list[str]()

    def note(is_trouble: bool, text: str) -> None:
        if is_trouble:
            troubles.append(text)

    page.on("console", lambda message: note(message.type in ("error", "warning"), message.text))
    page.on("pageerror", lambda error: note(True, str(error)))
    page.on("request", lambda request: note(not request.url.startswith(console.base), request.url))
    page.goto(console.links[-1])
    yield page
    context.close()
    assert [] == [one for one in troubles if {*CODE.findall(one)[:1]} - {*codes} or not codes]
    assert {*codes} == {code for one in troubles for code in CODE.findall(one)[:1]}


def menu(page: Page, name: str) -> None:
    """Choose an entry of the menu."""
    page.get_by_role("navigation", name="Menu principal").get_by_role("link", name=name).click()


def assert_accessible(page: Page, *widths: int, schemes: Schemes = SCHEMES) -> None:
    """Check that axe-core finds nothing at the last width, and that none has to be scrolled."""
    for width in widths or WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert width >= page.evaluate("document.documentElement.scrollWidth"), width
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=rules).response["violations"]
        assert [] == [(scheme, one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize("address", [one if one in SHAPES else long(one) for one in PAGES])
def test_a_page_is_accessible_at_any_width(page: Page, address: str) -> None:
    """No violation of WCAG 2.2 AA that axe-core finds; nothing but tables is wider than 320 px.

    On a telephone its title begins within 150 px, and one place of the menu is the present one.
    """
    page.goto(address)
    if address in ("/", "/dossiers"):
        assert_accessible(page, 320, schemes={"light": RULES})
    assert_accessible(page, schemes={"light": RULES})
    page.set_viewport_size({"width": 390, "height": 800})
    bottom = page.locator("h1").first.evaluate(
        """title => {
            const range = document.createRange();
            range.selectNodeContents(title);
            return range.getClientRects()[0].bottom;
        }"""
    )
    assert 150 >= bottom
    assert 1 >= page.locator(".menu [aria-current]").count()


@pytest.mark.parametrize("address", [long(FULL_PAGES[0]), *FULL_PAGES[1:], *OTHERS])
def test_a_page_is_accessible_in_other_colours(page: Page, state_page: Page, address: str) -> None:
    """The dark ones; those of the State's design system, dark too on the pages that have most."""
    page.goto(address)
    assert_accessible(page, 1280, schemes={"dark": COLOURS})
    state_page.goto(address)
    assert_accessible(state_page, schemes=SCHEMES if address in FULL_PAGES else OTHER_THEME)


def test_what_is_found_of_a_person_is_accessible(page: Page, told: Engine) -> None:
    """In a table that a telephone shows as sheets; by keyboard to the one act and the answer."""
    page.goto("/personne")
    page.get_by_label("Courriel, nom").fill(told.control.truth_of(number(0)).usager_email)
    page.keyboard.press("Enter")
    expect(page.get_by_text("est le demandeur").first).to_be_visible()
    assert_accessible(page)
    assert_in_view(page)
    page.get_by_label(f"Choisir le dossier {number(0)}").check()
    with page.expect_download() as sent:
        page.get_by_role("link", name="Projet de réponse").click()
    assert "reponse-article-15.html" == sent.value.suggested_filename
    page.get_by_role("button", name="Effacer de la copie…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Effacer 1")
    assert_accessible(page)


def test_what_is_to_do_and_many_dossiers_are_on_one_screen(page: Page, state_page: Page) -> None:
    """At 1280 by 800: what waits, eleven dossiers, of which three say whose result it is."""
    for one in (page, state_page):
        one.set_viewport_size({"width": 1280, "height": 800})
        for address, rows, most in (
            ("/", ".taches li", 5),
            ("/dossiers", ".dossiers tbody tr:not(.suite)", 11),
        ):
            one.goto(address)
            seen = one.locator(rows).evaluate_all(
                "some => some.filter(e => e.getBoundingClientRect().bottom <= innerHeight).length"
            )
            assert most <= seen, address


def test_the_actions_stay_in_view_while_boxes_are_ticked(page: Page) -> None:
    """At the foot of the window, with how many are ticked; absent before."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/dossiers")
    bar = page.get_by_role("group", name="Pour les dossiers choisis")
    expect(bar).to_be_hidden()
    page.get_by_role("checkbox", name="Choisir le dossier").first.check()
    expect(bar).to_be_in_viewport()
    expect(bar.get_by_role("status")).to_have_text("1 coché")
    page.get_by_role("checkbox", name="Choisir le dossier").first.uncheck()
    expect(bar).to_be_hidden()


def test_a_line_says_how_many_dossiers_have_changed(
    browser: Browser, shown: ServedConsole, told: Engine
) -> None:
    """After a minute, with a link that reloads; what stands on the page and is typed stays."""
    with entered(browser, shown) as page:
        page.clock.install()
        page.goto("/dossiers")
        line = page.locator("#depuis")
        expect(line).to_be_hidden()
        page.locator("input[name=q]").first.fill("forêt")
        told.execute(
            "UPDATE dossier SET modifie_ici_le = '2999-01-01 00:00:00+00:00' "
            "WHERE numero = (SELECT min(numero) FROM dossier)"
        )
        page.clock.fast_forward(61_000)
        expect(line).to_contain_text("1 dossier a changé depuis")
        expect(page.locator("input[name=q]").first).to_have_value("forêt")
        line.get_by_role("link", name="recharger").click()
        expect(page).to_have_url(re.compile("/dossiers"))


def assert_in_view(page: Page) -> None:
    """Check that on a telephone each row of a table takes the page's width, and is whole there.

    Its cells follow each other, with their columns' names; assistive technology still reads a
    table with rows and headers.
    """
    page.set_viewport_size({"width": 320, "height": 800})
    rows = page.locator("table.fiches tbody tr")
    assert 280 <= min(box["width"] for row in rows.all()[:8] if (box := row.bounding_box()))
    cells = page.locator("table.fiches tbody td, table.fiches tbody th").all()[:24]
    boxes = [box for cell in cells if (box := cell.bounding_box())]
    assert boxes
    assert 320 >= max(box["x"] + box["width"] for box in boxes)
    assert [] == [cell for cell in cells if cell.evaluate("e => e.scrollWidth > e.clientWidth + 1")]
    table = page.get_by_role("table").first
    expect(table.get_by_role("row").nth(1).get_by_role("rowheader")).to_have_count(1)
    assert 1 < table.get_by_role("row").nth(1).get_by_role("cell").count()
    assert 2 < table.get_by_role("columnheader").count()


def test_what_is_compared_is_in_view_on_any_screen(page: Page, state_page: Page) -> None:
    """Nothing is scrolled sideways on a telephone, a tablet or a desk; in both themes."""
    for address in ("/conflits", "/jury", "/dossiers"):
        page.goto(address)
        assert_in_view(page)
    is_whole = "e => e.scrollWidth <= e.clientWidth"
    for one in (page, state_page):
        one.set_viewport_size({"width": 768, "height": 1024})
        for address in ("/dossiers", "/jury", "/a-reporter", "/synchronisations", "/journal"):
            one.goto(address)
            assert one.locator(".fr-table").first.evaluate(is_whole), address
    # What went wrong with a run takes lines, not the place of who asked for it.
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/synchronisations")
    expect(page.get_by_text("Des dossiers ne peuvent pas être lus").first).to_be_visible()
    assert page.locator(".fr-table").evaluate(is_whole)


def test_the_keyboard_begins_with_the_content(page: Page) -> None:
    """By a link that is seen once it has the focus; what follows has a visible one, too."""
    page.goto("/suivi")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Contenu")
    expect(page.locator(":focus")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert "none" != page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")


def test_an_open_page_says_that_what_it_shows_is_over(
    browser: Browser, told: Engine, shown: ServedConsole
) -> None:
    """A request that was taken back elsewhere does not look as if it still waited.

    Eight hours later, or after a restart of the service, it says how to enter again.
    """
    service = told.another().app
    register(service)
    with entered(browser, shown, codes={"403", "404"}) as page:
        other = shown.visitor()
        page.clock.install()
        waiting = other.post(f"/dossiers/{number(7)}/relire").url.removeprefix(shown.base)
        page.goto(waiting)
        expect(page.get_by_role("status")).to_contain_text("En attente")
        other.post(f"{waiting}/retirer")
        page.clock.fast_forward(2_000)
        expect(page.get_by_text("Cette demande n’existe pas, ou a été retirée.")).to_be_visible()
        unregister(service)
        page.goto("/dossiers")
        page.context.clear_cookies()
        page.clock.fast_forward(61_000)
        page.get_by_text("Cette page n’est plus à jour").get_by_role("link").click()
        expect(page.get_by_text("Cette page demande une session. Ouvrez le lien")).to_be_visible()


def test_the_states_design_system_is_whole(state_page: Page) -> None:
    """Its fonts and pictures are served here."""
    page = state_page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto("/dossiers?presence=present")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "unfolded"
    assert_in_view(page)
    assert page.evaluate("document.fonts.check('1rem Marianne')")
    assert "Marianne" in page.evaluate("getComputedStyle(document.body).fontFamily")


def test_the_states_design_system_follows_the_browser(browser: Browser, told: Engine) -> None:
    """Dark from the first paint where that is preferred, without a script; light on paper."""
    with (
        served(told, section=ConsoleSection(theme="dsfr")) as console,
        entered(browser, console, java_script_enabled=False) as page,
    ):
        page.goto("/dossiers")
        seen = {}
        for media in ("screen", "print"):
            for scheme in SCHEMES:
                page.emulate_media(media=media, color_scheme=scheme)
                seen[media, scheme] = page.evaluate(
                    "[document.body, document.querySelector('td')].map(e => "
                    "getComputedStyle(e)).map(s => [s.backgroundColor, s.color])"
                )
    (dark, ink), _ = seen["screen", "dark"]
    assert ("rgb(22, 22, 22)", "rgb(206, 206, 206)") == (dark, ink)
    assert "rgb(255, 255, 255)" == seen["screen", "light"][0][0]
    assert seen["print", "light"] == seen["print", "dark"]


def test_a_team_signs_in_and_out(browser: Browser, told: Engine) -> None:
    """From the page that was asked for and back to it, by keyboard; accessible at any width."""
    with (
        provider() as made,
        served(told, access=team_access(made.issuer, Clock()), section=SECTION) as console,
    ):
        context = browser.new_context(base_url=console.base)
        page = context.new_page()
        page.goto("/dossiers?verdict=eligible")
        expect(page.get_by_role("heading")).to_have_text("Identification")
        assert_accessible(page)
        page.get_by_role("link", name=SECTION.name).focus()
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("S’identifier")
        assert "none" != page.locator(":focus").evaluate("e => getComputedStyle(e).outlineStyle")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Dossiers")
        assert page.url.endswith("/dossiers?verdict=eligible")
        page.route("**/session/end*", lambda route: route.fulfill(status=200, body="Au revoir"))
        page.get_by_role("button", name="Fermer la session").click()
        expect(page.get_by_text("Au revoir")).to_be_visible()
        page.goto("/dossiers")
        expect(page.get_by_role("heading")).to_have_text("Identification")
        made.userinfo = lambda claims: claims.update(email="eve@elsewhere.example.fr")
        page.get_by_role("link", name="S’identifier").click()
        expect(page.get_by_text("n’est pas, ou plus, autorisée")).to_be_visible()
        assert_accessible(page)
        context.close()


def test_a_jury_prints_on_sheets(page: Page) -> None:
    """Without menu and forms, no wider than A4 in landscape, and no product over many lines.

    The list of dossiers, too, has them on paper, and not its filters.
    """
    page.goto("/jury")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1030, "height": 730})
    assert "https://" not in page.locator("main table").inner_text()
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator("main form:visible")).to_have_count(0)
    expect(page.locator("main table")).to_be_visible()
    assert page.evaluate("document.querySelector('table').scrollWidth") <= 1030
    page.goto("/dossiers")
    expect(page.get_by_role("search")).to_be_hidden()
    expect(page.get_by_role("checkbox").first).to_be_hidden()
    expect(page.locator("table.dossiers")).to_be_visible()
    page.emulate_media(media="screen")


@with_and_without_scripts
def test_a_text_that_is_cut_unfolds_and_prints_whole(
    browser: Browser, told: Engine, scripts: bool
) -> None:
    """By keyboard, in the same line; on paper nothing is folded but the forms that are left out."""
    told.control.edit_champ(number(7), PROBLEME, "Un mot parmi beaucoup. " * 40 + "Le dernier.")
    told.advance(minutes=1)
    told.sync()
    with served(told) as console, entered(browser, console, java_script_enabled=scripts) as page:
        for address in (f"/dossiers/{number(7)}/changements", "/suivi"):
            page.goto(address)
            fold = page.locator("details.pli").filter(has_text="Le dernier.").first
            closed = fold.bounding_box()
            fold.locator("summary").focus()
            page.keyboard.press("Enter")
            expect(fold).to_have_attribute("open", "")
            opened = fold.bounding_box()
            assert closed
            assert opened
            assert opened["height"] > closed["height"]
            page.keyboard.press("Enter")
            page.emulate_media(media="print")
            assert opened["height"] / 2 < (fold.bounding_box() or {"height": 0})["height"]
            expect(page.locator("main form").first).to_be_hidden()
            page.emulate_media(media="screen")


def test_a_first_load_is_small(page: Page) -> None:
    """Below 300 KiB, compressed or not."""
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(f"/dossiers/{number(0)}")
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < 300 * 1024


def test_what_waits_is_decided_in_its_demarche(browser: Browser, stopped: Engine) -> None:
    """« Décider » and « Choisir » lead to the démarche, which each confirmation names."""
    apps = [beside(stopped.worker.app, OTHER), stopped.worker.app]
    with served(stopped, apps) as console, entered(browser, console) as page:
        for verb, button in (("Décider", "Donner mon accord…"), ("Choisir", "Écrire la valeur")):
            page.goto(f"/?demarche={DEMARCHE}")
            page.get_by_role("link", name=verb).first.click()
            assert urlsplit(page.url).fragment
            if verb == "Choisir":
                page.locator("[name=conflit]").first.check()
            page.get_by_role("button", name=button).first.click()
            title = stopped.rows("SELECT titre FROM demarche")[0]["titre"]
            assert f"Démarche {DEMARCHE} – {title}" in page.locator("main").inner_text()
        page.get_by_role("button", name="Remplacer").click()
        page.locator("#suivi:not([hx-get])").wait_for()
        assert f"demarche={DEMARCHE}" in page.url
