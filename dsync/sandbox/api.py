"""One request to the GraphQL endpoint, from its body and headers to its answer."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace
from email.message import Message
from http import HTTPStatus
from typing import Any

from graphql import FieldNode

from dsync.sandbox import faults as failing
from dsync.sandbox import stored
from dsync.sandbox.answers import Answer, InternalError, RefusedError, failure, internal_error
from dsync.sandbox.answers import refused as refuse
from dsync.sandbox.context import Context, Token
from dsync.sandbox.document import Document, document
from dsync.sandbox.executor import execute
from dsync.sandbox.faults import Fault, Faults
from dsync.sandbox.journal import Entry
from dsync.sandbox.junk import spoil
from dsync.sandbox.limits import QueryLimit, RateLimit
from dsync.sandbox.sdl import schema
from dsync.sandbox.tokens import Doorkeeper
from dsync.sandbox.variables import coerce_variables
from dsync.sandbox.world import World

PATH = "/api/v2/graphql"
_KEPT_REQUESTS = 50_000


@dataclass(slots=True)
class Request:
    """What a client sent."""

    headers: Message
    body: bytes
    base_url: str


@dataclass(slots=True)
class _Params:
    query: Any = None
    query_id: Any = None
    operation: str | None = None
    variables: Any = None


class Api:
    """The endpoint: limit, body, token, document, execution, faults, in the platform's order."""

    def __init__(self, world: World, doorkeeper: Doorkeeper, limit: RateLimit) -> None:
        self.world = world
        self.doorkeeper = doorkeeper
        self.limit = limit
        self.query_limit = QueryLimit()
        self.faults = Faults()
        self.journal: deque[Entry] = deque(maxlen=_KEPT_REQUESTS)
        self.under_maintenance = False

    def answer(self, request: Request) -> tuple[Answer | None, Fault | None]:
        """Answer a request; None when its connection is cut before anything is done."""
        with self.world.lock:
            authorization = request.headers.get("Authorization")
            token = self.doorkeeper.find(authorization)
            entry = Entry(self.world.clock.now(), token.name if token else None)
            entry.user_agent = request.headers.get("User-Agent")
            entry.accept_language = request.headers.get("Accept-Language")
            self.journal.append(entry)
            answer, fault = self._answer(request, authorization, token, entry)
            entry.status = answer.status if answer else 0
            entry.fault = fault.kind if fault else None
            return answer, fault

    def _answer(
        self, request: Request, authorization: str | None, token: Token | None, entry: Entry
    ) -> tuple[Answer | None, Fault | None]:
        now = self.world.clock.now()
        refusal = self.limit.refusal(authorization, now)
        if refusal is None and self.under_maintenance:
            refusal = failing.instead(Fault("maintenance"), now)
        if refusal:
            return refusal, None
        try:
            params = _params(request)
        except _BadBodyError as exc:
            return failure(400, exc.message, "bad_request"), None
        asked: Document | RefusedError | None
        try:
            asked = self._asked(params, entry)
        except RefusedError as exc:
            asked = exc
        fault = self.faults.next(entry.operation, entry.kind)
        if fault and fault.kind == "cut_before":
            return None, fault
        instead = failing.instead(fault, now) if fault else None
        if instead:
            return instead, fault
        refusal = self.doorkeeper.refusal(token, stored_query=params.query_id is not None)
        answer = refusal or self._run(request, params, asked, token, entry, fault)
        if self.world.junk and answer.status == HTTPStatus.OK:
            answer = replace(answer, body=spoil(answer.body, self.world.junk))
        return (failing.spoiled(fault, answer) if fault else answer), fault

    def _asked(self, params: _Params, entry: Entry) -> Document | None:
        """Find the document, and note in the log what it asks."""
        entry.operation = params.operation
        if isinstance(params.variables, dict):
            entry.variables = params.variables
        text = params.query
        if params.query_id is not None:
            text = stored.query(params.query_id)
        if not isinstance(text, str) or not text:
            return None
        asked = document(text)
        operation = asked.operation(params.operation)
        entry.kind = operation.operation.value
        entry.operation = operation.name.value if operation.name else None
        roots = operation.selection_set.selections
        entry.fields = [node.name.value for node in roots if isinstance(node, FieldNode)]
        return asked

    def _run(
        self,
        request: Request,
        params: _Params,
        asked: Document | RefusedError | None,
        token: Token | None,
        entry: Entry,
        fault: Fault | None,
    ) -> Answer:
        try:
            variables = _variables(params.variables)
        except _BadBodyError as exc:
            return failure(400, exc.message, exc.code)
        if params.query_id is not None and stored.query(params.query_id) is None:
            return internal_error()
        if asked is None:
            return refuse({"message": "No query string was present"})
        if isinstance(asked, RefusedError):
            return refuse(*asked.errors)
        language = request.headers.get("Accept-Language") or ""
        context = Context(
            self.world,
            token,
            language.lower().startswith("en"),
            request.base_url,
            asked.types_asked,
            asked.has_untyped_fragment,
            fault.reached if fault and fault.kind == "timeout" else None,
        )
        try:
            operation = asked.operation(params.operation)
            asked.check_depth(operation)
            values = coerce_variables(schema(), operation, variables)
            body = execute(asked, operation, values, context, self.query_limit)
        except RefusedError as exc:
            return refuse(*exc.errors)
        except InternalError:
            return internal_error()
        entry.nodes, entry.rendered = context.nodes, context.rendered
        return Answer(200, body)


class _BadBodyError(Exception):
    def __init__(self, message: str, code: str = "bad_request") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def _params(request: Request) -> _Params:
    """Read the body; only JSON that says so is read at all."""
    content_type = request.headers.get("Content-Type") or ""
    if not content_type.startswith("application/json") or not request.body.strip():
        return _Params()
    text = request.body.decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except ValueError as exc:
        told = f"unexpected token at '{text}'"
        raise _BadBodyError(told) from exc
    if not isinstance(body, dict):
        return _Params()
    return _Params(
        body.get("query"), body.get("queryId"), body.get("operationName"), body.get("variables")
    )


def _variables(given: Any) -> dict[str, Any]:
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as exc:
            told = f"unexpected token at '{given}'"
            raise _BadBodyError(told, "graphql_parse_failed") from exc
    if isinstance(given, dict):
        return given
    told = f"Unexpected parameter: {json.dumps(given)}"
    raise _BadBodyError(told)
