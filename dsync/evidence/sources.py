"""All sources together, as the worker holds them, and the evidence made of what they gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests

from dsync.eligibility.catalogue import KnownProduct
from dsync.eligibility.evidence import Evidence, RegistryAnswer
from dsync.errors import EvidenceUnavailableError
from dsync.evidence.catalogue import Snapshot, fetch_catalogue, parse_catalogue
from dsync.evidence.config import EvidenceConfig
from dsync.evidence.registry import RegistryClient


def catalogue_age(snapshot: Snapshot, now: datetime) -> timedelta:
    """Return how long ago beta.gouv.fr last confirmed the snapshot."""
    return max(now - (snapshot.checked_at or snapshot.fetched_at), timedelta(0))


def make_evidence(
    config: EvidenceConfig,
    snapshot: Snapshot | None,
    *,
    now: datetime,
    known: Iterable[KnownProduct] = (),
    registry: Mapping[str, RegistryAnswer] | None = None,
) -> Evidence:
    """Return the evidence that the last good copy makes at this instant.

    Without a copy, with one that cannot be read or one confirmed too long ago, there is no
    catalogue, and `catalogue_error` says why.
    """
    answers = registry or {}
    enabled = config.registre.enabled

    def without(reason: str, at: datetime | None = None) -> Evidence:
        return Evidence(None, at, reason, answers, registry_enabled=enabled)

    if snapshot is None:
        return without("The catalogue was never fetched.")
    age = catalogue_age(snapshot, now)
    if age > config.catalogue.max_age:
        return without(
            f"The catalogue was last confirmed {age.days} days ago; "
            f"{config.catalogue.max_age_days:g} are allowed.",
            snapshot.fetched_at,
        )
    try:
        catalogue = parse_catalogue(snapshot, known)
    except EvidenceUnavailableError as exc:
        return without(f"The stored catalogue cannot be used: {exc.message}.", snapshot.fetched_at)
    return Evidence(catalogue, snapshot.fetched_at, None, answers, registry_enabled=enabled)


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """Where evidence comes from: configuration and one HTTP session for all of it."""

    config: EvidenceConfig
    base_url: str
    session: requests.Session
    clock: Callable[[], datetime]
    registry: RegistryClient | None
    """None when the lookup is off."""

    @classmethod
    def open(
        cls,
        config: EvidenceConfig,
        base_url: str,
        *,
        user_agent: str,
        clock: Callable[[], datetime],
    ) -> EvidenceSources:
        """Make the session; nothing is asked yet."""
        session = requests.Session()
        session.headers["User-Agent"] = user_agent
        registry = (
            RegistryClient(config.registre, session=session, clock=clock)
            if config.registre.enabled
            else None
        )
        return cls(config, base_url, session, clock, registry)

    def fetch_catalogue(self, previous: Snapshot | None) -> Snapshot | None:
        """Return the catalogue now published, or None when it is still `previous`.

        Raises:
            EvidenceUnavailableError: when it cannot be read; `previous` stays good.
        """
        return fetch_catalogue(
            self.config, self.base_url, previous, clock=self.clock, session=self.session
        )

    def evidence(self, snapshot: Snapshot | None, known: Iterable[KnownProduct] = ()) -> Evidence:
        """Return the evidence that the last good copy makes now.

        Args:
            snapshot: the last good copy.
            known: every product ever published.
        """
        return make_evidence(self.config, snapshot, now=self.clock(), known=known)

    def close(self) -> None:
        """Close the session's connections."""
        self.session.close()
