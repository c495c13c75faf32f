"""Reads the literals of arguments, and refuses those that do not fit in the platform's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValidationRule,
    ValueNode,
    VariableNode,
    is_required_argument,
    is_required_input_field,
    print_ast,
)

_ABSENT = object()


def arguments(field: GraphQLField, node: FieldNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a valid field, by name; those not given have their default."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    values = {}
    for name, definition in field.args.items():
        value = read(given[name], definition.type, variables) if name in given else _ABSENT
        if value is not _ABSENT:
            values[name] = value
        elif has_default(definition):
            values[name] = default(definition)
    return values


def has_default(definition: GraphQLArgument | GraphQLInputField) -> bool:
    """Whether an argument or an input's field has a value when it is not given."""
    return definition.ast_node is not None and definition.ast_node.default_value is not None


def default(definition: GraphQLArgument | GraphQLInputField) -> Any:
    """Return that value; read from the SDL, as the library's versions keep it differently."""
    assert definition.ast_node is not None  # noqa: S101 - see has_default
    assert definition.ast_node.default_value is not None  # noqa: S101
    return read(definition.ast_node.default_value, definition.type, {})


def read(node: ValueNode, type_: GraphQLInputType, variables: Mapping[str, Any]) -> Any:
    """Return the value of a valid literal."""
    if isinstance(node, VariableNode):
        return variables.get(node.name.value, _ABSENT)
    if isinstance(type_, GraphQLNonNull):
        return read(node, type_.of_type, variables)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(type_, GraphQLList):
        items = node.values if isinstance(node, ListValueNode) else [node]
        return [read(item, type_.of_type, variables) for item in items]
    if isinstance(type_, GraphQLInputObjectType):
        assert isinstance(node, ObjectValueNode)  # noqa: S101 - validated before
        return _read_object(node, type_, variables)
    return type_.parse_value(_plain(node))


def _read_object(
    node: ObjectValueNode, type_: GraphQLInputObjectType, variables: Mapping[str, Any]
) -> dict[str, Any]:
    given = {field.name.value: field.value for field in node.fields or ()}
    values = {}
    for name, field in type_.fields.items():
        value = read(given[name], field.type, variables) if name in given else _ABSENT
        if value is not _ABSENT:
            values[name] = value
        elif has_default(field):
            values[name] = default(field)
    return values


def _plain(node: ValueNode) -> Any:
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, FloatValueNode):
        return float(node.value)
    if isinstance(node, BooleanValueNode | StringValueNode | EnumValueNode):
        return node.value
    return _ABSENT


class ArgumentsRule(ValidationRule):
    """Arguments are known, complete and of their type."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Judge the arguments of one field."""
        field = self.context.get_field_def()
        if field is None:
            return
        given = {argument.name.value: argument for argument in node.arguments or ()}
        missing = [
            name
            for name, definition in field.args.items()
            if is_required_argument(definition) and name not in given
        ]
        if missing:
            self.report_error(_missing_arguments(node, missing))
        for name, argument in given.items():
            if name not in field.args:
                self.report_error(_unknown_argument(node, argument, list(field.args)))
                continue
            for error in _judge(argument.value, field.args[name].type, node, name):
                self.report_error(error)


def _judge(
    value: ValueNode, type_: GraphQLInputType, field: FieldNode, argument: str
) -> Iterator[GraphQLError]:
    if isinstance(value, VariableNode):
        return
    if isinstance(type_, GraphQLNonNull) and not isinstance(value, NullValueNode):
        yield from _judge(value, type_.of_type, field, argument)
    elif isinstance(type_, GraphQLNonNull):
        yield _bad_literal(value, type_, field, argument)
    elif isinstance(value, NullValueNode):
        return
    elif isinstance(type_, GraphQLList):
        for item in value.values if isinstance(value, ListValueNode) else [value]:
            yield from _judge(item, type_.of_type, field, argument)
    elif isinstance(type_, GraphQLInputObjectType):
        yield from _judge_object(value, type_, field, argument)
    elif not _fits(value, type_):
        yield _bad_literal(value, type_, field, argument)


def _judge_object(
    value: ValueNode, type_: GraphQLInputObjectType, field: FieldNode, argument: str
) -> Iterator[GraphQLError]:
    if not isinstance(value, ObjectValueNode):
        yield _bad_literal(value, type_, field, argument)
        return
    given = {entry.name.value: entry for entry in value.fields or ()}
    for name, entry in given.items():
        if name in type_.fields:
            yield from _judge(entry.value, type_.fields[name].type, field, name)
        else:
            message = f"InputObject '{type_.name}' doesn't accept argument '{name}'"
            extensions = _not_accepted(type_.name, "InputObject", name)
            yield GraphQLError(message, [entry], extensions=extensions)
    known = [name for name in given if name in type_.fields]
    if type_.is_one_of and len(given) == len(known) != 1:
        message = f"'{type_.name}' requires exactly one argument, but {len(known)} were provided."
        yield GraphQLError(message, [value], extensions={"code": "invalidOneOfInputObject"})
    for name, entry in given.items():
        if type_.is_one_of and isinstance(entry.value, NullValueNode):
            message = f"'{type_.name}' requires exactly one argument, but '{name}' was `null`."
            yield GraphQLError(message, [entry], extensions={"code": "invalidOneOfInputObject"})
    for name, definition in type_.fields.items():
        if is_required_input_field(definition) and name not in given:
            yield _missing_attribute(value, type_.name, name, str(definition.type))


def _fits(value: ValueNode, type_: GraphQLScalarType | GraphQLEnumType) -> bool:
    if isinstance(type_, GraphQLEnumType) != isinstance(value, EnumValueNode):
        return False
    plain = _plain(value)
    if type_.name == "ID" and isinstance(value, IntValueNode):
        return True
    try:
        type_.parse_value(plain)
    except GraphQLError:
        return False
    return plain is not _ABSENT


def _missing_arguments(node: FieldNode, missing: list[str]) -> GraphQLError:
    field, told = node.name.value, ", ".join(missing)
    extensions = {
        "code": "missingRequiredArguments",
        "className": "Field",
        "name": field,
        "arguments": told,
    }
    message = f"Field '{field}' is missing required arguments: {told}"
    return GraphQLError(message, [node], extensions=extensions)


def _unknown_argument(node: FieldNode, argument: Any, known: list[str]) -> GraphQLError:
    name = argument.name.value
    near = next((k for k in known if k[:3] == name[:3]), None)
    hint = f" (Did you mean `{near}`?)" if near else ""
    message = f"Field '{node.name.value}' doesn't accept argument '{name}'{hint}"
    extensions = _not_accepted(node.name.value, "Field", name)
    return GraphQLError(message, [argument], extensions=extensions)


def _not_accepted(name: str, type_name: str, argument: str) -> dict[str, Any]:
    code = "argumentNotAccepted"
    return {"code": code, "name": name, "typeName": type_name, "argumentName": argument}


def _missing_attribute(value: ValueNode, type_: str, name: str, wanted: str) -> GraphQLError:
    extensions = {
        "code": "missingRequiredInputObjectAttribute",
        "argumentName": name,
        "argumentType": wanted,
        "inputObjectType": type_,
    }
    message = f"Argument '{name}' on InputObject '{type_}' is required. Expected type {wanted}"
    return GraphQLError(message, [value], extensions=extensions)


def _bad_literal(value: Any, type_: Any, field: FieldNode, argument: str) -> GraphQLError:
    message = (
        f"Argument '{argument}' on Field '{field.name.value}' has an invalid value "
        f"({print_ast(value)}). Expected type '{type_}'."
    )
    code = "argumentLiteralsIncompatible"
    extensions = {"code": code, "typeName": "Field", "argumentName": argument}
    return GraphQLError(message, [field], extensions=extensions)
