"""One writer: the lease keeps a second process out, and a late one from committing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from dsync.care.state import concerns_of
from dsync.errors import LeaseHeldError
from dsync.messages.kinds import SilentService
from dsync.store import RunningService
from dsync.sync import leasing
from dsync.sync.handing_over import Choice, end_conflicts, living_service
from dsync.sync.work import Request
from tests.acceptance.worker.installed import until
from tests.engine.rig import DEMARCHE, PROBLEME, RESULTAT, Engine, Worker, number
from tests.engine.served import Served, register, unregister
from tests.store.databases import engine_by_case, on_each, on_postgresql


def between(worker: Worker, meanwhile: Callable[[], Any]) -> None:
    """Have something happen once, when the worker is about to open its fifth transaction."""
    transactions = count(1)

    def counted(transaction: Callable[..., Any], lease: Any) -> Any:
        if next(transactions) == 5:
            meanwhile()
        return transaction(lease)

    worker.store.around["transaction"] = counted


def test_a_second_worker_is_told_who_holds_the_demarche(engine: Engine) -> None:
    """Exit 6 at once, nothing asked of DS; the first one goes on undisturbed."""
    other = engine.another()
    reports = []
    between(engine.worker, lambda: reports.append(other.sync()))
    first = engine.sync()
    [second] = reports
    assert (0, 6, 0) == (first.exit_code, second.exit_code, second.requests)
    assert "since" in second.errors[0]
    assert 1 == len(engine.rows("SELECT * FROM sync_run"))


class Hasty(threading.Event):
    """A request to stop that nobody makes; who waits for it looks twenty times a second."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(0.05)


@on_each
def test_a_second_worker_can_wait_for_its_turn(engine: Engine) -> None:
    """As long as it was told to: who is too impatient gets exit 6, who is not works next."""
    other, refused = engine.another(stop=Hasty()), threading.Event()
    codes: list[int] = []

    def noting_refusals(acquire: Callable[..., Any], *args: Any) -> Any:
        try:
            return acquire(*args)
        except LeaseHeldError:
            refused.set()
            raise

    other.store.around["acquire_lease"] = noting_refusals
    waiting = threading.Thread(target=lambda: codes.append(other.sync(wait_s=3000).exit_code))

    def meanwhile() -> None:
        codes.append(engine.another(stop=Hasty()).sync(wait_s=0.1).exit_code)
        waiting.start()
        assert refused.wait(60)

    between(engine.worker, meanwhile)
    assert 0 == engine.sync().exit_code
    waiting.join()
    assert [6, 0] == codes


@engine_by_case("choice", sqlite="accepte", postgresql="adopte")
def test_conflicts_are_ended_while_another_process_writes(engine: Engine, choice: Choice) -> None:
    """At once, between two transactions of its run, which ends as if nothing had happened."""
    then = "remplacee" if choice == "accepte" else "confirmee"
    engine.begin()
    engine.control.edit_annotation(number(0), RESULTAT, "À vérifier")
    assert 1 == engine.sync(full=True).conflicts
    engine.control.edit_champ(number(1), PROBLEME, "")
    ended: list[dict[int, int]] = []

    def writing(push: Callable[..., Any], *args: Any) -> Any:
        store, now = engine.another().store, engine.worker.now()
        ended.append(end_conflicts(store, DEMARCHE, Choice(choice), now, asked_by="ana@poste"))
        return push(*args)

    engine.worker.client.around["push"] = writing
    report = engine.sync()
    assert (0, 0) == (report.exit_code, report.conflicts)
    assert number(0) in ended[0]
    assert then == engine.wishes(0)["resultat"]
    kept = "À vérifier" if choice == "accepte" else engine.verdict(0)
    assert kept == engine.remote(0)


@on_each
def test_a_dead_holders_lease_is_taken_over_when_it_has_expired(engine: Engine) -> None:
    """Not before."""
    engine.worker.store.acquire_lease(DEMARCHE, 60, holder="machine-morte:1")
    assert 6 == (refused := engine.sync()).exit_code
    assert "machine-morte:1" in refused.errors[0]
    engine.let_expire()
    assert 0 == engine.sync().exit_code


@pytest.fixture
def _short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is renewed every two seconds."""
    monkeypatch.setattr(leasing, "LEASE_TTL_S", 6)


@on_each
@pytest.mark.usefixtures("_short_lease")
def test_a_long_run_keeps_its_lease(engine: Engine) -> None:
    """However long it is at something else, its heartbeat puts the end of the lease off."""
    other = engine.another()
    codes = []

    def expiry() -> datetime:
        info = other.store.lease_of(DEMARCHE)
        assert info
        return info.expires_at

    def meanwhile() -> None:
        first = expiry()
        engine.advance(seconds=61)
        until(lambda: expiry() > first, what="its renewal")
        codes.append(other.sync().exit_code)

    between(engine.worker, meanwhile)
    assert (0, [6]) == (engine.sync().exit_code, codes)


@on_postgresql
def test_clocks_of_two_machines_do_not_matter(engine: Engine) -> None:
    """The database's clock decides: one day ahead takes nothing from a living holder."""
    engine.worker.store.acquire_lease(DEMARCHE, 60, holder="vivant:1")
    ahead = engine.another()
    ahead.skew = timedelta(days=1)
    assert 6 == ahead.sync().exit_code


@on_each
def test_of_two_services_one_carries_out_a_request(engine: Engine) -> None:
    """The one that comes second, which had chosen the request too, does nothing at all."""
    engine.begin()
    with engine.worker.store.requests(DEMARCHE) as requests:
        id_ = requests.ask("dossier", {"dossiers": [number(0)]}, "ana@poste", engine.worker.now())
    with engine.worker.store.reading(DEMARCHE) as reader:
        chosen = reader.requests.by_id(id_)
    assert chosen is not None
    options = Request.stored(chosen)
    assert 0 == engine.worker.app.sync(options).exit_code
    late = engine.another().app.sync(options)
    assert (6, None, 0) == (late.exit_code, late.run, late.requests)
    assert 2 == len(engine.rows("SELECT * FROM sync_run"))


def test_a_service_in_a_long_run_still_takes_requests(engine: Engine) -> None:
    """It registers between its runs alone: meanwhile its lease shows that it lives.

    A replica that starts then does not take it for one that fell silent.
    """
    store, now = engine.worker.store, engine.worker.now()
    service = RunningService("autre-machine:1", "1", now, now, now)
    store.services.register(service, [DEMARCHE])
    engine.advance(minutes=10)
    lease = store.acquire_lease(DEMARCHE, 60, holder=service.holder)
    assert service == living_service(store, DEMARCHE, engine.worker.now())
    replica = engine.another().app
    register(replica)
    unregister(replica)
    assert service == living_service(store, DEMARCHE, engine.worker.now())
    store.release_lease(lease)
    assert None is living_service(store, DEMARCHE, engine.worker.now())


@engine_by_case("host", sqlite=socket.gethostname(), postgresql="autre-machine")
def test_a_replica_that_died_is_forgotten_by_the_one_that_serves(engine: Engine, host: str) -> None:
    """Once its lease has expired; nobody forgets it before another one is there."""
    app = engine.worker.app
    # No process has this number.
    dead, begun = f"{host}:99999999", engine.worker.now()
    app.store.services.register(RunningService(dead, "1", begun, begun, begun), [DEMARCHE])
    app.store.acquire_lease(DEMARCHE, 60, holder=dead)

    def warned() -> bool:
        document = app.state(engine.worker.now())
        found = concerns_of(document, engine.worker.now(), app.settings.looked)
        return any(isinstance(one, SilentService) for one in found)

    register(app)
    assert 2 == len(app.store.services.of(DEMARCHE))
    engine.let_expire()
    engine.advance(minutes=3)
    assert warned()
    register(app)
    assert not warned()
    unregister(app)
    assert [] == app.store.services.of(DEMARCHE)


@pytest.mark.usefixtures("_short_lease")
def test_every_line_of_a_run_has_its_number(engine: Engine) -> None:
    """Also those of the thread that reads the next page, and of the one that renews the lease.

    An error is told by its sentence.
    """
    engine.begin()
    engine.control.faults.fail_reads(number(3))
    other = engine.another().store

    def told(event: str) -> bool:
        return event in [line["event"] for line in logs]

    def losing_its_lease(transaction: Callable[..., Any], lease: Any) -> Any:
        if told("page_failed") and not told("lease_not_renewed"):
            engine.advance(seconds=61)
            other.acquire_lease(DEMARCHE, 60, holder="autre:2")
            until(lambda: told("lease_not_renewed"))
        return transaction(lease)

    engine.worker.store.around["transaction"] = losing_its_lease
    with capture_logs(processors=[merge_contextvars]) as logs:
        assert 6 == engine.sync(full=True).exit_code
        [run] = {line["run"] for line in logs}
        assert 6 == engine.sync().exit_code
    assert run == engine.rows("SELECT max(run) AS run FROM sync_run")[0]["run"]
    assert ["run_started", "page_failed"] == [line["event"] for line in logs][:2]
    assert told("run_failed")
    sentences = [line["error"] for line in logs if "error" in line]
    assert all(text.endswith(".") and " " in text for text in sentences)


@pytest.mark.parametrize(("genre", "code"), [("dossier", 1), ("inconnu", 2)])
def test_a_request_that_cannot_be_executed_holds_up_no_schedule(
    engine: Engine, genre: str, code: int
) -> None:
    """Its run crashes by a bug, or another version asked for it: it ends, the next read is made."""
    engine.begin()
    worker = engine.worker
    with worker.store.requests(DEMARCHE) as requests:
        requests.ask(genre, {"dossiers": [number(0)]}, "ana@poste", worker.now())

    def crash(*_: Any) -> Any:
        raise RuntimeError("a bug")

    worker.client.around["dossiers"] = crash
    engine.advance(minutes=11)
    served = Served(worker.app)
    served.tick()
    engine.advance(seconds=20)
    served.tick()
    [asked] = engine.rows("SELECT code, resultat FROM demande WHERE en_file")
    assert code == asked["code"]
    assert "dsync" in str(asked["resultat"])
    [last] = engine.rows("SELECT genre, statut FROM sync_run ORDER BY run DESC LIMIT 1")
    assert ("incremental", "success") == (last["genre"], last["statut"])
    assert worker.app.requested() is None
