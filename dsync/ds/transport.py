"""Requests to DS with rate limit, deadline, retries and counts; failures become `DSError`."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import inf
from typing import Any, TypeVar

import msgspec
from gql import GraphQLRequest
from gql import transport as gql
from graphql import ExecutionResult

from dsync.addresses import mask_url
from dsync.ds.classify import NOT_EXECUTED, GraphError, error_of, fault_of_errors
from dsync.ds.limits import (
    PERMITS_S,
    Limits,
    Permits,
    RetryPolicy,
    retried,
    shared_throttle,
)
from dsync.ds.operations import Operation, is_mutation
from dsync.ds.session import Reply, exchange, session_with
from dsync.errors import (
    ConfigurationError,
    DSBadDataError,
    DSContractError,
    DSError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
    DSUnavailableError,
    InterruptedRunError,
)
from dsync.exchanges import MIB, DeadlineError, Exchanges, http_date, retry_after_s, seconds
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

T = TypeVar("T")

SHAPE_ERRORS = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""Exceptions raised while reading an answer that does not match the API."""
_ABOUT_ITEMS = frozenset(
    {Fault.NOT_FOUND, Fault.OUT_OF_SCOPE, Fault.TIMEOUT, Fault.BAD_DATA, Fault.INVALID_CURSOR}
)
"""Faults of a part of the answer: the caller identifies the part by the errors' paths."""
_GRACE_S = 2.0
"""Seconds that a running mutation still gets after `stop` is set, so that its outcome is known."""
_DEFAULT_WAIT_S = 15.0
"""Seconds to wait after a 429 without a valid header."""
_DIGITS = 400
"""Digits of the longest integer that is decoded; Python refuses those of some thousand digits."""


@dataclass(frozen=True)
class GraphAnswer(ExecutionResult):
    """A GraphQL answer, whose `data` are decoded when they are asked for."""

    raw: msgspec.Raw | None
    """`data` as JSON; None when it is null."""
    errors: list[GraphError]  # type: ignore[assignment] # Of a kind of `GraphQLError`.
    fault: Fault | None
    """The most severe fault of `errors`."""
    server_date: datetime | None
    """The `Date` header: DS's time."""
    subject: k.Requested
    """What was asked for, for messages."""
    extensions: dict[str, Any] | None = None

    @cached_property
    def data(self) -> dict[str, Any] | None:  # type: ignore[override]
        """`data`, decoded at the first access.

        A number that is out of range becomes infinite, so that only its field is invalid.
        """
        if self.raw is None:
            return None
        try:
            return msgspec.json.decode(self.raw, type=dict[str, Any])
        except msgspec.ValidationError:
            data: dict[str, Any] = json.loads(bytes(self.raw), parse_int=_integer)
            return data


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _DIGITS else inf


def first_sentence(error: BaseException | None) -> str:
    """Return an error's first sentence, without the remedy."""
    return f"{str(error).partition('. ')[0].rstrip('.')}."


class Transport(gql.Transport):
    """Sends operations, as a transport of gql; thread-safe: each exchange has its own session.

    When `stop` is set, waits and running requests end with `InterruptedRunError`. `notify` is
    called with an event, a sentence and facts when a request fails and is sent again.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        user_agent: str,
        limits: Limits,
        stop: threading.Event,
        clock: Callable[[], datetime],
        notify: Callable[..., None] = lambda *_, **_facts: None,
    ) -> None:
        self.limits = limits
        self.requests = 0
        """Number of requests sent, retries included."""
        self.answered = 0
        """Number of requests that DS answered without a failure."""
        self.errors: Counter[str] = Counter()
        """Failed requests by the error's class, also of those that a retry answered."""
        self.clock_gap: timedelta | None = None
        """How far this machine's clock was ahead of DS's at the last answer; None: not known."""
        self.urgent = True
        """Whether somebody waits for what is asked, a person or a webhook."""
        self._url = url
        self._has_answered = False
        """Whether this address has given a GraphQL answer before."""
        self._stop = stop
        self._clock = clock
        self._notify = notify
        self._failing_since: float | None = None
        self._small: GraphQLRequest | None = None
        self._asked_at: float | None = None
        """When a request was sent that no answer or failure has ended since."""
        self._is_doubted = False
        """Whether DS has to answer a small question before another one."""
        self.use_token(token)
        self._lock = threading.Lock()
        # Refusals of writes are recognised by their French messages.
        headers = {"User-Agent": user_agent, "Accept-Language": "fr"}
        self._exchanges = Exchanges(
            # The token is asked for at each request, because it can be renewed.
            lambda adapter: session_with(adapter, lambda: self._token, headers),
            max_bytes=int(limits.max_response_mib * MIB),
            stop=stop,
        )

    def use_token(self, token: str) -> None:
        """Send this token from now on.

        Raises:
            ConfigurationError: it holds characters that no token has; the former one stays.
        """
        token = token.strip()
        if any(not "!" <= character <= "~" for character in token):
            raise ConfigurationError(
                "The DS token holds characters that no token has. Copy it again into "
                "DSYNC_DS_TOKEN or its file."
            )
        self._token = token
        self.throttle = shared_throttle(self._url, token)
        """All clients with this token share it."""

    def share(self, budget_of: Callable[[str, float], Permits | None]) -> None:
        """Share the requests with other processes.

        `budget_of` returns the budget of a token at an address, whose permits are used within some
        seconds; None: there are no other processes.
        """
        self.throttle.shared = budget_of(f"{self._url} {self._token}", PERMITS_S)

    def ask_first(self, request: GraphQLRequest, *, at_once: bool) -> None:
        """Ask this small question before the request that follows a silence of DS.

        `at_once`: also before the next request. Who is not answered then has an error after some
        seconds, and no second attempt.
        """
        self._small = request
        self._is_doubted |= at_once

    def close(self) -> None:
        """Close the idle sessions."""
        self._exchanges.close()

    def read(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        interpret: Callable[[GraphAnswer], T],
        *,
        subject: k.Requested,
        policy: RetryPolicy = RetryPolicy.USUAL,
    ) -> T:
        """Send a query as `execute` does, and return what `interpret` returns.

        A `DSError` that `interpret` raises counts as the request's.

        Raises:
            DSContractError: the answer does not match the API.
            DSError: the error of the last attempt.
            InterruptedRunError: `stop` was set.
        """
        found: list[T] = []

        def check(answer: GraphAnswer) -> None:
            try:
                found.append(interpret(answer))
            except SHAPE_ERRORS as exc:
                said = k.Mismatch(subject, type(exc).__name__)
                raise DSContractError(said, fault="shape") from exc

        try:
            self.execute(operation.asking(variables), check=check, subject=subject, policy=policy)
        except DSTimeoutError as exc:
            if policy is RetryPolicy.PAGE:
                self._notify(
                    "ds_asked_for_less",
                    f"{first_sentence(exc)} A smaller page is asked for.",
                    error=type(exc).__name__,
                )
            raise
        return found[0]

    def wait_for_room(self, requests: int) -> None:
        """Wait until the rate limit allows this number of requests at once."""
        rate = self.limits.requests_per_minute
        least = min(requests, rate)
        if not self.throttle.wait_for_room(rate, least, self._stop, urgent=self.urgent):
            raise InterruptedRunError(k.Noted(k.Note.STOPPED_BEFORE_ASKING))

    def execute(
        self,
        request: GraphQLRequest,
        *_args: Any,
        check: Callable[[GraphAnswer], None] = lambda _: None,
        subject: k.Requested = k.Requested(k.Thing.WRITE),  # noqa: B008 - it is frozen
        policy: RetryPolicy | None = None,
        not_after: datetime | None = None,
        **_options: Any,
    ) -> GraphAnswer:
        """Send a request, again where the policy says so, but not after `not_after`.

        By default a mutation is sent once. `subject` is for messages. A `DSError` that `check`
        raises counts as the request's.

        Raises:
            DSOutcomeUnknownError: a mutation was sent, and its outcome is unknown.
            DSRateLimitedError: also if it waited for too long; it was not sent.
            DSError: the error of the last attempt; a mutation was not executed.
            InterruptedRunError: `stop` was set; a mutation was not sent.
        """

        def attempt() -> GraphAnswer:
            self._make_sure()
            self._wait_for_permit()
            # Also of a process that was suspended meanwhile, and may have lost its lease.
            if not_after is not None and self._clock() > not_after:
                raise DSRateLimitedError(k.Noted(k.Note.WAITED_TOO_LONG))
            with self._counting():
                answer = self._send(request, subject)
                check(answer)
                return answer

        policy = policy or (RetryPolicy.MUTATION if is_mutation(request) else RetryPolicy.USUAL)
        how = self.limits, self._stop, self._clock, policy, self._notify_retry
        try:
            return retried(attempt, *how, answers=self._has_answered and not self.is_away)
        finally:
            self._asked_at = None

    def _make_sure(self) -> None:
        if self._small is None or not self._is_doubted:
            return
        self._wait_for_permit()
        with self._counting():
            try:
                self._send(self._small, k.Requested(), self.limits.probe_s)
            except DSRateLimitedError:
                raise
            except (DSTimeoutError, DSBadDataError) as exc:
                # What fails on so little is away.
                raise DSUnavailableError(exc.said, **exc.details, is_final=True) from exc
            except DSError as exc:
                exc.details["is_final"] = True
                raise

    @property
    def silent_s(self) -> float:
        """The seconds since something was asked that is not answered, attempts included."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    @property
    def is_away(self) -> bool:
        """Whether the last request failed, and none was answered since."""
        return self._failing_since is not None

    @contextmanager
    def _counting(self) -> Iterator[None]:
        try:
            yield
        except DSError as exc:
            with self._lock:
                self.errors[type(exc).__name__] += 1
                if exc.details.get("is_final"):
                    self._failing_since = self._failing_since or time.monotonic()
            raise
        with self._lock:
            self.answered += 1
            self._is_doubted, self._asked_at = False, None
        self._notify_recovery()

    def _notify_retry(self, error: DSError, attempt: int, attempts: int, wait_s: float) -> None:
        self._notify_failure(
            f"{first_sentence(error)} Attempt {attempt} of {attempts}; "
            f"the next one in {wait_s:.0f} s.",
            attempt=attempt,
            attempts=attempts,
            next_in_s=round(wait_s),
            error=type(error).__name__,
        )

    def _notify_failure(self, message: str, **facts: Any) -> None:
        with self._lock:
            if self._failing_since is None:
                self._failing_since = time.monotonic()
        self._notify("ds_failed", message, **facts)

    def _notify_recovery(self) -> None:
        with self._lock:
            since, self._failing_since = self._failing_since, None
        if since is not None:
            seconds = time.monotonic() - since
            lasted = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
            self._notify("recovered", f"DS answers again: recovered after {lasted}.", after=lasted)

    def _wait_for_permit(self) -> None:
        rate = self.limits.requests_per_minute
        if not self.throttle.acquire(rate, self._stop, urgent=self.urgent):
            raise InterruptedRunError(k.Noted(k.Note.STOPPED_BEFORE_ASKING))

    def _send(
        self, request: GraphQLRequest, subject: k.Requested, deadline_s: float = inf
    ) -> GraphAnswer:
        if not self._token:
            raise error_of(Fault.TOKEN_MISSING)
        with self._lock:
            self.requests += 1
            self._asked_at = self._asked_at or time.monotonic()
        reply = self._exchange(request, min(deadline_s, self.limits.deadline_s))
        if reply.headers.get("RateLimit-Remaining") == "0" and reply.fault is None:
            self._pause(reply)
        fault = fault_of_errors(reply.errors, has_data=reply.data is not None)
        if reply.fault is not None:
            # A web page before any GraphQL answer means a wrong address; later, an outage.
            is_no_endpoint = not (self._has_answered or is_mutation(request))
            if reply.fault is Fault.NOT_GRAPHQL and is_no_endpoint:
                raise self._failure(request, reply, Fault.WRONG_ADDRESS, subject)
            raise self._failure(request, reply, reply.fault, subject) from reply.exception
        self._has_answered = True
        # Without data a query's caller can still use errors about single items, by their paths.
        if reply.data is None and (is_mutation(request) or fault not in _ABOUT_ITEMS):
            raise self._failure(request, reply, fault or Fault.NO_DATA, subject)
        server_date = http_date(reply.headers.get("Date"))
        if server_date is not None:
            self.clock_gap = self._clock() - server_date
        return GraphAnswer(reply.data, reply.errors, fault, server_date, subject)

    def _exchange(self, request: GraphQLRequest, deadline_s: float) -> Reply:
        payload, is_write = request.payload, is_mutation(request)
        timeouts_s = (self.limits.connect_timeout_s, deadline_s)
        try:
            return self._exchanges.run(
                lambda session: exchange(session, self._url, payload, timeouts_s),
                deadline_s=deadline_s,
                grace_s=_GRACE_S if is_write else 0.0,
            )
        except DeadlineError as exc:
            return Reply(fault=Fault.DEADLINE, exception=exc)
        except InterruptedRunError as exc:
            if is_write:
                # It was sent, and DS may have executed it: the outcome is unknown.
                return Reply(fault=Fault.CONNECTION_LOST, exception=exc)
            raise

    def _failure(
        self, request: GraphQLRequest, reply: Reply, fault: Fault, subject: k.Requested
    ) -> DSError:
        status = reply.status or 0
        error = error_of(
            fault,
            subject=subject,
            status=status,
            cause=reply.cause,
            url=mask_url(self._url),
            limit=f"{self.limits.max_response_mib:g} MiB",
        )
        self._is_doubted |= fault is Fault.DEADLINE
        if isinstance(error, DSRateLimitedError):
            wait_s = self._pause(reply)
            error.retry_at = datetime.fromtimestamp(self._clock().timestamp() + wait_s, UTC)
        if is_mutation(request) and fault not in NOT_EXECUTED:
            return DSOutcomeUnknownError(
                k.Noted(k.Note.OUTCOME_UNKNOWN),
                finished=fault is Fault.SERVER_ERROR,
                fault=fault.value,
            )
        return error

    def _pause(self, reply: Reply) -> float:
        """Send nothing until DS's limit is reset; return for how many seconds."""
        # A wrong header or clock must not stop dsync for hours.
        wait_s = min(_wait_s(reply.headers, self._clock()), self.limits.max_wait_s)
        # DS counts by token, so all démarches that use it have to wait.
        self.throttle.pause(wait_s)
        return wait_s


def _wait_s(headers: Mapping[str, str], now: datetime) -> float:
    """Return how many seconds to wait after a 429.

    `RateLimit-Reset` is an instant of DS's clock, so it is compared with the answer's `Date`.
    """
    reset = seconds(headers.get("RateLimit-Reset"))
    if reset is not None:
        # This machine's clock can differ by more than the whole wait.
        server_now = http_date(headers.get("Date")) or now
        return max(0.0, reset - server_now.timestamp())
    after = retry_after_s(headers, now)
    return _DEFAULT_WAIT_S if after is None else after
