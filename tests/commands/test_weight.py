"""Short commands import only what they use, because imports take most of their time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.commands.command import Command

WEB = ("starlette", "uvicorn", "prometheus_client", "standardwebhooks")
LOCAL = (
    *WEB,
    "gql",
    "requests",
    "apscheduler",
    "alembic",
    "structlog",
    "sqlalchemy.dialects.postgresql",
)


@pytest.mark.parametrize(
    ("command", "without"),
    [
        ("--version", (*LOCAL, "sqlalchemy", "pydantic", "rich", "dsync.settings")),
        ("status", (*LOCAL, "rich", "dsync.ds", "dsync.sync.run")),
        ("sync", (*WEB, "apscheduler", "alembic", "sqlalchemy.dialects.postgresql")),
    ],
)
def test_a_short_command_loads_no_more_than_it_needs(
    synced: Command, command: str, without: tuple[str, ...]
) -> None:
    """No client of DS to read the database, no scheduler for one run, no PostgreSQL for SQLite."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dsync", *command.split()],
        cwd=synced.folder,
        env=dict(synced.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "dsync.cli.root" in loaded
    assert {name for name in without if name in loaded} == set()
