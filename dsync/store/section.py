"""What the methods of every subject stand on: a connection in a transaction, and a démarche."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import StoreError
from dsync.store import tables
from dsync.store.extension import Extension


class Section:
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


_dossier = tables.dossier


class QueueWrites(Section):
    """Puts dossiers into the queue, and takes them out."""

    def queue(self, numbers: Sequence[DossierNumber]) -> None:
        """Have these dossiers judged by this run or the next."""
        if numbers:
            self.connection.execute(
                update(_dossier).where(_dossier.c.numero.in_(numbers)).values(a_evaluer=True)
            )

    def queue_related(self, numbers: Sequence[DossierNumber]) -> Sequence[DossierNumber]:
        """Have the open dossiers judged whose verdict rests on these; return which."""
        if self.extension is None or not numbers:
            return []
        related = self.extension.related(self.connection, self.number, numbers)
        self.queue(related)
        return related

    def close_evaluation(self, numbers: Sequence[DossierNumber]) -> None:
        """Take these dossiers out of the queue."""
        self.connection.execute(
            update(_dossier)
            .where(_dossier.c.numero.in_(numbers), _dossier.c.a_evaluer)
            .values(a_evaluer=False)
        )
