"""What dsync made in a Grist document: which table, columns and rows are its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select

from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.sql import Subject, upsert

_table = tables.grist


class Made(NamedTuple):
    """What dsync made of one view."""

    table_ref: int
    colonnes: dict[str, int]
    """Grist's references of columns, by the view's."""
    lignes: dict[str, int]
    """Grist's ids of rows, by key."""


class GristReads(Subject):
    """Reads what dsync made, and whether it may differ now."""

    def moved(self) -> tuple[int, datetime | None]:
        """Return what differs once anything about a dossier has changed in this database."""
        dossier = tables.dossier.c
        number, last = self.connection.execute(
            select(func.count(), func.max(dossier.modifie_ici_le)).where(
                dossier.demarche_numero == self.number
            )
        ).one()
        return number, last

    def made(self, document: str, vue: str) -> Made | None:
        """Return what was made of a view in a document, None before the first time."""
        row = self.connection.execute(
            select(_table.c.table_ref, _table.c.colonnes, _table.c.lignes).where(
                _table.c.demarche_numero == self.number,
                _table.c.document == document,
                _table.c.vue == vue,
            )
        ).one_or_none()
        return None if row is None else Made(*row)

    def left_of(self, demarches: Collection[DemarcheNumber]) -> dict[int, list[str]]:
        """Return the views whose tables were deleted or changed in Grist, by démarche."""
        rows = self.connection.execute(
            select(_table.c.demarche_numero, _table.c.vue)
            .where(_table.c.demarche_numero.in_(demarches), _table.c.abandonnee)
            .order_by(_table.c.demarche_numero, _table.c.vue)
        )
        found: dict[int, list[str]] = {}
        for number, vue in rows:
            found.setdefault(number, []).append(vue)
        return found


class GristWrites(GristReads):
    """Also stores it."""

    def keep(self, document: str, vue: str, made: Made, *, is_left: bool) -> None:
        """Store what was made of a view in a document, and whether it is kept no more."""
        key = {"demarche_numero": self.number, "document": document, "vue": vue}
        upsert(self.connection, _table, [key | made._asdict() | {"abandonnee": is_left}])

    def forget(self, document: str) -> None:
        """Forget a document: what is there is somebody else's from now on."""
        self.connection.execute(
            delete(_table).where(
                _table.c.demarche_numero == self.number, _table.c.document == document
            )
        )
