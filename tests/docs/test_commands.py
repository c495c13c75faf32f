"""Every command has help and stands in the README; the README names no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from dsync.cli import dsync, root
from tests.commands.command import below

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")


def commands(
    group: click.Group = dsync, path: tuple[str, ...] = ("dsync",)
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its full name."""
    for name, command in below(group):
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands())
READS = {
    "dsync check",
    "dsync status",
    "dsync runs",
    "dsync journal",
    "dsync person",
    "dsync sync",
    "dsync push",
    "dsync pieces fetch",
    "dsync pieces status",
    "dsync dossier show",
    "dsync dossier list",
    "dsync dossier explain",
    "dsync dossier message",
    "dsync rules show",
    "dsync conflicts list",
    "dsync quarantine list",
    "dsync precheck",
    "dsync evidence show",
    "dsync db dictionary",
    "dsync db verify",
    "dsync config show",
    "dsync config check",
}


def test_every_command_has_help() -> None:
    """It says what the command does, and what each option is for; outside/ shows it whole."""
    assert [] == [name for name, command in COMMANDS.items() if not command.help]
    assert [] == [
        (name, parameter.name)
        for name, command in COMMANDS.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]


def test_every_command_stands_in_the_readme() -> None:
    """The table of commands is whole."""
    assert [] == [name for name in COMMANDS if not re.search(rf"(?m)^\| `{name}\b", README)]


@pytest.mark.parametrize("text", [README, RUNBOOK], ids=["README", "runbook"])
def test_the_documentation_names_no_command_that_is_not_there(text: str) -> None:
    """A command that was renamed leaves no trace."""
    groups = {name.rsplit(" ", 1)[0] for name in COMMANDS if name.count(" ") == 2}
    for words in re.findall(r"`(dsync [a-z-]+(?: [a-z][a-z-]*)?)", text):
        first = " ".join(words.split()[:2])
        expected = words if first in groups and words != first else first
        assert expected in COMMANDS or expected in groups, words


def test_each_read_offers_json() -> None:
    """Whatever shows something can show it to a program."""
    taken = {name: {one.name for one in COMMANDS[name].params} for name in READS}
    assert [] == [name for name, options in taken.items() if "as_json" not in options]


def test_every_exit_code_stands_in_the_readme_and_in_the_help() -> None:
    """Operators script against them."""
    help_text = CliRunner().invoke(dsync, ["--help"]).output
    for code in range(9):
        assert re.search(rf"^\| {code} \|", README, re.MULTILINE)
        assert re.search(rf"^ +{code}  ", help_text, re.MULTILINE)


def test_every_setting_stands_in_the_readme() -> None:
    """The table of settings is whole."""
    from dsync.settings import SECRETS, VARIABLES

    for name in VARIABLES:
        assert f"`DSYNC_{name.upper()}`" in README
    for name in SECRETS:
        assert f"`DSYNC_{name.upper()}_FILE`" in README


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    """`dsync --help` shows the first sentences without importing the commands."""
    said = {name: command.get_short_help_str(limit=10_000) for name, command in below(dsync)}
    assert {name: line for name, (_, line) in root.COMMANDS.items()} == said
