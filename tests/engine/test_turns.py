"""The turns of a démarche: what is done of one, when the next one is, who gets it."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import StoreError
from dsync.messages.kinds import Crashed
from dsync.sandbox import ScriptedFault
from dsync.store.engine import connections_of
from dsync.store.services import RunningService
from dsync.store.turns import Turn
from dsync.sync.work import Erase, ReadDossiers, to_row
from tests.acceptance.worker.installed import until
from tests.engine.rig import DEMARCHE, PROBLEME, Engine, id_of, number
from tests.engine.roles import connected_as, made_role
from tests.engine.served import Served
from tests.store.databases import on_each, on_postgresql

UNKNOWN = DossierNumber(99)


def runs(engine: Engine) -> list[tuple[str, str]]:
    rows = engine.rows("SELECT genre, statut FROM sync_run ORDER BY run")
    return [(row["genre"], row["statut"]) for row in rows]


def value(engine: Engine, rank: int) -> str:
    [row] = engine.rows(
        "SELECT valeur FROM lecture_champ WHERE numero = :n AND champ_id = :champ",
        n=number(rank),
        champ=id_of(PROBLEME),
    )
    return str(row["valeur"])


def refusing(engine: Engine) -> None:
    engine.control.faults.fail(ScriptedFault("token_expired", times=None))


def quiet(engine: Engine) -> Served:
    """Return a service that has nothing to do now."""
    engine.sync_until_quiet()
    served = Served(engine.worker.app)
    served.tick()
    engine.advance(seconds=3)
    assert not served.tick()
    return served


def test_a_failed_run_is_retried_after_increasing_waits(engine: Engine) -> None:
    """15 s, then twice the last wait, at most the interval; a success ends that, and is told."""
    served, waits = Served(engine.worker.app), []
    refusing(engine)
    assert served.tick()
    for _ in range(7):
        seconds = 0
        while not served.tick():
            engine.advance(seconds=5)
            seconds += 5
        waits.append(seconds)
    assert [15, 30, 60, 120, 240, 300, 300] == waits
    engine.control.faults.clear_faults()
    engine.advance(minutes=5)
    with capture_logs() as logs:
        assert served.tick()
    [recovered] = [line for line in logs if line["event"] == "recovered"]
    assert ("23 min", 8) == (recovered["after"], recovered["failed_runs"])
    refusing(engine)
    engine.advance(minutes=6)
    assert served.tick()
    engine.advance(seconds=15)
    assert served.tick()


def test_what_a_person_asks_for_does_not_wait_after_a_failure(engine: Engine) -> None:
    """Nor does it postpone anything: who repaired the token sees at once whether it works."""
    served = Served(engine.worker.app)
    refusing(engine)
    served.tick()
    engine.control.faults.clear_faults()
    engine.advance(seconds=3)
    for work, code in ((Erase((UNKNOWN,)), 2), (ReadDossiers((number(0),)), 0)):
        with engine.worker.store.requests(DEMARCHE) as requests:
            id_ = requests.ask(*to_row(work), "ana@poste", engine.worker.now())
        assert served.tick()
        with engine.worker.store.reading(DEMARCHE) as reader:
            done = reader.requests.by_id(id_)
        assert done is not None
        assert code == done.code or done.code == 7


def test_a_bug_in_a_run_ends_neither_the_service_nor_the_schedule(engine: Engine) -> None:
    """It is logged, and the démarche is tried again."""
    served = Served(engine.worker.app)

    def crash(*_: Any, **__: Any) -> Any:
        raise KeyError("a bug")

    engine.worker.client.around["read_page"] = crash
    with capture_logs() as logs:
        served.tick()
    told = [(one["event"], one["error"]) for one in logs if one["log_level"] == "error"]
    sentence = str(Crashed("KeyError"))
    assert told == [("run_crashed", sentence), ("run_postponed", sentence)]
    del engine.worker.client.around["read_page"]
    engine.advance(seconds=61)
    assert served.tick()
    assert ("complet", "success") == runs(engine)[-1]


@on_each
def test_a_lease_of_another_process_is_no_failure_and_no_news(engine: Engine) -> None:
    """Its démarche is not claimed; after it, what was due is done at once."""
    served, store = Served(engine.worker.app), engine.another().store
    lease = store.acquire_lease(DEMARCHE, 60, holder="autre:1")
    with capture_logs() as logs:
        assert not served.tick()
    assert [] == logs
    store.release_lease(lease)
    assert served.tick()
    assert ("complet", "success") == runs(engine)[-1]


@on_each
def test_replicas_share_the_work(engine: Engine) -> None:
    """Each due démarche is one replica's; what people ask for comes first, then webhooks."""
    turns, now = engine.worker.store.turns, engine.worker.now()
    others = engine.another().store.turns
    # As when a file of the folder was only removed.
    turns.enter([], now)
    assert [] == engine.rows("SELECT * FROM turn")
    numbers = [DemarcheNumber(n) for n in range(1, 6)]
    turns.enter(numbers, now)
    engine.advance(seconds=1)
    now = engine.worker.now()
    turns.announce({numbers[3]: [DossierNumber(1)]}, now)
    for demarche, genre in ((numbers[2], "complet"), (numbers[4], "envoi")):
        with engine.worker.store.requests(demarche) as requests:
            requests.ask(genre, {}, "ana@poste", now)
    # A full read does not take the worker that is left to what is short.
    first = turns.claim(numbers, now, urgent=True)
    second = others.claim(numbers, now, urgent=True)
    assert first is not None
    assert second is not None
    assert (numbers[4], numbers[3]) == (first.demarche, second.demarche)
    assert others.claim(numbers, now, urgent=True) is None
    left = [turns.claim(numbers, now), others.claim(numbers, now), turns.claim(numbers, now)]
    assert {*numbers[:3]} == {one.demarche for one in left if one}
    assert turns.claim(numbers, now) is None
    # One whose process died before it had the lease.
    later = now + timedelta(seconds=16)
    assert turns.claim([numbers[0]], later) is not None


@on_each
def test_who_failed_takes_no_turn_of_others(engine: Engine) -> None:
    """Nor does one whose DS is away; what a person asks for is urgent of these, too."""
    turns, now = engine.worker.store.turns, engine.worker.now()
    numbers = [DemarcheNumber(n) for n in range(1, 6)]
    failing, doubted, away, asked, healthy = numbers
    turns.enter(numbers, now)
    for one in (failing, asked):
        turns.end(Turn(one, now, 3, now))
    turns.end(Turn(doubted, now - timedelta(hours=1), failing_since=now))
    turns.announce({failing: [UNKNOWN]}, now)
    with engine.worker.store.requests(asked) as requests:
        requests.ask("envoi", {}, "ana@poste", now)
    ways: list[dict[str, bool]] = [
        {},
        {},
        {"doubted": True, "urgent": True},
        *[{"doubted": True}] * 4,
    ]
    claimed = [turns.claim(numbers, now, away=[away], **way) for way in ways]
    found = [one and one.demarche for one in claimed]
    assert [healthy, None, asked, away, doubted, failing, None] == found


def test_one_that_fails_every_other_time_stays_doubted(engine: Engine) -> None:
    """Until it has succeeded for a quarter of an hour."""
    served = quiet(engine)
    engine.advance(minutes=6)
    doubted = []
    for _ in range(3):
        refusing(engine)
        served.tick()
        engine.advance(seconds=15)
        engine.control.faults.clear_faults()
        served.tick()
        [row] = engine.rows("SELECT failures, failing_since FROM turn")
        doubted.append((row["failures"], row["failing_since"] is not None))
        engine.advance(minutes=6)
    for _ in range(4):
        served.tick()
        engine.advance(minutes=6)
    [row] = engine.rows("SELECT failures, failing_since FROM turn")
    assert [(0, True)] * 3 == doubted
    assert (0, None) == (row["failures"], row["failing_since"])


def test_what_a_webhook_announces_is_read_by_its_number(engine: Engine) -> None:
    """With others that came together in one document; the watermark stays where it is."""
    served = quiet(engine)
    before = engine.state()
    for rank in (0, 1):
        engine.control.edit_champ(number(rank), PROBLEME, "Nouveau")
        served.ask(number(rank), number(rank))
    engine.control.forget_requests()
    assert served.tick()
    reads = [entry for entry in engine.requests() if "dossier" in str(entry.fields)]
    assert 1 == len(reads)
    assert ("dossier", "success") == runs(engine)[-1]
    assert {"Nouveau"} == {value(engine, rank) for rank in (0, 1)}
    assert before.watermark == engine.state().watermark
    assert before.last_incremental_at == engine.state().last_incremental_at
    assert [] == engine.rows("SELECT id FROM demande WHERE demande_par = 'webhook'")
    # A flood is answered together, after a pause.
    for _ in range(50):
        served.ask(number(2))
    assert not served.tick()
    engine.advance(seconds=2)
    count = len(runs(engine))
    assert served.tick()
    engine.advance(seconds=2)
    assert not served.tick()
    assert count + 1 == len(runs(engine))


def test_webhooks_without_end_do_not_put_off_what_is_due(engine: Engine) -> None:
    """It waits for them for a minute; then it comes first."""
    served = quiet(engine)
    kinds = []
    # The first instant is in the minute after the interval and its jitter.
    for seconds in (335, 60, 3):
        served.ask(number(0))
        engine.advance(seconds=seconds)
        assert served.tick()
        kinds.append(runs(engine)[-1][0])
    assert ["dossier", "incremental", "dossier"] == kinds


@on_each
def test_webhooks_without_end_do_not_put_off_other_demarches(engine: Engine) -> None:
    """What has been due for a minute is claimed first; one worker is left to webhooks."""
    turns, now = engine.worker.store.turns, engine.worker.now()
    due, announced = numbers = [DemarcheNumber(1), DemarcheNumber(2)]
    turns.enter(numbers, now)
    turns.end(Turn(announced, now + timedelta(hours=1)))
    turns.announce({announced: [UNKNOWN]}, now)
    soon, later = (now + timedelta(seconds=after) for after in (30, 90))
    first = [
        turns.claim(numbers, at, urgent=urgent)
        for at, urgent in ((soon, False), (later, False), (later + timedelta(minutes=1), True))
    ]
    assert [announced, due, announced] == [one and one.demarche for one in first]


def test_what_a_webhook_announced_and_ds_does_not_show_is_followed(engine: Engine) -> None:
    """Hidden, erased, expired, unknown, of another démarche: as DS's lists say, without a word."""
    served = quiet(engine)
    engine.control.hide(number(0))
    engine.control.expire(number(1))
    served.ask(number(0), number(1), number(2), *(UNKNOWN + rank for rank in range(5)))
    engine.control.forget_requests()
    assert served.tick()
    # DS names one that it does not show in each answer: none of them is asked for once more.
    assert len(engine.requests()) <= 7 + 3
    assert ("dossier", "success") == runs(engine)[-1]
    presence = {
        row["numero"]: row["presence"]
        for row in engine.rows("SELECT numero, presence FROM dossier WHERE presence <> 'present'")
    }
    assert {number(0): "masque", number(1): "disparu"} == presence


def test_what_a_webhook_announced_survives_a_failure(engine: Engine) -> None:
    """It is read when DS answers again, before the next interval; what is due comes first."""
    served = quiet(engine)
    engine.control.edit_champ(number(0), PROBLEME, "Nouveau")
    refusing(engine)
    served.ask(number(0))
    assert served.tick()
    assert ("dossier", "failed") == runs(engine)[-1]
    engine.advance(seconds=3)
    assert not served.tick()
    engine.control.faults.clear_faults()
    engine.advance(seconds=15)
    while served.tick():
        engine.advance(seconds=3)
    assert "Nouveau" == value(engine, 0)
    assert [] == engine.rows("SELECT id FROM demande WHERE demande_par = 'webhook'")


def test_what_is_written_beside_runs_makes_a_turn(engine: Engine) -> None:
    """Such as a conflict that was ended: its wishes are not left to the next interval."""
    served = quiet(engine)
    with engine.worker.store.beside_runs(DEMARCHE):
        pass
    assert served.tick()


@on_each
def test_what_is_asked_for_wakes_the_services(engine: Engine) -> None:
    """PostgreSQL tells them; on SQLite, where there is one process, they look."""
    store, woken, stop = engine.worker.store, threading.Semaphore(0), threading.Event()
    thread = threading.Thread(target=store.listen, args=(stop, woken.release))
    thread.start()
    if engine.url.startswith("postgresql"):
        # It looks for what was asked for before, then waits.
        assert woken.acquire(timeout=30)
        assert not woken.acquire(timeout=0.2)
        others = engine.another().store
        with others.requests(DEMARCHE) as requests:
            requests.ask("envoi", {}, "ana@poste", engine.worker.now())
        assert woken.acquire(timeout=30)
        others.turns.announce({DEMARCHE: [UNKNOWN]}, engine.worker.now())
        assert woken.acquire(timeout=30)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


@on_postgresql
def test_who_notifies_without_end_wakes_a_service_once_a_second(engine: Engine) -> None:
    """Any role may notify; what is asked for afterwards is heard within a second."""
    store, woken, stop = engine.worker.store, list[float](), threading.Event()
    listening = threading.Thread(
        target=store.listen, args=(stop, lambda: woken.append(time.monotonic()))
    )
    listening.start()
    until(lambda: woken)
    with made_role(engine) as role, connected_as(engine, role) as reader:
        end, sent = time.monotonic() + 3.5, 0
        while time.monotonic() < end:
            reader.execute(text("NOTIFY dsync"))
            reader.commit()
            sent += 1
    assert 100 < sent
    time.sleep(2.5)
    flooded, asked_at = len(woken), time.monotonic()
    engine.another().store.turns.announce({DEMARCHE: [UNKNOWN]}, engine.worker.now())
    until(lambda: len(woken) > flooded)
    stop.set()
    listening.join(30)
    assert woken[flooded] - asked_at < 1.5
    assert min(after - before for before, after in pairwise(woken[: flooded + 1])) > 0.95


def test_a_database_that_fails_ends_no_turn(engine: Engine) -> None:
    """The claim ends by itself, and the démarche is still due."""
    served = Served(engine.worker.app)

    def fail(*_: Any, **__: Any) -> Any:
        raise StoreError("The database is away.")

    engine.worker.store.around["reading"] = fail
    with pytest.raises(StoreError):
        served.tick()
    del engine.worker.store.around["reading"]
    engine.advance(seconds=16)
    assert served.tick()
    assert ("complet", "success") == runs(engine)[-1]


@on_each
def test_the_check_compares_the_connections_with_the_servers_limit(engine: Engine) -> None:
    """Of all replicas; with a number that fits. SQLite has none."""
    worker = engine.restart(configuration={"advanced": {"workers": 64}})
    lines = [line for line in worker.app.check() if line.name == "connections"]
    if engine.url.startswith("sqlite"):
        assert [] == lines
        return
    [line] = lines
    assert "1 × 205 connections" in line.message
    [limit] = map(int, re.findall(r"\((\d+)\)", line.message))
    [fewer] = map(int, re.findall(r"workers = (\d+)", str(line.remedy)))
    assert connections_of(fewer) < limit < connections_of(fewer + 7)
    for rank in range(limit // connections_of(1)):
        at = worker.now()
        service = RunningService(f"host:{rank}", "1", at, at, at)
        worker.store.services.register(service, [DEMARCHE])
    [line] = [line for line in worker.app.check() if line.name == "connections"]
    assert "max_connections" in str(line.remedy)
    assert "workers" not in str(line.remedy)
