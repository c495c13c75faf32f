"""A lane: one gql session, used by one thread of its own, that can be left behind.

A socket's time-out says how long a single read may last, never how long an answer may: a body
that drips holds a caller for ever, and a name server may too. So the exchange runs in the lane's
thread and the caller waits for it with a deadline of its own. A lane that was left behind is cut
and never used again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from ssl import SSLCertVerificationError
from typing import Any

import msgspec
import requests
from gql import Client, GraphQLRequest
from gql.client import SyncClientSession
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
    is_bug: bool = False
    """`exception` is dsync's own fault, to be raised as it is."""


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


class Lane:
    """One exchange at a time with DS."""

    def __init__(
        self, url: str, token: str, headers: Mapping[str, str], timeouts_s: tuple[float, float]
    ) -> None:
        self._response: requests.Response | None = None
        self._body = b""
        self._is_cut = False
        """Whether the body ends before the JSON that it holds."""
        self._transport = RequestsHTTPTransport(
            url,
            headers=dict(headers),
            auth=_Bearer(token),
            timeout=timeouts_s,  # type: ignore[arg-type] # requests takes (connect, read).
            retries=0,  # Would repeat mutations; retry.py decides.
            hooks={"response": self._receive},
            stream=True,
            allow_redirects=False,  # requests would turn the POST into a GET.
            json_deserialize=self._parse,
        )
        self._inbox: queue.SimpleQueue[GraphQLRequest | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="dsync-ds", daemon=True).start()

    def send(self, request: GraphQLRequest) -> None:
        """Start an exchange."""
        self._inbox.put(request)

    def wait(self, timeout_s: float) -> Reply | None:
        """Return the reply, or None when it has not come yet."""
        try:
            return self._outbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """End the lane's thread and session; an exchange under way is cut."""
        self._inbox.put(None)
        response = self._response
        if response is not None:
            # Not shut down when the answer has just ended: then there is nothing to cut.
            with contextlib.suppress(ValueError, RuntimeError, OSError):
                response.raw.shutdown()

    def _serve(self) -> None:
        with Client(transport=self._transport) as session:
            for request in self._requests():
                self._outbox.put(self._exchange(session, request))

    def _requests(self) -> Iterator[GraphQLRequest]:
        while (request := self._inbox.get()) is not None:
            yield request

    def _receive(self, response: requests.Response, **_: Any) -> requests.Response:
        """Read the body whole; status and headers are kept, whatever gql makes of it.

        gql is handed an answer without a body: it would make a text of it, which nobody reads.
        """
        self._response = response
        # In one go: requests takes it in pieces, and after each waits for Python's lock.
        self._body = response.raw.read(decode_content=True)
        bodiless = requests.Response()
        for name in ("status_code", "reason", "headers", "url", "request"):
            setattr(bodiless, name, getattr(response, name))
        bodiless.raw = BytesIO()
        return bodiless

    def _parse(self, _text: str) -> dict[str, Any]:
        """Read an answer's outer object, and leave its data as it came.

        Raises:
            ValueError: it is no JSON object; gql makes its own error of it.
        """
        body, self._body = self._body, b""
        # JSON that cannot be read was cut on its way.
        self._is_cut = body.lstrip()[:1] in {b"", b"{"}
        try:
            envelope = _decode(body)
        except msgspec.DecodeError:
            # Python's own reader takes what is no JSON by the letter: a lone surrogate, NaN.
            envelope = _decode(written(cleaned(json.loads(body))))
        self._is_cut = False
        parts = {"data": envelope.data, "errors": envelope.errors}
        return {name: part for name, part in parts.items() if part is not msgspec.UNSET}

    def _exchange(self, session: SyncClientSession, request: GraphQLRequest) -> Reply:
        self._response, self._is_cut = None, False
        try:
            data = session.execute(request)
        except TransportConnectionFailed as exc:
            return _broken(exc.__cause__ or exc, self._response)
        except TransportQueryError as exc:
            return _answered(self._response, exc.data, exc.errors)
        except TransportError:
            # A body that is no JSON, or JSON that is no GraphQL answer.
            return _foreign(self._response, is_cut=self._is_cut)
        except Exception as exc:  # A bug: raised where the caller waits, not lost here.
            return Reply(exception=exc, is_bug=True)
        return _answered(self._response, data, None)


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


def _foreign(response: requests.Response | None, *, is_cut: bool) -> Reply:
    if response is None:
        return Reply(fault=Fault.CONNECTION_LOST)
    fault = of_status(response.status_code, None)
    if fault is None:
        fault = Fault.CONNECTION_LOST if is_cut else Fault.NOT_GRAPHQL
    return Reply(response.status_code, response.headers, fault=fault)


def _broken(exc: BaseException, response: requests.Response | None) -> Reply:
    if not isinstance(exc, OSError | HTTPError):
        return Reply(exception=exc, is_bug=True)
    headers = response.headers if response is not None else {}
    if isinstance(exc, requests.ReadTimeout):
        return Reply(headers=headers, fault=Fault.DEADLINE, exception=exc)
    for part in _parts(exc):
        for kind, cause in NEVER_SENT:
            if isinstance(part, kind):
                return Reply(fault=Fault.UNREACHABLE, cause=cause, exception=exc)
    return Reply(headers=headers, fault=Fault.CONNECTION_LOST, exception=exc)


NEVER_SENT: tuple[tuple[type[BaseException], str], ...] = (
    (NameResolutionError, "its name cannot be resolved"),
    (NewConnectionError, "connection refused, or no route"),
    (ConnectTimeoutError, "no connection in time"),
    (SSLCertVerificationError, "its certificate is not trusted"),
    (requests.exceptions.ProxyError, "the proxy refuses"),
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
