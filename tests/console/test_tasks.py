"""The forty tasks of a call's days, as five roles do them, in three clicks from the first page.

A click is a link, a button, a fold or a box: the keyboard presses each, where a mouse could click
it; texts, options and lists are chosen by keyboard. Needs Debian's chromium, as `test_browser.py`,
whose rules hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from dsync.configuration import AccesSection
from tests.console.addresses import ADDRESSES
from tests.console.conftest import NewEngine
from tests.console.provider import EMAIL, Clock, FakeProvider, as_, provider, team_access
from tests.console.served import beside, served
from tests.console.test_browser import browser, pytestmark
from tests.console.test_jury import grade, ungraded
from tests.engine.rig import PROBLEME, RESULTAT, number, seeds
from tests.profiles import long

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
        engine.sync_later(full=True)
        access = team_access(fake.issuer, Clock(), acces=ACCES)
        entries = tuple(AccesSection.model_validate(one) for one in ACCES)
        shown = beside(engine.another().app, acces=entries)
        with served(engine, [shown], access=access) as console:
            yield Team(browser, console.base, fake)


@pytest.fixture
def person(team: Team, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Somebody of the role that a test names, who then needs no fourth click."""
    role, most = getattr(request, "param", ("administrateur", MOST))
    made = team.person(role)
    yield made
    assert made.clicks <= most


def as_role(role: str) -> pytest.MarkDecorator:
    """Have a test done by somebody of a role."""
    return pytest.mark.parametrize("person", [pytest.param((role, MOST), id=role)], indirect=True)


def heading(person: Person) -> Locator:
    """Return the title of the page."""
    return person.page.get_by_role("heading", level=1)


LONGEST = ("/", "/suivi", "/dossiers", "/conflits", "/jury", "/journal", "/regles")


@pytest.mark.parametrize("addresses", [LONGEST, long(ADDRESSES)], ids=["longest", "all"])
@pytest.mark.parametrize(("width", "height", "most"), [(1280, 800, 12), (390, 844, 25)])
def test_no_page_is_endless(
    team: Team, width: int, height: int, most: int, addresses: Sequence[str]
) -> None:
    """With fifty rows: screens of a desk's window and of a phone; the published rules have two."""
    page = team.person("administrateur").page
    page.set_viewport_size({"width": width, "height": height})
    screens = {}
    for address in addresses:
        page.goto(address)
        screens[address] = page.evaluate("document.documentElement.scrollHeight") / height
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.set_viewport_size(SIZE)
    printed = {one for one in screens if one.endswith("/tout") or one.startswith("/jury/fiches")}
    assert {} == {one: n for one, n in screens.items() if n > most and one not in printed}
    assert screens["/regles"] <= 2 * most / 12


def test_all_to_verify_with_reason_and_whom_they_wait_for(person: Person) -> None:
    person.menu("Suivi")
    person.link(re.compile("^À vérifier"))
    rows = person.page.locator("table.liste tbody tr")
    for cell in rows.locator("td[data-titre='À qui d’agir']").all():
        assert "–" != cell.inner_text()
    assert rows.count() == 2 * person.page.locator("tr.suite").count()


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


def test_read_all_again(person: Person) -> None:
    person.menu("Suivi")
    person.click(person.page.get_by_text("Synchroniser maintenant…"))
    person.page.get_by_label(re.compile(r"^Tout \(")).focus()
    person.page.keyboard.press("Space")
    person.button("Synchroniser")
    expect(person.page.get_by_role("status").first).to_contain_text("Fait", timeout=30_000)


@as_role("responsable")
def test_my_groupe_alone(person: Person) -> None:
    expect(person.page.locator(".entete__qui")).to_contain_text(f"Groupe {OTHER_GROUPE}")
    person.menu("Dossiers")
    expect(heading(person)).to_have_text("Dossiers")
    cells = person.page.locator("td[data-titre='Groupe instructeur']")
    assert {OTHER_GROUPE} == set(cells.all_inner_texts())


Task = tuple[str, str, str | re.Pattern[str]]
SOME = re.compile(r"^\d+\sdossiers?\b")
CLICKS_MORE = {"another column": 1, "judge one again": 1, "read one again": 1, "erase one": 2} | {
    "say that a letter is sent": 1
}
"""Of tasks: what most people never choose is folded, what is erased is confirmed; of the first
dossier to answer, another task has settled what its applicant would be asked."""
LIKE_OTHERS = {
    *("how the call goes", "my grids of a jury", "where evaluators differ most", "print"),
    *("how my groupe goes", "the account of a verdict", "who did what in a dossier"),
    *("find one", "several numbers at once", "who did what", "marks side by side"),
    *("the letter to the applicant", "the workbook of the jury", "who saw what"),
    *("what the verdicts rest on", "the runs, and what one changed"),
}
"""Done by the kinds of clicks of another task, on pages that tests without a browser read: these
are for the long profile."""
TASKS: dict[str, dict[str, Task]] = {
    "lecteur": {
        "how it works": ("menu Plus | link Règles du pré-contrôle", "h1", "Règles du pré-contrôle"),
        "how the call goes": ("menu Suivi | link ^Éligible", ".compte", "Éligible"),
        "why, without personal data": ("menu Dossiers | first", "#controles .controles__nom", ""),
    },
    "jury": {
        "my grid to finish": ("mine | mine", "table.notes", "incomplète"),
        "my grids of a jury": ("menu Jury | link ^Mes grilles", "circle.mienne", ""),
        "where evaluators differ most": (
            "menu Jury | sort Écart", "th[aria-sort=descending]", "Écart",
        ),
        "the texts of a candidature": ("menu Jury | sheet", "section.fiche h3", ""),
        "the jury before": ("menu Jury | link ^Précédent, du", "h1", "Jury du"),
    },
    "responsable": {
        "the next thing of my groupe": ("link ^Répondre", "#tete", f"Groupe {OTHER_GROUPE}"),
        "how my groupe goes": ("menu Suivi | link ^À vérifier", ".compte", "À vérifier"),
    },
    "instructeur": {
        "remind who does not answer": (
            r"link ^\d+ dossiers? sans réponse | first", "#tete", "sans réponse depuis",
        ),
        "read what a candidate answered": ("link ^Lire", "#tete", "a écrit ou corrigé le"),
        "say that a letter is sent": (
            "link ^Répondre | link Suivant | link Lettre | button J’ai envoyé ce message",
            "main", "Revenir à ce qui est à faire",
        ),
        "judge one again": (
            "menu Dossiers | first | fold Actions | button Rejuger", "main h2", "Avis",
        ),
        "the list as a workbook": ("menu Dossiers | file Excel", "", r"dossiers-[\d-]+\.xlsx"),
        "the list by verdict": ("menu Dossiers | sort Avis", "th[aria-sort=ascending]", "Avis"),
        "another column": (
            "menu Dossiers | fold Colonnes | box Déposé le | button Chercher", "thead", "Déposé le",
        ),
        "all of a dossier on one page": (
            "menu Dossiers | first | link Tout sur une page", "#journal", "Journal",
        ),
        "two dossiers of a product side by side": (
            f"menu Dossiers | type {number(1)} | link {number(1)} | link Comparer",
            "main", "Lequel reste ?",
        ),
        "what changed since Monday": (
            "menu Suivi | link Depuis lundi", "main", "parmi ce que dsync a lu depuis",
        ),
        "try again what could not be read": (
            "link ^\\d+ Anomalies?$ | button Réessayer 1\u00a0dossier", "[role=status]", "Fait",
        ),
        "the account of a verdict": (
            "menu Dossiers | first | link Compte rendu", "h1", "compte rendu individuel",
        ),
        "who did what in a dossier": (
            "menu Dossiers | first | link Journal", "ul.journal", "Première lecture",
        ),
    },
    "administrateur": {
        "what changed this week": (
            "link modifiés? par (son|leur) candidat", "table.changements", "Un autre problème",
        ),
        "find one": (
            f"menu Dossiers | type {number(5)} | link {number(5)}", "#tete", f"Dossier {number(5)}",
        ),
        "find one by its SIREN with spaces": ("menu Dossiers | type 130 018 310", ".compte", SOME),
        "several numbers at once": (
            f"menu Dossiers | type {number(5)}, {number(6)} {number(7)}",
            ".compte", "3\u00a0dossiers,",
        ),
        "a slip is mended": ("menu Dossiers | type direccion | link direction", ".compte", SOME),
        "where a person is": (
            "menu Plus | link Où figure une personne | type example", ".compte", "trouvée",
        ),
        "why, and what would change it": ("link ^Répondre", "#a-faire", "À faire : dire si"),
        "the letter to the applicant": (
            "link ^Répondre | link Suivant | link Lettre", "#message", "Madame, Monsieur,",
        ),
        "settle eighteen conflicts": (
            f"link ^{CONFLICTS} Conflits | box Les {CONFLICTS} conflits | button Garder la saisie",
            "[role=status]", f"{CONFLICTS}\u00a0conflits réglés",
        ),
        "read one again": (
            "menu Dossiers | first | fold Actions | button Relire", "main", "1\u00a0dossier lu",
        ),
        "who did what": ("menu Plus | link ^Journal", "tbody tr", EMAIL.lower()),
        "what an applicant answered, under the words of the form": (
            "menu Dossiers | first | link Réponses", "main", "Problème identifié",
        ),
        "what is not yet in DS": (
            r"menu À faire | link ^\d+ décisions? à", "h1", "Décisions à reporter",
        ),
        "the runs, and what one changed": (
            "menu Suivi | link Synchronisations | first", "main", "Dossiers lus",
        ),
        "who saw what": ("menu Plus | link Qui a vu quoi", "h1", "Qui a vu quoi"),
        "what the verdicts rest on": ("menu Plus | link Preuves", "main", "Catalogue des produits"),
        "marks side by side": ("menu Jury | sheet", "table.notes", "Critère"),
        "the workbook of the jury": ("menu Jury | file Classeur du jury", "", r"jury-[\d-]+\.xlsx"),
        "print": ("menu Jury | button Fiches à imprimer", "section.fiche", ""),
        "erase one": (
            "menu Dossiers | first | fold Actions | button Effacer de la copie… "
            "| button Effacer le dossier",
            "[role=status]", "Fait",
        ),
    },
}  # fmt: skip
"""Tasks of one shape by role: what is done, and where which text then stands."""


@pytest.mark.parametrize(
    ("person", "acts", "place", "text"),
    [
        (long if name in LIKE_OTHERS else pytest.param)(
            (role, MOST + CLICKS_MORE.get(name, 0)), acts, place, text, id=name
        )
        for role, tasks in TASKS.items()
        for name, (acts, place, text) in tasks.items()
    ],
    indirect=["person"],
)
def test_a_task_is_done_by_its_clicks(
    person: Person, acts: str, place: str, text: str | re.Pattern[str]
) -> None:
    """What is typed, folded, ticked and sorted counts as all else that is pressed."""
    page = person.page
    for kind, _, name in (act.partition(" ") for act in acts.split(" | ")):
        match kind:
            case "menu":
                person.menu(name)
            case "link":
                person.link(re.compile(name, re.IGNORECASE))
            case "first":
                person.click(page.locator("table.liste tbody th a").first)
            case "mine":
                person.click(page.locator("main .faire a").first)
            case "sheet":
                person.click(page.locator("main td a[href*='/jury/fiches/']").first)
            case "sort":
                header = page.get_by_role("columnheader", name=name).first
                person.click(header.get_by_role("link"))
            case "fold":
                person.click(page.get_by_text(name, exact=True))
            case "box":
                person.click(page.get_by_label(re.compile("^" + name.replace(" ", r"\s"))).first)
            case "button":
                person.button(name)
            case "type":
                page.get_by_label(re.compile("^(Numéros, SIRET|Courriel, nom)")).fill(name)
                page.keyboard.press("Enter")
            case "file":
                assert re.fullmatch(text, person.download(name))
                return
    found = page.locator(place).first
    expect(found).to_contain_text(text, timeout=20_000)
    expect(found).to_be_visible()
