"""What the client gives back: pages, lists, remote values, outcomes of writes. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from dsync.domain.dossier import DeletedDossier, Dossier, Etat, Json
from dsync.domain.ids import DossierId, DossierNumber, RevisionId


class Unreadable(NamedTuple):
    """A dossier that DS shows and that cannot be read."""

    number: DossierNumber | None
    """None when DS does not say it."""
    code: str
    """`illisible`: it is not of the API's form; `bad_data`: DS cannot render it; `timeout`."""
    path: str = ""
    """The field that is at fault, where it is known; no value."""
    dossier_id: DossierId | None = None
    after: DossierNumber | None = None
    """The dossier before it in the order of last change, when it has no number."""
    before: DossierNumber | None = None
    """The one after it."""


class ListRequest(NamedTuple):
    """What to ask of a list of deletions: from when on, from which cursor on."""

    since: datetime | None
    after: str | None


@dataclass(frozen=True, slots=True)
class DeletedPage:
    """A page of one of the two lists of deletions."""

    nodes: tuple[DeletedDossier, ...]
    """Without the entries that cannot be read."""
    next_request: ListRequest | None
    """What asks for the rest of the list; None at its end."""
    unreadable: int = 0
    """How many entries cannot be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of dossiers: those that could be read, and those that could not."""

    nodes: list[Dossier]
    end_cursor: str | None
    has_next: bool
    server_date: datetime | None
    active_revision_id: RevisionId | None
    pending: DeletedPage | None = None
    deleted: DeletedPage | None = None
    unreadable: tuple[Unreadable, ...] = ()
    incomplete: Mapping[DossierNumber, str] = field(default_factory=dict)
    """Which fields of a dossier DS cannot render; the others are as they should be."""
    order: tuple[DossierNumber | None, ...] = ()
    """The numbers of all its dossiers, in DS's order; None of one without its number."""
    out_of_order: bool = False
    """It goes back in time against the page before it."""

    @classmethod
    def of(cls, *nodes: Dossier, **more: Any) -> Page:
        """Return a page made of dossiers read one by one."""
        return cls(list(nodes), None, False, None, None, **more)


@dataclass(frozen=True, slots=True)
class LightPage:
    """A page's numbers alone."""

    numbers: tuple[DossierNumber | None, ...]
    """None of a dossier whose number DS does not say."""
    end_cursor: str | None
    has_next: bool
    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class RemoteAnnotations:
    """What stands in a dossier now, as far as a write needs to know."""

    dossier_id: DossierId
    etat: Etat
    archived: bool
    values: Mapping[str, Json]
    """By descriptor id; without those that the dossier's revision lacks."""
    updated_at: Mapping[str, datetime]
    labels: Mapping[str, str]
    """Ids by name."""
    date_derniere_modification_annotations: datetime


@dataclass(frozen=True, slots=True)
class AnnotationWrite:
    """A value for one annotation; `type` is its descriptor's."""

    id: str
    type: str
    value: Json


@dataclass(frozen=True, slots=True)
class DossierWrite:
    """What is to be written into one dossier."""

    number: DossierNumber
    dossier_id: DossierId
    instructeur_id: str
    annotations: tuple[AnnotationWrite, ...] = ()
    labels_add: tuple[str, ...] = ()
    """Label ids."""
    labels_remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of one dossier's write. What is neither saved nor refused is not known."""

    number: DossierNumber
    saved: frozenset[str] = frozenset()
    """Ids of annotations that came back."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """DS's message by the id of the annotation or label, in French, as an agent may read it."""
    labels_done: frozenset[str] = frozenset()
    """Ids of labels that are now as wanted, also those that were so before."""
    not_found: bool = False
    """DS has no such dossier for us, or no such instructeur: it says the same of both."""
    unknown: bool = False
    code: str | None = None
    """Why nothing could be written: `lecture_seule`, `droits`, `hors_perimetre`."""
    message: str | None = None
    """DS's own words for `code` or `not_found`."""


def instant(text: str) -> datetime:
    """Read a date-time of DS's, which carries its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


__all__ = [
    "AnnotationWrite",
    "DeletedPage",
    "DossierWrite",
    "LightPage",
    "ListRequest",
    "Page",
    "RemoteAnnotations",
    "Unreadable",
    "WriteOutcome",
    "instant",
]
