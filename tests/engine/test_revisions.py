"""A new revision moves no date: who has read what is worked out, also across kills."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dsync.sandbox import Change, ScriptedFault
from tests.engine.rig import NOW, PROBLEME, Engine, number

RENAMED = Change(rename={PROBLEME: "Le problème"})


def labels(engine: Engine) -> set[str]:
    """Return the labels under which the open dossiers' champ is stored."""
    rows = engine.rows(
        "SELECT c.libelle FROM lecture_champ c JOIN dossier d ON d.numero = c.numero "
        "WHERE champ_id = 'Q2hhbXAtNDEwNQ==' AND d.etat IN ('en_construction', 'en_instruction')"
    )
    return {row["libelle"] for row in rows}


def test_a_new_revision_is_followed_by_a_full_read_at_once(engine: Engine) -> None:
    """The incremental read sees its number, and fetches it before a page of it is stored."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(RENAMED)
    engine.control.edit_champ(number(0), PROBLEME, "Autre")
    report = engine.sync()
    assert (0, 10, {"Le problème"}) == (report.exit_code, report.changed, labels(engine))
    assert "Autre" == engine.one("lecture_candidature", 0)["probleme"]


@pytest.mark.parametrize("full", [False, True], ids=["incremental", "full"])
def test_a_full_read_is_due_until_the_open_dossiers_are_rebased(engine: Engine, full: bool) -> None:
    """DS rebases them some time after: what it has not yet is read again, and then no more."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(RENAMED, rebases=False)
    engine.sync(full=full)
    assert {"Le problème"} != labels(engine)
    engine.control.form.rebase()
    asked = []
    for _ in range(2):
        engine.advance(minutes=3)
        engine.control.forget_requests()
        engine.sync()
        asked.append(engine.pages()[0].variables["updatedSince"][:4])
    assert (["1970", "2026"], {"Le problème"}) == (asked, labels(engine))


def test_what_ds_does_not_rebase_within_a_day_is_left_to_the_nights(engine: Engine) -> None:
    """The engine asks for no more full reads by itself."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(RENAMED, rebases=False)
    engine.sync()
    while (due_at := engine.state().full_due_at) is not None:
        engine.control.clock.set_clock(due_at)
        engine.sync()
    elapsed = engine.control.clock.now() - NOW
    assert timedelta(days=1) < elapsed < timedelta(days=3)


def test_a_revision_published_after_a_full_read_was_cut_off_is_seen_by_all(engine: Engine) -> None:
    """The read that goes on from the cursor has not seen what lies before it."""
    engine.sync_until_quiet()
    engine.shrink(4)
    engine.control.faults.fail(ScriptedFault("bad_gateway", "DossiersPage", after=1, times=None))
    engine.sync(full=True)
    engine.control.faults.clear_faults()
    engine.control.form.publish_revision(RENAMED)
    engine.sync(full=True)
    assert {"Le problème"} == labels(engine)


def test_a_revision_published_during_a_full_read_is_followed(engine: Engine) -> None:
    """The dossiers of the first page are read again once DS has rebased them."""
    engine.sync_until_quiet()
    engine.shrink(4)
    around = engine.worker.client.around

    def publishing(read_page: Callable[..., Any], *given: Any, **options: Any) -> Any:
        del around["read_page"]
        answer = read_page(*given, **options)
        engine.control.form.publish_revision(RENAMED, rebases=False)
        return answer

    around["read_page"] = publishing
    engine.sync(full=True)
    engine.control.form.rebase()
    engine.advance(minutes=3)
    engine.sync()
    assert {"Le problème"} == labels(engine)


@pytest.mark.parametrize("after", [0, 1])
def test_a_revision_stays_due_when_its_full_read_fails(engine: Engine, after: int) -> None:
    """Whoever comes next reads all, though it finds the revision known already."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(RENAMED)
    engine.shrink(4)
    # The incremental page comes, the full read's pages fail.
    engine.control.faults.fail(
        ScriptedFault("bad_gateway", "DossiersPage", after=1 + after, times=None)
    )
    assert 8 == engine.sync().exit_code
    engine.control.faults.clear_faults()
    engine.advance(minutes=1)
    engine.restart().sync()
    assert {"Le problème"} == labels(engine)


def test_a_draft_is_not_taken_for_the_revision_that_it_becomes(engine: Engine) -> None:
    """DS gives the draft among the revisions, under the id that it keeps when it is published."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(RENAMED)
    engine.sync(dossiers=(number(0),))
    name = "SELECT libelle FROM lecture_champ WHERE numero = :n AND champ_id = 'Q2hhbXAtNDEwNQ=='"
    assert [{"libelle": "Le problème"}] == engine.rows(name, n=number(0))
