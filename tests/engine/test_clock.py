"""A machine's clock that was ahead, and came back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dsync.database import open_database
from dsync.errors import LeaseHeldError
from dsync.sandbox.faults import ScriptedFault
from dsync.sync.work import ReadAll
from tests.engine.rig import DEMARCHE, PROBLEME, Engine, number
from tests.store.databases import on_each

AHEAD = timedelta(days=400)


@on_each
def test_a_clock_that_was_ahead_and_came_back_delays_nothing(engine: Engine) -> None:
    """What it left in the future counts as never: the full read, and wishes that were put off."""
    engine.begin(push=False)
    engine.worker.skew = AHEAD
    engine.control.faults.fail(ScriptedFault("answer_lost", only="mutation", times=None))
    engine.sync(full=True)
    engine.control.faults.clear_faults()
    waiting = engine.rows("SELECT numero FROM outbox WHERE statut IN ('incertaine', 'en_attente')")
    assert waiting

    engine.worker.skew = timedelta()
    if not engine.url.startswith("sqlite"):
        # PostgreSQL's own clock says how long a mutation may be on its way.
        engine.execute("UPDATE pousse SET incertaine_depuis = incertaine_depuis - interval '1 h'")
    options = engine.worker.app.due()
    assert options is not None
    assert isinstance(options.work, ReadAll)
    report = engine.sync(full=True)

    assert "success" == report.status
    assert not engine.rows("SELECT numero FROM outbox WHERE statut IN ('incertaine', 'en_attente')")
    assert engine.state() == engine.state().as_of(engine.worker.now())
    assert engine.worker.app.due() is None


@pytest.mark.parametrize(
    ("minutes", "code", "judged", "warned"),
    [
        (4, 0, 12, []),
        (9, 0, 12, ["9 minutes ahead of DS's"]),
        (11, 7, 0, ["11 minutes ahead of DS's"]),
        (-11, 7, 0, ["11 minutes behind DS's"]),
        (-360, 7, 0, ["360 minutes behind DS's"]),
    ],
)
def test_nothing_is_judged_while_the_clocks_differ(
    engine: Engine, minutes: int, code: int, judged: int, warned: list[str]
) -> None:
    """By more than ten minutes: all is read, one line says so, and the right clock judges.

    `dsync check` says it from five on.
    """
    engine.worker.skew = timedelta(minutes=minutes)
    lines = [one.message for one in engine.worker.app.check() if one.name == "clock"]
    assert [f"this machine's is {one}: from ten on, nothing is judged" for one in warned] == lines
    report = engine.sync(push=False)
    assert (code, 12, judged) == (report.exit_code, report.read, report.evaluated)
    assert (code == 7) is ("clock" in " ".join(report.errors))
    assert len(report.errors) <= 1
    engine.advance(minutes=20)
    engine.control.edit_champ(number(0), PROBLEME, "Autre")
    assert (code, 1) == ((report := engine.sync(push=False)).exit_code, report.changed)
    engine.worker.skew = timedelta()
    again = engine.sync(push=False)
    assert (0, 0 if judged else 12) == (again.exit_code, again.evaluated)


def test_a_plain_run_makes_the_full_read_that_the_future_would_have_delayed(
    engine: Engine,
) -> None:
    """As the service does: what vanished meanwhile is found, and no instant lies ahead."""
    engine.worker.skew = AHEAD
    engine.sync_until_quiet()
    engine.control.expire(number(5))
    engine.worker.skew = timedelta()
    assert {"present": 12} == dict(engine.presences())
    report = engine.sync()
    assert ("success", 1) == (report.status, engine.presences()["disparu"])
    assert engine.state() == engine.state().as_of(engine.worker.now())
    engine.advance(minutes=11)
    engine.control.forget_requests()
    engine.sync()
    assert 1 == len(engine.requests())


def test_a_clock_that_stays_ahead_skips_no_deletion(engine: Engine) -> None:
    """The lists are asked for by DS's own times, also when this machine's are of another year."""
    engine.worker.skew = AHEAD
    engine.sync_until_quiet()
    engine.control.hide(number(1))
    engine.sync()
    assert "masque" == engine.one("dossier", 1)["presence"]


@pytest.mark.parametrize("renewed", [False, True])
def test_a_lease_from_the_future_is_free(engine: Engine, renewed: bool) -> None:
    """Its holder died while the clock of the machine was ahead: no holder has that long."""
    now = engine.worker.now()
    ahead = open_database(engine.url, clock=lambda: now + AHEAD)
    lease = ahead.acquire_lease(DEMARCHE, 60, holder="mort:1")
    if renewed:
        ahead.renew_lease(lease)
    with pytest.raises(LeaseHeldError):
        ahead.acquire_lease(DEMARCHE, 60, holder="autre:2")
    ahead.close()

    info = engine.worker.store.lease_of(DEMARCHE)
    assert info is not None
    assert info.is_expired
    assert "success" == engine.sync().status


@pytest.mark.parametrize("hours", [-1, 2])
def test_a_wrong_clock_makes_no_run_due_again_at_once(engine: Engine, hours: int) -> None:
    """As long as it is wrong: the intervals are counted by it, and not by DS's."""
    engine.worker.skew = timedelta(hours=hours)
    engine.sync(full=True)
    assert engine.worker.app.due() is None


def test_what_was_refused_a_moment_ahead_is_sent_when_somebody_asks(engine: Engine) -> None:
    """The clock was two minutes ahead when DS refused it, and is right when the push begins."""
    engine.worker.skew = timedelta(minutes=2)
    engine.control.faults.change_token(can_write=False)
    engine.sync()
    refused = engine.rows("SELECT numero FROM outbox WHERE statut = 'refusee'")
    assert refused

    engine.worker.skew = timedelta()
    engine.control.faults.change_token(can_write=True)
    engine.worker.push()
    assert not engine.rows("SELECT numero FROM outbox WHERE statut = 'refusee'")
