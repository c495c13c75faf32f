"""Signals, and two workers on one démarche."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import requests

from dsync import __version__
from dsync.sandbox import Sandbox
from dsync.sandbox.faults import ScriptedFault
from dsync.store.engine import BUSY_TIMEOUT_S
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import IN_TIME_S, Installed, at_work, until
from tests.acceptance.worker.surface import started
from tests.acceptance.worker.truth import assert_copy_is_true
from tests.commands.command import config_with
from tests.profiles import long
from tests.store.databases import sqlite_if_long

SLOW_MS, STUCK_MS = 200, 60_000
DRY_IN_TIME_S = 2.0


@pytest.mark.parametrize(
    ("number", "code", "latency_ms"),
    [
        pytest.param(signal.SIGTERM, 143, SLOW_MS, id="TERM slow"),
        long(signal.SIGINT, 130, STUCK_MS, id="INT stuck"),
    ],
)
def test_a_stopped_run_ends_in_time_and_the_next_one_resumes(
    sqlite_dsync: Installed,
    sandbox: Sandbox,
    sqlite_database: Database,
    number: int,
    code: int,
    latency_ms: int,
) -> None:
    """Whatever DS does, the process is gone within 5 s and nothing is half done."""
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=latency_ms, times=None))
    process = sqlite_dsync.start("sync", "--json")
    at_work(process, sandbox.control)

    process.signal(number)
    done, took_s = process.ended_within(IN_TIME_S)

    assert (code, True) == (done.code, took_s < IN_TIME_S), done.text
    assert "failed" == done.json["status"]
    sandbox.control.faults.clear_faults()
    assert "success" == sqlite_dsync.json("sync")["status"]
    sqlite_dsync.json("sync")
    assert_copy_is_true(sqlite_database, sandbox)


def test_a_stopped_dry_run_leaves_no_file(
    sqlite_dsync: Installed, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It copies the database nowhere, so a signal ends it at once."""
    sqlite_dsync.json("sync", "--no-push")
    sandbox.control.forget_requests()
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=STUCK_MS, times=None))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = sqlite_dsync.start("sync", "--dry-run", "--full", temporary=temporary)
    at_work(process, sandbox.control)

    assert [] == [*temporary.iterdir()]
    process.signal(signal.SIGINT)
    done, took_s = process.ended_within(DRY_IN_TIME_S)

    assert (130, True) == (done.code, took_s < DRY_IN_TIME_S), done.text
    assert ["dsync.db"] == [path.name for path in sqlite_dsync.folder.glob("dsync*")]


@pytest.mark.long
def test_a_run_stopped_in_a_push_reads_back_before_it_writes_again(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database
) -> None:
    """A mutation that got no answer in time is uncertain; the next run asks DS first."""
    sandbox.control.faults.fail(ScriptedFault("latency", only="mutation", latency_ms=STUCK_MS))
    process = sqlite_dsync.start("sync", "--json")
    until(lambda: sandbox.control.requests(kind="mutation"))

    process.signal(signal.SIGTERM)
    done, took_s = process.ended_within(IN_TIME_S)

    assert (143, True) == (done.code, took_s < IN_TIME_S), done.text
    uncertain = sqlite_database.count("lecture_annotation", "statut = 'incertaine'")
    assert uncertain > 0
    n_mutations = len(sandbox.control.requests(kind="mutation"))
    sandbox.control.faults.clear_faults()
    early = sqlite_dsync.json("sync", code=7)
    assert any("wait" in problem for problem in early["errors"])
    sqlite_database.expire_unknown()
    assert n_mutations < len(sandbox.control.requests(kind="mutation"))
    sandbox.control.forget_requests()
    sqlite_dsync.json("sync")
    late = {name for entry in sandbox.control.requests(kind="mutation") for name in entry.fields}
    # What stood there is confirmed, not sent again; labels follow what is confirmed.
    assert late <= {"dossierAjouterLabel", "dossierSupprimerLabel"}
    sqlite_dsync.json("sync")
    assert_copy_is_true(sqlite_database, sandbox)


@pytest.mark.parametrize("stops", [1, long(200)])
def test_no_stop_of_the_service_is_missed(
    sqlite_dsync: Installed, sandbox: Sandbox, stops: int
) -> None:
    """In a first read that DS does not answer, or at rest: 0 within 5 s, each time."""
    signals = (signal.SIGTERM, signal.SIGINT)
    for turn in range(stops):
        sandbox.control.faults.clear_faults()
        sandbox.control.forget_requests()
        is_new = turn % 2 == 0
        if is_new:
            sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=STUCK_MS, times=None))
        url = f"sqlite:///turn-{turn}.db" if is_new else sqlite_dsync.variables["database_url"]
        process = sqlite_dsync.start("run", database_url=url)
        until(lambda p=process: "service_started" in p.printed())
        if is_new:
            at_work(process, sandbox.control)

        process.signal(signals[turn % 3 % 2])
        done, took_s = process.ended_within(IN_TIME_S)

        assert (0, True) == (done.code, took_s < IN_TIME_S), done.text
        assert "service_stopped" in done.text
        assert "Traceback" not in done.text
        process.kill()


def test_a_stop_does_not_wait_for_a_silent_database(sqlite_dsync: Installed) -> None:
    """A PostgreSQL that accepts and never answers: SIGTERM ends the command within 5 s."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://dsync@127.0.0.1:{silent.getsockname()[1]}/dsync"
        process = sqlite_dsync.start("run", database_url=url)
        silent.settimeout(20)
        connection, _ = silent.accept()
        with connection:
            process.signal(signal.SIGTERM)
            done, took_s = process.ended_within(IN_TIME_S)

    assert took_s < IN_TIME_S, done.text
    assert "Traceback" not in done.text


def test_a_stop_does_not_wait_for_a_lock_of_another_process(
    sqlite_dsync: Installed, sqlite_database: Database
) -> None:
    """Such as a dry run's: what the console has to journal about a page waits for it."""
    more = '[console]\npublic_url = "http://127.0.0.1:1"\n'
    surface = started(sqlite_dsync, config=str(config_with(sqlite_dsync.folder, more=more)))
    surface.until_read()
    link = until(lambda: re.search(r"/entrer\?cle=\S+", surface.process.out))
    browser = requests.Session()
    browser.get(surface.url + link[0], timeout=20)
    [dossier] = sqlite_database.rows("SELECT min(numero) AS n FROM dossier")
    assert 200 == browser.get(f"{surface.url}/dossiers/{dossier['n']}", timeout=20).status_code
    path = sqlite_dsync.variables["database_url"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        surface.process.signal(signal.SIGTERM)
        done = surface.process.wait(BUSY_TIMEOUT_S)

    assert 0 == done.code, done.text


def test_the_service_runs_at_once_and_again_and_outlives_failures(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database, tmp_path: Path
) -> None:
    """A full read first, short runs later, an outage in between; it ends with 0.

    It says at its start its version, démarche, database without the password, and next run.
    """
    config = config_with(tmp_path, ('incremental = "5m"', 'incremental = "1s"'))
    process = sqlite_dsync.start("run", config=config, log_format="json")
    until(lambda: "run_finished" in process.printed())
    until(lambda: len(runs(sqlite_database, "success")) >= 2)
    assert ["complet", "incremental"] == [r["genre"] for r in runs(sqlite_database)[:2]]
    number = sandbox.control.truth()[0].number
    # The daily check, which begins beside the runs, may meet it, too.
    sandbox.control.faults.fail(ScriptedFault("token_expired", times=3))
    until(lambda: runs(sqlite_database, "failed"))
    sandbox.control.edit_champ(number, 4303, "Nouvelle fonction")

    process.signal(signal.SIGTERM)
    done, took_s = process.ended_within(IN_TIME_S)

    assert (0, True) == (done.code, took_s < IN_TIME_S), done.text
    assert sandbox.tokens.write not in done.text
    lines = [json.loads(line) for line in done.err.splitlines()]
    told = [line for line in lines if line["event"].startswith("run_")]
    assert {"run_started", "run_failed", "run_postponed"} <= {line["event"] for line in told}
    assert all(line["run"] and line["demarche"] == 86321 for line in told)
    [started] = [line for line in lines if line["event"] == "service_started"]
    assert (__version__, 86321) == (started["version"], started["demarche"])
    assert started["database"].startswith("SQLite file ")
    assert datetime.fromisoformat(started["next_run"]).tzinfo is not None


def runs(database: Database, status: str | None = None) -> list[dict[str, object]]:
    """Return the journal's runs, the oldest first."""
    found = database.view("lecture_synchronisation", "run")
    return [run for run in found if status in (None, run["statut"])]


@sqlite_if_long
def test_a_sleeper_whose_lease_was_taken_commits_nothing(
    dsync: Installed, sandbox: Sandbox, database: Database
) -> None:
    """SIGSTOP, the lease expires, another works, SIGCONT: the late writer is refused."""
    # Long enough for the signal to come before the answer on a loaded machine, too.
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=10 * SLOW_MS))
    sleeper = dsync.start("sync", "--json")
    at_work(sleeper, sandbox.control)
    until(lambda: runs(database, "running"))
    sleeper.signal(signal.SIGSTOP)
    database.expire_lease()
    successor = dsync.json("sync")
    dsync.json("sync")
    before = database.content()
    n_mutations = len(sandbox.control.requests(kind="mutation"))

    sleeper.signal(signal.SIGCONT)
    late = sleeper.wait()

    assert "success" == successor["status"]
    assert 6 == late.code, late.text
    assert "took over" in late.json["errors"][0]
    assert before == database.content()
    assert n_mutations == len(sandbox.control.requests(kind="mutation"))
    assert_copy_is_true(database, sandbox)
