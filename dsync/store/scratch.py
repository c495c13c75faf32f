"""Temporary folders with personal data, which are deleted also when their process was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "dsync-copy-"


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
