"""Erases dossiers from the copy when a person orders it, and undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dsync.domain.dossier import Presence
from dsync.domain.ids import DossierNumber
from dsync.errors import ConfigurationError
from dsync.messages import kinds as k
from dsync.store import Reader
from dsync.sync.work import AUTOMATIC, Erase, Erasure, LiftErasure, Purge

if TYPE_CHECKING:
    # `dsync conflicts` reads the database only: the client of DS is not loaded for it.
    from dsync.sync.context import Run


def erase(run: Run, work: Erasure) -> None:
    """Erase dossiers from the copy, or undo it.

    An erased dossier stays erased when DS shows it again, until its erasure is undone.

    Raises:
        ConfigurationError: there is nothing to erase, or to undo.
    """
    match work:
        case Purge(before=before):
            with run.reading() as reader:
                found = [one.numero for one in reader.dossiers.too_old(before)]
            _erase(run, found, "duree_conservation")
            with run.transaction() as tx:
                tx.journal.forget(before)
                if run.asked_by in AUTOMATIC:
                    # What is too old now is announced, and erased in a day.
                    tx.state.save(retention_at=run.now)
        case LiftErasure(dossiers=dossiers):
            with run.reading() as reader:
                check_numbers(reader, dossiers, undo=True)
            with run.transaction() as tx:
                tx.deletions.lift(run.id, dossiers, run.asked_by, run.now)
        case Erase(dossiers=dossiers):
            with run.reading() as reader:
                check_numbers(reader, dossiers)
            with run.transaction() as tx:
                erased = tx.deletions.erased_on_request(dossiers)
                # Something outside dsync may have brought data back.
                tx.deletions.erase(sorted(erased), run.now)
            _erase(run, [one for one in dossiers if one not in erased], "demande")


def check_numbers(reader: Reader, numbers: Sequence[DossierNumber], *, undo: bool = False) -> None:
    """Raise a `ConfigurationError` if there is nothing to erase, or no erasure to undo."""
    for number in numbers:
        found = reader.dossiers.by_number(number, only=())
        if found is not None and found["demarche_numero"] != reader.number:
            # Of the same database: its lease, its runs and its copies of files are the other's.
            found = None
        if undo and (found is None or found["presence"] != Presence.EFFACE):
            raise ConfigurationError(k.Numbered(k.NumberNote.NOT_ERASED, number))
        if found is None:
            raise ConfigurationError(k.Numbered(k.NumberNote.NOTHING_TO_ERASE, number))


def _erase(run: Run, numbers: Sequence[DossierNumber], why: str) -> None:
    for some in run.batches(numbers):
        with run.transaction() as tx:
            tx.deletions.erase_on_request(run.id, some, why, run.asked_by, run.now)
        run.report.deleted += len(some)
