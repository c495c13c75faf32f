"""Deletions are followed: hidden, restored, erased, expired, vanished; and the brake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsync.domain.consent import Consent
from dsync.ds.answers import read_nodes
from dsync.sandbox import ScriptedFault
from dsync.sync.work import ReadAll
from tests.engine.conftest import Start
from tests.engine.rig import OPEN, PROBLEME, Engine, number
from tests.store.databases import dump, on_each

OPEN_ONE, FINISHED_ONE = 1, 5


def test_a_hidden_dossier_is_shown_as_such_until_it_is_back(engine: Engine) -> None:
    """Its data stay; it is neither judged nor written to before it is restored."""
    engine.sync_until_quiet()
    engine.control.hide(number(OPEN_ONE), "usager")
    engine.control.hide(number(FINISHED_ONE), "administration")
    assert 2 == engine.sync().deleted
    for rank in (OPEN_ONE, FINISHED_ONE):
        row = engine.one("lecture_candidature", rank)
        assert ("masque", True) == (row["presence"], bool(row["probleme"]))
        assert "masque" in engine.events(rank)
    engine.advance(hours=1)
    engine.control.restore(number(OPEN_ONE))
    engine.control.edit_champ(number(OPEN_ONE), 4102, "")
    assert 0 == engine.sync().exit_code
    assert "present" == engine.one("dossier", OPEN_ONE)["presence"]
    assert "restaure" in engine.events(OPEN_ONE)
    assert "Inéligible" == engine.remote(OPEN_ONE)


@on_each
def test_an_erased_dossier_leaves_no_personal_data(engine: Engine) -> None:
    """Number, state, dates, reason and each result stay; no word does, nor a byte of one."""
    engine.sync_until_quiet()
    # What was typed before is in the history, too.
    for words in ("Mot-témoin", "Une autre phrase-témoin", "Rien"):
        engine.control.edit_champ(number(OPEN_ONE), PROBLEME, words)
        engine.sync()
        engine.advance(minutes=11)
    assert "phrase-témoin" in str(engine.content()["changement"])
    truth = engine.control.truth_of(number(OPEN_ONE))
    engine.control.erase(number(OPEN_ONE))
    assert 1 == engine.sync().deleted
    row = engine.one("dossier", OPEN_ONE)
    assert ("supprime", "instructeur_request") == (row["presence"], row["presence_raison"])
    verdicts = engine.rows("SELECT * FROM verdict WHERE numero = :n", n=number(OPEN_ONE))
    assert {(True, False)} == {(bool(one["verdict"]), bool(one["detail"])) for one in verdicts}
    whole = str(engine.content(all_tables=True))
    for told in ("témoin", truth.usager_email, truth.raw_champs[4304], truth.raw_champs[4302]):
        assert told not in whole
    assert {"supprime", "efface"} <= set(engine.events(OPEN_ONE))
    if engine.url.startswith("sqlite"):
        assert [] == engine.files_with("témoin")
        return
    dumped = dump(engine.url)
    assert str(number(2)) in dumped
    assert "témoin" not in dumped
    vacuumed = engine.rows("SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0")
    erased = {"dossier", "contenu", "changement", "candidature", "verdict", "outbox", "evenement"}
    assert erased <= {row["relname"] for row in vacuumed}


def test_a_dossier_that_expires_before_its_day_is_found_by_the_full_read(engine: Engine) -> None:
    """It is in none of the three lists; those show where it is later; erased, its data go."""
    engine.sync_until_quiet()
    one = number(FINISHED_ONE)

    def presence() -> str:
        return str(engine.one("dossier", FINISHED_ONE)["presence"])

    engine.control.expire(one)
    assert 0 == engine.sync().deleted
    assert 1 == engine.sync(full=True).deleted
    assert ("disparu", "disparu") == (presence(), engine.events(FINISHED_ONE)[-1])
    assert engine.one("lecture_candidature", FINISHED_ONE)["probleme"]
    engine.control.restore(one)
    engine.control.hide(one, "administration")
    assert (1, "masque") == (engine.sync().deleted, presence())
    for _ in range(2):
        engine.sync(full=True)
        assert "masque" == presence()
    # Restored and expired between two runs: it is hidden by nobody any more.
    engine.control.restore(one)
    engine.control.expire(one)
    engine.sync(full=True)
    assert "disparu" == presence()
    engine.control.erase(one)
    engine.sync()
    assert "supprime" == presence()


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


def test_a_mass_deletion_by_the_lists_is_followed_and_told(engine: Engine) -> None:
    """An anomaly and an alert, until a person confirms it or most dossiers are back."""
    engine.begin(push=False)

    def told() -> list[str]:
        return [text for text in engine.alerts().values() if "at once" in text]

    mass = "SELECT numero, message FROM lecture_anomalie WHERE code = 'suppression_massive'"
    for rank in range(7):
        engine.control.hide(number(rank), "administration")
    # No brake holds up what the lists explain.
    assert (0, 7) == ((report := engine.sync(full=True, push=False)).exit_code, report.deleted)
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
