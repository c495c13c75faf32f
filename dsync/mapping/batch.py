"""Maps the dossiers of a page, from DS's JSON to what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import MappingError
from dsync.mapping.record import Record, record_of
from dsync.mapping.whole import Form, map_dossier


class Source(NamedTuple):
    """A dossier as it came."""

    number: DossierNumber
    json: bytes
    form: int
    """Which of the order's forms it is of."""


class Order(NamedTuple):
    """A page to be mapped, with all that this needs."""

    demarche: DemarcheNumber
    forms: Sequence[Form]
    sources: Sequence[Source]

    def parted(self, share: float) -> tuple[Order, Order]:
        """Cut it in two, the first with about this share of the dossiers."""
        cut = round(len(self.sources) * share)
        return self._replace(sources=self.sources[:cut]), self._replace(sources=self.sources[cut:])


class Mapped(NamedTuple):
    """What came of a page."""

    records: list[Record]
    unreadable: list[DossierNumber]
    """Dossiers without the least that is needed; 0 stands for one without its number."""

    def joined(self, rest: Mapped) -> Mapped:
        """Return both, as what came of one page."""
        return Mapped(self.records + rest.records, self.unreadable + rest.unreadable)


def map_page(order: Order) -> Mapped:
    """Map one dossier after the other: of the page's large trees, one is in memory at a time."""
    records, unreadable = [], []
    for number, json, form in order.sources:
        try:
            records.append(record_of(map_dossier(json, order.demarche, order.forms[form])))
        except MappingError:
            unreadable.append(number)
    return Mapped(records, unreadable)
