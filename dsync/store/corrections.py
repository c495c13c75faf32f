"""Stores the corrections that usagers were asked for: DS tells only which one is pending."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from dsync.domain.dossier import Correction
from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.sql import update_rows, upsert
from dsync.store.subject import Subject

_table = tables.correction

Asked = tuple[DossierNumber, datetime]
"""A correction: its dossier, and when it was asked for."""


class CorrectionReads(Subject):
    """Reads the corrections."""

    def corrections(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[DossierNumber, list[Correction]]:
        """Return the known corrections of these dossiers, oldest first."""
        found: dict[DossierNumber, list[Correction]] = {}
        rows = self.connection.execute(
            select(_table).where(_table.c.numero.in_(numbers)).order_by(_table.c.demandee_le)
        )
        for row in rows:
            found.setdefault(DossierNumber(row.numero), []).append(
                Correction(row.demandee_le, row.finie_le)
            )
        return found


class CorrectionWrites(CorrectionReads):
    """Writes the corrections."""

    def save_corrections(
        self, pending: Iterable[Asked], ended: Iterable[tuple[Asked, datetime]]
    ) -> None:
        """Store corrections that are pending now, and the ends of those that were.

        Args:
            pending: the pending ones.
            ended: the ended ones, each with DS's date of the change that shows it.
        """
        rows = [{"numero": n, "demandee_le": at, "finie_le": None} for n, at in pending]
        upsert(self.connection, _table, rows)
        update_rows(
            self.connection,
            _table,
            [{"numero": n, "demandee_le": at, "finie_le": end} for (n, at), end in ended],
        )
