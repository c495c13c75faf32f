"""Finds one answer key asked twice with another field or other arguments.

Unlike the specification's rule, types are not compared: the platform does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    print_ast,
)

from dsync.sandbox.answers import location

Fragments = dict[str, FragmentDefinitionNode]
_Set = tuple[str | None, SelectionSetNode]
_Found = tuple[str | None, FieldNode]


def conflicts(operations: list[OperationDefinitionNode], fragments: Fragments) -> list[Any]:
    """Return an error for each pair of fields that cannot share their key."""
    found: list[Any] = []
    for operation in operations:
        found.extend(_in_set([(None, operation.selection_set)], fragments))
    return found


def _in_set(sets: list[_Set], fragments: Fragments) -> Iterator[dict[str, Any]]:
    by_key: dict[str, list[_Found]] = defaultdict(list)
    for condition, selections in sets:
        for under, node in _fields(selections, condition, fragments):
            key = node.alias.value if node.alias else node.name.value
            by_key[key].append((under, node))
    for key, fields in by_key.items():
        first_under, first = fields[0]
        for under, other in fields[1:]:
            if under == first_under or None in (under, first_under):
                yield from _compare(key, first, other)
        inner: list[_Set] = [
            (None, node.selection_set)
            for under, node in fields
            if node.selection_set and under == first_under
        ]
        if inner:
            yield from _in_set(inner, fragments)


def _fields(
    selections: SelectionSetNode, condition: str | None, fragments: Fragments
) -> Iterator[_Found]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield condition, node
        elif isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            named = fragment.type_condition.name.value
            yield from _fields(fragment.selection_set, named, fragments)
        elif isinstance(node, InlineFragmentNode):
            type_ = node.type_condition.name.value if node.type_condition else condition
            yield from _fields(node.selection_set, type_, fragments)


def _compare(key: str, one: FieldNode, other: FieldNode) -> Iterator[dict[str, Any]]:
    names = one.name.value, other.name.value
    if names[0] != names[1]:
        yield _error(key, one, other, "a field", names[0], names[1])
    arguments = _arguments(one), _arguments(other)
    if arguments[0] != arguments[1]:
        yield _error(key, one, other, "an argument", arguments[0], arguments[1])


def _arguments(node: FieldNode) -> str:
    parts = [
        f"{a.name.value}:{_quoted(print_ast(a.value))}"
        for a in sorted(node.arguments or (), key=lambda a: a.name.value)
    ]
    return "{" + ",".join(parts) + "}"


def _quoted(text: str) -> str:
    compact = text.replace("{ ", "{").replace(" }", "}")
    return '"' + compact.replace('"', '\\"') + '"'


def _error(key: str, one: FieldNode, other: FieldNode, what: str, *sides: str) -> dict[str, Any]:
    told = " or ".join(sides)
    return {
        "message": f"Field '{key}' has {what} conflict: {told}?",
        "locations": [location(one), location(other)],
        "path": [],
        "extensions": {"code": "fieldConflict", "fieldName": key, "conflicts": told},
    }
