"""The first run copies all, the second does nothing, later ones follow DS."""

from __future__ import annotations

from dsync.sandbox import Sandbox
from tests.acceptance.worker.database import OWN_HAND, Database
from tests.acceptance.worker.installed import Installed
from tests.acceptance.worker.truth import assert_copy_is_true, is_written
from tests.engine.rig import DEMARCHE
from tests.store.databases import sqlite_if_long


@sqlite_if_long
def test_the_first_run_does_everything_and_the_second_nothing(
    dsync: Installed, sandbox: Sandbox, database: Database
) -> None:
    """Every view shows what the sandbox holds, and the sandbox what dsync judged.

    Then nothing has changed outside: no mutation, no event, no verdict, no wish, one request.
    """
    truth = sandbox.control.truth()

    report = dsync.start("sync", "--json", anew=True).wait().json

    assert ("incremental", "success") == (report["kind"], report["status"])
    assert [len(truth)] * 3 == [report[k] for k in ("read", "changed", "evaluated")]
    assert len(truth) == sum(report["verdicts"].values())
    assert sum(map(is_written, truth)) == report["pushed"]
    assert len(sandbox.control.requests()) == report["requests"]
    assert [] == database.view("lecture_anomalie")
    [run] = database.view("lecture_synchronisation", "run")
    assert {
        "run": report["run"],
        "demarche_numero": DEMARCHE,
        "statut": "success",
        "lus": report["read"],
        "modifies": report["changed"],
        "supprimes": 0,
        "evalues": report["evaluated"],
        "pousses": report["pushed"],
        "requetes": report["requests"],
        "erreur": None,
        "code": 0,
    } == {k: v for k, v in run.items() if k not in {"genre", "debut", "fin", "modifie_ici_le"}}
    assert run["debut"] <= run["fin"] <= run["modifie_ici_le"]

    # A second run writes nothing anywhere, and reads back what the first has written.
    first = database.content(without=OWN_HAND)
    sandbox.control.forget_requests()
    incremental = dsync.json("sync")
    assert first == database.content(without=OWN_HAND)
    second = database.content()
    full = dsync.json("sync", "--full")

    assert second == database.content()
    for report in (incremental, full):
        assert [0, 0, 0, 0] == [report[k] for k in ("changed", "evaluated", "pushed", "conflicts")]
    assert incremental["requests"] <= 3
    assert [] == sandbox.control.requests(kind="mutation")
    assert_copy_is_true(database, sandbox)
