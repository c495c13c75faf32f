"""Which alerts were told, so that several services and restarts tell each once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from dsync.store import tables
from dsync.store.sql import Subject, insert_for

RETRY = timedelta(minutes=5)
"""Time after which an alert that could not be told is tried again, by any service."""

_table = tables.alerte


class AlertReads(Subject):
    """Reads alerts."""

    def told_alerts(self) -> list[tuple[str, datetime]]:
        """Return the alerts that were told and are not over, with their beginning, by name."""
        rows = self.connection.execute(
            select(_table.c.nom, _table.c.depuis)
            .where(_table.c.demarche_numero == self.number, _table.c.dite_le.is_not(None))
            .order_by(_table.c.nom)
        )
        return [(name, since) for name, since in rows]


class AlertWrites(AlertReads):
    """Writes alerts. What a method returns is for its caller to tell, and for no other service."""

    def begin(self, numbers: Mapping[str, int], now: datetime) -> list[str]:
        """Return those of the current alerts that have not been told, or have changed since.

        Args:
            numbers: of all current alerts, by name. One that counts something has changed when it
                has doubled; one below zero is a digest, and has changed when it is another one.
            now: the present instant, in UTC.
        """
        return [name for name in sorted(numbers) if self._claim(name, numbers[name], now)]

    def _claim(self, name: str, number: int, now: datetime) -> bool:
        present = self._present(now)
        changed = {"nombre": number, "essai_le": present, "dite_le": None}
        statement = insert_for(self.connection, _table).values(
            demarche_numero=self.number, nom=name, depuis=now, **changed
        )
        nombre = _table.c.nombre
        has_changed = nombre != number if number < 0 else nombre * 2 <= number
        # An attempt in the future was stored while the clock was ahead.
        is_overdue = or_(_table.c.essai_le <= present - RETRY, _table.c.essai_le > present)
        # One statement: of services that look at the same time, only one gets the row.
        claimed = self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["demarche_numero", "nom"],
                set_=changed,
                where=or_(_table.c.dite_le.is_(None) & is_overdue, has_changed),
            ).returning(_table.c.nom)
        )
        return claimed.one_or_none() is not None

    def told(self, name: str, now: datetime) -> None:
        """Store that an alert was told."""
        self.connection.execute(
            update(_table)
            .where(_table.c.demarche_numero == self.number, _table.c.nom == name)
            .values(dite_le=now)
        )

    def end(
        self, names: Collection[str], *, spared: str | None = None
    ) -> list[tuple[str, datetime]]:
        """Delete the alerts that are over; return those that were told, with their beginning.

        Args:
            names: of all current alerts.
            spared: what the names of those begin with that stay in any case; None: none does.
        """
        is_over = [_table.c.demarche_numero == self.number, _table.c.nom.not_in(sorted(names))]
        if spared is not None:
            is_over.append(~_table.c.nom.startswith(spared))
        ended = self.connection.execute(
            delete(_table)
            .where(*is_over)
            .returning(_table.c.nom, _table.c.depuis, _table.c.dite_le)
        )
        return sorted((name, since) for name, since, told in ended if told is not None)

    def restore(self, name: str, since: datetime, now: datetime) -> None:
        """Insert an alert again whose end could not be told: its end is told later."""
        statement = insert_for(self.connection, _table).values(
            demarche_numero=self.number, nom=name, nombre=1, depuis=since, essai_le=now, dite_le=now
        )
        # It may have begun again meanwhile.
        self.connection.execute(statement.on_conflict_do_nothing())
