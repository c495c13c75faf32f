"""What is served: the GraphQL endpoint, and the open data of beta.gouv.fr."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from functools import cache, partial
from typing import Any

from graphql import FieldNode

from dsync.sandbox.call import Call, QueryLimit, ServerFailure, Token
from dsync.sandbox.content import products
from dsync.sandbox.execution import QueryDocument, RefusedError, document, execute
from dsync.sandbox.faults import (
    HttpAnswer,
    ScriptedFault,
    altered,
    as_json,
    failed,
    failure,
    next_fault,
    with_replaced_json,
)
from dsync.sandbox.model import World

PATH = "/api/v2/graphql"
_KEPT_REQUESTS = 50_000


@dataclass
class Entry:
    """One request in the log of requests, which tests read."""

    at: datetime
    token: str | None
    operation: str | None = None
    kind: str = "query"
    variables: dict[str, Any] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    """Names of the root fields, one for each alias."""
    status: int = 0
    fault: str | None = None

    @property
    def aliases(self) -> int:
        """Number of root fields of the document."""
        return len(self.fields)


class Endpoint:
    """The endpoint; checks limit, body, token and document in DS's order.

    The same seed gives the same tokens. `per_minute` is the maximum number of requests for each
    `Authorization` header; None: no limit.
    """

    def __init__(self, world: World, seed: int, per_minute: int | None) -> None:
        self.world, self.per_minute = world, per_minute
        others = frozenset([*world.demarches][1:])
        rights: dict[str, dict[str, Any]] = {
            "write": {},
            "readonly": {"can_write": False},
            "expired": {"expired": True},
            "other_demarche": {"demarches": others},
            "forbidden_network": {"forbidden_network": True},
        }
        made = {name: hashlib.sha256(f"dsync sandbox {seed} {name}".encode()) for name in rights}
        self.tokens = {
            name: Token(name, digest.hexdigest()[:32], **rights[name])
            for name, digest in made.items()
        }
        self.query_limit = QueryLimit()
        self.faults: list[ScriptedFault] = []
        self.journal: deque[Entry] = deque(maxlen=_KEPT_REQUESTS)
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def answer(
        self, headers: Message, body: bytes, base_url: str
    ) -> tuple[HttpAnswer | None, ScriptedFault | None]:
        """Answer a request; None: the connection is to be closed without executing anything.

        Return also the scripted fault that applies to it. Addresses of files begin with `base_url`.
        """
        with self.world.lock:
            authorization = headers.get("Authorization") or ""
            scheme, _, secret = authorization.partition(" ")
            sent = scheme, secret.strip()
            token = next((t for t in self.tokens.values() if sent == ("Bearer", t.secret)), None)
            entry = Entry(self.world.now(), token.name if token else None)
            self.journal.append(entry)
            reply, fault = self._answer(authorization, body, base_url, token, entry)
            entry.status = reply.status if reply else 0
            entry.fault = fault.kind if fault else None
            return reply, fault

    def _answer(
        self, authorization: str, body: bytes, base_url: str, token: Token | None, entry: Entry
    ) -> tuple[HttpAnswer | None, ScriptedFault | None]:
        if self._exceeds(authorization, entry.at):
            return failed("rate_limited", entry.at), None
        try:
            given = json.loads(text := body.decode("utf-8", "replace"))
        except ValueError:
            return failure(400, f"unexpected token at '{text}'", "bad_request"), None
        params = given if isinstance(given, dict) else {}
        asked = _asked(params, entry)
        # After parsing, because a fault can apply to one operation only.
        fault = next_fault(self.faults, entry.operation, entry.kind, entry.token)
        if fault and fault.kind == "cut_before":
            return None, fault
        kinds = [fault.kind if fault else "", _refusal(token)]
        reply = next((answer for kind in kinds if (answer := failed(kind, entry.at))), None)
        if reply is None:
            reached = fault.reached if fault and fault.kind == "timeout" else None
            call = Call(self.world, token, base_url, self.query_limit, reached)
            try:
                reply = HttpAnswer(200, _run(params, asked, call))
            except ServerFailure:
                return failed("internal_error", entry.at), fault
        return (altered(fault, reply) if fault else reply), fault

    def _exceeds(self, authorization: str, now: datetime) -> bool:
        """Count a request; return whether it exceeds the limit."""
        # DS counts by the header's text and by its own clock's minutes.
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        self._seen[authorization] += 1
        return self.per_minute is not None and self._seen[authorization] > self.per_minute


def _refusal(token: Token | None) -> str:
    """Return why a token is refused, "" when it is not."""
    if token is None:
        return "token_unknown"
    return "token_expired" if token.expired else "forbidden_network" * token.forbidden_network


def _run(params: dict[str, Any], asked: QueryDocument | RefusedError | None, call: Call) -> bytes:
    if asked is None:
        return as_json({"errors": [{"message": "No query string was present"}]})
    try:
        if isinstance(asked, RefusedError):
            raise asked
        variables = params.get("variables") or {}
        body = execute(asked, params.get("operationName"), variables, call)
    except RefusedError as refusal:
        return as_json({"errors": refusal.entries()})
    return with_replaced_json(body, call.replaced_json())


def _asked(params: dict[str, Any], entry: Entry) -> QueryDocument | RefusedError | None:
    """Return the request's document, and write its operation and fields into the log entry."""
    entry.operation, text = params.get("operationName"), params.get("query")
    entry.variables = params.get("variables") or {}
    if not isinstance(text, str) or not text:
        return None
    try:
        asked = document(text)
    except RefusedError as refusal:
        return refusal
    operation = asked.operation(params.get("operationName"))
    if operation is not None:
        entry.kind = operation.operation.value
        entry.operation = operation.name.value if operation.name else None
        roots = operation.selection_set.selections
        entry.fields = [node.name.value for node in roots if isinstance(node, FieldNode)]
    return asked


_MADE: dict[str, Callable[[int], Any]] = {
    "/api/v2.6/startups.json": products.startups,
    "/api/v2.7/startups.json": partial(products.startups, version="v2.7"),
    "/redirects.json": products.redirects,
}


@cache
def _generated(path: str, seed: int) -> bytes:
    return as_json(_MADE[path](seed))


class OpenData:
    """The documents of the catalogue; each is generated at its first request."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._bodies: dict[str, bytes] = {}
        self.unavailable = False

    def replace(self, path: str, content: Any) -> None:
        """Replace the document at a path; bytes are given as they are."""
        self._bodies[path] = content if isinstance(content, bytes) else as_json(content)

    def show_page(self, path: str) -> None:
        """Have a web page come instead of the document at a path, with status 200."""
        self._bodies[path] = b"<!DOCTYPE html><html><body>Maintenance en cours</body></html>"

    def answer(self, path: str) -> HttpAnswer:
        """Answer a GET."""
        if self.unavailable:
            return HttpAnswer(503, b"", "text/html")
        if path in self._bodies:
            return HttpAnswer(200, self._bodies[path])
        if path in _MADE:
            return HttpAnswer(200, _generated(path, self._seed))
        return HttpAnswer(404, b"", "text/html")
