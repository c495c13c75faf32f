"""A standby of PostgreSQL, which dsync can read and not write."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from dsync.care.person import look_up
from dsync.database import open_database
from dsync.domain.ids import DemarcheNumber
from dsync.errors import StoreError
from tests.store.databases import MEMORY, PostgresServer, connected, started_server

DEMARCHE = DemarcheNumber(86321)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@contextmanager
def standby_of(server: PostgresServer, url: str) -> Iterator[str]:
    """Start a standby of a server; yield the address of a database there."""
    programs = server.programs()
    if programs is None or not (programs / "pg_basebackup").is_file():
        pytest.skip("no pg_basebackup of the server's version")
    with connected(url) as connection:
        data = Path(connection.scalar(text("SHOW data_directory")))
    owner = data.stat().st_uid
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="dsync-standby-") as place:
        os.chown(place, owner, -1)

        def do(program: str, *words: str) -> None:
            line = [programs / program, "-D", f"{place}/data", *words]
            quiet = subprocess.DEVNULL
            subprocess.run(line, user=owner, check=True, stdout=quiet, stderr=quiet)

        own = make_url(url)
        do("pg_basebackup", "-R", "-h", str(own.query["host"]), "-U", str(own.username))
        options = f"-c port=5433 -c unix_socket_directories={place} -c listen_addresses=''"
        do("pg_ctl", "-w", "-o", options, "start")
        try:
            there = own.set(query={"host": place, "port": "5433"})
            yield there.render_as_string(hide_password=False)
        finally:
            do("pg_ctl", "-m", "immediate", "stop")


@pytest.mark.long
def test_what_writes_names_the_primary() -> None:
    """A look-up of a person, which is journaled; what only reads works."""
    with started_server() as server:
        url = server.make(migrated=True)
        with closing(open_database(url)) as store, store.requests(DEMARCHE) as requests:
            requests.record("acces", {}, "a@b", since=NOW, now=NOW)
        with standby_of(server, url) as there, closing(open_database(there)) as store:
            with store.reading(DEMARCHE) as reader:
                assert [] == reader.requests.latest(limit=1)[1:]
            with pytest.raises(StoreError, match=r"is not shown.*read-only.*at the primary"):
                look_up(store, "Dupont", "a@b", lambda: NOW, DEMARCHE)
