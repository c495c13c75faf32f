"""The programme's sections of the configuration; declares `[registre]`, collects all three."""

from __future__ import annotations

from datetime import timedelta

from dsync.domain.toml import DEFAULTS, Boolean, Section
from dsync.eig.mapping.mapping_section import MappingConfig
from dsync.eig.precheck.rules_section import RulesConfig

CATALOGUE_MAX_AGE = timedelta(days=14)
"""Since the last confirmation; after it, checks on the product give « impossible »."""


class RegistreConfig(Section):
    """The API Recherche d'entreprises, for applicants whose legal category DS does not have."""

    enabled: Boolean = False
    """Whether it is asked."""


class EigSections(Section):
    """The sections of the TOML file that the programme reads."""

    mapping: MappingConfig
    regles: RulesConfig | None = None
    """None: nothing is judged."""
    registre: RegistreConfig = DEFAULTS

    @property
    def extra_labels(self) -> dict[str, str]:
        """The labels of the candidature's `extra`, by name."""
        extras = self.mapping.extras.items()
        return {name: target.libelles[0] if target.libelles else name for name, target in extras}
