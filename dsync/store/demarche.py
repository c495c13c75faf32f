"""Stores and reads the démarche's facts and the revisions of its form."""

from __future__ import annotations

from sqlalchemy import select

from dsync.domain.dossier import Demarche, Instructeur, Revision
from dsync.domain.ids import DemarcheNumber, RevisionId
from dsync.store import reading_views, tables
from dsync.store.revisions import Revisions, read_revisions_of
from dsync.store.sql import update_rows, upsert
from dsync.store.subject import Subject


class DemarcheReads(Subject):
    """Reads the démarche."""

    def demarche(self) -> Demarche | None:
        """Return the démarche as last read from DS, None if it never was."""
        table = tables.demarche
        row = self.connection.execute(
            select(table).where(table.c.number == self.number)
        ).one_or_none()
        if row is None:
            return None
        return Demarche(
            number=DemarcheNumber(row.number),
            titre=row.titre,
            etat=row.etat,
            active_revision_id=RevisionId(row.active_revision_id),
            revisions=self.revisions(),
            labels=row.labels,
            couleurs=row.couleurs,
            instructeurs=tuple(Instructeur(**fields) for fields in row.instructeurs),
        )

    def revisions(self) -> dict[RevisionId, Revision]:
        """Return the stored revisions of the démarche's form."""
        return read_revisions_of(self.connection, self.number)


class DemarcheWrites(DemarcheReads):
    """Writes the démarche."""

    def save_demarche(self, demarche: Demarche) -> None:
        """Store the démarche's facts and its revisions; revisions stored before stay.

        A revision that is not published is left out, because it can still change, and so is one
        that could not be read completely. A new revision changes the views formulaire_* too, or
        leaves that to `renew_views` if they are in use.
        """
        known = self.revisions()
        facts = {
            "number": self.number,
            "titre": demarche.titre,
            "etat": demarche.etat,
            "active_revision_id": demarche.active_revision_id,
            "labels": dict(demarche.labels),
            "couleurs": dict(demarche.couleurs),
            "instructeurs": demarche.instructeurs,
        }
        upsert(self.connection, tables.demarche, [facts])
        upsert(
            self.connection,
            tables.revision,
            [
                {
                    "id": revision.id,
                    "demarche_numero": self.number,
                    "date_publication": revision.date_publication,
                    "descriptors": [d._asdict() for d in revision.descriptors.values()],
                }
                for revision in demarche.revisions.values()
                if revision.date_publication and revision.is_complete
            ],
        )
        stored = self.revisions()
        # Only then: renewing waits for those who read the views.
        if stored != known:
            self._renew_views(stored)

    def renew_views(self) -> bool:
        """Renew the views formulaire_* if that is due since a reader's transaction prevented it.

        Returns:
            Whether they are as the stored revisions are; if not, they are still in use.
        """
        table = tables.demarche
        is_due = self.connection.scalar(
            select(table.c.vues_a_refaire).where(table.c.number == self.number)
        )
        return not is_due or self._renew_views(self.revisions())

    def _renew_views(self, stored: Revisions) -> bool:
        is_done = reading_views.renew_form(self.connection, self.number, stored.values())
        update_rows(
            self.connection,
            tables.demarche,
            [{"number": self.number, "vues_a_refaire": not is_done}],
        )
        return is_done
