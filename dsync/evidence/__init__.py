"""Public evidence from outside: beta.gouv.fr's catalogue, the registry of entreprises, lists.

The only part that speaks to those sources. It keeps nothing: what was fetched is handed back
to be stored, and comes in again as `previous`.
"""

from __future__ import annotations

from dsync.evidence.catalogue import Snapshot, fetch_catalogue, parse_catalogue
from dsync.evidence.config import EvidenceConfig
from dsync.evidence.reference_lists import ReferenceList, validate_list
from dsync.evidence.registry import RegistryClient
from dsync.evidence.sources import EvidenceSources, catalogue_age, make_evidence

__all__ = [
    "EvidenceConfig",
    "EvidenceSources",
    "ReferenceList",
    "RegistryClient",
    "Snapshot",
    "catalogue_age",
    "fetch_catalogue",
    "make_evidence",
    "parse_catalogue",
    "validate_list",
]
