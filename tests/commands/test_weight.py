"""Short commands import only what they use, because imports take most of their time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dsync.cli.root import COMMANDS
from tests.commands.command import Command

WEB = ("starlette", "uvicorn", "prometheus_client", "standardwebhooks")
LOCAL = (
    *WEB,
    "gql",
    "graphql",
    "requests",
    "apscheduler",
    "alembic",
    "structlog",
    "sqlalchemy.dialects.postgresql",
)
PROGRAMME = ("sqlmodel", "sqlalchemy.orm", "dsync.eig.eig", "dsync.controles.checking")


@pytest.mark.parametrize(
    ("command", "without", "own"),
    [
        ("--version", (*LOCAL, "sqlalchemy", "pydantic", "msgspec", "rich", "dsync.settings"), 14),
        ("status", (*LOCAL, *PROGRAMME, "rich", "dsync.ds", "dsync.sync.run"), 97),
        (
            "sync",
            (*WEB, "apscheduler", "alembic", "rich.console", "sqlalchemy.dialects.postgresql"),
            194,
        ),
    ],
)
def test_a_short_command_loads_no_more_than_it_needs(
    synced: Command, command: str, without: tuple[str, ...], own: int
) -> None:
    """No client of DS to read the database, no scheduler for one run, no PostgreSQL for SQLite.

    `own`: most modules of dsync's own.
    """
    loaded, _ = imported(synced, *command.split())
    assert {name for name in without if name in loaded} == set()
    assert len([name for name in loaded if name.startswith("dsync")]) <= own


def test_the_names_of_commands_are_completed_without_their_modules(synced: Command) -> None:
    """Tab is pressed often, and what commands import takes most of their time."""
    asked = {"_DSYNC_COMPLETE": "bash_complete", "COMP_WORDS": "dsync ", "COMP_CWORD": "1"}
    loaded, shown = imported(synced.given(**asked))
    assert set(COMMANDS) == {line.split(",")[1] for line in shown.split()}
    assert set() == loaded & {"pydantic", "sqlalchemy", "dsync.settings", "dsync.cli.sync"}


def imported(dsync: Command, *arguments: str) -> tuple[set[str], str]:
    """Return the modules that a command imports, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dsync", *arguments],
        cwd=dsync.folder,
        env=dict(dsync.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "dsync.cli.root" in loaded
    return loaded, done.stdout


def test_help_needs_the_declarations_alone() -> None:
    """Of every command and subcommand: neither settings nor the database nor DS are imported."""
    ask_all = """
import sys
import click
from dsync.cli import dsync

def ask(command, ctx):
    command.get_help(ctx)
    for name in command.list_commands(ctx) if isinstance(command, click.Group) else ():
        one = command.get_command(ctx, name)
        ask(one, click.Context(one, parent=ctx, info_name=name))

ask(dsync, click.Context(dsync, info_name="dsync"))
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", ask_all], capture_output=True, text=True, timeout=60, check=True
    )
    heavy = {"pydantic", "sqlalchemy", "gql", "requests", "rich", "structlog", "dsync.settings"}
    assert heavy & set(done.stdout.split()) == set()
