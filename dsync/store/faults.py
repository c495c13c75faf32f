"""Translates exceptions of SQLAlchemy and the drivers into a `StoreError` with a remedy.

Messages contain the database's name without its password, and nothing of the statement, whose
parameters are personal data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from dsync.errors import StoreError

_BY_SQLSTATE = {
    "28P01": "PostgreSQL refuses the user or the password. Correct DSYNC_DATABASE_URL.",
    "28000": "PostgreSQL refuses the user. Correct DSYNC_DATABASE_URL or pg_hba.conf.",
    "3D000": "it does not exist. Create it with `createdb`, or correct DSYNC_DATABASE_URL.",
    "42501": "the database user lacks a right. Give it the ownership of dsync's tables.",
    "25006": "the server is read-only. Point DSYNC_DATABASE_URL at the primary.",
    "53100": "the server's disk is full. Free some space; the next run resumes.",
    "53300": "the server has no connection left. Raise max_connections or stop other clients.",
    "55P03": "another process holds a lock. Try again, or look for a blocked session.",
    "2BP01": "a view that somebody else built reads dsync's views. Nothing was changed: drop that "
    "view, try again, then create it anew.",
    "57014": "the statement was cancelled. Try again; the next run resumes.",
    "57P01": "the server was stopped. The next run resumes when it is back.",
    "57P02": "the server was stopped. The next run resumes when it is back.",
    "57P03": "the server is starting. Try again in a moment.",
    "40001": "two processes wrote the same rows. Try again.",
    "40P01": "two processes blocked each other. Try again.",
    "42P01": "dsync's tables are not there. Run `dsync db upgrade`.",
}

_BY_TEXT = (
    ("database is locked", "another process is writing into it. Try again when it has ended."),
    ("database or disk is full", "the disk is full. Free some space; the next run resumes."),
    (
        "unable to open database file",
        "it cannot be opened. Check that its folder exists and may be written.",
    ),
    ("file is not a database", "it is no SQLite database. Correct DSYNC_DATABASE_URL."),
    ("malformed", "the file is damaged. Restore a copy, or start a new one and sync again."),
    ("readonly database", "it may not be written. Check the rights on the file and its folder."),
    ("disk i/o error", "the disk fails. Check the disk, its quota and its rights."),
    ("no such table", "dsync's tables are not there. Run `dsync db upgrade`."),
    ("password authentication failed", _BY_SQLSTATE["28P01"]),
    ("no password supplied", _BY_SQLSTATE["28P01"]),
    ("could not translate host name", "its host is not known. Correct DSYNC_DATABASE_URL."),
    ("failed to resolve host", "its host is not known. Correct DSYNC_DATABASE_URL."),
    (
        "connection refused",
        "nothing answers there. Start PostgreSQL, or correct DSYNC_DATABASE_URL.",
    ),
)


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Translate SQLAlchemy's exceptions; `place` is the database's name for messages.

    Raises:
        StoreError: the database could not be opened, read or written.
    """
    try:
        yield
    except SQLAlchemyError as exc:
        raise StoreError(f"{place}: {_remedy(exc)}", kind=type(exc).__name__) from exc


def is_locked(exc: StoreError) -> bool:
    """Return whether a statement of PostgreSQL failed because it waited too long for a lock."""
    return getattr(getattr(exc.__cause__, "orig", None), "sqlstate", None) == "55P03"


def _remedy(exc: SQLAlchemyError) -> str:
    cause = exc.orig if isinstance(exc, DBAPIError) else None
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate in _BY_SQLSTATE:
        return _BY_SQLSTATE[sqlstate]
    text = str(cause or exc).lower()
    for fragment, remedy in _BY_TEXT:
        if fragment in text:
            return remedy
    # A server's messages can be in another language. Before a connection is established there is
    # no SQLSTATE, so a missing database is recognised by its English message only.
    if "does not exist" in text and "database" in text:
        return _BY_SQLSTATE["3D000"]
    if isinstance(exc, DBAPIError) and (exc.connection_invalidated or "connection" in text):
        return "the connection failed. Check the server and DSYNC_DATABASE_URL; then try again."
    code = f" (SQLSTATE {sqlstate})" if sqlstate else ""
    return f"an operation failed{code}. Run again with -v for its trace and report it."
