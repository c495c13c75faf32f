"""What 1.0.0 left behind, a database and a configuration, is read by every later version."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from dsync import __version__
from tests.commands.command import InsideCommand
from tests.commands.conftest import operator
from tests.conftest import Golden
from tests.engine.rig import small_sandbox
from tests.store.databases import dump

KEPT = Path(__file__).parent / "1.0.0"
CONFIGURATION = KEPT / "dsync.toml"
DOSSIERS = 3


def make_anew(file: Path, url: str, folder: Path) -> None:
    """Write both as this version makes them; only 1.0.0 itself does. Leave the database empty."""
    with small_sandbox(DOSSIERS) as sandbox:
        dsync = operator(sandbox, folder).given(DSYNC_DATABASE_URL=url)
        assert [0, 0] == [dsync("db", "upgrade", "--yes").code, dsync("sync").code]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            lines = "\n".join(connection.iterdump())
        Path(url.removeprefix("sqlite:///")).unlink()
    else:
        told = dump(url, "--inserts", "--no-owner", "--no-privileges").splitlines()
        # What psql alone understands, and what a server of another version may not know.
        lines = "\n".join(one for one in told if not one.startswith(("\\", "SET ")))
        with psycopg.connect(url.replace("+psycopg", "")) as server:
            server.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    file.write_bytes(gzip.compress(lines.encode(), mtime=0))
    shutil.copy(Path(__file__).parents[2] / "config" / "aap-eig7.toml", CONFIGURATION)


def put_back(file: Path, url: str) -> None:
    """Make the database that was kept."""
    lines = gzip.decompress(file.read_bytes()).decode()
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript(lines)
        Path(url.removeprefix("sqlite:///")).chmod(0o600)
        return
    with psycopg.connect(url.replace("+psycopg", "")) as server:
        server.execute(lines.encode())


def test_what_the_first_release_left_is_read_and_upgraded(
    empty_database_url: str, tmp_path: Path, golden: Golden
) -> None:
    """Each dossier with its verdict; each key of the configuration."""
    kept = KEPT / f"dsync.{make_url(empty_database_url).get_backend_name()}.sql.gz"
    if golden.is_updating and __version__ == "1.0.0":
        make_anew(kept, empty_database_url, tmp_path)
    put_back(kept, empty_database_url)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
    given = {"DSYNC_DATABASE_URL": empty_database_url, "DSYNC_CONFIG": str(CONFIGURATION)}
    dsync = InsideCommand(tmp_path, {**inherited, **given})
    assert 0 == dsync("db", "upgrade", "--yes").code
    checked = dsync("config", "check")
    assert 0 == checked.code, checked.text
    found = dsync("dossier", "list", "--json").json
    assert DOSSIERS == len(found)
    for one in found:
        shown = dsync("dossier", "show", str(one["numero"]), "--json").json
        assert shown["precontroles"][0]["verdict"] == one["verdict"]
        assert shown["controles"]
