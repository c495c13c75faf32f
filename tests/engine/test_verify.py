"""`dsync db verify`: what does not fit is found, with its dossiers; a sound copy has nothing."""

from __future__ import annotations

from typing import Any

import pytest

from dsync.sync.erasure import erase
from tests.engine.doom import Doom, KilledError
from tests.engine.rig import ETAPE, PROBLEME, RESULTAT, Engine, Worker, number


def found(engine: Engine, *, remote: bool = False) -> dict[str, tuple[int, ...]]:
    """Return the dossiers of each finding, by check."""
    return found_by(engine.worker, remote=remote)


def found_by(worker: Worker, *, remote: bool = False) -> dict[str, tuple[int, ...]]:
    """Return the same, by a process."""
    done = worker.app.verify(remote=remote)
    return {one.check: one.dossiers for one in done.findings}


def test_a_copy_after_a_life_of_changes_fits(engine_on_each: Engine) -> None:
    """Edits, erasures, hidden dossiers, unreadable parts, conflicts: nothing is found."""
    engine = engine_on_each
    assert {} == found(engine)
    engine.sync()
    assert {} == found(engine, remote=True)
    engine.control.edit_champ(number(0), PROBLEME, "Un autre problème")
    engine.control.edit_annotation(number(1), ETAPE, "Jury")
    engine.control.hide(number(2))
    engine.control.erase(number(3))
    engine.control.null_field(number(4), ("groupeInstructeur", "label"))
    engine.control.edit_annotation(number(6), RESULTAT, "Inéligible")
    engine.advance(minutes=20)
    engine.sync(full=True)
    done = engine.worker.app.verify(remote=True)
    assert [] == done.findings
    assert done.recomputed == 11
    assert done.compared_with_ds > 20


@pytest.mark.parametrize("point", [8, 12, 16, 24])
def test_a_copy_of_a_killed_run_fits(engine: Engine, point: int) -> None:
    """Nothing is half done, also within the first full read."""
    Doom(engine.worker).at(point)
    with pytest.raises(KilledError):
        engine.sync()
    assert {} == found_by(engine.restart())


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE contenu SET champs = '[]' WHERE numero = {n}", "hashes"),
        ("UPDATE dossier SET archive = true WHERE numero = {n}", "hashes"),
        ("UPDATE dossier SET annotations_hash = 'x' WHERE numero = {n}", "hashes"),
        ("DELETE FROM contenu WHERE numero = {n}", "contents"),
        ("DELETE FROM candidature WHERE numero = {n}", "contents"),
    ],
)
def test_a_damaged_dossier_is_found_and_stored_again(
    engine_on_each: Engine, damage: str, check: str
) -> None:
    """The remedy, `dsync sync --dossier N`, makes it fit again, without an event or a change."""
    engine = engine_on_each
    engine.sync_until_quiet()
    before = engine.content()
    engine.execute(damage.format(n=number(0)))
    assert {check: (number(0),)} == found(engine)
    report = engine.sync(dossiers=(number(0),))
    assert 0 == report.exit_code
    assert {} == found(engine)
    if check == "hashes":
        for table in ("contenu", "candidature", "evenement", "changement", "verdict"):
            assert before[table] == engine.content()[table]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            "INSERT INTO changement (numero, demarche_numero, origine, champ_id, constate_le, "
            "apres_depot, par) VALUES (77, 86321, 'champ', 'x', '2026-01-01', true, 'usager')",
            {"orphans.changement": (77,)},
        ),
        ("DELETE FROM verdict WHERE id = (SELECT min(id) FROM verdict)", {}),
        ("UPDATE verdict SET courant = false WHERE numero = {n}", {"current_verdict": "n"}),
        ("UPDATE sync_state SET watermark = '2030-01-01 00:00:00+00:00'", {"watermark": ()}),
        ("UPDATE sync_state SET watermark = NULL", {"watermark": ()}),
        ("UPDATE dossier SET modifie_le = '2030-01-01 00:00:00+00:00'", {"watermark": ()}),
    ],
)
def test_rows_that_do_not_fit_each_other_are_found(
    engine_on_each: Engine, damage: str, expected: dict[str, Any]
) -> None:
    """Each finding names its dossiers and its remedy."""
    engine = engine_on_each
    engine.sync_until_quiet()
    engine.execute(damage.format(n=number(0)))
    named = {check: (number(0),) if of == "n" else of for check, of in expected.items()}
    assert named == found(engine)


def test_an_orphaned_dossier_row_is_found_in_each_table(engine_on_each: Engine) -> None:
    """A dossier's row is gone, its other rows are still there."""
    engine = engine_on_each
    engine.sync_until_quiet()
    engine.execute(f"DELETE FROM dossier WHERE numero = {number(0)}")
    names = {f"orphans.{table}" for table in ("contenu", "candidature", "verdict", "evenement")}
    names |= {"orphans.outbox", "orphans.pousse", "orphans.changement"}
    assert dict.fromkeys(names, (number(0),)) == found(engine)


@pytest.mark.parametrize("on_request", [True, False])
def test_an_erased_dossier_with_contents_is_found_and_erased_again(
    engine_on_each: Engine, on_request: bool
) -> None:
    """Erased on request or by DS: texts that came back are found, and go by the remedy."""
    engine = engine_on_each
    engine.sync_until_quiet()
    if on_request:
        erase(engine.worker.app.context, number(0), asked_by="cli:x")
    else:
        engine.control.erase(number(0))
        engine.advance(hours=2)
        engine.sync(full=True)
    assert {} == found(engine)
    engine.execute(f"UPDATE dossier SET raison_sociale = 'X' WHERE numero = {number(0)}")
    assert {"erased": (number(0),)} == found(engine)
    assert 0 == erase(engine.worker.app.context, number(0), asked_by="cli:x").exit_code
    assert {} == found(engine)


@pytest.mark.parametrize(
    "view", ["lecture_champ", "lecture_candidature", "formulaire_86321_profils_souhaites"]
)
def test_a_view_that_shows_less_than_is_stored_is_found(engine_on_each: Engine, view: str) -> None:
    """The rows and values that it shows are counted dossier by dossier; a lost view is named."""
    engine = engine_on_each
    engine.sync_until_quiet()
    engine.execute(f"CREATE TABLE shown AS SELECT * FROM {view} WHERE numero <> {number(0)}")
    if engine.url.startswith("postgresql"):
        engine.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM shown")
    else:
        engine.execute(f"DROP VIEW {view}")
        [lost] = engine.worker.app.verify(remote=False).findings
        assert ("views", True) == (lost.check, view in lost.message)
        engine.execute(f"CREATE VIEW {view} AS SELECT * FROM shown")
    assert (number(0),) == found(engine)["views"]


def test_values_that_ds_does_not_have_are_found_by_few_requests(engine_on_each: Engine) -> None:
    """A value that was edited in DS since the last read; twelve dossiers take one request."""
    engine = engine_on_each
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    assert {} == found(engine)
    engine.control.forget_requests()
    assert {"remote": (number(0),)} == found(engine, remote=True)
    assert 1 == len(engine.requests())
    engine.sync()
    assert {} == found(engine, remote=True)


def test_another_mapping_than_that_of_the_copy_is_said_in_one_finding(engine: Engine) -> None:
    """Not a misfit of each dossier: the configuration is the one to look at."""
    engine.sync_until_quiet()
    engine.execute("UPDATE sync_state SET mapping_key = 'another'")
    [finding] = engine.worker.app.verify(remote=False).findings
    assert ("hashes", ()) == (finding.check, finding.dossiers)
    assert "[mapping]" in finding.message


def test_nothing_is_written_while_it_verifies(engine_on_each: Engine) -> None:
    """Every row of every table is as before, and DS got no mutation."""
    engine = engine_on_each
    engine.sync_until_quiet()
    before = engine.content(all_tables=True)
    engine.worker.app.verify(remote=True)
    assert before == engine.content(all_tables=True)
    assert [] == engine.mutations()
