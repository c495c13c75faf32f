"""PostgreSQL ends connections, or comes back as another server, in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.engine import oracle
from tests.engine.rig import PAGE, Engine, engine_for, number, seeds
from tests.profiles import long
from tests.store.databases import PostgresServer, on_postgresql

MOST_STATEMENTS = 700
STEP = 151
"""A default run of the tests tries each so-manieth statement, the long profile all others."""

END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@contextmanager
def ended_at(engine: Engine, statement: int) -> Iterator[dict[str, int]]:
    """Have all of the worker's connections ended just before one of its statements."""
    engine.worker.app.due()
    counted = {"statements": 0}

    def count(*_: Any) -> None:
        counted["statements"] += 1
        if counted["statements"] == statement:
            engine.rows(END_ALL)

    watched = engine_for(engine.url)
    event.listen(watched, "before_cursor_execute", count)
    try:
        yield counted
    finally:
        event.remove(watched, "before_cursor_execute", count)


@pytest.mark.parametrize("first", [1, *(long(n) for n in range(2, STEP + 1))])
def test_connections_that_end_at_any_statement_lose_and_double_nothing(
    postgres_server: PostgresServer, first: int
) -> None:
    """The run ends with 5 or goes on; the next one of the same process completes it."""
    for statement in range(first, MOST_STATEMENTS, STEP):
        url = postgres_server.make(migrated=True)
        with Engine(url, seeds(range(4))) as engine:
            with ended_at(engine, statement) as counted:
                report = engine.sync()
            if counted["statements"] >= statement:
                assert report.exit_code in {0, 5}, statement
                complete(engine, statement)
        postgres_server.drop(url)
        if counted["statements"] < statement:
            assert statement > STEP
            return
    pytest.fail("the run has more statements than are looked at")


def complete(engine: Engine, statement: int) -> None:
    """Complete a run that lost its connections at a statement."""
    assert [] == engine.worker.app.verify(remote=False).findings, statement
    engine.control.edit_champ(number(0), PAGE, "")
    engine.let_expire()
    for _ in range(2):  # The second reads the labels that the first wrote.
        assert 0 == engine.sync(full=True).exit_code, statement
        engine.advance(minutes=11)
    oracle.check_copy(engine)
    oracle.check_annotations(engine)
    oracle.check_conflicts(engine, set())
    oracle.check_sent(engine)
    assert [] == engine.worker.app.verify(remote=True).findings, statement


@on_postgresql
def test_a_server_that_is_read_only_or_away_is_survived(
    database_url: str, postgres_server: PostgresServer
) -> None:
    """Exit 5 with the remedy meanwhile; then the same process goes on, without its old sessions."""
    with Engine(database_url, seeds(range(4))) as engine:
        engine.sync_until_quiet()
        engine.control.edit_champ(number(0), PAGE, "")
        engine.advance(minutes=11)
        postgres_server.forbid_writes(database_url)
        engine.rows(END_ALL)
        failed = engine.sync()
        assert 5 == failed.exit_code
        assert "read-only" in " ".join(failed.errors)
        postgres_server.allow_writes(database_url)
        for _ in range(2):
            assert 0 == engine.sync().exit_code
            engine.advance(minutes=11)
        oracle.check_copy(engine)
        oracle.check_annotations(engine)
        assert "Inéligible" == engine.remote(0)

        def go_away(read: Callable[..., Any], *given: Any, **options: Any) -> Any:
            postgres_server.go_away(database_url)
            return read(*given, **options)

        engine.worker.client.around["read_page"] = go_away
        assert 5 == engine.sync().exit_code
        engine.worker.client.around.clear()
        postgres_server.come_back(database_url)
        assert 0 == engine.sync().exit_code
