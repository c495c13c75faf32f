"""What a run does when a page does not come, or does not come whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from dsync.sandbox import Change, ScriptedFault
from dsync.sandbox.faults import Kind
from dsync.sandbox.model import FileSeed, VirusScan
from dsync.store.codes import Status
from dsync.sync import pull
from dsync.sync.context import Progress
from dsync.sync.page_storing import store_page
from tests.engine.conftest import Start
from tests.engine.rig import DEMARCHE, FIRST, LETTRE, NOW, OPEN, PROBLEME, Engine, number
from tests.profiles import long
from tests.store.databases import engine_by_case, on_postgresql

PAGES, LIGHT = "DossiersPage", "DossiersLightPage"


def sizes(engine: Engine) -> list[int]:
    return [entry.variables["first"] for entry in engine.pages()]


# --- page size ------------------------------------------------------------------------------


def test_a_time_out_halves_the_page_down_to_one(engine: Engine) -> None:
    """Each time-out asks for half at the same place, until one dossier is asked for.

    The platform's cursor lies past the nodes that it did not deliver: it is never followed.
    """
    engine.shrink(8)
    engine.control.faults.fail(ScriptedFault("timeout", operation=PAGES, times=3, reached=1))
    report = engine.sync(push=False)
    assert [8, 4, 2, 1] == sizes(engine)[:4]
    assert 1 == len({entry.variables.get("after") for entry in engine.pages()[:4]})
    assert (Status.SUCCESS, 12) == (report.status, len(engine.rows("SELECT * FROM dossier")))


def test_a_page_size_that_timed_out_is_remembered_and_doubles_once_an_hour(engine: Engine) -> None:
    """The next process starts with it; a page that is too large costs DS 30 s."""
    engine.shrink(8)
    engine.control.faults.fail(ScriptedFault("timeout", operation=PAGES, times=2))
    engine.sync(push=False)
    assert [8, 4, 2, 2, 2, 2, 2, 2] == sizes(engine)
    engine.restart()
    for hours, first in ((0, 2), (1, 2), (1, 4)):
        engine.advance(hours=hours)
        engine.control.forget_requests()
        engine.sync(full=True, push=False)
        assert first == sizes(engine)[0]
    assert 8 in sizes(engine)


@on_postgresql
def test_postgresql_plans_a_first_read_by_its_first_page(engine: Engine) -> None:
    """Once: without it, each later page goes through all dossiers of the démarche."""
    engine.shrink(8)
    for _ in range(2):
        engine.sync(full=True, push=False)
        assert [{"reltuples": 8}] == engine.rows(
            "SELECT reltuples FROM pg_class WHERE oid = 'dossier'::regclass"
        )


def test_a_list_that_times_out_at_any_size_is_the_servers_trouble(engine: Engine) -> None:
    """Nobody goes into quarantine for it; the run ends there and the next one goes on."""
    engine.control.faults.fail(ScriptedFault("timeout", operation=PAGES, times=None))
    report = engine.sync(push=False)
    assert (8, 0, {}) == (report.exit_code, report.quarantined, engine.quarantine())
    engine.control.faults.clear_faults()
    assert 0 == engine.sync(push=False).exit_code
    assert 12 == len(engine.rows("SELECT * FROM dossier"))


def test_a_dossier_that_is_read_twice_in_a_run_is_quarantined_once(engine: Engine) -> None:
    """A new revision has all read again."""
    engine.sync_until_quiet()
    engine.control.edit_champ(number(4), PROBLEME, "Cassé")
    engine.control.faults.return_null(number(4), champs_only=True)
    engine.control.form.publish_revision(Change(rename={PROBLEME: "Problème"}))
    report = engine.sync()
    assert (2, 1) == (len(engine.requests(LIGHT)), report.quarantined)


# --- poison ---------------------------------------------------------------------------------


@engine_by_case("harm", sqlite="return_null", postgresql="fail_reads")
def test_poison_dossiers_stop_nobody(engine: Engine, harm: str) -> None:
    """Null among good nodes, or a 500 of the page: the first two, and the last dossier."""
    order = [t.number for t in sorted(engine.control.truth(), key=lambda t: t.updated_at)]
    poisoned = [one - FIRST for one in (order[0], order[1], order[-1])]
    for rank in poisoned:
        getattr(engine.control.faults, harm)(number(rank), champs_only=True)
    report = engine.sync()
    assert (7, Status.PARTIAL, 3) == (report.exit_code, report.status, report.quarantined)
    assert (9, 9) == (report.read, len(engine.rows("SELECT * FROM dossier")))
    assert dict.fromkeys(poisoned, ("bad_data", 1)) == engine.quarantine()
    assert [["quarantaine"]] * 3 == [engine.events(rank) for rank in poisoned]
    assert len({*OPEN} - {*poisoned}) == report.pushed


def test_a_poison_dossier_is_tried_again_until_it_is_healed(engine: Engine) -> None:
    """By a full read and where it changes: counted while it is bad, released when it is good."""
    engine.control.faults.return_null(number(4), champs_only=True)
    began = engine.control.clock.now()
    engine.sync_until_quiet()
    before = engine.quarantine()[4][1]
    engine.sync(full=True)
    with engine.worker.store.reading(DEMARCHE) as reader:
        [told] = reader.quarantine.entries()
    assert (number(4), "bad_data", before + 1) == (told.numero, told.code, told.tentatives)
    assert "ne peut pas rendre ce dossier" in told.message
    assert (began, engine.control.clock.now()) == (told.depuis, told.dernier_essai_le)
    engine.control.faults.repair(number(4))
    report = engine.sync(full=True)
    assert ({}, 0, 1) == (engine.quarantine(), report.exit_code, report.pushed)
    journal = engine.events(4)
    assert {"quarantaine", "cree", "liberation", "verdict", "pousse"} == set(journal)
    assert journal.index("quarantaine") < journal.index("liberation")
    assert engine.verdict(4) == engine.remote(4)

    engine.control.faults.return_null(number(4), champs_only=True)
    engine.sync(full=True)
    engine.control.edit_champ(number(4), PROBLEME, "Encore cassé")
    assert 7 == engine.sync().exit_code
    assert {4: ("bad_data", 2)} == engine.quarantine()
    engine.control.faults.repair(number(4))
    engine.advance(minutes=1)
    engine.control.edit_champ(number(4), PROBLEME, "Réparé")
    assert (0, {}) == (engine.sync().exit_code, engine.quarantine())
    assert 2 == engine.events(4).count("liberation")
    assert "Réparé" == engine.one("lecture_candidature", 4)["probleme"]


@pytest.mark.parametrize("known", [True, False])
def test_a_poison_dossier_that_is_gone_leaves_quarantine(engine: Engine, known: bool) -> None:
    """Nobody will read it again: the full read does not leave it there for ever."""
    ways = {1: "hide", 4: "expire", 5: "erase"}
    if known:
        engine.sync_until_quiet()
    for rank in ways:
        engine.control.faults.return_null(number(rank), champs_only=True)
    engine.sync(full=True)
    assert ways.keys() == engine.quarantine().keys()
    engine.advance(minutes=1)
    for rank, gone in ways.items():
        getattr(engine.control, gone)(number(rank))
    engine.sync(full=True)
    assert {} == engine.quarantine()


def test_many_known_dossiers_that_go_bad_are_no_mass_disappearance(engine: Engine) -> None:
    """DS names them, so they are there: in quarantine, no brake, the others go on."""
    engine.sync_until_quiet()
    for rank in range(6):
        engine.control.faults.return_null(number(rank), champs_only=True)
    report = engine.sync(full=True)
    assert (7, 6) == (report.exit_code, report.quarantined)
    assert ({"present": 12}, {("bad_data", 1)}) == (
        dict(engine.presences()),
        set(engine.quarantine().values()),
    )


def test_a_poison_dossier_with_many_others_costs_few_requests(start: Start) -> None:
    """Where DS tells which node is null, it is not searched by halves from a hundred."""
    engine = start(range(30))
    engine.control.faults.return_null(number(17), champs_only=True)
    report = engine.sync(push=False)
    assert {17} == engine.quarantine().keys()
    assert report.requests <= 10


def test_a_page_with_hundreds_of_errors_is_asked_for_smaller(engine: Engine) -> None:
    """At any size, it ends the run: nothing of it is read."""
    engine.shrink(8)
    errors = ",".join(['{"message":"no"}'] * 501)
    flood = ScriptedFault("replaced_json", PAGES, path=("data",), json=f'null,"errors":[{errors}]')
    engine.control.faults.fail(flood)
    report = engine.sync(push=False)
    assert ([8, 4], 0, 12) == (sizes(engine)[:2], report.exit_code, report.read)
    engine.control.forget_requests()
    engine.control.faults.fail(replace(flood, times=None))
    report = engine.sync(full=True, push=False)
    assert (8, 0, [4, 2, 1]) == (report.exit_code, report.read, sizes(engine))
    assert "hundreds of errors" in report.errors[0]


def test_a_mark_before_json_is_read_over(engine: Engine) -> None:
    """A byte order mark before each answer: all is read, judged and written."""
    engine.control.faults.fail(ScriptedFault("byte_order_mark", times=None))
    report = engine.sync()
    assert (0, 12, 10) == (report.exit_code, report.read, report.pushed)


# --- faults of the network and the platform ---------------------------------------------------


@pytest.mark.parametrize("kind", [long("bad_gateway"), long("cut_inside"), "truncated", "timeout"])
def test_a_fault_that_passes_costs_a_repetition(engine: Engine, kind: Kind) -> None:
    """Asked again, and everything is there: one of each class of faults, by what is done then."""
    engine.shrink(5)
    engine.control.faults.fail(ScriptedFault(kind, operation=PAGES, after=1))
    report = engine.sync(push=False)
    assert (0, 12) == (report.exit_code, report.read)


@pytest.mark.parametrize(
    ("kind", "code"), [("bad_gateway", 8), ("rate_limited", 8), ("token_expired", 3)]
)
def test_an_outage_ends_the_run_and_the_next_one_resumes(
    start: Start, kind: Kind, code: int
) -> None:
    """What was read is stored, and the next run starts at the page that failed."""
    engine = start(limits={"max_wait_s": 0.0})
    engine.shrink(5)
    engine.control.faults.fail(
        ScriptedFault(kind, PAGES, after=1, times=None), ScriptedFault(kind, LIGHT, times=None)
    )
    failed = engine.sync(full=True)
    assert (code, Status.FAILED, 5) == (failed.exit_code, failed.status, failed.read)
    assert 5 == len(engine.rows("SELECT * FROM dossier"))
    engine.control.faults.clear_faults()
    engine.control.forget_requests()
    engine.restart()
    report = engine.sync(full=True)
    assert (0, 7) == (report.exit_code, report.read)
    assert engine.pages()[0].variables["after"]
    assert {"present": 12} == engine.presences()


def test_an_internal_error_whatever_is_asked_is_an_outage(engine: Engine) -> None:
    """The dossiers' numbers fail too: nothing else is tried, which would add to DS's load."""
    engine.control.faults.fail(ScriptedFault("internal_error", PAGES, times=None))
    engine.control.faults.fail(ScriptedFault("internal_error", LIGHT, times=None))
    assert 8 == engine.sync().exit_code
    asked = [(entry.operation, entry.variables["first"]) for entry in engine.pages()]
    assert [(PAGES, 100)] + [(LIGHT, 100)] * 2 == asked


@pytest.mark.parametrize("how", ["days old", "refused", "another mapping", "incremental"])
def test_a_full_read_that_was_cut_off_misses_nothing(engine: Engine, how: str) -> None:
    """What changed since lies before an old cursor; another mapping stored other rows."""
    if how == "another mapping":
        engine.restart(sections=("demarche", "ds"))
    engine.shrink(5)
    engine.control.faults.fail(ScriptedFault("bad_gateway", PAGES, after=1, times=None))
    assert 5 == engine.sync(full=True).read
    engine.control.faults.clear_faults()
    engine.control.forget_requests()
    if how == "days old":
        engine.advance(days=2)
    elif how == "refused":
        engine.execute("UPDATE sync_state SET full_cursor = 'a'")
    engine.restart()
    report = engine.sync(full=how != "incremental")
    assert (0, {"present": 12}) == (report.exit_code, engine.presences())
    assert 12 == len(engine.rows("SELECT * FROM candidature"))
    assert (how == "refused") == (engine.pages()[0].variables.get("after") == "a")
    assert how == "incremental" or 12 == report.read


def test_no_more_is_asked_in_a_minute_than_is_configured(start: Start) -> None:
    """What is too much waits for its turn, DS does not see it; a stop ends the wait."""
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            self.set()
            return True

    engine = start()
    # Requests count by address, and another test's sandbox may have had this port a minute ago.
    url = engine.sandbox.ds_url.replace("127.0.0.1", "localhost")
    engine.restart(ds_url=url, limits={"requests_per_minute": 2}, stop=Stop())
    assert (130, 2) == (engine.sync().exit_code, len(engine.requests()))
    assert 30 < waits[0] <= 60


def test_a_stop_while_a_page_is_under_way_keeps_what_is_stored(engine: Engine) -> None:
    """The read under way is abandoned; the next run resumes at that page."""
    engine.shrink(5)
    engine.control.faults.fail(ScriptedFault("latency", operation=PAGES, after=1, latency_ms=3000))
    calls, under_way = count(1), threading.Event()

    def reading(read_page: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if next(calls) == 2:
            under_way.set()
        return read_page(*args, **options)

    class Stopping(Progress):
        def pulled(self, done: int, total: int | None) -> None:
            assert under_way.wait(60)
            engine.worker.stop.set()

    engine.worker.client.around["read_page"] = reading
    engine.worker.app.progress = Stopping()
    report = engine.sync(full=True)
    assert (130, 5) == (report.exit_code, report.read)
    engine.control.faults.clear_faults()
    assert 7 == engine.restart().sync(full=True).read


def test_a_page_is_asked_for_while_the_one_before_is_stored(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DS and the database work at once: no page waits until the last one is stored."""
    engine.shrink(5)
    asked, in_time = [threading.Event() for _ in range(3)], []
    calls = iter(asked)

    def reading(read_page: Callable[..., Any], *args: Any, **options: Any) -> Any:
        next(calls).set()
        return read_page(*args, **options)

    def storing(*args: Any, **options: Any) -> Any:
        after = len(in_time) + 1
        in_time.append(after == len(asked) or asked[after].wait(60))
        return store_page(*args, **options)

    engine.worker.client.around["read_page"] = reading
    monkeypatch.setattr(pull, "store_page", storing)
    report = engine.sync(push=False)
    assert (12, [True] * 3) == (report.read, in_time)


# --- answers that never end -------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        {"nodes": [], "order": (), "has_next": True, "end_cursor": None},
        {"nodes": [], "order": (), "has_next": True, "end_cursor": "MjAy"},
        {"has_next": True, "end_cursor": None},
        {"has_next": True, "end_cursor": "MjAy"},
    ],
    ids=["first_0", "empty_page", "null_cursor", "same_cursor"],
)
def test_pages_that_would_never_end_are_told(engine: Engine, page: dict[str, Any]) -> None:
    """A handful of requests, exit 8, no watermark past what was not read."""

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return replace(original(*args, **options), **page)

    engine.worker.client.around["read_page"] = read_page
    report = engine.sync()
    assert 8 == report.exit_code
    assert len(engine.requests()) <= 4
    watermark = engine.state().watermark
    assert watermark is None or watermark < NOW


def test_empty_pages_with_a_new_cursor_each_are_told(engine: Engine) -> None:
    """No cursor repeats, and they would never end all the same."""
    given = count()

    def read_page(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        page = original(*args, **{**options, "after": None})
        assert len(engine.requests()) < 10
        return replace(page, nodes=[], order=(), has_next=True, end_cursor=f"cursor {next(given)}")

    engine.worker.client.around["read_page"] = read_page
    report = engine.sync()
    assert (8, 1) == (report.exit_code, len(engine.pages()))
    assert "empty page" in report.errors[0]


# --- what dates do not show -------------------------------------------------------------------


def test_what_no_date_shows_is_found_by_the_full_read(engine: Engine) -> None:
    """A renamed label, an establishment that is completed, the results of virus scans."""
    results: dict[int, VirusScan] = {3: "safe", 4: "infected"}
    letter = FileSeed("lettre.pdf", "application/pdf", b"%PDF-1.4", "pending")
    for rank in results:
        engine.control.edit_champ(number(rank), LETTRE, [letter])
    engine.control.add_label(number(5), "à vérifier")

    def scans() -> list[tuple[int, str]]:
        found = engine.rows(
            "SELECT numero, analyse_antivirus FROM lecture_piece WHERE nom = 'lettre.pdf' "
            "ORDER BY numero"
        )
        return [(row["numero"] - FIRST, row["analyse_antivirus"]) for row in found]

    engine.sync_until_quiet()
    assert [(3, "pending"), (4, "pending")] == scans()
    for rank, result in results.items():
        engine.control.end_virus_scan(number(rank), LETTRE, result)
    engine.control.form.rename_label("à vérifier", "à revoir")
    engine.control.replace_demandeur(number(0), engine.control.truth_of(number(2)).demandeur)
    assert 0 == engine.sync().changed
    assert '["à vérifier"]' == engine.one("dossier", 5)["labels"]
    engine.sync(full=True)
    assert '["à revoir"]' == engine.one("dossier", 5)["labels"]
    assert [(3, "safe")] == scans()
    # The applicant is judged anew.
    assert "Inéligible" == engine.verdict(0) == engine.remote(0)


# --- lists without end ----------------------------------------------------------------------


@engine_by_case("reads_all", sqlite=True, postgresql=False)
def test_pages_that_begin_again_for_ever_end_the_run(engine: Engine, reads_all: bool) -> None:
    """With new cursors: exit 8 after some requests, nothing is gone, the next run begins anew."""
    engine.begin(push=False)
    at = engine.state().watermark
    engine.control.expire(number(3))
    engine.control.edit_champ(number(4), PROBLEME, "Un autre problème")
    engine.control.faults.fail(ScriptedFault("endless_list", PAGES, times=None))
    failed = engine.sync(full=reads_all, push=False, deletions=False)
    assert (8, Status.FAILED) == (failed.exit_code, failed.status)
    assert "over and over" in failed.errors[0]
    assert len(engine.pages()) < 30
    assert at == engine.state().watermark
    assert {"present": 12} == engine.presences()
    assert "Un autre problème" == engine.one("lecture_candidature", 4)["probleme"]
    engine.control.faults.clear_faults()
    engine.control.forget_requests()
    report = engine.sync(full=True, push=False)
    assert (0, 11, 1) == (report.exit_code, report.read, report.deleted)
    assert "after" not in engine.pages()[0].variables


def test_a_list_of_deletions_that_begins_again_for_ever_ends(engine: Engine) -> None:
    """As a list whose cursors repeat."""
    engine.begin(push=False)
    engine.control.hide(number(3))
    engine.control.faults.fail(ScriptedFault("endless_list", "Deletions", times=None))
    engine.control.faults.fail(ScriptedFault("endless_list", PAGES, times=1))
    report = engine.sync(full=True, push=False)
    assert (7, 1) == (report.exit_code, report.deleted)
    assert len(engine.requests("Deletions")) < 300


def test_all_dossiers_may_change_while_they_are_read(engine: Engine) -> None:
    """They are returned again, with later dates: no list without end."""
    engine.shrink(1)
    edits = count(1)

    def edit(ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        page = ask(*arguments, **options)
        if (place := next(edits)) <= 20:
            engine.advance(seconds=1)
            engine.control.edit_champ(number(place % 12), PROBLEME, f"Problème {place}")
        return page

    engine.worker.client.around["read_page"] = edit
    report = engine.sync(push=False)
    assert 0 == report.exit_code
    assert report.read > 24


# --- known poison ---------------------------------------------------------------------------


def test_known_poison_costs_an_incremental_run_few_requests(start: Start) -> None:
    """A page with two of them: asked for by themselves once an hour, and then passed."""
    engine = start(range(20))
    engine.begin(push=False)
    poisoned, others = (10, 15), [rank for rank in range(20) if rank not in (5, 11)]

    def edit() -> None:
        for rank in others:
            engine.advance(seconds=1)
            if engine.control.truth_of(number(rank)).presence == "present":
                engine.control.edit_champ(number(rank), PROBLEME, f"{engine.control.clock.now()}")
        engine.advance(seconds=1)
        engine.control.forget_requests()

    for rank in poisoned:
        engine.control.faults.fail_reads(number(rank), champs_only=True)
    edit()
    found = engine.sync(push=False, deletions=False)
    assert dict.fromkeys(poisoned, ("bad_data", 1)) == engine.quarantine()

    requests = []
    for minutes, attempts in ((5, 1), (60, 2), (5, 2)):
        engine.advance(minutes=minutes)
        edit()
        report = engine.sync(push=False, deletions=False)
        requests.append(report.requests)
        assert (7, 2, found.read) == (report.exit_code, report.quarantined, report.read)
        assert dict.fromkeys(poisoned, ("bad_data", attempts)) == engine.quarantine()
    # The page that fails, its numbers, the others, the lists of deletions. Once an hour both, and
    # each by itself: whole, without maps, without all that can fail; and each time whether DS
    # answers at all.
    assert [4, 4 + 3 * 4, 4] == requests

    engine.control.faults.repair(number(10))
    engine.advance(hours=1)
    edit()
    report = engine.sync(push=False)
    assert {15} == engine.quarantine().keys()
    assert report.read == found.read + 1
