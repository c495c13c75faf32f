"""What was stopped goes on by itself once its cause is mended."""

from __future__ import annotations

from typing import Any

import pytest

from dsync.annotations.targets import VerdictTexts
from tests.engine.rig import OPEN, Engine, base_settings

ANNOTATIONS = base_settings().configuration.annotations
WRONG = VerdictTexts(eligible="Oui", a_verifier="Peut-être", ineligible="Non")


def with_wrong_options() -> dict[str, Any]:
    """Return settings whose result takes options that the form does not have."""
    return {"configuration": {"annotations": {"options": WRONG}}}


def test_refused_wishes_are_worded_and_sent_again_when_the_configuration_is_mended(
    engine: Engine,
) -> None:
    """No new verdict is needed: the next run writes the mended texts."""
    engine.restart(**with_wrong_options())
    engine.sync()
    engine.restart()
    report = engine.sync()
    assert (0, []) == (report.exit_code, report.errors)
    for rank in OPEN:
        assert "confirmee" == engine.wishes(rank)["resultat"]
        assert engine.verdict(rank) == engine.remote(rank)


def test_a_finished_dossier_first_seen_without_evidence_is_judged_when_it_is_back(
    engine: Engine,
) -> None:
    """« Judged once » means once with evidence; it is never pushed all the same."""
    engine.control.catalogue.unavailable = True
    engine.sync()
    assert {"Indéterminé"} == {engine.verdict(rank) for rank in (5, 11)} - {"Inéligible"}
    engine.control.catalogue.unavailable = False
    engine.sync()
    assert "Indéterminé" not in {engine.verdict(rank) for rank in (5, 11)}
    assert [{}, {}] == [engine.wishes(rank) for rank in (5, 11)]


@pytest.fixture
def lost_champ() -> dict[str, Any]:
    """Settings whose mapping names a champ that no revision has."""
    mapping = base_settings().configuration.mapping
    lost = {"id": "Zm9v", "libelles": ("Un champ qui n’existe pas",)}
    target = mapping.champs.page_produit.model_copy(update=lost)
    champs = mapping.champs.model_copy(update={"page_produit": target})
    return {"configuration": {"mapping": {"champs": champs}}}


def test_another_mapping_reads_the_whole_copy_again(
    engine: Engine, lost_champ: dict[str, Any]
) -> None:
    """Mended or changed: the next incremental run is a full one by itself."""
    engine.restart(**lost_champ)
    told = engine.sync()
    assert 7 == told.exit_code
    assert any("page_produit" in error for error in told.errors)
    engine.advance(hours=1)
    engine.restart()
    report = engine.sync()
    assert (0, 12) == (report.exit_code, report.read)
    assert [] == engine.rows("SELECT numero FROM lecture_candidature WHERE verdict = 'Indéterminé'")
    assert [] == engine.rows("SELECT numero FROM lecture_changement WHERE origine = 'champ'")
