"""Judging whole démarches: pages, versions of the rules, and bugs that concern one dossier."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from dsync.database import PROGRAMME
from dsync.domain.consent import Consent
from dsync.programme import in_force
from dsync.sandbox import ScriptedFault
from dsync.store.codes import Kind
from dsync.store.sql import Scope
from dsync.store.verdicts import VerdictWrites
from tests.acceptance.worker.installed import slowdown, until
from tests.engine.rig import (
    DETAIL,
    PAGE,
    PROBLEME,
    Engine,
    few_products,
    number,
    seeds,
)
from tests.engine.test_judging import STARTUPS, SUIVI, product_of, rows
from tests.store.builders import NOW
from tests.store.databases import connected, on_postgresql


def test_each_version_of_the_rules_that_judged_is_kept(engine: Engine) -> None:
    """From its first verdict on, once; a trial as of a day keeps none, the former one stays."""

    def kept() -> dict[str, Any]:
        return {row["version"]: row for row in engine.rows("SELECT * FROM lecture_regle")}

    engine.sync_until_quiet()
    [first] = kept()
    assert {first} == {
        row["version_regles"] for row in engine.rows("SELECT * FROM lecture_precontrole")
    }
    engine.restart(configuration={"controles": {"administration": None}})
    engine.sync(work=Kind.PRECHECK, as_of=date(2024, 6, 1))
    assert [first] == [*kept()]
    engine.sync()
    engine.accept(Consent.RULES)
    [other] = kept().keys() - {first}
    assert {first, other} == {
        row["version_regles"] for row in engine.rows("SELECT * FROM lecture_precontrole")
    }
    named = [[one["nom"] for one in json.loads(kept()[v]["controles"])] for v in (first, other)]
    assert [True, False] == ["administration" in names for names in named]
    [liste] = [one for one in json.loads(kept()[first]["listes"]) if one["annee"]]
    file = Path(__file__).parents[2] / "config" / "operateurs_etat.csv"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (2026, 426, digest) == (liste["annee"], liste["entrees"], liste["sha256"])
    before = kept()
    engine.sync()
    assert before == kept()


def test_a_first_read_leaves_one_verdict_of_each_dossier(engine: Engine) -> None:
    """Also of one whose twin is on a later page: no history tells of a change that nobody made."""
    [known] = seeds([0])
    for rank in (2, 3):
        engine.control.edit_champ(number(rank), PAGE, known.champs[PAGE])
    engine.control.faults.fail(ScriptedFault("timeout", "DossiersPage", times=6))
    report = engine.sync(push=False)
    assert 6 + 12 == len(engine.requests("DossiersPage"))
    twins = [row["doublons"] for row in engine.rows("SELECT doublons FROM verdict")]
    assert 3 == sum(len(json.loads(one) if isinstance(one, str) else one) == 2 for one in twins)
    one_each = [(12, 12)]
    for table in ("verdict", "evenement WHERE evenement = 'verdict'"):
        sql = f"SELECT count(*) AS rows, count(DISTINCT numero) AS dossiers FROM {table}"
        assert one_each == [(row["rows"], row["dossiers"]) for row in engine.rows(sql)]
    assert [] == engine.rows("SELECT * FROM outbox WHERE statut = 'remplacee'")
    assert 12 == report.evaluated
    assert [] == engine.worker.app.verify(remote=False).findings


@pytest.mark.fast
def test_a_verdict_that_a_later_page_takes_back_leaves_the_one_before(engine: Engine) -> None:
    """A twin that has parted again before the read ends: no verdict, event or write tells of it."""
    engine.sync_until_quiet()
    engine.advance(hours=1)
    [first, second] = seeds([0, 2])
    engine.control.edit_champ(number(2), PAGE, first.champs[PAGE])
    engine.advance(minutes=1)
    engine.control.edit_champ(number(3), PROBLEME, "Un autre problème")
    engine.shrink(1)

    def part(method: Any, *arguments: Any, **options: Any) -> Any:
        page = method(*arguments, **options)
        # After the first page was read: DS moves the dossier to the end of the list.
        if page.order == (number(2),):
            engine.advance(minutes=1)
            engine.control.edit_champ(number(2), PAGE, second.champs[PAGE])
        engine.worker.client.around.clear()
        return page

    before = rows(engine, 0), engine.events(0), engine.wishes(0)
    engine.worker.client.around["read_page"] = part
    report = engine.sync()
    assert 3 == report.read
    assert before[:2] == (rows(engine, 0), engine.events(0))
    assert before[2] == engine.wishes(0)
    assert "Éligible" == engine.verdict(0)
    assert [] == engine.sent(0)
    assert [] == engine.worker.app.verify(remote=False).findings


def test_an_accepted_twin_counts_after_its_product_was_renamed(engine: Engine) -> None:
    """The catalogue has a new id and an alias: the accepted dossier is the same product's."""
    engine.sync_until_quiet()
    [twin] = seeds([0])
    engine.control.edit_champ(number(2), PAGE, twin.champs[PAGE])
    engine.control.move(number(2), "accepte")
    engine.sync()
    assert str(number(2)) in engine.remote(0, DETAIL)
    former, renamed = product_of(0), f"{product_of(0)}-anciennement"
    document = few_products()
    for entry in document["data"]:
        if entry["id"] == former:
            entry["id"] = renamed
    engine.control.catalogue.replace(STARTUPS, document)
    redirects = {f"/startups/{former}.html": SUIVI.format(renamed)}
    engine.control.catalogue.replace("/redirects.json", redirects)
    engine.advance(minutes=1)
    engine.sync()
    assert str(number(2)) in engine.remote(0, DETAIL)
    assert "À vérifier" == engine.verdict(0)


@pytest.mark.fast
def test_a_stop_while_the_catalogue_does_not_come_ends_the_run(engine: Engine) -> None:
    """Its server may be silent for half a minute: what was read stays, nobody waits for it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        worker = engine.restart(betagouv_url=f"http://{host}:{port}")
        asked: list[socket.socket] = []

        def stop_when_asked() -> None:
            asked.append(silent.accept()[0])
            worker.stop.set()

        asking = threading.Thread(target=stop_when_asked)
        asking.start()
        began = time.monotonic()
        report = worker.sync()
        took_s = (time.monotonic() - began) / slowdown()
        asking.join()
        asked[0].close()
    assert (130, 12) == (report.exit_code, report.read)
    assert took_s < 20


@pytest.mark.fast
@pytest.mark.parametrize("where", ["facts_of", "identify_product"])
def test_a_bug_on_one_dossier_leaves_its_trace(
    engine: Engine, monkeypatch: Any, where: str
) -> None:
    """Wherever the programme fails: the type and place in the quarantine, the log has more.

    A fault of dsync's own is never a verdict; the others get theirs, and so does it once mended.
    """
    from dsync.eig import candidature_facts

    original = getattr(candidature_facts, where)
    concerned = {
        "facts_of": lambda given: given[0].numero == number(3),
        "identify_product": lambda given: product_of(3) in str(given[0]),
    }

    def broken(*given: Any, **options: Any) -> Any:
        if concerned[where](given):
            raise LookupError("une réponse du demandeur")
        return original(*given, **options)

    monkeypatch.setattr(candidature_facts, where, broken)
    with capture_logs() as logged:
        report = engine.sync()
    assert (7, 9) == (report.exit_code, report.pushed)
    assert {3: ("regle", 1)} == engine.quarantine()
    [row] = engine.rows("SELECT message FROM quarantaine")
    assert "(LookupError, dsync.eig.candidature_facts:" in row["message"]
    [failed] = [one for one in logged if one["event"] == "check_failed"]
    assert ([number(3)], True) == (failed["dossiers"], isinstance(failed["exc_info"], LookupError))
    assert (None, None) == (engine.verdict(3), engine.remote(3))
    monkeypatch.undo()
    engine.sync()
    assert engine.verdict(3) == engine.remote(3) is not None


def test_a_bug_in_a_look_up_concerns_one_dossier(engine: Engine, monkeypatch: Any) -> None:
    """Where the registry is asked, it is before the transaction; the others are judged."""
    from dsync.eig.candidature_facts import EigEvidence

    def broken(self: EigEvidence, run: Any, numbers: Any) -> None:
        if number(3) in numbers:
            raise LookupError

    monkeypatch.setattr(EigEvidence, "looks_up", True)
    monkeypatch.setattr(EigEvidence, "look_up", broken)
    assert (7, 9) == ((report := engine.sync()).exit_code, report.pushed)
    assert {3: ("regle", 1)} == engine.quarantine()
    monkeypatch.undo()
    engine.sync()
    assert engine.verdict(3) == engine.remote(3) is not None


@on_postgresql
def test_demarches_with_the_same_rules_may_begin_together(engine: Engine) -> None:
    """Each stores the rules that the other one has not committed yet."""
    engine.sync()
    rules = in_force(engine.worker.app.programme)
    engine.execute("DELETE FROM version_regles")

    def verdicts(connection: Connection) -> VerdictWrites:
        return VerdictWrites(Scope(connection, engine.worker.app.demarche, PROGRAMME))

    def save() -> None:
        with connected(engine.url) as connection:
            verdicts(connection).keep_rules(rules, NOW)

    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as other:
        with connected(engine.url) as connection:
            verdicts(connection).keep_rules(rules, NOW)
            saved = other.submit(save)
            until(lambda: engine.rows(waits))
        saved.result(30)
    assert [{"n": 1}] == engine.rows("SELECT count(*) AS n FROM version_regles")
