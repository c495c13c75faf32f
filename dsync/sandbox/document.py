"""A query document: parsed, judged and kept by its text, so that a crawl pays for it once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    VariableNode,
    specified_rules,
    validate,
)
from graphql.language import Visitor, visit
from graphql.language.parser import Parser
from graphql.validation import (
    KnownArgumentNamesRule,
    OverlappingFieldsCanBeMergedRule,
    ProvidedRequiredArgumentsRule,
    ValuesOfCorrectTypeRule,
)

from dsync.sandbox.answers import RefusedError
from dsync.sandbox.conflicts import conflicts
from dsync.sandbox.literals import ArgumentsRule
from dsync.sandbox.refusals import refusal, syntax_refusal
from dsync.sandbox.sdl import schema

MAX_DEPTH = 15
# The platform merges fields of different types, which the specification forbids; what is wrong
# with arguments is told by a rule of our own, in the platform's words.
_LEFT_OUT = {
    OverlappingFieldsCanBeMergedRule,
    KnownArgumentNamesRule,
    ProvidedRequiredArgumentsRule,
    ValuesOfCorrectTypeRule,
}
RULES = [*(rule for rule in specified_rules if rule not in _LEFT_OUT), ArgumentsRule]


class Document:
    """A valid document and what the server derives from its text alone."""

    def __init__(self, text: str) -> None:
        try:
            parser = Parser(Source(text))
            self.ast = parser.parse_document()
        except GraphQLSyntaxError as exc:
            raise RefusedError(syntax_refusal(exc)) from exc
        self.tokens = parser.token_count
        errors = validate(schema(), self.ast, RULES)
        if errors:
            raise RefusedError(*(refusal(error, self.ast) for error in errors))
        self.fragments = {
            node.name.value: node
            for node in self.ast.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self.operations = [
            node for node in self.ast.definitions if isinstance(node, OperationDefinitionNode)
        ]
        clashes = conflicts(self.operations, self.fragments)
        if clashes:
            raise RefusedError(*clashes)
        self.types_asked, self.has_untyped_fragment = _fragment_types(self.ast)
        self.selections: dict[Any, Any] = {}
        """Selections compiled by the executor, by what they depend on."""
        self._used: dict[int, frozenset[str]] = {}

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Choose the operation to run.

        Raises:
            RefusedError: when the name is missing, or names none.
        """
        if not name:
            if len(self.operations) != 1:
                raise RefusedError({"message": "An operation name is required"})
            return self.operations[0]
        for operation in self.operations:
            if operation.name and operation.name.value == name:
                return operation
        raise RefusedError({"message": f'No operation named "{name}"'})

    def check_depth(self, operation: OperationDefinitionNode) -> None:
        """Refuse an operation that goes too deep.

        Raises:
            RefusedError: beyond fifteen levels.
        """
        depth = self._depth(operation.selection_set)
        if depth > MAX_DEPTH:
            told = f"Query has depth of {depth}, which exceeds max depth of {MAX_DEPTH}"
            raise RefusedError({"message": told})

    def variables_in(self, selections: SelectionSetNode) -> frozenset[str]:
        """Return the variables that a selection depends on, through its fragments."""
        if id(selections) not in self._used:
            self._used[id(selections)] = frozenset(self._variables(selections))
        return self._used[id(selections)]

    def _depth(self, selections: SelectionSetNode | None) -> int:
        depths = [0]
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                inside = node.name.value.startswith("__")
                depths.append(1 if inside else 1 + self._depth(node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                depths.append(self._depth(self.fragments[node.name.value].selection_set))
            elif isinstance(node, InlineFragmentNode):
                depths.append(self._depth(node.selection_set))
        return max(depths)

    def _variables(self, root: Node) -> Iterator[str]:
        names: list[str] = []
        spreads: list[str] = []

        class Collect(Visitor):
            def enter_variable(self, node: VariableNode, *_: Any) -> None:
                names.append(node.name.value)

            def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
                spreads.append(node.name.value)

        visit(root, Collect())
        yield from names
        for name in spreads:
            yield from self.variables_in(self.fragments[name].selection_set)


def _fragment_types(ast: Node) -> tuple[frozenset[str], bool]:
    """Return the types that fragments name, taken or not, and whether one names none."""
    names: set[str | None] = set()

    class Collect(Visitor):
        def enter_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> None:
            names.add(node.type_condition.name.value if node.type_condition else None)

        def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
            names.add(node.type_condition.name.value)

    visit(ast, Collect())
    return frozenset(name for name in names if name), None in names


@lru_cache(maxsize=512)
def _kept(text: str) -> Document | RefusedError:
    try:
        return Document(text)
    except RefusedError as exc:
        return exc


def document(text: str) -> Document:
    """Return the document of that text, judged once.

    Raises:
        RefusedError: when it is not valid.
    """
    found = _kept(text)
    if isinstance(found, RefusedError):
        raise RefusedError(*found.errors)
    return found
