"""Selections compiled into calls: which fields of which type, resolved how, completed how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
)

from dsync.sandbox import literals
from dsync.sandbox.answers import FieldError
from dsync.sandbox.document import Document
from dsync.sandbox.resolving import resolver, typename_of
from dsync.sandbox.sdl import schema

if TYPE_CHECKING:
    from dsync.sandbox.context import Context

Complete: TypeAlias = Callable[[Any, "Context"], Any]
_LEAVES = GraphQLScalarType | GraphQLEnumType


@dataclass(slots=True, eq=False)
class Field:
    """One field to answer, on one concrete type."""

    key: str
    node: FieldNode
    parent: str
    non_null: bool
    resolve: Callable[[Any, Context], Any]
    complete: Complete | None
    """None for a leaf: what the resolver returns is the answer."""
    child: tuple[Selection, str] | None = None
    """What is asked below, and of which type or interface; None for a leaf."""

    def null(self) -> FieldError:
        """Return the error of a promise that the data breaks."""
        name = f"{self.parent}.{self.node.name.value}"
        told = f"Cannot return null for non-nullable field {name}"
        return FieldError(told, "invalid_null", self.node)


@dataclass(eq=False)
class Selection:
    """A selection for one set of the variables it uses; knows its fields per concrete type."""

    document: Document
    sets: list[SelectionSetNode]
    variables: Mapping[str, Any]
    _fields: dict[str, list[Field]] = field(default_factory=dict)
    _complexities: dict[str, int] = field(default_factory=dict)

    def render(self, value: Any, typename: str, context: Context) -> dict[str, Any]:
        """Answer the selection on one object.

        Raises:
            FieldError: when a field that may not be null has no value.
        """
        found = self._fields_of(typename)
        out: dict[str, Any] = {}
        errors = context.errors
        for f in found:
            seen = len(errors)
            try:
                answer = f.resolve(value, context)
                if f.complete is not None and answer is not None:
                    answer = f.complete(answer, context)
                if answer is None and f.non_null:
                    raise f.null()
            except FieldError as error:
                _prefix(errors, seen, f.key)
                error.path.insert(0, f.key)
                error.node = error.node or f.node
                if f.non_null:
                    raise
                errors.append(error)
                answer = None
            else:
                if len(errors) > seen:
                    _prefix(errors, seen, f.key)
            out[f.key] = answer
        return out

    def first_key(self, typename: str) -> Field:
        """Return the field of that type which is answered first."""
        return self._fields_of(typename)[0]

    def asks(self, typename: str, name: str) -> bool:
        """Whether a field of that type is asked for, under whatever key."""
        return any(field.node.name.value == name for field in self._fields_of(typename))

    def complexity(self, typename: str) -> int:
        """Score the selection as the platform's library does: a field is 1, a page its size.

        Of the types that an interface may be, the heaviest counts.
        """
        if typename not in self._complexities:
            type_ = cast("GraphQLObjectType", schema().type_map[typename])
            concrete = schema().get_possible_types(type_) if is_abstract_type(type_) else [type_]
            self._complexities[typename] = max(
                sum(self._score(f) for f in self._fields_of(one.name)) for one in concrete
            )
        return self._complexities[typename]

    def _score(self, field: Field) -> int:
        if field.child is None:
            return 1
        selection, typename = field.child
        inside = selection.complexity(typename)
        if not typename.endswith("Connection"):
            return 1 + inside
        once = sum(
            1 if f.key == "nodes" else selection._score(f) for f in selection._fields_of(typename)
        )
        arguments = field.resolve.keywords if isinstance(field.resolve, partial) else {}
        size = arguments.get("first") or arguments.get("last") or _PAGE
        return 1 + once + size * (inside - once)

    def _fields_of(self, typename: str) -> list[Field]:
        if typename not in self._fields:
            self._fields[typename] = self._compile(typename)
        return self._fields[typename]

    def _compile(self, typename: str) -> list[Field]:
        nodes: dict[str, list[FieldNode]] = {}
        for selections in self.sets:
            self._collect(selections, typename, nodes)
        parent = cast("GraphQLObjectType", schema().type_map[typename])
        return [self._field(key, found, parent) for key, found in nodes.items()]

    def _collect(
        self, selections: SelectionSetNode, typename: str, nodes: dict[str, list[FieldNode]]
    ) -> None:
        for node in selections.selections:
            if not self._wanted(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                nodes.setdefault(key, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.document.fragments[node.name.value]
                if _is_a(typename, fragment.type_condition.name.value):
                    self._collect(fragment.selection_set, typename, nodes)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or _is_a(typename, condition.name.value):
                    self._collect(node.selection_set, typename, nodes)

    def _wanted(self, directives: tuple[DirectiveNode, ...] | list[DirectiveNode]) -> bool:
        for directive in directives:
            argument = (directive.arguments or ())[0].value
            if isinstance(argument, VariableNode):
                taken = bool(self.variables.get(argument.name.value))
            else:
                taken = bool(getattr(argument, "value", False))
            if taken != (directive.name.value == "include"):
                return False
        return True

    def _field(self, key: str, nodes: list[FieldNode], parent: GraphQLObjectType) -> Field:
        node = nodes[0]
        name = node.name.value
        if name == "__typename":
            return Field(key, node, parent.name, True, lambda _v, _c: parent.name, None)
        if name.startswith("__"):  # answered by the library, on the whole document
            return Field(key, node, parent.name, False, lambda _v, _c: None, None)
        definition: GraphQLField = parent.fields[name]
        arguments = literals.arguments(definition, node, self.variables)
        resolve = resolver(parent.name, name)
        if arguments:
            resolve = partial(resolve, **arguments)
        type_ = definition.type
        non_null = isinstance(type_, GraphQLNonNull)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        named = get_named_type(inner)
        if isinstance(named, _LEAVES):
            return Field(key, node, parent.name, non_null, resolve, None)
        below = self.child(nodes)
        complete = self._completer(inner, below)
        return Field(key, node, parent.name, non_null, resolve, complete, (below, named.name))

    def child(self, nodes: list[FieldNode]) -> Selection:
        """Return what is asked below a field; kept with the document for its next requests."""
        sets = [node.selection_set for node in nodes if node.selection_set]
        used = sorted({name for s in sets for name in self.document.variables_in(s)})
        values = tuple((name, repr(self.variables.get(name))) for name in used)
        key = (tuple(map(id, sets)), values)
        kept = self.document.selections
        if key not in kept:
            if len(kept) > _KEPT_SELECTIONS:
                kept.clear()
            kept[key] = Selection(self.document, sets, self.variables)
        return cast("Selection", kept[key])

    def _completer(self, type_: GraphQLOutputType, selection: Selection) -> Complete:
        if isinstance(type_, GraphQLList):
            return self._list_completer(type_.of_type, selection)
        named = cast("GraphQLObjectType | GraphQLInterfaceType", type_)
        if named.name == "Dossier":
            return lambda value, context: context.dossier(value, selection)
        if isinstance(named, GraphQLObjectType):
            name = named.name
            return lambda value, context: selection.render(value, name, context)
        return lambda value, context: selection.render(
            value, typename_of(named.name, value, context), context
        )

    def _list_completer(self, item: GraphQLOutputType, selection: Selection) -> Complete:
        non_null = isinstance(item, GraphQLNonNull)
        inner = item.of_type if isinstance(item, GraphQLNonNull) else item
        answer = self._completer(inner, selection)

        def complete_list(values: Any, context: Context) -> list[Any]:
            out: list[Any] = []
            errors = context.errors
            for index, value in enumerate(values):
                seen = len(errors)
                try:
                    out.append(answer(value, context))
                except FieldError as error:
                    _prefix(errors, seen, index)
                    error.path.insert(0, index)
                    if non_null:
                        raise
                    errors.append(error)
                    out.append(None)
                else:
                    if len(errors) > seen:
                        _prefix(errors, seen, index)
            return out

        return complete_list


_KEPT_SELECTIONS = 512
_PAGE = 100
"""What a connection without `first` and `last` is scored by."""


def _is_a(typename: str, condition: str) -> bool:
    if typename == condition:
        return True
    type_ = schema().type_map[typename]
    return isinstance(type_, GraphQLObjectType) and any(
        interface.name == condition for interface in type_.interfaces
    )


def _prefix(errors: list[FieldError], start: int, step: str | int) -> None:
    for error in errors[start:]:
        error.path.insert(0, step)
