"""Query documents: parsing, validation, and their size as DS measures it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import graphql
from graphql.execution.collect_fields import FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.language import Visitor, visit
from graphql.language.parser import Parser

from dsync.sandbox.graphql.served_schema import schema

# graphql-core's messages and DS's codes. A refusal that no recorded conversation has gets no code.
_CODES = (
    ("Cannot query field", "undefinedField"),
    ("Unknown type", "undefinedType"),
    ("Fragment .* is never used", "useAndDefineFragment"),
    ("Unknown argument|.* not to include unknown field", "argumentNotAccepted"),
    ("Argument .* is required, but it was not provided", "missingRequiredArguments"),
    ("Expected value .* to include required field", "missingRequiredInputObjectAttribute"),
    ("Fields .* conflict", "fieldConflict"),
    ("Expected value|Value .* does not exist|Could not coerce", "argumentLiteralsIncompatible"),
)
_PAGE = 100
"""Page size that DS assumes for a connection without `first`."""


class RefusedError(Exception):
    """The request is invalid GraphQL: it is refused before execution."""

    def __init__(self, *errors: graphql.GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of `errors`: graphql-core's messages with DS's codes."""
        found = [(e, [c for text, c in _CODES if re.match(text, e.message)]) for e in self.errors]
        return [{**e.formatted, **({"extensions": {"code": c[0]}} if c else {})} for e, c in found]


class QueryDocument:
    """A valid document and what is derived from its text."""

    def __init__(self, text: str) -> None:
        try:
            parser = Parser(graphql.Source(text))
            self.ast = parser.parse_document()
        except graphql.GraphQLError as exc:
            raise RefusedError(exc) from exc
        self.tokens = parser.token_count
        errors = [e for e in graphql.validate(schema(), self.ast) if not _is_tolerated(e)]
        if errors:
            raise RefusedError(*errors)
        types: set[str | None] = set()

        class Fragments(Visitor):
            def enter(self, node: Any, *_: Any) -> None:
                if hasattr(node, "type_condition"):
                    types.add(node.type_condition.name.value if node.type_condition else None)

        visit(self.ast, Fragments())
        self.types_asked = frozenset(types)
        """Names of the types in fragments, used or not; None for a fragment without a type."""
        definitions = [
            d for d in self.ast.definitions if isinstance(d, graphql.FragmentDefinitionNode)
        ]
        self._fragments = {d.name.value: FragmentDetails(d) for d in definitions}
        self._measures: dict[Any, tuple[int, int]] = {}

    def operation(self, name: str | None) -> graphql.OperationDefinitionNode | None:
        """Return the operation of that name, or the only one; None when there is none."""
        return graphql.get_operation_ast(self.ast, name)

    def measure(
        self, operation: graphql.OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> tuple[int, int]:
        """Return an operation's complexity and depth with its variables, as DS's library counts.

        A field counts 1; the nodes of a connection count as often as its page size. Of the types
        of an interface, the one with the highest complexity counts.
        """
        # Only page sizes and the conditions of directives change it: integers and booleans.
        sizes = tuple(
            (name, value)
            for name, value in variables.items()
            if isinstance(value, int) and not name.startswith("number")
        )
        if (operation, sizes) not in self._measures:
            root = schema().get_root_type(operation.operation)
            values = VariableValues({}, dict(variables))
            fields = collect_fields(schema(), self._fragments, values, root, operation)[0]  # type: ignore[arg-type]
            self._measures[operation, sizes] = self._size_of(root, fields, operation, values)
        return self._measures[operation, sizes]

    def _size_of(
        self,
        type_: Any,
        fields: Any,
        operation: graphql.OperationDefinitionNode,
        values: VariableValues,
    ) -> tuple[int, int]:
        """Return complexity and depth of the fields of a type."""

        def one(details: Any, parent: Any) -> tuple[int, int]:
            definition = schema().get_field(parent, details[0].node.name.value)
            named: Any = graphql.get_named_type(definition.type) if definition else None
            if named is None or graphql.is_leaf_type(named) or named.name.startswith("__"):
                return 1, 1
            concrete = (
                [named] if graphql.is_object_type(named) else schema().get_possible_types(named)
            )
            given = schema(), self._fragments, values, operation
            inside = [(kind, collect_subfields(*given, kind, details)[0]) for kind in concrete]
            each = [self._size_of(*fields, operation, values) for fields in inside if fields[1]]
            score = 1 + max((score for score, _ in each), default=0)
            if named.name.endswith("Connection") and "nodes" in inside[0][1]:
                nodes, _ = one(inside[0][1]["nodes"], named)
                score += (nodes - 1) * (_page_size(details[0].node, values.coerced) - 1)
            return score, 1 + max((depth for _, depth in each), default=0)

        each = [one(details, type_) for details in fields.values()]
        return sum(score for score, _ in each), max(depth for _, depth in each)


def _page_size(node: graphql.FieldNode, variables: Mapping[str, Any]) -> int:
    first = next((a.value for a in node.arguments or () if a.name.value == "first"), None)
    if isinstance(first, graphql.VariableNode):
        return variables.get(first.name.value) or _PAGE
    return int(first.value) or _PAGE if isinstance(first, graphql.IntValueNode) else _PAGE


document = lru_cache(maxsize=512)(QueryDocument)
"""Returns the document of a text; raises `RefusedError`, as `QueryDocument` does."""


def _is_tolerated(error: graphql.GraphQLError) -> bool:
    """Return whether DS accepts it: fields of one response key and of different types."""
    message = error.message
    other = "are different fields" in message or "differing arguments" in message
    return "conflicting types" in message and not other
