"""A run that is killed at any moment: the next one makes everything right."""

from __future__ import annotations

import random
import signal
import time

import pytest

from dsync.sandbox import Sandbox
from dsync.sandbox.http.control import Control
from dsync.sandbox.http.faults import ScriptedFault
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.demarche import SHIPPED, Demarche, every_demarche_once
from tests.acceptance.worker.installed import Installed, Process, until
from tests.acceptance.worker.truth import OPEN, assert_copy_is_true, writes

Sent = list[tuple[int, str, str]]


def trouble(control: Control, dice: random.Random, demarche: Demarche) -> None:
    """Let usagers edit: what changes the copy alone, and what changes the verdict as well."""
    open_ones = _open(control, demarche)
    for number in dice.sample(open_ones, min(14, len(open_ones))):
        control.edit_champ(number, demarche.fonction, f"Fonction {dice.randrange(1000)}")
        here = control.truth_of(number).raw_champs.get(demarche.pilotage)
        control.edit_champ(number, demarche.pilotage, None if here else "Le comité pilote.")


def kill_at_a_moment(process: Process, control: Control, dice: random.Random) -> bool:
    """Kill a run some time after one of its requests; return whether it was still at work."""
    reached = len(control.requests()) + dice.randint(1, 7)
    until(lambda: len(control.requests()) >= reached or not process.is_running)
    end = time.monotonic() + dice.uniform(0, 0.04)
    until(lambda: time.monotonic() >= end)
    process.signal(signal.SIGKILL)
    return process.wait().code == -signal.SIGKILL


def survive(
    dsync: Installed,
    sandbox: Sandbox,
    database: Database,
    demarche: Demarche,
    *,
    seed: int,
    kills: int,
) -> tuple[int, Sent]:
    """Kill runs, then let one be quiet; return how many were killed at work, and what was sent."""
    dice, control = random.Random(seed), sandbox.control
    needed = demarche.pilotage
    texts = {n: control.truth_of(n).raw_champs.get(needed) for n in _open(control, demarche)}
    control.faults.fail(ScriptedFault("latency", latency_ms=15, times=None))
    at_work = 0
    for _ in range(kills):
        at_work += kill_at_a_moment(dsync.start("sync"), control, dice)
        database.expire_lease()
        database.expire_unknown()
        trouble(control, dice, demarche)
    control.faults.clear_faults()
    for number, text in texts.items():
        control.edit_champ(number, needed, text)
    report = dsync.json("sync")
    assert ("success", []) == (report["status"], report["errors"])
    # What the quiet run wrote is read back, and then there is nothing left to do.
    again = dsync.json("sync")
    assert [0, 0, 0] == [again[key] for key in ("changed", "evaluated", "pushed")]
    return at_work, writes(sandbox, demarche)


def assert_each_wish_had_one_value(database: Database, sent: Sent) -> None:
    """What was sent follows the wishes: repeated at most, never another value, never backwards."""
    wished: dict[tuple[int, str], list[str]] = {}
    for row in database.rows("SELECT numero, annotation, valeur FROM outbox ORDER BY id"):
        wished.setdefault((row["numero"], row["annotation"]), []).append(row["valeur"])
    for number, annotation, value in sent:
        values = wished[number, annotation]
        assert value in values, (number, annotation)
        del values[: values.index(value)]


def _open(control: Control, demarche: Demarche) -> list[int]:
    return sorted(t.number for t in control.truth(demarche.number) if t.state in OPEN)


@every_demarche_once
def test_a_few_kills_lose_nothing(
    dsync: Installed, sandbox: Sandbox, database: Database, demarche: Demarche
) -> None:
    """After kills at seeded moments a quiet run makes copy and annotations right."""
    kills = 4 if demarche is SHIPPED else 3
    at_work, sent = survive(dsync, sandbox, database, demarche, seed=3, kills=kills)

    assert at_work >= kills - 2
    assert_copy_is_true(database, sandbox, demarche)
    assert_each_wish_had_one_value(database, sent)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_fifty_kills_lose_nothing(
    dsync: Installed, sandbox: Sandbox, database: Database, seed: int
) -> None:
    """The same with ten kills a seed."""
    at_work, sent = survive(dsync, sandbox, database, SHIPPED, seed=100 + seed, kills=10)

    assert at_work >= 5
    assert_copy_is_true(database, sandbox)
    assert_each_wish_had_one_value(database, sent)
