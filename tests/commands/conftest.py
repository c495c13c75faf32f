"""A sandbox over HTTP, and `dsync` configured for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import InsideCommand
from tests.engine.rig import small_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve 30 invented dossiers."""
    with small_sandbox(30) as server:
        yield server


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> InsideCommand:
    """Return `dsync` as an operator of that sandbox runs it."""
    return operator(sandbox, tmp_path)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InsideCommand]:
    """Return `dsync` in a folder with an up-to-date database, for tests that only read."""
    with small_sandbox(30) as server:
        command = operator(server, tmp_path_factory.mktemp("synced"))
        assert command("sync").code == 0
        yield command


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
