"""Erases dossiers from the copy when a person orders it, and undoes it; forgets a démarche."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog

from dsync.domain.dossier import Presence
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import ConfigurationError, InterruptedRunError, LeaseHeldError, PieceTargetError
from dsync.messages import kinds as k
from dsync.store import Reader, Store
from dsync.store.store import utc_now
from dsync.sync.context import Run
from dsync.sync.handing_over import living_service
from dsync.sync.leasing import held_lease, renewed
from dsync.sync.piece_copying import delete_doomed
from dsync.sync.work import AUTOMATIC, Erase, Erasure, LiftErasure, Purge

log = structlog.get_logger(__name__)


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


def forget(store: Store, demarche: DemarcheNumber, stop: threading.Event, wait_s: float) -> None:
    """Remove everything that is stored of a démarche.

    When `stop` is set, the work ends before its last step: the next call removes what is left. It
    waits up to `wait_s` seconds for another process that works on the démarche.

    Raises:
        LeaseHeldError: a service serves it, or another process works on it.
        PieceTargetError: copies of files could not be deleted; all rows stay.
        InterruptedRunError: `stop` was set.
    """

    def check_stop() -> None:
        if stop.is_set():
            raise InterruptedRunError("Interrupted: repeat the command to remove the rest.")

    if service := living_service(store, demarche, utc_now()):
        raise LeaseHeldError(
            f"The service {service.holder} still serves démarche {demarche}: repeat the command "
            "when it has noticed that the file is gone, within a minute, or at once by SIGHUP."
        )
    with held_lease(store, demarche, stop, wait_s) as lease, renewed(store, lease):
        with store.transaction(lease) as tx:
            tx.pieces.doom_all()
        # Before the rows, by which alone they are known.
        if problems := delete_doomed(store, lease, check_stop):
            raise PieceTargetError(f"Nothing but copies of files was removed. {problems[0]}")
        check_stop()
        store.forget(lease)
    log.info("demarche_forgotten", demarche=demarche)
