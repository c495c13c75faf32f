"""Fixtures: an engine of twelve dossiers that was synced, and its console."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from dsync.sandbox.model import ServedDossier
from tests.console.served import ServedConsole, Visitor, served
from tests.engine.rig import RESULTAT, Engine, engine_for, number, seeds
from tests.engine.test_rules_brake import WRONG, change_rules

SHOWN = 30
"""Number of dossiers, some of which are finished and have a jury."""


NewEngine = Callable[[Sequence[ServedDossier]], Engine]


@pytest.fixture(scope="session")
def new_engine(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> NewEngine:
    """Makes an engine of some dossiers, of which nothing was read yet."""

    def made(dossiers: Sequence[ServedDossier]) -> Engine:
        path = tmp_path_factory.mktemp("console") / "dsync.db"
        shutil.copy(sqlite_template, path)
        return Engine(f"sqlite:///{path}", dossiers)

    return made


@pytest.fixture(scope="module")
def read_once(new_engine: NewEngine) -> Iterator[Engine]:
    """An engine that was synced, for tests that only read."""
    with new_engine(seeds(range(SHOWN))) as made:
        made.sync_until_quiet()
        yield made


@pytest.fixture
def read_engine(read_once: Engine) -> Engine:
    """The same for one test: all engines share what connects, and it connects to the last one."""
    engine_for(read_once.url)
    return read_once


@pytest.fixture(scope="module")
def served_once(read_once: Engine) -> Iterator[ServedConsole]:
    """The console of that engine."""
    with served(read_once) as console:
        yield console


@pytest.fixture
def read_console(read_engine: Engine, served_once: ServedConsole) -> ServedConsole:
    """The same for one test."""
    return served_once


@pytest.fixture
def reader(read_console: ServedConsole) -> Visitor:
    """Somebody with a session there, the same for all tests that only read."""
    return read_console.reader


@pytest.fixture(scope="module")
def stopped(new_engine: NewEngine) -> Iterator[Engine]:
    """An engine with conflicts, which waits for consent to other rules."""
    with new_engine(seeds()) as engine:
        engine.sync_until_quiet()
        for rank in (0, 1):
            engine.control.edit_annotation(number(rank), RESULTAT, "Écrit à la main")
        engine.control.faults.return_null(number(4), champs_only=True)
        engine.sync_later(full=True)
        change_rules(engine, WRONG)
        engine.advance(minutes=1)
        assert 4 == engine.sync().exit_code
        yield engine


@pytest.fixture
def fresh(new_engine: NewEngine) -> Iterator[Engine]:
    """An engine of twelve dossiers; nothing was read yet."""
    with new_engine(seeds()) as made:
        yield made


@pytest.fixture
def engine(fresh: Engine) -> Engine:
    """The same, synced, for tests that change something."""
    fresh.sync_until_quiet()
    return fresh


@pytest.fixture
def console(engine: Engine) -> Iterator[ServedConsole]:
    """The console of that engine."""
    with served(engine) as made:
        yield made


@pytest.fixture
def visitor(console: ServedConsole) -> Visitor:
    """Somebody with a session there."""
    return console.visitor()
