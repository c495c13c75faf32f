"""From DS's GraphQL nodes to the domain's values, driven by configuration. Pure: no I/O."""

from __future__ import annotations

from dsync.mapping.batch import Mapped, map_page
from dsync.mapping.changes import changed_fields
from dsync.mapping.config import MappingConfig
from dsync.mapping.forms import DriftReport, FieldMatch, MatchStatus, match_descriptors
from dsync.mapping.mapper import MappedDossier, Mapper
from dsync.mapping.record import PLAIN_FIELDS, Record, record_of

__all__ = [
    "PLAIN_FIELDS",
    "DriftReport",
    "FieldMatch",
    "Mapped",
    "MappedDossier",
    "Mapper",
    "MappingConfig",
    "MatchStatus",
    "Record",
    "changed_fields",
    "map_page",
    "match_descriptors",
    "record_of",
]
