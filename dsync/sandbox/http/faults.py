"""Scripted faults: which requests fail, how, and what is answered instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from dsync.sandbox.http import answers
from dsync.sandbox.http.answers import HttpAnswer, as_json

Kind = Literal[
    "internal_error", "bad_gateway", "unavailable", "gateway_timeout", "maintenance", "html",
    "rate_limited", "token_expired", "token_unknown", "forbidden_network", "timeout", "data_null",
    "truncated", "empty", "replaced_json", "cut_before", "cut_inside", "cut_after", "answer_lost",
    "latency", "slow_body", "slow_headers", "endless_body", "gzip_bomb", "odd_headers",
]  # fmt: skip
"""How a request fails.

`cut_before` closes the connection before the request is executed, `answer_lost` after it is
executed, without an answer, `cut_inside` in the middle of the answer and `cut_after` after it.
`endless_body` sends spaces after the answer without end, `gzip_bomb` a small body that is 600 MB
once decoded. `replaced_json` puts `json` at `path` of the answer.
"""

BETAGOUV = "beta.gouv.fr"
"""`ScriptedFault.operation` for requests to the open data; no other fault applies to them."""


@dataclass(slots=True)
class ScriptedFault:
    """A failure of coming requests; applies to the next ones that match it."""

    kind: Kind
    operation: str | None = None
    """Name of the GraphQL operation; None: any."""
    only: Literal["query", "mutation"] | None = None
    token: str | None = None
    """Name of the token with which a request is sent; None: any."""
    after: int = 0
    """Number of matching requests that succeed first."""
    times: int | None = 1
    """Number of requests that fail; None: all until the faults are cleared."""
    reached: int = 0
    """For `timeout`: number of nodes or mutations that are answered."""
    latency_ms: int = 0
    bytes_per_s: int = 1000
    """For `slow_body` and `slow_headers`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that replace those of the answer, for any kind."""
    path: Sequence[str | int] = ()
    """For `replaced_json`: keys and indexes from the top of the answer."""
    json: str = "null"
    """For `replaced_json`: the text to send; it may be invalid JSON."""

    def fits(self, operation: str | None, kind: str, token: str | None) -> bool:
        """Return whether the fault applies to a request."""
        is_any = self.operation is None and operation != BETAGOUV
        is_asked = is_any or self.operation == operation
        return is_asked and self.only in (None, kind) and self.token in (None, token)


class Faults:
    """The scripted faults, in the order in which they were added."""

    def __init__(self) -> None:
        self.waiting: list[ScriptedFault] = []

    def next(
        self, operation: str | None, kind: str, token: str | None = None
    ) -> ScriptedFault | None:
        """Return the fault that applies to a request and count it; None when there is none."""
        for fault in self.waiting:
            if not fault.fits(operation, kind, token):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
            return fault
        return None


def _page(status: int, title: str) -> HttpAnswer:
    """Return the HTML page of a proxy."""
    head = f"<head><title>{title}</title></head><body><h1>{title}</h1></body>"
    body = f"<!DOCTYPE html><html>{head}</html>".encode()
    return HttpAnswer(status, body, "text/html; charset=utf-8")


_REPLACED: dict[str, Callable[[datetime], HttpAnswer]] = {
    "bad_gateway": lambda _: _page(502, "502 Bad Gateway"),
    "unavailable": lambda _: _page(503, "503 Service Temporarily Unavailable"),
    "gateway_timeout": lambda _: _page(504, "504 Gateway Time-out"),
    "html": lambda _: _page(200, "Maintenance en cours"),
    "internal_error": lambda _: answers.internal_error(),
    "maintenance": lambda _: answers.maintenance(),
    "rate_limited": answers.too_many,
    "token_expired": lambda _: answers.expired_token(),
    "token_unknown": lambda _: answers.unknown_token(),
    "forbidden_network": lambda _: answers.forbidden_network(),
}


def replacement(fault: ScriptedFault, now: datetime) -> HttpAnswer | None:
    """Return the answer that replaces the request's execution, None when it is executed."""
    return _REPLACED[fault.kind](now) if fault.kind in _REPLACED else None


def altered(fault: ScriptedFault, reply: HttpAnswer) -> HttpAnswer:
    """Return the answer to a request, changed by the fault."""
    body = reply.body
    match fault.kind:
        case "data_null":
            body = as_json({"data": None})
        case "truncated":
            body = body[: len(body) // 2]
        case "empty":
            body = b""
        case "replaced_json":
            body = with_replaced_json(json.loads(body), [(fault.path, fault.json)])
    return replace(reply, body=body)


def with_replaced_json(answer: Any, parts: Iterable[tuple[Sequence[str | int], str]]) -> bytes:
    """Return an answer as bytes, with other texts at some of its paths.

    Args:
        answer: the answer, which is changed.
        parts: path and text of each part; a path that the answer does not have is ignored.
    """
    texts: dict[bytes, bytes] = {}
    for rank, (path, text) in enumerate(parts):
        mark = f"@@replaced {rank}@@"
        texts[as_json(mark)] = text.encode("utf-8", "surrogateescape")
        if not path:
            answer = mark
        parent = _at(answer, path[:-1])
        if path and _has(parent, path[-1]):
            parent[path[-1]] = mark
    body = as_json(answer)
    for marked, text_of in texts.items():
        body = body.replace(marked, text_of)
    return body


def _at(answer: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        answer = answer[key] if _has(answer, key) else None
    return answer


def _has(parent: Any, key: str | int) -> bool:
    if isinstance(parent, list):
        return isinstance(key, int) and -len(parent) <= key < len(parent)
    return isinstance(parent, dict) and key in parent
