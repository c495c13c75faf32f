"""From DS's dossiers to the programme's terms, driven by configuration. Pure: no I/O."""

from __future__ import annotations

from dsync.mapping.changes import changed_fields
from dsync.mapping.record import Record, record_of
from dsync.mapping.whole import MappedDossier

__all__ = [
    "MappedDossier",
    "Record",
    "changed_fields",
    "record_of",
]
