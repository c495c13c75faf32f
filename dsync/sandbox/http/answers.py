"""HTTP answers of the API, and those of DS's failures."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer: status, body and headers."""

    status: int
    body: bytes
    content_type: str | None = "application/json; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


_ERRORS = {
    "token_expired": (401, "Token expired", "unauthorized"),
    "token_unknown": (403, "Without a token, only persisted queries are allowed", "forbidden"),
    "forbidden_network": (
        403,
        "Request issued from a forbidden network. "
        "Add 127.0.0.1/32 to your allowed adresses in your /profil",
        "forbidden",
    ),
}
_PAGES = {
    "bad_gateway": (502, "502 Bad Gateway"),
    "unavailable": (503, "503 Service Temporarily Unavailable"),
    "gateway_timeout": (504, "504 Gateway Time-out"),
    "html": (200, "Maintenance en cours"),
}
"""The HTML pages of a proxy: status and title."""
_MAINTENANCE = "Le service est en maintenance, il sera de retour dans un court instant."
_TOO_MANY = (
    "Trop de requêtes : patientez avant de réessayer.\n"
    "Too many requests: wait before you try again.\n"
)


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


def failed(kind: str, now: datetime) -> HttpAnswer | None:
    """Return the answer of a failure in place of the request's execution, None for other kinds."""
    if kind == "internal_error":
        return internal_error()
    if kind in _ERRORS:
        return failure(*_ERRORS[kind])
    if kind in _PAGES:
        status, title = _PAGES[kind]
        head = f"<head><title>{title}</title></head><body><h1>{title}</h1></body>"
        page = f"<!DOCTYPE html><html>{head}</html>".encode()
        return HttpAnswer(status, page, "text/html; charset=utf-8")
    if kind == "maintenance":  # It has no GraphQL error.
        return HttpAnswer(503, as_json({"error": _MAINTENANCE}))
    if kind == "rate_limited":  # Plain text without Content-Type, and no Retry-After.
        reset = (int(now.timestamp()) // 60 + 1) * 60
        headers = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(reset)))
        return HttpAnswer(429, _TOO_MANY.encode(), None, headers)
    return None
