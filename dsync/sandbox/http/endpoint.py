"""The GraphQL endpoint: from a request's headers and body to its answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, deque
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from email.message import Message
from types import SimpleNamespace
from typing import Any

from graphql import FieldNode

from dsync.sandbox.graphql.call import Call, QueryLimit, ServerFailure, Token
from dsync.sandbox.graphql.documents import QueryDocument, RefusedError, document
from dsync.sandbox.graphql.execution import execute
from dsync.sandbox.http.answers import HttpAnswer, as_json, failed, failure, internal_error
from dsync.sandbox.http.faults import ScriptedFault, altered, next_fault, with_replaced_json
from dsync.sandbox.world.model import World

PATH = "/api/v2/graphql"
_KEPT_REQUESTS = 50_000
_SCHEME = re.compile(r"Bearer\s+([^\s]+)")


@dataclass(slots=True)
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
    user_agent: str | None = None

    @property
    def aliases(self) -> int:
        """Number of root fields of the document."""
        return len(self.fields)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry with its number of aliases, to be serialised."""
        return {**asdict(self), "aliases": self.aliases}


class AccessControl:
    """Authenticates requests and counts them against the rate limit."""

    def __init__(self, seed: int, demarches: list[int], per_minute: int | None) -> None:
        rights: dict[str, dict[str, Any]] = {
            "write": {},
            "readonly": {"can_write": False},
            "expired": {"expired": True},
            "other_demarche": {"demarches": frozenset(demarches[1:])},
            "forbidden_network": {"forbidden_network": True},
        }
        made = [(name, hashlib.sha256(f"dsync sandbox {seed} {name}".encode())) for name in rights]
        tokens = [Token(name, h.hexdigest()[:32], **rights[name]) for name, h in made]
        self._tokens = {token.secret: token for token in tokens}
        self.tokens = SimpleNamespace(**{token.name: token.secret for token in tokens})
        """The secrets by name; `other_demarche` may read every démarche but the main one."""
        self.per_minute = per_minute
        """Maximum number of requests for each `Authorization` header and minute; None: no limit."""
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def change(self, name: str, **changes: Any) -> None:
        """Change fields of the `Token` of that name.

        Raises:
            KeyError: there is no token of that name.
        """
        secret = vars(self.tokens)[name]
        self._tokens[secret] = replace(self._tokens[secret], **changes)

    def find(self, authorization: str | None) -> Token | None:
        """Return the token of an `Authorization` header, None when it is unknown or malformed."""
        match = _SCHEME.fullmatch(authorization or "")
        return self._tokens.get(match[1]) if match else None

    def exceeds(self, authorization: str | None, now: datetime) -> bool:
        """Count a request; return whether it exceeds the limit."""
        # DS counts by the header's text and by its own clock's minutes.
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        self._seen[authorization or ""] += 1
        return self.per_minute is not None and self._seen[authorization or ""] > self.per_minute


class Endpoint:
    """The endpoint; checks limit, body, token and document in DS's order."""

    def __init__(self, world: World, access: AccessControl) -> None:
        self.world = world
        self.access = access
        self.query_limit = QueryLimit()
        self.faults: list[ScriptedFault] = []
        self.journal: deque[Entry] = deque(maxlen=_KEPT_REQUESTS)

    def answer(
        self, headers: Message, body: bytes, base_url: str
    ) -> tuple[HttpAnswer | None, ScriptedFault | None]:
        """Answer a request.

        Args:
            headers: of the request.
            body: of the request.
            base_url: the server's address, for the addresses of files.

        Returns:
            The answer (None when the connection is to be closed without executing anything), and
            the scripted fault that applies to it.
        """
        with self.world.lock:
            token = self.access.find(headers.get("Authorization"))
            entry = Entry(self.world.now(), token.name if token else None)
            entry.user_agent = headers.get("User-Agent")
            self.journal.append(entry)
            reply, fault = self._answer(headers, body, base_url, token, entry)
            entry.status = reply.status if reply else 0
            entry.fault = fault.kind if fault else None
            return reply, fault

    def _answer(
        self, headers: Message, body: bytes, base_url: str, token: Token | None, entry: Entry
    ) -> tuple[HttpAnswer | None, ScriptedFault | None]:
        if self.access.exceeds(headers.get("Authorization"), entry.at):
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
                reply = internal_error()
        return (altered(fault, reply) if fault else reply), fault


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
