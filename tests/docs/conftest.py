"""A sandbox and a database for the pages of docs/operate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dsync.sandbox import Sandbox
from tests.engine.rig import small_sandbox
from tests.store.databases import PostgresServer


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve 6 invented dossiers."""
    with small_sandbox(6) as server:
        yield server


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty database on PostgreSQL."""
    made = postgres_server.make(migrated=False)
    yield made.replace("+psycopg", "")
    postgres_server.drop(made)
