"""A run that is killed at any moment: the next one makes everything right."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from dsync.domain.dossier import OPEN_ETATS
from dsync.sandbox import Sandbox
from dsync.sandbox.control import Control
from dsync.sandbox.faults import ScriptedFault
from tests.acceptance.worker.database import Database
from tests.acceptance.worker.demarche import SHIPPED
from tests.acceptance.worker.installed import Installed, until
from tests.acceptance.worker.truth import assert_copy_is_true
from tests.store.databases import sqlite_if_long


def trouble(control: Control, dice: random.Random) -> None:
    """Let usagers edit: what changes the copy alone, and what changes the verdict as well."""
    open_ones = _open(control)
    for number in dice.sample(open_ones, min(14, len(open_ones))):
        control.edit_champ(number, SHIPPED.fonction, f"Fonction {dice.randrange(1000)}")
        here = control.truth_of(number).raw_champs.get(SHIPPED.pilotage)
        control.edit_champ(number, SHIPPED.pilotage, None if here else "Le comité pilote.")


def some_time_later(control: Control, dice: random.Random) -> Callable[[], bool]:
    """Return a moment some time after one of the next requests."""
    reached = len(control.requests()) + dice.randint(1, 7)

    def has_come() -> bool:
        if len(control.requests()) < reached:
            return False
        end = time.monotonic() + dice.uniform(0, 0.04)
        until(lambda: time.monotonic() >= end)
        return True

    return has_come


def survive(
    dsync: Installed,
    sandbox: Sandbox,
    database: Database,
    dice: random.Random,
    moments: Iterable[Callable[[], bool]],
) -> int:
    """Kill a run at each moment, then let one be quiet.

    Each moment says whether it has come; the dice decide what is edited after each kill. Returns
    how many runs were killed at work.
    """
    control, needed = sandbox.control, SHIPPED.pilotage
    texts = {n: control.truth_of(n).raw_champs.get(needed) for n in _open(control)}
    at_work = 0
    for has_come in moments:
        process = dsync.start("sync")
        until(lambda p=process, c=has_come: c() or not p.is_running)
        process.signal(signal.SIGKILL)
        at_work += process.wait().code == -signal.SIGKILL
        database.expire_lease()
        database.expire_unknown()
        # DS's dates are whole seconds: an edit in the second that was read would be doubted.
        read_at = int(time.time())
        until(lambda second=read_at: time.time() >= second + 1)
        trouble(control, dice)
    control.faults.clear_faults()
    for number, text in texts.items():
        control.edit_champ(number, needed, text)
    report = dsync.json("sync")
    assert ("success", []) == (report["status"], report["errors"])
    # What the quiet run wrote is read back, and then there is nothing left to do.
    again = dsync.json("sync")
    assert [0, 0, 0] == [again[key] for key in ("changed", "evaluated", "pushed")]
    return at_work


def _open(control: Control) -> list[int]:
    return sorted(t.number for t in control.truth() if t.state in OPEN_ETATS)


@sqlite_if_long
def test_a_kill_in_each_phase_loses_nothing(
    dsync: Installed, sandbox: Sandbox, database: Database
) -> None:
    """While DS is read, once judged, and when DS has done a write: a quiet run makes all right."""
    control = sandbox.control

    def moments() -> Iterator[Callable[[], bool]]:
        control.faults.fail(ScriptedFault("latency", latency_ms=300, times=None))
        yield lambda: bool(control.requests("DossiersPage"))
        yield lambda: bool(database.count("verdict"))
        control.faults.clear_faults()
        control.faults.fail(
            ScriptedFault("latency", only="mutation", latency_ms=60_000, times=None)
        )
        yield lambda: bool(control.requests(kind="mutation"))

    assert 3 == survive(dsync, sandbox, database, random.Random(3), moments())

    assert control.requests(kind="mutation")
    assert_copy_is_true(database, sandbox)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_fifty_kills_lose_nothing(
    dsync: Installed, sandbox: Sandbox, database: Database, seed: int
) -> None:
    """Ten kills a seed, each some time after one of the run's requests."""
    dice, control = random.Random(100 + seed), sandbox.control
    control.faults.fail(ScriptedFault("latency", latency_ms=15, times=None))

    moments = (some_time_later(control, dice) for _ in range(10))
    assert survive(dsync, sandbox, database, dice, moments) >= 5

    assert_copy_is_true(database, sandbox)
