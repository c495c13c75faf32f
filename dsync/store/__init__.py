"""The database: tables, migrations and views. Only `eig` has SQL, too: the programme's."""

from __future__ import annotations

from dsync.store.changes import Record
from dsync.store.codes import Author, Origin
from dsync.store.dossier_rows import PageResult
from dsync.store.journal import NewEvent
from dsync.store.lease import LEASE_TTL_S, Lease
from dsync.store.reader import Reader
from dsync.store.services import RunningService
from dsync.store.store import Store, Tx
from dsync.store.sync_state import SyncState
from dsync.store.verification import StoredDossier

__all__ = [
    "LEASE_TTL_S",
    "Author",
    "Lease",
    "NewEvent",
    "Origin",
    "PageResult",
    "Reader",
    "Record",
    "RunningService",
    "Store",
    "StoredDossier",
    "SyncState",
    "Tx",
]
