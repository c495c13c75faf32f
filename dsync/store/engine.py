"""Opens connections on SQLite and PostgreSQL so that both behave alike.

Of the tables, two names alone are known here: those by which a file is dsync's.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from dsync.errors import ConfigurationError, StoreError

BUSY_TIMEOUT_S = 15
"""How long a writer waits for another one, on either engine, before it gives up."""

CONNECT_TIMEOUT_S = 4
"""How long a PostgreSQL server may take to open a connection: a stop waits for it, and a service
promises to stop within 5 s."""

PAUSED_AT_MOST_S = 60
"""How long PostgreSQL lets a process be silent in mid-transaction: a paused one may not keep the
lease's row from its successor."""

READING = "dsync_reading"
"""Execution option of a connection that only reads."""

ALONE = "dsync_alone"
"""Execution option of a connection whose statements are in no transaction."""


def parse_url(text: str) -> URL:
    """Read a database address.

    Raises:
        ConfigurationError: It is no address, or of another engine than the two supported.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as exc:
        raise ConfigurationError(
            "The database's address cannot be read. Give DSYNC_DATABASE_URL as "
            "sqlite:///file.db or postgresql://user@host/base."
        ) from exc
    if "@" in (url.host or ""):
        raise ConfigurationError(
            "The database's address cannot be read: in its password, write @ as %40, : as %3A and "
            "/ as %2F (DSYNC_DATABASE_URL)."
        )
    engine = url.drivername.partition("+")[0]
    if engine in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if engine == "sqlite":
        return url.set(drivername="sqlite+pysqlite")
    raise ConfigurationError(
        f"dsync does not work on « {engine} ». Give DSYNC_DATABASE_URL as "
        "sqlite:///file.db or postgresql://user@host/base."
    )


def describe(url: URL) -> str:
    """Name a database for people, without the password."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {url.database}" if url.database else "SQLite in memory"
    host = url.host or url.query.get("host") or "local socket"
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL database {url.database or '(default)'} on {host}{port}"


def open_engine(url: URL, *, create: bool = True) -> Engine:
    """Make the engine; nothing is connected yet.

    Raises:
        StoreError: The SQLite database is not there and may not be created.
    """
    if url.get_backend_name() == "postgresql":
        return _postgresql(url)
    if _is_memory(url):
        if not create:
            raise StoreError(
                "A database in memory is empty at each command. Set DSYNC_DATABASE_URL to "
                "sqlite:///FILE."
            )
        return _prepare_sqlite(
            create_engine(
                url,
                hide_parameters=True,
                poolclass=StaticPool,
                connect_args={"check_same_thread": False},
            )
        )
    if not create and not Path(str(url.database)).exists():
        raise StoreError(
            f"There is no database yet ({describe(url)}). Run `dsync sync` or `dsync db upgrade`."
        )
    _make_private(Path(str(url.database)))
    return _prepare_sqlite(
        create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_S})
    )


def vacuum(engine: Engine, tables: Iterable[str]) -> None:
    """Rid the database's files of what was deleted: old versions of rows, or SQLite's WAL."""
    statement = "PRAGMA wal_checkpoint(TRUNCATE)"
    options: dict[str, Any] = {ALONE: True}
    if engine.dialect.name == "postgresql":
        statement = f"VACUUM {', '.join(tables)}"
        options = {"isolation_level": "AUTOCOMMIT"}
    with engine.execution_options(**options).connect() as connection:
        connection.exec_driver_sql(statement)


def _make_private(path: Path) -> None:
    """Make a file that is not there for its owner alone; SQLite gives `-wal` the same rights."""
    with contextlib.suppress(OSError):  # Told when the file is opened.
        path.touch(0o600, exist_ok=False)


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database, None where there is none."""
    is_file = url.get_backend_name() == "sqlite" and not _is_memory(url)
    return Path(str(url.database)) if is_file else None


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of that name, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_memory(url: URL) -> bool:
    return not url.database or url.database == ":memory:"


def _prepare_sqlite(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _refuse_foreign(connection, engine.url)
        # The driver's own BEGIN comes too late and leaves DDL outside; ours is below.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
            connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing: what it committed is in the WAL, in the system's
        # cache. A power cut may lose the last commits, never half of one: the watermark and
        # the outbox go back together with what they speak of, and the next run reads again.
        connection.execute("PRAGMA synchronous = NORMAL")
        # What a statement needs in passing stays in memory: the folder of temporary files may be
        # small, and is no place for personal data.
        connection.execute("PRAGMA temp_store = MEMORY")
        # What is erased is overwritten, not merely unlinked.
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail, not wait, when another
        # writer came between: writers take their turn at the start.
        options = connection.get_execution_options()
        if not options.get(ALONE, False):
            reading = options.get(READING, False)
            connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _refuse_foreign(connection: sqlite3.Connection, url: URL) -> None:
    """Leave another program's file as it is, its journal mode included.

    Raises:
        StoreError: The file has tables, and not those by which dsync's is known.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables - {_VERSION_TABLE} and not {_VERSION_TABLE, "sync_state"} <= tables:
        raise StoreError(
            f"{describe(url)} belongs to another program and was left as it was. Set "
            "DSYNC_DATABASE_URL to a file of dsync's own."
        )


_VERSION_TABLE = "alembic_version"


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        # One more exchange per transaction, and a restarted server is no failure.
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "dsync"},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # By SET and not by start-up options, which poolers in between refuse.
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET lock_timeout = '{BUSY_TIMEOUT_S}s';"
                f"SET idle_in_transaction_session_timeout = '{PAUSED_AT_MOST_S}s';"
                "SET timezone = 'UTC'"
            )
        connection.commit()

    return engine
