"""What DS's answers mean: one table from status, code and text to a fault, one to an error.

The tables are read from top to bottom, the first row that fits holds; each row is tested. Texts
are only looked at where DS gives no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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


class Fault(StrEnum):
    """Everything that can go wrong with a request."""

    UNREACHABLE = "unreachable"
    """Never sent: no address, refused, no TLS."""
    CONNECTION_LOST = "connection_lost"
    """Sent, and no whole answer came."""
    DEADLINE = "deadline"
    TOO_LONG = "too_long"
    RATE_LIMITED = "rate_limited"
    TOKEN_MISSING = "token_missing"  # noqa: S105
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    NETWORK = "network"
    OUT_OF_SCOPE = "out_of_scope"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    """The query asks for more than DS allows: it was refused before it ran."""
    BAD_DATA = "bad_data"
    SERVER_ERROR = "server_error"
    MAINTENANCE = "maintenance"
    GATEWAY = "gateway"
    NOT_GRAPHQL = "not_graphql"
    NO_DATA = "no_data"
    MOVED = "moved"
    WRONG_ADDRESS = "wrong_address"
    INVALID_CURSOR = "invalid_cursor"
    QUERY_REFUSED = "query_refused"


def _is_key(key: object) -> bool:
    """Whether it is a field's name or a place in a list, and no text of somebody's."""
    return isinstance(key, int) or (isinstance(key, str) and key.isidentifier())


@dataclass(frozen=True, slots=True)
class GraphError:
    """An entry of `errors`, reduced to what tells faults apart."""

    code: str | None
    message: str
    path: tuple[str | int, ...] = ()

    @classmethod
    def of(cls, entry: object) -> GraphError:
        """Read an entry, whatever it is."""
        if not isinstance(entry, Mapping):
            return cls(None, "")
        extensions = entry.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        path, message = entry.get("path"), entry.get("message")
        return cls(
            code if isinstance(code, str) else None,
            message if isinstance(message, str) else "",
            tuple(filter(_is_key, path)) if isinstance(path, list | tuple) else (),
        )


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A row on the HTTP status and, where it matters, the body's first error."""

    fault: Fault
    statuses: range
    contains: str | None = None
    is_graphql: bool | None = None

    def fits(self, status: int, error: GraphError | None) -> bool:
        """Whether the row holds for an answer whose first error is `error`."""
        if status not in self.statuses:
            return False
        if self.is_graphql is not None and self.is_graphql != (error is not None):
            return False
        return self.contains is None or (
            error is not None and self.contains in error.message.casefold()
        )


def _only(status: int) -> range:
    return range(status, status + 1)


STATUS_ROWS = (
    StatusRow(Fault.RATE_LIMITED, _only(429)),
    StatusRow(Fault.NETWORK, _only(403), contains="network"),
    StatusRow(Fault.NETWORK, _only(403), is_graphql=False),  # A proxy's own refusal.
    StatusRow(Fault.TOKEN_UNKNOWN, _only(403)),
    StatusRow(Fault.TOKEN_EXPIRED, _only(401), contains="expired"),
    StatusRow(Fault.TOKEN_UNKNOWN, _only(401)),
    StatusRow(Fault.SERVER_ERROR, range(500, 600), is_graphql=True),
    StatusRow(Fault.MAINTENANCE, _only(503)),
    StatusRow(Fault.GATEWAY, range(500, 600)),
    StatusRow(Fault.MOVED, range(300, 400)),
    StatusRow(Fault.WRONG_ADDRESS, range(404, 406)),
    StatusRow(Fault.GATEWAY, _only(408)),
    StatusRow(Fault.TOO_LARGE, _only(413)),
    StatusRow(Fault.TOO_LARGE, range(400, 500), contains="complexity of"),
    StatusRow(Fault.TOO_LARGE, range(400, 500), contains="too large to execute"),
    # A web form's address, say: DS itself words its refusals in GraphQL.
    StatusRow(Fault.WRONG_ADDRESS, range(400, 500), is_graphql=False),
    StatusRow(Fault.QUERY_REFUSED, range(400, 500)),
)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """A row on one entry of `errors` of an answer with status 200."""

    fault: Fault
    code: str | None = None
    starts: str | None = None
    in_data: bool | None = None

    def fits(self, error: GraphError, *, has_data: bool) -> bool:
        """Whether the row holds for this entry."""
        if self.code is not None and error.code != self.code:
            return False
        if self.in_data is not None and self.in_data != has_data:
            return False
        return self.starts is None or error.message.startswith(self.starts)


ERROR_ROWS = (
    ErrorRow(Fault.TIMEOUT, code="timeout"),
    ErrorRow(Fault.TIMEOUT, starts="Timeout on "),  # Those after the first have no code.
    # Limits of July 2026 and later; the two messages are read in the server's library, its
    # answer's status is not known.
    ErrorRow(Fault.TOO_LARGE, starts="Query has complexity of ", in_data=False),
    ErrorRow(Fault.TOO_LARGE, starts="This query is too large to execute", in_data=False),
    ErrorRow(Fault.TOKEN_UNKNOWN, code="forbidden"),
    ErrorRow(Fault.SERVER_ERROR, code="internal_server_error"),
    ErrorRow(Fault.BAD_DATA, code="invalid_null"),
    ErrorRow(Fault.OUT_OF_SCOPE, code="unauthorized"),
    ErrorRow(Fault.NOT_FOUND, code="not_found"),
    ErrorRow(Fault.INVALID_CURSOR, starts="Invalid input"),
    ErrorRow(Fault.BAD_DATA, in_data=True),
    ErrorRow(Fault.QUERY_REFUSED),
)
"""In order of gravity: of several entries, the one that fits the earliest row is the answer's."""


def of_status(status: int, error: GraphError | None) -> Fault | None:
    """Return what an HTTP status tells, or None when the body has to tell it."""
    return next((row.fault for row in STATUS_ROWS if row.fits(status, error)), None)


def of_error(error: GraphError, *, has_data: bool) -> Fault:
    """Return what one entry of `errors` means."""
    return next(row.fault for row in ERROR_ROWS if row.fits(error, has_data=has_data))


def of_errors(errors: Sequence[GraphError], *, has_data: bool) -> Fault | None:
    """Return what an answer's `errors` mean together: the gravest."""
    faults = {of_error(error, has_data=has_data) for error in errors}
    return next((row.fault for row in ERROR_ROWS if row.fault in faults), None)


_TRY_LATER = "dsync tries again by itself; if it lasts, look at DS's status page."
_RENEW = "Make a new one in the DS profile, set DSYNC_DS_TOKEN, then run `dsync check`."
_UPGRADE = "This DS server and this dsync do not fit: upgrade dsync, or tell its maintainers."

ERRORS: Mapping[Fault, tuple[type[DSError], str]] = {
    Fault.UNREACHABLE: (
        DSUnavailableError,
        "DS cannot be reached ({cause}). Check DSYNC_DS_URL and the network, then try again.",
    ),
    Fault.CONNECTION_LOST: (
        DSUnavailableError,
        f"The connection to DS broke off before the whole answer came. {_TRY_LATER}",
    ),
    Fault.DEADLINE: (
        DSTimeoutError,
        f"DS did not answer within dsync's deadline. {_TRY_LATER}",
    ),
    Fault.TOO_LONG: (
        DSTimeoutError,
        "DS's answer about {subject} is longer than {limit}, and was not read. If it lasts, raise "
        "max_response_mib in [ds], or tell DS's support.",
    ),
    Fault.RATE_LIMITED: (
        DSRateLimitedError,
        "DS limits this token's requests for now. Nothing to do: dsync waits; if it lasts, see "
        "what else uses the token, or lower requests_per_minute in [ds].",
    ),
    Fault.TOKEN_MISSING: (
        DSUnauthorizedError,
        "There is no DS token. Set DSYNC_DS_TOKEN or DSYNC_DS_TOKEN_FILE, then run `dsync check`.",
    ),
    Fault.TOKEN_UNKNOWN: (
        DSUnauthorizedError,
        f"DS does not know this token (mistyped, revoked or deleted). {_RENEW}",
    ),
    Fault.TOKEN_EXPIRED: (DSUnauthorizedError, f"The DS token has expired. {_RENEW}"),
    Fault.NETWORK: (
        DSUnauthorizedError,
        "DS does not accept this token from this machine's network. Add the network to the "
        "token's in the DS profile (or ask who runs the proxy), then run `dsync check`.",
    ),
    Fault.OUT_OF_SCOPE: (
        DSUnauthorizedError,
        "The DS token does not reach {subject}. Widen its list of démarches in the DS profile, "
        "or check the number.",
    ),
    Fault.NOT_FOUND: (
        DSNotFoundError,
        "DS has no {subject}, or hides it. Check the number.",
    ),
    Fault.TIMEOUT: (DSTimeoutError, f"DS ran out of time. {_TRY_LATER}"),
    Fault.TOO_LARGE: (
        DSTimeoutError,
        "DS refuses a query of this size, even the smallest that dsync sends. Upgrade dsync, or "
        "tell its maintainers.",
    ),
    Fault.BAD_DATA: (
        DSBadDataError,
        "DS cannot render something in {subject}. Tell DS's support if it lasts.",
    ),
    Fault.SERVER_ERROR: (
        DSBadDataError,
        "DS failed on {subject} (its internal error). Tell DS's support if it lasts.",
    ),
    Fault.MAINTENANCE: (DSUnavailableError, f"DS is under maintenance. {_TRY_LATER}"),
    Fault.GATEWAY: (DSUnavailableError, f"DS is unavailable (HTTP {{status}}). {_TRY_LATER}"),
    Fault.NOT_GRAPHQL: (
        DSUnavailableError,
        f"DS answered with something else than GraphQL (a web page, say). {_TRY_LATER}",
    ),
    Fault.NO_DATA: (
        DSUnavailableError,
        f"DS answered without data and without a reason. {_TRY_LATER}",
    ),
    Fault.MOVED: (
        DSWrongAddressError,
        "{url} has moved (HTTP {status}). Set DSYNC_DS_URL to DS's new GraphQL endpoint.",
    ),
    Fault.WRONG_ADDRESS: (
        DSWrongAddressError,
        "{url} is not DS's GraphQL endpoint (HTTP {status}). Check DSYNC_DS_URL: the address of "
        "DS's API ends in /api/v2/graphql.",
    ),
    Fault.INVALID_CURSOR: (
        DSContractError,
        "DS refuses an identifier or a cursor that it gave. Run `dsync sync --full`.",
    ),
    Fault.QUERY_REFUSED: (DSContractError, f"DS refuses dsync's query. {_UPGRADE}"),
}

REASONS: Mapping[Fault, str] = {
    Fault.TOKEN_MISSING: "missing",
    Fault.TOKEN_UNKNOWN: "unknown",
    Fault.TOKEN_EXPIRED: "expired",
    Fault.NETWORK: "network",
    Fault.OUT_OF_SCOPE: "scope",
}
"""`DSUnauthorizedError.reason`."""

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
"""Faults after which a mutation has surely not run."""


def error_of(
    fault: Fault,
    *,
    subject: str = "it",
    status: int = 0,
    cause: str = "no answer",
    url: str = "The address",
    limit: str = "allowed",
    **details: Any,
) -> DSError:
    """Return the error of a fault; its sentence holds no more than what is given here."""
    kind, sentence = ERRORS[fault]
    message = sentence.format(subject=subject, status=status, cause=cause, url=url, limit=limit)
    if fault in REASONS:
        return DSUnauthorizedError(message, REASONS[fault], fault=fault.value, **details)
    return kind(message, fault=fault.value, **details)


class Refusal(StrEnum):
    """Why a mutation's payload refuses."""

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
"""DS gives no code for these: its texts are all there is (asked for in French)."""

_APOSTROPHES = str.maketrans("’‘", "''")


def refusal_of(message: str) -> Refusal:
    """Return why a payload's error refuses."""
    text = message.translate(_APOSTROPHES).casefold()
    return next((kind for part, kind in REFUSAL_ROWS if part in text), Refusal.OTHER)
