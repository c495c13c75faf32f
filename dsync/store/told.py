"""What was told outside: alerts, once for all services; what is dsync's own in a Grist document."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select

from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.sql import Subject, upsert

_alert = tables.alerte


class AlertEntry(NamedTuple):
    """What is known of an alert of a démarche, as stored."""

    demarche_numero: DemarcheNumber
    nom: str
    cause: str
    """What the alerts of several démarches have in common; "": it is the démarche's own."""
    nombre: int
    """That of the alert when it was told last."""
    depuis: datetime
    essai_le: datetime | None = None
    """The last attempt to tell it; None: it has not lasted long enough yet."""
    dite_le: datetime | None = None
    finie_le: datetime | None = None
    """Since when it is over, as long as that is not told; None: it is not."""

    @property
    def key(self) -> AlertKey:
        """What tells it from others."""
        return self.demarche_numero, self.nom


AlertKey = tuple[DemarcheNumber, str]
AlertBook = Mapping[AlertKey, AlertEntry]


class AlertReads(Subject):
    """Reads alerts."""

    def told_of(
        self, numbers: Sequence[DemarcheNumber]
    ) -> dict[DemarcheNumber, list[tuple[str, datetime]]]:
        """Return démarches' alerts that were told and last, with their beginning, by name."""
        rows = self.connection.execute(
            select(_alert.c.demarche_numero, _alert.c.nom, _alert.c.depuis)
            .where(_alert.c.demarche_numero.in_(numbers), _alert.c.dite_le.is_not(None))
            .where(_alert.c.finie_le.is_(None))
            .order_by(_alert.c.nom)
        )
        told: dict[DemarcheNumber, list[tuple[str, datetime]]] = {one: [] for one in numbers}
        for number, name, since in rows:
            told[number].append((name, since))
        return told


class AlertWrites(AlertReads):
    """Writes alerts."""

    def book(self, now: datetime) -> tuple[AlertBook, datetime]:
        """Return all alerts, and the present instant; of several services, one at a time."""
        # Services that look at the same time would tell the same. On SQLite, BEGIN IMMEDIATE waits.
        if self.connection.dialect.name == "postgresql":
            self.connection.exec_driver_sql("LOCK TABLE alerte IN SHARE ROW EXCLUSIVE MODE")
        columns = [_alert.c[name] for name in AlertEntry._fields]
        entries = [AlertEntry(*row) for row in self.connection.execute(select(*columns))]
        return {one.key: one for one in entries}, self._present(now)

    def save(self, before: AlertBook, after: AlertBook) -> None:
        """Store what has changed; `before`: as `book` returned it."""
        gone = [{"of": key[0], "name": key[1]} for key in before if key not in after]
        if gone:
            is_it = (_alert.c.demarche_numero == bindparam("of"), _alert.c.nom == bindparam("name"))
            self.connection.execute(delete(_alert).where(*is_it), gone)
        changed = [one._asdict() for key, one in after.items() if before.get(key) != one]
        upsert(self.connection, _alert, changed)


_grist = tables.grist


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
            select(_grist.c.table_ref, _grist.c.colonnes, _grist.c.lignes).where(
                _grist.c.demarche_numero == self.number,
                _grist.c.document == document,
                _grist.c.vue == vue,
            )
        ).one_or_none()
        return None if row is None else Made(*row)

    def left_of(self, demarches: Collection[DemarcheNumber]) -> dict[int, list[str]]:
        """Return the views whose tables were deleted or changed in Grist, by démarche."""
        rows = self.connection.execute(
            select(_grist.c.demarche_numero, _grist.c.vue)
            .where(_grist.c.demarche_numero.in_(demarches), _grist.c.abandonnee)
            .order_by(_grist.c.demarche_numero, _grist.c.vue)
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
        upsert(self.connection, _grist, [key | made._asdict() | {"abandonnee": is_left}])

    def forget(self, document: str) -> None:
        """Forget a document: what is there is somebody else's from now on."""
        self.connection.execute(
            delete(_grist).where(
                _grist.c.demarche_numero == self.number, _grist.c.document == document
            )
        )
