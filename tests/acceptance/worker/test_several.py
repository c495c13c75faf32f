"""Several démarches in one service, and several services on one database."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from dsync.sandbox import Sandbox
from dsync.sandbox.faults import ScriptedFault
from dsync.sync.report import CAUSES
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.demarche import EQUIPMENT, SHIPPED, Demarche
from tests.acceptance.worker.installed import IN_TIME_S, Installed, slowdown, until
from tests.acceptance.worker.surface import SECRET, started
from tests.engine.rig import DETAIL
from tests.store.databases import on_postgresql, on_sqlite

NUMBERS = (90001, 90002, 90003)
DOSSIERS = 3
END_OF_SLEEPERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction'
AND state_change < clock_timestamp() - interval '3 seconds'
"""
ALLOWED = 20
"""Requests a minute."""
MANY = 9
"""Enough for the brake."""


def configured(
    sandbox: Sandbox,
    folder: Path,
    demarches: Mapping[int, Demarche],
    dossiers: Mapping[int, int],
    tokens: Mapping[int, str],
) -> Path:
    """Make démarches, and a folder with the configuration of each.

    Args:
        sandbox: gets the démarches.
        folder: to make.
        demarches: what they are like, by number.
        dossiers: how many of them each has, by number; without one, a few.
        tokens: those of its own, by number.
    """
    folder.mkdir()
    for number, demarche in demarches.items():
        demarche.add_to(sandbox, number, dossiers.get(number, DOSSIERS))
        text = demarche.file(number)
        if "[schedule]" not in text:
            text += '[schedule]\nincremental = "5m"\n'
        text = text.replace('incremental = "5m"', 'incremental = "1s"')
        text += '[advanced]\nlate_after = "15s"\ndeadline = "3s"\n'
        if number in tokens:
            own = f'[ds]\nurl = "{sandbox.ds_url}"\ntoken_file = "{number}.token"\n'
            text = re.sub(r"^url = .*\n", "", text, flags=re.M).replace("[ds]\n", own)
            (folder / f"{number}.token").write_text(tokens[number], encoding="utf-8")
        (folder / f"{number}.toml").write_text(text, encoding="utf-8")
    return folder


@on_sqlite  # One writer for six threads.
def test_faults_in_some_demarches_leave_the_others_on_schedule(
    dsync: Installed, sandbox: Sandbox, database: Database, tmp_path: Path
) -> None:
    """A refused token, errors of DS, silence, a poison dossier, the brake: all at once.

    What changes in the others is in the copy with the next read; each recovers by itself when its
    fault is over, also by a new token that is put in the file of the refused one.
    """
    refused, failing, silent, poisoned, braked, sound = every = range(90001, 90007)
    others = (poisoned, braked, sound)
    control, tokens = sandbox.control, sandbox.tokens
    control.faults.change_token("readonly", can_write=True)
    control.faults.change_token("other_demarche", demarches=frozenset({silent}))
    own = {refused: tokens.expired, failing: tokens.readonly, silent: tokens.other_demarche}
    folder = tmp_path / "demarches"
    kinds = dict.fromkeys(every, SHIPPED) | {sound: EQUIPMENT}
    config = {"config": str(configured(sandbox, folder, kinds, {braked: MANY}, own))}
    control.faults.fail_reads(1000 * poisoned + 2, champs_only=True)
    control.faults.fail(
        ScriptedFault("internal_error", token="readonly", times=None),
        ScriptedFault("latency", token="other_demarche", latency_ms=60_000, times=None),
    )

    surface = started(dsync, **config)
    until(lambda: min(_runs(database, others).values()) >= 2)
    expired = [1000 * braked + rank for rank in range(2, 9)]
    for number in expired:
        control.expire(number)
    _night(database)
    until(lambda: braked in _demarches(database, f"erreur = '{CAUSES[4]}'"))
    _edit(sandbox, {number: kinds[number] for number in others}, "Autre fonction")
    # Many times the interval, and much less than the silence lasts.
    until(lambda: _demarches_with(database, "Autre fonction") == {*others})
    not_ready = {one["demarche"] for one in surface.get("/readyz", 503).json()["problems"]}
    figures = surface.metrics()
    documents = {one["demarche"]: one for one in dsync.json("status", **config)}
    one = dsync.json("status", "--demarche", str(sound), **config)
    unclear = dsync.run("sync", **config)
    failed = _demarches(database, "statut = 'failed'")

    (folder / f"{refused}.token").write_text(tokens.write, encoding="utf-8")
    control.faults.clear_faults()
    control.faults.repair(1000 * poisoned + 2)
    for number in expired:
        control.restore(number)
    _night(database)
    [last] = database.rows("SELECT max(run) AS run FROM sync_run")
    full = "genre = 'complet' AND statut = 'success'"
    until(lambda: min(_runs(database, every, full).values()) >= 1)
    later = f"{full} AND run > {last['run']}"
    until(lambda: min(_runs(database, others, later).values()) >= 1)
    surface.get("/readyz")
    surface.process.signal(signal.SIGTERM)
    done = surface.process.wait()

    assert 0 == done.code, done.text
    assert {refused, failing, silent} == not_ready
    assert {refused, failing, braked} <= failed <= {refused, failing, silent, braked}
    assert figures["dsync_runs_total", str(sound), "complet", "success"] >= 1
    assert figures["dsync_runs_total", str(poisoned), "complet", "partial"] >= 1
    assert figures["dsync_requests_total", str(refused), "unauthorized"] >= 1
    assert [*every] == [*documents]
    assert {refused, failing, silent} == {
        number for number, document in documents.items() if document["last_success_at"] is None
    }
    assert 1 == documents[poisoned]["quarantined"]
    assert sound == one["demarche"]
    assert 2 == unclear.code
    assert "--demarche" in unclear.err
    assert all(str(number) in unclear.err for number in every)
    assert [] == database.view("lecture_anomalie")
    copied = {row["numero"] for row in database.rows("SELECT numero FROM dossier")}
    assert copied == {t.number for number in every for t in control.truth(number)}
    assert {"present"} == {row["presence"] for row in database.view("lecture_candidature")}
    assert tokens.expired not in done.text
    lines = [line for line in done.err.splitlines() if "_failed" in line or "alert" in line]
    assert [] == [line for line in lines if '"demarche"' not in line]


@on_sqlite
def test_a_grist_that_never_answers_holds_up_no_run_and_no_stop(
    dsync: Installed, sandbox: Sandbox, database: Database, tmp_path: Path
) -> None:
    """Nor does a watchdog: more démarches than workers have both, and each is read again."""
    numbers = range(90001, 90006)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        folder = configured(
            sandbox, tmp_path / "demarches", dict.fromkeys(numbers, EQUIPMENT), {}, {}
        )
        for file in folder.glob("*.toml"):
            text = file.read_text(encoding="utf-8")
            text += f'[grist]\ndocument = "{address}/api/docs/doc"\n'
            text += f'[alerts]\nping_url = "{address}/ping"\n'
            file.write_text(text, encoding="utf-8")
        service = dsync.start("run", config=str(folder), grist_key="key", http_listen="")
        until(lambda: min(_runs(database, numbers).values()) >= 2)
        service.signal(signal.SIGTERM)
        done, took_s = service.ended_within(IN_TIME_S)
        asked = set()
        for _ in range(2):
            connection, _ = silent.accept()
            with connection:
                asked.add(connection.recv(1000).split()[1])

    assert {b"/ping", b"/api/docs/doc/tables"} == asked
    assert (0, True) == (done.code, took_s < IN_TIME_S), done.text
    assert "run_under_way=finished" in done.err
    assert "Traceback" not in done.err
    assert 0 == database.count("lease", "holder IS NOT NULL")


@pytest.mark.long
@on_postgresql
def test_replicas_take_over_from_a_killed_and_a_stopped_one(
    dsync: Installed, sandbox: Sandbox, database: Database, tmp_path: Path
) -> None:
    """Three services share three démarches: one is killed, one sleeps; nothing is lost or doubled.

    The lease of the dead one is expired by hand in place of waiting for it, and so is a transaction
    in the middle of which the sleeper was stopped.
    """
    kinds = dict(zip(NUMBERS, (SHIPPED, EQUIPMENT, SHIPPED), strict=True))
    folder = configured(sandbox, tmp_path / "demarches", kinds, {}, {})
    replicas = [dsync.start("run", config=str(folder)) for _ in range(3)]
    until(lambda: min(_runs(database, NUMBERS).values()) >= 2)
    killed, stopped, _ = replicas
    killed.signal(signal.SIGKILL)
    stopped.signal(signal.SIGSTOP)
    database.expire_lease()
    edited = _edit(sandbox, kinds, "Nouvelle fonction")

    def are_read() -> bool:
        database.execute(END_OF_SLEEPERS)
        return _demarches_with(database, "Nouvelle fonction") == {*NUMBERS}

    until(are_read)
    stopped.signal(signal.SIGCONT)
    before = _runs(database, NUMBERS)
    until(lambda: all(n > before[d] for d, n in _runs(database, NUMBERS).items()))
    for process in (stopped, replicas[2]):
        process.signal(signal.SIGTERM)
        assert 0 == process.wait().code, process.printed()

    created = database.rows(
        "SELECT numero, count(*) AS n FROM lecture_evenement "
        "WHERE evenement = 'cree' GROUP BY numero"
    )
    assert len(NUMBERS) * DOSSIERS == len(created)
    assert {1} == {row["n"] for row in created}
    assert [] == database.rows("SELECT * FROM lecture_annotation WHERE statut <> 'confirmee'")
    changes = database.rows(
        "SELECT numero FROM lecture_changement WHERE nouvelle_valeur = 'Nouvelle fonction'"
    )
    assert edited == sorted(row["numero"] for row in changes)


@pytest.mark.long
@on_postgresql
def test_replicas_together_send_no_more_than_a_token_may(
    dsync: Installed, sandbox: Sandbox, database: Database, tmp_path: Path
) -> None:
    """Two want more requests than DS allows in a minute: they wait, and none is refused."""
    control, kinds = sandbox.control, dict.fromkeys(range(90021, 90029), SHIPPED)
    folder = configured(sandbox, tmp_path / "demarches", kinds, {}, {})
    for file in folder.glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        file.write_text(f"{text}requests_per_minute = {ALLOWED}\n", encoding="utf-8")
    control.faults.limit_rate(ALLOWED)
    for _ in range(2):
        dsync.start("run", config=str(folder))
    until(lambda: len(control.requests()) >= ALLOWED * 0.6)
    # By themselves each would send more within a second.
    end = time.monotonic() + 1.5
    until(lambda: time.monotonic() >= end)

    sent = [entry.status for entry in control.requests()]
    assert 0 == sent.count(429)
    assert len(sent) <= ALLOWED
    assert min(_runs(database, kinds).values()) == 0


@pytest.mark.long
@on_postgresql
def test_a_webhook_is_answered_while_other_demarches_are_read(
    dsync: Installed, sandbox: Sandbox, database: Database, tmp_path: Path
) -> None:
    """By annotations within 3 s: of two workers one is left to it, in either replica.

    Each has a full read under way that DS does not answer. The webhook's dossier is read by its
    number, and the watermark stays.
    """
    *slow, quick = range(90011, 90014)
    control, tokens = sandbox.control, sandbox.tokens
    kinds, own = dict.fromkeys((*slow, quick), SHIPPED), dict.fromkeys(slow, tokens.readonly)
    folder = configured(sandbox, tmp_path / "demarches", kinds, {}, own)
    for file in folder.glob("*.toml"):
        text = file.read_text(encoding="utf-8").replace('deadline = "3s"\n', "")
        text = text.replace('incremental = "1s"', 'incremental = "1h"')
        file.write_text(f"{text}workers = 2\n", encoding="utf-8")
    replica = started(dsync, config=str(folder))
    until(lambda: min(_runs(database, kinds).values()) >= 1)
    started(dsync, config=str(folder))
    control.faults.fail(ScriptedFault("latency", token="readonly", latency_ms=20_000, times=None))
    where = f"demarche_numero <> {quick}"
    database.execute(f"UPDATE sync_state SET last_full_at = NULL WHERE {where}")
    database.execute(f"UPDATE turn SET due_at = '2001-01-01', failures = 0 WHERE {where}")
    under_way = f"statut = 'running' AND genre = 'complet' AND {where}"
    until(lambda: database.count("sync_run", under_way) == len(slow))
    dossier = next(t for t in control.truth(quick) if t.state == "en_construction")
    watermark = f"SELECT watermark FROM sync_state WHERE demarche_numero = {quick}"
    before, stood = database.rows(watermark), dossier.annotations[DETAIL]

    control.add_webhook(f"{replica.url}/hooks/ds/{SECRET}", demarche=quick)
    control.edit_champ(dossier.number, SHIPPED.pilotage, None)
    began = time.monotonic()
    control.move(dossier.number, "en_instruction")
    until(lambda: control.truth_of(dossier.number).annotations[DETAIL] != stood)
    took_s = (time.monotonic() - began) / slowdown()

    assert took_s < 3
    assert len(slow) == database.count("sync_run", under_way)
    assert before == database.rows(watermark)


@on_sqlite
def test_a_changed_folder_is_taken_up_without_a_restart(
    dsync: Installed, sandbox: Sandbox, database: Database, tmp_path: Path
) -> None:
    """A file added, changed, removed, or wrong, which stops its démarche alone, with a sentence."""
    kinds = dict.fromkeys(NUMBERS, SHIPPED)
    folder = configured(sandbox, tmp_path / "demarches", kinds, {}, {})
    first, second, third = (folder / f"{number}.toml" for number in NUMBERS)
    added = third.read_text(encoding="utf-8")
    third.write_text("[demarche]\nnumber = 0\n", encoding="utf-8")
    surface = started(dsync, config=str(folder))

    def served(*numbers: int) -> bool:
        answer = requests.get(f"{surface.url}/readyz", timeout=20).json()
        return [*numbers] == [one["demarche"] for one in answer["demarches"]]

    def reload() -> None:
        surface.process.signal(signal.SIGHUP)

    until(lambda: served(*NUMBERS[:2]))
    wrong = surface.get("/readyz", 503).json()["problems"]
    third.write_text(added, encoding="utf-8")
    reload()
    until(lambda: _runs(database, NUMBERS)[NUMBERS[2]] >= 1)
    whole = first.read_text(encoding="utf-8")
    first.write_text(whole.replace("[schedule]", "[schedul]"), encoding="utf-8")
    second.unlink()
    reload()
    until(lambda: served(NUMBERS[2]))
    mistyped = [
        one for one in surface.get("/readyz", 503).json()["problems"] if "schedul" in one["problem"]
    ]
    third.write_text("x [", encoding="utf-8")
    reload()
    until(lambda: served())
    none = surface.metrics()
    third.write_text(added, encoding="utf-8")
    first.write_text(whole.replace('incremental = "1s"', 'incremental = "1h"'), encoding="utf-8")
    reload()
    until(lambda: served(NUMBERS[0], NUMBERS[2]))
    surface.process.signal(signal.SIGTERM)
    done = surface.process.wait()

    assert 0 == done.code, done.text
    assert any(str(third) in one["problem"] for one in wrong)
    assert [NUMBERS[0]] == [one["demarche"] for one in mistyped]
    assert 2 == none["dsync_configuration_refused",]
    assert "configuration_refused" in done.err
    assert "Traceback" not in done.err


def _runs(database: Database, numbers: Iterable[int], where: str = "1 = 1") -> dict[int, int]:
    """Count the runs of some démarches that did their work."""
    rows = database.rows(
        "SELECT demarche_numero, count(*) AS n FROM sync_run "
        f"WHERE statut IN ('success', 'partial') AND {where} GROUP BY demarche_numero"
    )
    return dict.fromkeys(numbers, 0) | {row["demarche_numero"]: row["n"] for row in rows}


def _night(database: Database) -> None:
    """Let the time come at which all dossiers of each démarche are read again."""
    database.age("sync_state", "last_full_at", by=timedelta(days=1))


def _demarches(database: Database, where: str) -> set[int]:
    rows = database.rows(f"SELECT DISTINCT demarche_numero FROM sync_run WHERE {where}")
    return {row["demarche_numero"] for row in rows}


def _edit(sandbox: Sandbox, demarches: Mapping[int, Demarche], text: str) -> list[int]:
    """Edit a text in the first dossier of each démarche; return their numbers."""
    for number, demarche in demarches.items():
        sandbox.control.edit_champ(1000 * number + 1, demarche.fonction, text)
    return [1000 * number + 1 for number in demarches]


def _demarches_with(database: Database, text: str) -> set[int]:
    """Return the démarches in whose copy a champ has this text."""
    rows = database.rows(
        "SELECT demarche_numero FROM lecture_champ WHERE valeur = :text", text=text
    )
    return {row["demarche_numero"] for row in rows}
