"""HTTP answers, those of DS's failures, and the scripted faults that make requests fail."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from dsync.sandbox.resolvers import cursor_of

Kind = Literal[
    "internal_error", "bad_gateway", "maintenance", "html",
    "rate_limited", "token_expired", "token_unknown", "forbidden_network", "timeout", "data_null",
    "truncated", "empty", "replaced_json", "cut_before", "cut_inside", "cut_after", "answer_lost",
    "endless_list", "byte_order_mark", "latency", "slow_body", "slow_headers", "endless_body",
    "gzip_bomb", "odd_headers", "bent_dossiers",
]  # fmt: skip
"""How a request fails.

`cut_before` closes the connection before the request is executed, `answer_lost` after it is
executed, without an answer, `cut_inside` in the middle of the answer and `cut_after` after it.
`endless_body` sends spaces after the answer without end, `gzip_bomb` a small body that is 600 MB
once decoded. `endless_list` has the cursor of each list's last page lead back to its beginning,
`byte_order_mark` puts one before the JSON. `replaced_json` puts `json` at `path` of the answer.
`bent_dossiers` changes the dossiers of the answer, as `bend` says, and none of their dates.
"""

Bend = Literal[
    "no_champs", "champ_missing", "empty_rows", "deposited_in_2025", "one_siret", "no_legal_code",
    "neighbours_answers", "neighbours_dossiers", "all_refused",
]  # fmt: skip
"""What an answer makes of its dossiers."""

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
    bend: Bend = "no_champs"
    """For `bent_dossiers`."""


def next_fault(
    waiting: list[ScriptedFault], operation: str | None, kind: str, token: str | None = None
) -> ScriptedFault | None:
    """Return the first fault that applies to a request and count it; None when there is none.

    `waiting` is in the order in which they were added; a used up one is removed. The operation is a
    name or `BETAGOUV`, the kind query, mutation or get.
    """
    for fault in waiting:
        is_any = fault.operation is None and operation != BETAGOUV
        if not is_any and fault.operation != operation:
            continue
        if fault.only not in (None, kind) or fault.token not in (None, token):
            continue
        if fault.after > 0:
            fault.after -= 1
            continue
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                waiting.remove(fault)
        return fault
    return None


# --- what is answered -------------------------------------------------------------------------


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


def failed(kind: str, now: datetime) -> HttpAnswer | None:
    """Return the answer of a failure in place of the request's execution, None for other kinds."""
    if kind == "internal_error":
        ident = str(uuid.uuid4())
        message = "Internal Server Error"
        return failure(500, message, "internal_server_error", exception_id=ident)
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


def altered(fault: ScriptedFault, reply: HttpAnswer) -> HttpAnswer:
    """Return the answer to a request, changed by the fault."""
    body = reply.body
    match fault.kind:
        case "data_null":
            body = as_json({"data": None})
        case "truncated":
            body = body[: len(body) // 2]
        case "byte_order_mark":
            body = b"\xef\xbb\xbf" + body
        case "endless_list":
            body = as_json(_without_end(json.loads(body)))
        case "empty":
            body = b""
        case "bent_dossiers":
            body = as_json(_bent(json.loads(body), fault.bend))
        case "replaced_json":
            body = with_replaced_json(json.loads(body), [(fault.path, fault.json)])
    return replace(reply, body=body)


def _bent(answer: Any, how: Bend) -> Any:
    """Return an answer that tells something else of its dossiers with champs."""
    data = answer.get("data") or {}
    listed = ((data.get("demarche") or {}).get("dossiers") or {}).get("nodes") or []
    nodes = [one for one in (*listed, *data.values()) if isinstance(one, dict) and "champs" in one]
    champs, whole = [node["champs"] for node in nodes], [dict(node) for node in nodes]
    for place, node in enumerate(nodes):
        company = node.get("demandeur") or {}
        match how:
            case "no_champs":
                node["champs"] = []
            case "champ_missing":
                node["champs"] = champs[place][:1] + champs[place][2:]
            case "empty_rows":
                for champ in champs[place]:
                    if "rows" in champ:
                        champ["rows"] = []
            case "deposited_in_2025":
                node["dateDepot"] = f"2025{node['dateDepot'][4:]}"
            case "one_siret":
                company["siret"] = "13002526500013"
            case "no_legal_code":
                if company.get("entreprise"):
                    company["entreprise"]["formeJuridiqueCode"] = None
            case "neighbours_answers":
                node["champs"] = champs[place - 1]
            case "neighbours_dossiers":
                kept = {name: node[name] for name in ("id", "number")}
                node.update(whole[place - len(nodes) + 1] | kept)
            case "all_refused":
                node["state"] = "refuse"
    return answer


_round = count()


def _without_end(answer: Any) -> Any:
    """Return an answer whose lists say that more follow, and lead to their beginnings."""
    for connection in (answer.get("data") or {}).get("demarche", {}).values():
        if isinstance(connection, dict) and connection.get("nodes"):
            info = connection["pageInfo"]
            if not info["hasNextPage"]:
                # Another one each time.
                start = datetime(1970, 1, 1, tzinfo=UTC), next(_round)
                info |= {"hasNextPage": True, "endCursor": cursor_of(start)}
    return answer


def with_replaced_json(answer: Any, parts: Iterable[tuple[Sequence[str | int], str]]) -> bytes:
    """Return an answer as bytes, with other texts at some of its paths; the answer is changed.

    A path that the answer does not have is ignored.
    """
    top: list[Any] = [answer]
    texts: dict[bytes, bytes] = {}
    for rank, (path, text) in enumerate(parts):
        mark = f"@@replaced {rank}@@"
        texts[as_json(mark)] = text.encode("utf-8", "surrogateescape")
        parent: Any = top
        *above, last = 0, *path
        try:
            for key in above:
                parent = parent[key]
            _ = parent[last]  # A key that the answer does not have is not added.
            parent[last] = mark
        except (LookupError, TypeError):
            continue
    body = as_json(top[0])
    for marked, replacement in texts.items():
        body = body.replace(marked, replacement)
    return body
