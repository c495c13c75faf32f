"""A gql session with DS: sends one request, and returns the answer's parts or the fault."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
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

from dsync.domain.json_bytes import cleaned, json_bytes
from dsync.ds.classify import Fault, GraphError, fault_of_status
from dsync.exchanges import BoundedAdapter, InsecureAddressError, NoCertificatesError, TooLongError

# Below WARNING gql logs whole requests and answers, which contain personal data.
logging.getLogger("gql").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of an HTTP answer, or the fault when there is none."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    data: msgspec.Raw | None = None
    """A JSON object, not decoded yet: each reader decodes only what it uses."""
    errors: tuple[GraphError, ...] = ()
    fault: Fault | None = None
    cause: str = "no answer"
    exception: BaseException | None = None


class _Envelope(msgspec.Struct):
    """The outer object of a GraphQL answer."""

    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    errors: list[Any] | msgspec.UnsetType | None = msgspec.UNSET


_decode = msgspec.json.Decoder(_Envelope).decode


class _Bearer(AuthBase):
    """Sets the `Authorization` header.

    An auth object and not a plain header, because requests would replace a header by the
    credentials of a `.netrc` file.
    """

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request


class Session:
    """A gql session; does one exchange at a time.

    Args:
        adapter: sends the requests.
        url: the GraphQL endpoint.
        token: returns the token of the API.
        headers: further headers of each request.
        timeouts_s: for the connection and for each read of the socket.
    """

    def __init__(
        self,
        adapter: BoundedAdapter,
        url: str,
        token: Callable[[], str],
        headers: Mapping[str, str],
        timeouts_s: tuple[float, float],
    ) -> None:
        self._response: requests.Response | None = None
        transport = RequestsHTTPTransport(
            url,
            headers=dict(headers),
            auth=_Bearer(token),
            timeout=timeouts_s,  # type: ignore[arg-type] # requests takes (connect, read).
            retries=0,  # gql would repeat mutations too; `retrying` repeats queries.
            hooks={"response": self._receive},
            allow_redirects=False,  # requests would follow a redirect with a GET.
            json_deserialize=_parse,
        )
        self._session = Client(transport=transport).connect_sync()  # type: ignore[no-untyped-call]
        for scheme in ("https://", "http://"):
            transport.session.mount(scheme, adapter)  # type: ignore[union-attr] # connected

    def exchange(self, request: GraphQLRequest) -> Reply:
        """Send a request once.

        Raises:
            Exception: a bug; failures of the exchange are in `Reply.fault`.
        """
        try:
            data = self._session.execute(request)
        except TransportConnectionFailed as exc:
            return _broken(exc.__cause__ or exc)
        except TransportQueryError as exc:
            return _answered(self._response, exc.data, exc.errors)
        except TransportError:
            # The body is no JSON, or JSON but no GraphQL answer.
            return _foreign(self._response)
        else:
            return _answered(self._response, data, None)
        finally:
            self._response = None  # Its body is not kept until the next exchange.

    def _receive(self, response: requests.Response, **_: Any) -> None:
        """Keep the response: gql's errors have neither its status nor its headers."""
        self._response = response


def _parse(text: str) -> dict[str, Any]:
    """Decode an answer's outer object; `data` stays JSON.

    Raises:
        ValueError: it is no JSON object; gql converts this into its own error.
    """
    try:
        envelope = _decoded(text)
    except RecursionError:
        # No decoder reads JSON nested this deeply. It is treated as data that DS cannot render, so
        # that the page reader isolates the dossier that contains it.
        return {"errors": [{"extensions": {"code": "invalid_null"}}]}
    parts = {"data": envelope.data, "errors": envelope.errors}
    return {name: part for name, part in parts.items() if part is not msgspec.UNSET}


def _decoded(text: str) -> _Envelope:
    try:
        # `data` keeps alive what it is a part of: bytes are a third of a text and its UTF-8.
        return _decode(text.encode())
    except msgspec.DecodeError:
        # The json module accepts lone surrogates and NaN, which msgspec refuses.
        return _decode(json_bytes(cleaned(json.loads(text))))


def _answered(response: requests.Response | None, data: Any, errors: Any) -> Reply:
    if response is None:
        return Reply(fault=Fault.CONNECTION_LOST)
    entries = tuple(GraphError.of(entry) for entry in errors or ())
    fault = fault_of_status(response.status_code, entries[0] if entries else None)
    # `null`, or no object: there are no data.
    if data is None or bytes(memoryview(data)[:1]) != b"{":
        data = None
        if not entries:
            fault = fault or Fault.NO_DATA
    return Reply(response.status_code, response.headers, data, entries, fault)


def _foreign(response: requests.Response | None) -> Reply:
    if response is None:
        return Reply(fault=Fault.CONNECTION_LOST)
    fault = fault_of_status(response.status_code, None)
    if fault is None:
        # A proxy can cut a body and leave it complete by the rules of HTTP.
        fault = Fault.CONNECTION_LOST if _is_cut(response.text) else Fault.NOT_GRAPHQL
    return Reply(response.status_code, response.headers, fault=fault)


def _is_cut(text: str) -> bool:
    """Return whether a body is the beginning of a JSON object."""
    try:
        json.loads(text)
    except ValueError:
        return text.lstrip()[:1] in {"", "{"}
    return False


def _broken(exc: BaseException) -> Reply:
    # A bug of dsync or of gql is not a failure of the connection.
    if not isinstance(exc, OSError | HTTPError):
        raise exc
    # Before the parts are looked at: it was sent, whatever the exception wraps.
    if isinstance(exc, requests.ReadTimeout):
        return Reply(fault=Fault.DEADLINE, exception=exc)
    if isinstance(exc, TooLongError):
        return Reply(fault=Fault.TOO_LONG, exception=exc)
    for part in _parts(exc):
        for kind, cause in NEVER_SENT:
            if isinstance(part, kind):
                said = _refusal(part) if isinstance(part, SSLCertVerificationError) else cause
                return Reply(fault=Fault.UNREACHABLE, cause=said, exception=exc)
    return Reply(fault=Fault.CONNECTION_LOST, exception=exc)


def _refusal(exc: SSLCertVerificationError) -> str:
    """Say why a certificate is refused, in OpenSSL's words, which have no more than the host."""
    said = f"its certificate is not trusted: {exc.verify_message}"
    if exc.verify_code in _STRICT:
        said += (
            "; since Python 3.13 an authority's certificates must name their keys: ask whoever "
            "issued them for new ones, or use Python 3.12"
        )
    return said


_STRICT = range(79, 95)
"""OpenSSL's codes of what only its strict check refuses (`x509_vfy.h`)."""

NEVER_SENT: tuple[tuple[type[BaseException], str], ...] = (
    (NameResolutionError, "its name cannot be resolved"),
    (NewConnectionError, "connection refused, or no route"),
    (ConnectTimeoutError, "no connection in time"),
    (SSLCertVerificationError, "its certificate is not trusted"),
    (NoCertificatesError, "the file of REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE cannot be read"),
    (requests.exceptions.ProxyError, "the proxy refuses"),
    (InsecureAddressError, "its address is plain http://"),
    (requests.exceptions.InvalidURL, "the address is not valid"),
    (requests.exceptions.MissingSchema, "the address does not start with https://"),
    (requests.exceptions.InvalidSchema, "the address does not start with https://"),
)
"""Exceptions that are raised before a request is sent: a mutation was not executed."""


def _parts(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception of requests and those that it wraps, down to the socket's."""
    current: object = exc
    for _ in range(8):  # A bound, because exceptions can refer to each other in a loop.
        if not isinstance(current, BaseException):
            return
        yield current
        reason = getattr(current, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        current = inner or next((a for a in current.args if isinstance(a, BaseException)), None)
