"""HTTP exchanges with a total deadline and a maximum body size, for DS and for the evidence.

The time-outs of requests limit each read of a socket, not the whole exchange: a server that sends
one byte a second never exceeds them, and they do not limit the name look-up. So each exchange runs
in its own thread. Its caller waits until the deadline, then shuts down the connection, which ends
the thread.
"""

from __future__ import annotations

import contextlib
import contextvars
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from io import BytesIO
from typing import IO, Any, Generic, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from dsync.addresses import is_encrypted_or_local, is_public
from dsync.errors import InterruptedRunError

S = TypeVar("S")
T = TypeVar("T")

_STOP_POLL_S = 0.05
"""Interval at which a waiting caller checks its stop event."""
_CHUNK = 1 << 16
_NUMERIC = re.compile(r".*:.*|(.*\.)?(\d+|0x[0-9a-f]+)")
"""A host that is no name."""
MIB = 1 << 20


class DeadlineError(requests.Timeout):
    """The exchange did not end before its deadline; the connection was shut down."""


class TooLongError(requests.RequestException):
    """The decoded body exceeds the limit; the rest was not read."""


class InsecureAddressError(requests.RequestException):
    """The address, or the target of a redirect, is http:// on another machine."""


class ForeignAddressError(requests.RequestException):
    """The address, or the target of a redirect, is one to which nobody may send this machine."""


class MalformedError(requests.RequestException):
    """The answer is no HTTP, such as a chunk of a negative size."""


class NoCertificatesError(requests.RequestException):
    """The file with the trusted authorities cannot be read; nothing was sent."""


class _Response(HTTPResponse):
    """An answer whose chunks have sizes."""

    def _safe_read(self, amt: int) -> bytes:
        # urllib3 takes any integer for a chunk's size, and -1 would read to the end, unbounded.
        if amt < 0:
            raise ValueError("a chunk of a negative size")
        data: bytes = super()._safe_read(amt)  # type: ignore[misc] # not in the stubs
        return data


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests that reads the whole body, up to a limit, and that can be aborted.

    `max_bytes` is the limit of the decoded body; http:// leads to this machine alone. `open_body`
    returns the file in which a body is collected, unless it is a redirect's. `only` has the hosts
    whose addresses need not be public; None: every address is that of a setting. Where `others` may
    be asked, their addresses also have to be https, and no address has a password in it.
    """

    def __init__(
        self,
        max_bytes: int,
        *,
        open_body: Callable[[], IO[bytes]] = BytesIO,
        only: Collection[str] | None = None,
        others: bool = True,
    ) -> None:
        self._max_bytes = max_bytes
        self._only = only
        self._others = others
        self._is_guarded = False
        """Whether connections that are opened now have to lead to public addresses."""
        self._open_body = open_body
        self._connections: WeakSet[HTTPConnection] = WeakSet()
        self._is_aborted = False
        super().__init__()

    def abort(self) -> None:
        """Shut down all connections, now and as soon as one is opened; callable by any thread."""
        # Set first: a connection that is opened after the loop closes itself in `connect`.
        self._is_aborted = True
        for connection in list(self._connections):
            sock = connection.sock
            if sock is not None:
                with contextlib.suppress(OSError):
                    # `close` would not end a read in another thread; `shutdown` does.
                    sock.shutdown(socket.SHUT_RDWR)

    def send(  # type: ignore[override] # Session.send gives all of them by name.
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send the request and read the whole answer.

        Raises:
            InsecureAddressError: the address is not allowed; nothing was sent.
            ForeignAddressError: the same.
            TooLongError: the body exceeds the limit.
            MalformedError: the answer is no HTTP.
            requests.RequestException: the exchange failed.
            urllib3.exceptions.HTTPError: the body could not be read or decoded.
        """
        if not is_encrypted_or_local(request.url or ""):
            raise InsecureAddressError("plain http:// is not allowed")
        try:
            self._guard(request.url or "", options)
            response = self._read(super().send(request, **{**options, "stream": True}))
            # requests looks at the target of a redirect, also where it does not follow it.
            _ = urlsplit(response.headers.get("Location", "").encode("latin-1").decode()).port
        except (ValueError, OverflowError) as exc:
            # Some of requests' and urllib3's own errors are values' errors, too.
            if isinstance(exc, OSError | HTTPError):
                raise
            raise MalformedError(type(exc).__name__) from exc
        return response

    def _guard(self, url: str, options: Mapping[str, Any]) -> None:
        """Check an address that is not that of a setting, before its server is connected to."""
        self._is_guarded = False
        if self._only is None:
            return
        # As urllib3 reads it, which connects.
        parts = parse_url(url)
        host = (parts.host or "").strip("[]").lower()
        if not self._others:
            if host not in self._only:
                raise ForeignAddressError("its address is on another host")
            return
        if parts.auth is not None:
            raise ForeignAddressError("its address has a password")
        if host in self._only:
            return
        if parts.scheme != "https":
            raise ForeignAddressError("its address is not https://")
        # A proxy looks names up, and has an address of this network itself.
        if select_proxy(url, options.get("proxies")):
            found = [host] if _NUMERIC.fullmatch(host) or host == "localhost" else []
        else:
            self._is_guarded = True
            found = [str(one[4][0]) for one in socket.getaddrinfo(host, parts.port or 443)]
        if not all(map(is_public, found)):
            raise ForeignAddressError("its address is not public")

    def _read(self, response: requests.Response) -> requests.Response:
        # requests reads the body of a redirect into memory, and does not close it.
        body: IO[bytes]
        if response.is_redirect:
            body, max_bytes = BytesIO(), min(self._max_bytes, MIB)
        else:
            body, max_bytes = self._open_body(), self._max_bytes
        with contextlib.ExitStack() as failed:
            failed.callback(body.close)
            try:
                for chunk in response.raw.stream(_CHUNK, decode_content=True):
                    body.write(chunk)
                    if body.tell() > max_bytes:
                        raise TooLongError(f"more than {max_bytes / MIB:g} MiB")
            finally:
                # After the whole body urllib3 has put the connection back into its pool, and this
                # does nothing; after an error it closes the connection.
                response.raw.close()
            failed.pop_all()
        body.seek(0)
        response.raw = body
        response.encoding = "utf-8"  # As JSON prescribes; requests would guess it from the body.
        return response

    def cert_verify(self, *args: Any, **options: Any) -> None:
        """Configure how the server's certificate is verified."""
        try:
            super().cert_verify(*args, **options)  # type: ignore[no-untyped-call] # requests
        except OSError as exc:
            raise NoCertificatesError(str(exc)) from exc

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the connection pool of an address; its connections can be aborted."""
        pool = super().get_connection_with_tls_context(*args, **options)
        if isinstance(pool, HTTPConnectionPool):
            pool.ConnectionCls = self._abortable(type(pool).ConnectionCls)
        return pool

    def _abortable(self, kind: Any) -> Any:
        adapter = self

        class Abortable(kind):  # type: ignore[misc]
            response_class = _Response

            def _new_conn(self) -> Any:
                sock = super()._new_conn()
                # The name may have another address by now.
                if adapter._is_guarded and not is_public(str(sock.getpeername()[0])):
                    sock.close()
                    raise ConnectionAbortedError("its address is not public")
                return sock

            def connect(self) -> None:
                # Known before it is open, because `abort` may be called during `connect`.
                adapter._connections.add(self)
                super().connect()
                if adapter._is_aborted:
                    self.close()
                    raise ConnectionAbortedError("aborted while connecting")

        return Abortable


class Exchanges(Generic[S]):
    """Runs exchanges with a server, each with a session of its own; thread-safe.

    `open_session` returns a new session that sends through the given adapter. When `stop` is set,
    running exchanges are aborted. The other arguments are as of `BoundedAdapter`.
    """

    def __init__(
        self,
        open_session: Callable[[BoundedAdapter], S],
        *,
        max_bytes: int,
        stop: threading.Event,
        open_body: Callable[[], IO[bytes]] = BytesIO,
        only: Collection[str] | None = None,
        others: bool = True,
    ) -> None:
        self._only = only
        self._others = others
        self._open_session = open_session
        self._open_body = open_body
        self._max_bytes = max_bytes
        self._stop = stop
        self._idle: list[tuple[S, BoundedAdapter]] = []
        self._lock = threading.Lock()

    def run(self, work: Callable[[S], T], *, deadline_s: float, grace_s: float = 0.0) -> T:
        """Call `work` in a thread; return its result or raise its exception.

        The deadline is for the whole exchange: name look-up, connection, headers, body. `grace_s`
        are the seconds that it still gets after `stop` is set.

        Raises:
            DeadlineError: the deadline passed; the connection was shut down.
            InterruptedRunError: `stop` was set; the connection was shut down.
        """
        session, adapter = self._take()
        outcome: Future[T] = Future()
        # A name look-up cannot be aborted; a daemon thread does not keep the process alive for it.
        # In the same context, so that its log lines name the run, too.
        in_context = contextvars.copy_context().run
        threading.Thread(
            target=in_context,
            args=(_fulfil, outcome, work, session),
            name="dsync-http",
            daemon=True,
        ).start()
        try:
            self._wait(outcome, deadline_s, grace_s)
        finally:
            # A session whose exchange still runs is not used again: the abort ends its thread.
            if outcome.done():
                with self._lock:
                    self._idle.append((session, adapter))
            else:
                adapter.abort()
        return outcome.result()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, adapter in idle:
            adapter.close()

    def _take(self) -> tuple[S, BoundedAdapter]:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        adapter = BoundedAdapter(
            self._max_bytes,
            open_body=self._open_body,
            only=self._only,
            others=self._others,
        )
        return self._open_session(adapter), adapter

    def _wait(self, outcome: Future[T], deadline_s: float, grace_s: float) -> None:
        end = time.monotonic() + deadline_s
        is_stopping = False
        # `wait` takes futures only, so `stop` is looked at in short intervals.
        while not wait((outcome,), min(_STOP_POLL_S, max(0.0, end - time.monotonic()))).done:
            if self._stop.is_set() and not is_stopping:
                is_stopping = True
                end = min(end, time.monotonic() + grace_s)
            if time.monotonic() < end:
                continue
            if is_stopping:
                raise InterruptedRunError("Asked to stop; the answer was not waited for.")
            raise DeadlineError(f"no whole answer within {deadline_s:g} s")


def session_through(adapter: HTTPAdapter, **headers: str) -> requests.Session:
    """Return a session that sends through an adapter, with these headers beside its own."""
    session = requests.Session()
    session.headers.update(headers)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _fulfil(outcome: Future[T], work: Callable[[S], T], session: S) -> None:
    try:
        outcome.set_result(work(session))
    except BaseException as exc:  # `Future.result` raises it in the caller's thread.
        outcome.set_exception(exc)


YEARS = range(1970, 2200)
"""Plausible years of a date in a header; any other one is ignored."""


def http_date(text: str | None) -> datetime | None:
    """Parse the date of a header; return it in UTC, None when it is missing or invalid."""
    try:
        instant = parsedate_to_datetime(text or "")
        instant = instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return instant if instant.year in YEARS else None


def seconds(text: str | None) -> float | None:
    """Parse a header's number of seconds; return None when it is missing or invalid."""
    digits = (text or "").strip()
    # `isdigit` alone accepts « ² » and the digits of other scripts.
    return float(digits) if digits.isascii() and digits.isdigit() else None


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds `Retry-After` asks to wait; None without a valid one.

    The header has a number of seconds or a date.
    """
    after = headers.get("Retry-After")
    delay = seconds(after)
    if delay is not None:
        return delay
    until = http_date(after)
    return max(0.0, (until - now).total_seconds()) if until else None
