"""What the methods of every subject stand on: a connection in a transaction, and a démarche."""

from __future__ import annotations

from sqlalchemy import Connection

from dsync.domain.ids import DemarcheNumber
from dsync.errors import StoreError
from dsync.store.extension import Extension


class Subject:
    """Base of the classes that `Tx` and `Reader` are put together from, one a subject."""

    def __init__(
        self,
        connection: Connection,
        number: DemarcheNumber | None,
        extension: Extension | None = None,
    ) -> None:
        self.connection = connection
        """In a transaction; the programme's own statements go through it too."""
        self.extension = extension
        """The programme's part of the database."""
        self._demarche = number
        self.has_erased = False
        """Whether personal data were taken out, of which the database's files still hold a copy."""

    @property
    def number(self) -> DemarcheNumber:
        """The démarche that this transaction is about."""
        if self._demarche is None:
            raise StoreError("This query is about one démarche; open the reading with its number.")
        return self._demarche

    def _of(self, demarche: DemarcheNumber | None) -> DemarcheNumber:
        return self.number if demarche is None else demarche
