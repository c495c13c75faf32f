"""PostgreSQL itself goes down and comes back in the middle of a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from dsync.sandbox import Sandbox
from dsync.sandbox.faults import Fault
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import Installed, until, variables_for
from tests.acceptance.worker.truth import assert_copy_is_true
from tests.store.databases import PostgresServer, started_server


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A server that nobody else is connected to."""
    with started_server() as server:
        yield server


def crash(database: Database) -> None:
    """Kill a session's process: the server ends all others, and recovers from its log."""
    [session] = database.rows(
        "SELECT min(pid) AS pid FROM pg_stat_activity "
        "WHERE application_name = 'dsync' AND pid <> pg_backend_pid()"
    )
    os.kill(session["pid"], signal.SIGKILL)

    def is_back() -> bool:
        database.close()
        try:
            return database.count("lease") >= 0
        except OperationalError:
            return False

    until(is_back)


@pytest.mark.parametrize("requests", [1, pytest.param(6, marks=pytest.mark.long)])
def test_a_server_that_crashes_and_recovers_in_mid_run_costs_no_dossier(
    own_server: PostgresServer, sandbox: Sandbox, tmp_path: Path, requests: int
) -> None:
    """The run ends with the remedy or goes on; what it had committed is there, nothing half."""
    url = own_server.make(migrated=True)
    database = Database(url)
    dsync = Installed(tmp_path / "work", **variables_for(sandbox, url))
    sandbox.control.fail(Fault("latency", latency_ms=150, times=None))
    process = dsync.start("sync", "--json")
    until(lambda: len(sandbox.control.requests()) >= requests or not process.is_running)
    assert process.is_running, process.printed()
    crash(database)
    done = process.wait()

    assert done.code in {0, 5}, done.text
    assert "Traceback" not in done.text
    sandbox.control.clear_faults()
    database.expire_lease()
    database.settle_unknown()
    dsync.json("sync")
    dsync.json("sync")
    assert_copy_is_true(database, sandbox)
    dsync.close()
    database.close()
