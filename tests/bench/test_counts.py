"""What a run asks of DS and of the database, counted: the part of the benchmarks for every day."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, event

from dsync.sandbox import Sandbox
from dsync.sync.report import RunReport
from dsync.sync.work import Push, ReadAll, ReadChanges, Request
from dsync.wiring import Worker
from tests.bench.measured import app_on
from tests.bench.prebuilt import PAGE, Prebuilt, serving
from tests.seen import see_first

DOSSIERS = 2 * PAGE
GROWING = re.compile(
    r"SCAN (dossier|contenu|candidature|verdict|outbox|pousse|evenement|changement|sync_run)\b"
)
WHOLE = re.compile(r"SEARCH dossier USING .*ix_dossier_demarche_numero \(demarche_numero=\?\)")
"""A search that finds all dossiers of the démarche."""


COMMIT = "COMMIT"
QUIET, PAGE_MORE = 112, 45
"""Most statements, with those that begin and end transactions, of a run without news, and of each
further page of a first read."""
AT_ONCE = 50
"""Most dossiers that a request asks for by their numbers."""


class Statement(NamedTuple):
    """What was executed, once or with many parameters."""

    text: str
    parameters: Any
    many: bool


@pytest.fixture(scope="module")
def prebuilt() -> Iterator[Prebuilt]:
    """A server of a démarche that fills two pages."""
    with serving(DOSSIERS, products=100) as server:
        yield server


@dataclass(frozen=True)
class FirstRead:
    """The report of a first read, its statements, and the database, which is closed."""

    report: RunReport
    statements: list[Statement]
    path: Path


def _first_read(server: Prebuilt, path: Path) -> FirstRead:
    with noting_statements() as statements:
        report = _sync(server, f"sqlite:///{path}", full=True)
    return FirstRead(report, statements, path)


@pytest.fixture(scope="module")
def first_read(prebuilt: Prebuilt, tmp_path_factory: pytest.TempPathFactory) -> FirstRead:
    """A first read of it."""
    return _first_read(prebuilt, tmp_path_factory.mktemp("read") / "dsync.db")


@pytest.fixture(scope="module")
def page_read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirstRead]:
    """A first read of a démarche that fills one page."""
    with serving(PAGE, products=3) as server:
        yield _first_read(server, tmp_path_factory.mktemp("page") / "dsync.db")


@pytest.fixture
def read(first_read: FirstRead, tmp_path: Path) -> Path:
    """A copy of the database of two pages."""
    return Path(shutil.copy(first_read.path, tmp_path / "dsync.db"))


@contextmanager
def noting_statements() -> Iterator[list[Statement]]:
    """Collect the statements of every engine for as long as the block lasts."""
    statements: list[Statement] = []

    def note(
        _c: object, _k: object, statement: str, parameters: Any, _x: object, many: bool
    ) -> None:
        statements.append(Statement(statement, parameters, many))

    def note_commit(_: object) -> None:
        statements.append(Statement(COMMIT, (), many=False))

    event.listen(Engine, "before_cursor_execute", note)
    event.listen(Engine, "commit", note_commit)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        event.remove(Engine, "commit", note_commit)


def _sync(
    server: Prebuilt, database_url: str, *, full: bool = False, deletions: bool = True
) -> RunReport:
    with app_on(server.ds_url, server.base_url, database_url) as app:
        work = ReadAll(push=False) if full else ReadChanges(deletions=deletions, push=False)
        return app.sync(Request(work))


def test_a_full_read_asks_a_request_a_page_and_three_more_at_most(
    first_read: FirstRead,
) -> None:
    """Pages of a hundred, and the démarche's facts."""
    report = first_read.report
    assert (report.read, report.evaluated) == (DOSSIERS, DOSSIERS)
    assert report.requests <= DOSSIERS // PAGE + 3


def test_a_dossier_with_many_twins_is_judged_once(page_read: FirstRead, tmp_path: Path) -> None:
    """With its page, of which each takes three transactions."""
    with serving(2 * PAGE, products=3) as server:
        done = _first_read(server, tmp_path / "dsync.db")
    rows = [one for one in done.statements if one.text.startswith("INSERT INTO verdict")]
    inserted = sum(len(one.parameters) if one.many else 1 for one in rows)
    commits = [len([s for s in r.statements if s.text == COMMIT]) for r in (page_read, done)]
    assert done.report.evaluated == 2 * PAGE
    assert inserted <= 1.01 * 2 * PAGE
    assert commits[1] - commits[0] <= 3
    assert len(done.statements) - len(page_read.statements) <= PAGE_MORE


@pytest.mark.parametrize(("deletions", "most"), [(False, 1), (True, 3)])
def test_a_run_that_finds_nothing_changed_asks_next_to_nothing(
    prebuilt: Prebuilt, read: Path, deletions: bool, most: int
) -> None:
    """One request, the lists of deletions inside it; nothing but bookkeeping is written."""
    with noting_statements() as statements:
        report = _sync(prebuilt, f"sqlite:///{read}", deletions=deletions)

    assert report.requests <= most
    assert (report.read, report.changed, report.evaluated) == (0, 0, 0)
    assert len(statements) <= QUIET
    written = {one.text.split()[2] for one in statements if one.text.startswith("INSERT")}
    assert written <= {
        "lease",
        "sync_state",
        "sync_run",
        "evidence",
        "indicateur",
        "demande",
    }


def test_a_run_that_finds_nothing_changed_goes_through_no_table(
    prebuilt: Prebuilt, read: Path
) -> None:
    """Its cost does not grow with the copy: every statement finds its rows by an index."""
    with noting_statements() as statements:
        _sync(prebuilt, f"sqlite:///{read}")
    steps = _steps(read, statements)
    assert steps
    assert set() == {(step, statement) for step, statement in steps if GROWING.search(step)}


def test_a_first_read_goes_through_the_demarche_as_often_for_two_pages_as_for_one(
    page_read: FirstRead, first_read: FirstRead
) -> None:
    """A page costs the same whatever the copy holds: its dossiers are found by their numbers."""
    counts = []
    for done in (page_read, first_read):
        steps = [step for step, _ in _steps(done.path, done.statements)]
        counts.append(sum(bool(GROWING.search(s) or WHOLE.search(s)) for s in steps))
    assert counts[0] == counts[1]


def _steps(path: Path, statements: list[Statement]) -> list[tuple[str, str]]:
    """Return the steps of SQLite's plans for a run's statements, each with its statement."""
    with closing(sqlite3.connect(path)) as connection:
        return [
            (step, one.text)
            for one in statements
            if one.text.startswith(("SELECT", "UPDATE", "DELETE")) and not one.many
            # Of a migration, about a table that is gone at its end.
            if "FROM declaration" not in one.text
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {one.text}", one.parameters)
        ]


def test_a_page_costs_the_same_statements_whatever_it_holds(
    page_read: FirstRead, tmp_path: Path
) -> None:
    """Rows are compared and written in bulk: five dossiers cost what a hundred cost."""
    with serving(5, products=3) as server:
        small = _first_read(server, tmp_path / "5.db")

    assert len(small.statements) == len(page_read.statements)


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
    """The run that wrote it reads it, fifty dossiers by a request.

    Later runs in the overlap read glances, and whole only what others have changed.
    """
    runs = []
    with (
        Sandbox.start(100, 7) as sandbox,
        _pushing(sandbox, f"sqlite:///{tmp_path / 'dsync.db'}") as app,
    ):
        first = app.sync(Request(ReadAll()))
        written = [e for e in sandbox.control.requests() if e.operation == "Dossier"]
        pages = -(-first.pushed // PAGE)
        for changed in (0, 8, 0):
            for one in sandbox.control.truth()[::10][:changed]:
                sandbox.control.edit_champ(one.number, 4105, "Un autre problème")
            sandbox.control.forget_requests()
            report = app.sync(Request(ReadChanges(push=False)))
            asked = [entry.operation for entry in sandbox.control.requests()]
            glances = asked.count("DossiersGlancePage")
            runs.append((report.read, report.changed, glances, len(asked) - glances))

    assert first.pushed > AT_ONCE
    assert -(-first.pushed // AT_ONCE) == len(written)
    assert [(0, 0, pages, 1), (8, 8, pages, 2), (8, 0, pages, 2)] == runs


def _pushing(sandbox: Sandbox, database_url: str) -> Worker:
    app = app_on(
        sandbox.ds_url,
        sandbox.betagouv_url,
        database_url,
        token=sandbox.tokens.write,
        ds_instructeur="dsync@example.gouv.fr",
    )
    see_first(app)
    return app
