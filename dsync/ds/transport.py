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
from functools import cached_property
from typing import Any, Protocol, TypeVar

import msgspec
from tenacity import AttemptManager

from dsync.addresses import mask_url
from dsync.ds.classify import NOT_EXECUTED, Fault, GraphError, error_of, of_errors
from dsync.ds.exchange import Reply, Session
from dsync.ds.limits import Limits, shared_throttle
from dsync.ds.operations import Operation
from dsync.ds.retry import Patience, Waiting, retrying
from dsync.errors import (
    ConfigurationError,
    DSError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
    InterruptedRunError,
)
from dsync.http import MIB, DeadlineError, Exchanges, http_date, retry_after_s, seconds

T = TypeVar("T")

ABOUT_ITEMS = frozenset(
    {Fault.NOT_FOUND, Fault.OUT_OF_SCOPE, Fault.TIMEOUT, Fault.BAD_DATA, Fault.INVALID_CURSOR}
)
"""Faults of a part of an answer, which its reader can place, though they empty it all."""
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


class Tell(Protocol):
    """Takes what happens while somebody waits: an event with its facts, and a line for people."""

    def __call__(self, event: str, line: str, **facts: Any) -> None:
        """Log it, show it."""


def tell_nobody(event: str, line: str, **facts: Any) -> None:
    """Do nothing."""


def first_sentence(error: BaseException | None) -> str:
    """Return what happened, without the remedy."""
    return f"{str(error).partition('. ')[0].rstrip('.')}."


def duration_of(seconds: float) -> str:
    """Return a duration in words: seconds below two minutes, minutes above."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


class Transport:
    """Sends operations. Any thread may use it: each exchange has a session of its own."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        user_agent: str,
        limits: Limits,
        stop: threading.Event,
        clock: Callable[[], datetime],
        tell: Tell = tell_nobody,
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
        self._stop = stop
        self._clock = clock
        self._tell = tell
        self._failing_since: float | None = None
        self._throttle = shared_throttle(url, token)
        self._lock = threading.Lock()
        headers = {"User-Agent": user_agent, "Accept-Language": "fr"}
        timeouts_s = (limits.connect_timeout_s, limits.deadline_s)
        self._exchanges = Exchanges(
            lambda adapter: Session(adapter, url, token, headers, timeouts_s),
            max_bytes=int(limits.max_response_mib * MIB),
            allow_http=limits.allow_http,
            stop=stop,
        )

    def close(self) -> None:
        """Close the idle sessions."""
        self._exchanges.close()

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
        try:
            for attempt in self._attempts(patience):
                with attempt, self._counting():
                    return interpret(self._send(operation, variables, subject))
        except DSTimeoutError as exc:
            if patience is Patience.PAGE:
                self._tell(
                    "ds_asked_for_less",
                    f"{first_sentence(exc)} A smaller page is asked for.",
                    error=type(exc).__name__,
                )
            raise
        raise AssertionError("the last attempt raises")  # pragma: no cover

    def write(self, operation: Operation, variables: Mapping[str, Any]) -> Answer:
        """Send a mutation, once.

        Raises:
            DSOutcomeUnknownError: it was sent and nobody knows what it did.
            DSError: it was surely not executed.
            InterruptedRunError: it was not sent.
        """
        for attempt in self._attempts(Patience.MUTATION):
            with attempt, self._counting():
                return self._send(operation, variables, "the write")
        raise AssertionError("the last attempt raises")  # pragma: no cover

    def _attempts(self, patience: Patience) -> Iterator[AttemptManager]:
        return retrying(self.limits, self._stop, self._clock, patience, self._tell_waiting)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except DSError as exc:
            with self._lock:
                self.errors[type(exc).__name__] += 1
            raise
        self._tell_recovered()

    def _tell_waiting(self, waiting: Waiting) -> None:
        with self._lock:
            if self._failing_since is None:
                self._failing_since = time.monotonic()
        self._tell(
            "ds_failed",
            f"{first_sentence(waiting.error)} Attempt {waiting.attempt} of {waiting.attempts}; "
            f"the next one in {waiting.wait_s:.0f} s.",
            attempt=waiting.attempt,
            attempts=waiting.attempts,
            next_in_s=round(waiting.wait_s),
            error=type(waiting.error).__name__,
        )

    def _tell_recovered(self) -> None:
        with self._lock:
            since, self._failing_since = self._failing_since, None
        if since is not None:
            lasted = duration_of(time.monotonic() - since)
            self._tell("recovered", f"DS answers again: recovered after {lasted}.", after=lasted)

    def _send(self, operation: Operation, variables: Mapping[str, Any], subject: str) -> Answer:
        if not self._token:
            raise error_of(Fault.TOKEN_MISSING)
        if not self._throttle.acquire(self.limits.requests_per_minute, self._stop):
            raise InterruptedRunError("Asked to stop while waiting to ask DS.")
        with self._lock:
            self.requests += 1
            self.by_operation[operation.name] += 1
        reply = self._exchange(operation, variables)
        fault = of_errors(reply.errors, has_data=reply.data is not None)
        if reply.fault is not None:
            is_no_endpoint = not (self._has_answered or operation.is_mutation)
            if reply.fault is Fault.NOT_GRAPHQL and is_no_endpoint:
                raise self._failure(operation, reply, Fault.WRONG_ADDRESS, subject)
            raise self._failure(operation, reply, reply.fault, subject) from reply.exception
        self._has_answered = True
        if reply.data is None and (operation.is_mutation or fault not in ABOUT_ITEMS):
            raise self._failure(operation, reply, fault or Fault.NO_DATA, subject)
        return Answer(reply.data, reply.errors, fault, http_date(reply.headers.get("Date")))

    def _exchange(self, operation: Operation, variables: Mapping[str, Any]) -> Reply:
        request = operation.request(variables)
        try:
            return self._exchanges.run(
                lambda session: session.exchange(request),
                deadline_s=self.limits.deadline_s,
                grace_s=GRACE_S if operation.is_mutation else 0.0,
            )
        except DeadlineError as exc:
            return Reply(fault=Fault.DEADLINE, exception=exc)
        except InterruptedRunError as exc:
            if operation.is_mutation:
                return Reply(fault=Fault.CONNECTION_LOST, exception=exc)
            raise

    def _failure(self, operation: Operation, reply: Reply, fault: Fault, subject: str) -> DSError:
        status = reply.status or 0
        error = error_of(
            fault,
            subject=subject,
            status=status,
            cause=reply.cause,
            url=mask_url(self._url),
            limit=f"{self.limits.max_response_mib:g} MiB",
        )
        if isinstance(error, DSRateLimitedError):
            wait_s = min(_wait_s(reply.headers, self._clock()), self.limits.max_wait_s)
            error.retry_at = datetime.fromtimestamp(self._clock().timestamp() + wait_s, UTC)
            self._throttle.pause(wait_s)
        if operation.is_mutation and fault not in NOT_EXECUTED:
            return DSOutcomeUnknownError(
                "DS did not say what became of a write; it is read back before anything else.",
                finished=fault is Fault.SERVER_ERROR,
                fault=fault.value,
            )
        return error


def _wait_s(headers: Mapping[str, str], now: datetime) -> float:
    """Return how long a 429 wants us to wait.

    `RateLimit-Reset` is an instant of DS's clock, so it is measured by the answer's `Date`.
    """
    reset = seconds(headers.get("RateLimit-Reset"))
    if reset is not None:
        there = http_date(headers.get("Date")) or now
        return max(0.0, reset - there.timestamp())
    after = retry_after_s(headers, now)
    return DEFAULT_WAIT_S if after is None else after
