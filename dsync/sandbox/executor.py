"""Runs a document: queries field by field, mutations one after the other."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
)

from dsync.sandbox import mutations, resolvers  # noqa: F401 - they register what they answer
from dsync.sandbox.answers import FieldError, as_json
from dsync.sandbox.context import Context, fill
from dsync.sandbox.document import Document
from dsync.sandbox.limits import QueryLimit
from dsync.sandbox.sdl import schema
from dsync.sandbox.selection import Selection


def execute(
    document: Document,
    operation: OperationDefinitionNode,
    variables: dict[str, Any],
    context: Context,
    limit: QueryLimit,
) -> bytes:
    """Return the JSON body that answers an operation.

    Raises:
        RefusedError: when the query is larger than the limit.
        InternalError: when the server's code breaks; mutations before that stay done.
    """
    selection = Selection(document, [operation.selection_set], variables)
    query = operation.operation is OperationType.QUERY
    root = "Query" if query else "Mutation"
    limit.check(document.tokens, lambda: selection.complexity(root))
    data: dict[str, Any] | None = None
    try:
        data = selection.render(None, root, context)
    except FieldError as error:
        context.errors.append(error)
    if context.reached is not None and not context.errors:
        context.errors.append(context.out_of_time(_first_field(operation)))
        data = None
    if query and data is not None:
        data |= _introspection(document, operation, variables)
    body: dict[str, Any] = {"data": data}
    if context.errors:
        body = {"errors": [error.as_dict() for error in context.errors], **body}
    return fill(as_json(body), context.raw)


def _first_field(operation: OperationDefinitionNode) -> str:
    roots = operation.selection_set.selections
    name = next((node.name.value for node in roots if isinstance(node, FieldNode)), "")
    return f"{operation.operation.value.capitalize()}.{name}"


def _introspection(
    document: Document, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> dict[str, Any]:
    """Answer ``__schema`` and ``__type``, which the library knows best."""
    asked = [
        node
        for node in operation.selection_set.selections
        if isinstance(node, FieldNode) and node.name.value in ("__schema", "__type")
    ]
    if not asked:
        return {}
    alone = OperationDefinitionNode(
        operation=operation.operation,
        variable_definitions=operation.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(asked)),
    )
    ast = DocumentNode(definitions=(alone, *document.fragments.values()))
    result = execute_sync(schema(), ast, variable_values=variables)
    return result.data or {}
