"""HTTP answers of the API, and those of DS's failures."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_TOO_MANY = (
    "Trop de requêtes : patientez avant de réessayer.\n"
    "Too many requests: wait before you try again.\n"
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer: status, body and headers."""

    status: int
    body: bytes
    content_type: str | None = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: Any) -> bytes:
    """Serialise to JSON as DS does: no spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def failure(status: int, message: str, code: str, **extensions: Any) -> HttpAnswer:
    """Return an answer of that HTTP status with one GraphQL error, its code and `extensions`."""
    error = {"message": message, "extensions": {"code": code, **extensions}}
    return HttpAnswer(status, as_json({"errors": [error], "data": None}))


def internal_error() -> HttpAnswer:
    """Return the 500 answer of an internal error."""
    ident = str(uuid.uuid4())
    return failure(500, "Internal Server Error", "internal_server_error", exception_id=ident)


def refused(*errors: dict[str, Any]) -> HttpAnswer:
    """Return the answer to an invalid document: HTTP 200 with errors and without data."""
    return HttpAnswer(200, as_json({"errors": errors}))


def maintenance() -> HttpAnswer:
    """Return the 503 answer of a maintenance; it has no GraphQL error."""
    message = "Le service est en maintenance, il sera de retour dans un court instant."
    return HttpAnswer(503, as_json({"error": message}))


def expired_token() -> HttpAnswer:
    """Return the 401 answer to an expired token."""
    return failure(401, "Token expired", "unauthorized")


def unknown_token() -> HttpAnswer:
    """Return the 403 answer to a request without a known token."""
    return failure(403, "Without a token, only persisted queries are allowed", "forbidden")


def forbidden_network() -> HttpAnswer:
    """Return the 403 answer to a token that is not allowed from this network."""
    message = (
        "Request issued from a forbidden network. "
        "Add 127.0.0.1/32 to your allowed adresses in your /profil"
    )
    return failure(403, message, "forbidden")


def too_many(now: datetime) -> HttpAnswer:
    """Return the 429 answer: plain text without Content-Type, no Retry-After.

    `RateLimit-Reset` is the start of the next minute, in seconds since 1970.
    """
    reset = (int(now.timestamp()) // 60 + 1) * 60
    headers = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(reset)))
    return HttpAnswer(429, _TOO_MANY.encode(), None, headers)
