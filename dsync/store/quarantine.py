"""Dossiers set aside because they cannot be read, mapped or judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.store import tables
from dsync.store.journal import JournalWrites
from dsync.store.records import NewEvent, Quarantined
from dsync.store.section import Section
from dsync.store.sql import insert_for

_table = tables.quarantaine


class QuarantineReads(Section):
    """Reads it."""

    def quarantined(self, demarche: DemarcheNumber | None = None) -> list[Quarantined]:
        """Return who is in quarantine, by number."""
        rows = self.connection.execute(
            select(
                _table.c.numero,
                _table.c.code,
                _table.c.message,
                _table.c.depuis,
                _table.c.tentatives,
                _table.c.dernier_essai_le,
            )
            .where(_table.c.demarche_numero == self._of(demarche))
            .order_by(_table.c.numero)
        )
        return [Quarantined(*row) for row in rows]


class QuarantineWrites(QuarantineReads, JournalWrites):
    """Writes it."""

    def quarantine(
        self, run: int, numero: DossierNumber, code: str, message: str, now: datetime
    ) -> None:
        """Set a dossier aside, or note one more attempt; journaled when it goes in."""
        statement = insert_for(self.connection, _table).values(
            demarche_numero=self.number,
            numero=numero,
            code=code,
            message=message,
            depuis=now,
            tentatives=1,
            dernier_essai_le=now,
        )
        tentatives = self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["demarche_numero", "numero"],
                set_={
                    "code": code,
                    "message": message,
                    "tentatives": _table.c.tentatives + 1,
                    "dernier_essai_le": now,
                },
            ).returning(_table.c.tentatives)
        ).scalar_one()
        if tentatives == 1:
            self.record_events(run, [NewEvent(numero, "quarantaine", {"code": code})], now)

    def release(self, run: int | None, numbers: Sequence[DossierNumber], now: datetime) -> None:
        """Take dossiers out of quarantine, and journal those that were in it."""
        released = self.connection.scalars(
            delete(_table)
            .where(_table.c.demarche_numero == self.number, _table.c.numero.in_(numbers))
            .returning(_table.c.numero)
        ).all()
        self.record_events(run, [NewEvent(numero, "liberation") for numero in released], now)
