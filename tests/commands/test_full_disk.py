"""What is full is named: the database, a backup's or an export's folder, SQLite's own files."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.command import Command
from tests.profiles import long


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, which has 100 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk (root)")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("db", "backup", "{small}/copy.db"), 5),
        (("export", "{small}"), 1),
        long(("export", "{small}", "--format", "xlsx"), 1),
        (("export", "{small}", "--format", "parquet"), 1),
    ],
    ids=["backup", "csv", "xlsx", "parquet"],
)
def test_a_full_target_is_named_and_not_the_database(
    synced: Command, small: Path, arguments: tuple[str, ...], code: int
) -> None:
    """One sentence with the folder and what to do; what is not complete is not left."""
    ended = synced(*(one.format(small=small) for one in arguments))
    assert (code, 1) == (ended.code, len(ended.err.splitlines())), ended.text
    assert f"cannot be written into {small} (No space left on device)" in ended.err
    assert [] == list(small.iterdir())
    gc.collect()  # A file that could not be completed is left to the garbage collector.


def test_a_page_of_rules_is_whole_or_as_it_was(synced: Command, small: Path) -> None:
    """What is online is not replaced by half a page."""
    page = small / "regles.html"
    assert 0 == synced("rules", "publish", str(page)).code
    before = page.read_text(encoding="utf-8")
    (small / "other").write_bytes(bytes(100 * 1024 - page.stat().st_size - 12 * 1024))
    assert synced("rules", "publish", str(page)).refuses("No space left on device")
    assert before == page.read_text(encoding="utf-8")
    kept = {one.name for one in small.iterdir()}
    assert {"regles.html", "regles-donnees-personnelles.html", "other"} == kept


def test_a_full_disk_of_the_database_is_named(run: Command, small: Path) -> None:
    """The run fails with the file, and what has to be done."""
    ended = run("sync", "--json", DSYNC_DATABASE_URL=f"sqlite:///{small / 'own.db'}")
    assert 5 == ended.code, ended.text
    assert f"SQLite file {small / 'own.db'}: its disk is full. Free some space" in ended.text


SORTS_MUCH = """
from contextlib import closing
from dsync.database import open_database
from dsync.errors import StoreError

with closing(open_database("sqlite:///dsync.db")) as store:
    try:
        with store.reading() as reader:
            reader.connection.exec_driver_sql("PRAGMA temp_store = FILE")
            reader.connection.exec_driver_sql("PRAGMA cache_size = 10")
            reader.connection.exec_driver_sql(
                "SELECT hex(randomblob(500)) AS noise FROM lecture_champ ORDER BY noise"
            ).all()
    except StoreError as exc:
        print(exc.message)
"""


def test_a_database_on_a_read_only_disk_is_read(synced: Command, tmp_path: Path) -> None:
    """`status` and lists show it; what would write is told why it cannot."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk (root)")
    try:
        shutil.copy(synced.folder / "dsync.db", folder / "dsync.db")
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        dsync = synced.given(DSYNC_DATABASE_URL=f"sqlite:///{folder / 'dsync.db'}")
        for line in ("status", "dossier list", "history", "conflicts list", "quarantine list"):
            ended = dsync(*line.split())
            assert 0 == ended.code, (line, ended.text)
            assert "cannot be opened" not in ended.text
        for line in ("sync", "push"):
            ended = dsync(*line.split())
            assert (5, 1) == (ended.code, ended.text.count("its disk is not read-only")), ended.text
        assert "may not be written" in dsync("check").out
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_folder_of_sqlites_own_files_is_named(synced: Command, small: Path) -> None:
    """A question that only reads fills no database: SQLite sorts in files of its own."""
    # A process: SQLite looks for its folder once. Of ten thousand dossiers, an export sorts so.
    done = subprocess.run(
        [sys.executable, "-c", SORTS_MUCH],
        cwd=synced.folder,
        env={**os.environ, "SQLITE_TMPDIR": str(small)},
        capture_output=True,
        text=True,
    )
    assert f"no space is left for SQLite's temporary files in {small}. Free some" in done.stdout
