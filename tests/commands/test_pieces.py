"""`dsync pieces`: copies the files of dossiers as an operator orders it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import Command, Ended, config_with
from tests.commands.conftest import begin


def configured(run: Command, target: str) -> str:
    """Write a configuration that copies to a target; return its path."""
    return config_with(run.folder, more=f'[pieces]\ntarget = "{target}"\n')


@pytest.fixture
def target(run: Command, sandbox: Sandbox) -> Path:
    """Return the folder of the copies; the dossiers are read, nothing is copied yet."""
    target = run.folder / "target"
    begin(run, sandbox, "--no-push")
    configured(run, f"file://{target}")
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


@pytest.mark.parametrize("target", ["ftp://host/folder", "file://folder", "s3://key:secret@bucket"])
def test_a_wrong_target_is_told(run: Command, target: str) -> None:
    """Exit 2; a password in the address is not repeated."""
    refused = run("config", "check", DSYNC_CONFIG=configured(run, target))
    assert (2, True) == (refused.code, "expected file:///folder or s3://" in refused.text)
    assert "secret" not in refused.text
