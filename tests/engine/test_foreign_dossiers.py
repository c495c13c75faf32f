"""Dossiers of another démarche: refused, and removed where they are in the copy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsync.domain.ids import DossierNumber
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.store.codes import Kind
from tests.engine.rig import DEMARCHE, PAGE, Engine, number, seeds

TABLES = ("dossier", "contenu", "candidature", "verdict", "outbox", "pousse", "evenement")


def with_a_neighbour(engine: Engine) -> DossierNumber:
    """Open another démarche of the same administrateur; return its one dossier's number."""
    [seed] = seeds([2])
    foreign = DossierNumber(number(0) + 5000)
    form = replace(FORM, number=DEMARCHE + 7)
    engine.sandbox.world.add_demarche(form, [replace(seed, number=foreign)])
    return foreign


def taken_for_ours(engine: Engine, foreign: DossierNumber, rank: int) -> None:
    """Store one of ours under the neighbour's number, as if that had been taken for ours."""
    for table in TABLES:
        engine.execute(f"UPDATE {table} SET numero = {foreign} WHERE numero = {number(rank)}")
    engine.execute(f"UPDATE dossier SET dossier_id = 'its own' WHERE numero = {foreign}")


@pytest.mark.fast
def test_a_dossier_of_another_demarche_is_refused(engine: Engine) -> None:
    """The token reaches it; it is named as one that DS does not show here, and nothing is kept."""
    foreign = with_a_neighbour(engine)
    report = engine.sync(dossiers=(foreign, number(0)))
    assert (7, 1) == (report.exit_code, report.read)
    [sentence] = report.errors
    assert f"Dossier {foreign}: DS does not show it (hidden, erased, of another" in sentence
    assert [{"numero": number(0)}] == engine.rows("SELECT numero FROM dossier")


def test_a_dossier_of_another_demarche_in_the_copy_is_removed_by_the_full_read(
    engine: Engine,
) -> None:
    """With all that was kept of it; it is never written into meanwhile."""
    foreign = with_a_neighbour(engine)
    engine.sync_until_quiet()
    taken_for_ours(engine, foreign, 3)
    engine.execute(f"UPDATE outbox SET statut = 'en_attente' WHERE numero = {foreign}")
    before = engine.control.truth_of(foreign)
    assert 7 == engine.sync(work=Kind.PUSH, dossiers=(foreign,)).exit_code
    report = engine.sync(full=True)
    # What dsync wrote into our own is in DS, and no longer in the database.
    assert (4, 1, {"present": 12}) == (report.exit_code, report.deleted, engine.presences())
    assert [str(number(3))] == [*engine.asked()[0].proposal.subjects]
    for table in TABLES:
        assert [] == engine.rows(f"SELECT numero FROM {table} WHERE numero = {foreign}"), table
    assert before == engine.control.truth_of(foreign)


def test_a_twin_that_is_another_demarches_counts_no_more(engine: Engine) -> None:
    """Once it is removed, those that were compared with it are judged again."""
    foreign = with_a_neighbour(engine)
    [first] = seeds([0])
    engine.control.edit_champ(number(3), PAGE, first.champs[PAGE])
    engine.sync_until_quiet()
    assert "À vérifier" == engine.verdict(0)
    taken_for_ours(engine, foreign, 3)
    engine.control.edit_champ(number(3), PAGE, "")
    assert 1 == engine.sync(full=True).deleted
    assert "Éligible" == engine.verdict(0)
