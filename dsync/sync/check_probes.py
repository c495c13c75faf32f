"""The database looked at from outside, without a write."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.errors import DsyncError, SchemaBehindError, StoreError
from dsync.store import Store

SQLITE = "sqlite:///"

OpenStore = Callable[..., Store]
"""Opens the database, with the options of `Store.open`."""


def database_line(url: str, open_store: OpenStore) -> CheckLine:
    """Return whether the database can be used, and whether its schema is the one needed."""
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return _missing_line(path)
    try:
        store = open_store(create=False, check_schema=False)
        try:
            revision = store.schema_revision
            store.check_schema()
        finally:
            store.close()
    except SchemaBehindError as exc:
        if path is not None and exc.is_upgradable:
            message = f"{path}: its schema is {revision or 'empty'}, older than this version's"
            remedy = "nothing to do: the next run upgrades it"
            return CheckLine("database", CheckStatus.INFO, message, remedy)
        return CheckLine("database", CheckStatus.ERROR, exc.message, None, exc.exit_code)
    except DsyncError as exc:
        return CheckLine("database", CheckStatus.ERROR, exc.message, None, exc.exit_code)
    if path is not None and not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        remedy = "mend the rights on the file and its folder"
        message = f"{path}: it may not be written"
        return CheckLine("database", CheckStatus.ERROR, message, remedy, StoreError.exit_code)
    return CheckLine("database", CheckStatus.OK, f"{store.place}, schema {revision}")


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite address, None when it is another's or in memory."""
    if not url.startswith(SQLITE):
        return None
    path = Path(url.removeprefix(SQLITE).partition("?")[0])
    return path if path.name else None


def missing_file(url: str) -> Path | None:
    """Return the SQLite file that the first run would create, None when there is nothing to."""
    path = sqlite_file(url)
    return path if path is not None and not path.exists() else None


def _missing_line(path: Path) -> CheckLine:
    if path.parent.is_dir() and os.access(path.parent, os.W_OK):
        return CheckLine("database", CheckStatus.INFO, f"{path}: the first run creates it")
    remedy = "make the folder, or mend DSYNC_DATABASE_URL"
    message = f"{path} cannot be created: its folder is missing or may not be written"
    return CheckLine("database", CheckStatus.ERROR, message, remedy, StoreError.exit_code)
