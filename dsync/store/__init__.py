"""The database: tables, migrations and views. Only `eig` has SQL, too: the programme's."""

from __future__ import annotations

from dsync.store.extension import DossierView, Extension
from dsync.store.lease import LEASE_TTL_S
from dsync.store.reader import Reader
from dsync.store.records import (
    Author,
    DuePush,
    Lease,
    LeaseInfo,
    NewEvent,
    NewWish,
    OpenPushes,
    Origin,
    PageResult,
    Quarantined,
    Record,
    RunningService,
    Sending,
    StoredWish,
    SyncState,
    WishOutcome,
    WishStatus,
)
from dsync.store.store import Store, Tx
from dsync.store.verification import StoredDossier

__all__ = [
    "LEASE_TTL_S",
    "Author",
    "DossierView",
    "DuePush",
    "Extension",
    "Lease",
    "LeaseInfo",
    "NewEvent",
    "NewWish",
    "OpenPushes",
    "Origin",
    "PageResult",
    "Quarantined",
    "Reader",
    "Record",
    "RunningService",
    "Sending",
    "Store",
    "StoredDossier",
    "StoredWish",
    "SyncState",
    "Tx",
    "WishOutcome",
    "WishStatus",
]
