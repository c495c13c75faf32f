"""The schema of the API, read from ``schema.graphql``, with the resolvers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    get_directive_values,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from dsync.sandbox.graphql.call import Info, Resolve
from dsync.sandbox.graphql.mutations import MUTATIONS
from dsync.sandbox.graphql.queries import FIELDS, TYPENAMES
from dsync.sandbox.world import clock

LEAF = "leaf"
"""Key of `GraphQLField.extensions`: the type of a field without subfields and arguments."""


def text() -> str:
    """Return the text of ``schema.graphql``."""
    return files("dsync.sandbox.graphql").joinpath("schema.graphql").read_text(encoding="utf-8")


@cache
def schema() -> GraphQLSchema:
    """Return the executable schema."""
    built = build_schema(text())
    resolvers: dict[str, dict[str, Resolve]] = {**FIELDS, "Mutation": MUTATIONS}
    moved: Any = built.get_directive("from")
    for name, type_ in built.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            for field, definition in type_.fields.items():
                inner = get_nullable_type(definition.type)
                is_needed_list = is_list_type(inner) and is_non_null_type(definition.type)
                owners = [o for o in (type_, *type_.interfaces) if field in o.fields]
                own = [
                    resolvers[o.name][field] for o in owners if field in resolvers.get(o.name, ())
                ]
                given = [get_directive_values(moved, o.fields[field].ast_node) for o in owners]
                path = next((each["path"] for each in given if each), _snake(field))
                read = _at(path, [] if is_needed_list else None)
                definition.resolve = own[0] if own else read
                if is_leaf_type(inner) and not definition.args:
                    definition.extensions = {LEAF: inner}
                for argument, declaration in definition.args.items():
                    declaration.out_name = _snake(argument)
        elif isinstance(type_, GraphQLInputObjectType):
            for field, given in type_.fields.items():
                given.out_name = _snake(field)
        elif isinstance(type_, GraphQLInterfaceType):
            type_.resolve_type = TYPENAMES[name]
        elif name in ("TypeDeChamp", "BigInt"):
            # DS sends big integers as texts. Of the types of champs, tests give forms some that the
            # served schema does not have, as a newer DS could.
            type_.coerce_output_value = str  # type: ignore[attr-defined]
        elif isinstance(type_, GraphQLScalarType) and name in _READERS:
            type_.coerce_input_value = _reader(name, _READERS[name])
    return built


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
            return clock.iso(value)
        return default if value is None else value

    return resolve


def _reader(name: str, read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def coerce(value: Any) -> Any:
        try:
            return read(value)
        except (TypeError, ValueError) as exc:
            raise GraphQLError(f"Could not coerce value {value!r} to {name}") from exc

    return coerce


_READERS: dict[str, Callable[[str], Any]] = {
    "ISO8601DateTime": clock.instant,
    "ISO8601Date": lambda text: clock.instant(text).date(),
}
