"""One GET with an end: of time, of size, and of patience with what is not an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from dsync.errors import EvidenceUnavailableError

_CHUNK = 1 << 16
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
    session: requests.Session,
    url: str,
    *,
    deadline_s: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Answer:
    """Return the answer of a GET.

    Raises:
        EvidenceUnavailableError: when there is none, or none within its time and size.
    """
    end = monotonic() + deadline_s
    try:
        with session.get(
            url,
            headers=dict(headers or {}),
            params=dict(params or {}),
            timeout=(min(CONNECT_TIMEOUT_S, deadline_s), deadline_s),
            stream=True,
        ) as response:
            chunks, size = [], 0
            # read1 returns what has come: a body that drips must not outlast the deadline.
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                chunks.append(chunk)
                size += len(chunk)
                if size > max_bytes:
                    raise EvidenceUnavailableError(f"the answer is longer than {max_bytes} bytes")
                if monotonic() > end:
                    raise EvidenceUnavailableError(f"the answer took more than {deadline_s:g} s")
            return Answer(response.status_code, response.headers, b"".join(chunks))
    except (requests.RequestException, HTTPError, OSError) as exc:
        raise EvidenceUnavailableError(f"no answer ({type(exc).__name__})") from exc
