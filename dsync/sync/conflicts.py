"""Ends conflicts by a person's choice, also while a run is under way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store import Store


class Choice(StrEnum):
    """How conflicts end; the value is written into the journal."""

    KEEP = "accepte"
    """The human's value stays: dsync writes neither this verdict nor another one over it."""
    ADOPT = "adopte"
    """The current value counts as written by dsync: the wish is sent and replaces it."""


def end_conflicts(
    store: Store,
    demarche: DemarcheNumber,
    choice: Choice,
    now: datetime,
    *,
    asked_by: str,
    numbers: Sequence[DossierNumber] | None = None,
    annotation: str | None = None,
) -> dict[DossierNumber, int]:
    """End conflicts, also while a run is under way; return how many ended, by dossier.

    Those of some dossiers, or of all (None); of one annotation, with the wishes that its conflict
    holds back, or of all (None). `asked_by` is the user, for the journal.
    """
    with store.beside_runs(demarche) as tx:
        # Read in this transaction, for which a run waits: nobody ends one of them meanwhile.
        in_conflict = sorted({conflict.numero for conflict in tx.wishes.conflicts()})
        end = tx.wishes.keep_conflicts if choice is Choice.KEEP else tx.wishes.adopt_conflicts
        ended = {
            numero: end(numero, now, annotation)
            for numero in in_conflict
            if numbers is None or numero in numbers
        }
        ended = {numero: count for numero, count in ended.items() if count}
        if ended:
            options = {"choix": choice.value, "dossiers": list(ended), "annotation": annotation}
            tx.requests.record("conflit", options, asked_by, since=now, now=now)
    return ended
