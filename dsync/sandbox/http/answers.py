"""Whole HTTP answers, those of the platform's failures included."""

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
    """A whole HTTP answer."""

    status: int
    body: bytes
    content_type: str | None = JSON
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: Any) -> bytes:
    """Serialise as the server does: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def failure(status: int, message: str, code: str, **extensions: Any) -> HttpAnswer:
    """Return an HTTP failure that carries one GraphQL error."""
    error = {"message": message, "extensions": {"code": code, **extensions}}
    return HttpAnswer(status, as_json({"errors": [error], "data": None}))


def internal_error() -> HttpAnswer:
    """Return the 500 of a fault in the server's own code."""
    ident = str(uuid.uuid4())
    return failure(500, "Internal Server Error", "internal_server_error", exception_id=ident)


def refused(*errors: dict[str, Any]) -> HttpAnswer:
    """Return what GraphQL itself refuses: HTTP 200, errors and no data."""
    return HttpAnswer(200, as_json({"errors": errors}))


def maintenance() -> HttpAnswer:
    """Return the 503 of a maintenance, which carries no GraphQL error."""
    told = "Le service est en maintenance, il sera de retour dans un court instant."
    return HttpAnswer(503, as_json({"error": told}))


def too_many(now: datetime) -> HttpAnswer:
    """Return the 429: plain text, no Retry-After, no Content-Type, the next minute's start."""
    reset = (int(now.timestamp()) // _MINUTE + 1) * _MINUTE
    headers = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(reset)))
    return HttpAnswer(429, _TOO_MANY.encode(), None, headers)
