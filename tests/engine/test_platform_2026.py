"""The platform of September 2026: its limits, its new hands on a dossier, its new types."""

from __future__ import annotations

import pytest

from dsync.domain.consent import Consent
from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor
from tests.engine.oracle import check_annotations, check_copy
from tests.engine.rig import PAGE, PROBLEME, Engine, number
from tests.profiles import long

# --- limits on queries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "complexity", [1500, long(920)], ids=["for a smaller page", "for a page with both lists"]
)
def test_a_page_that_is_too_complex_is_asked_smaller(engine: Engine, complexity: int) -> None:
    """DS refuses the query before it runs it: less is asked, every dossier comes."""
    engine.control.faults.limit_queries(complexity=complexity)
    report = engine.sync(push=False)
    assert (0, 12) == (report.exit_code, report.read)
    check_copy(engine)


@pytest.mark.parametrize(
    "limit", [{"complexity": 60}, {"tokens": 500}], ids=["complexity", "tokens"]
)
def test_a_push_that_is_too_large_is_halved(engine: Engine, limit: dict[str, int]) -> None:
    """The reading before a push and the push itself: the batch adapts, everything arrives."""
    engine.begin(push=False)
    engine.control.faults.limit_queries(**limit)
    report = engine.worker.push()
    assert (0, 10) == (report.exit_code, report.pushed)
    check_annotations(engine)


def test_a_limit_that_no_page_keeps_is_not_taken_for_a_dossiers_fault(engine: Engine) -> None:
    """Not one dossier can be asked for: the run ends with the remedy, none is quarantined."""
    engine.control.faults.limit_queries(complexity=100)
    report = engine.sync()
    assert (8, {}) == (report.exit_code, engine.quarantine())
    assert "Upgrade dsync" in report.errors[0]


# --- other hands on a dossier -----------------------------------------------------------------


def test_a_champ_that_an_instructeur_corrects_is_judged_again(engine: Engine) -> None:
    """Neither the champs' own date nor the state moves: what was typed tells that it changed."""
    engine.sync_until_quiet()
    before = engine.one("dossier", 0)["champs_modifie_le"]
    engine.control.correct_champ(number(0), PAGE, "")
    report = engine.sync()
    assert (1, 1, 1) == (report.changed, report.evaluated, report.pushed)
    assert "Inéligible" == engine.verdict(0) == engine.remote(0)
    assert before == engine.one("dossier", 0)["champs_modifie_le"]


# --- other types ------------------------------------------------------------------------------

NEW = 4999
NEW_ID = "Q2hhbXAtNDk5OQ=="
SHOWN = "SELECT type, valeur FROM lecture_champ WHERE numero = :n AND champ_id = :id"


@pytest.mark.parametrize("type_", ["quotient_familial", long("?")])
def test_a_champ_of_a_type_that_dsync_has_never_seen_is_kept_as_text(
    engine: Engine, type_: str
) -> None:
    """Its type's name and its text are in the copy; nobody's verdict waits for it."""
    new = ChampDescriptor(NEW, type_, "Donnée sociale")
    engine.control.form.publish_revision(Change(add_champs=[new]))
    engine.control.edit_champ(number(0), NEW, "1 234 €")
    assert (0, 12) == ((report := engine.sync()).exit_code, report.evaluated)
    assert [{"type": type_, "valeur": "1 234 €"}] == engine.rows(SHOWN, n=number(0), id=NEW_ID)


def test_a_siret_champ_without_its_establishment_keeps_its_number(engine: Engine) -> None:
    """The registry was down: DS gives the number as the champ's text and no établissement."""
    siret = "13002526500013"
    champ = ChampDescriptor(NEW, "siret", "SIRET du partenaire")
    engine.control.form.publish_revision(Change(add_champs=[champ]))
    whole = {"siret": siret, "entreprise": {"siren": siret[:9], "raison_sociale": "DINUM"}}
    for value in (siret, whole, siret):
        engine.control.edit_champ(number(0), NEW, value)
        engine.advance(minutes=1)
        assert 0 == engine.sync().exit_code
        assert [{"type": "siret", "valeur": siret}] == engine.rows(SHOWN, n=number(0), id=NEW_ID)


@pytest.mark.parametrize(
    ("type_", "kept"), [("text", True), long("drop_down_list", True), ("integer_number", False)]
)
def test_a_champ_that_changes_its_type_is_the_same_champ(
    engine: Engine, type_: str, kept: bool
) -> None:
    """Known by its id: it is neither gone nor new, and finished dossiers keep the old type."""
    engine.sync_until_quiet()
    before = engine.rows("SELECT numero, probleme FROM lecture_candidature ORDER BY numero")
    engine.control.form.publish_revision(Change(retype={PROBLEME: type_}))
    # DS deletes values that do not fit: a person is asked before the checks read none.
    assert (0 if kept else 4) == engine.sync_until_quiet().exit_code
    if not kept:
        engine.accept(Consent.ANSWERS)
        engine.sync_until_quiet()
    check_copy(engine)
    types = {
        rank: engine.rows(SHOWN, n=number(rank), id="Q2hhbXAtNDEwNQ==")[0]["type"]
        for rank in (0, 5)
    }
    assert {0: type_, 5: "textarea"} == types
    if kept:
        after = engine.rows("SELECT numero, probleme FROM lecture_candidature ORDER BY numero")
        assert before == after
