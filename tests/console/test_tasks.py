"""The forty tasks of a call's days, as five roles do them, in three clicks from the first page.

A click is a link, a button, a fold or a box: the keyboard presses each, where a mouse could click
it; texts, options and lists are chosen by keyboard. Needs Debian's chromium, as `test_browser.py`,
whose rules hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.console.addresses import ADDRESSES
from tests.console.conftest import NewEngine
from tests.console.provider import EMAIL, Clock, FakeProvider, as_, provider, team_access
from tests.console.served import served
from tests.console.test_browser import browser, pytestmark
from tests.console.test_digest import with_acces
from tests.console.test_jury import grade, ungraded
from tests.engine.rig import PROBLEME, RESULTAT, number, seeds

__all__ = ["browser", "pytestmark"]

MOST = 3
SIZE: ViewportSize = {"width": 1440, "height": 900}
READ = 60
"""Dossiers, so that a list has a page of fifty."""
CONFLICTS = 18
OTHER_GROUPE = "autre groupe"
JUROR, OTHER_JUROR = "evaluation-e@example.gouv.fr", "evaluation-a@example.gouv.fr"
ROLES = {
    "administrateur": EMAIL.lower(),
    "instructeur": "grace@dinum.example.fr",
    "responsable": "lead@dinum.example.fr",
    "jury": JUROR,
    "lecteur": "reader@dinum.example.fr",
}
"""Who has the tasks, with their addresses; a responsable is the instructeur of one groupe."""
ACCES: list[dict[str, object]] = [
    as_("administrateur", ROLES["administrateur"]),
    as_("instructeur", ROLES["instructeur"]),
    as_("instructeur", ROLES["responsable"]) | {"groupes": [OTHER_GROUPE]},
    as_("jury", JUROR),
    as_("lecteur", ROLES["lecteur"]),
]


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


class Team:
    """The sessions of the five roles in one browser, each begun when it is first asked for."""

    def __init__(self, browser: Browser, base: str, fake: FakeProvider) -> None:
        self._browser, self._base, self._fake = browser, base, fake
        self._pages: dict[str, Page] = {}

    def person(self, role: str) -> Person:
        """Return somebody at the first page."""
        if role not in self._pages:
            context = self._browser.new_context(base_url=self._base, viewport=SIZE)
            self._fake.userinfo = lambda claims: claims.update(email=ROLES[role])
            page = self._pages[role] = context.new_page()
            page.goto("/")
            page.get_by_role("link", name="S’identifier").click()
        self._pages[role].goto("/")
        return Person(self._pages[role])


@pytest.fixture(scope="module")
def team(browser: Browser, new_engine: NewEngine) -> Iterator[Team]:
    """People of a démarche with eighteen conflicts, an anomaly and two groupes."""
    with new_engine(seeds(range(READ))) as engine, provider() as fake:
        for rank in range(30, READ):
            engine.control.change_groupe(number(rank), OTHER_GROUPE)
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
        engine.control.faults.return_null(number(READ - 1), champs_only=True)
        unfinished, finished = ungraded(engine, 2)
        grade(engine, unfinished, ("Dossier", JUROR, None), ("Dossier", OTHER_JUROR, 4))
        grade(engine, finished, ("Dossier", JUROR, 2), ("Dossier", OTHER_JUROR, 4))
        engine.advance(minutes=1)
        engine.sync(full=True)
        access = team_access(fake.issuer, Clock(), acces=ACCES)
        shown = with_acces(engine.another().app, ACCES)
        with served(engine, [shown], access=access) as console:
            yield Team(browser, console.base, fake)


@pytest.fixture
def person(team: Team, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody of the role that a test names, who then needs no fourth click."""
    role, most = getattr(request, "param", ("administrateur", MOST))
    made = team.person(role)
    yield made
    assert made.clicks <= most


def as_role(role: str, most: int = MOST) -> pytest.MarkDecorator:
    """Have a test done by somebody of a role; `most`: it needs so many clicks, for a reason."""
    return pytest.mark.parametrize("person", [pytest.param((role, most), id=role)], indirect=True)


def heading(person: Person) -> Locator:
    """Return the title of the page."""
    return person.page.get_by_role("heading", level=1)


@pytest.mark.parametrize(("width", "height", "most"), [(1280, 800, 12), (390, 844, 25)])
def test_no_page_is_endless(team: Team, width: int, height: int, most: int) -> None:
    """With fifty rows: screens of a desk's window and of a phone; « Comment ça marche » has two."""
    page = team.person("administrateur").page
    page.set_viewport_size({"width": width, "height": height})
    screens = {}
    for address in ADDRESSES:
        page.goto(address)
        screens[address] = page.evaluate("document.documentElement.scrollHeight") / height
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.set_viewport_size(SIZE)
    printed = {one for one in screens if one.endswith("/tout") or one.startswith("/jury/fiches")}
    assert {} == {one: n for one, n in screens.items() if n > most and one not in printed}
    assert screens["/comment-ca-marche"] <= 2 * most / 12


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


def test_the_workbook_of_the_jury(person: Person) -> None:
    person.menu("Jury")
    assert re.fullmatch(r"jury-[\d-]+\.xlsx", person.download("Classeur du jury"))


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


def test_print(person: Person) -> None:
    person.menu("Jury")
    person.button("Fiches à imprimer")
    expect(person.page.locator("section.fiche").first).to_be_visible()
    assert person.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


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


@as_role("instructeur")
def test_the_list_as_a_workbook(person: Person) -> None:
    person.menu("Dossiers")
    assert re.fullmatch(r"dossiers-[\d-]+\.xlsx", person.download("Excel"))


@as_role("instructeur")
def test_the_list_by_verdict(person: Person) -> None:
    person.menu("Dossiers")
    person.click(person.page.get_by_role("columnheader", name="Avis").get_by_role("link"))
    expect(person.page.locator("th[aria-sort=ascending]")).to_contain_text("Avis")


@as_role("instructeur", 4)
def test_another_column(person: Person) -> None:
    """A click more: the columns are folded, as most people never choose any."""
    person.menu("Dossiers")
    person.click(person.page.get_by_text("Colonnes", exact=True))
    person.click(person.page.get_by_label("Déposé le", exact=True))
    person.button("Chercher")
    expect(person.page.get_by_role("columnheader", name="Déposé le")).to_be_visible()


@as_role("instructeur")
def test_all_of_a_dossier_to_be_printed(person: Person) -> None:
    person.menu("Dossiers")
    person.click(person.page.locator("table.liste tbody th a").first)
    person.link("Imprimer tout")
    for part in ("Réponses", "Ce qui a changé", "Journal"):
        expect(person.page.get_by_role("heading", name=part, exact=True)).to_be_visible()


@as_role("instructeur")
def test_two_dossiers_of_a_product_side_by_side(person: Person) -> None:
    person.menu("Dossiers")
    person.page.get_by_label("Numéros, SIRET").fill(str(number(1)))
    person.page.keyboard.press("Enter")
    expect(person.page.locator(".compte")).to_contain_text("1\u00a0dossier,")
    person.link(str(number(1)))
    person.click(person.page.locator("#a-faire").get_by_role("link", name="Comparer").first)
    expect(person.page.get_by_text("Différent", exact=True).first).to_be_visible()


def test_read_all_again(person: Person) -> None:
    person.menu("Suivi")
    person.click(person.page.get_by_text("Synchroniser maintenant…"))
    person.page.get_by_label(re.compile(r"^Tout \(")).focus()
    person.page.keyboard.press("Space")
    person.button("Synchroniser")
    expect(person.page.get_by_role("status").first).to_contain_text("Fait", timeout=30_000)


def test_where_a_person_is(person: Person) -> None:
    person.menu("Plus")
    person.link("Où figure une personne")
    person.page.get_by_label("Courriel, nom, téléphone ou SIRET").fill("example")
    person.page.keyboard.press("Enter")
    expect(person.page.locator(".compte")).to_contain_text("trouvée", timeout=20_000)


@as_role("jury")
def test_my_grids_of_a_jury(person: Person) -> None:
    person.menu("Jury")
    person.link(re.compile("^Mes grilles"))
    expect(person.page.locator("circle.mienne").first).to_be_visible()


@as_role("jury")
def test_where_evaluators_differ_most(person: Person) -> None:
    person.menu("Jury")
    person.click(person.page.get_by_role("columnheader", name="Écart").first.get_by_role("link"))
    expect(person.page.locator("th[aria-sort=descending]").first).to_contain_text("Écart")


@as_role("jury")
def test_the_texts_of_a_candidature_without_contacts(person: Person) -> None:
    person.menu("Jury")
    person.click(person.page.locator("main td a[href*='/jury/fiches/']").first)
    sheet = person.page.locator("section.fiche").first
    expect(sheet.get_by_role("heading", level=3).last).to_be_visible()
    assert "courriel" not in sheet.inner_text().lower()


@as_role("lecteur")
def test_how_the_call_goes(person: Person) -> None:
    person.menu("Suivi")
    expect(person.page.locator("figure.appel")).to_be_visible()
    person.link(re.compile("^Éligible"))
    expect(person.page.locator(".compte")).to_contain_text("Éligible")


@as_role("lecteur")
def test_why_without_personal_data(person: Person) -> None:
    person.menu("Dossiers")
    person.click(person.page.locator("table.liste tbody th a").first)
    expect(person.page.get_by_text("Votre rôle : lecteur")).to_be_visible()
    expect(person.page.locator("#controles .controles__nom").first).to_be_visible()


@as_role("responsable")
def test_my_groupe_alone(person: Person) -> None:
    expect(person.page.locator(".entete__qui")).to_contain_text(f"Groupe {OTHER_GROUPE}")
    person.menu("Dossiers")
    expect(heading(person)).to_have_text("Dossiers")
    cells = person.page.locator("td[data-titre='Groupe instructeur']")
    assert {OTHER_GROUPE} == set(cells.all_inner_texts())


@as_role("responsable")
def test_how_my_groupe_goes(person: Person) -> None:
    person.menu("Suivi")
    expect(person.page.locator(".titre").first).to_contain_text("dossiers présents")
    person.link(re.compile("^À vérifier"))
    assert person.page.locator("table.liste tbody tr").count() <= 2 * (READ - 30)


TASKS: dict[str, tuple[str, tuple[str, ...], str, str]] = {
    "what changed this week": (
        "administrateur", ("link modifiés? par (son|leur) candidat",),
        "table.changements", "Un autre problème",
    ),
    "read one again": (
        "administrateur", ("menu Dossiers", "first", "button Relire"), "main", "Dossiers lus",
    ),
    "who did what": (
        "administrateur", ("menu Plus", "link ^Journal"), "tbody tr", EMAIL.lower(),
    ),
    "what an applicant answered, under the words of the form": (
        "administrateur", ("menu Dossiers", "first", "link Réponses"), "main", "Problème identifié",
    ),
    "what is not yet in DS": (
        "administrateur", ("menu À faire", r"link ^\d+ Décisions?$"),
        "h1", "À reporter dans Démarches Simplifiées",
    ),
    "the runs, and what one changed": (
        "administrateur", ("menu Suivi", "link Synchronisations", "first"), "main", "Dossiers lus",
    ),
    "who saw what": (
        "administrateur", ("menu Plus", "link Qui a vu quoi"), "h1", "Qui a vu quoi",
    ),
    "what the verdicts rest on": (
        "administrateur", ("menu Plus", "link Preuves"), "main", "Catalogue des produits",
    ),
    "remind who does not answer": (
        "instructeur", (r"link ^\d+ Sans réponse", "first"), "#tete", "sans réponse depuis",
    ),
    "read what a candidate answered": (
        "instructeur", ("link ^Lire",), "#tete", "a répondu le",
    ),
    "say that a letter is sent": (
        "instructeur", ("link ^Répondre", "link Lettre", "button J’ai envoyé ce message"),
        "main", "Revenir à ce qui est à faire",
    ),
    "judge one again": (
        "instructeur", ("menu Dossiers", "first", "button Rejuger"), "main h2", "Avis",
    ),
    "what changed since Monday": (
        "instructeur", ("menu Suivi", "link Depuis lundi"),
        "main", "parmi ce que dsync a lu depuis",
    ),
    "try again what could not be read": (
        "instructeur", (r"link ^\d+ Anomalies?$", "button Réessayer 1\u00a0dossier"),
        "[role=status]", "Fait",
    ),
    "the account of a verdict": (
        "instructeur", ("menu Dossiers", "first", "link Compte rendu"),
        "h1", "compte rendu individuel",
    ),
    "who did what in a dossier": (
        "instructeur", ("menu Dossiers", "first", "link Journal"), "ul.journal", "Première lecture",
    ),
    "how it works": (
        "lecteur", ("menu Plus", "link Comment ça marche"), "h1", "Règles du pré-contrôle",
    ),
    "my grid to finish": (
        "jury", ("link ^Noter",), "table.notes", "incomplète",
    ),
    "the jury before": (
        "jury", ("menu Jury", "link ^Précédent, du"), "h1", "Jury du",
    ),
    "the next thing of my groupe": (
        "responsable", ("link ^Répondre",), "#tete", f"Groupe {OTHER_GROUPE}",
    ),
}  # fmt: skip
"""Tasks of one shape: the role, the clicks, and where which text then stands."""


@pytest.mark.parametrize(
    ("person", "clicks", "place", "text"),
    [
        pytest.param((role, MOST), clicks, place, text, id=name)
        for name, (role, clicks, place, text) in TASKS.items()
    ],
    indirect=["person"],
)
def test_a_task_is_done_by_its_clicks(
    person: Person, clicks: tuple[str, ...], place: str, text: str
) -> None:
    """An entry of the menu, a link, the first of a list, or a button."""
    for kind, _, name in (click.partition(" ") for click in clicks):
        match kind:
            case "menu":
                person.menu(name)
            case "link":
                person.link(re.compile(name))
            case "first":
                person.click(person.page.locator("table.liste tbody th a").first)
            case "button":
                person.button(name)
    expect(person.page.locator(place).first).to_contain_text(text, timeout=20_000)


def test_erase_one(team: Team) -> None:
    """A click more than others need: nothing is erased that nobody confirms."""
    person = team.person("administrateur")
    person.menu("Dossiers")
    person.click(person.page.locator("table.liste tbody th a").first)
    person.button("Effacer de la copie…")
    person.button("Effacer le dossier")
    expect(person.page.get_by_role("status").first).to_contain_text("Fait", timeout=20_000)
    assert MOST + 1 == person.clicks
