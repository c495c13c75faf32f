"""Each way out has its documented code, and its sentence says what to correct."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dsync.sandbox import Sandbox, content
from tests.commands.command import Command
from tests.commands.conftest import begin

FIRST = content.FIRST_NUMBER


def test_an_address_that_is_no_graphql_endpoint_is_a_wrong_setting(
    run: Command, sandbox: Sandbox
) -> None:
    """Exit 2 with the address and the setting to correct, without waiting; no run is « down »."""
    nowhere = f"{sandbox.base_url}/nowhere"
    for command in ("sync", "check"):
        ended = run(command, DSYNC_DS_URL=nowhere)
        assert (2, True) == (ended.code, nowhere in ended.text), ended.text
        assert "DSYNC_DS_URL" in ended.text


def lose_most(run: Command, sandbox: Sandbox) -> None:
    begin(run, sandbox)
    for rank in range(15):
        sandbox.control.expire(FIRST + rank)


def nothing(run: Command, sandbox: Sandbox) -> None:
    """All is as it should be."""


def spoil_one(run: Command, sandbox: Sandbox) -> None:
    sandbox.control.faults.return_null(FIRST, champs_only=True)


Prepare = Callable[[Command, Sandbox], None]


@pytest.mark.parametrize(
    ("prepare", "steps"),
    [
        (
            nothing,
            [
                ("sync", 7, {"DSYNC_BETAGOUV_URL": "http://127.0.0.1:1"}),
                ("check", 0, {}),
                ("sync --since yesterday", 2, {}),
                ("sync --nothing", 2, {}),
                ("sync", 2, {"DSYNC_CONFIG": "missing.toml"}),
                ("push --force", 2, {}),
                ("sync --no-push", 0, {"DSYNC_DS_INSTRUCTEUR": ""}),
                ("sync", 7, {"DSYNC_DS_INSTRUCTEUR": ""}),
                ("sync", 0, {}),
                ("sync --dossier 1", 7, {}),
            ],
        ),
        (lose_most, [("sync --full", 4, {}), ("accept deletions --yes", 0, {})]),
        (spoil_one, [("sync", 7, {})]),
    ],
)
def test_each_situation_ends_with_its_documented_code(
    run: Command,
    sandbox: Sandbox,
    prepare: Prepare,
    steps: list[tuple[str, int, dict[str, str]]],
) -> None:
    """Scripts and schedulers act on it; no failure is without a sentence.

    3, 5 and 6 are in `test_bad_input.py`, 8 in `test_many_demarches.py`.
    """
    prepare(run, sandbox)
    for line, code, environment in steps:
        ended = run(*line.split(), **environment)
        assert code == ended.code, (line, ended.text)
        assert code == 0 or ended.text, line
