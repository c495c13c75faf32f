"""Every command has help; the pages name no other command, and each exit code and setting."""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.testing import CliRunner

from dsync.cli import dsync, root
from dsync.settings import SECRETS
from scripts.pages.commands import below, commands

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"


EVERY = dict(commands())
COMMANDS = {
    name: command
    for name, command in EVERY.items()
    if not isinstance(command, click.Group) or command.invoke_without_command
}
"""Those that do something, with their full names."""
PAGES = [
    "README.md",
    "SECURITY.md",
    *(str(one.relative_to(ROOT)) for one in sorted(ROOT.glob("docs/**/*.md"))),
]
PAGES.remove("docs/contribute/recipes.md")  # It adds an invented one.
READS = [
    *("check", "status", "history", "person", "sync", "push", "precheck"),
    *("pieces fetch", "pieces status", "dossier show", "dossier list", "dossier explain"),
    *("dossier message", "rules show", "conflicts list", "quarantine list", "evidence show"),
    *("db dictionary", "db verify", "config show", "config check"),
]


def test_every_command_has_help() -> None:
    """It says what the command does, and what each option is for; outside/ shows it whole."""
    assert [] == [name for name, command in COMMANDS.items() if not command.help]
    assert [] == [
        (name, parameter.name)
        for name, command in COMMANDS.items()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]


def test_the_documentation_names_no_command_that_is_not_there() -> None:
    for page in PAGES:
        groups = {name.rsplit(" ", 1)[0] for name in COMMANDS if name.count(" ") == 2}
        text = (ROOT / page).read_text(encoding="utf-8")
        for words in re.findall(r"`(dsync [a-z][a-z-]*(?: [a-z][a-z-]*)?)", text):
            first = " ".join(words.split()[:2])
            expected = words if first in groups and words != first else first
            assert expected in COMMANDS or expected in groups, (page, words)


def test_the_documentation_names_no_setting_that_is_not_there() -> None:
    settings = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for section, key in re.findall(r"`\[+([a-z.]+)\]+ ([a-z_]+)`", text):
            keys = settings.partition(f"### `[{section}]`")[2].partition("\n#")[0]
            assert f"`{key}`" in keys, (page, section, key)


def test_each_read_offers_json() -> None:
    options = {name: {one.name for one in COMMANDS[f"dsync {name}"].params} for name in READS}
    assert [] == [name for name in READS if "as_json" not in options[name]]


def test_every_exit_code_stands_on_its_page_and_in_the_help() -> None:
    page = (REFERENCE / "exit-codes.md").read_text(encoding="utf-8")
    help_text = CliRunner().invoke(dsync, ["--help"]).output
    for code in range(9):
        assert re.search(rf"^\| {code} \|", page.partition("## Errors")[0], re.MULTILINE)
        assert re.search(rf"^ +{code}  ", help_text, re.MULTILINE)


def test_every_secret_that_a_file_may_hold_is_named() -> None:
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    said = text.partition("may each be given as a file")[0]
    assert [] == [name for name in SECRETS if f"`DSYNC_{name.upper()}`" not in said]


def test_the_list_of_commands_says_what_each_command_says_of_itself() -> None:
    """`dsync --help` shows the first sentences without importing the commands."""
    said = {name: command.get_short_help_str(limit=10_000) for name, command in below(dsync)}
    assert root.COMMANDS == said
