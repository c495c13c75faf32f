"""What an operator decides about conflicts: keep the human's value, or take it as dsync's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store import Store, Tx

LEASE_TTL_S = 30.0


class Choice(StrEnum):
    """How conflicts end; the value is the journal's."""

    ACCEPT = "accepte"
    """The human's value stays, and dsync does not write there for this verdict."""
    ADOPT = "adopte"
    """What stands there counts as dsync's own: the wishes go on from it."""


def end_conflicts(
    store: Store,
    demarche: DemarcheNumber,
    choice: Choice,
    now: datetime,
    *,
    numbers: Sequence[DossierNumber] | None = None,
    annotation: str | None = None,
) -> dict[DossierNumber, int]:
    """End conflicts; return how many, by dossier.

    Args:
        store: the database.
        demarche: whose conflicts.
        choice: how they end.
        now: the present.
        numbers: in these dossiers only; None: in all.
        annotation: of this annotation only, and what it alone holds back; None: of all.

    Raises:
        LeaseHeldError: a run is under way; nothing was changed.
    """
    with _transaction(store, demarche) as tx:
        in_conflict = sorted({conflict.numero for conflict in tx.conflicts()})
        settle = tx.accept_conflicts if choice is Choice.ACCEPT else tx.adopt_conflicts
        ended = {
            numero: settle(numero, now, annotation)
            for numero in in_conflict
            if numbers is None or numero in numbers
        }
    return {numero: count for numero, count in ended.items() if count}


@contextmanager
def _transaction(store: Store, demarche: DemarcheNumber) -> Iterator[Tx]:
    lease = store.acquire_lease(demarche, LEASE_TTL_S)
    try:
        with store.transaction(lease) as tx:
            yield tx
    finally:
        store.release_lease(lease)
