"""`dsync pieces`: copies the files of dossiers as an operator orders it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import Command, Ended, config_with
from tests.commands.conftest import begin

LETTRE = 4605


def configured(run: Command, **keys: Any) -> str:
    """Write a configuration with these keys of [pieces]; return its path."""
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
    return config_with(run.folder, more=f"[pieces]\n{lines}")


@pytest.fixture
def target(run: Command, sandbox: Sandbox) -> Path:
    """Return the folder of the copies; the dossiers are read, nothing is copied yet."""
    target = run.folder / "target"
    begin(run, sandbox, "--no-push")
    configured(run, target=f"file://{target}")
    return target


def pieces(run: Command, *arguments: str) -> Ended:
    return run("pieces", *arguments, DSYNC_CONFIG=str(run.folder / "own" / "aap-eig7.toml"))


def test_all_files_are_copied_and_counted(run: Command, target: Path) -> None:
    """The report has the numbers by state, as the status has afterwards; a second run asks none."""
    before = pieces(run, "status", "--json").json["pieces"]
    report = pieces(run, "fetch", "--json")
    assert (0, "pieces") == (report.code, report.json["kind"])
    states = report.json["pieces"]
    assert {"": sum(states.values())} == before
    after = {"demarche": 86321, "pieces": states, "a_supprimer": 0}
    assert after == pieces(run, "status", "--json").json
    assert states["copiee"] == sum(path.is_file() for path in target.rglob("*/*"))
    assert "copied; size and checksum verified" in pieces(run, "status").out
    again = pieces(run, "fetch", "--json").json
    assert 0 == again["pieces"].get("copiee", 0)
    assert sum(states.values()) - states["copiee"] >= again["requests"]


def test_without_the_setting_nothing_is_copied(run: Command, sandbox: Sandbox) -> None:
    """Exit 2 with the setting to make; `sync` copies nothing either."""
    begin(run, sandbox, "--no-push")
    refused = run("pieces", "fetch")
    assert 2 == refused.code
    assert "[pieces] target" in refused.err


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"target": "ftp://host/folder"}, "expected file:///folder or s3://"),
        ({"target": "file://folder"}, "expected file:///folder or s3://"),
        ({"target": "s3://key:secret@bucket"}, "expected file:///folder or s3://"),
        ({"targt": "x"}, "unknown key; did you mean"),
    ],
)
def test_a_wrong_setting_is_told(run: Command, keys: dict[str, Any], told: str) -> None:
    """Exit 2; a password in the address is not repeated."""
    refused = run("config", "check", DSYNC_CONFIG=configured(run, **keys))
    assert 2 == refused.code
    assert told in refused.out + refused.err
    assert "secret" not in refused.out + refused.err
