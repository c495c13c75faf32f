"""From DS's GraphQL nodes to the domain's values, driven by configuration. Pure: no I/O."""

from __future__ import annotations

from dsync.mapping.changes import changed_fields
from dsync.mapping.config import MappingConfig
from dsync.mapping.forms import DriftReport, FieldMatch, MatchStatus, match_descriptors
from dsync.mapping.mapper import MappedDossier, Mapper

__all__ = [
    "DriftReport",
    "FieldMatch",
    "MappedDossier",
    "Mapper",
    "MappingConfig",
    "MatchStatus",
    "changed_fields",
    "match_descriptors",
]
