"""Erases dossiers at an operator's request: one by one, or all that are decided since long."""

from __future__ import annotations

from collections.abc import Sequence

from dsync.domain.dossier import Presence
from dsync.domain.ids import DossierNumber
from dsync.errors import ConfigurationError
from dsync.store import Reader
from dsync.sync.context import Run, batches
from dsync.sync.report import SyncOptions


def erase(run: Run, options: SyncOptions) -> None:
    """Erase dossiers from the copy, or undo it.

    An erased dossier stays erased when DS shows it again, until its erasure is undone.

    Args:
        run: the run under way.
        options: of an erasure.

    Raises:
        ConfigurationError: there is nothing to erase, or to undo.
    """
    if options.decided_before is not None:
        with run.reading() as reader:
            found = [number for number, _ in reader.decided_before(options.decided_before)]
        _erase(run, options, found, "duree_conservation")
    elif options.undo:
        _undo(run, options)
    else:
        with run.reading() as reader:
            check_numbers(reader, options.dossiers)
        with run.transaction() as tx:
            erased = tx.erased_on_request(options.dossiers)
            # Something outside dsync may have brought data back.
            tx.erase(sorted(erased), run.now)
        _erase(run, options, [one for one in options.dossiers if one not in erased], "demande")


def check_numbers(reader: Reader, numbers: Sequence[DossierNumber], *, undo: bool = False) -> None:
    """Check that dossiers can be erased, or that their erasure can be undone.

    Raises:
        ConfigurationError: there is nothing to erase, or to undo.
    """
    for number in numbers:
        found = reader.dossier(number, only=())
        if found is not None and found["demarche_numero"] != reader.number:
            # Of the same database: its lease, its runs and its copies of files are the other's.
            found = None
        if undo and (found is None or found["presence"] != Presence.EFFACE):
            raise ConfigurationError(
                f"Dossier {number} was not erased on request: nothing to undo. Correct the number."
            )
        if found is None:
            raise ConfigurationError(
                f"Dossier {number} is not in the copy: nothing to erase. Correct the number."
            )


def _undo(run: Run, options: SyncOptions) -> None:
    with run.reading() as reader:
        check_numbers(reader, options.dossiers, undo=True)
    with run.transaction() as tx:
        tx.lift_erasure(run.id, options.dossiers, options.started_by, run.now)


def _erase(run: Run, options: SyncOptions, numbers: Sequence[DossierNumber], why: str) -> None:
    for some in batches(run.context, numbers):
        with run.transaction() as tx:
            tx.erase_on_request(run.id, some, why, options.started_by, run.now)
        run.report.deleted += len(some)
