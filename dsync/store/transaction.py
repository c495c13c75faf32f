"""`Tx`, a write transaction under the lease: composed of one class per subject."""

from __future__ import annotations

from dsync.store.deletions import DeletionWrites
from dsync.store.demarche import DemarcheWrites
from dsync.store.indicators import IndicatorWrites
from dsync.store.outbox import OutboxWrites
from dsync.store.outcomes import OutcomeWrites
from dsync.store.pages import PageWrites
from dsync.store.pieces import PieceWrites
from dsync.store.requests import RequestWrites
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
    IndicatorWrites,
    PieceWrites,
    RequestWrites,
):
    """A transaction about one démarche. Repeating a call of a method has no further effect."""
