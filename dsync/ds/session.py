"""An HTTP exchange with DS: sends one request, and returns the answer's parts or the fault."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ssl import SSLCertVerificationError
from typing import Any

import msgspec
import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)

from dsync.domain.json_bytes import is_crowded, repaired
from dsync.ds.classify import GraphError, fault_of_errors, fault_of_status
from dsync.exchanges import (
    BoundedAdapter,
    InsecureAddressError,
    NoCertificatesError,
    TooLongError,
    session_through,
)
from dsync.messages.kinds import Fault


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of an HTTP answer, or the fault when there is none."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    data: msgspec.Raw | None = None
    """A JSON object, not decoded yet: each reader decodes only what it uses."""
    errors: list[GraphError] = field(default_factory=list)
    fault: Fault | None = None
    cause: str = "no answer"
    exception: BaseException | None = None


class _Envelope(msgspec.Struct):
    """The outer object of a GraphQL answer."""

    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    errors: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


_decode = msgspec.json.Decoder(_Envelope).decode

_MAX_ERRORS = 500
"""Errors of an answer that are read; DS gives some for each dossier that it cannot render."""
_TOO_DEEP = msgspec.Raw(b'{"extensions":{"code":"invalid_null"}}')
_COUNTED_FROM = 3 << 20
"""Bytes from which values are counted: fewer are a million empty objects, of 80 MiB."""
_BOM = b"\xef\xbb\xbf"
"""The mark that some servers put before a text, which JSON does not allow."""
_PART = 1 << 16
"""Bytes that are decoded at a time, which fit into the processor's cache."""


def session_with(
    adapter: BoundedAdapter, token: Callable[[], str], headers: Mapping[str, str]
) -> requests.Session:
    """Return a session that sends the token of each instant, and these headers."""

    def authorised(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token()}"
        return request

    session = session_through(adapter, **headers)
    # Not a plain header, because requests would replace it by the credentials of a `.netrc` file.
    session.auth = authorised
    return session


def exchange(
    session: requests.Session,
    url: str,
    payload: Mapping[str, Any],
    timeouts_s: tuple[float, float],
) -> Reply:
    """Send a request once; a failure of the exchange is in `Reply.fault`.

    `timeouts_s` are for the connection and for each read of the socket.
    """
    try:
        response = session.post(
            url,
            json=payload,
            timeout=timeouts_s,
            allow_redirects=False,  # requests would follow a redirect with a GET.
            stream=True,  # The adapter has read the body, of which requests would make a copy.
        )
    except Exception as exc:
        return _broken(exc)
    # That of a redirect has been taken by requests all the same.
    return _reply(response, response.raw.read() or response.content)


def _reply(response: requests.Response, body: bytes) -> Reply:
    status, headers = response.status_code, response.headers
    body = body.removeprefix(_BOM)
    if len(body) > _COUNTED_FROM and is_crowded(body):
        return Reply(status, headers, fault=fault_of_status(status, None) or Fault.TOO_MANY)
    try:
        envelope = _decoded(body)
    except RecursionError:
        # No decoder reads JSON nested this deeply. It is treated as data that DS cannot render, so
        # that the page reader isolates the dossier that contains it.
        envelope = _Envelope(errors=[_TOO_DEEP])
    except msgspec.DecodeError:
        envelope = _Envelope()
    if envelope.data is msgspec.UNSET and envelope.errors is msgspec.UNSET:
        fault = fault_of_status(status, None)
        if fault is None:
            # A proxy can cut a body and leave it complete by the rules of HTTP.
            fault = Fault.CONNECTION_LOST if _is_cut(body) else Fault.NOT_GRAPHQL
        return Reply(status, headers, fault=fault)
    given = envelope.errors or []
    entries = list(map(_error_of, given[:_MAX_ERRORS]))
    fault = fault_of_status(status, entries[0] if entries else None)
    # After a time-out there is one for each field that DS did not reach.
    if len(given) > _MAX_ERRORS and fault_of_errors(entries, has_data=True) is not Fault.TIMEOUT:
        fault = fault or Fault.TOO_MANY_ERRORS
    data = envelope.data or None
    # `null`, or no object: there are no data.
    if data is None or bytes(memoryview(data)[:1]) != b"{":
        data = None
        if not entries:
            fault = fault or Fault.NO_DATA
    return Reply(status, headers, data, entries, fault)


def _decoded(body: bytes) -> _Envelope:
    try:
        found = _decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # Lone surrogates, NaN: JSON to other decoders.
        return _decode(repaired(body))
    # `data` is not decoded yet, and its reader would refuse all of it.
    return found if _is_utf8(body) else _decode(repaired(body))


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return True
    decoder = getincrementaldecoder("utf-8")()
    try:
        # By parts: as text, a body can take four times its size, and three times as long.
        for start in range(0, len(body), _PART):
            decoder.decode(memoryview(body)[start : start + _PART])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _error_of(entry: msgspec.Raw) -> GraphError:
    try:
        return GraphError.of(msgspec.json.decode(entry))
    except (ValueError, RecursionError):  # Such as a number that is out of range.
        return GraphError.of(None)


def _is_cut(body: bytes) -> bool:
    """Return whether a body is the beginning of a JSON object."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError:
        return body.lstrip()[:1] in {b"", b"{"}
    except RecursionError:  # It is no object: one is read before.
        return False
    return False


def _broken(exc: BaseException) -> Reply:
    # A bug of dsync is not a failure of the connection.
    if not isinstance(exc, OSError | HTTPError):
        raise exc
    # Before the parts are looked at: it was sent, whatever the exception wraps.
    if isinstance(exc, requests.ReadTimeout):
        return Reply(fault=Fault.DEADLINE, exception=exc)
    if isinstance(exc, TooLongError):
        return Reply(fault=Fault.TOO_LONG, exception=exc)
    for part in _parts(exc):
        for kind, cause in _NEVER_SENT:
            if isinstance(part, kind):
                said = _refusal(part) if isinstance(part, SSLCertVerificationError) else cause
                return Reply(fault=Fault.UNREACHABLE, cause=said, exception=exc)
    return Reply(fault=Fault.CONNECTION_LOST, exception=exc)


def _refusal(exc: SSLCertVerificationError) -> str:
    """Say why a certificate is refused, in OpenSSL's words, which have no more than the host."""
    said = f"its certificate is not trusted: {exc.verify_message}"
    if exc.verify_code in _STRICT:
        said += (
            "; since Python 3.13 an authority's certificates must name their keys: ask for new "
            "ones, or use Python 3.12"
        )
    return said


_STRICT = range(79, 95)
"""OpenSSL's codes of what only its strict check refuses (`x509_vfy.h`)."""

_NEVER_SENT: tuple[tuple[type[BaseException], str], ...] = (
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
