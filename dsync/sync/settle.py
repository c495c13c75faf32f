"""What an operator decides about conflicts: keep the human's hand, or take it as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store import Store, Tx

LEASE_TTL_S = 30.0


def accept_conflicts(
    store: Store, demarche: DemarcheNumber, numero: DossierNumber, now: datetime
) -> int:
    """Keep the human's values of a dossier; return how many conflicts end by it.

    Raises:
        LeaseHeldError: a run is under way; nothing was changed.
    """
    with _transaction(store, demarche) as tx:
        return tx.accept_conflicts(numero, now)


def adopt_conflicts(
    store: Store, demarche: DemarcheNumber, numero: DossierNumber | None, now: datetime
) -> int:
    """Take what stands in DS as dsync's own, in one dossier or in all; return how many conflicts.

    Raises:
        LeaseHeldError: a run is under way; nothing was changed.
    """
    with _transaction(store, demarche) as tx:
        numbers = sorted({conflict.numero for conflict in tx.conflicts()})
        return sum(tx.adopt_conflicts(n, now) for n in numbers if numero in (None, n))


@contextmanager
def _transaction(store: Store, demarche: DemarcheNumber) -> Iterator[Tx]:
    lease = store.acquire_lease(demarche, LEASE_TTL_S)
    try:
        with store.transaction(lease) as tx:
            yield tx
    finally:
        store.release_lease(lease)
