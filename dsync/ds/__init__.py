"""The client of DS's GraphQL API. No other package sends requests to DS or uses GraphQL."""

from __future__ import annotations

from dsync.ds.classify import Refusal
from dsync.ds.client import DOSSIERS_PER_REQUEST, DSClient
from dsync.ds.crawl import (
    MAX_PAGE_SIZE,
    NO_PROGRESS,
    ListProgress,
    PageReader,
    PageSize,
    read_lists,
)
from dsync.ds.demarche_reading import WriteAccess
from dsync.ds.dossier_reading import lacks_names_only, unread_parts
from dsync.ds.limits import Limits
from dsync.ds.results import (
    DeletedPage,
    DossierWrite,
    GlancePage,
    LightPage,
    ListRequest,
    Page,
    Unreadable,
    WriteOutcome,
)

__all__ = [
    "DOSSIERS_PER_REQUEST",
    "MAX_PAGE_SIZE",
    "NO_PROGRESS",
    "DSClient",
    "DeletedPage",
    "DossierWrite",
    "GlancePage",
    "LightPage",
    "Limits",
    "ListProgress",
    "ListRequest",
    "Page",
    "PageReader",
    "PageSize",
    "Refusal",
    "Unreadable",
    "WriteAccess",
    "WriteOutcome",
    "lacks_names_only",
    "read_lists",
    "unread_parts",
]
