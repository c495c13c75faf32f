"""Faults to come: what goes wrong, with which request, and what is answered then."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from dsync.sandbox.http import answers
from dsync.sandbox.http.access import unknown_token
from dsync.sandbox.http.answers import HttpAnswer, as_json, failure

Kind = Literal[
    "internal_error", "bad_gateway", "unavailable", "gateway_timeout", "maintenance", "html",
    "rate_limited", "token_expired", "token_unknown", "forbidden_network", "timeout", "data_null",
    "truncated", "empty", "replaced_json", "cut_before", "cut_inside", "cut_after", "answer_lost",
    "latency", "slow_body", "slow_headers", "endless_body", "gzip_bomb", "odd_headers",
]  # fmt: skip
"""What goes wrong. `cut_before` runs nothing, `answer_lost` runs everything and says nothing,
`cut_after` closes the connection under the next request, `endless_body` goes on after the answer,
`gzip_bomb` is small until it is decoded, `junk` puts `json` at `path` of the answer."""

BETAGOUV = "beta.gouv.fr"
"""As `ScriptedFault.operation`: only requests for the open data; no other fault fits them."""

_HTML = "<!DOCTYPE html><html><head><title>{told}</title></head><body><h1>{told}</h1></body></html>"
_PROXY = {
    "bad_gateway": (502, "502 Bad Gateway"),
    "unavailable": (503, "503 Service Temporarily Unavailable"),
    "gateway_timeout": (504, "504 Gateway Time-out"),
    "html": (200, "Maintenance en cours"),
}


@dataclass(slots=True)
class ScriptedFault:
    """One failure to come; it waits for the requests that it fits."""

    kind: Kind
    operation: str | None = None
    """Only requests of this operation; None: any."""
    only: Literal["query", "mutation"] | None = None
    after: int = 0
    """How many fitting requests go well before."""
    times: int | None = 1
    """How many requests fail; None: all, until cleared."""
    reached: int = 0
    """For `timeout`: how many nodes, or mutations, are answered."""
    latency_ms: int = 0
    bytes_per_s: int = 1000
    """For `slow_body` and `slow_headers`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What these headers say instead, whatever the kind."""
    path: Sequence[str | int] = ()
    """For `junk`: keys and indexes, from the answer's top."""
    json: str = "null"
    """For `junk`: JSON to the letter; it may be nested, large, or none at all."""

    def fits(self, operation: str | None, kind: str) -> bool:
        """Whether this request is one that the fault is about."""
        is_any = self.operation is None and operation != BETAGOUV
        return (is_any or self.operation == operation) and self.only in (None, kind)


class Faults:
    """The faults to come, in the order they were scripted."""

    def __init__(self) -> None:
        self.waiting: list[ScriptedFault] = []

    def next(self, operation: str | None, kind: str) -> ScriptedFault | None:
        """Return the fault of this request, and count it."""
        for fault in self.waiting:
            if not fault.fits(operation, kind):
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


def instead(fault: ScriptedFault, now: datetime) -> HttpAnswer | None:
    """Return what is answered without running the request, None when it runs all the same."""
    if fault.kind in _PROXY:
        status, told = _PROXY[fault.kind]
        return HttpAnswer(status, _HTML.format(told=told).encode(), "text/html; charset=utf-8")
    if fault.kind == "internal_error":
        return answers.internal_error()
    if fault.kind == "maintenance":
        return answers.maintenance()
    if fault.kind == "rate_limited":
        return answers.too_many(now)
    if fault.kind == "token_expired":
        return failure(401, "Token expired", "unauthorized")
    if fault.kind == "token_unknown":
        return unknown_token()
    if fault.kind == "forbidden_network":
        return failure(403, "Request issued from a forbidden network.", "forbidden")
    return None


def spoiled(fault: ScriptedFault, reply: HttpAnswer) -> HttpAnswer:
    """Return the answer of a request that ran, as the fault lets it out."""
    if fault.kind == "data_null":
        return replace(reply, body=as_json({"data": None}))
    if fault.kind == "truncated":
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    if fault.kind == "empty":
        return replace(reply, body=b"")
    if fault.kind == "replaced_json":
        return replace(
            reply, body=with_replaced_json(json.loads(reply.body), [(fault.path, fault.json)])
        )
    return reply


def with_replaced_json(answer: Any, parts: Iterable[tuple[Sequence[str | int], str]]) -> bytes:
    """Return an answer with other JSON at some of its paths; what is not there stays away."""
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
