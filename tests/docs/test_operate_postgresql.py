"""docs/operate with PostgreSQL: the roles, the move from SQLite, backup and restore."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from dsync.sandbox import Sandbox
from dsync.store.engine import parse_url
from tests.docs.shell import ROOT_PATH, Machine, bare, block, page
from tests.docs.test_operate_machine import done, dossiers, installed, machine, served
from tests.store.databases import PostgresServer

pytestmark = pytest.mark.operate

__all__ = ["installed", "machine", "served"]
ROLES = ("dsync", "analyste", "bureau")
DATABASES = ("dsync", "dsync_restored")


@contextmanager
def on_tcp(socket: str) -> Iterator[int]:
    """Serve a socket of PostgreSQL on a port of 127.0.0.1, as a server of another machine."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(socket)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(meet, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(server.wait_closed())
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                loop.run_until_complete(task)
        loop.close()


@pytest.fixture
def administrator(
    postgres_server: PostgresServer, postgres_programs: Path
) -> Iterator[dict[str, str]]:
    """The variables of who administers a server, on which the page's roles are made."""
    if os.environ.get("DSYNC_TEST_DATABASE_URL"):
        pytest.skip("needs a server of its own, for roles with the page's names")
    made = postgres_server.make(migrated=False)
    url = make_url(made)
    folder = url.query["host"]
    admin = create_engine(parse_url(made).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with on_tcp(f"{folder}/.s.PGSQL.{url.query.get('port', 5432)}") as port:
        yield {
            "PATH": f"{postgres_programs}:{ROOT_PATH}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": url.username or "postgres",
            "PGDATABASE": "postgres",
        }
        with admin.connect() as connection:
            for name in DATABASES:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            for name in ROLES:
                connection.execute(text(f"DROP ROLE IF EXISTS {name}"))
    admin.dispose()
    postgres_server.drop(made)


def moved(machine: Machine, administrator: dict[str, str]) -> str:
    """Move a machine from SQLite to PostgreSQL by the pages; return what the blocks printed."""
    roles = block("postgresql.md", "roles", "sql")
    done(bare("psql -v ON_ERROR_STOP=1 -q -f -", administrator, given=roles))
    host = f"{administrator['PGHOST']}:{administrator['PGPORT']}"
    return done(machine(page("moves.md", "to postgresql"), HOST=host, PASSWORD="geheim")).out


def test_sqlite_moves_to_postgresql_and_readers_read_it(
    machine: Machine, administrator: dict[str, str], served: Sandbox
) -> None:
    """The same dossiers; everything fits; the granted role sees the views and no table."""
    before = dossiers(machine)
    out = moved(machine, administrator)
    assert "Everything fits." in out
    assert before == dossiers(machine)
    done(machine(page("postgresql.md", "readers")))
    reader = administrator | {"PGUSER": "analyste", "PGDATABASE": "dsync"}
    seen = done(bare("psql -At -c 'SELECT count(*) FROM lecture_dossier'", reader))
    assert "12" == seen.out.strip()
    assert 0 != bare("psql -At -c 'SELECT count(*) FROM dossier'", reader).code


def test_a_backup_of_postgresql_is_restored_into_a_new_database(
    machine: Machine, administrator: dict[str, str], served: Sandbox
) -> None:
    """By the page's blocks; the same dossiers, and everything fits."""
    moved(machine, administrator)
    before = dossiers(machine)
    done(machine(page("backup.md", "backup"), PATH=administrator["PATH"]))
    [backup] = [one for one in machine.path("/var/backups/dsync").iterdir() if one.suffix != ".gz"]
    given = administrator | {"BACKUP": f"/var/backups/dsync/{backup.name}"}
    done(machine(page("backup.md", "restore postgresql"), **given))
    file = machine.path("/etc/dsync/database-url")
    renamed = file.read_text(encoding="utf-8").replace("/dsync\n", "/dsync_restored\n")
    file.write_text(renamed, encoding="utf-8")
    after = done(machine(page("backup.md", "after a restore")))
    assert 2 == after.out.count("Everything fits.")
    assert before == dossiers(machine)
