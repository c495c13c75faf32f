"""What fails is told in one sentence with its remedy, and never with the password."""

from __future__ import annotations

import sqlite3
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from dsync.database import open_database
from dsync.errors import StoreError
from dsync.messages.kinds import DatabaseFailed
from dsync.store import Store
from dsync.store.engine import describe, open_engine, parse_url, translated
from dsync.store.listing import Selection
from tests.store.builders import DEMARCHE, NOW, make_mapped, writing
from tests.store.databases import PostgresServer, connected, on_postgresql


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """A text file is not overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("bonjour" * 1000)
    with pytest.raises(StoreError, match="no SQLite database"):
        open_database(f"sqlite:///{path}")
    assert path.read_text() == "bonjour" * 1000


@pytest.mark.parametrize("table", ["notes", "alembic_version", "sync_state"])
def test_another_programs_database_is_left_as_it_was(tmp_path: Path, table: str) -> None:
    """A mistyped path adds no table to it, and changes neither its journal nor its rights."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"CREATE TABLE {table} (version_num TEXT)")
        other.execute("CREATE TABLE more (a)")
        other.commit()
    path.chmod(0o664)
    before = path.read_bytes()
    for check_schema in (True, False):
        with pytest.raises(StoreError, match="another program"):
            open_database(f"sqlite:///{path}", check_schema=check_schema).upgrade()
    assert (before, 0o664) == (path.read_bytes(), path.stat().st_mode & 0o777)


@on_postgresql
def test_a_server_without_a_connection_left_says_so(database_url: str) -> None:
    """It is no wrong address, and no server that is away."""
    role = f"dsync_test_{uuid.uuid4().hex[:8]}"
    with connected(database_url) as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0"))
    try:
        url = parse_url(database_url).set(username=role)
        with pytest.raises(StoreError, match="no connection left"):
            open_database(url.render_as_string(hide_password=False))
    finally:
        with connected(database_url) as connection:
            connection.execute(text(f"DROP ROLE {role}"))


@on_postgresql
def test_a_role_that_does_not_exist_is_told(database_url: str) -> None:
    """It is no server that is away, and no database that is missing."""
    url = parse_url(database_url).set(username="the_database")
    with pytest.raises(StoreError, match=r"role does not exist.*the user in DSYNC_DATABASE_URL"):
        open_database(url.render_as_string(hide_password=False))


def test_a_locked_file_says_that_another_process_writes(tmp_path: Path) -> None:
    """A writer that never ends is told from a broken file."""
    path = tmp_path / "dsync.db"
    impatient = open_engine(parse_url(f"sqlite:///{path}"))
    event.listen(impatient, "connect", lambda opened, _: opened.execute("PRAGMA busy_timeout = 0"))
    store = open_database(f"sqlite:///{path}", engine=impatient)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="another process is writing") as raised:
            store.acquire_lease(DEMARCHE, 60)
        assert isinstance(raised.value.said, DatabaseFailed)
        assert raised.value.said.is_locked
    finally:
        blocker.close()
        store.close()


def test_a_query_of_ours_that_fails_does_not_say_that_the_file_is_damaged(tmp_path: Path) -> None:
    """SQLite calls a text that is no JSON malformed, as it does a file; nobody restores a copy."""
    engine = open_engine(parse_url(f"sqlite:///{tmp_path / 'dsync.db'}"))
    with engine.connect() as connection, pytest.raises(StoreError) as raised, translated("here"):
        connection.execute(text("SELECT json_array_length('x')"))
    assert "report it" in str(raised.value)


def test_threads_that_wait_for_another_process_wait_together(tmp_path: Path) -> None:
    """Not one after the other: a page would wait a minute for a few others, and for a run."""
    path, wait_s = tmp_path / "dsync.db", 1.0
    engine = open_engine(parse_url(f"sqlite:///{path}"))
    pragma = f"PRAGMA busy_timeout = {round(1000 * wait_s)}"
    event.listen(engine, "connect", lambda opened, _: opened.execute(pragma))
    store = open_database(f"sqlite:///{path}", engine=engine)
    with closing(sqlite3.connect(path, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            every = [threads.submit(store.acquire_lease, DEMARCHE, 60) for _ in range(8)]
        took_s = time.monotonic() - start
    failed = [one.exception() for one in every]
    assert [True] * 8 == [isinstance(one, StoreError) and "another" in str(one) for one in failed]
    assert took_s < 4 * wait_s
    store.acquire_lease(DEMARCHE, 60)
    store.close()


def test_a_full_disk_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """The page that does not fit is not stored; what was there stays readable."""
    store = open_database(f"sqlite:///{tmp_path / 'dsync.db'}", with_programme=True)
    big = make_mapped(2, candidature={"probleme": "x" * 3_000_000})
    with writing(store) as tx:
        tx.dossiers.store_page(1, [make_mapped(1)], now=NOW)
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def overfill() -> None:
        with writing(store) as tx:
            tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
            tx.dossiers.store_page(1, [big], now=NOW)

    with pytest.raises(StoreError, match="disk is full"):
        overfill()

    with store.reading(DEMARCHE) as reader:
        assert [
            dossier["numero"] for dossier in reader.dossiers.listing(Selection(), limit=9)[0]
        ] == [1]
    store.close()


def test_a_missing_base_is_named(postgres_server: PostgresServer) -> None:
    """The remedy is to create it."""
    url = postgres_server.make(migrated=False)
    postgres_server.drop(url)
    with pytest.raises(StoreError, match="it does not exist"):
        open_database(url)


@on_postgresql
def test_a_server_that_goes_without_a_word_is_given_up(database_url: str) -> None:
    """Within a minute; by itself Linux keeps such a connection for 15 minutes, or two hours."""
    engine = open_engine(parse_url(database_url))
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        given = driver.info.get_parameters()
    engine.dispose()
    names = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    idle_s, interval_s, count, unanswered_ms = (int(given[name]) for name in names)
    assert (True, True) == (idle_s + interval_s * count < 60, unanswered_ms < 60_000)


@on_postgresql
def test_a_cut_connection_is_a_store_error_and_the_next_transaction_works(
    store: Store, database_url: str
) -> None:
    """The server ends our session in mid-transaction: nothing stored, then all is well again."""

    def store_while_cut() -> None:
        with writing(store) as tx:
            pid = tx.connection.scalar(text("SELECT pg_backend_pid()"))
            with connected(database_url) as connection:
                connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            tx.dossiers.store_page(1, [make_mapped(1)], now=NOW)

    with pytest.raises(StoreError, match=r"was stopped|connection failed"):
        store_while_cut()

    with writing(store) as tx:
        assert tx.dossiers.present_count() == 0


@on_postgresql
def test_a_connection_cut_between_two_transactions_is_made_anew(
    store: Store, database_url: str
) -> None:
    """A server that was restarted while nobody asked it is no failure."""
    with writing(store) as tx:
        pid = tx.connection.scalar(text("SELECT pg_backend_pid()"))
    with connected(database_url) as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    with writing(store) as tx:
        assert tx.dossiers.present_count() == 0


@on_postgresql
def test_a_servers_full_disk_is_told_and_leaves_nothing(store: Store) -> None:
    """PostgreSQL gives it a code; its words are in the administrator's language."""

    def overfill() -> None:
        with writing(store) as tx:
            tx.dossiers.store_page(1, [make_mapped(1)], now=NOW)
            tx.connection.execute(
                text("DO $$ BEGIN RAISE EXCEPTION 'plus de place' USING ERRCODE = '53100'; END $$")
            )

    with pytest.raises(StoreError, match="disk is full"):
        overfill()

    with writing(store) as tx:
        assert tx.dossiers.present_count() == 0


def test_the_place_names_all_servers_and_no_password() -> None:
    """Two are given so that dsync finds the primary after a failover."""
    url = "postgresql://dsync@/eig?host=one:5432&host=two:5432&target_session_attrs=read-write"
    assert "PostgreSQL database eig on one:5432 or two:5432" == describe(parse_url(url))
    place = describe(parse_url("postgresql://dsync:S3cret@db.example:5433/eig"))
    assert place == "PostgreSQL database eig on db.example:5433"


def test_a_database_in_memory_serves_all_threads_of_a_store() -> None:
    """`sqlite://` is one database as long as the store is open."""
    store = open_database("sqlite://")
    with writing(store) as tx:
        tx.state.save(page_size=5)
    with store.reading(DEMARCHE) as reader:
        assert reader.state.read().page_size == 5
    store.close()


def test_what_is_read_while_the_database_is_closed_is_closed_at_its_end(tmp_path: Path) -> None:
    """A page can outlast the service: its connection would stay open, and the file with it."""
    opened: list[sqlite3.Connection] = []
    engine = open_engine(parse_url(f"sqlite:///{tmp_path / 'dsync.db'}"))
    event.listen(engine, "connect", lambda connection, _: opened.append(connection))
    store = open_database(f"sqlite:///{tmp_path / 'dsync.db'}", engine=engine)
    with store.reading(DEMARCHE) as reader:
        store.close()
        assert 0 == reader.dossiers.present_count()
    assert opened
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")
    # The next one is opened anew, and kept.
    with store.reading(DEMARCHE) as reader:
        assert 0 == reader.dossiers.present_count()
    opened[-1].execute("SELECT 1")
    store.close()
