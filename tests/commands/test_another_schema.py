"""A database with another schema than this version's is recognised, and nothing is done with it."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from dsync.database import open_database
from dsync.errors import SchemaBehindError, SchemaDiffersError
from dsync.sandbox import Sandbox
from dsync.store import RunningService
from dsync.store.store import process_name
from tests.commands.command import InsideCommand
from tests.commands.conftest import begin, operator
from tests.engine.rig import small_sandbox
from tests.migrations.releases import contents
from tests.store.databases import connected

COMMANDS = (
    "db upgrade", "db verify", "db backup copy.db", "db dictionary",
    "check", "status", "status --strict", "sync", "sync --dry-run", "push", "precheck", "run",
    "console", "history", "history --manual", "dossier list", "dossier show 1", "conflicts list",
    "quarantine list", "pieces status", "evidence show", "export out", "purge --older-than 2y",
    "person x", "forget 1 --yes", "db copy sqlite:///new.db",
)  # fmt: skip
FORMER = (
    "ALTER TABLE alerte DROP COLUMN cause",
    "ALTER TABLE sync_state DROP COLUMN cle_secrete",
    "DROP TABLE turn",
)
"""What makes tables of an unreleased state of those of a release."""


def change(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_every_command_ends_with_one_sentence(sqlite_template: Path, tmp_path: Path) -> None:
    """Exit 5, with what the tables lack and what to do; nothing is changed."""
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'dsync.db')}"
    change(url, *FORMER)
    before = contents(url)
    with small_sandbox(3) as sandbox:
        dsync = operator(sandbox, tmp_path).given(DSYNC_DATABASE_URL=url)
        for command in COMMANDS:
            ended = dsync(*command.split())
            said = " ".join(ended.text.split())
            assert 5 == ended.code, (command, said)
            assert "its tables are those of no release (it lacks alerte.cause, " in said
            assert "`dsync sync --full` on a new database" in said
            assert "report it" not in said
            assert before == contents(url), command


def test_the_tables_of_an_unreleased_state_are_refused_on_each_engine(database_url: str) -> None:
    """At opening and by an upgrade, whatever Alembic's table says."""
    change(database_url, *FORMER)
    for revision in ("0002", "0001"):
        change(database_url, f"UPDATE alembic_version SET version_num = '{revision}'")
        with pytest.raises(SchemaDiffersError, match=r"it lacks alerte\.cause, .+\)"):
            open_database(database_url)
    store = open_database(database_url, check_schema=False)
    with pytest.raises(SchemaDiffersError):
        store.upgrade()
    store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE sync_state ADD COLUMN of_mine INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE liste RENAME COLUMN texte TO text",
    ],
)
def test_a_changed_column_is_a_difference(statement: str, database_url: str) -> None:
    """One that rows need to have, and one that is gone."""
    change(database_url, statement)
    with pytest.raises(SchemaDiffersError, match=r"of_mine|liste\.texte"):
        open_database(database_url)


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


def test_an_upgrade_makes_views_again(database_url: str) -> None:
    """Of a view that was dropped, and of views that another version made of the same tables."""
    for statement in (
        "DROP VIEW lecture_jury",
        "UPDATE layout SET fingerprint = 'x'",
        "DELETE FROM layout",
    ):
        change(database_url, statement)
        store = open_database(database_url, check_schema=False)
        with pytest.raises(SchemaBehindError, match="Run `dsync db upgrade`"):
            store.check_schema()
        store.upgrade()
        store.check_schema()
        assert [] == store.altered_views()
        store.close()


def test_a_newer_database_names_the_version_that_made_it(database_url: str) -> None:
    """Its tables are not compared with those of an older revision."""
    change(
        database_url,
        *FORMER,
        "UPDATE alembic_version SET version_num = '0999'",
        "UPDATE layout SET version = '9.9.0'",
    )
    with pytest.raises(SchemaBehindError, match=r"made by dsync 9\.9\.0, is newer than"):
        open_database(database_url)


def test_the_schema_is_not_changed_beneath_a_service(run: InsideCommand, sandbox: Sandbox) -> None:
    """Exit 2 with the service's name; with --yes it is; what is up to date concerns nobody."""
    begin(run, sandbox, "--no-push")
    url = f"sqlite:///{run.folder / 'dsync.db'}"
    now = datetime.now(UTC)
    with closing(open_database(url)) as store:
        service = RunningService(process_name(), "1", now, now, now)
        store.services.register(service, store.demarches())
    assert 0 == run("db", "upgrade").code
    change(url, "UPDATE layout SET fingerprint = 'of another version'")
    assert run("db", "upgrade").refuses(process_name())
    assert 0 == run("db", "upgrade", "--yes").code
