"""Sends one GET request, within a deadline and a maximum size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from dsync.domain.json_bytes import MAX_VALUES, is_crowded
from dsync.errors import EvidenceUnavailableError
from dsync.exchanges import DeadlineError, Exchanges, InsecureAddressError, TooLongError

CONNECT_TIMEOUT_S = 10.0


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
    except (TooLongError, InsecureAddressError) as exc:
        raise EvidenceUnavailableError(f"the answer was not read: {exc}") from exc
    except (requests.RequestException, HTTPError, OSError) as exc:
        raise EvidenceUnavailableError(f"no answer ({type(exc).__name__})") from exc
