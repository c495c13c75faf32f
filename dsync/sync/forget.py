"""Removes a démarche that no file configures any more: its copies of files, then all its rows."""

from __future__ import annotations

import threading

import structlog

from dsync.domain.ids import DemarcheNumber
from dsync.errors import InterruptedRunError, LeaseHeldError, PieceTargetError
from dsync.store import Store
from dsync.sync.context import utc_now
from dsync.sync.handing_over import living_service
from dsync.sync.leasing import held_lease, renewed
from dsync.sync.piece_copying import delete_doomed

log = structlog.get_logger(__name__)


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
