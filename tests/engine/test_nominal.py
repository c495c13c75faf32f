"""What a run does when nothing fails."""

from __future__ import annotations

import json

import pytest

from dsync.sandbox import ScriptedFault
from dsync.store.codes import Status
from dsync.sync.context import Progress
from dsync.sync.work import Precheck, Request
from tests.engine.rig import DATE, DETAIL, FIRST, OPEN, PROBLEME, RESULTAT, WISHES, Engine, number
from tests.store.databases import on_each


@on_each
def test_the_first_run_copies_judges_and_pushes(engine: Engine) -> None:
    """Every dossier is stored, each gets a verdict, each open one its annotations and label."""
    report = engine.sync()
    assert (Status.SUCCESS, 0, []) == (report.status, report.exit_code, report.errors)
    assert (12, 12, 12, 10) == (report.read, report.changed, report.evaluated, report.pushed)
    for rank in OPEN:
        assert dict.fromkeys(WISHES, "confirmee") == engine.wishes(rank)
        assert engine.verdict(rank) == engine.remote(rank, RESULTAT)
        assert engine.labels(rank) == [engine.verdict(rank).lower()]  # type: ignore[union-attr]
        assert engine.remote(rank, DETAIL)
        assert engine.remote(rank, DATE)
    for rank in (5, 11):
        assert engine.verdict(rank)
        assert {} == engine.wishes(rank)


@on_each
def test_a_second_run_writes_nothing(engine: Engine) -> None:
    """No mutation, no event, no verdict, no wish: inside the overlap, and after it.

    The first of them sees what dsync wrote itself: the copy of annotations and labels and their
    history alone change.
    """
    engine.sync()
    first = engine.content()
    engine.control.forget_requests()
    inside = engine.sync()
    before = engine.content()
    engine.advance(minutes=11)
    engine.sync()
    engine.advance(minutes=11)
    after = engine.sync()
    night = engine.sync(full=True)
    assert [0, 0, 0] == [run.changed + run.evaluated + run.pushed for run in (inside, after, night)]
    assert [] == engine.mutations()
    changed = {table for table in first if first[table] != before[table]}
    assert {"contenu", "candidature", "dossier", "changement"} >= changed
    assert before == engine.content()
    assert (0, 1) == (after.read, after.requests)


def test_a_change_costs_what_changed(engine: Engine) -> None:
    """One dossier edited: it alone is read, judged and told by the names of what changed."""
    engine.sync_until_quiet()
    engine.control.edit_champ(number(0), PROBLEME, "Tout autre chose")
    report = engine.sync()
    assert (1, 1, 1, 0) == (report.read, report.changed, report.evaluated, report.pushed)
    [event] = engine.rows(
        "SELECT * FROM evenement WHERE numero = :numero AND evenement = 'modifie'", numero=number(0)
    )
    assert "Problème identifié" in event["details"]
    assert "Tout autre chose" not in event["details"]


def test_a_move_to_another_state_is_journaled(engine: Engine) -> None:
    """The event names both states; a finished dossier keeps its verdict and gets no push."""
    engine.sync_until_quiet()
    engine.control.move(number(1), "en_instruction")
    engine.control.move(number(0), "accepte", motivation="Bravo")
    report = engine.sync()
    assert (2, 0) == (report.changed, report.pushed)
    assert "etat" in engine.events(1)
    assert "etat" in engine.events(0)
    assert "accepte" == engine.one("dossier", 0)["etat"]


def test_the_journal_keeps_what_went_wrong_in_a_run(engine: Engine) -> None:
    """Conflicts, deletions and quarantine counted, errors by class, what was skipped and why."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "À vérifier")
    engine.control.hide(number(1))
    engine.control.faults.return_null(number(2), champs_only=True)
    engine.control.faults.fail(ScriptedFault("bad_gateway"))
    report = engine.sync(full=True)
    row = engine.rows("SELECT * FROM sync_run ORDER BY run")[-1]
    assert ("partial", 1, 1, 1) == (
        row["statut"],
        row["conflits"],
        row["supprimes"],
        row["en_quarantaine"],
    )
    assert row["erreur"]
    figures = json.loads(row["figures"])
    assert report.errors
    assert report.errors == figures["messages"]
    assert 1 == figures["erreurs_par_classe"]["DSUnavailableError"]


def test_the_journal_tells_what_each_run_was_for_who_started_it_and_how_it_ended(
    engine: Engine,
) -> None:
    """A push or a pre-check on demand is no read; a refused token is 3, whatever is said."""
    due = engine.worker.app.due()
    assert due
    engine.control.faults.fail(ScriptedFault("bad_gateway"))
    assert 1 == engine.worker.app.sync(due).error_classes["DSUnavailableError"]
    assert 0 == engine.sync(dossiers=(number(0),), push=False).error_classes["DSUnavailableError"]
    engine.worker.push(0)
    engine.worker.app.sync(Request(Precheck((number(0),))))
    engine.control.faults.fail(ScriptedFault("token_expired"))
    engine.sync()
    rows = engine.rows("SELECT genre, demande_par, code FROM sync_run ORDER BY run")
    assert [
        ("complet", "service", 0),
        ("dossier", "cli", 0),
        ("envoi", "cli", 0),
        ("precontrole", "cli", 0),
        ("incremental", "cli", 3),
    ] == [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("by", ["dossiers", "since"])
def test_a_narrowed_run_does_not_move_the_watermark(engine: Engine, by: str) -> None:
    """`--dossier` and `--since` read, judge and push, and leave the watermark alone."""
    engine.sync_until_quiet()
    before = engine.state().watermark
    engine.control.edit_champ(number(0), 4102, "")
    engine.control.hide(number(1))
    engine.advance(hours=1)
    narrowed = {"dossiers": (number(0),)} if by == "dossiers" else {"since": before}
    report = engine.sync(**narrowed)
    assert ("Inéligible", ["Inéligible"]) == (engine.remote(0), engine.sent(0))
    assert report.pushed
    assert before == engine.state().watermark
    assert "disparu" not in engine.presences()


def test_a_dossier_asked_for_and_not_there_is_told(engine: Engine) -> None:
    """The others are done; the run is partial."""
    report = engine.sync(dossiers=(number(0), FIRST + 99))
    assert (7, 1) == (report.exit_code, report.read)
    assert str(FIRST + 99) in report.errors[0]


@on_each
def test_a_dry_run_writes_nothing_anywhere(engine: Engine) -> None:
    """Not a byte of the database, not a mutation; it lists what it would send."""
    engine.begin(push=False)
    engine.control.edit_champ(number(0), 4102, "")
    before = engine.content(all_tables=True)
    report = engine.sync(dry_run=True)
    after = engine.content(all_tables=True)
    # What was asked of DS counts for other processes.
    for content in (before, after):
        content.pop("budget", None)
    assert before == after
    assert [] == engine.mutations()
    assert (None, 10) == (report.run, report.pushed)
    told = {m["dossier"]: m["annotations"]["resultat"] for m in report.mutations}
    assert "Inéligible" == told[number(0)]
    assert {number(rank) for rank in OPEN} == told.keys()
    assert "mutations" in report.to_json()


def test_a_full_read_shows_how_far_it_is(engine: Engine) -> None:
    """Nobody knows the first time; afterwards the copy does, until there are more."""
    told: list[tuple[int, int | None]] = []
    progress = Progress()
    progress.pulled = lambda done, total: told.append((done, total))  # type: ignore[method-assign]
    engine.worker.app.progress = progress
    engine.sync(full=True)
    engine.sync(full=True)
    engine.sync()
    assert [(12, None), (12, 12), (10, None)] == told
