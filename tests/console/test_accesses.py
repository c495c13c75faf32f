"""Access that an administrator gives and takes back, conflicts of interest, juries, kept lists."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.console.provider import EMAIL, Clock, FakeProvider, as_, provider, team_access
from tests.console.served import ServedConsole, Visitor, served, visiting, words
from tests.console.test_french import ENGLISH, OTHER_WORDS, read
from tests.console.test_jury import ADA, DAY, grade, ungraded
from tests.engine.rig import FORM, Engine, number, seeds
from tests.store.databases import on_each

OTHER = "remplacante@agence.example.fr"
JURY = "kay@dinum.example.fr"
LATER = "2031-03-11"


@pytest.fixture
def synced(database_url: str) -> Iterator[Engine]:
    with Engine(database_url, seeds()) as engine:
        engine.sync_until_quiet()
        yield engine


@contextmanager
def console(engine: Engine) -> Iterator[tuple[ServedConsole, FakeProvider]]:
    """A team's console: an administrator, and a member of the jury by the file."""
    with provider() as fake:
        acces = [as_("administrateur", EMAIL), as_("jury", JURY)]
        access = team_access(fake.issuer, Clock(), acces=acces)
        with served(engine, access=access) as made:
            yield made, fake


def enter(made: ServedConsole, fake: FakeProvider, email: str) -> Visitor:
    """Sign in as somebody."""
    fake.userinfo = lambda claims: claims.update(email=email)
    return Visitor(made.base, "/entrer")


@on_each
def test_access_is_given_and_taken_back_at_the_next_click(synced: Engine) -> None:
    """Beside the file and against it, with its end, by an administrator alone; journaled."""
    with console(synced) as (made, fake):
        admin = enter(made, fake, EMAIL)
        assert "Accès refusé" in enter(made, fake, OTHER).text
        said = admin.send("/acces", qui=f" {OTHER.upper()}", role="jury", fin="2999-01-01")
        assert f"Accès de {OTHER} : jury, jusqu’au 01/01/2999 compris." in said
        other = enter(made, fake, OTHER)
        assert 200 == other.get("/jury").status_code
        # Nobody else opens the page, or decides.
        assert 403 == other.get("/acces").status_code
        assert 403 == other.post("/acces", qui=OTHER, role="administrateur").status_code
        admin.send("/acces", qui=OTHER, role="instructeur")
        assert 200 == other.get("/journal").status_code
        admin.send("/acces", qui=OTHER, role="aucun")
        assert 403 == other.get("/dossiers").status_code
        assert "Accès refusé" in enter(made, fake, OTHER).text
        # One of the file, too, until the file counts again.
        member = enter(made, fake, JURY)
        for role, status in (("aucun", 403), ("fichier", 200)):
            admin.send("/acces", qui=JURY, role=role)
            assert status == member.get("/jury").status_code
        page = admin.read("/acces")
        # When each was last here, and which role sees persons.
        no_list = "ne connaît pas la liste des instructeurs"
        for said in ("rien au journal", "voit les personnes", no_list):
            assert said in page
        journal = admin.read("/journal")
        for line in (f"{OTHER} : retiré", f"{JURY} : celui du fichier"):
            assert line in journal
        assert EMAIL.lower() in journal


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"qui": EMAIL, "role": "aucun"}, "Un autre administrateur décide de votre propre accès."),
        ({"qui": "@dinum.example.fr", "role": "lecteur"}, "Indiquez une adresse entière"),
        ({"qui": "groups=eig", "role": "lecteur"}, "Indiquez une adresse entière"),
        ({"qui": "", "role": "lecteur"}, "Indiquez une adresse entière"),
        ({"qui": OTHER, "role": "jury", "fin": "2001-01-01"}, "Le dernier jour est passé"),
    ],
)
def test_what_would_lock_out_or_admit_many_is_refused(
    read_engine: Engine, sent: dict[str, str], said: str
) -> None:
    """The last administrator stays, a domain is given in the file alone."""
    with console(read_engine) as (made, fake):
        admin = enter(made, fake, EMAIL)
        assert said in admin.send("/acces", **sent)
        assert "Rien : le fichier seul décide." in admin.read("/acces")


@on_each
def test_who_has_a_conflict_of_interest_sees_the_dossier_nowhere(synced: Engine) -> None:
    """Neither its page, nor lists, files, sheets, comparisons; an administrator ends it."""
    one, other = number(0), number(1)
    with console(synced) as (made, fake):
        admin, member = enter(made, fake, EMAIL), enter(made, fake, JURY)
        assert "Me déporter" in member.text or "Me déporter" in member.get(f"/dossiers/{one}").text
        assert "Vous déporter du dossier" in member.send(f"/dossiers/{one}/deport")
        assert str(one) in member.column("/dossiers.csv", "Dossier")
        said = member.send(f"/dossiers/{one}/deport", confirme="oui")
        assert f"Vous êtes déporté du dossier {one}." in said
        for path in (
            f"/dossiers/{one}",
            f"/dossiers/{one}/changements",
            f"/dossiers/{other}/comparer/{one}",
            f"/jury/fiches/{one}",
        ):
            answer = member.get(path)
            assert 404 == answer.status_code, path
            assert "Vous vous êtes déporté de ce dossier" in answer.text
        assert str(one) not in member.column("/dossiers.csv", "Dossier")
        assert str(other) in member.column("/dossiers.csv", "Dossier")
        assert "ni 1 dossier dont vous vous êtes déporté" in member.read("/suivi")
        assert "déporté" not in admin.read("/suivi")
        for path in ("/dossiers", f"/dossiers?q={one}", "/jury?le=tous", "/suivi?par=tous"):
            assert f"/dossiers/{one}" not in member.get(path).text, path
        assert 200 == admin.get(f"/dossiers/{one}").status_code
        [jury] = synced.rows(f"SELECT jury_le FROM candidature WHERE numero = {one}")
        if jury["jury_le"]:
            minutes = admin.read(f"/jury/proces-verbal?le={jury['jury_le']}")
            assert f"{JURY} : dossier {one}" in minutes
        assert 403 == member.get("/jury/proces-verbal").status_code
        # They cannot end it themselves.
        assert 403 == member.post("/acces/deport", dossier=str(one), qui=JURY).status_code
        admin.send("/acces/deport", dossier=str(one), qui=JURY)
        assert 200 == member.get(f"/dossiers/{one}").status_code
        assert f"{JURY} : levé" in admin.read("/journal")


@on_each
def test_a_jury_is_composed_of_who_when_and_which_dossiers(synced: Engine) -> None:
    """Its minutes have them; a day that the team types in DS counts more; who stepped aside."""
    engine, (one, other) = synced, ungraded(synced, 2)
    grade(engine, other, ("Dossier", ADA, 4))
    engine.sync_later()
    with visiting(engine) as visitor:
        sent = {"quoi": "jury", "dossier": [str(number(one)), str(number(other))]}
        form = visitor.post("/dossiers", **sent)
        assert f">{number(one)} {number(other)}</textarea>" in form.text
        sitting = "Ada  Lovelace\r\nBOB@exemple.gouv.fr\r\n\r\nAda Lovelace"
        given = {"membres": sitting, "numeros": f"{number(one)}\r\n{number(other)}"}
        said = visitor.send("/jury/composer", le=LATER, **given)
        assert "est composé : 2 membres" in said
        assert "Membres : Ada Lovelace, bob@exemple.gouv.fr." in said
        assert f"{number(one)} , prévu pour ce jury : la date reste à saisir" in said
        assert f"{number(other)} , prévu pour ce jury : Démarches Simplifiées dit le" in said
        assert "11/03/2031 (à venir, 1 dossier)" in said
        minutes = visitor.read(f"/jury/proces-verbal?le={LATER}")
        for word in ("Ada Lovelace", "bob@exemple.gouv.fr", str(number(one))):
            assert word in minutes
        assert str(number(other)) not in minutes
        visitor.send(f"/dossiers/{number(one)}/deport", confirme="oui")
        # Numbers as a list has them, and one slip: what was typed is kept, nothing is stored.
        slip = {"membres": "Eve", "numeros": f"{number(other)}, 12;douze"}
        refused = visitor.post("/jury/composer", le=LATER, vu=LATER, **slip)
        assert (400, True) == (refused.status_code, f">{number(other)} 12 douze<" in refused.text)
        assert "que vous voyez dans cette démarche n’a pour numéro 12 ou douze" in (
            words(refused.text).replace("\N{NO-BREAK SPACE}", " ")
        )
        assert "Ada Lovelace" in visitor.read(f"/jury/composer?le={LATER}")
        # What who composes does not see stays.
        shown = {"le": LATER, "vu": LATER, "numeros": ""}
        visitor.send("/jury/composer", membres="Ada Lovelace\r\nEve", **shown)
        assert "2 membres" in visitor.read("/journal")
        # Who has not seen that day's jury completes it; who has seen it says what it is.
        for seen, said in (("", "2 membres"), (LATER, "1 membre")):
            again = {**shown, "vu": seen, "membres": "Bob"}
            assert said in visitor.send("/jury/composer", **again), seen
        assert "jury" in engine.rows("SELECT genre FROM demande ORDER BY id")[-1]["genre"]
        assert 400 == visitor.post("/jury/composer", le="demain", **given).status_code
    kept = engine.rows("SELECT numero FROM lecture_jury_dossier WHERE jury_le = :le", le=LATER)
    assert [number(one)] == [row["numero"] for row in kept]
    engine.control.edit_annotation(number(one), 5203, DAY)
    engine.sync_later()
    assert DAY == str(engine.one("lecture_jury_dossier", one)["jury_le"])


@on_each
def test_the_detail_that_a_first_write_shows_is_of_a_dossier_that_the_person_sees(
    database_url: str,
) -> None:
    """With the results and the annotations by their names, in French; then all is written."""
    one, other = number(0), number(1)
    with Engine(database_url, seeds(), seen=False) as engine, console(engine) as (made, fake):
        assert 4 == engine.sync().exit_code
        admin = enter(made, fake, EMAIL)
        page = admin.get("/accords").text
        assert [] == [*ENGLISH.finditer(read(page)), *OTHER_WORDS.finditer(read(page))]
        assert "Résultat rien d’inscrit Éligible" in words(page)
        assert f"démarche « {FORM.title} » ({FORM.number})" in words(page)
        assert "date : dans l’annotation « Pré-contrôle établi le »" in words(page)
        assert f"Détail du dossier {one} Éligible – Avis préparatoire" in words(page)
        admin.send(f"/dossiers/{one}/deport", confirme="oui")
        page = admin.get("/accords").text
        assert str(one) not in page
        assert f"Détail du dossier {other}" in words(page)
        [version] = re.findall(r'name="version" value="(\w+)"', page)
        admin.ask("/accords", genre="premiers_avis", version=version, confirme="1")
        assert "Éligible" == engine.remote(0)
        assert "Rien n’attend votre accord" in admin.read("/accords")


def test_a_list_is_kept_under_a_name_for_who_keeps_it(synced: Engine) -> None:
    """Opened in a click with its filters, order and columns; renewed and deleted; nobody else's."""
    query = "verdict=ineligible&tri=depose_le&ordre=desc&colonnes=verdict,depose_le"
    with console(synced) as (made, fake):
        mine, other = (enter(made, fake, email) for email in (EMAIL, JURY))
        said = mine.send(f"/dossiers/listes?{query}", nom=" À  relire <b> ")
        assert "La liste « À relire <b> » est gardée." in said
        assert [("À relire <b>", {**dict(parse_qsl(query))})] == kept(mine)
        assert 'aria-current="page">À relire' in mine.get(f"/dossiers?{query}").text
        mine.post("/dossiers/listes?etat=accepte", nom="À relire <b>")
        mine.post(f"/dossiers/listes?{query}", nom="x")
        assert [("x", "ineligible"), ("À relire <b>", None)] == [
            (name, given.get("verdict")) for name, given in kept(mine)
        ]
        for wrong in ("", " ", "x" * 61):
            assert "Un nom a de 1 à 60 caractères." in mine.send("/dossiers/listes", nom=wrong)
        assert [] == kept(other)
        other.post("/dossiers/listes", nom="x", oublier="oui")
        mine.post("/dossiers/listes", nom="À relire <b>", oublier="oui")
        assert ["x"] == [name for name, _ in kept(mine)]


def kept(visitor: Visitor) -> list[tuple[str, dict[str, str]]]:
    """Return the lists that the page of dossiers offers by name, with their parameters."""
    [found] = re.findall(
        r'<ul class="puces" aria-label="Mes listes">(.*?)</ul>|$', visitor.get("/dossiers").text
    )[:1]
    links = re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', found)
    return [
        (html.unescape(name), dict(parse_qsl(urlsplit(html.unescape(url)).query)))
        for url, name in links
    ]
