"""`dsync dossier erase` and `dsync purge`: nothing is erased without an order."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from dsync.database import open_database
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.sandbox import Sandbox
from dsync.settings import SANDBOX_DEMARCHE
from dsync.store.private_files import PREFIX
from dsync.store.store import utc_now
from dsync.sync.work import Erase, to_row
from dsync.wiring import Worker
from tests.commands.command import Command, InsideCommand, config_with
from tests.commands.conftest import begin
from tests.commands.terminal import screen
from tests.configured import load_settings
from tests.engine.rig import number
from tests.profiles import long


def presence(run: Command, number: int) -> str:
    [row] = [r for r in run("dossier", "list", "--json").json if r["numero"] == number]
    return str(row["presence"])


@pytest.fixture
def first(run: Command, sandbox: Sandbox) -> int:
    """Return the number of a dossier of the copy."""
    begin(run, sandbox, "--no-push")
    return min(truth.number for truth in sandbox.control.truth() if truth.presence == "present")


def test_a_dossier_is_erased_by_an_order_and_copied_again_by_another(
    run: Command, first: int
) -> None:
    """Without a terminal the order needs --yes; a full read leaves it erased.

    The journal names who called sudo: beside a service each command is the service's user's.
    """
    refused = run("dossier", "erase", str(first))
    assert (2, "present") == (refused.code, presence(run, first))
    assert "--yes" in refused.err
    erased = run("dossier", "erase", str(first), "--yes", "--json", SUDO_USER="agent")
    assert (0, "effacement", 1) == (erased.code, erased.json["kind"], erased.json["deleted"])
    manual = run("history", "--manual", "--json").json
    [asked] = [one for one in manual if one["genre"] == "effacement"]
    assert "agent" == asked["demande_par"].partition("@")[0]
    assert 0 == run("sync", "--full", "--no-push").code
    assert "efface" == presence(run, first)
    assert 0 == run("dossier", "erase", str(first), "--undo").code
    assert "present" == presence(run, first)


@pytest.mark.parametrize(
    "lost",
    [
        {"DSYNC_DS_TOKEN": ""},
        long({"DSYNC_DS_TOKEN": "", "DSYNC_DS_TOKEN_FILE": "/nowhere"}),
        {"DSYNC_DS_TOKEN": "expired"},
        {"DSYNC_DS_URL": "http://127.0.0.1:9/api"},
    ],
    ids=["no token", "no file", "refused", "no DS"],
)
def test_an_erasure_needs_neither_token_nor_ds(
    run: Command, first: int, sandbox: Sandbox, lost: dict[str, str]
) -> None:
    """Nor does its undo, which says when the dossier is copied again; nor a purge."""
    assert 0 == run("dossier", "erase", str(first), "--yes", **lost).code
    assert "efface" == presence(run, first)
    assert run("purge", "--older-than", "1d", "--dry-run", "--json", **lost).json
    assert 0 < run("purge", "--older-than", "1d", "--yes", "--json", **lost).json["deleted"]
    if "DSYNC_DS_URL" in lost:
        return
    undone = run("dossier", "erase", str(first), "--undo", **lost)
    assert (3 if lost["DSYNC_DS_TOKEN"] else 2) == undone.code, undone.text
    assert "The erasure is undone." in undone.err
    assert "dsync sync --full" in undone.err
    assert 0 == run("sync", "--full", "--no-push").code
    assert "present" == presence(run, first)


@pytest.mark.parametrize("options", [("--yes",), ("--undo",)], ids=["erase", "undo"])
def test_a_mistyped_number_is_no_failed_run(
    run: Command, first: int, options: tuple[str, ...]
) -> None:
    """It is refused before anything is asked for, so that no status shows a failure."""
    refused = run("dossier", "erase", "99", *options)
    assert 2 == refused.code
    assert "Dossier 99" in refused.err
    assert 1 == len(run("history", "--json").json)
    assert presence(run, first) == "present"


@pytest.mark.parametrize(("typed", "after"), [("n\n", "present"), ("y\n", "efface")])
def test_on_a_terminal_an_erasure_asks(
    run: InsideCommand, first: int, typed: str, after: str
) -> None:
    """« n » changes nothing."""
    ended = screen(run, "dossier", "erase", str(first), typed=lambda: typed)
    assert (0, after) == (ended.code, presence(run, first))
    assert f"Erase what is stored of dossier {first}?" in ended.out + ended.err


def test_a_purge_lists_then_erases_what_was_decided_long_ago(run: Command, first: int) -> None:
    """A dry run changes nothing; open dossiers stay."""
    listed = run("purge", "--older-than", "1d", "--dry-run", "--json").json
    finished = {
        row["numero"]
        for row in run("dossier", "list", "--json", "--limit", "1000").json
        if row["etat"] in {"accepte", "refuse", "sans_suite"}
    }
    numbers = {row["numero"] for row in listed}
    assert numbers
    assert numbers <= finished
    assert 2 == run("purge", "--older-than", "1d").code
    assert len(numbers) == run("purge", "--older-than", "1d", "--yes", "--json").json["deleted"]
    gone = run("dossier", "list", "--presence", "efface", "--json").json
    assert numbers == {row["numero"] for row in gone}
    assert "No dossier is too old." in run("purge", "--older-than", "1d", "--yes").out


def test_a_purge_goes_by_the_configured_ages(run: Command, first: int, tmp_path: Path) -> None:
    """Without an age on the command line; without any, it says where to set one."""
    assert run("purge", "--dry-run").refuses("set [retention] in")
    config = config_with(tmp_path, more='[retention]\nopen = "1d"\nlogs = "1d"\n')
    listed = run("purge", "--dry-run", "--json", DSYNC_CONFIG=config).json
    assert {"en_construction", "en_instruction"} == {row["regle"] for row in listed}
    assert "retention" not in run("status", DSYNC_CONFIG=config).out
    with closing(open_database(f"sqlite:///{run.folder / 'dsync.db'}")) as store:
        settings = load_settings(config=config, database_url=f"sqlite:///{run.folder / 'dsync.db'}")
        Worker(settings.without_ds(), store=store).due()
    told = " ".join(run("status", DSYNC_CONFIG=config).out.split())
    for rule, count in Counter(row["regle"] for row in listed).items():
        assert f"{count} {rule}" in told
    assert "to be erased by the service from" in told
    assert len(listed) == run("purge", "--yes", "--json", DSYNC_CONFIG=config).json["deleted"]
    wrong = config_with(tmp_path / "b", more='[retention]\naccepted = "2 years"\n')
    problem = run("config", "check", DSYNC_CONFIG=wrong)
    assert (2, True) == (problem.code, "retention.accepted: expected a number" in problem.text)


def test_an_erasure_whose_process_was_killed_is_done_by_the_next_sync(
    run: Command, first: int
) -> None:
    """Until then the status tells of it; an odd request ends, too."""
    asked = utc_now() - timedelta(minutes=6)
    with (
        closing(open_database(f"sqlite:///{run.folder / 'dsync.db'}")) as store,
        store.requests(DemarcheNumber(SANDBOX_DEMARCHE)) as requests,
    ):
        requests.ask("hypothétique", {}, "ada", asked)
        requests.ask(*to_row(Erase((DossierNumber(first),))), "ada", asked)
    said = run("status")
    assert 1 == said.out.count("1 request not executed")
    assert "Requests asked for by hand wait (2), the oldest one since 6 min" in said.out
    assert 0 == run("sync", "--no-push").code
    assert "efface" == presence(run, first)
    assert "Erasures are not finished" not in run("status").out
    listed = run("history", "--manual", "--json").json
    assert [0, 2] == [one["code"] for one in listed if one["demande_par"] == "ada"]


def test_a_temporary_copy_of_a_killed_process_is_swept_at_the_next_start(
    run: Command, first: int, tmp_path: Path
) -> None:
    """Those of living processes, and what others have put there, stay."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (temporary / f"{PREFIX}lien").symlink_to(tmp_path)
    script = (
        "import time; from dsync.store.private_files import private_folder as f\n"
        "with f() as at: (at / 'copy.db').touch(); print(flush=True); time.sleep(60)"
    )
    given = {**run.environment, "TMPDIR": str(temporary)}
    processes = [
        subprocess.Popen([sys.executable, "-c", script], env=given, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
    killed, living = processes
    killed.kill()
    killed.wait()
    try:
        assert 2 == len([*temporary.glob("*/copy.db")])
        assert 0 == Command(run.folder, given)("status").code
        assert 1 == len([*temporary.glob("*/copy.db")])
    finally:
        living.kill()
        living.wait()
    assert 0 == Command(run.folder, given)("status").code
    assert [f"{PREFIX}lien"] == [path.name for path in temporary.iterdir()]


def test_an_erased_twin_goes_along_with_the_database(
    run: InsideCommand, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A backup and a copy have it: they verify, and a full read moves nothing."""
    begin(run, sandbox)
    # Dossiers 1 and 8 are for one product, both under way.
    assert 0 == run("dossier", "erase", str(number(8)), "--yes").code
    assert 0 == run("db", "verify").code
    backup, copied = tmp_path / "kept.db", tmp_path / "copied.db"
    assert 0 == run("db", "backup", str(backup)).code
    assert 0 == run("db", "copy", f"sqlite:///{copied}").code
    for file in (backup, copied):
        other = run.given(DSYNC_DATABASE_URL=f"sqlite:///{file}")
        assert 0 == other("db", "verify").code
        assert 0 == other("sync", "--full").code
        made = other("dossier", "show", str(number(1)), "--json").json["controles"]
        [found] = [one for one in made if one["controle"] == "doublon" and one["courant"]]
        assert str(number(8)) in found["motif"]
