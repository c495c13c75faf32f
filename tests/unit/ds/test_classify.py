"""The tables that classify DS's answers, row by row."""

from __future__ import annotations

import pytest

from dsync.ds.classify import (
    NOT_EXECUTED,
    REFUSAL_ROWS,
    GraphError,
    Refusal,
    error_of,
    fault_of_error,
    fault_of_errors,
    fault_of_status,
    refusal_of,
)
from dsync.errors import (
    DSBadDataError,
    DSContractError,
    DSNotFoundError,
    DSRateLimitedError,
    DSTimeoutError,
    DSUnauthorizedError,
    DSUnavailableError,
    DSWrongAddressError,
)
from dsync.messages.kinds import Fault, Requested, Thing

FORBIDDEN = GraphError("forbidden", "Without a token, only persisted queries are allowed")
OTHER_NETWORK = GraphError(
    "forbidden", "Request issued from a forbidden network. Add 127.0.0.1/32 to …"
)
EXPIRED = GraphError("unauthorized", "Token expired")
COMPLEX = "Query has complexity of 60001, which exceeds max complexity of 60000"
LARGE = "This query is too large to execute."
INTERNAL = GraphError("internal_server_error", "Internal Server Error")


@pytest.mark.parametrize(
    ("status", "error", "fault"),
    [
        (429, None, Fault.RATE_LIMITED),
        (429, GraphError(None, "slow down"), Fault.RATE_LIMITED),
        (403, OTHER_NETWORK, Fault.NETWORK),
        (403, None, Fault.NETWORK),
        (403, FORBIDDEN, Fault.TOKEN_UNKNOWN),
        (401, EXPIRED, Fault.TOKEN_EXPIRED),
        (401, GraphError("unauthorized", "no"), Fault.TOKEN_UNKNOWN),
        (401, None, Fault.TOKEN_UNKNOWN),
        (500, INTERNAL, Fault.SERVER_ERROR),
        (503, None, Fault.MAINTENANCE),
        (500, None, Fault.GATEWAY),
        (502, None, Fault.GATEWAY),
        (504, None, Fault.GATEWAY),
        (301, None, Fault.MOVED),
        (302, None, Fault.MOVED),
        (404, None, Fault.WRONG_ADDRESS),
        (405, None, Fault.WRONG_ADDRESS),
        (408, None, Fault.GATEWAY),
        (400, GraphError("bad_request", "unexpected token"), Fault.QUERY_REFUSED),
        (400, GraphError("graphql_parse_failed", ""), Fault.QUERY_REFUSED),
        (413, None, Fault.TOO_LARGE),
        (400, GraphError(None, COMPLEX), Fault.TOO_LARGE),
        (422, GraphError(None, LARGE), Fault.TOO_LARGE),
        (422, None, Fault.WRONG_ADDRESS),
        (200, None, None),
        (200, FORBIDDEN, None),
    ],
)
def test_a_status_has_its_fault(status: int, error: GraphError | None, fault: Fault | None) -> None:
    assert fault == fault_of_status(status, error)


@pytest.mark.parametrize(
    ("error", "has_data", "fault"),
    [
        (GraphError("timeout", "Timeout on File.url"), True, Fault.TIMEOUT),
        (GraphError(None, "Timeout on Dossier.number"), True, Fault.TIMEOUT),
        (GraphError(None, COMPLEX), False, Fault.TOO_LARGE),
        (GraphError(None, LARGE), False, Fault.TOO_LARGE),
        (GraphError("forbidden", "no"), False, Fault.TOKEN_UNKNOWN),
        (GraphError("internal_server_error", "no"), False, Fault.SERVER_ERROR),
        (GraphError("invalid_null", "Cannot return null"), True, Fault.BAD_DATA),
        (GraphError("invalid_null", "Cannot return null"), False, Fault.BAD_DATA),
        (GraphError("unauthorized", "An object of type Demarche was hidden due to permissions"),
         False, Fault.OUT_OF_SCOPE),
        (GraphError("not_found", "Dossier not found"), False, Fault.NOT_FOUND),
        (GraphError(None, 'Invalid input: "garbage"'), False, Fault.INVALID_CURSOR),
        (GraphError("something_new", "?"), True, Fault.BAD_DATA),
        (GraphError("undefinedField", "Field 'x' doesn't exist"), False, Fault.QUERY_REFUSED),
        (GraphError(None, "Query has depth of 19"), False, Fault.QUERY_REFUSED),
        (GraphError("bad_request", "exclusive"), False, Fault.QUERY_REFUSED),
    ],
)  # fmt: skip
def test_an_entry_of_errors_has_its_fault(error: GraphError, has_data: bool, fault: Fault) -> None:
    assert fault == fault_of_error(error, has_data=has_data)


def test_the_most_severe_of_several_errors_is_the_answers() -> None:
    """A time-out among other errors leads to a smaller page, not to a quarantine."""
    errors = [
        GraphError("invalid_null", ""),
        GraphError(None, "Timeout on Dossier.state"),
        GraphError("not_found", ""),
    ]
    assert fault_of_errors(errors, has_data=True) is Fault.TIMEOUT
    assert fault_of_errors([], has_data=True) is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("text", GraphError(None, "")),
        ({}, GraphError(None, "")),
        ({"message": "m", "extensions": None, "path": "p"}, GraphError(None, "m")),
        ({"message": "m", "extensions": {"code": 3}}, GraphError(None, "m")),
        (
            {"message": "m", "extensions": {"code": "timeout"}, "path": ["a", 0]},
            GraphError("timeout", "m", ("a", 0), is_of_part=True),
        ),
    ],
)
def test_an_entry_of_any_form_is_read(entry: object, expected: GraphError) -> None:
    """An entry of an unexpected shape raises nothing."""
    found = GraphError.of(entry)
    assert (expected, expected.is_of_part) == (found, found.is_of_part)


ERRORS: list[tuple[Fault, type[Exception], str | None]] = [
    (Fault.UNREACHABLE, DSUnavailableError, None),
    (Fault.CONNECTION_LOST, DSUnavailableError, None),
    (Fault.DEADLINE, DSTimeoutError, None),
    (Fault.TOO_LONG, DSTimeoutError, None),
    (Fault.TOO_MANY, DSTimeoutError, None),
    (Fault.TOO_MANY_ERRORS, DSContractError, None),
    (Fault.TOO_MANY_NODES, DSContractError, None),
    (Fault.RATE_LIMITED, DSRateLimitedError, None),
    (Fault.TOKEN_MISSING, DSUnauthorizedError, "missing"),
    (Fault.TOKEN_UNKNOWN, DSUnauthorizedError, "unknown"),
    (Fault.TOKEN_EXPIRED, DSUnauthorizedError, "expired"),
    (Fault.NETWORK, DSUnauthorizedError, "network"),
    (Fault.OUT_OF_SCOPE, DSUnauthorizedError, "scope"),
    (Fault.NOT_FOUND, DSNotFoundError, None),
    (Fault.TIMEOUT, DSTimeoutError, None),
    (Fault.TOO_LARGE, DSTimeoutError, None),
    (Fault.BAD_DATA, DSBadDataError, None),
    (Fault.SERVER_ERROR, DSBadDataError, None),
    (Fault.MAINTENANCE, DSUnavailableError, None),
    (Fault.GATEWAY, DSUnavailableError, None),
    (Fault.NOT_GRAPHQL, DSUnavailableError, None),
    (Fault.NO_DATA, DSUnavailableError, None),
    (Fault.MOVED, DSWrongAddressError, None),
    (Fault.WRONG_ADDRESS, DSWrongAddressError, None),
    (Fault.INVALID_CURSOR, DSContractError, None),
    (Fault.QUERY_REFUSED, DSContractError, None),
]
"""The error of each fault, and its reason where the token is refused."""


@pytest.mark.parametrize(("fault", "kind", "reason"), ERRORS)
def test_a_fault_is_an_error_with_a_remedy(
    fault: Fault, kind: type[Exception], reason: str | None
) -> None:
    """Each fault has its class, its reason, and a sentence for the operator."""
    error = error_of(fault, Requested(Thing.DEMARCHE, 86321), status=502)
    assert type(error) is kind
    assert getattr(error, "reason", None) == reason
    assert error.details["fault"] == fault.value
    assert error.message.count(".") >= 2
    assert "{" not in error.message


def test_each_fault_has_an_error() -> None:
    """Each fault is in the table of errors; « not executed » is never « unknown »."""
    assert [*Fault] == sorted((fault for fault, *_ in ERRORS), key=[*Fault].index)
    assert {Fault.SERVER_ERROR, Fault.TIMEOUT, Fault.DEADLINE, Fault.CONNECTION_LOST}.isdisjoint(
        NOT_EXECUTED
    )


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("Le jeton utilisé est configuré seulement en lecture", Refusal.READ_ONLY),
        ("L’instructeur n’a pas les droits d’accès à ce dossier", Refusal.NO_RIGHT),
        ("Ce label est déjà associé au dossier", Refusal.ALREADY_SO),
        ("Ce label n’est pas associé au dossier", Refusal.ALREADY_SO),
        ("doit être dans les options proposées", Refusal.OPTION),
        ('L‘annotation "Q2hhbXAtNTQwNg==" n’existe pas', Refusal.ABSENT),
        ('L‘annotation "Q2hhbXAtNTMwNA==" n’est pas de type attendu', Refusal.TYPE),
        ("Ce label n’appartient pas à la même démarche que le dossier", Refusal.OTHER),
    ],
)
def test_a_payloads_message_is_classified(message: str, refusal: Refusal) -> None:
    """DS's known refusals are recognised with any kind of apostrophe."""
    assert refusal is refusal_of(message)
    assert refusal is Refusal.OTHER or refusal in {kind for _, kind in REFUSAL_ROWS}
