"""Who may read the database's files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dsync.database import open_database
from dsync.errors import StoreError


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_a_new_sqlite_file_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    """It holds what applicants typed; so does what SQLite writes beside it."""
    before = os.umask(umask)
    try:
        store = open_database(f"sqlite:///{tmp_path / 'new.db'}")
        rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert set(rights.values()) == {0o600}, rights


def rights_of(path: Path) -> int:
    """Return the mode of a file."""
    return stat.S_IMODE(path.stat().st_mode)


BESIDE = ("", "-wal", "-shm")


def test_rights_that_are_too_wide_are_taken_back(tmp_path: Path) -> None:
    """On the database and what SQLite keeps beside it, whichever way leads there."""
    real, link = tmp_path / "real", tmp_path / "link.db"
    real.mkdir()
    link.symlink_to(Path("way") / "dsync.db")
    (tmp_path / "way").symlink_to(real)
    before = os.umask(0)
    try:
        # Through links there is no file yet: it is its owner's alone from its first byte on.
        store = open_database(f"sqlite:///{link}")
        files = [real / f"dsync.db{ending}" for ending in BESIDE]
        assert [0o600] * 3 == [rights_of(file) for file in files]
        for file in files:
            file.chmod(0o664)
        other = open_database(f"sqlite:///{link}")
        assert [0o600] * 3 == [rights_of(file) for file in files]
        other.close()
        store.close()
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("ending", BESIDE)
def test_a_file_of_another_user_that_all_can_read_is_refused(tmp_path: Path, ending: str) -> None:
    """The sentence says what its owner has to type; a file that is private is used."""
    path = tmp_path / "dsync.db"
    open_database(f"sqlite:///{path}").close()
    file = tmp_path / f"dsync.db{ending}"
    file.touch(0o600)
    os.chown(file, 12345, 12345)
    open_database(f"sqlite:///{path}").close()
    file.touch(0o600)
    os.chown(file, 12345, 12345)
    file.chmod(0o640)
    with pytest.raises(StoreError, match=rf"user 12345.*chmod 600 {file}$") as raised:
        open_database(f"sqlite:///{path}")
    assert 5 == raised.value.exit_code
    assert 0o640 == rights_of(file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user")
@pytest.mark.parametrize("on_the_way", [False, True])
def test_a_link_of_another_user_is_not_followed(tmp_path: Path, on_the_way: bool) -> None:
    """At the file's place or on the way there; the sentence names the file itself."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real if on_the_way else real / "dsync.db")
    os.lchown(link, 12345, 12345)
    named = link / "dsync.db" if on_the_way else link
    with pytest.raises(StoreError, match=f"DSYNC_DATABASE_URL=sqlite:///{real}/dsync.db$"):
        open_database(f"sqlite:///{named}")
    assert [] == [*real.iterdir()]


def test_a_link_in_place_of_the_journal_is_not_followed(tmp_path: Path) -> None:
    """What SQLite would write there would be somewhere else."""
    path, elsewhere = tmp_path / "dsync.db", tmp_path / "elsewhere"
    open_database(f"sqlite:///{path}").close()
    (tmp_path / "dsync.db-wal").symlink_to(elsewhere)
    with pytest.raises(StoreError, match=f"rm {path}-wal$"):
        open_database(f"sqlite:///{path}")
    assert not elsewhere.exists()
