"""A run's two processes: they store what one process stores, whatever becomes of the second."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, select
from structlog.testing import capture_logs

from dsync.domain.ids import DossierNumber, RevisionId
from dsync.ds import Node, Page
from dsync.mapping import Mapped
from dsync.store import tables
from dsync.store.engine import parse_url
from dsync.sync import aside, evaluate, pages
from dsync.sync.batches import batches
from dsync.sync.evidence import Gathered
from dsync.sync.in_two import InTwo
from dsync.sync.prefetch import Ahead, prefetched
from dsync.sync.report import RunReport, SyncOptions
from dsync.wiring import App
from tests.bench.measured import app_on
from tests.bench.prebuilt import Prebuilt, serving

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the second process is one of Linux's"
)

DOSSIERS = 320
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
"""One clock for all runs: the instants that they note are the same."""
LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
COMPARED = {
    tables.dossier: {"lu_par_run"},
    tables.candidature: set(),
    tables.verdict: {"id"},
    tables.outbox: {"id"},
    tables.evenement: {"id", "run"},
    tables.quarantaine: set(),
}
"""What the runs store, and the columns that tell which run it was, or what came before it."""

Rows = dict[str, list[dict[str, Any]]]
Workers = list[Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Prebuilt]:
    """A démarche of four pages, whose dossiers share products."""
    with serving(DOSSIERS, products=150) as running:
        yield running


@pytest.fixture
def app(server: Prebuilt, database_url: str) -> Iterator[App]:
    """A worker on each database."""
    with app_on(server.ds_url, server.base_url, database_url) as made:
        made.clock = lambda: NOW
        yield made


@pytest.fixture
def app_on_sqlite(server: Prebuilt, sqlite_template: Path, tmp_path: Path) -> Iterator[App]:
    """A worker on SQLite."""
    path = tmp_path / "one.db"
    shutil.copy(sqlite_template, path)
    with app_on(server.ds_url, server.base_url, f"sqlite:///{path}") as made:
        made.clock = lambda: NOW
        yield made


@pytest.fixture(scope="module")
def of_one_process(server: Prebuilt, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What one process stores of the démarche."""
    url = f"sqlite:///{tmp_path_factory.mktemp('alone') / 'dsync.db'}"
    with pytest.MonkeyPatch.context() as patched:
        in_small_batches(patched)
        workers = noted_workers(patched)
        for module in (pages, evaluate):
            patched.setattr(module, "is_worthwhile", lambda: False)
        with app_on(server.ds_url, server.base_url, url) as made:
            made.clock = lambda: NOW
            report = read_all(made)
    assert (0, DOSSIERS, DOSSIERS) == (report.exit_code, report.read, report.evaluated)
    assert [] == workers
    rows = stored(url)
    assert [DOSSIERS] * 3 == [len(rows[name]) for name in ("dossier", "candidature", "verdict")]
    assert len(Counter(row["verdict"] for row in rows["verdict"])) > 2
    return rows


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """The second processes that are started: wherever the test runs, they are worthwhile.

    In the end none of them is there, nor waits for anybody to notice that it ended.
    """
    in_small_batches(monkeypatch)
    for module in (pages, evaluate):
        monkeypatch.setattr(module, "is_worthwhile", lambda: True)
    started = noted_workers(monkeypatch)
    yield started
    assert all(worker._process.returncode is not None for worker in started)


def in_small_batches(patched: pytest.MonkeyPatch) -> None:
    """Have a short démarche take several pages and batches in two processes."""
    patched.setattr(evaluate, "MANY", 100)
    patched.setattr(evaluate, "batches", partial(batches, size=60))


def noted_workers(patched: pytest.MonkeyPatch) -> Workers:
    """Note every second process that is started."""
    started: Workers = []

    class Noted(aside._Worker):
        def __init__(self, module: str) -> None:
            super().__init__(module)
            self.module = module
            started.append(self)

    patched.setattr(aside, "_Worker", Noted)
    return started


def at_second_order(patched: pytest.MonkeyPatch, act: Callable[[InTwo[Any, Any]], None]) -> None:
    """Have something happen when a second process is given its second order."""
    start = InTwo.start
    orders: Counter[int] = Counter()

    def counted(both: InTwo[Any, Any], order: Any) -> None:
        orders[id(both)] += 1
        if orders[id(both)] == 2:
            act(both)
        start(both, order)

    patched.setattr(InTwo, "start", counted)


def kill(both: InTwo[Any, Any]) -> None:
    """End a second process as the system would that is out of memory."""
    worker = both._aside._worker
    assert worker is not None
    os.kill(worker._process.pid, signal.SIGKILL)


def read_all(app: App) -> RunReport:
    """Read and judge all."""
    return app.sync(SyncOptions(full=True, push=False))


def stored(url: str) -> Rows:
    """Return the rows of all tables that a run stores into, without what tells the run."""
    engine = create_engine(parse_url(url))
    with engine.connect() as connection:
        rows = {
            table.name: [
                {name: row[name] for name in row if name not in left_out}
                for row in connection.execute(select(table).order_by(*_order(table))).mappings()
            ]
            for table, left_out in COMPARED.items()
        }
    engine.dispose()
    return rows


def _order(table: Table) -> list[Any]:
    return list(table.primary_key.columns)


def started_for(workers: Workers) -> list[str]:
    """Return what the second processes were started for."""
    return [worker.module.rpartition(".")[2] for worker in workers]


def test_two_processes_store_what_one_stores(
    app: App, workers: Workers, of_one_process: Rows
) -> None:
    """Every row of every table, in the same order, on each database; a process a phase."""
    with capture_logs() as logs:
        report = read_all(app)
    assert (0, DOSSIERS, DOSSIERS) == (report.exit_code, report.read, report.evaluated)
    assert ["batch", "judging"] == started_for(workers)
    assert [0, 0] == [worker._process.returncode for worker in workers]
    assert "second_process_lost" not in [entry["event"] for entry in logs]
    assert of_one_process == stored(app.settings.database_url)


def test_a_killed_process_changes_nothing_of_what_is_stored(
    app: App, workers: Workers, of_one_process: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that maps and the one that judges: this process does what they were to do."""
    at_second_order(monkeypatch, kill)
    with capture_logs() as logs:
        report = read_all(app)
    assert (0, DOSSIERS, DOSSIERS) == (report.exit_code, report.read, report.evaluated)
    assert ["batch", "judging"] == started_for(workers)
    assert [-signal.SIGKILL] * 2 == [worker._process.returncode for worker in workers]
    assert 2 == [entry["event"] for entry in logs].count("second_process_lost")
    assert of_one_process == stored(app.settings.database_url)


def test_a_process_that_cannot_be_started_changes_nothing_of_what_is_stored(
    app_on_sqlite: App, workers: Workers, of_one_process: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is left for it, no memory to share: one process does all."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    report = read_all(app_on_sqlite)
    assert (0, DOSSIERS) == (report.exit_code, report.evaluated)
    assert [] == workers
    assert of_one_process == stored(app_on_sqlite.settings.database_url)


@pytest.mark.parametrize("phase", ["batch", "judging"])
def test_a_run_stopped_in_the_middle_ends_its_processes_and_is_taken_up_again(
    app_on_sqlite: App,
    workers: Workers,
    of_one_process: Rows,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    """It is interrupted with some of it stored; the next run stores the rest, nothing otherwise."""
    app = app_on_sqlite

    def stop(both: InTwo[Any, Any]) -> None:
        if phase == started_for(workers)[-1]:
            app.stop.set()

    at_second_order(monkeypatch, stop)
    report = read_all(app)
    assert 130 == report.exit_code
    assert phase == started_for(workers)[-1]
    assert all(worker._process.returncode is not None for worker in workers)
    done = report.read if phase == "batch" else report.evaluated
    assert 0 < done < DOSSIERS
    assert (phase == "judging") is (report.read == DOSSIERS)

    monkeypatch.undo()
    app.stop.clear()
    assert 0 == read_all(app).exit_code
    ours, theirs = stored(app.settings.database_url), of_one_process
    for name in ours:
        assert _sorted(theirs[name]) == _sorted(ours[name]), name


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, rows))


def test_a_failure_of_the_database_in_the_middle_ends_the_processes(
    app_on_sqlite: App, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pages under way that nobody will store."""
    from dsync.errors import StoreError
    from dsync.sync import pull

    store_page, seen = pages.store_page, []

    def failing(*args: Any) -> None:
        seen.append(args)
        if len(seen) == 3:
            raise StoreError("the disk is full")
        store_page(*args)

    monkeypatch.setattr(pull, "store_page", failing)
    assert 5 == read_all(app_on_sqlite).exit_code
    assert ["batch"] == started_for(workers)


def test_a_short_read_starts_no_process(
    app_on_sqlite: App, workers: Workers, of_one_process: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer dossiers than a start is worth are mapped and judged here."""
    monkeypatch.setattr(pages, "MANY", DOSSIERS + 1)
    monkeypatch.setattr(evaluate, "MANY", DOSSIERS)
    assert DOSSIERS == read_all(app_on_sqlite).evaluated
    assert [] == workers
    assert of_one_process == stored(app_on_sqlite.settings.database_url)


@pytest.mark.parametrize(("full", "has_next"), [(True, False), (False, True)])
def test_the_last_page_and_changes_start_no_process(
    app_on_sqlite: App,
    workers: Workers,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    has_next: bool,
) -> None:
    """When the last page has come there is nothing left to map meanwhile."""
    monkeypatch.setattr(pages, "MANY", 0)
    run: Any = SimpleNamespace(context=app_on_sqlite.context, revisions={})
    crawl = pages.Crawl(pages.EPOCH, None, full=full, moves_watermark=False)
    read = [replace(Page.of_nodes(()), has_next=has_next) for _ in range(3)]
    with prefetched(read, threading.Event()) as ahead:
        mapped = list(pages.mapped_pages(run, crawl, ahead))
    assert [(page, Mapped([], [])) for page in read] == mapped
    assert [] == workers


@pytest.mark.parametrize("is_ready", [True, False], ids=["waiting", "awaited"])
def test_pages_come_in_order_however_fast_they_are_read(
    app_on_sqlite: App, workers: Workers, monkeypatch: pytest.MonkeyPatch, is_ready: bool
) -> None:
    """Each with what came of it, to the last: one or two of them under way."""
    monkeypatch.setattr(pages, "MANY", 1)
    monkeypatch.setattr(Ahead, "is_ready", property(lambda _: is_ready))
    revision = RevisionId("r")
    run: Any = SimpleNamespace(context=app_on_sqlite.context, revisions={revision: None})
    crawl = pages.Crawl(pages.EPOCH, None, full=True, moves_watermark=False)
    numbers = [[DossierNumber(10 * page + n) for n in range(page)] for page in range(1, 7)]
    read = [
        replace(
            Page.of_nodes([Node(number, revision, NOW, b"{}") for number in some]), has_next=True
        )
        for some in numbers
    ]
    with prefetched(read, threading.Event()) as ahead:
        mapped = list(pages.mapped_pages(run, crawl, ahead))
    assert [(page, Mapped([], some)) for page, some in zip(read, numbers, strict=True)] == mapped
    assert ["batch"] == started_for(workers)


def test_what_is_read_since_a_date_is_mapped_in_one_process(
    app_on_sqlite: App, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do runs that find nothing new start one, whatever the number of dossiers known."""
    read_all(app_on_sqlite)
    workers.clear()
    monkeypatch.setattr(pages, "MANY", 1)
    report = app_on_sqlite.sync(SyncOptions(since=LONG_AGO, push=False))
    assert (0, DOSSIERS, 0) == (report.exit_code, report.read, report.evaluated)
    assert 0 == app_on_sqlite.sync(SyncOptions(push=False)).read
    assert [] == workers


def test_where_the_registry_is_asked_verdicts_are_given_in_one_process(
    app_on_sqlite: App, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it answers is only known batch by batch."""
    monkeypatch.setattr(Gathered, "registry_enabled", property(lambda _: True))
    assert DOSSIERS == read_all(app_on_sqlite).evaluated
    assert ["batch"] == started_for(workers)


def test_dossiers_judged_again_are_judged_as_by_one_process(
    app_on_sqlite: App, workers: Workers, of_one_process: Rows
) -> None:
    """Verdicts that stand are looked at in both processes, and nothing is stored of it."""
    app = app_on_sqlite
    read_all(app)
    engine = create_engine(parse_url(app.settings.database_url))
    with engine.begin() as connection:
        connection.execute(tables.dossier.update().values(a_evaluer=True))
    engine.dispose()
    report = app.sync(SyncOptions(push=False))
    assert (0, 0) == (report.exit_code, report.evaluated)
    assert ["batch", "judging", "judging"] == started_for(workers)
    assert of_one_process == stored(app.settings.database_url)
