"""`dsync db copy` as an operator runs it: from each engine to the other one."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, make_url, text

from dsync.database import PROGRAMME
from dsync.sandbox import Sandbox
from dsync.store import tables
from tests.commands.command import Command
from tests.commands.conftest import DOSSIERS, begin, operator
from tests.engine.test_incremental_exports import VOLATILE
from tests.store.databases import PostgresServer, connected, on_sqlite

SECRET = "geheim"


@pytest.fixture
def dsync(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Command:
    """Return `dsync` with a database that is read, on each engine."""
    command = operator(sandbox, tmp_path).given(DSYNC_DATABASE_URL=database_url)
    begin(command, sandbox)
    return command


@pytest.fixture
def other(database_url: str, postgres_server: PostgresServer, tmp_path: Path) -> Any:
    """The address of an empty database on the other engine."""
    if database_url.startswith("postgresql"):
        yield f"sqlite:///{tmp_path / 'other.db'}"
        return
    url = postgres_server.make(migrated=False)
    yield make_url(url).set(password=SECRET).render_as_string(hide_password=False)
    postgres_server.drop(url)


def count_of(url: str) -> dict[str, int]:
    """Return the number of rows of each of dsync's tables that exists, but the one about them."""
    own = {*tables.metadata.tables, *PROGRAMME.storage.metadata.tables} - {"colonne"}
    with connected(url) as connection:
        found = own.intersection(inspect(connection).get_table_names())
        return {
            name: connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in sorted(found)
        }


BY_THE_CLOCK = re.compile(r"lecture_(anomalie|colonne|etape|indicateur|statistique|suivi|valeur)")
"""Views with columns that depend on when they are read."""


def content(file: Path, delimiter: str = ",") -> Any:
    """Return the bytes of an exported file, or the rows without what depends on the clock."""
    if not BY_THE_CLOCK.match(file.name):
        return file.read_bytes()
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [*csv.DictReader(lines, delimiter=delimiter)]
    return [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows]


def test_a_copy_on_the_other_engine_is_whole_and_goes_on(dsync: Command, other: str) -> None:
    """It reads and is exported alike, verifies, numbers new rows anew, and comes back alike."""
    source = dsync.environment["DSYNC_DATABASE_URL"]
    ended = dsync("db", "copy", other)
    assert 0 == ended.code, ended.text
    assert SECRET not in ended.text
    copied, before = count_of(other), count_of(source)
    left = {"lease", "service", "turn", "budget"}
    assert {k: n for k, n in before.items() if k not in left} == {
        k: n for k, n in copied.items() if k not in left
    }
    copy = dsync.given(DSYNC_DATABASE_URL=other)
    verified = copy("db", "verify", "--remote", "--json")
    assert (0, []) == (verified.code, verified.json["findings"])
    shown = ("dossier", "show", "18600001", "--json")
    assert dsync(*shown).json == copy(*shown).json
    for command, name in ((dsync, "before"), (copy, "after")):
        assert 0 == command("export", name).code
    one, two = (dsync.folder / name for name in ("before", "after"))
    files = {file.name for file in one.iterdir()} - {"datapackage.json"}
    assert len(files) > 25
    assert [] == [name for name in sorted(files) if content(one / name) != content(two / name)]
    back = f"sqlite:///{dsync.folder / 'back.db'}"
    assert 0 == copy("db", "copy", back).code
    assert dsync(*shown).json == dsync.given(DSYNC_DATABASE_URL=back)(*shown).json
    # The copy goes on: new rows are numbered after the copied ones.
    assert 0 == copy("sync", "--full").code
    assert count_of(other)["sync_run"] == before["sync_run"] + 1
    with connected(other) as connection:
        connection.execute(
            text(
                "INSERT INTO demande (demarche_numero, genre, demande_par, demande_le, en_file) "
                "VALUES (86321, 'x', 'x', '2026-01-01', false)"
            )
        )


def test_a_target_with_rows_is_left_as_it_was(dsync: Command, other: str) -> None:
    """Exit 2, also for the database itself; one that `db upgrade` made is empty."""
    source = dsync.environment["DSYNC_DATABASE_URL"]
    assert dsync("db", "copy", source).refuses("not empty")
    assert 0 == dsync.given(DSYNC_DATABASE_URL=other)("db", "upgrade").code
    assert 0 == dsync("db", "copy", other).code
    before = count_of(other)
    ended = dsync("db", "copy", other)
    assert (2, SECRET in ended.text, before) == (ended.code, False, count_of(other))


@on_sqlite
def test_a_run_under_way_is_not_copied(dsync: Command, other: str) -> None:
    """Exit 6 and nothing in the target; a lease that was left behind counts no more."""
    source = dsync.environment["DSYNC_DATABASE_URL"]
    held = "UPDATE lease SET holder = 'host:1', expires_at = datetime('now', '{} seconds')"
    with connected(source) as connection:
        connection.execute(text(held.format("+50")))
    ended = dsync("db", "copy", other)
    assert (6, {}) == (ended.code, count_of(other))
    assert "host:1" in ended.err
    with connected(source) as connection:
        connection.execute(text(held.format("-1")))
    assert 0 == dsync("db", "copy", other).code


@on_sqlite
def test_a_killed_copy_leaves_nothing_and_begins_anew(dsync: Command, other: str) -> None:
    """Killed among its last tables: the target is empty, and the next copy is whole."""
    assert 0 == dsync.given(DSYNC_DATABASE_URL=other)("db", "upgrade").code
    with connected(other) as connection:
        connection.execute(
            text(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "PERFORM pg_sleep(60); RETURN NEW; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER slow BEFORE INSERT ON verdict EXECUTE FUNCTION wait()")
        )
    process = Command(dsync.folder, dsync.environment).start("db", "copy", other)
    asleep = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    for _ in range(600):
        with connected(other) as connection:
            if connection.scalar(text(f"SELECT count(*) {asleep}")):
                break
        time.sleep(0.1)
    process.kill()
    process.communicate()
    with connected(other) as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) {asleep}"))
        connection.execute(text("DROP FUNCTION wait CASCADE"))
    assert {0} == set(count_of(other).values())
    ended = dsync("db", "copy", other)
    assert (0, DOSSIERS) == (ended.code, count_of(other)["dossier"]), ended.text
