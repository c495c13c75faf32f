"""Fixtures: an engine of twelve dossiers, or one made to order; on SQLite, unless a mark says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.engine.rig import Engine, seeds
from tests.store.databases import made_database

Start = Callable[..., Engine]


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database: on SQLite, or as the test's mark says."""
    yield from made_database(getattr(request, "param", "sqlite"), request, tmp_path)


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Start an engine of these ranks and with these settings."""
    with ExitStack() as opened:

        def make(ranks: Any = range(12), **changes: Any) -> Engine:
            return opened.enter_context(Engine(database_url, seeds(ranks), **changes))

        yield make


@pytest.fixture
def engine(start: Start) -> Engine:
    """The engine of twelve dossiers; nothing was read yet."""
    return start()
