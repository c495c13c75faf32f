"""A database has the tables and views of the programme once a démarche has its sections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from dsync.database import PROGRAMME, open_database
from dsync.store.dictionary import ENGINE
from tests.console.addresses import ADDRESSES
from tests.console.served import served, words
from tests.engine.rig import DEMARCHE, FIRST, Engine, seeds
from tests.engine.roles import made_role, read

ALONE = {"sections": ("demarche", "ds")}
"""A démarche that is copied, no more."""
OWN = set(PROGRAMME.storage.views) - set(ENGINE.views)
OF_PROGRAMME = (
    "/jury/composer",
    *(
        "/jury",
        "/jury/comparer",
        "/jury.xlsx",
        "/jury/proces-verbal",
        "/jury/fiches",
        f"/jury/fiches/{FIRST}",
    ),
    "/a-reporter",
    *("/preuves", f"/dossiers/{FIRST}/explication", "/regles"),
)


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """A démarche without the programme, in a database of its own."""
    upgraded = open_database(empty_database_url, check_schema=False)
    upgraded.upgrade()
    upgraded.close()
    with Engine(empty_database_url, seeds(range(3)), **ALONE) as made:
        # Its part of the schema is looked for at each start.
        made.checks_schema = True
        made.sync_until_quiet()
        yield made


def views(engine: Engine) -> set[str]:
    """Return the views that the database has by its own account, and by dsync's."""
    found = set(engine.worker.store.dictionary())
    with engine.worker.store.reading(engine.worker.app.demarche) as reader:
        assert [] == reader.verification.lost_views(())
    return found


def test_its_views_are_there_once_a_demarche_has_it(engine: Engine) -> None:
    """Without one, nothing of it is; then all of it, also for who opens the database without."""
    assert set() == OWN & views(engine)
    assert not engine.worker.store.has_programme
    assert [] == engine.worker.app.verify(remote=True).findings
    said = {row["vue"] for row in engine.rows("SELECT * FROM lecture_valeur")}
    assert said <= views(engine)

    engine.restart()
    assert 0 == engine.sync(full=True).exit_code
    assert views(engine) >= OWN
    assert 3 == len(engine.rows("SELECT * FROM lecture_candidature"))
    assert engine.rows("SELECT sens FROM lecture_valeur WHERE vue = 'lecture_candidature'")
    assert [] == engine.worker.app.verify(remote=True).findings

    engine.restart(**ALONE)
    assert views(engine) >= OWN
    assert 0 == engine.worker.erase(2).exit_code
    assert 2 == len(engine.rows("SELECT * FROM candidature"))


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_the_console_shows_nothing_of_it_without_it(engine: Engine) -> None:
    """No page of the programme, none in the menu, and each other page works."""
    with served(engine, [engine.another(**ALONE).app]) as console:
        visitor = console.visitor()
        for page in ADDRESSES:
            answer = visitor.get(page)
            assert (404 if page in OF_PROGRAMME else 200) == answer.status_code, page
            assert 'href="/jury' not in answer.text
            assert 'href="/preuves' not in answer.text
        page = visitor.get(f"/dossiers/{FIRST}").text
        assert "Demandeur" in words(page)
        assert 'id="controles"' not in page
        assert 'id="grilles"' not in page
        assert "Aucun dossier" in words(visitor.get("/dossiers?q=jury").text)
        for ending in ("csv", "xlsx"):
            assert 200 == visitor.get(f"/dossiers.{ending}").status_code


PARTS: dict[str, dict[str, Any]] = {
    "public": {},
    "demarche_86321": {"demarche": DEMARCHE},
    "sans_donnees_personnelles": {"masked": True},
}
"""What a role is granted, by the schema with these views."""


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_who_may_read_the_views_may_read_those_that_come(engine: Engine) -> None:
    """All of them, those of one démarche, those without personal data."""
    with ExitStack() as made:
        roles = {schema: made.enter_context(made_role(engine)) for schema in PARTS}
        for schema, role in roles.items():
            engine.worker.store.grant_reader(role, **PARTS[schema])
        engine.restart()
        assert 0 == engine.sync(full=True).exit_code
        for schema, role in roles.items():
            rows = read(engine, role, f"SELECT numero FROM {schema}.lecture_candidature")
            assert 3 == len(rows), schema
