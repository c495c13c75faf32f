"""The schema of the API, read from ``schema.graphql``, with the resolvers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import graphql

from dsync.sandbox.call import Info, Resolve
from dsync.sandbox.mutations import MUTATIONS
from dsync.sandbox.queries import FIELDS, TYPENAMES
from dsync.sandbox.scalars import instant, iso

LEAF = "leaf"
"""Key of `GraphQLField.extensions`: the type of a field without subfields and arguments."""


@cache
def schema() -> graphql.GraphQLSchema:
    """Return the executable schema."""
    text = files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8")
    built = graphql.build_ast_schema(_with_inherited(graphql.parse(text)))
    resolvers: dict[str, dict[str, Resolve]] = {**FIELDS, "Mutation": MUTATIONS}
    moved: Any = built.get_directive("from")
    for name, type_ in built.type_map.items():
        if isinstance(type_, graphql.GraphQLObjectType) and not name.startswith("__"):
            owners = [name, *(interface.name for interface in type_.interfaces)]
            for field, definition in type_.fields.items():
                inner = graphql.get_nullable_type(definition.type)
                is_needed_list = graphql.is_list_type(inner) and inner is not definition.type
                given = graphql.get_directive_values(moved, definition.ast_node)
                path = given["path"] if given else _snake(field)
                own = [resolvers[o][field] for o in owners if field in resolvers.get(o, ())]
                definition.resolve = own[0] if own else _at(path, [] if is_needed_list else None)
                if graphql.is_leaf_type(inner) and not definition.args:
                    definition.extensions = {LEAF: inner}
                for argument, declaration in definition.args.items():
                    declaration.out_name = _snake(argument)
        elif isinstance(type_, graphql.GraphQLInputObjectType):
            for field, value in type_.fields.items():
                value.out_name = _snake(field)
        elif isinstance(type_, graphql.GraphQLInterfaceType):
            type_.resolve_type = TYPENAMES[name]
        elif name in ("TypeDeChamp", "BigInt"):
            # DS sends big integers as texts. Of the types of champs, tests give forms some that the
            # served schema does not have, as a newer DS could.
            type_.coerce_output_value = str  # type: ignore[attr-defined]
        elif isinstance(type_, graphql.GraphQLScalarType) and name in _READERS:
            type_.coerce_input_value = _reader(name, _READERS[name])
    return built


def _with_inherited(document: graphql.DocumentNode) -> graphql.DocumentNode:
    """Give each type the fields of its interface, which the file does not repeat."""
    named: dict[str, Any] = {d.name.value: d for d in document.definitions if hasattr(d, "name")}

    def whole(type_: Any) -> Any:
        inherited = [f for i in type_.interfaces for f in named[i.name.value].fields]
        by_name = {field.name.value: field for field in (*inherited, *(type_.fields or ()))}
        return replace(type_, fields=tuple(by_name.values()))

    kept = [whole(d) if getattr(d, "interfaces", None) else d for d in document.definitions]
    return replace(document, definitions=tuple(kept))


def _snake(name: str) -> str:
    """Return a camel-case name of the API in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _at(path: str, default: Any) -> Callable[[Any, Info], Any]:
    """Return a resolver that reads a dotted path of keys, attributes and indexes."""
    names = path.split(".")

    def resolve(value: Any, _info: Info) -> Any:
        for name in names:
            if isinstance(value, dict):
                value = value.get(name)
            elif isinstance(value, list | tuple):
                value = value[int(name)]
            else:
                value = getattr(value, name, None)
        if isinstance(value, datetime):
            return iso(value)
        return default if value is None else value

    return resolve


def _reader(name: str, read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def coerce(value: Any) -> Any:
        try:
            return read(value)
        except (TypeError, ValueError) as exc:
            raise graphql.GraphQLError(f"Could not coerce value {value!r} to {name}") from exc

    return coerce


_READERS: dict[str, Callable[[str], Any]] = {
    "ISO8601DateTime": instant,
    "ISO8601Date": lambda text: instant(text).date(),
}
