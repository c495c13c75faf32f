"""Parsing and validation of query documents; the result is cached by the document's text."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    Source,
    get_introspection_query,
    get_operation_ast,
    validate,
)
from graphql.language import Visitor, visit
from graphql.language.parser import Parser

from dsync.sandbox.graphql.schema import schema

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


class RefusedError(Exception):
    """The request is invalid GraphQL: it is refused before execution."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class QueryDocument:
    """A valid document and what is derived from its text."""

    def __init__(self, text: str) -> None:
        try:
            parser = Parser(Source(text))
            self.ast = parser.parse_document()
        except GraphQLError as exc:
            raise RefusedError(exc) from exc
        self.tokens = parser.token_count
        errors = [e for e in validate(schema(), self.ast) if not _is_tolerated(e)]
        if errors:
            raise RefusedError(*errors)
        self.measures: dict[Any, tuple[int, int]] = {}
        """Complexity and depth by the variables on which they depend."""
        self.types_asked = _types_asked(self.ast)
        """Names of the types in fragments, used or not; None for a fragment without a type."""

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation of that name, or the only one; None when there is none."""
        return get_operation_ast(self.ast, name)


@lru_cache(maxsize=512)
def document(text: str) -> QueryDocument:
    """Return the document of that text.

    Raises:
        RefusedError: the text is no valid document.
    """
    return QueryDocument(text)


def stored_query(name: str) -> str | None:
    """Return the text of the stored query of that name, None when there is none."""
    if name == "introspection":
        return get_introspection_query(descriptions=True)
    if name != "ds-query-v2":
        return None
    return files("dsync.sandbox.graphql").joinpath("stored.graphql").read_text(encoding="utf-8")


def _types_asked(ast: DocumentNode) -> frozenset[str | None]:
    """Return the names of the types in a document's fragments."""
    types: set[str | None] = set()

    class Fragments(Visitor):
        def enter_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> None:
            types.add(node.type_condition.name.value if node.type_condition else None)

        def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
            types.add(node.type_condition.name.value)

    visit(ast, Fragments())
    return frozenset(types)


def _is_tolerated(error: GraphQLError) -> bool:
    """Return whether DS accepts it: fields of one response key and of different types."""
    message = error.message
    other = "are different fields" in message or "differing arguments" in message
    return "conflicting types" in message and not other


def as_refusal(error: GraphQLError) -> dict[str, Any]:
    """Return the entry of `errors` for a refusal: graphql-core's message with DS's code."""
    code = next((code for pattern, code in _CODES if re.match(pattern, error.message)), None)
    return {**error.formatted, **({"extensions": {"code": code}} if code else {})}
