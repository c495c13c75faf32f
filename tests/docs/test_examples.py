"""Examples in the documentation work: configuration loads, SQL runs."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dsync.configuration import read_configuration
from dsync.database import open_database
from dsync.domain.dossier import Etat
from dsync.domain.ids import DemarcheNumber
from dsync.sync.record import Recorder
from scripts.pages.questions import QUESTIONS, questions
from tests.store.builders import DEMARCHE, NOW, make_dossier, writing
from tests.store.databases import PostgresServer
from tests.store.test_form_views import demarche_of, descriptor

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/fr/donnees.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.toml")), ids=lambda p: p.name)
def test_every_shipped_configuration_loads(path: Path) -> None:
    assert read_configuration(path).demarche.number > 0


OF_ENGINES = re.findall(r"^\| [^|]+ \| `(SELECT .+?)` \| `(SELECT .+?)` \|$", PAGE, re.M)
"""The same question to SQLite and to PostgreSQL."""


def test_what_differs_between_engines_is_shown_for_both(database_url: str) -> None:
    """Each person that follows a dossier is counted; the days to the decision have a fraction."""
    store = open_database(database_url)
    with writing(store) as tx:
        decided = make_dossier(
            1,
            instructeurs=("a@exemple.fr", "b@exemple.fr"),
            date_depot=NOW - timedelta(days=36, hours=12),
            date_traitement=NOW,
        )
        followed = make_dossier(2, instructeurs=("a@exemple.fr",))
        page = [Recorder(None, None).record(one, DEMARCHE, None) for one in (decided, followed)]
        tx.dossiers.store_page(1, page, now=NOW)
    with store.reading() as reader:
        is_postgresql = reader.connection.dialect.name == "postgresql"
        by_person, days = (
            reader.connection.execute(text(both[is_postgresql])).all() for both in OF_ENGINES
        )
    store.close()
    assert [("a@exemple.fr", 2), ("b@exemple.fr", 1)] == [tuple(row) for row in by_person]
    assert [(1, 36.5)] == [(number, round(float(jours), 3)) for number, jours in days]


def test_each_question_opens_with_a_comment_of_one_line() -> None:
    """It is the question's title, on the page and in Metabase; the answers are in tests/outside."""
    texts = [file.read_text(encoding="utf-8") for file in QUESTIONS.rglob("*.sql")]
    assert [] == [one for one in texts if not re.match(r"-- .+ \?\nSELECT .+\n", one)]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_questions_of_any_demarche_need_no_programme(
    engine: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Whoever copies a démarche of their own has no view of the programme."""
    is_sqlite = engine == "sqlite"
    url = f"sqlite:///{tmp_path / 'c.db'}" if is_sqlite else postgres_server.make(migrated=False)
    store = open_database(url, check_schema=False)
    store.upgrade()
    with store.reading() as reader:
        for file in QUESTIONS.glob("*.sql"):
            reader.connection.execute(text(file.read_text(encoding="utf-8")))
    store.close()
    if not is_sqlite:
        postgres_server.drop(url)


def test_no_example_mixes_two_calls() -> None:
    """Several are in one database: each query chooses a démarche, or groups by the call."""
    queries = [query for _, query in questions()]
    for query in [*queries, *(one for both in OF_ENGINES for one in both)]:
        chooses = "demarche_numero = 86321" in query or "FROM formulaire_86321" in query
        assert chooses or re.search(r"GROUP BY appel\b", query), query


def test_an_example_compares_two_years(database_url: str) -> None:
    """Each year is a démarche of its own, with its name; one without a name has its title."""
    store = open_database(database_url)
    for number, appel, etats in (
        (DEMARCHE, "EIG 7", (Etat.ACCEPTE, Etat.REFUSE, Etat.ACCEPTE)),
        (DemarcheNumber(86999), None, (Etat.EN_INSTRUCTION, Etat.ACCEPTE)),
    ):
        with writing(store, number) as tx:
            tx.demarche.save(demarche_of([descriptor("c")], number=number))
            tx.demarche.name(appel)
            page = [
                Recorder(None, None).record(
                    make_dossier(10 * number + rank, etat=etat, archive=False), number, None
                )
                for rank, etat in enumerate(etats)
            ]
            tx.dossiers.store_page(1, page, now=NOW)
    [query] = [one for _, one in questions() if "GROUP BY appel\n" in one]
    with store.reading() as reader:
        rows = reader.connection.execute(text(query)).all()
    store.close()
    assert [("EIG 7", 3, 2), ("aap-eig7", 2, 1)] == [
        (r.appel, r.dossiers, r.acceptes) for r in rows
    ]
