"""Stores alerts, so that several services and restarts tell each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select

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
