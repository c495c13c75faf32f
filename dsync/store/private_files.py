"""Sees that files with personal data are read by their owner alone, and none outlives its use."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dsync.errors import StoreError

_BESIDE = ("", "-wal", "-shm", "-journal")
"""The endings of what SQLite writes: the database, and its files beside it."""
PREFIX = "dsync-copy-"
"""Beginning of the names of temporary folders."""
_MOST_LINKS = 40
"""As many links as Linux follows."""


def make_new(path: Path) -> None:
    """Create a missing file, for its owner alone; refuse what another user has a hand in.

    Errors of the system are not reported here: opening the file has the same ones.

    Raises:
        StoreError: a link of another user leads to the file; a link is in the place of a file that
            SQLite writes; or others can read a file, and only another user can change that.
    """
    with suppress(OSError):
        _follow_own_links(path)
        # Where the links lead: a new file at the end of one must not get the usual rights.
        place, *others = _files(path)
        if not place.exists():
            place.touch(0o600, exist_ok=False)
        for file in others:
            if file.is_symlink():
                raise StoreError(
                    f"{file} is a symbolic link, which SQLite never makes. Stop what uses the "
                    f"database, then remove it: rm {shlex.quote(str(file))}"
                )
        for file in (place, *others):
            if _is_wide(file) and file.stat().st_uid != os.geteuid():
                raise _refusal(file)


def make_private(path: Path) -> None:
    """Take from all but the owner the rights on a database and on its files beside it.

    Raises:
        StoreError: the file system does not allow it.
    """
    for file in filter(_is_wide, _files(path)):
        with suppress(OSError):
            file.chmod(stat.S_IMODE(file.stat().st_mode) & 0o700)
        if _is_wide(file):
            raise _refusal(file)


def _files(path: Path) -> list[Path]:
    """Return the database and the files beside it, where they are in truth."""
    place = Path(os.path.realpath(path))
    return [place.with_name(f"{place.name}{ending}") for ending in _BESIDE]


def _follow_own_links(path: Path) -> None:
    """Refuse a symbolic link, on the way to a file or at its end, of another user than root."""
    place = Path.cwd() / path
    for _ in range(_MOST_LINKS):
        link = next((one for one in (*reversed(place.parents), place) if one.is_symlink()), None)
        if link is None:
            return
        if link.lstat().st_uid not in (0, os.geteuid()):
            real = shlex.quote(f"sqlite:///{os.path.realpath(path)}")
            raise StoreError(
                f"{link} is a symbolic link of another user, who can make it lead elsewhere. Name "
                f"the file itself: export DSYNC_DATABASE_URL={real}"
            )
        place = Path(os.path.normpath(link.parent / link.readlink() / place.relative_to(link)))


def _is_wide(file: Path) -> bool:
    """Return whether others than its owner have rights on a file; not if it is none."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & 0o077)


def _refusal(file: Path) -> StoreError:
    return StoreError(
        f"{file} holds personal data, and other users of this machine can read or write it. Have "
        f"its owner (user {file.stat().st_uid}) correct that: chmod 600 {shlex.quote(str(file))}"
    )


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder that only its owner can read; it is deleted at the end.

    Its lock ends with this process, so that `sweep` deletes what a killed one has left.
    """
    # Before it is locked, the start of another process may take it for abandoned.
    while True:
        name = tempfile.mkdtemp(prefix=PREFIX)
        try:
            opened = os.open(name, os.O_RDONLY)
        except FileNotFoundError:
            continue
        with suppress(OSError):  # A shared file system may know no locks.
            fcntl.flock(opened, fcntl.LOCK_EX)
        if Path(name).is_dir():
            break
        os.close(opened)
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)
        os.close(opened)


def sweep() -> None:
    """Delete this user's folders of processes that were killed: those that none has locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            # Another user may have put a link there.
            opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(opened).st_uid == os.getuid():
                    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(opened)
