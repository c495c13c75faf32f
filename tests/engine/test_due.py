"""What is due after a run that did not do all of its work, however long the interval is."""

from __future__ import annotations

from datetime import timedelta

from dsync.sandbox import ScriptedFault
from tests.engine.rig import PROBLEME, Engine, number

HOURLY = {"schedule": {"incremental": timedelta(hours=1)}}


def announced(engine: Engine) -> float:
    """Return the seconds until the next run, after a look that it is due then, and not before."""
    app = engine.worker.app
    seconds = (app.next_run_at() - engine.worker.now()).total_seconds()
    if seconds:
        engine.advance(seconds=seconds - 1)
        assert app.due() is None
        engine.advance(seconds=1)
    assert app.due() is not None
    return seconds


def test_a_run_that_failed_behind_its_read_stays_due(engine: Engine) -> None:
    """Until what was read is judged and sent; how long it waits is the service's to say."""
    engine.restart(configuration=HOURLY)
    engine.control.faults.fail(ScriptedFault("token_expired", only="mutation", times=None))
    for _ in range(2):
        assert 3 == engine.sync().exit_code
        assert 0 == announced(engine)
    engine.control.faults.clear_faults()
    assert (0, 10) == ((done := engine.sync()).exit_code, done.pushed)
    assert 3600 == announced(engine)


def test_an_outbox_that_waits_is_due(engine: Engine) -> None:
    """An unanswered write when it can be read back, a wish that was put off at its time."""
    engine.restart(configuration=HOURLY)
    engine.control.faults.fail(ScriptedFault("answer_lost", only="mutation"))
    assert 7 == engine.sync().exit_code
    assert 35 == announced(engine)
    assert 0 == engine.sync().exit_code

    engine.control.faults.fail(ScriptedFault("internal_error", only="mutation"))
    engine.control.edit_champ(number(0), PROBLEME, "")
    assert 7 == engine.sync().exit_code
    assert 300 == announced(engine)
    assert (0, 1) == ((done := engine.sync()).exit_code, done.pushed)
    assert 3600 == announced(engine)


def test_what_cannot_be_sent_is_tried_less_and_less(engine: Engine) -> None:
    """Up to the interval, without an instructeur that DS knows; not at all without any."""
    minutely = {"schedule": {"incremental": timedelta(minutes=1)}}
    engine.restart(configuration=minutely, ds_instructeur="absent@example.gouv.fr")
    waits = []
    for _ in range(5):
        report = engine.sync()
        assert (7, 0) == (report.exit_code, report.pushed)
        assert "DSYNC_DS_INSTRUCTEUR" in report.errors[0]
        waits.append(announced(engine))
    assert [15, 15, 30, 60, 60] == waits
    engine.restart(configuration=HOURLY, ds_instructeur=None)
    report = engine.sync()
    assert (7, True) == (report.exit_code, "DSYNC_DS_INSTRUCTEUR" in report.errors[0])
    assert 3600 == announced(engine)
