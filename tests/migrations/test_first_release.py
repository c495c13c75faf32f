"""What 1.0.0 left behind, a database and a configuration, is read by every later version."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from dsync import __version__
from tests.commands.command import Command
from tests.commands.conftest import operator
from tests.conftest import Golden
from tests.engine.rig import small_sandbox

KEPT = Path(__file__).parent / "1.0.0"
DATABASE, CONFIGURATION = KEPT / "dsync.sql.gz", KEPT / "dsync.toml"
DOSSIERS = 3


def make_anew(folder: Path) -> None:
    """Write both as this version makes them; only 1.0.0 itself does."""
    with small_sandbox(DOSSIERS) as sandbox:
        assert 0 == operator(sandbox, folder)("sync").code
    with closing(sqlite3.connect(folder / "dsync.db")) as connection:
        lines = "\n".join(connection.iterdump())
    DATABASE.write_bytes(gzip.compress(lines.encode(), mtime=0))
    shutil.copy(Path(__file__).parents[2] / "config" / "aap-eig7.toml", CONFIGURATION)


def test_what_the_first_release_left_is_read_and_upgraded(tmp_path: Path, golden: Golden) -> None:
    """Each dossier with its verdict; each key of the configuration."""
    if golden.is_updating and __version__ == "1.0.0":
        make_anew(tmp_path)
        (tmp_path / "dsync.db").unlink()
    with closing(sqlite3.connect(tmp_path / "dsync.db")) as connection:
        connection.executescript(gzip.decompress(DATABASE.read_bytes()).decode())
    (tmp_path / "dsync.db").chmod(0o600)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
    given = {"DSYNC_DATABASE_URL": f"sqlite:///{tmp_path / 'dsync.db'}"}
    dsync = Command(tmp_path, {**inherited, **given, "DSYNC_CONFIG": str(CONFIGURATION)})
    assert 0 == dsync("db", "upgrade").code
    checked = dsync("config", "check")
    assert 0 == checked.code, checked.text
    found = dsync("dossier", "list", "--json").json
    assert DOSSIERS == len(found)
    for one in found:
        shown = dsync("dossier", "show", str(one["numero"]), "--json").json
        assert shown["precontroles"][0]["verdict"] == one["verdict"]
        assert shown["controles"]
