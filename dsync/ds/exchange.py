"""One exchange with DS through gql: what came back, or why nothing did."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import Any

import msgspec
import requests
from gql import Client, GraphQLRequest
from gql.transport.exceptions import (
    TransportConnectionFailed,
    TransportError,
    TransportQueryError,
)
from gql.transport.requests import RequestsHTTPTransport
from requests.auth import AuthBase
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)

from dsync.domain.written import cleaned, written
from dsync.ds.classify import Fault, GraphError, of_status
from dsync.http import BoundedAdapter, InsecureAddressError, TooLongError

# At DEBUG gql logs whole requests and answers: personal data, whatever the program's own level.
logging.getLogger("gql").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: an HTTP answer as far as it was understood, or why there is none."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    data: msgspec.Raw | None = None
    """A JSON object, not parsed yet: its reader knows how much of it is wanted."""
    errors: tuple[GraphError, ...] = ()
    fault: Fault | None = None
    cause: str = "no answer"
    exception: BaseException | None = None


class _Envelope(msgspec.Struct):
    """An answer's outer object."""

    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    errors: list[Any] | msgspec.UnsetType | None = msgspec.UNSET


_decode = msgspec.json.Decoder(_Envelope).decode


class _Bearer(AuthBase):
    """Set the token as DS wants it.

    As an auth object, not a header: else requests replaces it by what a `.netrc` says.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Session:
    """A gql session, for one exchange at a time."""

    def __init__(
        self,
        adapter: BoundedAdapter,
        url: str,
        token: str,
        headers: Mapping[str, str],
        timeouts_s: tuple[float, float],
    ) -> None:
        self._response: requests.Response | None = None
        transport = RequestsHTTPTransport(
            url,
            headers=dict(headers),
            auth=_Bearer(token),
            timeout=timeouts_s,  # type: ignore[arg-type] # requests takes (connect, read).
            retries=0,  # Would repeat mutations; retry.py decides.
            hooks={"response": self._receive},
            allow_redirects=False,  # requests would turn the POST into a GET.
            json_deserialize=_parse,
        )
        self._session = Client(transport=transport).connect_sync()  # type: ignore[no-untyped-call]
        for scheme in ("https://", "http://"):
            transport.session.mount(scheme, adapter)  # type: ignore[union-attr] # connected

    def exchange(self, request: GraphQLRequest) -> Reply:
        """Send a request, once.

        Raises:
            Exception: a fault of dsync's own.
        """
        self._response = None
        try:
            data = self._session.execute(request)
        except TransportConnectionFailed as exc:
            return _broken(exc.__cause__ or exc)
        except TransportQueryError as exc:
            return _answered(self._response, exc.data, exc.errors)
        except TransportError:
            # A body that is no JSON, or JSON that is no GraphQL answer.
            return _foreign(self._response)
        return _answered(self._response, data, None)

    def _receive(self, response: requests.Response, **_: Any) -> None:
        """Keep status and headers, which gql's errors leave out."""
        self._response = response


def _parse(text: str) -> dict[str, Any]:
    """Read an answer's outer object, and leave its data as it came.

    Raises:
        ValueError: it is no JSON object; gql makes its own error of it.
    """
    try:
        envelope = _decoded(text)
    except RecursionError:
        # Nested too deeply for any reader: taken for what DS cannot render, so that a page is
        # narrowed down to the dossier that it comes from.
        return {"errors": [{"extensions": {"code": "invalid_null"}}]}
    parts = {"data": envelope.data, "errors": envelope.errors}
    return {name: part for name, part in parts.items() if part is not msgspec.UNSET}


def _decoded(text: str) -> _Envelope:
    try:
        return _decode(text)
    except msgspec.DecodeError:
        # Python's own reader takes what is no JSON by the letter: a lone surrogate, NaN.
        return _decode(written(cleaned(json.loads(text))))


def _answered(response: requests.Response | None, data: Any, errors: Any) -> Reply:
    if response is None:
        return Reply(fault=Fault.CONNECTION_LOST)
    entries = tuple(GraphError.of(entry) for entry in errors or ())
    fault = of_status(response.status_code, entries[0] if entries else None)
    if data is None or bytes(memoryview(data)[:1]) != b"{":
        data = None
        if not entries:
            fault = fault or Fault.NO_DATA
    return Reply(response.status_code, response.headers, data, entries, fault)


def _foreign(response: requests.Response | None) -> Reply:
    if response is None:
        return Reply(fault=Fault.CONNECTION_LOST)
    fault = of_status(response.status_code, None)
    if fault is None:
        fault = Fault.CONNECTION_LOST if _is_cut(response.text) else Fault.NOT_GRAPHQL
    return Reply(response.status_code, response.headers, fault=fault)


def _is_cut(text: str) -> bool:
    """Return whether a body ends before the JSON that it holds."""
    try:
        json.loads(text)
    except ValueError:
        return text.lstrip()[:1] in {"", "{"}
    return False


def _broken(exc: BaseException) -> Reply:
    if not isinstance(exc, OSError | HTTPError):
        raise exc
    if isinstance(exc, requests.ReadTimeout):
        return Reply(fault=Fault.DEADLINE, exception=exc)
    if isinstance(exc, TooLongError):
        return Reply(fault=Fault.TOO_LONG, exception=exc)
    for part in _parts(exc):
        for kind, cause in NEVER_SENT:
            if isinstance(part, kind):
                return Reply(fault=Fault.UNREACHABLE, cause=cause, exception=exc)
    return Reply(fault=Fault.CONNECTION_LOST, exception=exc)


NEVER_SENT: tuple[tuple[type[BaseException], str], ...] = (
    (NameResolutionError, "its name cannot be resolved"),
    (NewConnectionError, "connection refused, or no route"),
    (ConnectTimeoutError, "no connection in time"),
    (SSLCertVerificationError, "its certificate is not trusted"),
    (requests.exceptions.ProxyError, "the proxy refuses"),
    (InsecureAddressError, "its address is plain http://"),
    (requests.exceptions.InvalidURL, "the address is not valid"),
    (requests.exceptions.MissingSchema, "the address does not start with https://"),
    (requests.exceptions.InvalidSchema, "the address does not start with https://"),
)
"""Causes that show that nothing was sent, so that a mutation has surely not run."""


def _parts(exc: BaseException) -> Iterator[BaseException]:
    """Walk from requests' exception down to the socket's."""
    current: object = exc
    for _ in range(8):
        if not isinstance(current, BaseException):
            return
        yield current
        reason = getattr(current, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        current = inner or next((a for a in current.args if isinstance(a, BaseException)), None)
