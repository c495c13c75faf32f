"""The database and the evidence looked at from outside, without a write."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from dsync.addresses import mask_url
from dsync.errors import DsyncError, EvidenceUnavailableError, SchemaBehindError, StoreError
from dsync.evidence.catalogue import parse_catalogue
from dsync.evidence.sources import EvidenceSources
from dsync.store import EvidenceCopy, Store
from dsync.sync.check_line import CheckLine, CheckStatus
from dsync.sync.evidence import CATALOGUE

SQLITE = "sqlite:///"


def database_line(url: str) -> CheckLine:
    """Return whether the database can be used, and whether its schema is the one needed."""
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return _missing_line(path)
    try:
        store = Store.open(url, create=False, check_schema=False)
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


def evidence_line(sources: EvidenceSources, url: str, now: datetime) -> CheckLine:
    """Return whether beta.gouv.fr's catalogue can be read, else how old the copy is."""
    try:
        snapshot = sources.fetch_catalogue(None)
        count = len(parse_catalogue(snapshot).products) if snapshot else 0
    except EvidenceUnavailableError as exc:
        copy = _stored_copy(url)
        if copy is None or copy.fetched_at is None:
            remedy = "look at DSYNC_BETAGOUV_URL and the network; verdicts wait until it is back"
            message = f"{exc.message} There is no copy yet."
            return CheckLine("evidence", CheckStatus.ERROR, message, remedy, exc.exit_code)
        age = now - (copy.confirmed_at or copy.fetched_at)
        limit = sources.config.catalogue.max_age
        usable = "it serves" if age <= limit else "too old to serve"
        message = f"{exc.message} The copy was confirmed {age.days} days ago: {usable}."
        remedy = "look at DSYNC_BETAGOUV_URL and the network; or wait for the next run"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, exc.exit_code)
    copy = _stored_copy(url)
    if copy is not None and copy.refused_sha256 is not None:
        message = copy.erreur or "a newer catalogue was stopped by the safety brake"
        remedy = "look at the catalogue; if it is right, `dsync evidence accept`"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, 7)
    return CheckLine(
        "evidence", CheckStatus.OK, f"{count} products at {mask_url(sources.base_url)}"
    )


def _stored_copy(url: str) -> EvidenceCopy | None:
    try:
        store = Store.open(url, create=False, check_schema=False)
        try:
            with store.reading() as reader:
                return reader.evidence(CATALOGUE)
        finally:
            store.close()
    except DsyncError:
        return None
