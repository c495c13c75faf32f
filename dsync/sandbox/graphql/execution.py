"""Runs a document by the library's own execution, with what the platform does otherwise."""

from __future__ import annotations

from typing import Any, cast

from graphql import (
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    is_non_null_type,
    located_error,
)
from graphql.execution.execute import assume_not_async_iterable, assume_not_awaitable
from graphql.pyutils import Path

from dsync.sandbox.graphql.call import Call, ServerFailure, failed
from dsync.sandbox.graphql.documents import QueryDocument, RefusedError
from dsync.sandbox.graphql.limits import MAX_DEPTH, QueryLimit, measure
from dsync.sandbox.graphql.schema import schema
from dsync.sandbox.world.model import ServedDossier

_NULL = "Cannot return null for non-nullable field "


def execute(
    document: QueryDocument, name: str | None, variables: dict[str, Any], call: Call
) -> dict[str, Any]:
    """Return the body that answers an operation.

    Raises:
        RefusedError: when the operation or its variables do not fit; nothing has run.
        ServerFailure: when the server's code breaks; mutations before that stay done.
    """
    executor = PlatformExecutor.build(
        schema(),
        document.ast,
        context_value=call,
        raw_variable_values=variables,
        operation_name=name or None,
        is_awaitable=assume_not_awaitable,
        is_async_iterable=assume_not_async_iterable,
    )
    if isinstance(executor, list):
        raise RefusedError(*executor)
    _check_size(document, executor, call.limit)
    call.document = document
    result = cast("ExecutionResult", executor.execute_operation())
    errors, data = [_told(error) for error in result.errors or ()], result.data
    if call.reached is not None and not call.out_of_time:
        errors.append(_told(call.timeout(_first_field(executor.operation))))
        data = None
    return {**({"errors": errors} if errors else {}), "data": data}


def _check_size(document: QueryDocument, executor: Executor[Any], limit: QueryLimit) -> None:
    """Refuse a query that is too large or too deep, in the words of the platform's library.

    Raises:
        RefusedError: it is.
    """
    # Sizes of pages and conditions of directives alone make a difference: numbers and booleans.
    given = executor.variable_values.coerced
    sizes = tuple((name, value) for name, value in given.items() if isinstance(value, int))
    if sizes not in document.measures:
        found = measure(schema(), document.ast, executor.operation, given)
        document.measures[sizes] = found
    complexity, depth = document.measures[sizes]
    told = None
    if 0 < limit.tokens < document.tokens:
        told = "This query is too large to execute."
    elif 0 < limit.complexity < complexity:
        told = f"Query has complexity of {complexity}, which exceeds max complexity of "
        told += str(limit.complexity)
    elif depth > MAX_DEPTH:
        told = f"Query has depth of {depth}, which exceeds max depth of {MAX_DEPTH}"
    if told:
        raise RefusedError(GraphQLError(told))


class PlatformExecutor(Executor[Any]):
    """The library's executor without its waiting; a dossier may be bad or come too late."""

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Path | None, fields: Any, position: Any
    ) -> Any:
        """Answer an object; a dossier may fail as a whole."""
        if isinstance(source_value, ServedDossier):
            _meet(source_value, self.context_value, path, fields)
        return super().execute_fields(parent_type, source_value, path, fields, position)

    def execute_field(
        self, parent_type: Any, source: Any, details: Any, path: Path, position: Any
    ) -> Any:
        """Answer a field, null where the platform's data have a hole."""
        null_fields = self.context_value.null_fields
        if not null_fields or tuple(path.as_list()) not in null_fields:
            return super().execute_field(parent_type, source, details, path, position)
        node = details[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        if field and is_non_null_type(field.type):
            raise _null(f"{parent_type.name}.{node.name.value}", node, path)
        return None


def _meet(dossier: ServedDossier, call: Call, path: Path | None, fields: Any) -> None:
    """Let a dossier fail as a whole, at its first field, if it is to.

    Raises:
        GraphQLError: when the server's time is up before it, or its data break a promise.
        ServerFailure: when its data break the server.
    """
    nodes = {key: details[0].node for key, details in fields.items()}
    has_champs = any(node.name.value == "champs" for node in nodes.values())
    key, node = next(iter(nodes.items()))
    first, name = Path(path, key, "Dossier"), f"Dossier.{node.name.value}"
    place = tuple(path.as_list() if path else ())

    def has_fault(kind: str) -> bool:
        return any(has_champs or not d.champs_only for d in call.faults_of(dossier.number, kind))

    if has_fault("failed_read"):
        raise ServerFailure
    if not call.spend():
        raise located_error(call.timeout(name), [node], first.as_list())
    if has_fault("null_node"):
        raise _null(name, node, first)
    call.places.append((dossier.number, place))
    call.null_fields |= {
        (*place, *fault.path) for fault in call.faults_of(dossier.number, "null_field")
    }


def _null(field: str, node: FieldNode, path: Path) -> GraphQLError:
    return located_error(failed(f"{_NULL}{field}", "invalid_null"), [node], path.as_list())


def _first_field(operation: OperationDefinitionNode) -> str:
    roots = operation.selection_set.selections
    name = next((node.name.value for node in roots if isinstance(node, FieldNode)), "")
    return f"{operation.operation.value.capitalize()}.{name}"


def _told(error: GraphQLError) -> dict[str, Any]:
    """Return a field's error as the platform tells it."""
    told: dict[str, Any] = {**error.formatted}
    if error.message.startswith(_NULL):
        told |= {"message": error.message.rstrip("."), "extensions": {"code": "invalid_null"}}
    return told
