"""HTTP with bounds, for DS (through gql) and for the evidence.

A socket's time-out limits one read, not an exchange: a server that sends a byte a second is never
too late, and no time-out limits a name server. Here an exchange runs in a thread of its own. Its
caller waits until the deadline, then shuts the connection down, which ends the thread.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection

from dsync.addresses import is_encrypted_or_local
from dsync.errors import InterruptedRunError

S = TypeVar("S")
T = TypeVar("T")

TICK_S = 0.05
"""How late a stop may be noticed."""
_CHUNK = 1 << 16
MIB = 1 << 20


class DeadlineError(requests.Timeout):
    """The exchange took longer than its deadline, and was cut."""


class TooLongError(requests.RequestException):
    """The body, once decoded, is longer than the limit; the rest was not read."""


class InsecureAddressError(requests.RequestException):
    """The address, or one that it redirects to, is plain http:// and not on this machine."""


class BoundedAdapter(HTTPAdapter):
    """Reads whole answers, up to a limit. `cut` ends what is under way, from any thread."""

    def __init__(self, max_bytes: int, *, allow_http: bool) -> None:
        self._max_bytes = max_bytes
        self._allow_http = allow_http
        self._connections: WeakSet[HTTPConnection] = WeakSet()
        self._is_cut = False
        super().__init__()

    def cut(self) -> None:
        """Shut the connections down, those still to be opened included."""
        self._is_cut = True
        for connection in list(self._connections):
            sock = connection.sock
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def send(  # type: ignore[override] # Session.send gives all of them by name.
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send the request and read its answer.

        Raises:
            InsecureAddressError: Nothing was sent.
            TooLongError: The body is longer than the limit.
            requests.RequestException: There is no whole answer; so do urllib3's errors say.
        """
        if not self._allow_http and not is_encrypted_or_local(request.url or ""):
            raise InsecureAddressError("plain http:// is not allowed")
        response = super().send(request, **{**options, "stream": True})
        body = BytesIO()
        try:
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                body.write(chunk)
                if body.tell() > self._max_bytes:
                    raise TooLongError(f"more than {self._max_bytes / MIB:g} MiB")
        finally:
            # Whole, the connection is in its pool again; else it is closed.
            response.raw.close()
        body.seek(0)
        response.raw = body
        response.encoding = "utf-8"  # JSON is nothing else; requests would guess.
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the pool of an address, whose connections can be cut."""
        pool = super().get_connection_with_tls_context(*args, **options)
        if isinstance(pool, HTTPConnectionPool):
            pool.ConnectionCls = self._cuttable(type(pool).ConnectionCls)
        return pool

    def _cuttable(self, kind: Any) -> Any:
        adapter = self

        class Cuttable(kind):  # type: ignore[misc]
            def connect(self) -> None:
                adapter._connections.add(self)
                super().connect()
                if adapter._is_cut:
                    self.close()
                    raise ConnectionAbortedError("cut while it was connecting")

        return Cuttable


class Exchanges(Generic[S]):
    """Exchanges with a server, each in a session of its own; any thread may start one.

    Args:
        open_session: makes a session that sends through the adapter.
        max_bytes: the limit on a decoded body.
        allow_http: whether plain http:// is allowed to other machines.
        stop: set when what is under way is to be abandoned.
    """

    def __init__(
        self,
        open_session: Callable[[BoundedAdapter], S],
        *,
        max_bytes: int,
        allow_http: bool,
        stop: threading.Event,
    ) -> None:
        self._open_session = open_session
        self._max_bytes = max_bytes
        self._allow_http = allow_http
        self._stop = stop
        self._idle: list[tuple[S, BoundedAdapter]] = []
        self._lock = threading.Lock()

    def run(self, work: Callable[[S], T], *, deadline_s: float, grace_s: float = 0.0) -> T:
        """Return what `work` returns, or raise what it raises.

        Args:
            work: one exchange by the session that it is given.
            deadline_s: for all of it: name, connection, headers, body.
            grace_s: what it still gets when `stop` is set.

        Raises:
            DeadlineError: The time is over; the connection is closed.
            InterruptedRunError: So it is because of `stop`.
        """
        session, adapter = self._take()
        outcome: Future[T] = Future()
        threading.Thread(
            target=_fulfil, args=(outcome, work, session), name="dsync-http", daemon=True
        ).start()
        try:
            self._wait(outcome, deadline_s, grace_s)
        finally:
            if outcome.done():
                with self._lock:
                    self._idle.append((session, adapter))
            else:
                adapter.cut()
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
        adapter = BoundedAdapter(self._max_bytes, allow_http=self._allow_http)
        return self._open_session(adapter), adapter

    def _wait(self, outcome: Future[T], deadline_s: float, grace_s: float) -> None:
        end = time.monotonic() + deadline_s
        is_stopping = False
        while not wait((outcome,), min(TICK_S, max(0.0, end - time.monotonic()))).done:
            if self._stop.is_set() and not is_stopping:
                is_stopping = True
                end = min(end, time.monotonic() + grace_s)
            if time.monotonic() < end:
                continue
            if is_stopping:
                raise InterruptedRunError("Asked to stop; the answer was not waited for.")
            raise DeadlineError(f"no whole answer within {deadline_s:g} s")


def _fulfil(outcome: Future[T], work: Callable[[S], T], session: S) -> None:
    try:
        outcome.set_result(work(session))
    except BaseException as exc:  # Raised again where the caller waits.
        outcome.set_exception(exc)


YEARS = range(1970, 2200)
"""Years that a header's date may be of."""


def http_date(text: str | None) -> datetime | None:
    """Return the instant of a header, in UTC; None for what is none."""
    try:
        instant = parsedate_to_datetime(text or "")
        instant = instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return instant if instant.year in YEARS else None


def seconds(text: str | None) -> float | None:
    """Return a header's number of seconds; None for what is none."""
    digits = (text or "").strip()
    return float(digits) if digits.isascii() and digits.isdigit() else None


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, in either of its forms."""
    after = headers.get("Retry-After")
    delay = seconds(after)
    if delay is not None:
        return delay
    until = http_date(after)
    return max(0.0, (until - now).total_seconds()) if until else None
