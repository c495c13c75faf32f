"""Somebody who is of some groupes instructeurs: sees, counts and acts on their dossiers alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from itertools import product
from typing import Any, NamedTuple

import pytest

from dsync.console.access import Role
from dsync.domain.verdict import Verdict
from dsync.eig.stages import Attend
from dsync.store import Reader
from dsync.store.change_list import ChangeSelection
from dsync.store.listing import NO_VERDICT, Selection
from dsync.store.sight import Sight
from tests.console.addresses import pages
from tests.console.conftest import NewEngine
from tests.console.provider import EMAIL
from tests.console.provider import team as signed_in
from tests.console.served import Visitor, words
from tests.console.test_answers import seen
from tests.engine.rig import DEMARCHE, PROBLEME, Engine, engine_for, number, seeds
from tests.store.databases import postgresql_if_long

NORD, SUD = "Groupe Nord", "Groupe Sud"
CANARY = "CANARI du Sud"


class Team(NamedTuple):
    """A démarche of two groupes, and people of the first one, which has the first dossiers."""

    engine: Engine
    instructeur: Visitor
    jury: Visitor


@pytest.fixture(scope="module")
def team_once(new_engine: NewEngine) -> Iterator[Team]:
    with new_engine(seeds(range(12))) as engine:
        engine.sync_until_quiet()
        engine.execute(f"UPDATE dossier SET groupe_instructeur = '{SUD}'")
        engine.execute(
            f"UPDATE dossier SET groupe_instructeur = '{NORD}' WHERE numero < {number(6)}"
        )
        acces = [
            {"role": "instructeur", "who": [EMAIL], "groupes": [NORD]},
            {"role": "jury", "who": ["groups=jury-nord"], "groupes": [NORD]},
        ]
        with signed_in(engine, acces) as (instructeur, fake):
            fake.userinfo = lambda claims: claims.update(
                email="jury@ailleurs.example.fr", groups=["autre", "jury-nord"]
            )
            jury = Visitor(instructeur.base, "/entrer")
            yield Team(engine, instructeur, jury)


@pytest.fixture
def team(team_once: Team) -> Team:
    """The same for one test: all engines share what connects, and it connects to the last one."""
    engine_for(team_once.engine.url)
    return team_once


def shown(visitor: Visitor, path: str) -> str:
    """Return a page without what each request has anew."""
    answer = visitor.get(path)
    assert answer.status_code in (200, 403, 404), path
    text = answer.content.decode("utf-8-sig", "replace")
    return re.sub(r'value="[\w-]{32}"|\d\d:\d\d(?::\d\d)?|il y a [^<]*|dans \d+ \w+', "", text)


def test_dossiers_of_other_groupes_are_on_no_page(team: Team) -> None:
    """Nor in a file, nor in a number: whatever becomes of them, each page stays as it is."""
    people = {Role.INSTRUCTEUR: team.instructeur, Role.JURY: team.jury}
    own = ["/dossiers.csv", "/dossiers?q=canari", "/dossiers?tri=verdict"]
    own += ["/suivi?par=tous", "/changements.csv?par=tous"]
    every = [(role, path) for role in people for path in (*pages(number(0), role), *own)]
    before = {(role, path): shown(people[role], path) for role, path in every}
    for change in (
        f"UPDATE dossier SET raison_sociale = '{CANARY}', etat = 'accepte', "
        f"depose_le = '2020-01-01', labels = '[\"{CANARY}\"]' WHERE numero >= {number(6)}",
        f"UPDATE dossier SET presence = 'masque' WHERE numero = {number(7)}",
        f"UPDATE dossier SET etat = 'en_instruction' WHERE numero = {number(8)}",
        f"UPDATE verdict SET verdict = 'Inéligible' WHERE numero >= {number(6)}",
        "INSERT INTO changement (demarche_numero, numero, origine, champ_id, libelle, "
        "nouvelle_valeur, constate_le, par, apres_depot) VALUES "
        f"({DEMARCHE}, {number(6)}, 'champ', 'c', '{CANARY}', '{CANARY}', '2026-01-01', "
        "'usager', true)",
        f"UPDATE outbox SET statut = 'conflit', valeur_distante = '{CANARY}' "
        f"WHERE numero >= {number(6)}",
    ):
        team.engine.execute(change)
    for role, path in every:
        assert before[role, path] == shown(people[role], path), (role, path)
    texts = "".join(before.values())
    assert f"/dossiers/{number(1)}" in texts
    for rank, visitor in product(range(6, 12), people.values()):
        assert f"/dossiers/{number(rank)}" not in texts
        for before_it in ("", f"{number(0)}/comparer/"):
            refused = visitor.get(f"/dossiers/{before_it}{number(rank)}")
            assert 404 == refused.status_code
        unknown = words(visitor.get(f"/dossiers/{number(999)}").text)
        refused_one = words(visitor.get(f"/dossiers/{number(rank)}").text)
        assert "n’est pas parmi ceux que vous pouvez voir ici" in refused_one
        # Nobody learns that it is there.
        assert unknown.replace(str(number(999)), "N") == refused_one.replace(str(number(rank)), "N")
        assert 200 == visitor.get(f"/dossiers/{number(rank - 6)}").status_code


@postgresql_if_long
def test_what_lists_and_counts_is_of_the_groupes(database_url: str) -> None:
    """On both engines: each count of them is what it is of all dossiers if there are no others."""
    with Engine(database_url, seeds(range(6))) as engine:
        engine.sync_until_quiet()
        for rank in (0, 5):
            engine.control.edit_champ(number(rank), PROBLEME, "Un autre problème")
        engine.sync_later()
        engine.execute(f"UPDATE dossier SET groupe_instructeur = '{NORD}'")
        engine.execute(
            f"UPDATE dossier SET groupe_instructeur = '{SUD}' WHERE numero >= {number(4)}"
        )
        store = engine.worker.store
        with store.reading(DEMARCHE) as reader:
            every = counted(reader)
        for groupes in ((NORD,), (SUD, NORD), ()):
            wanted = [
                row["numero"]
                for row in engine.rows("SELECT * FROM dossier")
                if row["groupe_instructeur"] in groupes
            ]
            with store.reading(DEMARCHE, Sight(groupes={DEMARCHE: groupes})) as reader:
                assert set(wanted) == reader.dossiers.seen()
                found = counted(reader)
            assert [len(wanted)] * 7 == found[:7]
            assert (groupes == (SUD, NORD)) == (found == every)


def counted(reader: Reader) -> list[Any]:
    """Return numbers of dossiers by the ways of the reader, then its whole figures."""
    dossiers, where = reader.dossiers, {"demarche_numero": int(DEMARCHE)}
    figures, counts = dossiers.figures(with_stages=True), dossiers.counts()
    [row] = reader.rows_of("lecture_candidature", ["count(*) AS n"], where, order="1")
    overview = reader.overview([DEMARCHE])[int(DEMARCHE)]
    return [
        len(dossiers.listing(Selection(), limit=100)[0]),
        len(dossiers.numbers_of(Selection())),
        dossiers.present_count(),
        sum(counts["presence"].values()),
        sum(sum(figures[one].values()) for one in (NO_VERDICT, *(v.key for v in Verdict))),
        row["n"],
        sum(overview[whom] for whom in Attend),
        overview,
        figures,
        counts,
        reader.open_work_of([DEMARCHE])[DEMARCHE].wishes,
        reader.changes.count(ChangeSelection()),
    ]


def test_a_check_of_ones_own_dossier_is_answered(team: Team) -> None:
    """What cannot be is said in a sentence, and nothing of dossiers of others."""
    path = f"/dossiers/{number(1)}"
    fields = {"controle": "fiche_produit", "resultat": "conforme", "motif": "attestation"}
    fields["vu"] = seen(team.instructeur, 1, "fiche_produit")
    said = team.instructeur.post(f"{path}/repondre", **fields, produit="rien-de-tel")
    assert (200, True) == (said.status_code, "n’a, ni n’a eu, l’identifiant" in said.text)
    assert "Fait" in team.instructeur.ask(f"{path}/repondre", **fields)
    team.instructeur.ask(f"{path}/repondre", controle="fiche_produit", retirer="1")


def test_nobody_acts_on_dossiers_of_other_groupes(team: Team) -> None:
    """Whichever form names them; nor asks for what is about all dossiers."""
    before = team.engine.rows("SELECT count(*) AS n FROM demande")
    visitor, theirs = team.instructeur, str(number(7))
    for action in ("relire", "renvoyer", "rejuger", "repondre"):
        assert 404 == visitor.post(f"/dossiers/{theirs}/{action}").status_code, action
    assert 404 == visitor.post("/resynchroniser", dossier=theirs, portee="dossier").status_code
    assert 404 == visitor.post("/anomalies", dossier=theirs, quoi="envoi").status_code
    assert 403 == visitor.post("/resynchroniser", portee="tout").status_code
    assert 403 == visitor.post("/personne", texte="Dupont").status_code
    assert before == team.engine.rows("SELECT count(*) AS n FROM demande")
    # Not « relire », after which the dossier is of the groupe that DS has.
    assert "Fait" in visitor.ask(f"/dossiers/{number(1)}/rejuger")


@pytest.mark.parametrize("groupes", [(NORD,), (NORD, SUD)], ids=["one", "several"])
def test_each_number_of_the_first_page_is_that_of_the_list_behind_it(
    engine: Engine, groupes: tuple[str, ...]
) -> None:
    """For somebody of one groupe and of several: dossiers, changes, conflicts and anomalies."""
    for rank in (2, 3, 7, 11):
        engine.control.edit_champ(number(rank), PROBLEME, "Un autre problème")
    engine.advance(minutes=1)
    engine.sync_until_quiet()
    engine.execute("UPDATE dossier SET groupe_instructeur = 'Groupe Ouest'")
    for rank in range(8):
        groupe = NORD if rank < 5 else SUD
        engine.execute(
            f"UPDATE dossier SET groupe_instructeur = '{groupe}' WHERE numero = {number(rank)}"
        )
    for rank in (0, 6, 9):
        engine.execute(
            "UPDATE outbox SET statut = 'conflit', valeur_distante = 'Autre chose' "
            f"WHERE annotation = 'resultat' AND courante AND numero = {number(rank)}"
        )
    for rank in (1, 7, 10):
        engine.execute(
            "UPDATE outbox SET statut = 'refusee', erreur = 'refusé' "
            f"WHERE annotation IN ('date', 'detail') AND courante AND numero = {number(rank)}"
        )
        engine.execute(
            "INSERT INTO quarantaine (numero, demarche_numero, code, message, depuis, tentatives, "
            f"dernier_essai_le) VALUES ({number(rank)}, {DEMARCHE}, 'regle', 'une règle', "
            "'2026-01-01 00:00:00.000000', 1, '2026-01-01 00:00:00.000000')"
        )
    acces = [{"role": "instructeur", "who": [EMAIL], "groupes": [*groupes]}]
    with signed_in(engine, acces) as (visitor, _):
        page = visitor.get("/").text.partition("<main")[2]
        links = re.findall(r'<a[^>]*href="(/[^"]*)"[^>]*>([\d\u202f]+)\s', page)
        assert {"/conflits", "/anomalies"} <= {path for path, _ in links}
        for path, count in links:
            assert int(count) == behind(visitor, unescape(path)), path


def behind(visitor: Visitor, path: str) -> int:
    """Return how many dossiers the page of an address has."""
    text = visitor.get(path).text.partition("<main")[2]
    if path.startswith("/dossiers?"):
        found = re.search(r'class="compte">([\d\u202f]+)', text)
        return int(found[1]) if found else 0
    found = re.findall(r'href="/dossiers/(\d+)[^"]*"', text)
    # One dossier can have several things to report.
    return len(found if path == "/a-reporter" else {*found})


def test_a_claim_of_the_provider_gives_a_role(team: Team) -> None:
    """The jury by its group; somebody without it does not enter."""
    assert 200 == team.jury.get("/jury").status_code
    assert 403 == team.jury.post(f"/dossiers/{number(1)}/relire").status_code
