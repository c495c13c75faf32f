"""All sources together, as the worker holds them, and the evidence made of what they gave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests
from requests.adapters import HTTPAdapter

from dsync.eig.evidence.catalogue import Snapshot, fetch_catalogue, parse_catalogue
from dsync.eig.evidence.config import EvidenceConfig
from dsync.eig.evidence.registry import RegistryClient
from dsync.eig.precheck.catalogue import KnownProduct
from dsync.eig.precheck.evidence import Evidence, RegistryAnswer
from dsync.errors import EvidenceUnavailableError
from dsync.http import MIB, Exchanges

CLOCK_TOLERANCE = timedelta(minutes=5)


def catalogue_age(snapshot: Snapshot, now: datetime) -> timedelta:
    """Return how long ago beta.gouv.fr last confirmed the snapshot.

    In the future counts as never: this machine's clock was ahead, and came back.
    """
    age = now - (snapshot.checked_at or snapshot.fetched_at)
    return timedelta.max if age < -CLOCK_TOLERANCE else max(age, timedelta(0))


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
    if age == timedelta.max:
        return without(
            "The catalogue was last confirmed in the future: this machine's clock went back.",
            snapshot.fetched_at,
        )
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
    """Where evidence comes from: configuration and HTTP."""

    config: EvidenceConfig
    base_url: str
    http: Exchanges[requests.Session]
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
        stop: threading.Event,
        allow_http: bool = False,
    ) -> EvidenceSources:
        """Prepare the sources; nothing is asked yet.

        Args:
            config: section `[preuves]`.
            base_url: beta.gouv.fr's address.
            user_agent: what the servers are told of who asks.
            clock: the present.
            stop: ends what is under way.
            allow_http: whether plain http:// is allowed to other machines than this one.
        """

        def session(adapter: HTTPAdapter) -> requests.Session:
            opened = requests.Session()
            opened.headers["User-Agent"] = user_agent
            opened.mount("https://", adapter)
            opened.mount("http://", adapter)
            return opened

        http = Exchanges(
            session,
            max_bytes=int(config.max_response_mib * MIB),
            allow_http=allow_http,
            stop=stop,
        )
        registry = (
            RegistryClient(config.registre, http=http, clock=clock, sleep=stop.wait)
            if config.registre.enabled
            else None
        )
        return cls(config, base_url, http, clock, registry)

    def fetch_catalogue(self, previous: Snapshot | None) -> Snapshot | None:
        """Return the catalogue now published, or None when it is still `previous`.

        Raises:
            EvidenceUnavailableError: when it cannot be read; `previous` stays good.
        """
        return fetch_catalogue(
            self.config, self.base_url, previous, clock=self.clock, http=self.http
        )

    def evidence(self, snapshot: Snapshot | None, known: Iterable[KnownProduct] = ()) -> Evidence:
        """Return the evidence that the last good copy makes now.

        Args:
            snapshot: the last good copy.
            known: every product ever published.
        """
        return make_evidence(self.config, snapshot, now=self.clock(), known=known)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()
