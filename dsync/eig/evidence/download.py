"""One GET of evidence, within its bounds of time and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from dsync.errors import EvidenceUnavailableError
from dsync.http import DeadlineError, Exchanges, InsecureAddressError, TooLongError

CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def text(self) -> str:
        """Return the content as text.

        Raises:
            EvidenceUnavailableError: when it is not UTF-8.
        """
        try:
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
) -> Answer:
    """Return the answer of a GET.

    Raises:
        EvidenceUnavailableError: when there is none, or none within its time and size.
        InterruptedRunError: the run was asked to stop.
    """

    def get(session: requests.Session) -> Answer:
        response = session.get(
            url,
            headers=dict(headers or {}),
            params=dict(params or {}),
            timeout=(min(CONNECT_TIMEOUT_S, deadline_s), deadline_s),
        )
        return Answer(response.status_code, response.headers, response.content)

    try:
        return http.run(get, deadline_s=deadline_s)
    except DeadlineError as exc:
        raise EvidenceUnavailableError(f"the answer took more than {deadline_s:g} s") from exc
    except (TooLongError, InsecureAddressError) as exc:
        raise EvidenceUnavailableError(f"the answer was not read: {exc}") from exc
    except (requests.RequestException, HTTPError, OSError) as exc:
        raise EvidenceUnavailableError(f"no answer ({type(exc).__name__})") from exc
