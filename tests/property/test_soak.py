"""A service over weeks of its time: edits, faults, webhooks and restarts at random."""

from __future__ import annotations

import gc
import os
import random
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.sandbox import ScriptedFault
from dsync.service.alerts import Alerts
from dsync.service.metrics import Metrics
from dsync.service.surface import Surface
from dsync.service.webhooks import Webhooks
from tests.engine import oracle
from tests.engine.rig import DETAIL, PROBLEME, RESULTAT, VALIDE, Engine, number, seeds
from tests.engine.served import Served

RANKS = range(12)
INTERVALS = 500
SETTLED = 100
"""Intervals after which caches are filled: from here on nothing may grow."""
MOST_GROWTH_MIB = 8
SECRET = "a-secret-of-the-path"
FAULTS = ("internal_error", "bad_gateway", "html", "data_null", "cut_inside", "answer_lost",
          "timeout")  # fmt: skip


@contextmanager
def service(engine: Engine, port: int) -> Iterator[tuple[Served, Alerts]]:
    """Run the parts of a service with its HTTP surface, to which the sandbox sends webhooks."""
    app, stop = engine.worker.app, engine.worker.stop

    def monotonic() -> float:
        return engine.control.clock.now().timestamp()

    served = Served(app)
    alerts = Alerts([app], lambda *_: True, stop, monotonic=monotonic)

    def ask(demarche: DemarcheNumber, dossiers: Sequence[DossierNumber]) -> bool:
        served.ask(*dossiers)
        return demarche == app.demarche

    listening = socket.create_server(("127.0.0.1", port))
    webhooks = Webhooks((SECRET,), ask)
    surface = Surface(Metrics([app], webhooks.counts), webhooks, listening, stop)
    surface.start()
    try:
        yield served, alerts
    finally:
        stop.set()
        surface.join()


@pytest.mark.long
def test_a_service_over_weeks_neither_errs_nor_grows(database_url: str) -> None:
    """After 500 intervals the copy is the truth; memory, threads and open files are as before."""
    chance = random.Random(7)
    before: tuple[int, int, int] | None = None
    touched: set[tuple[int, str]] = set()
    with Engine(database_url, seeds(RANKS), limits={"max_wait_s": 0.0}) as engine:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        engine.control.add_webhook(f"http://127.0.0.1:{port}/hooks/ds/{SECRET}")
        done = 0
        while done < INTERVALS:
            until = min(INTERVALS, done + chance.randint(10, 40))
            with service(engine, port) as (served, alerts):
                while done < until:
                    touched |= live(engine, chance, done)
                    engine.advance(minutes=5)
                    served.tick()
                    alerts.tick()
                    engine.control.forget_requests()
                    done += 1
            engine.restart()
            if done >= SETTLED and before is None:
                before = used()
        after = used()
        heal(engine)
        report = engine.sync(full=True, accept_deletions=True)
        assert (0, []) == (report.exit_code, report.errors)
        oracle.check_copy(engine)
        oracle.check_annotations(engine)
        oracle.check_conflicts(engine, touched)
        assert 202 in engine.control.webhook_answers()
    assert before is not None
    assert after[0] - before[0] <= MOST_GROWTH_MIB, (before, after)
    assert after[1:] <= before[1:], (before, after)


def live(engine: Engine, chance: random.Random, interval: int) -> set[tuple[int, str]]:
    """Do what people, the platform and the network do in five minutes; return what they wrote."""
    control = engine.control
    rank = chance.choice(RANKS)
    dossier = number(rank)
    touched: set[tuple[int, str]] = set()
    if chance.random() < 0.1:
        kind = chance.choice(FAULTS)
        control.faults.fail(ScriptedFault(kind, times=chance.randint(1, 3)))  # type: ignore[arg-type]
    if control.truth_of(dossier).presence != "present":
        if chance.random() < 0.5:
            control.restore(dossier)
        return touched
    match chance.randint(0, 9):
        case 0 | 1 | 2:
            control.edit_champ(dossier, PROBLEME, f"Version {interval}")
        case 3:
            what, value = chance.choice([(RESULTAT, "Éligible"), (DETAIL, "Vu"), (VALIDE, True)])
            control.edit_annotation(dossier, what, value)
            touched.add((rank, oracle.OWNED.get(what, "")))
        case 4:
            states = ("en_construction", "en_instruction", "accepte", "sans_suite")
            wanted = chance.choice([s for s in states if s != control.truth_of(dossier).state])
            control.move(dossier, wanted)
        case 5:
            control.hide(dossier, "usager")
        case _:
            pass
    return touched


def heal(engine: Engine) -> None:
    """End all faults, and let the time pass in which a lost write could still arrive."""
    engine.control.faults.clear_faults()
    engine.advance(hours=6)


def used() -> tuple[int, int, int]:
    """Return resident memory in MiB, threads, and open files of this process."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [memory] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(memory) // 1024, threading.active_count(), len(os.listdir("/proc/self/fd"))
