"""Scripted failures: what goes wrong, and with which request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from dsync.sandbox.answers import Answer, as_json, failure, internal_error
from dsync.sandbox.junk import Junk, spoil
from dsync.sandbox.limits import too_many

Kind = Literal[
    "internal_error",
    "bad_gateway",
    "unavailable",
    "gateway_timeout",
    "maintenance",
    "rate_limited",
    "token_expired",
    "token_unknown",
    "forbidden_network",
    "html",
    "data_null",
    "truncated",
    "empty",
    "cut_before",
    "cut_inside",
    "cut_after",
    "answer_lost",
    "timeout",
    "slow_drip",
    "slow_headers",
    "endless_body",
    "gzip_bomb",
    "odd_headers",
    "latency",
    "junk",
]
"""What goes wrong. `cut_before` runs nothing, `answer_lost` runs everything and says nothing,
`cut_after` closes the connection under the next request. `slow_headers` sends them byte by byte,
`endless_body` goes on after the answer, `gzip_bomb` is small until it is decoded, `junk` puts
`json` at `path` of the answer."""

BETAGOUV = "beta.gouv.fr"
"""As `Fault.operation`: only requests for the open data; no other fault fits them."""

_HTML = "<!DOCTYPE html><html><head><title>{told}</title></head><body><h1>{told}</h1></body></html>"
_PROXY = {
    "bad_gateway": (502, "502 Bad Gateway"),
    "unavailable": (503, "503 Service Temporarily Unavailable"),
    "gateway_timeout": (504, "504 Gateway Time-out"),
    "html": (200, "Maintenance en cours"),
}
MAINTENANCE = "Le service est en maintenance, il sera de retour dans un court instant."


@dataclass(slots=True)
class Fault:
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
    """For `slow_drip` and `slow_headers`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What these headers say instead, whatever the kind."""
    path: Sequence[str | int] = ()
    """For `junk`: keys and indexes, from the answer's top."""
    json: str = "null"
    """For `junk`: what stands there, to the letter."""

    def fits(self, operation: str | None, kind: str) -> bool:
        """Whether this request is one that the fault is about."""
        is_any = self.operation is None and operation != BETAGOUV
        if not is_any and self.operation != operation:
            return False
        return self.only in (None, kind)


class Faults:
    """The failures to come, in the order they were scripted."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, faults: Iterable[Fault]) -> None:
        """Script further failures."""
        self._waiting.extend(faults)

    def clear(self) -> None:
        """Let everything go well again."""
        self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def next(self, operation: str | None, kind: str) -> Fault | None:
        """Return the failure of this request, and count it."""
        for fault in self._waiting:
            if not fault.fits(operation, kind):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
            return fault
        return None


def instead(fault: Fault, now: datetime) -> Answer | None:
    """Return what is answered without running the request, None when it runs all the same."""
    if fault.kind in _PROXY:
        status, told = _PROXY[fault.kind]
        return Answer(status, _HTML.format(told=told).encode(), "text/html; charset=utf-8")
    if fault.kind == "internal_error":
        return internal_error()
    if fault.kind == "maintenance":
        return Answer(503, as_json({"error": MAINTENANCE}))
    if fault.kind == "rate_limited":
        return too_many(now)
    if fault.kind == "token_expired":
        return failure(401, "Token expired", "unauthorized")
    if fault.kind == "token_unknown":
        return failure(403, "Without a token, only persisted queries are allowed", "forbidden")
    if fault.kind == "forbidden_network":
        return failure(403, "Request issued from a forbidden network.", "forbidden")
    return None


def spoiled(fault: Fault, answer: Answer) -> Answer:
    """Return the answer of a request that ran, as the fault lets it out."""
    if fault.kind == "data_null":
        return Answer(200, as_json({"data": None}))
    if fault.kind == "truncated":
        return Answer(answer.status, answer.body[: len(answer.body) // 2])
    if fault.kind == "empty":
        return Answer(answer.status, b"")
    if fault.kind == "junk":
        return replace(answer, body=spoil(answer.body, [Junk(tuple(fault.path), fault.json)]))
    return answer
