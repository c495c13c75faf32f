"""The database: tables, migrations, views. The only part of dsync that knows SQL."""

from __future__ import annotations

from dsync.store.lease import LEASE_TTL_S
from dsync.store.reader import Reader
from dsync.store.records import (
    Address,
    Conflict,
    DueDossier,
    EvidenceCopy,
    Judgeable,
    Lease,
    LeaseInfo,
    NamedId,
    NewEvent,
    NewVerdict,
    NewWish,
    OpenPushes,
    PageResult,
    Pushed,
    Quarantined,
    RegistryCopy,
    RunFigures,
    RunningService,
    Sending,
    SettledWish,
    Settlement,
    StoredVerdict,
    StoredWish,
    SyncState,
    WishStatus,
)
from dsync.store.store import Store
from dsync.store.transaction import Tx

__all__ = [
    "LEASE_TTL_S",
    "Address",
    "Conflict",
    "DueDossier",
    "EvidenceCopy",
    "Judgeable",
    "Lease",
    "LeaseInfo",
    "NamedId",
    "NewEvent",
    "NewVerdict",
    "NewWish",
    "OpenPushes",
    "PageResult",
    "Pushed",
    "Quarantined",
    "Reader",
    "RegistryCopy",
    "RunFigures",
    "RunningService",
    "Sending",
    "SettledWish",
    "Settlement",
    "Store",
    "StoredVerdict",
    "StoredWish",
    "SyncState",
    "Tx",
    "WishStatus",
]
