"""UPGRADE.md, followed on the database of the release before."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url

from dsync.database import open_database
from tests.commands.command import InsideCommand, config_with
from tests.commands.conftest import operator
from tests.commands.terminal import screen
from tests.migrations.releases import FORMER_NOTATION, a_day_later, contents, lasting, load

PAGE = (Path(__file__).parents[2] / "UPGRADE.md").read_text(encoding="utf-8")


@pytest.fixture
def dsync(empty_database_url: str, tmp_path: Path) -> Iterator[InsideCommand]:
    """Return `dsync` with a database of 0.1.0, a day later, on a sandbox with its dossiers."""
    load(empty_database_url, "0.1.0")
    with a_day_later() as sandbox:
        environment = {
            **operator(sandbox, tmp_path).environment,
            "DSYNC_DATABASE_URL": empty_database_url,
            "DSYNC_CONFIG": config_with(tmp_path, FORMER_NOTATION),
        }
        yield InsideCommand(tmp_path, environment)


def said_in(mark: str) -> list[list[str]]:
    """Return the commands of a block of the page."""
    [block] = re.findall(rf"<!-- {mark} -->\n```sh\n(.+?)```", PAGE, re.DOTALL)
    return [shlex.split(line)[1:] for line in block.splitlines()]


def follow(dsync: InsideCommand, mark: str) -> None:
    """Execute a block's commands."""
    for line in said_in(mark):
        ended = dsync(*line)
        assert 0 == ended.code, ended.text


def test_the_page_leads_from_the_release_before_here(dsync: InsideCommand) -> None:
    """Every command is done, and each row is where it was."""
    url = dsync.environment["DSYNC_DATABASE_URL"]
    before = lasting(url)
    follow(dsync, "upgrade")
    after = contents(url)
    assert before == {name: after[name] for name in before}


def test_a_sqlite_file_is_kept_as_it_was(dsync: InsideCommand, tmp_path: Path) -> None:
    """By the first command that upgrades it, once, for its owner alone; the copy has each row."""
    url = dsync.environment["DSYNC_DATABASE_URL"]
    if not url.startswith("sqlite"):
        pytest.skip("an operator upgrades PostgreSQL")
    before = contents(url)
    copy = tmp_path / "empty.db.0001-eig0001"
    assert dsync("db", "upgrade").tells(f"{copy}: the database as it was")
    assert (before, 0o600) == (contents(f"sqlite:///{copy}"), copy.stat().st_mode & 0o777)
    copy.unlink()
    assert [0, 0] == [dsync("db", "upgrade").code, dsync("status").code]
    assert not copy.exists()


def test_of_several_that_upgrade_a_file_at_once_one_copies_it(
    dsync: InsideCommand, tmp_path: Path
) -> None:
    """The copy is of before the first of them."""
    url = dsync.environment["DSYNC_DATABASE_URL"]
    if not url.startswith("sqlite"):
        pytest.skip("an operator upgrades PostgreSQL")
    before = contents(url)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: open_database(url).close(), range(4)))
    assert before == contents(f"sqlite:///{tmp_path / 'empty.db.0001-eig0001'}")
    assert 0 == dsync("status").code


def test_the_line_that_copies_postgresql_is_said_before(
    dsync: InsideCommand, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It runs as it stands and has no password; whoever has not run it yet says no."""
    url = dsync.environment["DSYNC_DATABASE_URL"]
    if url.startswith("sqlite"):
        pytest.skip("a SQLite file is copied by dsync")
    programs, server = (
        request.getfixturevalue(name) for name in ("postgres_programs", "postgres_server")
    )
    before = contents(url)
    secret = make_url(url).set(password="geheim").render_as_string(hide_password=False)
    told = screen(
        dsync.given(DSYNC_DATABASE_URL=secret),
        *("db", "upgrade"),
        typed=lambda: "n\n",
    )
    assert (0, before) == (told.code, contents(url)), told.text
    assert "geheim" not in told.text
    line = re.search(r"^  (pg_dump .+?)\r?$", told.text, re.MULTILINE)
    assert line, told.text
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", line[1]], cwd=tmp_path, env=path, check=True)
    assert 0 == dsync("db", "upgrade").code
    other = server.make(migrated=False)
    file = tmp_path / "dsync-0001-eig0001.dump"
    command = ["pg_restore", "--exit-on-error", "--dbname", other.replace("+psycopg", ""), file]
    subprocess.run(command, env=path, check=True)
    assert before == contents(other)
    server.drop(other)
