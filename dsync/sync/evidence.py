"""Bring the evidence up to date: revalidate the catalogue, keep the last good copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dsync.domain.candidature import Candidature
from dsync.eligibility import Evidence
from dsync.errors import EvidenceUnavailableError
from dsync.sync.context import Run


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence of this run and a key that changes when any of it does."""

    evidence: Evidence
    key: str
    registry_enabled: bool
