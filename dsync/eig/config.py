"""The programme's sections of the configuration."""

from __future__ import annotations

from pydantic import BaseModel

from dsync.eig.evidence.config import EvidenceConfig
from dsync.eig.mapping.config import MappingConfig
from dsync.eig.precheck.config import RulesConfig


class EigSections(BaseModel):
    """What the programme reads in the TOML file."""

    mapping: MappingConfig
    regles: RulesConfig
    preuves: EvidenceConfig
