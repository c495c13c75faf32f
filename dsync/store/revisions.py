"""Reads the stored revisions of the démarches' forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from dsync.domain.dossier import Descriptor, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.store import tables

Revisions = dict[RevisionId, Revision]


def read_revisions(connection: Connection) -> dict[DemarcheNumber, Revisions]:
    """Return the stored revisions of every démarche, by its number."""
    found: dict[DemarcheNumber, Revisions] = {}
    for number in connection.scalars(select(tables.revision.c.demarche_numero).distinct()):
        found[DemarcheNumber(number)] = read_revisions_of(connection, DemarcheNumber(number))
    return found


def read_revisions_of(connection: Connection, number: DemarcheNumber) -> Revisions:
    """Return the stored revisions of a démarche."""
    table = tables.revision
    rows = connection.execute(select(table).where(table.c.demarche_numero == number))
    return {RevisionId(row.id): _revision_of(row) for row in rows}


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
