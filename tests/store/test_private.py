"""Who may read the database's files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dsync.database import open_database


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


def test_the_rights_of_a_file_that_is_there_stay(tmp_path: Path) -> None:
    """Who runs it may have shared it with a group."""
    path = tmp_path / "shared.db"
    path.touch(0o660)
    path.chmod(0o660)
    open_database(f"sqlite:///{path}").close()
    assert 0o660 == stat.S_IMODE(path.stat().st_mode)
