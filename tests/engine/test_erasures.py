"""What operators have erased stays erased: one dossier on request, old decisions by a purge."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from dsync.store.codes import Kind
from dsync.store.engine import BUSY_TIMEOUT_S
from dsync.sync.report import RunReport
from tests.acceptance.worker.installed import slowdown
from tests.engine.rig import DEMARCHE, PROBLEME, Engine, number
from tests.engine.test_deletions import OPEN_ONE
from tests.store.databases import on_each

ONE = 1
WORD = "Mot-témoin"
DECIDED = ("accepte", "refuse", "sans_suite")


def purged(engine: Engine, age: timedelta) -> RunReport:
    limit = engine.control.clock.now() - age
    return engine.sync(
        work=Kind.ERASURE, before=dict.fromkeys(DECIDED, limit), started_by="cli:agent"
    )


def test_an_erased_dossier_is_not_copied_again(engine: Engine) -> None:
    """Though it changes in DS: the copy has no word of it, the journal says who asked."""
    engine.control.edit_champ(number(ONE), PROBLEME, WORD)
    engine.sync_until_quiet()
    assert 1 == engine.worker.erase(ONE).deleted
    engine.control.edit_champ(number(ONE), PROBLEME, f"{WORD} encore")
    report = engine.sync(full=True)
    assert (0, 0, 0) == (report.exit_code, report.changed, report.deleted)
    row = engine.one("dossier", ONE)
    assert ("efface", "demande") == (row["presence"], row["presence_raison"])
    truth = engine.control.truth_of(number(ONE))
    whole = str(engine.content(all_tables=True))
    assert not [told for told in (WORD, truth.usager_email) if told in whole]
    assert [] == engine.files_with(WORD)
    [event] = engine.rows(
        "SELECT details FROM evenement WHERE numero = :n AND evenement = 'efface'", n=number(ONE)
    )
    assert "cli:agent" in str(event["details"])
    assert [] == engine.sent(ONE)


def test_an_erased_dossier_asked_for_by_its_number_is_told(engine: Engine) -> None:
    """The message says how it is copied again; nothing is asked of DS."""
    engine.sync_until_quiet()
    engine.worker.erase(ONE)
    report = engine.sync(dossiers=(number(ONE),))
    assert (7, 0) == (report.exit_code, report.requests)
    assert f"dsync dossier erase {number(ONE)} --undo" in report.errors[0]


@pytest.mark.parametrize("harm", ["return_null", "fail_reads"])
def test_an_erased_dossier_that_ds_cannot_render_is_in_no_quarantine(
    engine: Engine, harm: str
) -> None:
    """What is not copied does not fail: nothing is told of it, and nothing has to be retried."""
    engine.begin(push=False)
    engine.worker.erase(ONE)
    engine.control.edit_champ(number(ONE), PROBLEME, WORD)
    getattr(engine.control.faults, harm)(number(ONE), champs_only=True)
    reports = [engine.sync(), engine.sync(full=True)]
    assert [(0, 0)] * 2 == [(report.exit_code, report.quarantined) for report in reports]
    assert {} == engine.quarantine()
    assert "efface" == engine.one("dossier", ONE)["presence"]


def test_an_erasure_that_is_undone_is_copied_and_judged_again(engine: Engine) -> None:
    """As a dossier that comes back."""
    engine.sync_until_quiet()
    before = (engine.verdict(ONE), engine.remote(ONE))
    engine.worker.erase(ONE)
    assert 0 == engine.worker.erase(ONE, undo=True).exit_code
    report = engine.sync(dossiers=(number(ONE),))
    assert (0, 1) == (report.exit_code, report.changed)
    assert engine.one("lecture_candidature", ONE)["probleme"]
    assert before == (engine.verdict(ONE), engine.remote(ONE))
    assert 2 == engine.worker.erase(ONE, undo=True).exit_code


def test_a_dossier_that_ds_erases_after_us_is_marked_so(engine: Engine) -> None:
    """DS's own word counts."""
    engine.sync_until_quiet()
    engine.worker.erase(ONE)
    engine.control.erase(number(ONE))
    engine.sync()
    assert "supprime" == engine.one("dossier", ONE)["presence"]


@on_each
def test_a_purge_erases_old_decisions_only(engine: Engine) -> None:
    """Open dossiers and later decisions stay; what is erased is not copied again."""
    engine.sync_until_quiet()
    engine.advance(days=100)
    engine.control.move(number(2), "refuse")
    engine.sync()
    assert 2 == purged(engine, timedelta(days=50)).deleted
    erased = "SELECT numero FROM dossier WHERE presence = 'efface' ORDER BY numero"
    assert [number(5), number(11)] == [row["numero"] for row in engine.rows(erased)]
    engine.sync(full=True)
    assert [number(5), number(11)] == [row["numero"] for row in engine.rows(erased)]
    assert 0 == purged(engine, timedelta(days=50)).deleted


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"work": Kind.ERASURE}, 2),
        ({"work": Kind.PRECHECK}, 7),
        ({"work": Kind.PUSH, "force": True}, 7),
        ({"work": Kind.PIECES}, 2),
    ],
)
def test_nothing_is_done_to_a_dossier_of_another_demarche(
    engine: Engine, options: dict[str, Any], code: int
) -> None:
    """Of the same database: it is erased, judged and overwritten in its own name alone."""
    engine.sync_until_quiet()
    before = engine.content()
    other = engine.another(demarche=DEMARCHE + 1)
    report = other.sync(dossiers=(number(ONE),), started_by="cli:agent", **options)
    after = engine.content()
    # A pre-check reads the catalogue again, which both have in common.
    del before["produit"], after["produit"]
    assert (code, before) == (report.exit_code, after)


def test_an_erasure_waits_for_no_reader(engine: Engine) -> None:
    """SQLite's WAL is emptied under the lock for writing, which others wait for.

    The next run of any process empties what was read: the one that erased may have ended.
    """
    engine.sync_until_quiet()
    engine.control.edit_champ(number(OPEN_ONE), PROBLEME, "Mot-témoin")
    engine.sync()
    engine.control.erase(number(OPEN_ONE))
    reading = engine.another().store
    with reading.reading(DEMARCHE) as reader:
        assert 0 == len(reader.quarantine.entries())
        start = time.monotonic()
        assert 1 == engine.sync().deleted
        assert (time.monotonic() - start) / slowdown() < BUSY_TIMEOUT_S / 2
    engine.advance(minutes=11)
    engine.another().sync()
    assert [] == engine.files_with("témoin")
