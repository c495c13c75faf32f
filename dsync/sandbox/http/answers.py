"""HTTP answers of the API, and those of DS's failures."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

JSON = "application/json; charset=utf-8"
_MINUTE = 60
_TOO_MANY = (
    "Trop de requêtes : patientez avant de réessayer.\n"
    "Too many requests: wait before you try again.\n"
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer: status, body and headers."""

    status: int
    body: bytes
    content_type: str | None = JSON
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: Any) -> bytes:
    """Serialise to JSON as DS does: no spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def failure(status: int, message: str, code: str, **extensions: Any) -> HttpAnswer:
    """Return an answer with one GraphQL error.

    Args:
        status: HTTP status.
        message: of the error.
        code: its `extensions.code`.
        extensions: further keys of `extensions`.
    """
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


def too_many(now: datetime) -> HttpAnswer:
    """Return the 429 answer: plain text without Content-Type, no Retry-After.

    `RateLimit-Reset` is the start of the next minute, in seconds since 1970.
    """
    reset = (int(now.timestamp()) // _MINUTE + 1) * _MINUTE
    headers = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(reset)))
    return HttpAnswer(429, _TOO_MANY.encode(), None, headers)
