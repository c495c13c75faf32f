"""The sandbox's schema is a subset of DS's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    print_schema,
    print_type,
)

from dsync.sandbox import execution as sdl
from tests.conftest import shared


def test_it_has_no_descriptions() -> None:
    """Names and types are facts; DS's texts must not be copied."""
    assert '"""' not in print_schema(sdl.schema())


def test_it_is_a_subset_of_that_of_ds() -> None:
    """Types, fields, arguments, nullability, deprecations and enum values agree."""
    real = build_schema(shared("ds/schema.graphql"))
    assert list(_differences(sdl.schema(), real)) == []


def _differences(ours: GraphQLSchema, real: GraphQLSchema) -> Iterator[str]:
    for name, type_ in ours.type_map.items():
        if name.startswith("__"):
            continue
        other = real.type_map.get(name)
        if type(other) is not type(type_):
            yield f"{name} is {other!r}"
        elif isinstance(type_, GraphQLEnumType):
            if type_.values.keys() != other.values.keys():  # type: ignore[union-attr]
                yield f"{name}: {print_type(type_)}"
        elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from _field_differences(name, type_, other)


def _field_differences(name: str, ours: Any, real: Any) -> Iterator[str]:
    if getattr(ours, "is_one_of", False) != getattr(real, "is_one_of", False):
        yield f"{name}: oneOf"
    for field, definition in ours.fields.items():
        where, other = f"{name}.{field}", real.fields.get(field)
        if other is None:
            yield f"{where} does not exist"
            continue
        if str(definition.type) != str(other.type):
            yield f"{where}: {definition.type} instead of {other.type}"
        if bool(definition.deprecation_reason) != bool(other.deprecation_reason):
            yield f"{where}: deprecation"
        if not hasattr(definition, "args"):
            continue
        for argument, asked in definition.args.items():
            known = other.args.get(argument)
            if known is None or str(known.type) != str(asked.type):
                yield f"{where}({argument}:)"
