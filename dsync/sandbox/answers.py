"""What the server can answer instead of data: whole HTTP answers and single GraphQL errors."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from graphql import Node
from graphql.language import get_location

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    content_type: str | None = JSON
    headers: tuple[tuple[str, str], ...] = ()


def as_json(value: Any) -> bytes:
    """Serialise as the server does: compact, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def failure(status: int, message: str, code: str, **extensions: Any) -> Answer:
    """Return an HTTP failure that carries one GraphQL error."""
    error = {"message": message, "extensions": {"code": code, **extensions}}
    return Answer(status, as_json({"errors": [error], "data": None}))


def internal_error() -> Answer:
    """Return the 500 of a fault in the server's own code."""
    return failure(
        500, "Internal Server Error", "internal_server_error", exception_id=str(uuid.uuid4())
    )


def refused(*errors: dict[str, Any]) -> Answer:
    """Return what GraphQL itself refuses: HTTP 200, errors and no data."""
    return Answer(200, as_json({"errors": list(errors)}))


class InternalError(Exception):
    """The server's code breaks on this request: HTTP 500."""


class RefusedError(Exception):
    """GraphQL refuses the request before running it."""

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(eq=False)
class FieldError(Exception):
    """A field cannot be answered; the nearest nullable parent becomes null."""

    message: str
    code: str | None = None
    node: Node | None = None
    path: list[str | int] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the error in its wire form."""
        error: dict[str, Any] = {"message": self.message}
        if self.node is not None:
            error["locations"] = [location(self.node)]
        error["path"] = self.path
        if self.code:
            error["extensions"] = {"code": self.code}
        return error


def location(node: Node) -> dict[str, int]:
    """Return where a node starts in its document."""
    assert node.loc is not None  # noqa: S101 - documents are parsed with locations
    place = get_location(node.loc.source, node.loc.start)
    return {"line": place.line, "column": place.column}


def not_found(what: str) -> FieldError:
    """Return the error of something that is not there, or not to be seen."""
    return FieldError(f"{what} not found", "not_found")


def hidden(what: str) -> FieldError:
    """Return the error of something outside the token's scope."""
    return FieldError(f"An object of type {what} was hidden due to permissions", "unauthorized")


def invalid_input(text: str) -> FieldError:
    """Return the error of an identifier or a cursor that cannot be decoded."""
    return FieldError(f'Invalid input: "{text}"')
