"""The `[preuves]` section: where evidence comes from, how long it takes, how old it may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=3600)]
Days = Annotated[float, Field(gt=0, le=3660)]
Path = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogueConfig(_Section):
    """beta.gouv.fr's list of products."""

    paths: Annotated[tuple[Path, ...], Field(min_length=1)] = (
        "api/v2.6/startups.json",
        "api/v2.7/startups.json",
    )
    redirects: Path = "redirects.json"
    max_age_days: Days = 14
    deadline_s: Seconds = 30

    @property
    def max_age(self) -> timedelta:
        """How long after its last confirmation the catalogue may still be used."""
        return timedelta(days=self.max_age_days)


class RegistreConfig(_Section):
    """Recherche d'entreprises, for applicants whose legal category DS does not know."""

    enabled: bool = False
    url: Path = "https://recherche-entreprises.api.gouv.fr"
    requests_per_second: Annotated[float, Field(gt=0, le=7)] = 5
    deadline_s: Seconds = 10
    max_wait_s: Annotated[float, Field(ge=0, le=3600)] = 30
    """The longest Retry-After obeyed within a run; beyond it the answer is « unreachable »."""
    max_age_days: Days = 30

    @property
    def max_age(self) -> timedelta:
        """How long an answer is kept before it is asked again."""
        return timedelta(days=self.max_age_days)


class EvidenceConfig(_Section):
    """Every source of evidence."""

    max_response_mib: Annotated[float, Field(gt=0, le=1024)] = 16
    """Longest answer of any source, decoded: the rest is not read."""
    catalogue: CatalogueConfig = CatalogueConfig()
    registre: RegistreConfig = RegistreConfig()
