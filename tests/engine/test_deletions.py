"""Deletions are followed: hidden, restored, erased, expired, vanished; and the brake."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.domain.ids import DossierNumber
from dsync.domain.run_kinds import Kind
from dsync.ds.answers import read_nodes
from dsync.sandbox import ScriptedFault
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.service.alerts import findings_of
from dsync.store.engine import BUSY_TIMEOUT_S
from dsync.sync.work import ReadAll
from tests.acceptance.worker.installed import slowdown
from tests.engine.conftest import Start
from tests.engine.rig import DEMARCHE, OPEN, PAGE, PROBLEME, Engine, number, seeds
from tests.store.databases import dump

OPEN_ONE, FINISHED_ONE = 1, 5


@pytest.mark.parametrize(("rank", "by"), [(1, "usager"), (5, "administration")])
def test_a_hidden_dossier_is_shown_as_such(engine: Engine, rank: int, by: str) -> None:
    """Its data stay; it is neither judged nor written to."""
    engine.sync_until_quiet()
    engine.control.hide(number(rank), by)  # type: ignore[arg-type]
    report = engine.sync()
    row = engine.one("lecture_candidature", rank)
    assert (1, "masque") == (report.deleted, row["presence"])
    assert row["probleme"]
    assert "masque" in engine.events(rank)


def test_a_restored_dossier_is_back_and_judged(engine: Engine) -> None:
    """With what changed meanwhile."""
    engine.sync_until_quiet()
    engine.control.hide(number(OPEN_ONE))
    engine.sync()
    engine.advance(hours=1)
    engine.control.restore(number(OPEN_ONE))
    engine.control.edit_champ(number(OPEN_ONE), 4102, "")
    report = engine.sync()
    assert 0 == report.exit_code
    assert "present" == engine.one("dossier", OPEN_ONE)["presence"]
    assert "restaure" in engine.events(OPEN_ONE)
    assert "Inéligible" == engine.remote(OPEN_ONE)


def test_an_erased_dossier_leaves_no_personal_data(engine_on_each: Engine) -> None:
    """Number, state, dates and reason stay, with each verdict's result; nobody's words do."""
    engine = engine_on_each
    engine.control.edit_champ(number(OPEN_ONE), PROBLEME, "Mot-témoin")
    engine.sync_until_quiet()
    assert "Mot-témoin" in str(engine.content(all_tables=True))
    truth = engine.control.truth_of(number(OPEN_ONE))
    engine.control.erase(number(OPEN_ONE))
    assert 1 == engine.sync().deleted
    row = engine.one("dossier", OPEN_ONE)
    assert ("supprime", "instructeur_request") == (row["presence"], row["presence_raison"])
    [verdict] = engine.rows("SELECT * FROM verdict WHERE numero = :n", n=number(OPEN_ONE))
    assert verdict["verdict"]
    assert not verdict["detail"]
    whole = str(engine.content(all_tables=True))
    for told in ("Mot-témoin", truth.usager_email, truth.raw_champs[4304], truth.raw_champs[4302]):
        assert told not in whole
    assert ["masque"] not in engine.events(OPEN_ONE)
    assert {"supprime", "efface"} <= set(engine.events(OPEN_ONE))


def test_an_erasure_leaves_nothing_in_the_databases_files(engine_on_each: Engine) -> None:
    """SQLite's file and WAL hold no word of it, nor does a dump; old rows are vacuumed."""
    engine = engine_on_each
    engine.sync_until_quiet()
    # What was typed before is in the history, too.
    for words in ("Mot-témoin", "Une autre phrase-témoin", "Rien"):
        engine.control.edit_champ(number(OPEN_ONE), PROBLEME, words)
        engine.sync()
        engine.advance(minutes=11)
    assert "phrase-témoin" in str(engine.content()["changement"])
    engine.control.erase(number(OPEN_ONE))
    assert 1 == engine.sync().deleted
    assert "témoin" not in str(engine.content(all_tables=True))
    if engine.url.startswith("sqlite"):
        assert [] == engine.files_with("témoin")
        return
    dumped = dump(engine.url)
    assert str(number(2)) in dumped
    assert "témoin" not in dumped
    vacuumed = engine.rows("SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0")
    erased = {"dossier", "contenu", "changement", "candidature", "verdict", "outbox", "evenement"}
    assert erased <= {row["relname"] for row in vacuumed}


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


def test_a_dossier_that_expires_before_its_day_is_found_by_the_full_read(engine: Engine) -> None:
    """It is in none of the three lists; once erased, its data go."""
    engine.sync_until_quiet()
    engine.control.expire(number(FINISHED_ONE))
    assert 0 == engine.sync().deleted
    assert 1 == engine.sync(full=True).deleted
    assert "disparu" == engine.one("dossier", FINISHED_ONE)["presence"]
    assert "disparu" == engine.events(FINISHED_ONE)[-1]
    assert engine.one("lecture_candidature", FINISHED_ONE)["probleme"]
    engine.control.erase(number(FINISHED_ONE))
    engine.sync()
    assert "supprime" == engine.one("dossier", FINISHED_ONE)["presence"]


def test_a_hidden_dossier_that_leaves_the_lists_has_vanished(engine: Engine) -> None:
    """Restored and expired between two runs: it is hidden by nobody any more."""
    engine.sync_until_quiet()
    engine.control.hide(number(FINISHED_ONE), "administration")
    engine.sync(full=True)
    engine.sync(full=True)
    assert "masque" == engine.one("dossier", FINISHED_ONE)["presence"]
    engine.control.restore(number(FINISHED_ONE))
    engine.control.expire(number(FINISHED_ONE))
    engine.sync(full=True)
    assert "disparu" == engine.one("dossier", FINISHED_ONE)["presence"]


def miss(engine: Engine, rank: int) -> None:
    """Have DS's pages pass over a dossier."""

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        page = read_nodes(original(*args, **options))
        page.nodes[:] = [node for node in page.nodes if node.number != number(rank)]
        return page

    engine.worker.client.around["read_page"] = read_page


def test_a_dossier_that_no_page_showed_is_asked_for_by_number(engine: Engine) -> None:
    """It is there: read and stored, not marked as vanished."""
    engine.sync_until_quiet()
    engine.control.edit_champ(number(OPEN_ONE), PROBLEME, "Autre")
    miss(engine, OPEN_ONE)
    report = engine.sync(full=True)
    assert (0, 0) == (report.exit_code, report.deleted)
    assert {"present": 12} == engine.presences()
    assert "Autre" == engine.one("lecture_candidature", OPEN_ONE)["probleme"]


def test_a_dossier_that_no_page_showed_and_that_is_bad_is_quarantined(engine: Engine) -> None:
    """It is there, by its number, and cannot be read: neither vanished nor the run's end."""
    engine.sync_until_quiet()
    miss(engine, OPEN_ONE)

    def demarches_of(original: Callable[..., Any], *args: Any) -> Any:
        engine.control.faults.return_null(number(OPEN_ONE), champs_only=True)
        return original(*args)

    engine.worker.client.around["demarches_of"] = demarches_of
    report = engine.sync(full=True)
    assert ({"present": 12}, {OPEN_ONE}) == (engine.presences(), set(engine.quarantine()))
    assert (7, 1, 0) == (report.exit_code, report.quarantined, report.deleted)


def test_the_brake_stops_a_mass_disappearance(engine: Engine) -> None:
    """More than five of twelve in no list: none is marked, exit 4, again until confirmed."""
    engine.sync_until_quiet()
    for rank in range(6):
        engine.control.expire(number(rank))
    before = engine.presences()
    engine.advance(days=1)
    for _ in range(2):
        report = engine.sync(full=True)
        assert (4, 0, before) == (report.exit_code, report.deleted, engine.presences())
        assert "`dsync accept deletions`" in report.errors[0]
        due = engine.worker.app.due()
        is_full = due is not None and isinstance(due.work, ReadAll)
        assert not is_full, "not at each tick, but tomorrow night"
    report = engine.accept(Consent.DELETIONS)
    assert (0, 6, []) == (report.exit_code, report.deleted, engine.asked())
    assert {"present": 6, "disparu": 6} == engine.presences()


def test_the_brake_with_another_mapping_stops_one_run(engine: Engine) -> None:
    """All pages were stored with it: the next runs read what changed, and judge and push it."""
    engine.begin()
    engine.restart(sections=("demarche", "ds"))
    for rank in OPEN[:6]:
        engine.control.expire(number(rank))
    codes = [engine.sync().exit_code, engine.accept(Consent.CONFIG).exit_code]
    engine.advance(minutes=11)
    codes.append(engine.sync().exit_code)
    assert [2, 4, 0] == codes
    assert [] == engine.rows("SELECT numero FROM candidature")


def test_the_brake_believes_a_share_of_the_demarche(start: Start) -> None:
    """Of a large démarche more may expire in a night: half of those present, here."""
    engine = start()
    engine.sync_until_quiet()
    engine.restart(configuration={"safety": {"disappearances_percent": 50}})
    for rank in range(6):
        engine.control.expire(number(rank))
    assert (0, 6) == (engine.sync(full=True).exit_code, engine.presences()["disparu"])
    for rank in range(6, 12):
        engine.control.expire(number(rank))
    report = engine.sync(full=True)
    assert (4, 6) == (report.exit_code, engine.presences()["disparu"])
    assert "at most 5" in report.errors[0]


def test_the_brake_lets_pass_what_the_lists_explain(engine: Engine) -> None:
    """Hidden ones are no disappearance, however many."""
    engine.sync_until_quiet()
    for rank in range(8):
        engine.control.hide(number(rank), "administration")
    report = engine.sync(full=True)
    assert (0, 8, 8) == (report.exit_code, report.deleted, engine.presences()["masque"])


def test_a_mass_deletion_by_the_lists_is_followed_and_told(engine: Engine) -> None:
    """An anomaly and an alert, until a person confirms it or most dossiers are back."""
    engine.begin(push=False)

    def told() -> list[str]:
        app, now = engine.worker.app, engine.control.clock.now()
        texts = [one.text for one in findings_of(app, app.state(now), now)]
        return [text for text in texts if "at once" in text]

    mass = "SELECT numero, message FROM lecture_anomalie WHERE code = 'suppression_massive'"
    for rank in range(7):
        engine.control.hide(number(rank), "administration")
    assert (0, 7) == ((report := engine.sync(push=False)).exit_code, report.deleted)
    [row] = engine.rows(mass)
    assert row["numero"] is None
    assert row["message"].startswith("7 dossiers sur 12 ont été masqués ou supprimés")
    [text] = told()
    assert text.startswith("DS's own lists hid or erased 7 dossiers of 12 at once")
    engine.control.restore(number(0))
    engine.advance(minutes=1)
    engine.sync(push=False)
    assert [1, 1] == [len(engine.rows(mass)), len(told())]
    engine.control.restore(number(1))
    engine.advance(minutes=1)
    engine.sync(push=False)
    assert ([], []) == (engine.rows(mass), told())
    engine.advance(minutes=1)
    for rank in range(2):
        engine.control.hide(number(rank), "administration")
    for rank in range(7, 11):
        engine.control.erase(number(rank))
    engine.sync(push=False)
    assert [1, 1] == [len(engine.rows(mass)), len(told())]
    assert 0 == engine.sync(full=True, accept_deletions=True).exit_code
    assert ([], []) == (engine.rows(mass), told())


def test_a_dossier_that_a_failed_full_read_did_not_reach_is_not_gone(engine: Engine) -> None:
    """Only a full read that came to its end says who has vanished."""
    engine.sync_until_quiet()
    engine.shrink(3)
    engine.control.faults.fail(ScriptedFault("bad_gateway", "DossiersPage", after=2, times=None))
    assert 8 == engine.sync(full=True).exit_code
    assert {"present": 12} == engine.presences()
    engine.control.faults.clear_faults()
    engine.sync(full=True)
    assert {"present": 12} == engine.presences()


# --- another démarche's dossiers --------------------------------------------------------------

TABLES = ("dossier", "contenu", "candidature", "verdict", "outbox", "pousse", "evenement")


def with_a_neighbour(engine: Engine) -> DossierNumber:
    """Open another démarche of the same administrateur; return its one dossier's number."""
    [seed] = seeds([2])
    foreign = DossierNumber(number(0) + 5000)
    form = replace(FORM, number=DEMARCHE + 7)
    engine.sandbox.world.add_demarche(form, [replace(seed, number=foreign)])
    return foreign


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
    for table in TABLES:  # As if the neighbour's had been taken for ours.
        engine.execute(f"UPDATE {table} SET numero = {foreign} WHERE numero = {number(3)}")
    engine.execute(f"UPDATE dossier SET dossier_id = 'its own' WHERE numero = {foreign}")
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
    for table in TABLES:
        engine.execute(f"UPDATE {table} SET numero = {foreign} WHERE numero = {number(3)}")
    engine.execute(f"UPDATE dossier SET dossier_id = 'its own' WHERE numero = {foreign}")
    engine.control.edit_champ(number(3), PAGE, "")
    assert 1 == engine.sync(full=True).deleted
    assert "Éligible" == engine.verdict(0)
