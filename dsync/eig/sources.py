"""Asks the sources of evidence, over connections that are opened once for a process.

They are beta.gouv.fr, and the API Recherche d'entreprises for legal categories that DS lacks.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from dsync.addresses import mask_url
from dsync.domain.json_bytes import MAX_VALUES, is_crowded
from dsync.eig.precheck.evidence import RegistryAnswer, RegistryStatus
from dsync.errors import EvidenceUnavailableError
from dsync.exchanges import (
    MIB,
    DeadlineError,
    Exchanges,
    ForeignAddressError,
    InsecureAddressError,
    TooLongError,
    retry_after_s,
    session_through,
)

DEADLINE_S = 30.0
"""For one request with its whole answer."""
MAX_RESPONSE_MIB = 16
CONNECT_TIMEOUT_S = 10.0
_ATTEMPTS = 3
"""Of one SIREN; another one follows only when the API answers that there are too many requests."""
REGISTRY_URL = "https://recherche-entreprises.api.gouv.fr"
_REQUESTS_PER_S = 5
"""The API's own limit is 7."""
_DEADLINE_S = 10.0
_MAX_WAIT_S = 30.0
"""Longest wait for a Retry-After; beyond it, the registry counts as unreachable."""
_OK, _TOO_MANY = 200, 429
# C: the enterprise has ceased; F: the établissement is closed.
_CEASED = frozenset({"C", "F"})


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def text(self) -> str:
        """Return the content as text.

        Raises:
            EvidenceUnavailableError: the content is not UTF-8, or JSON with too many values.
        """
        if is_crowded(self.content):
            raise EvidenceUnavailableError(f"the answer has more than {MAX_VALUES:,} values")
        try:
            # With or without the mark that some editors put before a file.
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise EvidenceUnavailableError("the answer is not UTF-8") from exc


def download(
    http: Exchanges[requests.Session],
    url: str,
    *,
    deadline_s: float,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Response:
    """Send a GET request and return the whole response, within a deadline for the whole exchange.

    Raises:
        EvidenceUnavailableError: no response, one that took too long, or one that is too large.
        InterruptedRunError: the run was asked to stop.
    """

    def get(session: requests.Session) -> Response:
        response = session.get(
            url,
            headers=dict(headers or {}),
            params=dict(params or {}),
            timeout=(min(CONNECT_TIMEOUT_S, deadline_s), deadline_s),
        )
        return Response(response.status_code, response.headers, response.content)

    try:
        return http.run(get, deadline_s=deadline_s)
    # Before the general clause, because it is also an exception of requests.
    except DeadlineError as exc:
        raise EvidenceUnavailableError(f"the answer took more than {deadline_s:g} s") from exc
    except (TooLongError, InsecureAddressError, ForeignAddressError) as exc:
        raise EvidenceUnavailableError(f"the answer was not read: {exc}") from exc
    except (requests.RequestException, HTTPError, OSError) as exc:
        raise EvidenceUnavailableError(f"no answer ({type(exc).__name__})") from exc


class RegistryClient:
    """Looks up one SIREN at a time, within the allowed request rate; not thread-safe.

    `sleep` returns early when the run is asked to stop; `deadline_s` is for a request with its
    whole answer; `monotonic` is the clock of the request rate, in seconds.
    """

    def __init__(
        self,
        *,
        http: Exchanges[requests.Session],
        clock: Callable[[], datetime],
        sleep: Callable[[float], object],
        url: str = REGISTRY_URL,
        deadline_s: float = _DEADLINE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._deadline_s = min(_DEADLINE_S, deadline_s)
        self._http = http
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._next_at = 0.0

    def lookup(self, siren: str) -> RegistryAnswer:
        """Look up a SIREN; the status is UNREACHABLE when the API gives no usable response."""
        try:
            found = _result(self._ask(siren), siren)
        except EvidenceUnavailableError:
            return self._answer(siren, RegistryStatus.UNREACHABLE)
        if found is None:
            return self._answer(siren, RegistryStatus.UNKNOWN)
        nature, nom = found.get("nature_juridique"), found.get("nom_complet")
        return self._answer(
            siren,
            RegistryStatus.FOUND,
            nature_juridique=nature if isinstance(nature, str) else None,
            nom=nom if isinstance(nom, str) else None,
            is_closed=found.get("etat_administratif") in _CEASED,
        )

    def _answer(self, siren: str, status: RegistryStatus, **facts: Any) -> RegistryAnswer:
        return RegistryAnswer(
            siren, status, source=mask_url(self._url), consulted_at=self._clock(), **facts
        )

    def _ask(self, siren: str) -> Response:
        for attempt in range(_ATTEMPTS):
            self._wait_for_turn()
            response = download(
                self._http,
                f"{self._url.rstrip('/')}/search",
                params={"q": siren, "page": "1", "per_page": "1"},
                deadline_s=self._deadline_s,
                headers={"Accept": "application/json"},
            )
            if response.status == _OK:
                return response
            wait_s = retry_after_s(response.headers, self._clock())
            # The API's own limit is counted by the second.
            wait_s = 1.0 if wait_s is None else wait_s
            # Other failures are not repeated here: the next run looks the SIREN up again.
            if response.status != _TOO_MANY or wait_s > _MAX_WAIT_S:
                break
            # The wait is that of the next request, whichever SIREN it is about.
            if attempt + 1 < _ATTEMPTS:
                self._next_at = max(self._next_at, self._monotonic() + wait_s)
        raise EvidenceUnavailableError(f"HTTP {response.status}")

    def _wait_for_turn(self) -> None:
        wait_s = self._next_at - self._monotonic()
        if wait_s > 0:
            self._sleep(wait_s)
        self._next_at = max(self._next_at, self._monotonic()) + 1 / _REQUESTS_PER_S


def _result(response: Response, siren: str) -> dict[str, Any] | None:
    """Return the entry of exactly this SIREN, or None: the API also returns similar results."""
    try:
        document = json.loads(response.text())
    except (ValueError, RecursionError) as exc:
        raise EvidenceUnavailableError("the answer is not valid JSON") from exc
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, list):
        raise EvidenceUnavailableError("the answer has no « results »")
    return next((r for r in results if isinstance(r, dict) and r.get("siren") == siren), None)


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
            # Whoever answers in their place must not send this machine anywhere else.
            only=[str(parse_url(one).host).strip("[]").lower() for one in (base_url, REGISTRY_URL)],
            others=False,
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
