"""Turns what the validator says into the words and codes of the platform's own library."""

from __future__ import annotations

import re
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
)
from graphql.language import BREAK, Visitor, visit

from dsync.sandbox.answers import location

Error = dict[str, Any]

_NAMED_IN_PATH = ("argumentLiteralsIncompatible", "missingRequiredInputObjectAttribute")
# What the validator says -> code, message, and the names of the groups as extensions.
_KNOWN = [
    (
        r"Cannot query field '(?P<fieldName>\w+)' on type '(?P<typeName>\w+)'",
        "undefinedField",
        "Field '{fieldName}' doesn't exist on type '{typeName}'",
    ),
    (
        r"Unknown type '(?P<typeName>\w+)'",
        "undefinedType",
        "No such type {typeName}, so it can't be a fragment condition",
    ),
    (
        r"Fragment '(?P<fragmentName>\w+)' is never used",
        "useAndDefineFragment",
        "Fragment {fragmentName} was defined, but not used",
    ),
]


def syntax_refusal(error: GraphQLError) -> Error:
    """Return a syntax error; only its place is the platform's."""
    place = (error.locations or [])[0]
    return {
        "message": f"{error.message} at [{place.line}, {place.column}]",
        "locations": [{"line": place.line, "column": place.column}],
    }


def refusal(error: GraphQLError, ast: DocumentNode) -> Error:
    """Return a validation error; one that no recording shows keeps its message, without a code."""
    node = (error.nodes or [])[0]
    trail = _trail(ast, node)
    message, extensions = error.message, error.extensions
    for pattern, code, told in _KNOWN:
        match = re.match(pattern, error.message)
        if match:
            message = told.format(**match.groupdict())
            extensions = {"code": code, **match.groupdict()}
    if extensions and extensions.get("code") == "undefinedType":
        trail = trail[:-1]  # the platform points at the fragment, not at the name in it
    refused: Error = {"message": message, "locations": [location(trail[-1])], "path": _path(trail)}
    if extensions:
        if extensions["code"] in _NAMED_IN_PATH:
            refused["path"] = [*refused["path"], extensions["argumentName"]]
        refused["extensions"] = extensions
    return refused


def _trail(ast: DocumentNode, target: Node) -> list[Node]:
    """Return the nodes from the definition down to the target."""
    found: list[Node] = []

    class Find(Visitor):
        def enter(self, node: Node, _key: Any, parent: Any, _path: Any, ancestors: Any) -> Any:
            if node is not target:
                return None
            above = [*ancestors, parent]
            found.extend(a for a in above if isinstance(a, Node) and a is not ast)
            found.append(node)
            return BREAK

    visit(ast, Find())
    return found or [target]


def _path(trail: list[Node]) -> list[str | int]:
    path: list[str | int] = []
    above: Node | None = None
    for node in trail:
        if isinstance(above, ListValueNode):
            path.append(next(i for i, item in enumerate(above.values) if item is node))
        path.extend(_step(node))
        above = node
    return path


def _step(node: Node) -> list[str]:
    if isinstance(node, OperationDefinitionNode):
        return [node.operation.value + (f" {node.name.value}" if node.name else "")]
    if isinstance(node, FragmentDefinitionNode):
        return [f"fragment {node.name.value}"]
    if isinstance(node, InlineFragmentNode):
        return [f"... on {node.type_condition.name.value}" if node.type_condition else "..."]
    if isinstance(node, FieldNode):
        return [node.alias.value if node.alias else node.name.value]
    if isinstance(node, ArgumentNode | ObjectFieldNode):
        return [node.name.value]
    return []
