"""Which configuration file is used where none is named, and that everything names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsync.configuration import shipped_config
from dsync.sandbox import Sandbox, content
from dsync.settings import SANDBOX_DEMARCHE
from tests.commands.command import Command, InsideCommand
from tests.commands.conftest import operator
from tests.engine.rig import small_sandbox

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
AID = content.SUBSIDY_FORM.number


@pytest.fixture
def aid() -> Iterator[Sandbox]:
    """Serve 12 dossiers of an association's aid."""
    forms = [(content.SUBSIDY_FORM, content.subsidy_dossiers(7, 12, now=NOW))]
    with Sandbox(forms, seed=7) as server:
        yield server


def test_the_file_in_the_folder_is_found_before_the_shipped_one(tmp_path: Path) -> None:
    """`dsync config init` writes it; a run, its log, `status` and `check` name it."""
    with small_sandbox(8) as sandbox:
        dsync = of_demarche(sandbox, tmp_path, SANDBOX_DEMARCHE)
        assert str(shipped_config()) == named(dsync)
        assert dsync("config", "init").tells("It is found in this folder.")
        assert "dsync.toml" == named(dsync)
        run = dsync("-v", "sync", "--json", DSYNC_LOG_FORMAT="json")
        assert (0, "dsync.toml", True) == (
            run.code, run.json["configuration"], run.json["pushed"] > 0
        )  # fmt: skip
        [begun] = [one for one in logged(run.err) if one["event"] == "run_started"]
        assert "dsync.toml" == begun["configuration"]
        assert "dsync.toml" == dsync("status", "--json").json["configuration"]
        assert ["dsync.toml"] == [
            line.split()[1] for line in dsync("status").out.splitlines() if "configuration" in line
        ]
        [line] = [
            one for one in dsync("check", "--json").json["checks"] if one["name"] == "configuration"
        ]
        assert ("ok", "dsync.toml") == (line["status"], line["message"])
        other = dsync("config", "show", "--json", DSYNC_CONFIG=str(shipped_config()))
        assert str(shipped_config()) == other.json["config"]["value"]


def test_a_message_names_no_folder_that_nobody_made(tmp_path: Path) -> None:
    """Neither that of the text in a variable nor that of an installed package."""
    text = shipped_config().read_text(encoding="utf-8")
    with small_sandbox(8) as sandbox:
        dsync = operator(sandbox, tmp_path)
        for environment, name in (
            ({"DSYNC_CONFIG_TOML": text}, "DSYNC_CONFIG_TOML"),
            ({}, shipped_config().name),
        ):
            said = [
                dsync(*line.split(), **environment)
                for line in ("sync --json", "status", "check", "config check", "purge --dry-run")
            ]
            assert 0 == said[0].code
            said.append(dsync("sync", DSYNC_DEMARCHE="86323", **environment))
            for ended in said:
                assert str(shipped_config().parent) not in ended.text, ended.text
                assert "/DSYNC_CONFIG_TOML" not in ended.text, ended.text
            assert all(name in ended.text for ended in said[1:4])


def of_demarche(sandbox: Sandbox, folder: Path, number: int) -> InsideCommand:
    """Return `dsync` in a folder, told a démarche and no configuration file."""
    made = operator(sandbox, folder)
    return InsideCommand(folder, {**made.environment, "DSYNC_DEMARCHE": str(number)})


def named(dsync: Command) -> str:
    """Return the file of `dsync config show`, where none is named."""
    config = dsync("config", "show", "--json").json["config"]
    assert "default" == config["source"]
    return str(config["value"])


def logged(text: str) -> list[dict[str, str]]:
    """Return the lines of a log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_forgotten_file_writes_nothing_into_another_demarche(
    aid: Sandbox, tmp_path: Path
) -> None:
    """The shipped one copies, names what the form lacks, and the remedy works as it is said."""
    dsync = of_demarche(aid, tmp_path, AID)
    first = dsync("sync", "--json")
    assert (7, 12, 0) == (first.code, first.json["read"], first.json["evaluated"])
    assert "`dsync config init`" in first.json["errors"][0]
    pushed = dsync("push")
    assert (7, True) == (pushed.code, "nothing is judged or written" in pushed.text)
    assert [] == aid.control.requests(kind="mutation")
    assert 2 == dsync("check").code
    aid.control.forget_requests()  # `check` tries to write nothing.
    assert 0 == dsync("config", "init").code
    again = dsync("sync", "--json")
    assert ("dsync.toml", 12) == (
        again.json["configuration"],
        dsync.rows("SELECT count(*) FROM dossier")[0][0],
    )
    assert "lacks [mapping]" not in again.text
    assert [] == aid.control.requests(kind="mutation")
