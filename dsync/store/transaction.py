"""`Tx`: everything that may be written, in one transaction under the lease.

Each subject's methods are in a module of its own; here they are put together.
"""

from __future__ import annotations

from dsync.store.deletions import DeletionWrites
from dsync.store.demarche import DemarcheWrites
from dsync.store.outbox import OutboxWrites
from dsync.store.outcomes import OutcomeWrites
from dsync.store.pages import PageWrites
from dsync.store.state import StateWrites
from dsync.store.verdicts import VerdictWrites


class Tx(
    PageWrites,
    DeletionWrites,
    VerdictWrites,
    OutboxWrites,
    OutcomeWrites,
    StateWrites,
    DemarcheWrites,
):
    """One transaction about one démarche. Every method may be repeated without effect."""
