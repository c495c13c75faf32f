"""Maps the dossiers of a page, from DS's JSON to what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsync.domain.dossier import Revision
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.errors import MappingError
from dsync.mapping.mapper import Mapper
from dsync.mapping.record import Record, record_of

Source = tuple[DossierNumber, RevisionId, bytes]
"""A dossier's number, its revision's id, and its node in JSON."""


class Mapped(NamedTuple):
    """What came of a page."""

    records: list[Record]
    unreadable: list[DossierNumber]
    """Dossiers without the least that is needed; 0 stands for one without its number."""


def map_page(
    mapper: Mapper,
    demarche: DemarcheNumber,
    revisions: Mapping[RevisionId, Revision | None],
    sources: Sequence[Source],
) -> Mapped:
    """Map one dossier after the other: of the page's large trees, one is in memory at a time."""
    records, unreadable = [], []
    for number, revision_id, json in sources:
        try:
            mapped = mapper.map(json, demarche, revisions.get(revision_id))
        except MappingError:
            unreadable.append(number)
        else:
            records.append(record_of(mapped))
    return Mapped(records, unreadable)
