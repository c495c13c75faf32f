"""Reads the variables of a request, and tells what is wrong with them as the platform does."""

from __future__ import annotations

import json
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    print_ast,
    type_from_ast,
)

from dsync.sandbox import literals
from dsync.sandbox.answers import RefusedError, location

Problem = tuple[tuple[str | int, ...], str]


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> dict[str, Any]:
    """Return the operation's variables, typed.

    Raises:
        RefusedError: naming every variable that does not fit.
    """
    values: dict[str, Any] = {}
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = type_from_ast(schema, definition.type)
        if name not in given and definition.default_value:
            values[name] = literals.read(definition.default_value, type_, {})  # type: ignore[arg-type]
            continue
        if name not in given and not isinstance(type_, GraphQLNonNull):
            continue
        problems: list[Problem] = []
        values[name] = _coerce(given.get(name), type_, (), problems)  # type: ignore[arg-type]
        if problems:
            errors.append(_refusal(definition, given.get(name), problems))
    if errors:
        raise RefusedError(*errors)
    return values


def _refusal(definition: VariableDefinitionNode, value: Any, problems: list[Problem]) -> Any:
    type_ = print_ast(definition.type)
    message = (
        f"Variable ${definition.variable.name.value} of type {type_} was provided invalid value"
    )
    told = [f"{'.'.join(map(str, path))} ({why})" for path, why in problems if path]
    return {
        "message": message + (f" for {', '.join(told)}" if told else ""),
        "locations": [location(definition)],
        "extensions": {
            "value": value,
            "problems": [{"path": list(path), "explanation": why} for path, why in problems],
        },
    }


def _coerce(
    value: Any, type_: GraphQLInputType, path: tuple[str | int, ...], problems: list[Problem]
) -> Any:
    if isinstance(type_, GraphQLNonNull):
        if value is None:
            problems.append((path, "Expected value to not be null"))
            return None
        return _coerce(value, type_.of_type, path, problems)
    if value is None:
        return None
    if isinstance(type_, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return [_coerce(v, type_.of_type, (*path, i), problems) for i, v in enumerate(items)]
    if isinstance(type_, GraphQLInputObjectType):
        return _coerce_object(value, type_, path, problems)
    return _coerce_leaf(value, type_, path, problems)


def _coerce_object(
    value: Any, type_: GraphQLInputObjectType, path: tuple[str | int, ...], problems: list[Problem]
) -> Any:
    if not isinstance(value, dict):
        problems.append((path, f"Expected {json.dumps(value)} to be a key-value object"))
        return None
    if type_.is_one_of and len(value) != 1:
        told = f"'{type_.name}' requires exactly one argument, but {len(value)} were provided."
        problems.append((path, told))
    known = type_.fields
    for name in value:
        if type_.is_one_of and value[name] is None:
            told = f"'{type_.name}' requires exactly one argument, but '{name}' was `null`."
            problems.append(((*path, name), told))
        if name not in known:
            problems.append(((*path, name), f"Field is not defined on {type_.name}"))
    result = {}
    for name, field in known.items():
        if name in value:
            result[name] = _coerce(value[name], field.type, (*path, name), problems)
        elif literals.has_default(field):
            result[name] = literals.default(field)
        elif isinstance(field.type, GraphQLNonNull):
            problems.append(((*path, name), "Expected value to not be null"))
    return result


def _coerce_leaf(
    value: Any,
    type_: GraphQLScalarType | GraphQLEnumType,
    path: tuple[str | int, ...],
    problems: list[Problem],
) -> Any:
    try:
        return type_.parse_value(value)
    except GraphQLError:
        shown = json.dumps(value, ensure_ascii=False)
        if isinstance(type_, GraphQLEnumType):
            why = f"Expected {shown} to be one of: {', '.join(type_.values)}"
        else:
            why = f"Could not coerce value {shown} to {type_.name}"
        problems.append((path, why))
        return None
