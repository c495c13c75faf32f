"""The sandbox gives the same answers as DS's own application, conversation by conversation.

Each scenario starts from the recorded state, in the recorded order. An answer has the same status,
the same errors (message, code, place, path) and the same data, leaf by leaf; what depends on the
run (`MOVING`) is compared by its type alone. Of a request refused by GraphQL itself (HTTP 200,
errors without data) only the codes are compared: another library's words are others. What is
compared here has no test of its own.

The sandbox serves what dsync asks for. The other fields of a recorded document are blanked out,
and nothing is compared at their places. Conversations that are about something else are not
replayed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import recorded_world as world
import requests
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    parse,
)
from recorded_scenarios import ERRORS_DIFFER, MOVING, ONLY_SHAPE, SCENARIOS

from dsync.sandbox import execution as sdl
from tests.conftest import SHARED, shared

RECORDED = SHARED / "ds" / "recorded"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"no recorded conversations at {RECORDED} (set DSYNC_SHARED)"
)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_sandbox_answers_as_ds_did(scenario: str) -> None:
    """The sandbox gives each recorded answer of the scenario."""
    differences: list[str] = []
    with world.start() as sandbox, requests.Session() as session:
        for step in SCENARIOS[scenario]:
            if isinstance(step, str):
                differences += _replay(step, sandbox, session)
            else:
                step(sandbox)
    assert differences == []


def _replay(name: str, sandbox: Any, session: requests.Session) -> list[str]:
    recorded = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    request = json.loads(world.translate(json.dumps(recorded["request"])))
    response = json.loads(world.translate(json.dumps(recorded["response"])))
    unasked = _blank_what_is_not_served(request["body"])
    answer = session.post(
        sandbox.base_url + request["path"],
        data=_body(request["body"]),
        headers=_headers(request, sandbox),
        timeout=10,
    )
    found = [f"{name}: status {answer.status_code}"] * (answer.status_code != response["status"])
    for header, value in response["headers"]:
        if header.startswith("RateLimit"):
            shown = answer.headers.get(header)
            found += [f"{name}: no {header}"] * (
                shown is None or shown.isdigit() != value.isdigit()
            )
    if isinstance(response["body"], str):
        return found
    expected, given = response["body"], answer.json()
    if "errors" in expected and "data" not in expected:
        return found + [f"{name}: {given}"] * (not _is_refused_alike(expected, given))
    if name in ERRORS_DIFFER:
        codes = [body.pop("errors")[0]["extensions"]["code"] for body in (expected, given)]
        found += [f"{name}: codes {codes}"] * (codes[0] != codes[1])
    told = _differences(expected, given, (), name in ONLY_SHAPE, unasked)
    return found + [f"{name}: {difference}" for difference in told]


@cache
def _whole_schema() -> GraphQLSchema:
    return build_schema(shared("ds/schema.graphql"))


def _blank_what_is_not_served(body: Any) -> set[str]:
    """Replace the fields that DS has and the sandbox has not by spaces; return their keys."""
    text = body.get("query") if isinstance(body, dict) else None
    try:
        document = parse(text) if text else None
    except GraphQLError:
        return set()
    gone: list[FieldNode | InlineFragmentNode] = []
    for part in document.definitions if document else ():
        if isinstance(part, OperationDefinitionNode):
            _find_not_served(part.selection_set, part.operation.value.capitalize(), gone)
        elif isinstance(part, FragmentDefinitionNode):
            _find_not_served(part.selection_set, part.type_condition.name.value, gone)
    for node in gone:
        assert node.loc
        start, end = node.loc.start, node.loc.end
        body["query"] = text = text[:start] + " " * (end - start) + text[end:]
    return {(n.alias or n.name).value for n in gone if isinstance(n, FieldNode)}


def _find_not_served(
    selection: SelectionSetNode, type_name: str, gone: list[FieldNode | InlineFragmentNode]
) -> bool:
    """Add the parts that only DS has to the list, also what has no other part in it.

    Returns:
        Whether nothing is left of the selection.
    """
    schemas = _whole_schema(), sdl.schema()
    theirs, ours = (getattr(s.type_map.get(type_name), "fields", {}) for s in schemas)
    left = len(selection.selections)
    for node in selection.selections:
        if isinstance(node, FieldNode):
            name = node.name.value
            if name not in theirs:
                continue
            inner = get_named_type(theirs[name].type).name
            is_gone = bool(node.selection_set) and _find_not_served(node.selection_set, inner, gone)
            is_gone |= name not in ours
        elif isinstance(node, InlineFragmentNode):
            inner = node.type_condition.name.value if node.type_condition else type_name
            is_gone = _find_not_served(node.selection_set, inner, gone)
        else:
            continue
        if is_gone:
            gone.append(node)
            left -= 1
    return left == 0


def _is_refused_alike(expected: dict[str, Any], given: dict[str, Any]) -> bool:
    """Return whether a refusal has only errors, each with a message, and all recorded codes."""
    if given.keys() != expected.keys() or not all(error["message"] for error in given["errors"]):
        return False
    codes = [
        {error.get("extensions", {}).get("code") for error in body["errors"]}
        for body in (expected, given)
    ]
    return codes[0] <= codes[1]


def _headers(request: dict[str, Any], sandbox: Any) -> dict[str, str]:
    headers = dict(request["headers"])
    token = request["token"]
    secrets = {
        "write": sandbox.tokens.write,
        "readonly": sandbox.tokens.readonly,
        "expired": sandbox.tokens.expired,
        "othernet": sandbox.tokens.forbidden_network,
    }
    if token in secrets:
        headers["Authorization"] = f"Bearer {secrets[token]}"
    elif token and token.startswith("literal: "):
        headers["Authorization"] = _literal(token.removeprefix("literal: "), sandbox.tokens.write)
    return headers


def _literal(header: str, good: str) -> str:
    """Return a header in the recorded form: the recordings have only the start of valid tokens."""
    if header.startswith("Token token"):
        return f'Token token="{good}"'
    if header.startswith("Bearer  "):
        return f"Bearer  {good}"
    if re.match(r"[A-Za-z0-9]+…$", header):
        return good
    return header.replace("…", "").encode("ascii", "replace").decode()


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str) and (not body or body.startswith('{"query"')):
        return body.encode()
    return json.dumps(body).encode()


def _differences(
    expected: Any, found: Any, path: tuple[str | int, ...], shape_only: bool, unasked: set[str]
) -> Iterator[str]:
    where = ".".join(map(str, path)) or "body"
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() | found.keys():
            if key not in found and key in unasked:
                continue
            if key not in found or key not in expected:
                yield f"{where}.{key} is {'missing' if key not in found else 'not recorded'}"
            else:
                inner = (*path, key)
                yield from _differences(expected[key], found[key], inner, shape_only, unasked)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found) and (path[-1] == "rows" or not shape_only):
            yield f"{where} has {len(found)} entries instead of {len(expected)}"
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _differences(one, other, (*path, index), shape_only, unasked)
    elif shape_only or (path and path[-1] in MOVING and "errors" not in path[:1]):
        if type(expected) is not type(found):
            yield f"{where} is {found!r} instead of {expected!r}"
    elif path[-1:] == ("exception_id",):
        if not isinstance(found, str):
            yield f"{where} is {found!r}"
    elif expected != found:
        yield f"{where} is {found!r} instead of {expected!r}"
