"""Stores the dossiers that could not be copied or judged, and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select

from dsync.domain.dossier import Anomaly
from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.codes import EventName
from dsync.store.journal import JournalWrites, NewEvent
from dsync.store.sql import Subject, among, insert_for

_table = tables.quarantaine


class Quarantined(NamedTuple):
    """A dossier in quarantine."""

    numero: DossierNumber
    code: str
    message: str
    depuis: datetime
    tentatives: int
    dernier_essai_le: datetime


STORED_CODES = frozenset({Anomaly.INCOMPLET, Anomaly.REGLE})
"""The codes with which a dossier was stored as DS shows it."""


class QuarantineReads(Subject):
    """Reads the quarantine."""

    def unread(self) -> set[DossierNumber]:
        """Return the dossiers of which DS gives nothing that could be stored."""
        return {one.numero for one in self.entries() if one.code not in STORED_CODES}

    def entries(self) -> list[Quarantined]:
        """Return the dossiers in quarantine, by number."""
        rows = self.connection.execute(
            select(*(_table.c[name] for name in Quarantined._fields))
            .where(_table.c.demarche_numero == self.number)
            .order_by(_table.c.numero)
        )
        return [Quarantined(*row) for row in rows]


class QuarantineWrites(QuarantineReads):
    """Writes the quarantine."""

    def add(
        self, run: int, numero: DossierNumber, why: Anomaly, message: str, now: datetime
    ) -> None:
        """Put a dossier into quarantine, with an event; or count one more failed attempt.

        `message` is in French, for the view `lecture_anomalie`.
        """
        statement = insert_for(self.connection.dialect, _table).values(
            demarche_numero=self.number,
            numero=numero,
            code=why.value,
            message=message,
            depuis=now,
            tentatives=1,
            dernier_essai_le=now,
        )
        tentatives = self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["demarche_numero", "numero"],
                set_={
                    "code": why.value,
                    "message": message,
                    "tentatives": _table.c.tentatives + 1,
                    "dernier_essai_le": now,
                },
            ).returning(_table.c.tentatives)
        ).scalar_one()
        self.touch([numero])
        # The first one only: a dossier that fails at each run would fill the journal.
        if tentatives == 1:
            first = NewEvent(numero, EventName.QUARANTAINE, {"code": why.value})
            JournalWrites(self.scope).record_events(run, [first], now)

    def release(self, run: int | None, numbers: Sequence[DossierNumber], now: datetime) -> None:
        """Take dossiers out of quarantine, with an event for each that was in it."""
        released = self.connection.scalars(
            delete(_table)
            .where(_table.c.demarche_numero == self.number, among(_table.c.numero, numbers))
            .returning(_table.c.numero)
        ).all()
        events = [NewEvent(numero, EventName.LIBERATION) for numero in released]
        JournalWrites(self.scope).record_events(run, events, now)
