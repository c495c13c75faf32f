"""Opens connections to SQLite and PostgreSQL, and translates their errors, so that both are alike.

Errors become a `StoreError` with a remedy. Its message has the database's name without its
password, and nothing of the statement, whose parameters are personal data.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from dsync.errors import ConfigurationError, StoreError
from dsync.messages.kinds import DatabaseFailed
from dsync.store.private_files import make_new, make_private

CACHED_STATEMENTS = 32
"""Prepared statements that a SQLite connection keeps. Lists of numbers of any length make ever new
ones, and the driver's 128 take 10 MiB in a full read of 6,000 dossiers."""
BUSY_TIMEOUT_S = 15
"""How long a writer waits for another writer before it fails."""

SUPERUSERS = 3
"""Connections that PostgreSQL keeps for superusers, by default."""

CONNECT_TIMEOUT_S = 4
"""How long a PostgreSQL server may take to open a connection: a stop waits for it, and a service
promises to stop within 5 s."""

SILENT_S = 30
"""After this time a connection to PostgreSQL whose other end is gone without a word, as after a
failover or behind a firewall, fails. The system would keep it for 15 minutes, or for two hours."""

IDLE_IN_TRANSACTION_S = 60
"""After this time PostgreSQL ends a transaction that executes nothing, so that a suspended process
does not keep the lease's row locked."""

FEW = 10
"""Maximum number of connections of a command; a service has more, by its number of workers."""

_LISTEN_S = 1.0
"""Interval at which a listening thread looks whether it has to end, and minimum time between two
wake-ups: any role of the database may notify."""

READING = "dsync_reading"
"""Execution option of a connection that only reads."""

_STEPS = 1_000_000
"""Steps of SQLite between two looks at signals: some 20 ms."""

CHECKING_STEPS = 10_000
"""The same for a check of the file, whose steps are pages."""

SORTING = "dsync_sorting"
"""Execution option of a connection that may sort everything: SQLite then does so in files that have
no name, because 100,000 dossiers take 200 MiB in memory."""

TRIAL = "dsync_trial"
"""Execution option of the connection of a dry run."""

AUTOCOMMIT = "dsync_autocommit"
"""Execution option of a SQLite connection without a transaction."""


def connections_of(workers: int) -> int:
    """Return the maximum number of connections of a service.

    Each run has up to three at once, also that of a démarche that failed, which no worker does; the
    console's pages four; six are for who looks for what is due, who listens, alerts and their
    check, HTTP, and what the console executes.
    """
    return 3 * (workers + 1) + 4 + 6


_RAW_PASSWORD = re.compile(r"[^/?@][^/?#@]*[/?#@].*@|[^/@]*:[^@]*:.*@|[^/?@][^@]*@[^/?]*@")
"""What follows `://` where the user or password has a character that ends a part of an address."""


def parse_url(text: str) -> URL:
    """Parse a database URL.

    Raises:
        ConfigurationError: it is not a URL, or neither of SQLite nor of PostgreSQL.
    """
    # A part of such a password would be taken for the host or the database, and be shown as it.
    engine, _, place = text.strip().partition("://")
    if not engine.startswith("sqlite") and _RAW_PASSWORD.match(place):
        raise ConfigurationError(
            "The database's address cannot be read: in its user and password, write @ as %40, / as "
            "%2F and ? as %3F (DSYNC_DATABASE_URL)."
        )
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError) as exc:
        raise ConfigurationError(
            "The database's address cannot be read. Give DSYNC_DATABASE_URL as "
            "sqlite:///file.db or postgresql://user@host/base."
        ) from exc
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
    """Return a database's name for messages, without the password."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {url.database}" if url.database else "SQLite in memory"
    host = url.host or url.query.get("host") or "local socket"
    if not isinstance(host, str):
        host = " or ".join(host)
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL database {url.database or '(default)'} on {host}{port}"


def open_engine(url: URL, *, create: bool = True, connections: int = FEW) -> Engine:
    """Make the engine without connecting to the database.

    `connections` is their maximum number; who needs one more waits for it.

    Raises:
        StoreError: there is no SQLite database, and `create` is False; or others can read it.
    """
    if url.get_backend_name() == "postgresql":
        return _postgresql(url, connections)
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
                # One connection for all: in memory, each one opens a database of its own.
                poolclass=StaticPool,
                connect_args={"check_same_thread": False},
            )
        )
    if not create and not Path(str(url.database)).exists():
        raise StoreError(
            f"There is no database yet ({describe(url)}). Run `dsync sync` or `dsync db upgrade`."
        )
    file = Path(str(url.database))
    make_new(file)
    options: dict[str, Any] = {"timeout": BUSY_TIMEOUT_S, "cached_statements": CACHED_STATEMENTS}
    is_read_only = file.is_file() and not all(
        os.access(one, os.W_OK) for one in (file, file.parent)
    )
    if is_read_only:
        options |= {"check_same_thread": False, "uri": True}
    return _prepare_sqlite(
        create_engine(
            url,
            hide_parameters=True,
            pool_size=connections,
            max_overflow=0,
            **{"creator": lambda: sqlite3.connect(_to_read(file), **options)}
            if is_read_only
            else {"connect_args": options},
        ),
        is_read_only=is_read_only,
    )


def _to_read(file: Path) -> str:
    """Return the URI by which SQLite reads a file that may not be written.

    It would make files beside it. Without them nobody has it open, so it does not change.
    """
    place = Path(os.path.realpath(file))
    is_idle = not place.with_name(f"{place.name}-wal").exists()
    return f"{place.as_uri()}?mode=ro{'&immutable=1' if is_idle else ''}"


def listen(engine: Engine, channel: str, stop: threading.Event, woken: Callable[[], None]) -> None:
    """Call `woken` within a second of a notification of PostgreSQL, until `stop` is set.

    It is called once a second at most, however many there are.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # It is closed at the end: the next user of the pool's connection must not listen.
        connection.detach()
        driver: Any = connection.connection.dbapi_connection
        try:
            while not stop.is_set():
                connection.exec_driver_sql(f"LISTEN {channel}")
                # What was asked for before, too.
                woken()
                next_at = time.monotonic() + _LISTEN_S
                while not stop.is_set() and not [*driver.notifies(timeout=_LISTEN_S, stop_after=1)]:
                    pass
                # Who notifies without end costs nothing meanwhile.
                connection.exec_driver_sql(f"UNLISTEN {channel}")
                stop.wait(next_at - time.monotonic())
        # Of the driver's own calls, which bypass SQLAlchemy.
        except engine.dialect.loaded_dbapi.Error as exc:
            raise OperationalError("LISTEN", None, exc, connection_invalidated=True) from exc


def vacuum(engine: Engine, tables: Iterable[str], wait_ms: int) -> bool:
    """Remove deleted data from the database's files: old row versions, or SQLite's WAL.

    Returns whether it was done: a WAL that somebody reads for longer than `wait_ms` is left,
    because its checkpoint waits for readers with the lock that every writer needs.
    """
    if engine.dialect.name == "postgresql":
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(f"VACUUM {', '.join(tables)}")
        return True
    with engine.execution_options(**{AUTOCOMMIT: True}).connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_ms}")
        try:
            is_busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
    return not is_busy


def wait_for_locks(connection: Connection) -> None:
    """Have PostgreSQL wait for locks in this transaction as long as in others."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S}s'")


def wait_in_transaction(connection: Connection) -> None:
    """Have PostgreSQL keep this transaction also while it executes nothing for long."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def sqlite_file(url: URL) -> Path | None:
    """Return the file of a SQLite database, None for other databases."""
    is_file = url.get_backend_name() == "sqlite" and not _is_memory(url)
    return Path(str(url.database)) if is_file else None


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, None if there is none.

    They show that a file was replaced by another one with the same name.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_memory(url: URL) -> bool:
    return not url.database or url.database == ":memory:"


def _close_late(engine: Engine) -> None:
    """Close a connection that is given back after its pool was disposed of: SQLAlchemy drops it."""

    @event.listens_for(engine, "connect")
    def belongs(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["pool"] = engine.pool

    @event.listens_for(engine, "checkin")
    def close(connection: Any, record: ConnectionPoolEntry) -> None:
        if connection is not None and record.info["pool"] is not engine.pool:
            connection.close()


def _prepare_sqlite(engine: Engine, *, is_read_only: bool = False) -> Engine:
    _close_late(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        _refuse_foreign(connection, engine.url)
        if file := sqlite_file(engine.url):
            # Only then: the file of another program is left as it is.
            make_private(file)
        # The driver begins a transaction only before the first write and not for DDL: `begin`
        # below replaces that.
        connection.isolation_level = None
        make_interruptible(connection)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        if mode not in {"wal", "memory"} and not is_read_only:
            connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing: its commits are in the WAL, in the system's cache. A
        # power failure can lose the last commits as a whole: the watermark and the outbox then go
        # back together with the dossiers, and the next run reads these again.
        connection.execute("PRAGMA synchronous = NORMAL")
        # Temporary data stay in memory: they contain personal data, and the folder for temporary
        # files can be small.
        connection.execute("PRAGMA temp_store = MEMORY")
        # SQLite's own `lower` knows ASCII alone: « École » would not be found by « école ».
        connection.create_function(
            "lower", 1, lambda text: text and text.lower(), deterministic=True
        )
        # Deleted content is overwritten in the file.
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE, because a transaction that begins by reading fails at its first write, without
        # waiting, if another one has committed since.
        options = connection.get_execution_options()
        if options.get(SORTING, False):
            connection.exec_driver_sql("PRAGMA temp_store = FILE")
        if not options.get(AUTOCOMMIT, False):
            reading = options.get(READING, False)
            connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def make_interruptible(connection: sqlite3.Connection, steps: int = _STEPS) -> None:
    """Have a signal end a statement of SQLite: Python calls handlers between its own steps alone.

    What a handler raises is lost in the driver, and the statement fails as interrupted.
    """
    connection.set_progress_handler(_do_nothing, steps)


def _do_nothing() -> int:
    return 0


def _refuse_foreign(connection: sqlite3.Connection, url: URL) -> None:
    """Refuse the file of another program before anything in it is changed."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if tables - {_VERSION_TABLE} and not {_VERSION_TABLE, "sync_state"} <= tables:
        raise StoreError(
            f"{describe(url)} belongs to another program and was left as it was. Set "
            "DSYNC_DATABASE_URL to a file of dsync's own."
        )


_VERSION_TABLE = "alembic_version"


_READ_ONLY_SQLSTATE = "25006"
_COMPRESS_FAST = """
SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings
WHERE name = 'default_toast_compression' AND source = 'default' AND 'lz4' = ANY (enumvals)
"""
"""Rows with contents take 60 % of the time that they take with `pglz`, and 6 % more disk. Not every
server has lz4, and an administrator's own choice stays."""


def _postgresql(url: URL, connections: int) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        # One more round trip per transaction, so that a restart of the server causes no failure.
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        # The driver decodes `jsonb` with it; the standard library took half of a full read's time.
        json_deserializer=msgspec.json.decode,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "dsync",
            "keepalives_idle": SILENT_S // 3,
            "keepalives_interval": SILENT_S // 3,
            "keepalives_count": 2,
            "tcp_user_timeout": 1000 * SILENT_S,
        },
    )
    _close_late(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # With SET, because connection poolers refuse start-up options.
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET lock_timeout = '{BUSY_TIMEOUT_S}s';"
                f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s';"
                # PostgreSQL expects far more values in JSON than there are, and would compile
                # queries that take some milliseconds.
                "SET jit = off;"
                "SET timezone = 'UTC';" + _COMPRESS_FAST
            )
        connection.commit()

    @event.listens_for(engine, "handle_error")
    def leave_read_only(context: ExceptionContext) -> None:
        # After a failover the pool's connections lead to the former primary, which answers and
        # refuses to write: they are closed, and new ones find the primary.
        if _sqlstate_of(context.original_exception) == _READ_ONLY_SQLSTATE:
            context.is_disconnect = True

    return engine


def _sqlstate_of(cause: BaseException | None) -> str | None:
    sqlstate: str | None = getattr(cause, "sqlstate", None)
    # A standby refuses the setting of a transaction that may write as « not supported ». The words
    # of the message have a language; the function that refuses a setting has none.
    refused_by = getattr(getattr(cause, "diag", None), "source_function", None)
    if (sqlstate, refused_by) == ("0A000", "call_bool_check_hook"):
        return _READ_ONLY_SQLSTATE
    return sqlstate


_BY_SQLSTATE = {
    "28P01": "PostgreSQL refuses the user or the password. Correct DSYNC_DATABASE_URL.",
    "28000": "PostgreSQL refuses the user. Correct DSYNC_DATABASE_URL or pg_hba.conf.",
    "3D000": "it does not exist. Create it with `createdb`, or correct DSYNC_DATABASE_URL.",
    "42501": "the database user lacks a right. Give it the ownership of dsync's tables.",
    "25006": "the server is read-only. Point DSYNC_DATABASE_URL at the primary.",
    "53100": "the server's disk is full. Free some space; the next run resumes.",
    "53300": "the server has no connection left. `dsync check` says how many dsync needs.",
    "55P03": "another process holds a lock. Try again, or look for a blocked session.",
    "2BP01": "a view that somebody else built reads dsync's views. Nothing was changed: drop that "
    "view, try again, then create it anew.",
    "57014": "the statement was cancelled. Try again; the next run resumes.",
    "57P01": "the server was stopped. The next run resumes when it is back.",
    "57P02": "the server was stopped. The next run resumes when it is back.",
    "57P03": "the server is starting. Try again in a moment.",
    "40001": "two processes wrote the same rows. Try again.",
    "40P01": "two processes blocked each other. Try again.",
    "42P01": "dsync's tables are not there. Run `dsync db upgrade`.",
}

_DAMAGED = "the file is damaged. Restore a copy, or start a new one and sync again."
_BY_TEXT = (
    ("database is locked", "another process is writing into it. Try again when it has ended."),
    ("database or disk is full", "its disk is full. Free some space; the next run resumes."),
    (
        "unable to open database file",
        "it cannot be opened. Check that it is no folder, and that its folder exists and may be "
        "written.",
    ),
    ("file is not a database", "it is no SQLite database. Correct DSYNC_DATABASE_URL."),
    ("disk image is malformed", _DAMAGED),
    ("malformed database schema", _DAMAGED),
    (
        "readonly database",
        "it may not be written. Check the rights on the file and its folder, and that its disk is "
        "not read-only.",
    ),
    ("disk i/o error", "the disk fails. Check the disk, its quota and its rights."),
    ("no such table", "dsync's tables are not there. Run `dsync db upgrade`."),
    ("password authentication failed", _BY_SQLSTATE["28P01"]),
    ("no password supplied", _BY_SQLSTATE["28P01"]),
    ("too many clients", _BY_SQLSTATE["53300"]),
    ("too many connections", _BY_SQLSTATE["53300"]),
    ("remaining connection slots", _BY_SQLSTATE["53300"]),
    ("could not translate host name", "its host is not known. Correct DSYNC_DATABASE_URL."),
    ("failed to resolve host", "its host is not known. Correct DSYNC_DATABASE_URL."),
    (
        "connection refused",
        "nothing answers there. Start PostgreSQL, or correct DSYNC_DATABASE_URL.",
    ),
)


_OF_LOCKS = {_BY_SQLSTATE["55P03"], dict(_BY_TEXT)["database is locked"]}


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Translate SQLAlchemy's exceptions; `place` is the database's name for messages.

    Raises:
        KeyboardInterrupt: a signal ended a statement.
        StoreError: the database could not be opened, read or written.
    """
    try:
        yield
    except SQLAlchemyError as exc:
        if _was_interrupted(exc):
            raise KeyboardInterrupt from exc
        remedy = _remedy(exc)
        said = DatabaseFailed(place, remedy, is_locked=remedy in _OF_LOCKS)
        raise StoreError(said, kind=type(exc).__name__) from exc


def _was_interrupted(exc: BaseException | None) -> bool:
    """Return whether a signal ended a statement; a rollback, for example, fails after it."""
    cause = getattr(exc, "orig", None)
    return exc is not None and (
        isinstance(exc, KeyboardInterrupt)
        or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        or _was_interrupted(exc.__context__)
    )


def is_locked(exc: StoreError) -> bool:
    """Return whether a statement of PostgreSQL failed because it waited too long for a lock."""
    return getattr(getattr(exc.__cause__, "orig", None), "sqlstate", None) == "55P03"


def is_busy(exc: OperationalError) -> bool:
    """Return whether a statement of SQLite failed because it waited too long for a lock."""
    return getattr(exc.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def locked(place: str) -> StoreError:
    """Return the error of a SQLite file into which another process writes for too long."""
    said = DatabaseFailed(place, dict(_BY_TEXT)["database is locked"], is_locked=True)
    return StoreError(said, kind=OperationalError.__name__)


def _reads(exc: SQLAlchemyError) -> bool:
    statement = (isinstance(exc, DBAPIError) and exc.statement) or ""
    return statement.lstrip()[:6].upper().strip() in ("SELECT", "WITH")


def _temporary_folder() -> str:
    """Return where SQLite keeps its temporary files, by its own rule."""
    named = [os.environ.get("SQLITE_TMPDIR"), os.environ.get("TMPDIR"), "/var/tmp"]  # noqa: S108
    return next((one for one in named if one and os.access(one, os.W_OK | os.X_OK)), "/tmp")  # noqa: S108


def _remedy(exc: SQLAlchemyError) -> str:
    cause = exc.orig if isinstance(exc, DBAPIError) else None
    sqlstate = _sqlstate_of(cause)
    if sqlstate in _BY_SQLSTATE:
        return _BY_SQLSTATE[sqlstate]
    text = str(cause or exc).lower()
    # What only reads fills nothing but the files in which SQLite sorts.
    if "disk is full" in text and _reads(exc):
        return (
            f"no space is left for SQLite's temporary files in {_temporary_folder()}. Free some "
            "there, or name another folder in SQLITE_TMPDIR."
        )
    for fragment, remedy in _BY_TEXT:
        if fragment in text:
            return remedy
    if re.search(r"role \".*\" does not exist|rôle « .* » n'existe pas", text):
        return (
            "its role does not exist on the server. Make it by CREATE ROLE … LOGIN, or correct the "
            "user in DSYNC_DATABASE_URL."
        )
    # A server's messages can be in another language. Before a connection is established there is
    # no SQLSTATE, so a missing database is recognised by its English message only.
    if "does not exist" in text and "database" in text:
        return _BY_SQLSTATE["3D000"]
    if isinstance(exc, DBAPIError) and (exc.connection_invalidated or "connection" in text):
        return "the connection failed. Check the server and DSYNC_DATABASE_URL; then try again."
    code = f" (SQLSTATE {sqlstate})" if sqlstate else ""
    return f"an operation failed{code}. Run again with -v for its trace and report it."
