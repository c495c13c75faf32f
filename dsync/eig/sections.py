"""The programme's sections of the configuration; declares `[preuves]`, collects all three."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dsync.domain.toml_values import Boolean, Number
from dsync.eig.mapping.mapping_section import MappingConfig
from dsync.eig.precheck.rules_section import RulesConfig, Text

Seconds = Annotated[Number, Field(gt=0, le=3600)]
Days = Annotated[Number, Field(gt=0, le=3660)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogueConfig(_Section):
    """The list of products of beta.gouv.fr."""

    paths: Annotated[tuple[Text, ...], Field(min_length=1)] = (
        "api/v2.6/startups.json",
        "api/v2.7/startups.json",
    )
    """Below DSYNC_BETAGOUV_URL, tried in this order; the first readable one is used."""
    redirects: Text = "redirects.json"
    """Former addresses of products, below DSYNC_BETAGOUV_URL."""
    max_age_days: Days = 14
    """Days since the last confirmation; after them, checks on the product give « impossible »."""
    deadline_s: Seconds = 30
    """Seconds for one request with its whole answer."""

    @property
    def max_age(self) -> timedelta:
        """Maximum time since the last confirmation at which the catalogue is used."""
        return timedelta(days=self.max_age_days)


class RegistreConfig(_Section):
    """The API Recherche d'entreprises, for applicants whose legal category DS does not have."""

    enabled: Boolean = False
    """Whether it is asked."""
    url: Text = "https://recherche-entreprises.api.gouv.fr"
    """Its base address."""
    requests_per_second: Annotated[Number, Field(gt=0, le=7)] = 5
    """Maximum rate; the API's own limit is 7."""
    deadline_s: Seconds = 10
    """Seconds for one request with its whole answer."""
    max_wait_s: Annotated[Number, Field(ge=0, le=3600)] = 30
    """Longest wait for a Retry-After, in seconds; beyond it, the registry counts as unreachable."""
    max_age_days: Days = 30
    """Days for which an answer is used."""

    @property
    def max_age(self) -> timedelta:
        """How long a stored answer is used."""
        return timedelta(days=self.max_age_days)


class EvidenceConfig(_Section):
    """The section `[preuves]`: all sources of evidence."""

    max_response_mib: Annotated[Number, Field(gt=0, le=1024)] = 16
    """Maximum size of a decoded response, in MiB; a longer one is an error."""
    catalogue: CatalogueConfig = CatalogueConfig()
    registre: RegistreConfig = RegistreConfig()


class EigSections(BaseModel):
    """The sections of the TOML file that the programme reads."""

    mapping: MappingConfig
    regles: RulesConfig | None = None
    """None: nothing is judged."""
    preuves: EvidenceConfig = EvidenceConfig()

    @property
    def extra_labels(self) -> dict[str, str]:
        """The labels of the candidature's `extra`, by name."""
        extras = self.mapping.extras.items()
        return {name: target.libelles[0] if target.libelles else name for name, target in extras}
