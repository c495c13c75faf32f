"""A sandbox over HTTP, and `dsync` configured for it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from dsync.sandbox import Sandbox
from tests.commands.command import Command, InsideCommand
from tests.engine.rig import small_sandbox
from tests.store import databases

DOSSIERS = 16
with_thirty = pytest.mark.parametrize("sandbox", [30], indirect=True)
"""For what fewer dossiers do not show."""


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Serve invented dossiers."""
    with small_sandbox(getattr(request, "param", DOSSIERS)) as server:
        yield server


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> InsideCommand:
    """Return `dsync` as an operator of that sandbox runs it."""
    return operator(sandbox, tmp_path)


@pytest.fixture(scope="session")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsideCommand]:
    """Return `dsync` in a folder with an up-to-date database, for tests that only read."""
    with small_sandbox(DOSSIERS) as server:
        command = operator(server, tmp_path_factory.mktemp("synced"))
        assert command("sync").code == 0
        yield command


_begun: dict[tuple[str, str, int], tuple[bytes | str, bytes]] = {}
"""Database and world of a beginning: by what was done, the kind of database, and how many."""


def once(run: Command, sandbox: Sandbox, name: str, act: Callable[[], Any]) -> None:
    """Do what a test begins with, or take what that gave another test of this process.

    Args:
        run: the command, which has no database yet.
        sandbox: its sandbox, to which nothing has happened yet.
        name: what is done; the same thing for the same name.
        act: does it.
    """
    url = run.environment.get("DSYNC_DATABASE_URL") or f"sqlite:///{run.folder / 'dsync.db'}"
    world, dossiers = sandbox.world, len(sandbox.control.truth())
    key = (name, make_url(url).get_backend_name(), dossiers)
    if key not in _begun:
        act()
        both = pickle.dumps((world.demarches, world.agents))
        _begun[key] = (databases.keep(url), both)
        return
    database, both = _begun[key]
    databases.replace(url, database)
    world.demarches, world.agents = pickle.loads(both)


def begin(run: Command, sandbox: Sandbox, *options: str) -> None:
    """Do a first sync that is not looked at."""

    def sync() -> None:
        assert 0 == run("sync", *options).code

    once(run, sandbox, " ".join(options), sync)


@pytest.fixture
def on_database(
    sandbox: Sandbox, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> InsideCommand:
    """Return `dsync` with an empty database on each engine, and PostgreSQL's programs."""
    environment = {**operator(sandbox, tmp_path).environment, "DSYNC_DATABASE_URL": database_url}
    if database_url.startswith("postgresql"):
        folder = request.getfixturevalue("postgres_programs")
        environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return InsideCommand(tmp_path, environment)


def operator(sandbox: Sandbox, folder: Path) -> InsideCommand:
    """Return `dsync` in a folder, configured for a sandbox, without the tester's own settings.

    It runs in this process; on a terminal, and when it is started in the background, in its own.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
    return InsideCommand(
        folder,
        {
            **inherited,
            "DSYNC_HTTP_LISTEN": "",
            "DSYNC_DS_URL": sandbox.ds_url,
            "DSYNC_DS_TOKEN": sandbox.tokens.write,
            "DSYNC_DS_INSTRUCTEUR": "dsync@example.gouv.fr",
            "DSYNC_BETAGOUV_URL": sandbox.betagouv_url,
        },
    )
