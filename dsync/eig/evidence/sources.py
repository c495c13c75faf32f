"""The connections to the sources of evidence, opened once for a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import requests
from requests.adapters import HTTPAdapter

from dsync.eig.evidence.download import Response, download
from dsync.eig.evidence.registry import RegistryClient
from dsync.eig.sections import EvidenceConfig
from dsync.exchanges import MIB, Exchanges


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """The configuration of the sources and the HTTP connections to them."""

    config: EvidenceConfig
    base_url: str
    http: Exchanges[requests.Session]
    clock: Callable[[], datetime]
    registry: RegistryClient | None
    """None when the lookup is disabled."""

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
        """Prepare the connections; sends no request.

        Args:
            config: the section `[preuves]`.
            base_url: the address of beta.gouv.fr.
            user_agent: the header `User-Agent` of all requests.
            clock: returns the current time, in UTC.
            stop: interrupts requests and waits once it is set.
            allow_http: whether plain http:// is allowed to other hosts than this one.
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

    def get(self, url: str, *, deadline_s: float, headers: Mapping[str, str]) -> Response:
        """Send a GET request, as `download`."""
        return download(self.http, url, deadline_s=deadline_s, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()
