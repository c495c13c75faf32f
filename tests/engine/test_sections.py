"""A file may lack any section: what belongs to it is then not done, and all else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.store.dictionary import NO_PROGRAMME
from dsync.store.listing import Selection
from tests.engine.conftest import Start
from tests.engine.rig import (
    DETAIL,
    FIRST,
    NOTHING_JUDGED,
    OPEN,
    PROBLEME,
    RESULTAT,
    Engine,
    base_settings,
    number,
    seeds,
)
from tests.store.databases import on_each

MAPPING: Any = base_settings().configuration.mapping
CRITERES = MAPPING.evaluations.criteres
FIRST_OF_THEM = CRITERES[0].critere


def test_without_annotations_nothing_is_written_into_ds(start: Start) -> None:
    """Dossiers are judged, no wish is made, and the second run writes nothing."""
    engine = start(configuration={"annotations": None})
    report = engine.sync()
    assert (0, []) == (report.exit_code, report.errors)
    assert engine.verdict(0) == "Éligible"
    assert ([], []) == (engine.rows("SELECT * FROM outbox"), engine.mutations())
    engine.sync_until_quiet()
    before = engine.content()
    engine.sync()
    assert before == engine.content()


def test_the_section_may_come_and_go(start: Start) -> None:
    """Without it, wishes end and DS keeps them; when it comes back, nothing is sent again."""
    engine = start(configuration={"annotations": None})
    engine.sync()
    engine.restart()
    assert (0, len(OPEN)) == ((report := engine.sync()).exit_code, report.pushed)
    texts = {rank: (engine.remote(rank), engine.remote(rank, DETAIL)) for rank in OPEN}
    engine.restart(configuration={"annotations": None})
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    assert 2 == engine.sync().exit_code
    report = engine.accept(Consent.CONFIG)
    assert (0, 0) == (report.exit_code, report.conflicts)
    assert not engine.wishes(0)
    assert [] == engine.worker.app.verify(remote=True).findings
    engine.control.edit_annotation(number(0), RESULTAT, texts[0][0])
    engine.restart()
    sent = len(engine.sent_values())
    assert (0, 0) == ((report := engine.sync()).exit_code, report.conflicts)
    assert sent == len(engine.sent_values())
    assert {"confirmee"} == {status for rank in OPEN for status in engine.wishes(rank).values()}
    assert texts == {rank: (engine.remote(rank), engine.remote(rank, DETAIL)) for rank in OPEN}


def test_without_rules_dossiers_are_mapped(start: Start) -> None:
    """The candidature is there without a verdict, and nobody is asked for evidence.

    Rules that come later judge what is there: it gets its annotations without being read again.
    """
    engine = start(configuration=NOTHING_JUDGED, betagouv_url="http://127.0.0.1:1")
    report = engine.sync()
    assert (0, [], 12) == (report.exit_code, report.errors, report.changed)
    candidature = engine.one("lecture_candidature", 0)
    assert candidature["probleme"]
    assert candidature["verdict"] is None
    assert [] == engine.mutations()
    engine.control.edit_champ(FIRST, PROBLEME, "Un autre problème")
    assert 1 == engine.sync().changed
    assert "Un autre problème" == engine.one("lecture_candidature", 0)["probleme"]
    engine.sync_until_quiet()
    engine.restart()
    report = engine.sync()
    assert (0, 12, len(OPEN)) == (report.exit_code, report.evaluated, report.pushed)


def test_a_mapping_that_goes_leaves_the_copy(start: Start) -> None:
    """The candidatures go with it, the champs stay, and the mapping can come back."""
    engine = start(configuration={"annotations": None, **NOTHING_JUDGED})
    engine.sync_until_quiet()
    engine.restart(sections=("demarche", "ds"))
    assert 2 == engine.sync().exit_code
    assert (0, []) == ((report := engine.accept(Consent.CONFIG)).exit_code, report.errors)
    assert (0, []) == ((report := engine.sync()).exit_code, report.errors)
    assert engine.one("lecture_candidature", 0)["probleme"] is None
    assert engine.rows("SELECT * FROM lecture_champ WHERE numero = :n", n=number(0))
    assert [] == engine.rows("SELECT * FROM candidature")
    engine.restart(configuration={"annotations": None, **NOTHING_JUDGED})
    assert 0 == engine.sync().exit_code
    assert engine.one("lecture_candidature", 0)["probleme"]


@on_each
@pytest.mark.parametrize(
    ("field", "without", "lost"),
    [
        ("evaluations", {"evaluations": None}, "SELECT numero FROM lecture_evaluation"),
        (
            f"evaluations.criteres.{FIRST_OF_THEM}",
            {"evaluations": MAPPING.evaluations.model_copy(update={"criteres": CRITERES[1:]})},
            "SELECT numero, ligne, note FROM lecture_evaluation_note "
            f"WHERE critere = '{FIRST_OF_THEM}'",
        ),
        (
            "etape",
            {"annotations": MAPPING.annotations.model_copy(update={"etape": None})},
            "SELECT numero FROM lecture_candidature WHERE etape IS NOT NULL",
        ),
    ],
)
def test_a_field_that_leaves_the_mapping_is_asked_about(
    start: Start, field: str, without: Any, lost: str
) -> None:
    """What was read stays until a person agrees, who sees how many dossiers have an answer."""
    engine = start()
    engine.sync_until_quiet()
    before = engine.rows(lost)
    assert before
    engine.restart(configuration={"mapping": without})
    for _ in range(2):
        report = engine.sync(full=True)
        assert (2, before) == (report.exit_code, engine.rows(lost)), report
        assert f"lacks [mapping] {field}, " in report.errors[0]
    assert any(f"lacks [mapping] {field}, " in one.message for one in engine.worker.app.check())
    [asked] = engine.asked()
    assert {f"[mapping] {field}": ""} == asked.proposal.subjects
    assert (0, []) == ((report := engine.accept(Consent.CONFIG)).exit_code, report.errors)
    assert [] == engine.rows(lost)
    assert (0, []) == (engine.sync_later().exit_code, engine.asked())
    engine.restart()
    assert 0 == engine.sync_later().exit_code
    assert before == engine.rows(lost)


def test_a_configuration_without_the_sections_that_made_the_rows_is_refused(start: Start) -> None:
    """It may be another démarche's: nothing is changed before it is accepted, once."""
    engine = start()
    engine.sync_until_quiet()
    before = engine.content()
    wishes = len(engine.rows("SELECT * FROM outbox WHERE courante"))
    engine.restart(sections=("demarche", "ds"))
    for options in ({}, {"full": True}, {"dossiers": (number(0),)}, {"dry_run": True}):
        report = engine.sync(**options)
        assert (2, 0) == (report.exit_code, report.read)
        said = report.errors[0]
        assert "lacks [mapping], [[controles]], [annotations]" in said
        for what in ("12 candidatures", "12 verdicts", f"{wishes} wishes", "dsync accept config"):
            assert what in said
    assert before == engine.content()
    # `dsync check` does not say that `dsync sync` can run.
    [lost] = [one.message for one in engine.worker.app.check() if one.exit_code == 2]
    assert lost.startswith("lacks [mapping], [[controles]], [annotations]")
    assert 0 == engine.worker.erase(3).exit_code
    [asked] = engine.asked()
    assert [
        ("section [mapping]", 12),
        ("section [[controles]]", 12),
        ("section [annotations]", wishes),
    ] == [(move.what, move.dossiers) for move in asked.proposal.moves]
    assert 0 == engine.accept(Consent.CONFIG).exit_code
    assert [] == engine.asked()
    assert [] == [one for one in engine.worker.app.check() if one.exit_code]
    assert 0 == engine.sync().exit_code
    assert [] == engine.rows("SELECT * FROM candidature")
    assert [] == engine.rows("SELECT * FROM outbox WHERE courante")


def test_rules_that_go_are_accepted_once(start: Start) -> None:
    """Verdicts and wishes stay as they are; when the rules come back, all is judged again."""
    engine = start()
    engine.sync_until_quiet()
    engine.restart(configuration=NOTHING_JUDGED)
    assert 2 == engine.sync().exit_code
    assert engine.asked()
    engine.restart()
    assert 0 == engine.sync().exit_code
    assert [] == engine.asked()
    engine.restart(configuration=NOTHING_JUDGED)
    assert "12 verdicts would be renewed no more" in engine.sync().errors[0]
    assert 0 == engine.accept(Consent.CONFIG).exit_code
    assert 0 == engine.sync().exit_code
    assert "Éligible" == engine.verdict(0)
    engine.restart()
    engine.control.forget_requests()
    assert 0 == engine.sync().exit_code
    assert [] == engine.mutations()


def test_the_engine_needs_no_programme_in_the_database(tmp_path: Path) -> None:
    """It copies, follows changes and deletions, erases and verifies in a database of its own."""
    url = f"sqlite:///{tmp_path / 'dsync.db'}"
    alone = {"programme": NO_PROGRAMME, "sections": ("demarche", "ds")}
    with Engine(url, seeds(range(3)), **alone) as engine:
        engine.sync_until_quiet()
        engine.control.edit_champ(number(0), PROBLEME, "Un autre problème")
        engine.control.hide(number(1))
        engine.advance(minutes=11)
        assert (0, []) == ((report := engine.sync(full=True)).exit_code, report.errors)
        assert 0 == engine.worker.erase(2).exit_code
        with engine.worker.store.reading(engine.worker.app.demarche) as reader:
            shown, hidden, erased = (reader.dossiers.by_number(number(rank)) for rank in range(3))
            listed, _ = reader.dossiers.listing(Selection(q="a"), limit=9)
            views = engine.worker.store.dictionary()
        assert shown is not None
        assert "modifie" in [event["evenement"] for event in shown["evenements"]]
        assert hidden is not None
        assert "masque" == hidden["presence"]
        assert erased is not None
        assert erased["raison_sociale"] is None
        assert len(listed) > 0
        assert [] == engine.worker.app.verify(remote=True).findings
        assert {"lecture_champ", "lecture_evenement"} <= set(views)
        assert "lecture_candidature" not in views
