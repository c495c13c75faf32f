"""What an operator asks for while the service runs, and the journal of who did what."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.faults import ScriptedFault
from tests.acceptance.worker.conftest import DOSSIERS
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.demarche import SHIPPED
from tests.acceptance.worker.installed import Installed, Process, until
from tests.acceptance.worker.truth import assert_copy_is_true
from tests.engine.rig import RESULTAT, few_products
from tests.profiles import long
from tests.store.databases import sqlite_if_long


@sqlite_if_long
def test_a_running_service_does_what_an_operator_asks_for(
    dsync: Installed, sandbox: Sandbox, database: Database
) -> None:
    """`dsync sync` never meets a lease that is held: it follows the service, and both tell it."""
    service = dsync.start("run")
    until(lambda: "run_finished" in service.printed())
    number = sandbox.control.truth()[0].number
    sandbox.control.edit_champ(number, SHIPPED.fonction, "Nouvelle fonction")
    host = _host(service, database)

    shown = dsync.run("sync", "--dossier", str(number))
    full = dsync.json("sync", "--full")
    journal = dsync.json("history", "--manual")
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


@pytest.mark.parametrize("followed", [False, long(True)])
def test_a_request_outlives_the_service_that_began_it(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database, followed: bool
) -> None:
    """Killed in the middle, its successor does it; with none, the command does it by itself."""
    killed = sqlite_dsync.start("run")
    until(lambda: "run_finished" in killed.printed())
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=1000, times=None))
    asking = sqlite_dsync.start("sync", "--full", "--json", "--wait", "90s")
    until(lambda: _requests(sqlite_database, "commence_le IS NOT NULL"))
    killed.signal(signal.SIGKILL)
    killed.kill()
    shown = sqlite_dsync.run("status")
    assert "without a sign of life: another process can go on within" in shown.out
    sandbox.control.faults.clear_faults()
    sqlite_database.expire_lease()
    if followed:
        sqlite_dsync.start("run")
    done = asking.wait()

    assert (0, "complet") == (done.code, done.json["kind"]), done.text
    [row] = _requests(sqlite_database, "fini_le IS NOT NULL AND code = 0")
    assert "complet" == row["genre"]


def test_a_request_that_has_not_begun_can_be_taken_back(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database
) -> None:
    """It says what it waits for. By Ctrl-C or in the console: it is gone, and nobody does it."""
    sandbox.control.faults.fail(ScriptedFault("latency", latency_ms=3000, times=None))
    service = sqlite_dsync.start("run")
    until(lambda: sqlite_database.url and _running(sqlite_database))
    asking = sqlite_dsync.start("sync")
    until(lambda: "after run" in asking.printed())
    asking.signal(signal.SIGINT)
    done = asking.wait()
    asking = sqlite_dsync.start("sync", "--full", "--wait", "1m")
    until(lambda: _requests(sqlite_database, "fini_le IS NULL"))
    sqlite_database.execute("DELETE FROM demande")  # As the console does.
    taken = asking.wait()
    service.signal(signal.SIGTERM)

    assert (130, 130) == (done.code, taken.code), done.text + taken.text
    assert "taken back" in taken.err
    assert re.search(r"begins after run 1 \(\w+\), which has read \d+ dossiers so far", done.err)
    assert "had not begun" in done.err
    assert "Traceback" not in done.text
    assert [] == _requests(sqlite_database, "1 = 1")


def test_no_write_by_hand_meets_the_lease_of_a_long_read(
    sqlite_dsync: Installed, sandbox: Sandbox, sqlite_database: Database
) -> None:
    """The service does it after the read; the command says the same as when it does it itself."""
    dsync, database = sqlite_dsync, sqlite_database
    assert 0 == dsync.run("sync").code
    kept, sent, erased = [truth.number for truth in sandbox.control.truth() if truth.labels][:3]
    for number in (kept, sent):
        sandbox.control.edit_annotation(number, RESULTAT, "autre")
    assert 0 == dsync.run("sync").code
    before = dsync.json("precheck", "--dry-run")
    database.execute("UPDATE sync_state SET page_size = 1, last_full_at = NULL")
    sandbox.control.faults.fail(*[ScriptedFault("latency", latency_ms=2000)] * 60)
    service = dsync.start("run")
    until(lambda: _running(database))
    accepted = dsync.run("conflicts", "keep", str(kept))
    orders = {
        "envoi": ("push", "--force", "--yes", "--dossier", str(sent)),
        "effacement": ("dossier", "erase", str(erased), "--yes"),
        "purge": ("purge", "--older-than", "1d", "--yes"),
    }
    asked = dsync.start("precheck", "--json")
    until(lambda: _requests(database, "en_file AND commence_le IS NULL"))
    [read] = database.rows("SELECT genre FROM sync_run WHERE statut = 'running'")
    sandbox.control.faults.clear_faults()
    done = {"precontrole": asked.wait()}
    done |= {name: dsync.run(*order, "--json") for name, order in orders.items()}
    back = dsync.run("dossier", "erase", str(erased), "--undo")
    startups = few_products(DOSSIERS)
    sandbox.control.catalogue.replace(
        "/api/v2.6/startups.json", {**startups, "data": startups["data"][:3]}
    )
    braked = dsync.run("sync")
    evidence = dsync.run("accept", "evidence", "--yes")
    service.signal(signal.SIGTERM)
    journal = dsync.json("history", "--manual")

    assert 0 == accepted.code, accepted.text
    assert {0} == {one.code for one in done.values()}, [one.text[:500] for one in done.values()]
    assert "complet" == read["genre"]
    assert (0, 0) == (back.code, service.wait().code), back.text
    assert (7, 0) == (braked.code, evidence.code), evidence.text
    judged = done["precontrole"].json
    assert "precontrole" == _genre_of(database, judged.pop("run"))
    assert {**before, "run": None} == {**judged, "run": None}
    assert (1, 1) == (done["envoi"].json["pushed"], done["effacement"].json["deleted"])
    assert done["purge"].json["deleted"] > 0
    assert "autre" == sandbox.control.truth_of(kept).raw_annotations[RESULTAT]
    assert "autre" != sandbox.control.truth_of(sent).raw_annotations[RESULTAT]
    [row] = database.rows(f"SELECT presence FROM dossier WHERE numero = {erased}")
    assert "present" == row["presence"]
    # Besides: two reads before, the conflict, the erasure undone, two reads and the evidence.
    assert len(done) + 7 == len([one for one in journal if "@" in one["demande_par"]])


def _genre_of(database: Database, run: int) -> Any:
    [row] = database.rows(f"SELECT genre FROM sync_run WHERE run = {run}")
    return row["genre"]


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
