"""A later release, which has one revision more of each part, on the databases of this one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

import dsync as this
from tests.commands.command import Command
from tests.commands.terminal import on_terminal
from tests.store.databases import connected, contents

REVISION = """from alembic import op

revision, down_revision, branch_labels, depends_on = "1001", "1000", None, None


def upgrade():
    op.execute("CREATE TABLE {name} (numero INTEGER NOT NULL)")
"""


@pytest.fixture(scope="session")
def later_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package that differs by its migrations alone."""
    folder = tmp_path_factory.mktemp("later")
    source = Path(this.__file__).parent
    shutil.copytree(source, folder / "dsync", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(source.parent / "config", folder / "dsync" / "config")
    for part in ("store", "eig"):
        file = folder / "dsync" / part / "migrations" / "versions" / "1001_later.py"
        file.write_text(REVISION.format(name=f"later_{part}"), encoding="utf-8")
    return folder


Released = Callable[[str], tuple[Command, Command]]


@pytest.fixture
def releases(later_release: Path, tmp_path: Path) -> Released:
    """Return this release's `dsync` and the later one's, on a database."""

    def on(url: str) -> tuple[Command, Command]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
        present = Command(tmp_path, {**inherited, "DSYNC_DATABASE_URL": url})
        return present, present.given(PYTHONPATH=str(later_release))

    return on


def fill(url: str) -> dict[str, list[str]]:
    """Store a row that an upgrade has to keep; return all rows."""
    with connected(url) as connection:
        connection.execute(text("INSERT INTO turn VALUES (1, '2026-01-01', NULL, 0, NULL)"))
    return contents(url)


def test_it_upgrades_the_databases_of_this_release(database_url: str, releases: Released) -> None:
    """Each row is kept; on PostgreSQL an operator does it; then this release is refused."""
    present, later = releases(database_url)
    before = fill(database_url)
    if "postgresql" in database_url:
        refused = later("status")
        assert (5, True) == (refused.code, "Run `dsync db upgrade`" in refused.err), refused.text
    assert later("db", "upgrade").tells("schema 1000, eig 1000 → 1001, eig 1001")
    assert later("db", "upgrade").tells("is up to date")
    after = contents(database_url)
    versions = {"alembic_version", "alembic_version_eig"}
    assert {"later_store", "later_eig"} == after.keys() - before.keys()
    assert all(rows == after[name] for name, rows in before.items() if name not in versions)
    refused = present("status")
    assert (5, True) == (refused.code, "Install the newer dsync" in refused.err), refused.text


def test_a_new_database_needs_no_revision_but_the_first(
    empty_database_url: str, releases: Released
) -> None:
    """It has the tables as they are declared, and is at the last one."""
    _, later = releases(empty_database_url)
    assert later("db", "upgrade").tells("schema empty → 1001")
    assert "later_store" not in contents(empty_database_url)


def test_a_sqlite_file_is_kept_as_it_was(
    sqlite_template: Path, releases: Released, tmp_path: Path
) -> None:
    """Once, by the first of several that upgrade it at once, for its owner alone."""
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'dsync.db')}"
    before = fill(url)
    _, later = releases(url)
    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(lambda _: later("db", "upgrade"), range(2)))
    copy = tmp_path / "dsync.db.1000-eig1000"
    assert [0, 0] == [one.code for one in done]
    assert 1 == sum(f"{copy}: the database as it was" in one.out for one in done)
    assert (before, 0o600) == (contents(f"sqlite:///{copy}"), copy.stat().st_mode & 0o777)
    copy.unlink()
    assert 0 == later("db", "upgrade").code
    assert not copy.exists()


def test_the_line_that_copies_postgresql_is_said_before(
    releases: Released, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """It runs as it stands and has no password; whoever has not run it yet says no."""
    programs, server = (
        request.getfixturevalue(name) for name in ("postgres_programs", "postgres_server")
    )
    url = server.make(migrated=True)
    before = fill(url)
    _, later = releases(make_url(url).set(password="geheim").render_as_string(hide_password=False))
    told = on_terminal(later, "db", "upgrade", at="now?", then=lambda _: "n\n", errors_too=True)
    assert (0, before) == (told.code, contents(url)), told.text
    assert "geheim" not in told.text
    line = re.search(r"^  (pg_dump .+?)\r?$", told.text, re.MULTILINE)
    assert line, told.text
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", line[1]], cwd=tmp_path, env=path, check=True)
    other = server.make(migrated=False)
    file = tmp_path / "dsync-1000-eig1000.dump"
    command = ["pg_restore", "--exit-on-error", "--dbname", other.replace("+psycopg", ""), file]
    subprocess.run(command, env=path, check=True)
    assert before == contents(other)
    for one in (url, other):
        server.drop(one)
