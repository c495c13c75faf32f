"""DS, the token, the database or the disk fails in the middle of a run."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.faults import ScriptedFault
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import Installed, Process, at_work, until, variables_for
from tests.acceptance.worker.truth import Copied, assert_copy_is_true
from tests.profiles import long
from tests.store.databases import PostgresServer, started_server


def assert_ended_and_resumed(
    process: Process, dsync: Installed, sandbox: Sandbox, database: Database
) -> None:
    """Check that a run which lost its database went on or ended well, and that the next resumes."""
    done = process.wait()
    assert done.code in {0, 5}, done.text
    assert "Traceback" not in done.text
    sandbox.control.faults.clear_faults()
    database.expire_lease()
    database.expire_unknown()
    dsync.json("sync")
    dsync.json("sync")
    assert_copy_is_true(database, sandbox)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may end: nobody else works on it."""
    with started_server() as server:
        yield server


@pytest.fixture
def own_database(own_server: PostgresServer) -> Iterator[Database]:
    """An empty database on it."""
    opened = Database(own_server.make(migrated=True))
    yield opened
    opened.close()


@pytest.fixture
def own_dsync(sandbox: Sandbox, own_database: Database, tmp_path: Path) -> Iterator[Installed]:
    """The command, configured for that database."""
    installed = Installed(tmp_path / "work", **variables_for(sandbox, own_database.url))
    yield installed
    installed.close()


@pytest.mark.parametrize("kind", [long("query"), "mutation"])
def test_a_server_that_is_restarted_in_mid_run_costs_no_dossier(
    own_server: PostgresServer,
    own_dsync: Installed,
    own_database: Database,
    sandbox: Sandbox,
    kind: Literal["query", "mutation"],
) -> None:
    """An administrator restarts PostgreSQL during a read, and during a push: nothing twice."""
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=400, only=kind, times=None))
    process = own_dsync.start("sync", "--json")
    until(lambda: sandbox.control.requests(kind=kind) or not process.is_running)
    assert process.is_running, process.printed()
    own_database.close()
    own_server.restart()

    assert_ended_and_resumed(process, own_dsync, sandbox, own_database)
    sent = Copied(own_database, sandbox.control).sent_values()
    assert len({(rank, stable_id) for rank, stable_id, _ in sent}) == len(sent)
    assert [] == own_dsync.json("db", "verify", "--remote")["findings"]


@pytest.mark.long
def test_a_service_outlives_a_restart_of_its_server(
    own_server: PostgresServer, own_dsync: Installed, own_database: Database, sandbox: Sandbox
) -> None:
    """Its failed run is due again within seconds, and the same process completes it."""
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=150, times=8))
    process = own_dsync.start("run")
    at_work(process, sandbox.control, requests=1)
    own_server.restart()
    own_database.close()
    ended = "statut = 'success' AND fin IS NOT NULL"
    until(lambda: own_database.count("lecture_synchronisation", ended), within_s=50)
    assert process.is_running, process.printed()
    process.signal(signal.SIGTERM)
    assert 0 == process.wait().code
    assert [] == own_dsync.json("db", "verify", "--remote")["findings"]


def test_a_full_disk_stops_the_run_and_the_next_one_resumes(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database
) -> None:
    """No file may grow any more (as under a quota): exit 5 with the remedy, nothing half done."""
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=300, times=None))
    process = sqlite_dsync.start("sync", "--json")
    at_work(process, sandbox.control, requests=1)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    done = process.wait()

    assert 5 == done.code, done.text
    assert "disk" in done.text
    assert "Traceback" not in done.text
    assert 0 == sqlite_database.count("lecture_candidature")
    sandbox.control.faults.clear_faults()
    sqlite_database.expire_lease()
    sqlite_dsync.json("sync")
    sqlite_dsync.json("sync")
    assert_copy_is_true(sqlite_database, sandbox)
