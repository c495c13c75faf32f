"""What a run asks of DS and of the database, counted: the part of the benchmarks for every day."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from dsync.sandbox import Sandbox
from dsync.sync.report import RunReport
from dsync.sync.work import Push, ReadAll, ReadChanges, Request
from dsync.wiring import Worker
from tests.bench.measured import app_on
from tests.bench.prebuilt import PAGE, Prebuilt, serving

DOSSIERS = 3 * PAGE
GROWING = re.compile(
    r"SCAN (dossier|contenu|candidature|verdict|outbox|pousse|evenement|changement|sync_run)\b"
)
WHOLE = re.compile(r"SEARCH dossier USING .*ix_dossier_demarche_numero \(demarche_numero=\?\)")
"""A search that finds all dossiers of the démarche."""


@pytest.fixture(scope="module")
def prebuilt() -> Iterator[Prebuilt]:
    """A server of a démarche that fills three pages."""
    with serving(DOSSIERS, products=100) as server:
        yield server


@pytest.fixture(scope="module")
def first_read(
    prebuilt: Prebuilt, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunReport, Path]:
    """The report of a first read of it, and the database, which is closed."""
    path = tmp_path_factory.mktemp("read") / "dsync.db"
    return _sync(prebuilt, f"sqlite:///{path}", full=True), path


@pytest.fixture
def read(first_read: tuple[RunReport, Path], tmp_path: Path) -> Path:
    """A copy of that database."""
    return Path(shutil.copy(first_read[1], tmp_path / "dsync.db"))


@contextmanager
def counting_statements() -> Iterator[list[str]]:
    """Collect the statements of every engine for as long as the block lasts."""
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _sync(
    server: Prebuilt, database_url: str, *, full: bool = False, deletions: bool = True
) -> RunReport:
    with app_on(server.ds_url, server.base_url, database_url) as app:
        work = ReadAll(push=False) if full else ReadChanges(deletions=deletions, push=False)
        return app.sync(Request(work))


def test_a_full_read_asks_a_request_a_page_and_three_more_at_most(
    first_read: tuple[RunReport, Path],
) -> None:
    """Pages of a hundred, and the démarche's facts."""
    report, _ = first_read
    assert (report.read, report.evaluated) == (DOSSIERS, DOSSIERS)
    assert report.requests <= DOSSIERS // PAGE + 3


@pytest.mark.parametrize(("deletions", "most"), [(False, 1), (True, 3)])
def test_a_run_that_finds_nothing_changed_asks_next_to_nothing(
    prebuilt: Prebuilt, read: Path, deletions: bool, most: int
) -> None:
    """One request, the lists of deletions inside it; nothing but bookkeeping is written."""
    with counting_statements() as statements:
        report = _sync(prebuilt, f"sqlite:///{read}", deletions=deletions)

    assert report.requests <= most
    assert (report.read, report.changed, report.evaluated) == (0, 0, 0)
    written = {s.split()[2] for s in statements if s.startswith("INSERT")}
    assert written <= {
        "lease",
        "sync_state",
        "sync_run",
        "sceau",
        "evidence",
        "indicateur",
        "demande",
    }


def test_a_run_that_finds_nothing_changed_goes_through_no_table(
    prebuilt: Prebuilt, read: Path
) -> None:
    """Its cost does not grow with the copy: every statement finds its rows by an index."""
    assert set() == {
        (step, statement) for step, statement in _steps(prebuilt, read) if GROWING.search(step)
    }


def test_a_first_read_goes_through_the_demarche_as_often_for_three_pages_as_for_one(
    prebuilt: Prebuilt, tmp_path: Path
) -> None:
    """A page costs the same whatever the copy holds: its dossiers are found by their numbers."""
    counts = []
    with serving(PAGE, products=20) as small:
        for server, name in ((small, "small.db"), (prebuilt, "dsync.db")):
            steps = [step for step, _ in _steps(server, tmp_path / name, full=True)]
            counts.append(sum(bool(GROWING.search(s) or WHOLE.search(s)) for s in steps))
    assert counts[0] == counts[1]


def _steps(server: Prebuilt, path: Path, *, full: bool = False) -> list[tuple[str, str]]:
    """Return the steps of SQLite's plans for a run's statements, each with its statement."""
    asked: list[tuple[str, Any]] = []

    def note(
        _c: object, _k: object, statement: str, parameters: Any, _x: object, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and not many:
            asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        _sync(server, f"sqlite:///{path}", full=full)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(path)) as connection:
        return [
            (step, statement)
            for statement, parameters in asked
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]


def test_a_page_costs_the_same_statements_whatever_it_holds(tmp_path: Path) -> None:
    """Rows are compared and written in bulk: five dossiers cost what a hundred cost."""
    counts = []
    for dossiers in (5, PAGE):
        with serving(dossiers, products=3) as server, counting_statements() as statements:
            _sync(server, f"sqlite:///{tmp_path / f'{dossiers}.db'}", full=True)
        counts.append(len(statements))

    assert counts[0] == counts[1]


def test_a_first_push_asks_two_requests_for_ten_dossiers(tmp_path: Path) -> None:
    """One document reads ten dossiers, one writes them; the labels travel with the next ten."""
    with Sandbox.start(60, 7) as sandbox:
        with _pushing(sandbox, f"sqlite:///{tmp_path / 'dsync.db'}") as app:
            app.sync(Request(ReadAll(push=False)))
            sandbox.control.forget_requests()
            report = app.sync(Request(Push()))
        asked = len(sandbox.control.requests())

    batches = -(-report.pushed // 10)
    assert report.pushed > 20
    assert asked == report.requests <= 2 * (batches + 1)


def test_what_dsync_wrote_itself_is_read_once(tmp_path: Path) -> None:
    """After a push, a run reads a page for each hundred dossiers that it wrote, and never again.

    Later runs in the overlap read glances, and whole only what was changed since.
    """
    runs = []
    with (
        Sandbox.start(180, 7) as sandbox,
        _pushing(sandbox, f"sqlite:///{tmp_path / 'dsync.db'}") as app,
    ):
        first = app.sync(Request(ReadAll()))
        pages = -(-first.pushed // PAGE)
        for changed in (0, 8, 0):
            for one in sandbox.control.truth()[::20][:changed]:
                sandbox.control.edit_champ(one.number, 4105, "Un autre problème")
            sandbox.control.forget_requests()
            report = app.sync(Request(ReadChanges(push=False)))
            asked = [entry.operation for entry in sandbox.control.requests()]
            glances = asked.count("DossiersGlancePage")
            runs.append((report.read, report.changed, glances, len(asked) - glances))

    assert first.pushed > PAGE
    assert [(first.pushed, 0, 0, pages), (8, 8, pages, 2), (0, 0, pages, 1)] == runs


def _pushing(sandbox: Sandbox, database_url: str) -> Worker:
    return app_on(
        sandbox.ds_url,
        sandbox.betagouv_url,
        database_url,
        token=sandbox.tokens.write,
        ds_instructeur="dsync@example.gouv.fr",
    )
