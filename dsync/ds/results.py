"""What the client's methods take and return of pages of dossiers and lists of deletions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from msgspec import Raw

from dsync.domain.dossier import Anomaly, DeletedDossier, Dossier, Glance
from dsync.domain.ids import DossierId, DossierNumber, RevisionId


class Unreadable(NamedTuple):
    """A dossier that is in DS's list but cannot be read."""

    number: DossierNumber | None
    """None when the answer does not have it."""
    code: Anomaly
    path: str = ""
    """Path of the field that causes it, where it is known; never a value."""
    dossier_id: DossierId | None = None
    after: DossierNumber | None = None
    """For one without a number: the dossier before it, in the order of last change."""
    before: DossierNumber | None = None
    """For one without a number: the dossier after it."""


class ListRequest(NamedTuple):
    """From which instant and which cursor on a list of deletions is requested."""

    since: datetime | None
    after: str | None


@dataclass(frozen=True, slots=True)
class DeletedPage:
    """A page of one of DS's two lists of deletions."""

    nodes: tuple[DeletedDossier, ...]
    """The entries that could be read."""
    next_request: ListRequest | None
    """The request for the next page; None at the end of the list."""
    unreadable: int = 0
    """Number of entries that could not be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of dossiers: the readable and the unreadable ones."""

    nodes: list[Dossier]
    end_cursor: str | None
    has_next: bool
    server_date: datetime | None
    active_revision_id: RevisionId | None
    pending: DeletedPage | None = None
    deleted: DeletedPage | None = None
    unreadable: tuple[Unreadable, ...] = ()
    skipped: tuple[DossierNumber, ...] = ()
    """Dossiers that were not requested, because DS could not render them a short while ago."""
    incomplete: Mapping[DossierNumber, str] = field(default_factory=dict)
    """Paths of the fields that DS cannot render, by dossier; the dossier is in `nodes`."""
    order: tuple[DossierNumber | None, ...] = ()
    """Numbers of all its dossiers in DS's order; None for one without a number."""
    out_of_order: bool = False
    """Whether it has older changes than the page before it, against DS's order."""
    unread: tuple[Raw, ...] = ()
    """The JSON of dossiers that `read_nodes` has not converted yet; their numbers are known."""

    @classmethod
    def of(cls, *nodes: Dossier, **more: Any) -> Page:
        """Return a page of dossiers that were requested one by one, without cursor."""
        return cls(list(nodes), None, False, None, None, **more)


@dataclass(frozen=True, slots=True)
class LightPage:
    """A page of the numbers of dossiers, without their contents."""

    numbers: tuple[DossierNumber | None, ...]
    """None for a dossier without a number."""
    end_cursor: str | None
    has_next: bool
    server_date: datetime | None


@dataclass(frozen=True, slots=True)
class GlancePage:
    """A page of what shows whether dossiers have changed."""

    glances: tuple[Glance | None, ...]
    """None for a dossier that DS cannot render, or that does not match the API."""
    end_cursor: str | None
    has_next: bool
    server_date: datetime | None
