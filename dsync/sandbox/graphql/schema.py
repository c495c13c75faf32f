"""The schema of the API, read from ``schema.graphql``, with the resolvers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from dsync.sandbox.graphql.call import Info, Resolve
from dsync.sandbox.graphql.mutations import MUTATIONS
from dsync.sandbox.graphql.queries import FIELDS, TYPENAMES
from dsync.sandbox.world import clock


def text() -> str:
    """Return the text of ``schema.graphql``."""
    return files("dsync.sandbox.graphql").joinpath("schema.graphql").read_text(encoding="utf-8")


@cache
def schema() -> GraphQLSchema:
    """Return the executable schema."""
    built = build_schema(text())
    fields = {**FIELDS, "Mutation": MUTATIONS}
    for name, type_ in built.type_map.items():
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__"):
            own = dict(fields.get(name, {}))
            for interface in type_.interfaces:
                own = {**fields.get(interface.name, {}), **own}
            for field_name, definition in type_.fields.items():
                definition.resolve = own.get(field_name) or _attribute(_snake(field_name))
                for argument_name, argument in definition.args.items():
                    argument.out_name = _snake(argument_name)
        elif isinstance(type_, GraphQLInputObjectType):
            for field_name, given in type_.fields.items():
                given.out_name = _snake(field_name)
        elif isinstance(type_, GraphQLInterfaceType):
            type_.resolve_type = TYPENAMES[name]
        elif name == "TypeDeChamp" and isinstance(type_, GraphQLEnumType):
            # Tests give forms types that the served schema does not have, as a newer DS could.
            type_.coerce_output_value = str  # type: ignore[method-assign,assignment]
        elif isinstance(type_, GraphQLScalarType) and name in _READERS:
            type_.coerce_input_value = _READERS[name]
    return built


def _snake(name: str) -> str:
    """Return a camel-case name of the API in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _attribute(name: str) -> Resolve:
    """Return a resolver that reads the key or the attribute of that name; None without one."""

    def resolve(value: Any, _info: Info) -> Any:
        found = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        return clock.iso(found) if isinstance(found, datetime) else found

    return resolve


def _reader(name: str, read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def coerce(value: Any) -> Any:
        try:
            return read(value)
        except (TypeError, ValueError) as exc:
            raise GraphQLError(f"Could not coerce value {value!r} to {name}") from exc

    return coerce


def _day(text: str) -> date:
    return datetime.fromisoformat(text).date()


_READERS = {
    "ISO8601DateTime": _reader("ISO8601DateTime", clock.instant),
    "ISO8601Date": _reader("ISO8601Date", _day),
}
