"""The queue of dossiers that wait for a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import update

from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.section import Section

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
