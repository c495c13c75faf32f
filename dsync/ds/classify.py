"""Classification of DS's answers: tables from status, code and message to a fault and an error.

In each table the first matching row applies. Messages are compared only where DS gives no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from graphql import GraphQLError

from dsync.errors import (
    DSBadDataError,
    DSContractError,
    DSError,
    DSNotFoundError,
    DSRateLimitedError,
    DSTimeoutError,
    DSUnauthorizedError,
    DSUnavailableError,
    DSWrongAddressError,
)
from dsync.messages.kinds import DSFailed, Fault, Requested

_MAX_MESSAGE = 2_000
"""Characters of an error's message that are kept."""
_MAX_PATH = 30
"""Keys of an error's path that are kept: DS accepts no query that is deeper than 15."""


def _is_key(key: object) -> bool:
    """Return whether it is a field's name or an index, and not a text that somebody typed."""
    return isinstance(key, int) or (isinstance(key, str) and key.isidentifier())


class GraphError(GraphQLError):
    """An entry of `errors`, reduced to what the tables use."""

    path: list[str | int]  # Never None.

    def __init__(
        self,
        code: str | None,
        message: str,
        path: Sequence[str | int] = (),
        *,
        is_of_part: bool = False,
    ) -> None:
        super().__init__(message, extensions={"code": code} if code else None)
        self.path = list(path)
        self.code = code
        self.is_of_part = is_of_part
        """Whether it is about a part of what was asked for: the query was not refused then."""

    @classmethod
    def of(cls, entry: object) -> GraphError:
        """Read an entry of any shape; parts of another type than the API's are left out."""
        if not isinstance(entry, Mapping):
            return cls(None, "")
        extensions = entry.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        path, message = entry.get("path"), entry.get("message")
        return cls(
            code if isinstance(code, str) else None,
            message[:_MAX_MESSAGE] if isinstance(message, str) else "",
            # A path goes into logs and reports.
            list(filter(_is_key, path[:_MAX_PATH])) if isinstance(path, list) else (),
            # The path of a refused query begins with « query » and its name.
            is_of_part=isinstance(path, list)
            and len(path) > 1
            and not str(path[0]).startswith(("query", "mutation", "fragment")),
        )


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A row that matches the HTTP status and, if given, the body's first error."""

    fault: Fault
    statuses: range
    contains: str | None = None
    is_graphql: bool | None = None

    def fits(self, status: int, error: GraphError | None) -> bool:
        """Return whether the row matches an answer whose first error is `error`."""
        if status not in self.statuses:
            return False
        if self.is_graphql is not None and self.is_graphql != (error is not None):
            return False
        return self.contains is None or (
            error is not None and self.contains in error.message.casefold()
        )


def _only(status: int) -> range:
    return range(status, status + 1)


_STATUS_ROWS = (
    # The rate limiter answers before the application: its body is plain text.
    StatusRow(Fault.RATE_LIMITED, _only(429)),
    StatusRow(Fault.NETWORK, _only(403), contains="network"),
    StatusRow(Fault.NETWORK, _only(403), is_graphql=False),  # The refusal of a proxy.
    # DS answers 403 to a missing or unknown token, and 401 to one that has expired.
    StatusRow(Fault.TOKEN_UNKNOWN, _only(403)),
    StatusRow(Fault.TOKEN_EXPIRED, _only(401), contains="expired"),
    StatusRow(Fault.TOKEN_UNKNOWN, _only(401)),
    # With a GraphQL error DS failed on this query, which a smaller one can avoid; without one a
    # proxy or the maintenance page answered, and only waiting helps.
    StatusRow(Fault.SERVER_ERROR, range(500, 600), is_graphql=True),
    StatusRow(Fault.MAINTENANCE, _only(503)),
    StatusRow(Fault.GATEWAY, range(500, 600)),
    StatusRow(Fault.MOVED, range(300, 400)),
    # No such page, or one that takes no POST.
    StatusRow(Fault.WRONG_ADDRESS, range(404, 406)),
    StatusRow(Fault.GATEWAY, _only(408)),  # The time-out of a proxy.
    StatusRow(Fault.TOO_LARGE, _only(413)),
    StatusRow(Fault.TOO_LARGE, range(400, 500), contains="complexity of"),
    StatusRow(Fault.TOO_LARGE, range(400, 500), contains="too large to execute"),
    # Such as the address of a web page: the API's own refusals are GraphQL.
    StatusRow(Fault.WRONG_ADDRESS, range(400, 500), is_graphql=False),
    StatusRow(Fault.QUERY_REFUSED, range(400, 500)),
)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A row that matches one entry of `errors` in an answer with status 200."""

    fault: Fault
    code: str | None = None
    starts: str | None = None
    in_data: bool | None = None

    def fits(self, error: GraphError, *, has_data: bool) -> bool:
        """Return whether the row matches this entry."""
        if self.code is not None and error.code != self.code:
            return False
        if self.in_data is not None and self.in_data != has_data:
            return False
        return self.starts is None or error.message.startswith(self.starts)


_ERROR_ROWS = (
    ErrorRow(Fault.TIMEOUT, code="timeout"),
    ErrorRow(Fault.TIMEOUT, starts="Timeout on "),  # Only the first one has a code.
    # DS has these limits since July 2026. The messages are those of its GraphQL library; the HTTP
    # status is not known, so they are also in `_STATUS_ROWS`.
    ErrorRow(Fault.TOO_LARGE, starts="Query has complexity of ", in_data=False),
    ErrorRow(Fault.TOO_LARGE, starts="This query is too large to execute", in_data=False),
    ErrorRow(Fault.TOKEN_UNKNOWN, code="forbidden"),
    ErrorRow(Fault.SERVER_ERROR, code="internal_server_error"),
    ErrorRow(Fault.BAD_DATA, code="invalid_null"),
    # Of a démarche or a dossier: a token that is not valid at all is refused by its HTTP status.
    ErrorRow(Fault.OUT_OF_SCOPE, code="unauthorized"),
    ErrorRow(Fault.NOT_FOUND, code="not_found"),
    # An id or a cursor that DS cannot decode has no code.
    ErrorRow(Fault.INVALID_CURSOR, starts="Invalid input"),
    # Without a known code: with `data`, or a path into it, DS failed on a part of it; with neither
    # it refused the query.
    ErrorRow(Fault.BAD_DATA, in_data=True),
    ErrorRow(Fault.QUERY_REFUSED),
)
"""In order of severity: of several errors in an answer, the earliest row classifies it."""


def fault_of_status(status: int, error: GraphError | None) -> Fault | None:
    """Return the fault of an HTTP status, None when the body has to be read."""
    return next((row.fault for row in _STATUS_ROWS if row.fits(status, error)), None)


def fault_of_error(error: GraphError, *, has_data: bool) -> Fault:
    """Return the fault of one entry of `errors`."""
    is_done = has_data or error.is_of_part
    return next(row.fault for row in _ERROR_ROWS if row.fits(error, has_data=is_done))


def fault_of_errors(errors: Sequence[GraphError], *, has_data: bool) -> Fault | None:
    """Return the most severe fault of an answer's `errors`, None without errors."""
    faults = {fault_of_error(error, has_data=has_data) for error in errors}
    return next((row.fault for row in _ERROR_ROWS if row.fault in faults), None)


_ERRORS: Mapping[Fault, type[DSError]] = {
    Fault.UNREACHABLE: DSUnavailableError,
    Fault.CONNECTION_LOST: DSUnavailableError,
    Fault.DEADLINE: DSTimeoutError,
    # As a time-out: the remedy is a smaller page.
    Fault.TOO_LONG: DSTimeoutError,
    Fault.TOO_MANY: DSTimeoutError,
    Fault.TOO_MANY_ERRORS: DSContractError,
    Fault.TOO_MANY_NODES: DSContractError,
    Fault.RATE_LIMITED: DSRateLimitedError,
    Fault.NOT_FOUND: DSNotFoundError,
    Fault.TIMEOUT: DSTimeoutError,
    # As a time-out, too; the message is only shown when the smallest page was refused.
    Fault.TOO_LARGE: DSTimeoutError,
    Fault.BAD_DATA: DSBadDataError,
    Fault.SERVER_ERROR: DSBadDataError,
    Fault.MAINTENANCE: DSUnavailableError,
    Fault.GATEWAY: DSUnavailableError,
    Fault.NOT_GRAPHQL: DSUnavailableError,
    Fault.NO_DATA: DSUnavailableError,
    Fault.MOVED: DSWrongAddressError,
    Fault.WRONG_ADDRESS: DSWrongAddressError,
    Fault.INVALID_CURSOR: DSContractError,
    Fault.QUERY_REFUSED: DSContractError,
}

_REASONS: Mapping[Fault, str] = {
    Fault.TOKEN_MISSING: "missing",
    Fault.TOKEN_UNKNOWN: "unknown",
    Fault.TOKEN_EXPIRED: "expired",
    Fault.NETWORK: "network",
    Fault.OUT_OF_SCOPE: "scope",
}
"""`DSUnauthorizedError.reason` by fault; each other one is in `_ERRORS`."""

# Not MAINTENANCE and GATEWAY: a proxy can answer after it has passed the request on. Not TIMEOUT:
# the mutations before it in the document are done.
NOT_EXECUTED = frozenset(
    {
        Fault.UNREACHABLE,
        Fault.RATE_LIMITED,
        Fault.TOKEN_MISSING,
        Fault.TOKEN_UNKNOWN,
        Fault.TOKEN_EXPIRED,
        Fault.NETWORK,
        Fault.MOVED,
        Fault.WRONG_ADDRESS,
        Fault.TOO_LARGE,
        Fault.QUERY_REFUSED,
    }
)
"""Faults after which a mutation was certainly not executed."""


def error_of(
    fault: Fault,
    subject: Requested = Requested(),  # noqa: B008 - it is frozen
    *,
    status: int = 0,
    cause: str = "no answer",
    url: str = "The address",
    limit: str = "allowed",
    **details: Any,
) -> DSError:
    """Return the error of a fault.

    The facts are those of `DSFailed`; `details` are further ones of the error. `url` is without
    credentials.
    """
    said = DSFailed(fault, subject, status, cause, url, limit)
    if fault in _REASONS:
        return DSUnauthorizedError(said, _REASONS[fault], fault=fault.value, **details)
    return _ERRORS[fault](said, fault=fault.value, **details)


class Refusal(StrEnum):
    """Why DS refuses a mutation in its payload."""

    READ_ONLY = "lecture_seule"
    NO_RIGHT = "droits"
    ALREADY_SO = "deja"
    OPTION = "option"
    ABSENT = "absente"
    TYPE = "type"
    OTHER = "autre"


REFUSAL_ROWS = (
    ("seulement en lecture", Refusal.READ_ONLY),
    ("pas les droits d'accès", Refusal.NO_RIGHT),
    ("label est déjà associé", Refusal.ALREADY_SO),
    ("label n'est pas associé", Refusal.ALREADY_SO),
    ("dans les options proposées", Refusal.OPTION),
    ("n'existe pas", Refusal.ABSENT),
    ("pas de type attendu", Refusal.TYPE),
)
"""Parts of DS's messages: these refusals have no code. `Accept-Language` asks for French."""

# DS's messages have typographic apostrophes, too.
_APOSTROPHES = str.maketrans("’‘", "''")


def refusal_of(message: str) -> Refusal:
    """Return the refusal that a message in a payload's `errors` means."""
    text = message.translate(_APOSTROPHES).casefold()
    return next((kind for part, kind in REFUSAL_ROWS if part in text), Refusal.OTHER)
