"""The connections to the sources of evidence, opened once for a process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import requests

from dsync.eig.evidence.download import Response, download
from dsync.eig.evidence.registry import RegistryClient
from dsync.exchanges import MIB, Exchanges, session_through

DEADLINE_S = 30.0
"""For one request with its whole answer."""
MAX_RESPONSE_MIB = 16


@dataclass(frozen=True, slots=True)
class EvidenceSources:
    """The addresses of the sources and the HTTP connections to them."""

    base_url: str
    http: Exchanges[requests.Session]
    clock: Callable[[], datetime]
    registry: RegistryClient | None
    """None when the lookup is disabled."""
    deadline_s: float

    @classmethod
    def open(
        cls,
        base_url: str,
        *,
        asks_registry: bool = False,
        user_agent: str,
        clock: Callable[[], datetime],
        stop: threading.Event,
        deadline_s: float = DEADLINE_S,
        max_response_mib: int = MAX_RESPONSE_MIB,
    ) -> EvidenceSources:
        """Prepare the connections; sends no request.

        `stop` interrupts requests and waits once it is set; `deadline_s` is for a request with its
        whole answer, and `max_response_mib` the maximum size of a decoded one.
        """
        http = Exchanges(
            lambda adapter: session_through(adapter, **{"User-Agent": user_agent}),
            max_bytes=max_response_mib * MIB,
            stop=stop,
        )
        registry = (
            RegistryClient(http=http, clock=clock, sleep=stop.wait, deadline_s=deadline_s)
            if asks_registry
            else None
        )
        return cls(base_url, http, clock, registry, min(DEADLINE_S, deadline_s))

    def get(self, url: str, *, headers: Mapping[str, str]) -> Response:
        """Send a GET request, as `download`."""
        return download(self.http, url, deadline_s=self.deadline_s, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()
