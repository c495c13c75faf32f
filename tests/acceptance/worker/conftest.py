"""A sandbox on real HTTP, a database on each engine, and the installed command between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox

pytest.register_assert_rewrite("tests.acceptance.worker.truth", "tests.engine.oracle")

from tests.acceptance.worker.database import Database  # noqa: E402
from tests.acceptance.worker.installed import Installed, variables_for  # noqa: E402
from tests.engine.rig import small_sandbox  # noqa: E402

DOSSIERS = 24


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A stand-in of DS with a few dossiers of each kind."""
    with small_sandbox(DOSSIERS) as running:
        yield running


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database, as an analyst and as an administrator see it."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def dsync(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Iterator[Installed]:
    """The command, configured for the sandbox, on each engine."""
    installed = Installed(tmp_path / "work", **variables_for(sandbox, database_url))
    yield installed
    installed.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that is not there yet, for what is the same on both engines."""
    return f"sqlite:///{tmp_path / 'work' / 'dsync.db'}"


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """That file, to look into once a command has made it."""
    opened = Database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_dsync(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> Iterator[Installed]:
    """The command, configured for the sandbox and that file."""
    installed = Installed(tmp_path / "work", **variables_for(sandbox, sqlite_url))
    yield installed
    installed.close()
