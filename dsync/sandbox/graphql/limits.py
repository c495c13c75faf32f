"""Complexity, depth and number of tokens of a query; DS limits them since July 2026."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    IntValueNode,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

MAX_DEPTH = 15
_PAGE = 100
"""Page size that DS assumes for a connection without `first` and `last`."""


@dataclass(slots=True)
class QueryLimit:
    """Maximum complexity and number of tokens of a query; 0: no limit."""

    complexity: int = 60_000
    tokens: int = 20_000


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> tuple[int, int]:
    """Return an operation's complexity and depth, counted as DS's library counts them.

    A field counts 1; the nodes of a connection count as often as its page size. Of the types of an
    interface, the one with the highest complexity counts.

    Args:
        schema: the API's schema.
        document: the document with its fragments.
        operation: the operation to measure.
        variables: coerced values of its variables.
    """
    definitions = [d for d in document.definitions if isinstance(d, FragmentDefinitionNode)]
    fragments = {d.name.value: FragmentDetails(d) for d in definitions}
    values = VariableValues({}, dict(variables))

    def all_of(type_: Any, fields: Any) -> tuple[int, int]:
        each = [one(type_, details) for details in fields.values()]
        return sum(score for score, _ in each), max(depth for _, depth in each)

    def one(parent: Any, details: Any) -> tuple[int, int]:
        node: FieldNode = details[0].node
        definition = schema.get_field(parent, node.name.value)
        named: Any = get_named_type(definition.type) if definition else None
        if named is None or is_leaf_type(named) or named.name.startswith("__"):
            return 1, 1
        concrete = [named] if is_object_type(named) else schema.get_possible_types(named)
        below = [
            (type_, collect_subfields(schema, fragments, values, operation, type_, details)[0])
            for type_ in concrete
        ]
        each = [all_of(type_, fields) for type_, fields in below if fields]
        score = 1 + max((inside for inside, _ in each), default=0)
        connection, fields = below[0]
        if named.name.endswith("Connection") and "nodes" in fields:
            score += (one(connection, fields["nodes"])[0] - 1) * (_size(node, variables) - 1)
        return score, 1 + max((depth for _, depth in each), default=0)

    root = schema.get_root_type(operation.operation)
    return all_of(root, collect_fields(schema, fragments, values, root, operation)[0])  # type: ignore[arg-type]


def _size(node: FieldNode, variables: Mapping[str, Any]) -> int:
    for argument in node.arguments or ():
        value = argument.value
        if argument.name.value not in ("first", "last"):
            continue
        if isinstance(value, VariableNode):
            return variables.get(value.name.value) or _PAGE
        if isinstance(value, IntValueNode):
            return int(value.value) or _PAGE
    return _PAGE
