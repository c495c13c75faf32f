"""Has a person consented to the first write, as all tests suppose that are not about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import create_engine, exists, select
from sqlalchemy.exc import SQLAlchemyError

from dsync.domain.consent import Consent, Proposal
from dsync.errors import DsyncError
from dsync.store import tables
from dsync.store.engine import parse_url
from dsync.sync.context import first_write
from dsync.wiring import Worker
from tests.configured import load_all

SEER = "who has seen the first write"
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_WRITING = {"sync", "run"}
_LOOKING = {"--dry-run", "--help"}


def see_first(app: Worker) -> None:
    """Have seen the first write of a worker, of whom nothing else was asked."""
    proposal = Proposal(Consent.FIRST, (), subjects=first_write(app.context))
    row = {
        "demarche_numero": app.demarche,
        "genre": proposal.kind.value,
        "version": proposal.version,
        "document": proposal.to_json(),
        "depuis_le": _LONG_AGO,
        "donne_le": _LONG_AGO,
        "donne_par": SEER,
    }
    accord = tables.accord
    own = (accord.c.demarche_numero == app.demarche, accord.c.genre == proposal.kind.value)
    assert app.store  # On SQLite, this makes the file.
    made = create_engine(parse_url(app.settings.database_url))
    try:
        with made.begin() as connection:
            connection.execute(accord.delete().where(*own, accord.c.donne_par == SEER))
            if proposal.subjects and not connection.scalar(select(exists().where(*own))):
                connection.execute(accord.insert().values(row))
    finally:
        made.dispose()


def see_first_of(
    folder: Path, environment: Mapping[str, str], arguments: Sequence[str] = ()
) -> None:
    """Have seen what a command in a folder writes first, if it writes and nothing is amiss."""
    if _WRITING.isdisjoint(arguments) or not _LOOKING.isdisjoint(arguments):
        return
    words = [*arguments]
    flags = {"demarche": int(words[words.index("--demarche") + 1])} if "--demarche" in words else {}
    own = {name: value for name, value in environment.items() if name.startswith("DSYNC_")}
    others = {name: value for name, value in os.environ.items() if not name.startswith("DSYNC_")}
    with (
        suppress(DsyncError, SQLAlchemyError, OSError, ValueError),
        chdir(folder),
        patch.dict(os.environ, others | own, clear=True),
    ):
        for settings in load_all(**flags):
            with Worker(settings) as app:
                see_first(app)
