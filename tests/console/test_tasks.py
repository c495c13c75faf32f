"""The tasks of a call's days, each in at most three clicks from the first page.

A click is a link, a button, a fold or a box: the keyboard presses each, where a mouse could click
it; texts, options and lists are chosen by keyboard. Needs Debian's chromium, as `test_browser.py`,
whose rules hold.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.conftest import SHOWN
from tests.console.provider import EMAIL, provider
from tests.console.served import served
from tests.console.test_browser import browser, pytestmark
from tests.console.test_digest import with_acces
from tests.console.test_signin import Clock, as_, team_access
from tests.engine.rig import PROBLEME, RESULTAT, Engine, number, seeds

__all__ = ["browser", "pytestmark"]

MOST = 3
CONFLICTS = 18
ACCES = [as_("administrateur", EMAIL)]


class Person:
    """Somebody at a browser, whose clicks are counted from the first page on."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, what: Locator) -> None:
        """Check that a mouse could click, press what has the focus instead, and count it."""
        self.clicks += 1
        what.click(trial=True)
        what.focus()
        assert what.evaluate("e => e === document.activeElement && e.tabIndex >= 0")
        is_box = what.evaluate("e => e.tagName === 'INPUT'")
        self.page.keyboard.press("Space" if is_box else "Enter")

    def menu(self, name: str) -> None:
        """Choose an entry of the menu."""
        entries = self.page.get_by_role("navigation", name="Menu principal")
        self.click(entries.get_by_role("link", name=name))

    def link(self, name: str | re.Pattern[str]) -> None:
        """Follow the first link of that name in the page's content."""
        self.click(self.page.get_by_role("main").get_by_role("link", name=name).first)

    def button(self, name: str) -> None:
        """Press a button."""
        self.click(self.page.get_by_role("button", name=name))

    def download(self, name: str) -> str:
        """Follow a link to a file; return its name."""
        with self.page.expect_download() as found:
            self.link(name)
        return found.value.suggested_filename


@pytest.fixture(scope="module")
def page(
    browser: Browser, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """A session of an administrateur, whose démarche has eighteen conflicts."""
    path = tmp_path_factory.mktemp("tasks") / "dsync.db"
    shutil.copy(sqlite_template, path)
    with Engine(f"sqlite:///{path}", seeds(range(SHOWN))) as engine, provider() as fake:
        engine.sync_until_quiet()
        confirmed = engine.rows(
            "SELECT o.numero FROM outbox AS o JOIN dossier AS d ON d.numero = o.numero "
            "WHERE o.courante AND o.annotation = 'resultat' AND o.statut = 'confirmee' "
            "AND d.etat IN ('en_construction', 'en_instruction') ORDER BY o.numero"
        )
        numbers = [row["numero"] for row in confirmed][:CONFLICTS]
        for one in numbers:
            engine.control.edit_annotation(one, RESULTAT, "Écrit à la main")
        engine.control.edit_champ(number(3), PROBLEME, "Un autre problème")
        engine.advance(minutes=1)
        engine.sync(full=True)
        access = team_access(fake.issuer, Clock(), acces=ACCES)
        shown = with_acces(engine.another().app, ACCES)
        with served(engine, [shown], access=access) as console:
            context = browser.new_context(
                base_url=console.base, viewport={"width": 1440, "height": 900}
            )
            opened = context.new_page()
            opened.goto("/")
            opened.get_by_role("link", name="S’identifier").click()
            yield opened
            context.close()


@pytest.fixture
def person(page: Page) -> Iterator[Person]:
    """The same person at the first page, who then needs no fourth click."""
    page.goto("/")
    made = Person(page)
    yield made
    assert made.clicks <= MOST


def heading(person: Person) -> Locator:
    """Return the title of the page."""
    return person.page.get_by_role("heading", level=1)


def test_find_one(person: Person) -> None:
    person.menu("Dossiers")
    person.page.get_by_label("Numéros, SIRET").fill(str(number(5)))
    person.page.keyboard.press("Enter")
    expect(person.page.locator(".compte")).to_contain_text("1\u00a0dossier,")
    person.link(str(number(5)))
    expect(person.page.locator("#tete")).to_contain_text(f"Dossier {number(5)}")


def test_all_to_verify_with_reason_and_whom_they_wait_for(person: Person) -> None:
    person.menu("Suivi")
    person.link(re.compile("^À vérifier"))
    rows = person.page.locator("table.liste tbody tr")
    for cell in rows.locator("td[data-titre='À qui d’agir']").all():
        assert "–" != cell.inner_text()
    assert rows.count() == 2 * person.page.locator("tr.suite").count()


def test_why_and_what_would_change_it(person: Person) -> None:
    person.link(re.compile("^Répondre"))
    expect(person.page.get_by_text("reste à régler :")).to_be_visible()
    expect(person.page.get_by_role("heading", name="À faire : dire si")).to_be_visible()


def test_what_changed_this_week(person: Person) -> None:
    person.link(re.compile(r"modifiés? par (son|leur) candidat"))
    expect(person.page.locator("table.changements")).to_contain_text("Un autre problème")


def test_read_one_again(person: Person) -> None:
    person.menu("Dossiers")
    person.click(person.page.locator("table.liste tbody th a").first)
    person.button("Relire")
    expect(person.page.get_by_text("Dossiers lus")).to_be_visible(timeout=20_000)


def test_the_workbook_of_the_jury(person: Person) -> None:
    person.menu("Jury")
    assert re.fullmatch(r"jury-[\d-]+\.xlsx", person.download("Classeur du jury"))


def test_who_did_what(person: Person) -> None:
    person.menu("Plus")
    person.link(re.compile("^Journal"))
    expect(person.page.locator("tbody tr").first).to_contain_text(EMAIL.lower())


def test_one_ministry(person: Person) -> None:
    person.menu("Dossiers")
    person.click(person.page.get_by_text("Autres filtres"))
    choice = person.page.get_by_role("combobox", name="Administration")
    wanted = choice.locator("option").nth(1).inner_text()
    choice.focus()
    person.page.keyboard.press("ArrowDown")
    person.button("Chercher")
    expect(person.page).to_have_url(re.compile("rattachement="))
    rows = person.page.locator("table.liste tbody td[data-titre=Demandeur]")
    assert {wanted} == set(rows.all_inner_texts())


def test_find_one_by_its_siren_with_spaces(person: Person) -> None:
    person.menu("Dossiers")
    person.page.get_by_label("Numéros, SIRET").fill("130 018 310")
    person.page.keyboard.press("Enter")
    expect(person.page.locator(".compte")).to_contain_text(re.compile(r"^\d+\sdossiers?,"))


def test_several_numbers_are_found_at_once(person: Person) -> None:
    person.menu("Dossiers")
    person.page.get_by_label("Numéros, SIRET").fill(f"{number(5)}, {number(6)} {number(7)}")
    person.page.keyboard.press("Enter")
    expect(person.page.locator(".compte")).to_contain_text("3\u00a0dossiers,")


def test_a_slip_is_mended(person: Person) -> None:
    person.menu("Dossiers")
    person.page.get_by_label("Numéros, SIRET").fill("direccion")
    person.page.keyboard.press("Enter")
    expect(person.page.get_by_text("Vouliez-vous dire")).to_be_visible()
    person.link(re.compile("direction", re.IGNORECASE))
    expect(person.page.locator(".compte")).to_contain_text(re.compile(r"^\d+\sdossiers?,"))


def test_the_letter_to_the_applicant(person: Person) -> None:
    person.link(re.compile("^Répondre"))
    person.link("Lettre")
    expect(person.page.get_by_label("Texte à transmettre")).to_contain_text("Madame, Monsieur,")


def test_what_an_applicant_answered_under_the_words_of_the_form(person: Person) -> None:
    person.menu("Dossiers")
    person.click(person.page.locator("table.liste tbody th a").first)
    person.link("Réponses")
    expect(person.page.get_by_text("Problème identifié", exact=True)).to_be_visible()


def test_print(person: Person) -> None:
    person.menu("Jury")
    person.button("Fiches à imprimer")
    expect(person.page.locator("section.fiche").first).to_be_visible()
    assert person.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_what_is_not_yet_in_ds(person: Person) -> None:
    person.menu("À faire")
    person.link(re.compile(r"^\d+ Décisions?$"))
    expect(heading(person)).to_contain_text("À reporter dans Démarches Simplifiées")
    expect(person.page.get_by_role("columnheader", name="À faire").first).to_be_visible()


def test_settle_eighteen_conflicts(person: Person) -> None:
    person.link(re.compile(f"^{CONFLICTS} Conflits"))
    person.click(person.page.get_by_label(f"Les {CONFLICTS} conflits montrés"))
    person.button("Garder la saisie")
    said = f"{CONFLICTS}\u00a0conflits réglés"
    expect(person.page.get_by_role("status").first).to_contain_text(said)


def test_answer_a_check(person: Person) -> None:
    person.link(re.compile("^Répondre"))
    form = person.page.locator("#a-faire form")
    expect(form).to_have_count(1)
    form.get_by_label("Conforme", exact=True).focus()
    person.page.keyboard.press("Space")
    form.get_by_role("textbox").fill("Vu au Journal officiel.")
    person.click(form.get_by_role("button", name="Enregistrer la réponse"))
    expect(person.page.get_by_role("status").first).to_contain_text("Fait", timeout=20_000)
    person.link(re.compile("^(Contrôle suivant de ce dossier|Dossier suivant de la liste)"))
    expect(person.page.get_by_role("heading", name="À faire : dire si")).to_be_visible()


def test_be_told(person: Person) -> None:
    person.link("Recevoir par courriel")
    person.click(person.page.get_by_label("Chaque jour"))
    person.button("Enregistrer")
    expect(person.page.get_by_label("Chaque jour")).to_be_checked()


def test_marks_side_by_side(person: Person) -> None:
    person.menu("Jury")
    person.click(person.page.locator("main td a[href*='/jury/fiches/']").first)
    notes = person.page.locator("table.notes").first
    expect(notes.get_by_role("columnheader", name="Critère")).to_be_visible()
    assert 2 < notes.get_by_role("columnheader").count()
