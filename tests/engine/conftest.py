"""Fixtures: an engine of twelve dossiers on SQLite, one on each database, one made to order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.engine.rig import Engine, seeds

Start = Callable[..., Engine]


@pytest.fixture
def start(sqlite_template: Path, tmp_path: Path) -> Iterator[Start]:
    """Start an engine on SQLite, of these ranks and with these settings."""
    path = tmp_path / "dsync.db"
    shutil.copy(sqlite_template, path)
    with ExitStack() as opened:

        def make(ranks: Any = range(12), **changes: Any) -> Engine:
            return opened.enter_context(Engine(f"sqlite:///{path}", seeds(ranks), **changes))

        yield make


@pytest.fixture
def engine(start: Start) -> Engine:
    """The engine of twelve dossiers on SQLite; nothing was read yet."""
    return start()


@pytest.fixture
def engine_on_each(database_url: str) -> Iterator[Engine]:
    """The same on SQLite and on PostgreSQL."""
    with Engine(database_url, seeds()) as made:
        yield made
