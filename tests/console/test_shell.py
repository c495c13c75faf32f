"""A public service's shell: its name, what the law wants a site to say, titles, roles of tables."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from dsync.configuration import ConsoleSection, RetentionSection
from dsync.console.access import Role
from dsync.database import PROGRAMME
from dsync.store.personal_data import holdings
from tests.console.addresses import ADDRESSES, PUBLIC, RULES
from tests.console.provider import Clock, as_, team, team_access
from tests.console.served import ServedConsole, Visitor, beside, served, stranger, visiting, words
from tests.engine.rig import Engine

SECTION = ConsoleSection(
    name="Suivi de l’appel",
    entity="Direction des essais",
    contact="contact@essais.example.fr",
    director="Ada Lovelace",
    host="Hébergeur d’exemple, 1 rue de l’Exemple",
    dpo="dpo@essais.example.fr",
)
LEGAL = ("/accessibilite", "/mentions-legales", "/donnees-personnelles")


@pytest.fixture(scope="module")
def named(read_once: Engine) -> Iterator[ServedConsole]:
    app = read_once.another().app
    retention = RetentionSection(refused="2y")
    with served(read_once, [beside(app, retention=retention)], section=SECTION) as console:
        yield console


def test_the_service_has_its_own_name(named: ServedConsole, read_engine: Engine) -> None:
    """In the header and the title of each page, with or without a session; never « dsync »."""
    visitor = named.visitor()
    pages = [visitor.get(path).text for path in ADDRESSES]
    pages += [stranger().get(named.base + path).text for path in (*LEGAL, "/", "/x")]
    for page in pages:
        header = page.partition("<header")[2].partition("</header>")[0]
        [title] = re.findall(r"<title>(.*?)</title>", page)
        assert title.endswith("– Suivi de l’appel"), title
        assert "Direction des essais" in header
        assert "dsync" not in header + title
        assert all(f'href="{path}"' in page.partition("<footer")[2] for path in LEGAL)


def test_what_the_law_wants_is_read_without_a_session(
    named: ServedConsole, read_engine: Engine
) -> None:
    """From the configuration and the register; nothing of a dossier, or of a démarche's title."""
    assert {path for (_, path), rule in RULES.items() if rule == PUBLIC} >= {*LEGAL}
    found = {p: stranger().get(named.base + p) for p in LEGAL}
    assert {200} == {one.status_code for one in found.values()}
    texts = {path: words(one.text) for path, one in found.items()}
    for said in ("Ada Lovelace", "1 rue de l’Exemple", "Hébergeur d’exemple"):
        assert said in texts["/mentions-legales"]
    for said in (
        "Direction des essais",
        "dpo@essais.example.fr",
        "dossiers refusés, depuis la décision : 730 jours",
        "Une ligne par dossier",
        "CNIL",
    ):
        assert said in texts["/donnees-personnelles"], said
    for said in ("non conforme", "aucun audit", "Défenseur des droits", "contact@essais"):
        assert said in texts["/accessibilite"]
    assert "Accessibilité\u00a0: non conforme" in found["/mentions-legales"].text
    every = "".join(one.text for one in found.values())
    for row in read_engine.rows("SELECT numero, raison_sociale FROM dossier"):
        assert str(row["numero"]) not in every
        assert not row["raison_sociale"] or row["raison_sociale"] not in every


def test_an_error_page_leads_on(named: ServedConsole, read_engine: Engine) -> None:
    """With the menu and the démarche for who has a session, whom to ask, and what to send them.

    Also about a démarche that is not.
    """
    title = read_engine.rows("SELECT titre FROM demarche")[0]["titre"]
    for address in ("/nulle-part", "/?demarche=1", "/dossiers?depose_du=hier"):
        page = named.visitor().get(address)
        assert page.status_code >= 400
        assert 'aria-label="Menu principal"' in page.text
        assert "écrivez à contact@essais.example.fr ce que vous vouliez faire" in words(page.text)
        assert f"{page.status_code} · GET {address.partition('?')[0]} ·" in words(page.text)
        assert html.escape(title) in page.text
    anonymous = stranger().get(f"{named.base}/dossiers").text
    assert "Menu principal" not in anonymous


def test_every_table_with_personal_data_is_told(named: ServedConsole) -> None:
    """The programme's, too: what each holds, and until when, without commands and keys."""
    told = words(stranger().get(f"{named.base}/donnees-personnelles").text)
    assert "`" not in told
    for one in holdings(PROGRAMME):
        for said in (one.contents, one.until):
            for part in re.split(r" \(`[^`]*`\)|de `[^`]*`", said.replace("'", "’")):
                assert not one.columns or part in told, one.table.name


def test_a_statement_says_what_an_audit_found(read_engine: Engine) -> None:
    """In paragraphs and items, and the state on each page; a text without a state is refused."""
    with pytest.raises(ValidationError, match="expected a text that says"):
        ConsoleSection(accessibility="72 % des critères")
    told = "Site partiellement conforme : 72 % des\ncritères.\n\n- l’arbre\n- la carte\n"
    with served(read_engine, section=ConsoleSection(accessibility=told)) as console:
        page = stranger().get(f"{console.base}/accessibilite").text
    assert "Site partiellement conforme : 72 % des critères." in words(page)
    assert 2 == page.partition("<main")[2].partition("</main>")[0].count("<li")
    assert "Accessibilité\u00a0: partiellement conforme" in page
    assert "aucun audit" not in page


def test_the_sign_in_has_the_button_of_its_provider(read_engine: Engine) -> None:
    """ProConnect's has its own words and its link; another one's does not."""
    for issuer, is_proconnect in (
        ("https://auth.agentconnect.gouv.fr/api/v2", True),
        ("https://op.example.fr", False),
    ):
        with served(read_engine, access=team_access(issuer, Clock())) as console:
            page = stranger().get(f"{console.base}/dossiers")
        assert 403 == page.status_code
        assert is_proconnect == ("S’identifier avec ProConnect" in words(page.text))
        assert is_proconnect == ("Qu’est-ce que ProConnect ?" in page.text)
        assert 'href="/entrer?vers=%2Fdossiers"' in page.text
        assert 'href="/mentions-legales"' in page.text


def test_the_title_says_the_filter(reader: Visitor) -> None:
    """So that two windows can be told apart; what is no filter is not in it."""
    path = "/dossiers?q=forêt&verdict=a_verifier&etat=en_construction&tri=numero&page=2"
    [title] = re.findall(r"<title>(.*?)</title>", reader.get(path).text)
    assert "Dossiers («\u00a0forêt\u00a0», À vérifier, En construction) – dsync" == title


def test_the_menu_and_the_plan_have_what_a_role_may_open(read_engine: Engine) -> None:
    """Five places, the first « À faire » of those who act; « Plus » names every page."""
    for role in Role:
        with visiting(read_engine, role=role) as visitor:
            page = visitor.get("/plus").text
            menu = page.partition('id="menu"')[2].partition("</nav>")[0]
            links = re.findall(r'href="([^"]+)"', menu)
            plan = re.findall(r'href="(/[^"]*)"', page.partition("<main")[2])
            assert {*links} - {"/plus"} <= {*plan}
            acts = role in {Role.ADMINISTRATEUR, Role.INSTRUCTEUR}
            assert len(links) == 5 - (role is Role.LECTEUR)
            assert acts == ("/conflits" in plan) == (">À faire<" in menu)
            assert ("/jury" in links) == (role is not Role.LECTEUR)


def test_a_foot_leads_home_with_a_provider(read_engine: Engine) -> None:
    """A page for which a role does not suffice says so, with a way back."""
    with team(read_engine, [as_("lecteur", "@dinum.example.fr")]) as (visitor, _):
        page = visitor.get("/conflits")
    assert (403, True) == (page.status_code, "Votre rôle (lecteur)" in page.text)
    assert "Revenir à la première page" in page.text
