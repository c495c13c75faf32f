"""Execution of a document by graphql-core, with DS's limits, time-outs and null fields."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import Any, cast

import graphql
from graphql.execution.execute import assume_not_async_iterable, assume_not_awaitable
from graphql.pyutils import Path, Undefined

from dsync.sandbox.graphql.call import Call, QueryLimit, ServerFailure, failed
from dsync.sandbox.graphql.documents import QueryDocument, RefusedError
from dsync.sandbox.graphql.served_schema import LEAF, schema
from dsync.sandbox.world.model import ServedDossier

_MAX_DEPTH = 15
_NULL = "Cannot return null for non-nullable field "


def execute(
    document: QueryDocument, name: str | None, variables: dict[str, Any], call: Call
) -> dict[str, Any]:
    """Execute an operation and return the answer's body.

    The name is None or "" when the document has only one operation.

    Raises:
        RefusedError: the operation or its variables are invalid; nothing was executed.
        ServerFailure: the server failed; mutations before the failure stay done.
    """
    executor = PlatformExecutor.build(
        schema(),
        document.ast,
        context_value=call,
        raw_variable_values=variables,
        operation_name=name or None,
        # All resolvers are plain functions: this saves a check of each value.
        is_awaitable=assume_not_awaitable,
        is_async_iterable=assume_not_async_iterable,
    )
    if isinstance(executor, list):
        raise RefusedError(*executor)
    sizes = document.measure(executor.operation, executor.variable_values.coerced)
    if refusal := _refusal(document.tokens, *sizes, call.limit):
        raise RefusedError(graphql.GraphQLError(refusal))
    call.types_asked = document.types_asked
    result = cast("graphql.ExecutionResult", executor.execute_operation())
    errors, data = [_formatted(error) for error in result.errors or ()], result.data
    if call.reached is not None and not call.out_of_time:
        errors.append(_formatted(call.timeout(_first_field(executor.operation))))
        data = None
    return {**({"errors": errors} if errors else {}), "data": data}


def _refusal(tokens: int, complexity: int, depth: int, limit: QueryLimit) -> str:
    """Return why a query is too large or too deep, in the words of DS's library; "": it is not."""
    if 0 < limit.tokens < tokens:
        return "This query is too large to execute."
    if 0 < limit.complexity < complexity:
        most = f"which exceeds max complexity of {limit.complexity}"
        return f"Query has complexity of {complexity}, {most}"
    if depth > _MAX_DEPTH:
        return f"Query has depth of {depth}, which exceeds max depth of {_MAX_DEPTH}"
    return ""


class PlatformExecutor(graphql.Executor[Any]):
    """graphql-core's executor, with the faults that tests set on dossiers."""

    @cached_property
    def info(self) -> Any:
        """What resolvers of leaves read of their `Info`."""
        return SimpleNamespace(context=self.context_value, schema=self.schema)

    def execute_fields(
        self, parent_type: Any, source_value: Any, path: Path | None, fields: Any, position: Any
    ) -> Any:
        """Resolve the fields of an object; a fault may replace a dossier by an error."""
        if isinstance(source_value, ServedDossier):
            _raise_fault_of(source_value, self.context_value, path, fields)
        if self.context_value.harmed:
            return super().execute_fields(parent_type, source_value, path, fields, position)
        # Leaves are read here: graphql-core's own way to them takes twice as long for a page.
        results = {}
        for key, details in fields.items():
            name = details[0].node.name.value
            field = parent_type.fields.get(name)
            leaf = field.extensions.get(LEAF) if field else None
            found = parent_type.name if name == "__typename" else Undefined
            if leaf:
                try:
                    value = field.resolve(source_value, self.info)
                    if value is not None:
                        found = leaf.coerce_output_value(value)
                    elif field.type is leaf:
                        found = None
                except graphql.GraphQLError:
                    pass  # It occurs again below, which locates it.
            if found is Undefined:
                at = Path(path, key, parent_type.name)
                found = self.execute_field(parent_type, source_value, details, at, position)
            results[key] = found
        return results

    def execute_field(
        self, parent_type: Any, source: Any, details: Any, path: Path, position: Any
    ) -> Any:
        """Resolve a field; it is null where a test set a fault on it."""
        harmed = self.context_value.harmed
        kind = harmed.get(tuple(path.as_list())) if harmed else None
        if kind == "failed_read":
            raise ServerFailure
        if kind is None:
            return super().execute_field(parent_type, source, details, path, position)
        node = details[0].node
        field = self.schema.get_field(parent_type, node.name.value)
        if field and kind == "failed_field":
            self.handle_field_error(failed("The field failed"), field.type, details, path)
        elif field and graphql.is_non_null_type(field.type):
            raise _null(f"{parent_type.name}.{node.name.value}", node, path)
        return None


def _raise_fault_of(dossier: ServedDossier, call: Call, path: Path | None, fields: Any) -> None:
    """Raise the fault of a dossier at its first field, where DS reports it; else note its place.

    Raises:
        GraphQLError: the simulated time-out came before it, or it has a `null_node` fault.
        ServerFailure: it has a `failed_read` fault.
    """
    nodes = {key: details[0].node for key, details in fields.items()}
    has_champs = any(node.name.value == "champs" for node in nodes.values())
    key, node = next(iter(nodes.items()))
    first, name = Path(path, key, "Dossier"), f"Dossier.{node.name.value}"
    place = tuple(path.as_list() if path else ())

    def has_fault(kind: str) -> bool:
        faults = (fault for fault in dossier.faults_of(kind) if not fault.path)
        return any(has_champs or not fault.champs_only for fault in faults)

    if has_fault("failed_read"):
        raise ServerFailure
    try:
        call.spend(name)
    except graphql.GraphQLError as error:
        raise graphql.located_error(error, [node], first.as_list()) from None
    if has_fault("null_node"):
        raise _null(name, node, first)
    call.places.append((dossier, place))
    for kind in ("null_field", "failed_field", "failed_read"):
        call.harmed |= {(*place, *fault.path): kind for fault in dossier.faults_of(kind)}


def _null(field: str, node: graphql.FieldNode, path: Path) -> graphql.GraphQLError:
    return graphql.located_error(failed(f"{_NULL}{field}", "invalid_null"), [node], path.as_list())


def _first_field(operation: graphql.OperationDefinitionNode) -> str:
    roots = operation.selection_set.selections
    name = next((node.name.value for node in roots if isinstance(node, graphql.FieldNode)), "")
    return f"{operation.operation.value.capitalize()}.{name}"


def _formatted(error: graphql.GraphQLError) -> dict[str, Any]:
    """Return the entry of `errors` for a field, with DS's code for a null."""
    entry: dict[str, Any] = {**error.formatted}
    if error.message.startswith(_NULL):
        entry |= {"message": error.message.rstrip("."), "extensions": {"code": "invalid_null"}}
    return entry
