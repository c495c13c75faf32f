"""What an operator asks for while the service runs, and the journal of who did what."""

from __future__ import annotations

import signal

from dsync.sandbox import Sandbox
from dsync.sandbox.http.faults import ScriptedFault
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.installed import Installed, Process, until
from tests.acceptance.worker.truth import assert_copy_is_true

FUNCTION = 4303
"""The champ « Fonction du sponsor »."""


def test_a_running_service_does_what_an_operator_asks_for(
    dsync: Installed, sandbox: Sandbox, database: Database
) -> None:
    """`dsync sync` never meets a lease that is held: it follows the service, and both tell it."""
    service = dsync.start("run")
    until(lambda: "run_finished" in service.printed())
    number = sandbox.control.truth()[0].number
    sandbox.control.edit_champ(number, FUNCTION, "Nouvelle fonction")
    host = _host(service, database)

    shown = dsync.run("sync", "--dossier", str(number))
    full = dsync.json("sync", "--full")
    journal = dsync.json("journal")
    nobody = dsync.run("sync", "--dry-run")
    service.signal(signal.SIGTERM)

    assert (0, 0) == (shown.code, nobody.code), shown.text + nobody.text
    assert f"The service {host} does it" in shown.err
    assert "(dossier): success" in shown.out
    assert "1 read · 1 changed" in shown.out
    assert ("complet", "success", 0) == (full["kind"], full["status"], full["changed"])
    assert ["complet", "dossier"] == [entry["genre"] for entry in journal]
    assert [{"full": True}, {"dossiers": [number]}] == [entry["options"] for entry in journal]
    assert [full["run"], 0] == [journal[0]["run"], journal[0]["code"]]
    assert all("@" in entry["demande_par"] for entry in journal)
    assert 0 == service.wait().code
    assert_copy_is_true(database, sandbox)


def test_a_request_outlives_the_service_that_began_it(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database
) -> None:
    """Killed in the middle, its successor does it; with none, the command does it by itself."""
    sandbox.control.fail(*[ScriptedFault("latency", latency_ms=300)] * 40)
    killed = sqlite_dsync.start("run")
    until(lambda: "run_finished" in killed.printed(), within_s=40)
    asking = sqlite_dsync.start("sync", "--full", "--json", "--wait", "90s")
    until(lambda: _requests(sqlite_database, "commence_le IS NOT NULL"))
    killed.signal(signal.SIGKILL)
    killed.kill()
    sqlite_database.expire_lease()
    successor = sqlite_dsync.start("run")
    done = asking.wait()
    assert (0, "complet") == (done.code, done.document["kind"]), done.text
    successor.signal(signal.SIGKILL)
    successor.kill()
    sqlite_database.expire_lease()

    alone = sqlite_dsync.json("sync")

    assert "success" == alone["status"]
    assert ["complet", "incremental"] == [
        row["genre"] for row in _requests(sqlite_database, "fini_le IS NOT NULL AND code = 0")
    ]


def test_a_request_that_has_not_begun_can_be_taken_back(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database
) -> None:
    """Ctrl-C while a long run goes on: the request is gone, the service is not disturbed."""
    sandbox.control.fail(*[ScriptedFault("latency", latency_ms=3000)] * 4)
    service = sqlite_dsync.start("run")
    until(lambda: sqlite_database.url and _running(sqlite_database))
    asking = sqlite_dsync.start("sync")
    until(lambda: _requests(sqlite_database, "fini_le IS NULL"))
    asking.signal(signal.SIGINT)
    done = asking.wait()
    service.signal(signal.SIGTERM)

    assert 130 == done.code, done.text
    assert "had not begun" in done.err
    assert "Traceback" not in done.text
    assert [] == _requests(sqlite_database, "1 = 1")


def _requests(database: Database, where: str) -> list[dict[str, object]]:
    return database.rows(f"SELECT * FROM demande WHERE {where} ORDER BY id")


def _running(database: Database) -> bool:
    try:
        return bool(database.rows("SELECT 1 FROM sync_run WHERE statut = 'running'"))
    except Exception:  # The service has not created the tables yet.
        return False


def _host(service: Process, database: Database) -> str:
    [row] = database.rows("SELECT holder FROM service")
    assert row["holder"].endswith(f":{service.pid}")
    return str(row["holder"])
