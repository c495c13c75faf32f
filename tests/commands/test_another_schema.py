"""A database with another schema than this version's is recognised, and nothing is done with it."""

from __future__ import annotations

import csv
import json
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from dsync.database import open_database
from dsync.errors import SchemaBehindError
from dsync.sandbox import Sandbox
from dsync.store import RunningService
from dsync.store.store import process_name
from tests.commands.command import InsideCommand
from tests.commands.conftest import begin, operator
from tests.engine.rig import small_sandbox
from tests.store.databases import connected, contents

COMMANDS = (
    "db upgrade", "db verify", "db dictionary",
    "check", "status", "status --strict", "sync", "sync --dry-run", "push", "precheck", "run",
    "console", "history", "history --manual", "dossier list", "dossier show 1", "conflicts list",
    "quarantine list", "pieces status", "evidence show", "export out --view lecture_dossier",
    "purge --older-than 2y", "person x", "forget 1 --yes", "db copy sqlite:///new.db",
)  # fmt: skip
FORMER = "UPDATE alembic_version SET version_num = '0002'"
"""What makes a database one of before 1.0.0."""


def change(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_every_command_ends_with_one_sentence(sqlite_template: Path, tmp_path: Path) -> None:
    """Exit 5, with what to do; nothing is changed."""
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'dsync.db')}"
    change(url, FORMER)
    before = contents(url)
    with small_sandbox(3) as sandbox:
        dsync = operator(sandbox, tmp_path).given(DSYNC_DATABASE_URL=url)
        for command in COMMANDS:
            ended = dsync(*command.split())
            said = " ".join(ended.text.split())
            assert 5 == ended.code, (command, said)
            assert "was made before dsync 1.0.0" in said
            assert "read all anew into a new database" in said
            assert "report it" not in said
            assert before == contents(url), command


def test_answers_are_taken_out_of_a_database_of_any_layout(on_database: InsideCommand) -> None:
    """By a backup and as raw tables, which say what they are; nothing is changed."""
    assert 0 == on_database("sync").code
    url, folder = on_database.environment["DSYNC_DATABASE_URL"], on_database.folder
    with connected(url) as connection:
        rows = connection.execute(
            text("SELECT numero, raison_sociale FROM dossier ORDER BY numero")
        ).all()
    for statement in (
        "DROP VIEW lecture_jury",
        FORMER,
        "DROP TABLE turn",
        "UPDATE alembic_version SET version_num = '0999'",
    ):
        change(url, statement)
        if "postgresql" not in url and "DROP VIEW" in statement:
            continue  # Made again when it is opened.
        before = contents(url)
        for command, said in (
            ("db backup copy --force", "copied as it is"),
            ("export out", "written as they are"),
        ):
            ended = on_database(*command.split())
            assert (0, True) == (ended.code, said in ended.err), (statement, ended.text)
        assert before == contents(url)
        with (folder / "out" / "dossier.csv").open(encoding="utf-8-sig", newline="") as file:
            found = [(int(row["numero"]), row["raison_sociale"]) for row in csv.DictReader(file)]
        assert [(numero, name or "") for numero, name in rows] == found
        assert 5 == on_database("export", "out", "--without-personal-data").code
    assert 0 == on_database("export", "parquet", "--format", "parquet").code
    with (folder / "out" / "contenu.csv").open(encoding="utf-8-sig", newline="") as file:
        assert all(json.loads(row["champs"]) for row in csv.DictReader(file))


def test_a_database_of_before_is_refused_on_each_engine(database_url: str) -> None:
    """At opening and by an upgrade; on PostgreSQL also one whose tables have no revision."""
    lost = ["DROP TABLE alembic_version"] if "postgresql" in database_url else []
    for statement in (FORMER, *lost):
        change(database_url, statement)
        with pytest.raises(SchemaBehindError, match=r"made before dsync 1\.0\.0"):
            open_database(database_url)
        with (
            closing(open_database(database_url, check_schema=False)) as store,
            pytest.raises(SchemaBehindError, match=r"made before dsync 1\.0\.0"),
        ):
            store.upgrade()


def test_what_an_administrator_adds_is_no_difference(database_url: str) -> None:
    """Tables, views, indexes, columns that may be empty; comments and schemas on PostgreSQL."""
    change(
        database_url,
        "CREATE TABLE mine (dossier INTEGER NOT NULL)",
        "CREATE VIEW of_mine AS SELECT numero, etat FROM lecture_dossier",
        "CREATE INDEX mine_index ON dossier (etat)",
        "ALTER TABLE dossier ADD COLUMN of_mine VARCHAR",
    )
    if "postgresql" in database_url:
        change(
            database_url,
            "COMMENT ON TABLE dossier IS 'of mine'",
            "CREATE SCHEMA mine",
            "CREATE TABLE mine.turn (x integer)",
        )
    store = open_database(database_url)
    store.check_schema()
    store.close()


def test_an_upgrade_makes_a_lost_view_again(database_url: str) -> None:
    change(database_url, "DROP VIEW lecture_jury")
    store = open_database(database_url, check_schema=False)
    with pytest.raises(SchemaBehindError, match="Run `dsync db upgrade`"):
        store.check_schema()
    store.upgrade()
    store.check_schema()
    assert [] == store.altered_views()
    store.close()


def test_the_schema_is_not_changed_beneath_a_service(run: InsideCommand, sandbox: Sandbox) -> None:
    """Exit 2 with the service's name; with --yes it is; what is up to date concerns nobody."""
    begin(run, sandbox, "--no-push")
    url = f"sqlite:///{run.folder / 'dsync.db'}"
    now = datetime.now(UTC)
    with closing(open_database(url)) as store:
        service = RunningService(process_name(), "1", now, now, now)
        store.services.register(service, store.demarches())
    assert 0 == run("db", "upgrade").code
    change(url, "DROP VIEW lecture_jury")
    assert run("db", "upgrade").refuses(process_name())
    assert 0 == run("db", "upgrade", "--yes").code
