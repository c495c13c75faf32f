"""The commands of an operator on a database with dossiers."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path

import pytest
import time_machine

from dsync.sandbox import Sandbox, content
from tests.commands.command import Command, InsideCommand, config_with
from tests.commands.conftest import begin
from tests.engine.rig import few_products


def test_status_says_that_the_clock_went_back(run: Command, sandbox: Sandbox) -> None:
    """A success dated in the future counts as never, also for the health check."""
    begin(run, sandbox, "--no-push")
    [(last,)] = run.rows("SELECT last_success_at FROM sync_state")
    later = str(datetime.fromisoformat(last) + timedelta(days=400))
    run.rows("UPDATE sync_state SET last_success_at = ?", later)

    ended = run("status", "--json", "--max-age", "30m")
    assert (7, None, True) == (ended.code, ended.json["last_success_at"], ended.json["is_stale"])
    (warning,) = (said for said in ended.json["warnings"] if "clock" in said)
    assert "clock went back" in warning
    assert "400 days" in warning or "399 days" in warning
    assert "! This machine's clock went back" in run("status").out


def test_a_dossier_shows_reasons_evidence_and_what_would_change_its_verdict(
    synced: Command,
) -> None:
    """One command explains a verdict."""
    listed = synced("dossier", "list", "--verdict", "ineligible", "--json").json
    number = str(listed[0]["numero"])
    shown = synced("dossier", "show", number)
    assert "Inéligible" in shown.out
    assert "To become Éligible, settle:" in shown.out
    document = synced("dossier", "show", number, "--json").json
    assert document["a_regler"] != []
    # JSON of the database is an object in this JSON.
    assert all(isinstance(check["preuve"], dict) for check in document["controles"])
    details = [event["details"] for event in document["evenements"]]
    assert {dict} == {type(one) for one in details if one is not None}


def test_refresh_replaces_the_evidence(sandbox: Sandbox, run: Command) -> None:
    """For named dossiers: both are printed, and the journal has who asked."""
    begin(run, sandbox)
    number = str(content.FIRST_NUMBER)
    before = run("dossier", "show", number, "--json").json
    startups = few_products(30)
    for entry in startups["data"]:
        if entry["id"] == before["produit_id"]:
            entry["attributes"]["phases"] = [{"name": "alumni", "start": "2020-01-01", "end": ""}]
    sandbox.control.catalogue.replace("/api/v2.6/startups.json", startups)
    assert run("sync").code == 0
    shown = run("dossier", "show", number)
    assert "Remark: D’après le catalogue actuel, le verdict serait À vérifier." in shown.out
    nothing = run("precheck", "--refresh", "--yes")
    assert (0, "No « Inéligible »") == (nothing.code, nothing.out[:17])
    asked = ("precheck", "--dossier", number, "--refresh")
    assert run(*asked).refuses("--yes")
    assert "Éligible" == run("dossier", "show", number, "--json").json["verdict"]
    ended = run(*asked, "--yes")
    assert ended.code == 0
    for said in ("Éligible", "À vérifier", "alumni", before["phase_constatee"]):
        assert said in ended.out
    after = run("dossier", "show", number, "--json").json
    assert ("À vérifier", "alumni") == (after["verdict"], after["phase_constatee"])
    assert "preuve_relue" in [event["evenement"] for event in after["evenements"]]


def test_the_first_write_is_shown_whole_and_asked_once(run: InsideCommand) -> None:
    """The results, where they go by DS's names, a detail; other annotations ask anew."""
    run = replace(run, has_seen=False)
    first = run("sync")
    assert (4, True) == (first.code, "dsync accept first" in first.text), first.text
    assert run("accept").tells(
        "first: The first results wait until a person has looked at them",
        "result  nothing  « Éligible »",
        "date: in the annotation « Pré-contrôle établi le »\n",
        "\nThe detail that dossier ",
        "`dsync accept first` consents.",
    )
    [asked] = run("accept", "--json").json
    assert "consultation" in run("history", "--seen", "--json").text
    assert {"numero", "detail"} == asked["sample"].keys()
    assert asked["sample"]["detail"].startswith(("Éligible – ", "Inéligible – ", "À vérifier – "))
    jury = ('"Q2hhbXAtNTEwNA==", "Pré-contrôle établi le"', '"Q2hhbXAtNTIwMw==", "Date du jury"')
    slip, consent = config_with(run.folder, jury), ("accept", "first", "--yes")
    assert run(*consent, DSYNC_CONFIG=slip).refuses("The file was changed since")
    assert run(*consent).tells("The detail that dossier ", " written back")
    assert run("accept").tells("Nothing waits for consent.")


def test_a_catalogue_that_shrinks_is_used_after_an_operator_accepts_it(
    sandbox: Sandbox, run: Command
) -> None:
    """Until then every run exits 7 and names the remedy, which works as printed."""
    begin(run, sandbox)
    assert run("accept", "evidence").code == 2
    startups = few_products(30)
    startups["data"] = startups["data"][:3]
    sandbox.control.catalogue.replace("/api/v2.6/startups.json", startups)
    ended = run("sync", "--json")
    assert (7, 0, 0) == (ended.code, ended.json["evaluated"], ended.json["pushed"])
    assert "`dsync accept evidence`" in ended.json["errors"][0]
    assert "safety brake" in run("evidence", "show").out
    assert "`dsync accept evidence`" in run("check").out
    assert run("accept", "evidence").refuses("--yes")
    assert run("accept", "evidence", "--yes").code == 0
    assert run("sync").code == 0


def test_status_fails_when_the_last_success_is_too_old(synced: Command, tmp_path: Path) -> None:
    """By default after three intervals of the incremental read, of which an hour is one too."""
    assert synced("status", "--max-age", "30m").code == 0
    assert synced("status", "--max-age", "0s").code == 7
    hourly = config_with(tmp_path, ('incremental = "5m"', 'incremental = "1h"'))
    assert 0 == synced("status", "--max-age").code
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=40)):
        late = synced("status", "--max-age", "--json")
        assert (7, True) == (late.code, late.json["is_stale"])
        assert 0 == synced("status", "--max-age", DSYNC_CONFIG=hourly).code


def test_a_token_that_expires_soon_is_a_warning(synced: Command) -> None:
    """Of `status` and of `check`; it is no failure."""
    for command in ("status", "check"):
        ended = synced(command, DSYNC_DS_TOKEN_EXPIRES_ON="2020-01-01")
        assert ended.code == 0
        assert "expired on 2020-01-01" in ended.out


@pytest.fixture
def bare(tmp_path: Path) -> Command:
    """Return `dsync` without any setting."""
    return Command(tmp_path, {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")})


def in_a_shell(command: Command, step: str) -> int:
    """Run a printed command as somebody who copies it; return its exit code."""
    environment = dict(command.environment)
    return subprocess.run(
        step, shell=True, cwd=command.folder, env=environment, capture_output=True, timeout=60
    ).returncode


def arguments_of(step: str) -> list[str]:
    """Return the arguments of a printed command."""
    return shlex.split(step.partition(" -m dsync ")[2])


def test_commands_work_on_a_demo_that_serves(bare: Command) -> None:
    """In any folder: sync, precheck and push use its sandbox and its database, check finds nothing.

    Each verdict is shown, and what it prints can be copied.
    """
    folder = "50%41 ?"
    options = ("--folder", folder, "--dossiers", "30", "--serve")
    demo = bare.start("demo", *options, PYTHONUNBUFFERED="1")
    assert demo.stdout is not None
    shown = "".join(takewhile(lambda line: "runs until Ctrl-C" not in line, demo.stdout))
    for verdict in ("Éligible", "À vérifier", "Inéligible"):
        assert verdict in shown
    printed = [demo.stdout.readline().strip() for _ in range(7)]
    steps = [arguments_of(line) for line in printed]
    assert 0 == in_a_shell(bare, next(line for line in printed if line.endswith(" status")))
    written = (bare.folder / folder / "environment").read_text(encoding="utf-8")
    exported = dict(word.split("=", 1) for word in shlex.split(written) if "=" in word)
    inside = InsideCommand(bare.folder, {**bare.environment, **exported})
    ended = {" ".join(step): inside(*step) for step in steps}
    done = {step: one.code for step, one in ended.items()}
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert 0 == demo.returncode
    assert {0} == set(done.values()), done
    assert "DS refuses pushes" not in ended["check"].out
    assert {"dossier", "status", "precheck", "sync", "push", "check"} == {step[0] for step in steps}


def test_config_check_warns_of_what_sync_will_refuse(bare: Command) -> None:
    """The démarche of the shipped file exists only in the sandbox."""
    dsync = InsideCommand(bare.folder, bare.environment)
    ended = dsync("config", "check")
    assert ended.code == 0
    assert "DSYNC_DEMARCHE" in ended.err
    assert "DSYNC_DEMARCHE" in dsync("config", "check", "--json").json["warnings"][0]


def test_status_shows_the_services_and_their_next_run(run: Command) -> None:
    """While one runs, after its end, and after it was killed; a second one on the file says so."""
    service = run.start("run", "--log-format", "json")
    assert service.stderr is not None
    finished = next(line for line in service.stderr if "run_finished" in line)
    assert {"pushed", "conflicts", "adopted"} <= json.loads(finished).keys()
    (shown,) = run("status", "--json").json["services"]
    assert shown["holder"].endswith(f":{service.pid}")
    assert shown["is_alive"]
    assert shown["started_at"] < shown["next_run_at"]
    assert f"service         {shown['holder']} since " in run("status").out
    second = run.start("run", "--log-format", "json", DSYNC_HTTP_LISTEN="")
    assert second.stderr is not None
    assert any('"another_service"' in line for line in islice(second.stderr, 5))
    second.terminate()
    second.communicate(timeout=60)
    run.rows("CREATE TABLE killed AS SELECT * FROM service")
    service.terminate()
    service.communicate(timeout=60)
    assert [] == run("status", "--json").json["services"]
    assert "service         none" in run("status").out
    run.rows("UPDATE killed SET seen_at = '2024-01-01 00:00:00.000000'")
    run.rows("INSERT INTO service SELECT * FROM killed")
    ended = run("status", "--strict")
    assert 7 == ended.code
    assert "last reported" in ended.out


def test_a_run_that_was_killed_shows_as_interrupted(run: Command, sandbox: Sandbox) -> None:
    """In `status` and in `runs`, before another run has started."""
    begin(run, sandbox, "--no-push")
    run.rows("UPDATE sync_run SET statut = 'running', figures = NULL")
    assert "interrupted" == run("status", "--json").json["last_run"]["statut"]
    assert "run 1: its process died before the end" in run("status").out
    assert "interrupted" in run("history").out
