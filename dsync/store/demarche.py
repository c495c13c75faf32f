"""Stores and reads the démarche's facts and the revisions of its form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from dsync.domain.dossier import Demarche, Descriptor, Instructeur, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.store import tables
from dsync.store.sql import upsert
from dsync.store.subject import Subject


class DemarcheReads(Subject):
    """Reads the démarche."""

    def demarche(self, number: DemarcheNumber | None = None) -> Demarche | None:
        """Return the démarche as last read from DS, None if it never was."""
        table = tables.demarche
        row = self.connection.execute(
            select(table).where(table.c.number == self._of(number))
        ).one_or_none()
        if row is None:
            return None
        return Demarche(
            number=DemarcheNumber(row.number),
            titre=row.titre,
            etat=row.etat,
            active_revision_id=RevisionId(row.active_revision_id),
            revisions=self.revisions(number),
            labels=row.labels,
            couleurs=row.couleurs,
            instructeurs=tuple(Instructeur(**fields) for fields in row.instructeurs),
        )

    def revisions(self, number: DemarcheNumber | None = None) -> dict[RevisionId, Revision]:
        """Return the stored revisions of the démarche's form."""
        table = tables.revision
        rows = self.connection.execute(
            select(table).where(table.c.demarche_numero == self._of(number))
        )
        return {RevisionId(row.id): _revision_of(row) for row in rows}


class DemarcheWrites(DemarcheReads):
    """Writes the démarche."""

    def save_demarche(self, demarche: Demarche, now: datetime) -> None:
        """Store the démarche's facts and its revisions; revisions stored before stay.

        A revision that is not published is left out, because it can still change, and so is one
        that could not be read completely.
        """
        facts = {
            "number": demarche.number,
            "titre": demarche.titre,
            "etat": demarche.etat,
            "active_revision_id": demarche.active_revision_id,
            "labels": dict(demarche.labels),
            "couleurs": dict(demarche.couleurs),
            "instructeurs": demarche.instructeurs,
            "lue_le": now,
        }
        upsert(self.connection, tables.demarche, [facts])
        upsert(
            self.connection,
            tables.revision,
            [
                {
                    "id": revision.id,
                    "demarche_numero": demarche.number,
                    "date_publication": revision.date_publication,
                    "descriptors": [d._asdict() for d in revision.descriptors.values()],
                }
                for revision in demarche.revisions.values()
                if revision.date_publication and revision.is_complete
            ],
        )


def _revision_of(row: Any) -> Revision:
    descriptors = [_descriptor_of(fields) for fields in row.descriptors]
    return Revision(RevisionId(row.id), row.date_publication, {d.id: d for d in descriptors})


def _descriptor_of(fields: Mapping[str, Any]) -> Descriptor:
    options = fields["options"]
    return Descriptor(
        **{
            **fields,
            "id": DescriptorId(fields["id"]),
            "options": None if options is None else tuple(options),
        }
    )
