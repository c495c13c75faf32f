"""Who saw what: what is journaled of pages, files and commands, and who reads it."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event, text

from dsync.console.access import Role
from dsync.console.changements import VALUES
from dsync.domain.documented import Mark
from dsync.store.codes import Seen
from dsync.store.dictionary import DOSSIER_COLUMNS
from dsync.store.tables import ASKED
from tests.acceptance.worker.installed import slowdown
from tests.console.served import DEADLINE_S, USER, served, visiting, words
from tests.console.test_pages import table_of
from tests.engine.rig import DEMARCHE, FIRST, PROBLEME, Engine, engine_for, number, seeds
from tests.store.databases import connected, on_each

REFUSING = (
    "CREATE TRIGGER refused BEFORE INSERT ON demande BEGIN SELECT RAISE(ABORT, 'read-only'); END"
)


def seen(engine: Engine) -> list[tuple[str, list[int], int]]:
    """Return what is journaled, oldest first: genre, dossiers, number."""
    with engine.worker.store.reading(DEMARCHE) as reader:
        rows = reader.requests.seen(limit=100)
    return [
        (one.genre, one.options.get("dossiers", []), (one.resultat or {})["nombre"])
        for one in reversed(rows)
    ]


def test_pages_of_dossiers_and_files_are_journaled(engine: Engine) -> None:
    """One row for what somebody opens in a minute, one for each file; not what a page asks again.

    The words that somebody searched for are not kept.
    """
    with visiting(engine) as visitor:
        sheets = f"/jury/fiches?dossier={FIRST}&dossier={FIRST + 2}"
        for path in (
            f"/dossiers/{FIRST}", f"/dossiers/{FIRST}/journal", f"/dossiers/{FIRST + 1}", sheets
        ):  # fmt: skip
            assert 200 == visitor.get(path).status_code
        assert (
            200
            == visitor.get(
                "/dossiers.csv?q=Dupont&etat=en_construction&colonnes=etat&colonnes=depose_le"
            ).status_code
        )
        for path in ("/", "/dossiers", "/dossiers/1"):
            visitor.get(path)
        visitor.get(f"/dossiers/{FIRST}", headers={"HX-Request": "true"})
        assert [] == seen(engine)
    [file, pages] = seen(engine)
    assert ("telechargement", []) == file[:2]
    assert ("consultation", [FIRST, FIRST + 1, FIRST + 2], 3) == pages
    with engine.worker.store.reading(DEMARCHE) as reader:
        told = next(one for one in reader.requests.seen(limit=9) if one.genre == "telechargement")
    asked = {"q": "…", "etat": "en_construction", "colonnes": "etat,depose_le"}
    assert asked == told.options["filtres"]


def test_a_list_with_personal_columns_is_journaled(engine: Engine) -> None:
    """One row a minute for the same columns: which, and how many dossiers; a file has its own."""
    engine.control.edit_champ(number(0), PROBLEME, "Un autre problème")
    engine.sync_later()
    names = "q.{}".format(",q.".join(personal_questions(engine)))
    lists = {
        f"/dossiers?colonnes={names}": [("consultation", 2)],
        f"/dossiers.csv?colonnes={names}": [("telechargement", 2)],
        "/dossiers.csv": [("telechargement", 0)],
        "/suivi?par=tous": [("consultation", len(VALUES))],
        "/changements.csv?par=tous": [("telechargement", len(VALUES))],
        "/jury?le=tous": [("consultation", 1)],
        "/jury.xlsx?le=tous": [("telechargement", 4)],
        # These have numbers, states and names of organisations alone.
        **{one: [] for one in ("/dossiers", "/a-reporter", "/")},
    }
    for path, expected in lists.items():
        with engine.worker.store.requests(DEMARCHE) as requests:
            before = len(requests.seen(limit=100))
        with visiting(engine) as visitor:
            for _ in range(2 - ("." in path.partition("?")[0])):
                assert 200 == visitor.get(path).status_code, path
        with engine.worker.store.reading(DEMARCHE) as reader:
            rows = reader.requests.seen(limit=100)
        found = rows[: len(rows) - before]
        said = [(one.genre, len(one.options.get("colonnes", []))) for one in found]
        assert expected == said, path
        assert all((one.resultat or {})["nombre"] > 0 for one in found), path
        seen_ones = [one.options for one in found if one.genre == "consultation"]
        assert all({"colonnes", "role"} == {*one} for one in seen_ones)


def test_a_list_that_names_a_person_as_applicant_is_journaled(engine: Engine) -> None:
    """Its usual columns say nothing about anybody, until somebody applies in their own name."""
    applies = "UPDATE dossier SET raison_sociale = NULL, demandeur_nom = 'Lovelace' WHERE numero ="
    engine.execute(f"{applies} {FIRST}")
    with visiting(engine) as visitor:
        assert "Lovelace" in visitor.get("/dossiers").text
        visitor.get("/dossiers?colonnes=etat")
    with engine.worker.store.reading(DEMARCHE) as reader:
        [row] = reader.requests.seen(limit=9)
    told = {"colonnes": ["Demandeur"], "role": "administrateur"}
    assert (told, {"nombre": 1}) == (row.options, row.resultat)


def test_a_question_that_names_a_person_as_applicant_is_journaled(engine: Engine) -> None:
    """What is asked before an act on many names each applicant, as the list does."""
    settled = engine.rows("SELECT numero, points FROM verdict WHERE courant AND points <> ''")[0]
    one, check = settled["numero"], settled["points"].strip("|").partition(":")[0]
    applies = "UPDATE dossier SET raison_sociale = NULL, demandeur_nom = 'Lovelace' WHERE numero ="
    engine.execute(f"{applies} {one}")
    with visiting(engine) as visitor:
        fields = {"controle": check, "resultat": "conforme", "motif": "vu au téléphone"}
        answer = visitor.post("/dossiers", quoi="repondre", dossier=str(one), **fields)
        assert "Lovelace" in answer.text
    with engine.worker.store.reading(DEMARCHE) as reader:
        [row] = reader.requests.seen(limit=9)
    assert ({"colonnes": ["Demandeur"], "role": "administrateur"}, {"nombre": 1}) == (
        row.options,
        row.resultat,
    )


def personal_questions(engine: Engine) -> list[str]:
    """Return the names of two columns of the form with personal data."""
    view = engine.worker.store.dictionary()[f"formulaire_{DEMARCHE}"]
    named = [name for name, one in view.columns.items() if one.mark is Mark.PERSONAL]
    return [name for name in named if name not in DOSSIER_COLUMNS][:2]


def test_a_file_that_takes_long_shows_its_progress(engine: Engine) -> None:
    """Then its size; it is sent once, to who asked for it, and journaled as what was asked for."""
    go, database = threading.Event(), engine_for(engine.url)

    def hold(*_given: object) -> None:
        if threading.current_thread().name.startswith("dsync-console-search"):
            go.wait(DEADLINE_S)

    with served(engine) as console:
        visitor, other = console.visitor(), console.visitor()
        event.listen(database, "before_cursor_execute", hold)
        try:
            page = visitor.get("/dossiers.csv?etat=en_construction")
        finally:
            go.set()
        assert "En cours" in page.text
        assert "Ensuite, vous le téléchargez ici" in words(page.text)
        done = visitor.followed(page)
        event.remove(database, "before_cursor_execute", hold)
        assert re.search(r"\d+ lignes, [\d,]+ Ko", words(done))
        [link] = re.findall(r'class="fr-btn" href="([^"]+)"', done)
        assert 404 == visitor.get(page.url.removeprefix(console.base) + "0").status_code
        sent = visitor.get(link)
        assert sent.headers["Content-Disposition"].startswith("attachment")
        assert int(sent.headers["Content-Length"]) == len(sent.content)
        assert 404 == other.get(link).status_code
    [(genre, _, count)] = seen(engine)
    assert ("telechargement", count) == (genre, sent.content.count(b"\r\n") - 1)
    with engine.worker.store.reading(DEMARCHE) as reader:
        [told] = reader.requests.seen(limit=9)
    assert "/dossiers.csv" == told.options["page"]
    assert {"etat": "en_construction"} == told.options["filtres"]


def test_who_looks_much_makes_no_order_slower(engine: Engine) -> None:
    """What was asked for is found by an index that has nothing of what was seen."""
    assert {*Seen} == {*re.findall(r"'(\w+)'", ASKED)}
    plans: list[str] = []

    def explain(
        connection: Connection, _cursor: Any, statement: str, values: Any, *_: object
    ) -> None:
        if "FROM demande" in statement and not statement.startswith("EXPLAIN"):
            found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.extend(row[3] for row in found)

    with engine.worker.store.reading(DEMARCHE) as reader:
        event.listen(reader.connection, "before_cursor_execute", explain)
        reader.requests.of_dossier(number(0))
        reader.requests.latest(limit=20)
    assert ["USING INDEX ix_demande_demandee" in plan for plan in plans] == [True, True]


def test_the_administrateur_alone_reads_it(engine: Engine) -> None:
    """Others find it on no page: not in a journal, a dossier or at the address of a request."""
    now = engine.worker.now()
    with engine.worker.store.requests(DEMARCHE) as requests:
        requests.record(
            "consultation", {"dossiers": [FIRST]}, "vera@example.fr", since=now, now=now,
            result={"nombre": 1},
        )  # fmt: skip
    [watched] = engine.rows("SELECT id FROM demande WHERE demande_par = 'vera@example.fr'")
    for role in Role:
        with visiting(engine, role=role) as visitor:
            answer = visitor.get("/consultations")
            is_administrateur = role is Role.ADMINISTRATEUR
            assert (200 if is_administrateur else 403) == answer.status_code
            assert is_administrateur == ("vera@example.fr" in answer.text)
            assert is_administrateur == ("/consultations" in visitor.get("/plus").text)
            for path in ("/journal", f"/dossiers/{FIRST}/journal", f"/demandes/{watched['id']}"):
                assert "vera@example.fr" not in visitor.get(path).text


@on_each
def test_it_is_narrowed_to_a_dossier_a_person_or_days(database_url: str) -> None:
    """With the role of who saw it; what was refused counts how often. No other number is meant."""
    with Engine(database_url, seeds()) as engine:
        engine.sync()
        began = engine.worker.now()
        with visiting(engine, role=Role.LECTEUR) as lecteur:
            for _ in range(2):
                assert 403 == lecteur.get("/journal?x=1").status_code
            lecteur.get(f"/dossiers/{FIRST}")
            assert 403 == lecteur.post(f"/dossiers/{FIRST}/effacer").status_code
        with engine.worker.store.requests(DEMARCHE) as requests:
            for who, at in (("grace@dinum.fr", began - timedelta(days=3)), ("a_b@dinum.fr", began)):
                given = {"dossiers": [int(f"{FIRST}7")]}
                requests.record("consultation", given, who, since=at, now=at, result={"nombre": 1})
        with visiting(engine) as visitor:
            found = {
                query: [row[1:] for row in table_of(visitor.get(f"/consultations{query}").text)[1]]
                for query in (
                    "", f"?dossier={FIRST}", "?qui=GRACE", "?qui=_", "?qui=100%25",
                    f"?du={began:%Y-%m-%d}", f"?au={began - timedelta(days=1):%Y-%m-%d}",
                )
            }  # fmt: skip
            assert 400 == visitor.get("/consultations?dossier=x").status_code
            assert "Aucune consultation ne correspond." in visitor.read("/consultations?qui=100%25")
            page = visitor.read("/consultations")
            assert "Ce qui est vu dans Démarches Simplifiées" in page
            assert "Gardé jusqu’à la suppression de la base" in page
            link = f'href="/consultations?dossier={FIRST}"'
            assert link in visitor.get(f"/dossiers/{FIRST}/journal").text
    other = f"{FIRST}7"
    grace = ["grace@dinum.fr", "–", "Dossiers ouverts", other, "1"]
    plain = ["a_b@dinum.fr", "–", "Dossiers ouverts", other, "1"]
    page = [USER, "Lecteur", "Refus (page : /journal)", "–", "2"]
    opened = [USER, "Lecteur", "Dossiers ouverts", str(FIRST), "1"]
    erased = [USER, "Lecteur", f"Refus (page : /dossiers/{FIRST}/effacer)", str(FIRST), "1"]
    assert found == {
        "": [plain, grace, erased, opened, page],
        f"?dossier={FIRST}": [erased, opened],
        "?qui=GRACE": [grace],
        "?qui=_": [plain],
        "?qui=100%25": [],
        f"?du={began:%Y-%m-%d}": [plain, erased, opened, page],
        f"?au={began - timedelta(days=1):%Y-%m-%d}": [grace],
    }


def test_no_page_waits_for_a_write(engine: Engine) -> None:
    """A page is served while another connection holds the database; the row follows."""
    with (
        visiting(engine) as visitor,
        engine.worker.store.trial() as trial,
        trial.requests(DEMARCHE) as requests,
    ):
        requests.withdraw(0)
        began = time.monotonic()
        assert 200 == visitor.get(f"/dossiers/{FIRST}").status_code
        assert (time.monotonic() - began) / slowdown() < 5
    assert [("consultation", [FIRST], 1)] == seen(engine)


def test_where_nothing_can_be_written_pages_go_on(engine: Engine) -> None:
    """As on a replica: what was seen is not written, and neither page nor end fails."""
    with connected(engine.url) as connection:
        connection.execute(text(REFUSING))
    with visiting(engine) as visitor:
        for path in (f"/dossiers/{FIRST}", "/dossiers.csv", "/consultations"):
            assert 200 == visitor.get(path).status_code
    assert [] == seen(engine)
