"""What the page on the data says of Metabase and dbt; dbt where DSYNC_DBT names its folder."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from scripts.pages.questions import QUESTIONS
from tests.docs.shell import ROOT, bare, block
from tests.engine.rig import PROBLEME, Engine, number, seeds
from tests.store.databases import PostgresServer

PAGE = ROOT / "docs/fr/donnees.md"
ROLE = "outils"


@pytest.fixture
def copy(postgres_server: PostgresServer) -> Iterator[Engine]:
    """A copy on PostgreSQL, with the page's role, which reads without personal data."""
    url = postgres_server.make(migrated=True)
    with Engine(url, seeds(range(6))) as made:
        made.sync_until_quiet()
        for statement in block(PAGE, "outils : rôle", "sql").splitlines():
            made.execute(statement)
        variables = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
        done = bare(block(PAGE, "outils : droits"), variables | {"DSYNC_DATABASE_URL": url})
        assert 0 == done.code, done.text
        yield made
        made.execute(f"DROP OWNED BY {ROLE}")
        made.execute(f"DROP ROLE {ROLE}")
    postgres_server.drop(url)


def built(copy: Engine, folder: Path) -> dict[str, int]:
    """Execute the page's block; return how many rows each model wrote."""
    url = make_url(copy.url)
    variables = {
        "PATH": f"{os.environ['DSYNC_DBT']}:/usr/bin:/bin",
        "HOME": str(folder),
        "PGHOST": url.query["host"],
        "PGPORT": url.query.get("port", "5432"),
        "PGDATABASE": url.database,
        "PGUSER": ROLE,
        "PGPASSWORD": "…",
        "DBT_TARGET_PATH": str(folder),
        "DBT_LOG_PATH": str(folder),
    }
    done = bare(block(PAGE, "outils : dbt"), variables)
    assert 0 == done.code, done.text
    results = json.loads((folder / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {
        one["unique_id"].rpartition(".")[2]: one["adapter_response"]["rows_affected"]
        for one in results
        if one["unique_id"].startswith("model.")
    }


def table(copy: Engine, name: str, columns: str) -> list[dict[str, Any]]:
    """Return rows in an order of their own."""
    return copy.rows(f"SELECT {columns} FROM {name} ORDER BY {columns}")


def test_each_question_runs_as_the_role_of_the_tools(copy: Engine) -> None:
    """As a file is pasted, with its comment, and without a schema; those who apply are masked."""
    database = create_engine(make_url(copy.url).set(username=ROLE))
    with database.connect() as connection:
        for file in QUESTIONS.rglob("*.sql"):
            connection.execute(text(file.read_text(encoding="utf-8")))
        first = (QUESTIONS / "01-deposants.sql").read_text(encoding="utf-8")
        rows = connection.execute(text(first)).all()
    database.dispose()
    assert [True] * 5 == [row.usager_courriel is None and row.demandeur is not None for row in rows]


@pytest.mark.skipif("DSYNC_DBT" not in os.environ, reason="needs dbt, in the folder DSYNC_DBT")
def test_dbt_loads_what_moved_and_has_what_the_views_have(copy: Engine, tmp_path: Path) -> None:
    """The second time three dossiers of six: one edited, one erased, and the last hour's again."""
    copy.advance(hours=2)
    copy.control.edit_champ(number(2), PROBLEME, "Les délais ont triplé.")
    copy.sync()
    assert 6 == built(copy, tmp_path)["dossiers"]
    copy.advance(hours=2)
    copy.control.edit_champ(number(0), PROBLEME, "Les délais ont doublé.")
    copy.control.erase(number(1))
    copy.sync()
    assert 3 == built(copy, tmp_path)["dossiers"]

    of_dossier, of_answer = (
        "numero, etat, presence, modifie_ici_le",
        "numero, champ_id, ligne, valeur",
    )
    views = "sans_donnees_personnelles.lecture"
    assert table(copy, f"{views}_dossier", of_dossier) == table(
        copy, f"{ROLE}.dossiers", of_dossier
    )
    seen = table(copy, f"{views}_champ", f"{of_answer}, origine")
    kept = [row for row in table(copy, f"{ROLE}.reponses", of_answer) if row["champ_id"]]
    assert kept == [row for row in seen if row.pop("origine") == "champ"]
    assert set() == {row["numero"] for row in kept} & {number(1)}
