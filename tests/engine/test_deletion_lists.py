"""DS's lists of deletions: read whole, followed once, and never believed beyond what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest

from dsync.ds.results import ListRequest
from dsync.sandbox import ScriptedFault
from dsync.sync.work import ReadChanges
from tests.engine.conftest import Start
from tests.engine.rig import PAGE, Engine, number
from tests.engine.test_deletions import FINISHED_ONE, OPEN_ONE
from tests.profiles import long


def take_away_many(engine: Engine, *, erased: bool) -> None:
    """Hide 110 dossiers, more than a page of a list shows; erase them too, if wanted."""
    present = [t.number for t in engine.control.truth() if t.presence == "present"]
    for gone in present[:110]:
        engine.control.hide(gone, "administration")
        if erased:
            engine.control.erase(gone)


def test_a_back_dated_erasure_is_found(engine: Engine) -> None:
    """Told with the day it was hidden, sixteen days ago: the lists are asked from there on."""
    engine.sync_until_quiet()
    engine.control.hide(number(OPEN_ONE), "usager")
    for days in (1, 14, 1):
        engine.advance(days=days)
        engine.sync()
    engine.control.erase(number(OPEN_ONE))
    engine.advance(hours=1)
    report = engine.sync()
    assert (1, "supprime") == (report.deleted, engine.one("dossier", OPEN_ONE)["presence"])


def test_lists_that_are_followed_already_are_no_news(engine: Engine) -> None:
    """The same entry again makes no event."""
    engine.sync_until_quiet()
    engine.control.hide(number(OPEN_ONE))
    engine.control.erase(number(2))
    # The twin of the hidden one is judged again, written to, and read back.
    engine.sync_until_quiet()
    before = engine.content()
    assert 0 == engine.sync().deleted
    assert 0 == engine.sync(full=True).deleted
    assert before == engine.content()


@pytest.mark.fast
def test_a_dossier_that_expires_on_its_day_is_found_at_once(engine: Engine) -> None:
    """It is asked for by its number for some days; one that DS still shows stays as it is."""
    for rank in (FINISHED_ONE, 11):
        ended = engine.control.clock.now() - timedelta(days=365) + timedelta(hours=2)
        engine.control.world.dossier(number(rank)).traite_at = ended
    engine.begin(push=False)
    for hours, asked in ((1, 0), (3, 1)):
        engine.advance(hours=hours)
        engine.control.forget_requests()
        assert 0 == engine.sync(push=False).deleted
        assert asked == len(engine.requests("Exist"))
    engine.control.expire(number(FINISHED_ONE))
    assert 1 == engine.sync(push=False).deleted
    assert ("disparu", "present") == (
        engine.one("dossier", FINISHED_ONE)["presence"],
        engine.one("dossier", 11)["presence"],
    )
    engine.advance(days=4)
    engine.control.forget_requests()
    assert 0 == engine.sync(push=False).deleted
    assert [] == engine.requests("Exist")


@pytest.mark.fast
def test_a_dossier_hidden_long_ago_stays_hidden(engine: Engine) -> None:
    """A full read asks the whole lists, not those of the last weeks: it has not vanished."""
    engine.sync_until_quiet()
    engine.control.hide(number(FINISHED_ONE), "administration")
    engine.sync_until_quiet()
    engine.advance(days=40)
    for _ in range(2):
        assert 0 == engine.sync(full=True).deleted
    assert "masque" == engine.one("dossier", FINISHED_ONE)["presence"]


@pytest.mark.fast
def test_each_run_sees_who_was_hidden_or_erased(engine: Engine) -> None:
    """In the request of its first page: it asks for no more than a run without news."""
    engine.begin(push=False)
    engine.control.hide(number(OPEN_ONE))
    engine.control.hide(number(2), "administration")
    engine.control.erase(number(2))
    engine.advance(minutes=5)
    engine.control.forget_requests()
    assert 2 == engine.sync(push=False, deletions=False).deleted
    assert ["DossiersPage"] == [one.operation for one in engine.requests()]
    assert ("masque", "supprime") == (
        engine.one("dossier", OPEN_ONE)["presence"],
        engine.one("dossier", 2)["presence"],
    )


@pytest.mark.long
def test_of_many_dossiers_the_hidden_ones_are_asked_for_each_hour(start: Start) -> None:
    """DS goes through all of them for that list; short runs do not put off the hourly one."""
    engine = start(range(1_050))
    engine.begin(push=False)
    before = engine.state().last_deletions_at
    engine.control.hide(number(OPEN_ONE))
    engine.control.hide(number(2), "administration")
    engine.control.erase(number(2))
    engine.advance(hours=2)
    assert 1 == engine.sync(push=False, deletions=False).deleted
    variables = engine.pages()[-1].variables
    assert (False, True) == (variables["withPending"], variables["withDeleted"])
    assert before == engine.state().last_deletions_at
    due = engine.worker.app.due()
    assert due
    assert due.work == ReadChanges(deletions=True)
    assert 1 == engine.sync().deleted


@pytest.mark.parametrize("presence", [long("masque"), "supprime"])
def test_long_lists_are_read_to_their_ends(start: Start, presence: str) -> None:
    """More than a page of deletions, in either list."""
    engine = start(range(130))
    engine.begin(push=False)
    take_away_many(engine, erased=presence == "supprime")
    report = engine.sync(push=False)
    assert (110, 110) == (report.deleted, engine.presences()[presence])


@pytest.mark.parametrize("which", [long("pending"), "deleted"])
def test_a_list_whose_cursors_go_round_is_told(start: Start, which: str) -> None:
    """Two cursors in turn never repeat one after the other, and never end."""
    engine = start(range(130))
    engine.begin(push=False)
    take_away_many(engine, erased=which == "deleted")
    turns = cycle(["MQ", "Mg"])

    def deletions(original: Callable[..., Any], *args: Any, **lists: Any) -> Any:
        assert len(engine.requests("Deletions")) < 10
        found = dict(zip(("pending", "deleted"), original(*args, **lists), strict=True))
        found[which] = replace(found[which], next_request=ListRequest(None, next(turns)))
        return tuple(found.values())

    engine.worker.client.around["deletions"] = deletions
    report = engine.sync(push=False)
    assert (7, 110) == (report.exit_code, report.deleted)
    named = {"pending": "hidden dossiers", "deleted": "erased dossiers"}[which]
    assert [named in error for error in report.errors] == [True]


@pytest.mark.fast
def test_a_page_is_newer_than_the_lists_that_came_with_it(engine: Engine) -> None:
    """Restored between the two: the lists still tell it, the page shows it, the page is right."""
    engine.sync_until_quiet()
    engine.control.hide(number(OPEN_ONE))
    engine.sync_until_quiet()
    engine.shrink(1)
    # The page of one fails with the lists in it: they are asked by themselves, before the page.
    engine.control.faults.fail(ScriptedFault("timeout", "DossiersPage"))

    def deletions(original: Callable[..., Any], *args: Any, **lists: Any) -> Any:
        found = original(*args, **lists)
        engine.control.restore(number(OPEN_ONE))
        return found

    engine.worker.client.around["deletions"] = deletions
    report = engine.sync(push=False)
    assert (0, 1) == (report.exit_code, report.read)
    assert "present" == engine.one("dossier", OPEN_ONE)["presence"]
    assert "restaure" == engine.events(OPEN_ONE)[-1]


@pytest.mark.parametrize(("which", "full"), [("pending", True), ("deleted", False)])
def test_a_list_that_ds_fails_on_costs_that_list_alone(
    engine: Engine, which: str, full: bool
) -> None:
    """It is named, the other is followed; repaired, it is read from its last good point."""
    engine.sync_until_quiet()
    before = engine.state()
    engine.control.hide(number(OPEN_ONE), "administration")
    engine.control.erase(number(2))
    bad = OPEN_ONE if which == "pending" else 2
    engine.control.faults.spoil_entry(number(bad))
    gone = {OPEN_ONE: "masque", 2: "supprime"}
    read = ({OPEN_ONE, 2} - {bad}).pop()
    for _ in range(2):
        engine.advance(days=20)
        engine.control.edit_champ(number(0), PAGE, "")
        report = engine.sync(full=full)
        assert (7, "partial") == (report.exit_code, report.status)
        [error] = report.errors
        assert {"pending": "pendingDeletedDossiers", "deleted": "deletedDossiers"}[which] in error
        assert gone[read] == engine.one("dossier", read)["presence"]
        assert ("disparu" if full else "present") == engine.one("dossier", bad)["presence"]
        state = engine.state()
        assert state.last_success_at == engine.control.clock.now()
        assert (state.last_full_at == state.last_success_at) is full
        kept = {"pending": state.last_pending_at, "deleted": state.last_deleted_at}
        assert getattr(before, f"last_{which}_at") == kept.pop(which)
        assert [engine.control.clock.now()] == [*kept.values()]
    assert "Inéligible" == engine.remote(0)
    if full:
        assert engine.worker.app.due() is None, "the list is asked again in an hour, not at once"
    engine.control.faults.repair(number(bad))
    assert 0 == engine.sync().exit_code
    assert gone[bad] == engine.one("dossier", bad)["presence"]


@pytest.mark.fast
def test_both_lists_that_fail_leave_hidden_dossiers_hidden(engine: Engine) -> None:
    """A full read then says nothing of those that no list shows."""
    engine.sync_until_quiet()
    engine.control.hide(number(OPEN_ONE), "administration")
    engine.control.erase(number(2))
    engine.sync()
    engine.control.faults.spoil_entry(number(OPEN_ONE))
    engine.control.faults.spoil_entry(number(2))
    report = engine.sync(full=True)
    assert (7, 2, 10) == (report.exit_code, len(report.errors), report.read)
    assert ["masque", "supprime"] == [
        engine.one("dossier", rank)["presence"] for rank in (OPEN_ONE, 2)
    ]
