"""From DS's GraphQL nodes to the domain's values, driven by configuration. Pure: no I/O.

What reads the configuration is in modules of its own (`config`, `forms`, `mapper`): the process
that maps a full read's pages does without them, and without half of the memory.
"""

from __future__ import annotations

from dsync.mapping.batch import Mapped, Order, map_page
from dsync.mapping.changes import changed_fields
from dsync.mapping.record import Record, record_of
from dsync.mapping.whole import MappedDossier

__all__ = [
    "Mapped",
    "MappedDossier",
    "Order",
    "Record",
    "changed_fields",
    "map_page",
    "record_of",
]
