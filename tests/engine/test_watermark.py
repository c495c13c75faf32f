"""Nothing is missed: the watermark, the overlap, and what moves while it is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dsync.ds.answers import read_nodes
from dsync.sandbox import ScriptedFault
from tests.engine.rig import NOW, PROBLEME, Engine, dated, number, seeds
from tests.store.databases import postgresql_if_long


def since(engine: Engine) -> str:
    """Return from when the last run read."""
    asked: str = engine.pages()[-1].variables["updatedSince"]
    return asked


def edit_six(engine: Engine) -> None:
    """Edit six dossiers of a copy that is up to date, a minute apart."""
    engine.sync_until_quiet()
    for rank in range(6):
        engine.advance(minutes=1)
        engine.control.edit_champ(number(rank), PROBLEME, "Avant")


def fail_after(engine: Engine, *, pages: int, changed: int) -> None:
    """Have DS fail for a whole run after some pages, whose changes are stored."""
    engine.control.faults.fail(
        ScriptedFault("bad_gateway", "DossiersPage", after=pages, times=None)
    )
    failed = engine.sync()
    assert (8, changed) == (failed.exit_code, failed.changed)
    engine.control.faults.clear_faults()


def test_an_incremental_run_starts_ten_minutes_before_the_watermark(engine: Engine) -> None:
    """What becomes visible late behind the cursor is met by the overlap."""
    engine.begin()
    assert NOW == engine.state().watermark
    engine.control.forget_requests()
    engine.advance(hours=3)
    engine.sync()
    assert (NOW - timedelta(minutes=10)).isoformat() == since(engine)


def test_a_late_commit_is_seen(engine: Engine) -> None:
    """A date set before the commit, visible after a run has passed it."""
    engine.sync_until_quiet()
    began = engine.control.clock.now()
    engine.advance(minutes=4)
    engine.control.edit_champ(number(1), PROBLEME, "À l’heure")
    assert 1 == engine.sync().changed
    engine.control.edit_champ(number(0), PROBLEME, "Tardif", at=began)
    engine.advance(minutes=4)
    assert 1 == engine.sync().changed


def test_equal_timestamps_across_a_page_are_all_read(engine: Engine) -> None:
    """Eight dossiers changed at one instant, three a page."""
    engine.sync_until_quiet()
    for rank in range(8):
        engine.control.edit_champ(number(rank), PROBLEME, "Ensemble")
    engine.shrink(3)
    engine.advance(minutes=1)
    assert 8 == engine.sync().changed


def test_the_watermark_never_goes_back(engine: Engine) -> None:
    """A full read begins in 1970 and leaves it where it was, or later."""
    engine.sync_until_quiet()
    before = engine.state().watermark
    engine.shrink(3)
    engine.sync(full=True)
    after = engine.state().watermark
    assert before
    assert after
    assert after >= before


def test_a_watermark_ahead_of_the_clock_is_told_and_read_past(engine: Engine) -> None:
    """It is reported, and changes made since are not lost for it."""
    engine.sync_until_quiet()
    lease = engine.worker.store.acquire_lease(engine.worker.app.demarche, 60)
    with engine.worker.store.transaction(lease) as tx:
        tx.state.save(watermark=engine.worker.now() + timedelta(days=30))
    engine.worker.store.release_lease(lease)
    engine.control.edit_champ(number(0), PROBLEME, "Autre")
    report = engine.sync()
    assert 7 == report.exit_code
    assert "ahead" in report.errors[0]
    assert "Autre" in str(engine.rows("SELECT probleme FROM lecture_candidature"))
    assert 0 == engine.sync().exit_code


def test_a_dossier_edited_between_two_pages_is_seen_again(engine: Engine) -> None:
    """It moves behind the cursor; the copy holds its last version, and nobody is skipped."""
    engine.sync_until_quiet()
    for rank in range(6):
        engine.advance(seconds=5)
        engine.control.edit_champ(number(rank), PROBLEME, "Avant")
    engine.shrink(2)
    edited: list[int] = []

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        page = read_nodes(original(*args, **options))
        if not edited:
            edited.append(page.nodes[0].number)
            engine.advance(seconds=5)
            engine.control.edit_champ(edited[0], PROBLEME, "Après")
        return page

    engine.worker.client.around["read_page"] = read_page
    report = engine.sync()
    texts = [
        row["probleme"] for row in engine.rows("SELECT numero, probleme FROM lecture_candidature")
    ]
    assert 0 == report.exit_code
    assert (5, 1) == (texts.count("Avant"), texts.count("Après"))


def test_a_run_that_breaks_off_is_resumed_behind_what_it_stored(engine: Engine) -> None:
    """The watermark moves with each page, to what that showed, and not to the clock."""
    edit_six(engine)
    engine.shrink(2)
    before = engine.state().watermark
    engine.advance(minutes=30)
    fail_after(engine, pages=0, changed=0)
    assert before == engine.state().watermark
    fail_after(engine, pages=2, changed=4)
    after = engine.control.truth_of(number(3)).updated_at.replace(microsecond=0)
    assert after == engine.state().watermark
    engine.advance(days=2)
    engine.control.forget_requests()
    report = engine.restart().sync()
    assert (0, 2) == (report.exit_code, report.changed)
    assert (after - timedelta(minutes=10)).isoformat() == engine.pages()[0].variables[
        "updatedSince"
    ]


def assert_none_passed_over(engine: Engine, read_page: Any, *, pages: int, changed: int) -> None:
    """After a crawl that failed, whose dates were such, the next one reads what it did not."""
    engine.worker.client.around["read_page"] = read_page
    fail_after(engine, pages=pages, changed=changed)
    engine.worker.client.around.clear()
    engine.sync()
    texts = [row["probleme"] for row in engine.rows("SELECT probleme FROM lecture_candidature")]
    assert 6 == texts.count("Avant")


def test_a_date_later_than_its_place_does_not_move_the_watermark(engine: Engine) -> None:
    """A dossier edited while its page is made shows now, among those of an hour ago."""
    edit_six(engine)
    engine.shrink(3)

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        page = read_nodes(original(*args, **options))
        engine.advance(hours=2)
        page.nodes[-1] = dated(page.nodes[-1], engine.control.clock.now())
        return page

    assert_none_passed_over(engine, read_page, pages=1, changed=3)


def test_what_changed_since_the_first_answer_does_not_move_the_watermark(engine: Engine) -> None:
    """A long crawl's later pages show dates that are past, and later than their place too."""
    edit_six(engine)
    engine.shrink(2)

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        page = read_nodes(original(*args, **options))
        since_the_first = engine.control.clock.now() - timedelta(hours=1)
        if options["after"]:
            page.nodes[-1] = dated(page.nodes[-1], since_the_first)
        engine.advance(hours=2)
        return page

    assert_none_passed_over(engine, read_page, pages=2, changed=4)


def test_a_page_that_goes_back_in_time_keeps_the_watermark(engine: Engine) -> None:
    """The dossiers are stored, the fault is told, the next run reads again from there."""
    engine.sync_until_quiet()
    before = engine.state().watermark
    assert before
    for rank in range(6):
        engine.control.edit_champ(number(rank), PROBLEME, "Autre")
        engine.advance(minutes=1)
    engine.shrink(2)
    seen = 0

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        nonlocal seen
        page = read_nodes(original(*args, **options))
        seen += 1
        if seen == 2:
            page.nodes[:] = [
                dated(dossier, dossier.date_derniere_modification - timedelta(days=1))
                for dossier in page.nodes
            ]
        return page

    engine.worker.client.around["read_page"] = read_page
    report = engine.sync()
    assert (7, 6) == (report.exit_code, report.changed)
    assert "out of order" in report.errors[0]
    watermark = engine.state().watermark
    assert watermark
    assert watermark < before + timedelta(minutes=14)


SHOWN = {
    "formulaire_86321": """SELECT a.numero FROM lecture_annotation AS a
        JOIN formulaire_86321 AS f ON f.numero = a.numero
            AND (f.resultat_du_pre_controle = a.valeur OR f.detail_du_pre_controle = a.valeur
                OR a.annotation = 'date' AND f.pre_controle_etabli_le IS NOT NULL)""",
    "lecture_champ": """SELECT a.numero FROM lecture_annotation AS a
        JOIN lecture_champ AS c ON c.numero = a.numero AND c.valeur = a.valeur
            AND c.origine = 'annotation'""",
    "lecture_etiquette": """SELECT a.numero FROM lecture_annotation AS a
        JOIN lecture_etiquette AS e ON e.numero = a.numero AND e.etiquette = a.valeur""",
}
"""By view, of which dossiers it shows the confirmed values that dsync wrote: a row for each."""


@postgresql_if_long
def test_what_a_push_wrote_is_in_the_views_when_its_run_ends(database_url: str) -> None:
    """It is read once, as dsync's own change; what is in the overlap later is known."""
    with Engine(database_url, seeds(range(90))) as engine:
        pushed = engine.sync().pushed
        assert pushed > 50
        runs = []
        for _ in range(3):
            for view, statement in SHOWN.items():
                is_label = "=" if view == "lecture_etiquette" else "<>"
                ours = f"a.annotation {is_label} 'label' AND a.statut = 'confirmee'"
                confirmed = engine.rows(f"SELECT numero FROM lecture_annotation AS a WHERE {ours}")
                shown = engine.rows(f"{statement} WHERE {ours}")
                assert len(confirmed) >= pushed
                assert len(shown) == len(confirmed), view
            by_dsync = engine.rows("SELECT numero FROM lecture_changement WHERE par = 'dsync'")
            assert len({row["numero"] for row in by_dsync}) == pushed
            engine.control.forget_requests()
            report = engine.sync()
            asked = [entry.operation for entry in engine.requests()]
            runs.append((report.read, report.changed, report.pushed, asked))
        assert [(0, 0, 0, ["DossiersGlancePage", "DossiersPage"])] * 3 == runs
        assert [] == engine.worker.app.verify(remote=False).findings


def test_a_changed_dossier_that_ds_cannot_render_stops_none_of_the_others(engine: Engine) -> None:
    """The document for all that differ fails by it: each is requested by itself."""
    engine.sync()
    for rank in (3, 4):
        engine.control.edit_champ(number(rank), PROBLEME, "Un autre")
    engine.control.faults.return_null(number(3), champs_only=True)
    # Many dossiers of the overlap were written into: glances are read before pages.
    engine.execute("UPDATE sync_run SET pousses = 50")
    report = engine.sync(push=False)
    assert (7, 1, {3}) == (report.exit_code, report.changed, {*engine.quarantine()})
    engine.control.faults.repair(number(3))
    engine.advance(hours=2)
    engine.sync(push=False, full=True)
    assert {} == engine.quarantine()


def test_an_edit_in_the_second_of_one_that_was_read_is_seen_by_the_next_run(engine: Engine) -> None:
    """DS's dates are whole seconds: nothing in a glance tells the two edits apart."""
    engine.sync()
    engine.execute("UPDATE sync_run SET pousses = 50")
    for value in ("Un premier", "Un second"):
        engine.control.edit_champ(number(3), PROBLEME, value)
        engine.sync(push=False)
    shown = "SELECT probleme FROM lecture_candidature WHERE numero = :n"
    assert [{"probleme": "Un second"}] == engine.rows(shown, n=number(3))


def test_dossiers_are_requested_together_by_their_numbers(engine: Engine) -> None:
    """One document for all; if DS fails on one of them, each by itself."""
    engine.begin()
    chosen = tuple(number(rank) for rank in (0, 1, 2))
    assert (3, 1) == ((report := engine.sync(dossiers=chosen, push=False)).read, report.requests)
    engine.control.faults.return_null(number(1), champs_only=True)
    report = engine.sync(dossiers=chosen, push=False)
    assert (2, {1}) == (report.read, {*engine.quarantine()})
