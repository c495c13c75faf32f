"""The base of the classes that read and write one subject of the database each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select

from dsync.domain.dossier import Presence
from dsync.domain.ids import DemarcheNumber
from dsync.errors import StoreError
from dsync.store import tables
from dsync.store.extension import Extension


class Subject:
    """Base of the classes of which `Tx` and `Reader` are composed, one per subject.

    Args:
        connection: in a transaction.
        number: the démarche's; None: no method that needs it is called.
        extension: the programme's part of the database.
    """

    def __init__(
        self,
        connection: Connection,
        number: DemarcheNumber | None,
        extension: Extension,
    ) -> None:
        self.connection = connection
        """The programme executes its own statements with it, too."""
        self.extension = extension
        self._demarche = number
        self.has_erased = False
        """Whether personal data were deleted, which the database's files still contain."""

    @property
    def number(self) -> DemarcheNumber:
        """The number of the transaction's démarche.

        Raises:
            StoreError: the transaction was opened without one.
        """
        if self._demarche is None:
            raise StoreError("This query needs a démarche: open the transaction with its number.")
        return self._demarche

    def _present(self, now: datetime) -> datetime:
        """Return the present instant by PostgreSQL's clock; on SQLite, `now`.

        Workers on several machines must agree on the age of a mutation or of an alert.
        """
        if self.connection.dialect.name != "postgresql":
            return now
        present: datetime = self.connection.execute(select(func.clock_timestamp())).scalar_one()
        return present

    def _is_present(self, presence: Presence = Presence.PRESENT) -> ColumnElement[bool]:
        """Return the condition on table `dossier` for the démarche's dossiers of a presence."""
        dossier = tables.dossier
        return and_(dossier.c.demarche_numero == self.number, dossier.c.presence == presence.value)
