"""Requests to DS: throttled, counted, under a total deadline, read as answer or as error.

Only reads are repeated after a failure; a mutation is sent again in one case, when the rate
limiter turned it away before DS saw it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from dsync.ds import throttle
from dsync.ds.classify import NOT_EXECUTED, Fault, GraphError, error_of, of_errors
from dsync.ds.lane import Lane, Reply
from dsync.ds.limits import Limits
from dsync.ds.operations import Operation
from dsync.ds.retry import Patience, retrying
from dsync.errors import (
    ConfigurationError,
    DSError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    InterruptedRunError,
)

T = TypeVar("T")

ABOUT_ITEMS = frozenset(
    {Fault.NOT_FOUND, Fault.OUT_OF_SCOPE, Fault.TIMEOUT, Fault.BAD_DATA, Fault.INVALID_CURSOR}
)
"""Faults of a part of an answer, which its reader can place, though they empty it all."""
TICK_S = 0.05
"""How late a stop or a deadline may be noticed."""
GRACE_S = 2.0
"""What a mutation under way still gets when the run is asked to stop."""
DEFAULT_WAIT_S = 15.0
"""After a 429 that names no time."""


@dataclass(frozen=True)
class Answer:
    """A GraphQL answer: `data`, and what `errors` say beside it."""

    raw: msgspec.Raw | None
    """`data` in JSON, an object."""
    errors: tuple[GraphError, ...]
    fault: Fault | None
    """The gravest of the errors."""
    server_date: datetime | None
    """DS's clock, from the `Date` header."""

    @cached_property
    def data(self) -> dict[str, Any] | None:
        """The answer's data, parsed when it is first asked for."""
        return None if self.raw is None else msgspec.json.decode(self.raw, type=dict[str, Any])


class Transport:
    """Sends operations. Any thread may use it: each exchange has a lane of its own."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        user_agent: str,
        limits: Limits,
        stop: threading.Event,
        clock: Callable[[], datetime],
    ) -> None:
        token = token.strip()
        if any(not "!" <= character <= "~" for character in token):
            raise ConfigurationError(
                "The DS token holds characters that no token has. Copy it again into "
                "DSYNC_DS_TOKEN or its file."
            )
        self.limits = limits
        self.requests = 0
        self.errors: Counter[str] = Counter()
        self.by_operation: Counter[str] = Counter()
        self._url = url
        self._has_answered = False
        """Whether this address has ever given a GraphQL answer."""
        self._token = token
        self._headers = {"User-Agent": user_agent, "Accept-Language": "fr"}
        self._stop = stop
        self._clock = clock
        self._throttle = throttle.shared(url, token)
        self._idle: list[Lane] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the idle sessions."""
        with self._lock:
            lanes, self._idle = self._idle, []
        for lane in lanes:
            lane.close()

    def read(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        interpret: Callable[[Answer], T],
        *,
        subject: str,
        patience: Patience = Patience.USUAL,
    ) -> T:
        """Send a query, again and again while that may help, and return what it says.

        Args:
            operation: The document.
            variables: Its variables.
            interpret: Reads the answer; the `DSError` that it raises counts as this request's.
            subject: What is asked for, in words for a message.
            patience: How often to try.

        Raises:
            DSError: what the last attempt met.
            InterruptedRunError: the run was asked to stop.
        """
        for attempt in retrying(self.limits, self._stop, self._clock, patience):
            with attempt, self._counting():
                return interpret(self._send(operation, variables, subject))
        raise AssertionError("the last attempt raises")  # pragma: no cover

    def write(self, operation: Operation, variables: Mapping[str, Any]) -> Answer:
        """Send a mutation, once.

        Raises:
            DSOutcomeUnknownError: it was sent and nobody knows what it did.
            DSError: it was surely not executed.
            InterruptedRunError: it was not sent.
        """
        for attempt in retrying(self.limits, self._stop, self._clock, Patience.MUTATION):
            with attempt, self._counting():
                return self._send(operation, variables, "the write")
        raise AssertionError("the last attempt raises")  # pragma: no cover

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except DSError as exc:
            with self._lock:
                self.errors[type(exc).__name__] += 1
            raise

    def _send(self, operation: Operation, variables: Mapping[str, Any], subject: str) -> Answer:
        if not self._token:
            raise error_of(Fault.TOKEN_MISSING)
        if not self._throttle.acquire(self.limits.requests_per_minute, self._stop):
            raise InterruptedRunError("Asked to stop while waiting to ask DS.")
        with self._lock:
            self.requests += 1
            self.by_operation[operation.name] += 1
        reply = self._exchange(operation, variables)
        if reply.is_bug and reply.exception is not None:
            raise reply.exception
        fault = of_errors(reply.errors, has_data=reply.data is not None)
        if reply.fault is not None:
            is_no_endpoint = not (self._has_answered or operation.is_mutation)
            if reply.fault is Fault.NOT_GRAPHQL and is_no_endpoint:
                raise self._failure(operation, reply, Fault.WRONG_ADDRESS, subject)
            raise self._failure(operation, reply, reply.fault, subject) from reply.exception
        self._has_answered = True
        if reply.data is None and (operation.is_mutation or fault not in ABOUT_ITEMS):
            raise self._failure(operation, reply, fault or Fault.NO_DATA, subject)
        return Answer(reply.data, reply.errors, fault, _date(reply.headers))

    def _exchange(self, operation: Operation, variables: Mapping[str, Any]) -> Reply:
        lane = self._lane()
        lane.send(operation.request(variables))
        end = time.monotonic() + self.limits.deadline_s
        is_stopping = False
        while True:
            remaining = end - time.monotonic()
            reply = lane.wait(min(TICK_S, max(0.0, remaining)))
            if reply is not None:
                with self._lock:
                    self._idle.append(lane)
                return reply
            if remaining <= 0:
                lane.close()
                return Reply(fault=Fault.CONNECTION_LOST if is_stopping else Fault.DEADLINE)
            if self._stop.is_set() and not is_stopping:
                if not operation.is_mutation:
                    lane.close()
                    raise InterruptedRunError("Asked to stop; the answer was not waited for.")
                is_stopping = True
                end = min(end, time.monotonic() + GRACE_S)

    def _lane(self) -> Lane:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        timeouts_s = (self.limits.connect_timeout_s, self.limits.deadline_s)
        return Lane(self._url, self._token, self._headers, timeouts_s)

    def _failure(self, operation: Operation, reply: Reply, fault: Fault, subject: str) -> DSError:
        status = reply.status or 0
        error = error_of(
            fault, subject=subject, status=status, cause=reply.cause, url=_shown(self._url)
        )
        if isinstance(error, DSRateLimitedError):
            wait_s = min(_wait_s(reply.headers, self._clock()), self.limits.max_wait_s)
            error.retry_at = datetime.fromtimestamp(self._clock().timestamp() + wait_s, UTC)
            self._throttle.hold(wait_s)
        if operation.is_mutation and fault not in NOT_EXECUTED:
            return DSOutcomeUnknownError(
                "DS did not say what became of a write; it is read back before anything else.",
                finished=fault is Fault.SERVER_ERROR,
                fault=fault.value,
            )
        return error


def _shown(url: str) -> str:
    """Return an address without what it may hold of secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "The address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _date(headers: Mapping[str, str]) -> datetime | None:
    return _http_date(headers.get("Date"))


def _http_date(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _wait_s(headers: Mapping[str, str], now: datetime) -> float:
    """Return how long a 429 wants us to wait.

    `RateLimit-Reset` is an instant of DS's clock, so it is measured by the answer's `Date`.
    """
    reset = headers.get("RateLimit-Reset", "")
    if reset.isdigit():
        there = _date(headers) or now
        return max(0.0, float(reset) - there.timestamp())
    after = headers.get("Retry-After", "")
    if after.isdigit():
        return float(after)
    until = _http_date(after)
    return max(0.0, (until - now).total_seconds()) if until else DEFAULT_WAIT_S
