"""A document: parsed, validated and measured as by DS, then executed by graphql-core.

The schema is read from ``schema.graphql``, and gets its resolvers.

DS's limits, time-outs and null fields are added to what graphql-core does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import graphql
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetailsList,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.execute import assume_not_async_iterable, assume_not_awaitable
from graphql.execution.values import VariableValues
from graphql.language import Visitor, visit
from graphql.language.parser import Parser
from graphql.pyutils import Path, Undefined

from dsync.sandbox.call import Call, Info, QueryLimit, Resolve, ServerFailure, failed
from dsync.sandbox.model import ServedDossier
from dsync.sandbox.resolvers import FIELDS, MUTATIONS, TYPENAMES
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


# graphql-core's messages and DS's codes. A refusal that no recorded conversation has gets no code.
_CODES = (
    ("Cannot query field", "undefinedField"),
    ("Unknown type", "undefinedType"),
    ("Fragment .* is never used", "useAndDefineFragment"),
    ("Unknown argument|.* not to include unknown field", "argumentNotAccepted"),
    ("Argument .* is required, but it was not provided", "missingRequiredArguments"),
    ("Expected value .* to include required field", "missingRequiredInputObjectAttribute"),
    ("Fields .* conflict", "fieldConflict"),
    ("Expected value|Value .* does not exist|Could not coerce", "argumentLiteralsIncompatible"),
)
_PAGE = 100
"""Page size that DS assumes for a connection without `first`."""


Collect: TypeAlias = Callable[[graphql.GraphQLObjectType, FieldDetailsList], CollectedFields]
_Sizes: TypeAlias = dict[int, tuple[int, int]]


class RefusedError(Exception):
    """The request is invalid GraphQL: it is refused before execution."""

    def __init__(self, *errors: graphql.GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of `errors`: graphql-core's messages with DS's codes."""
        found = [(e, [c for text, c in _CODES if re.match(text, e.message)]) for e in self.errors]
        return [{**e.formatted, **({"extensions": {"code": c[0]}} if c else {})} for e, c in found]


class QueryDocument:
    """A valid document and what is derived from its text."""

    def __init__(self, text: str) -> None:
        try:
            parser = Parser(graphql.Source(text))
            self.ast = parser.parse_document()
        except graphql.GraphQLError as exc:
            raise RefusedError(exc) from exc
        self.tokens = parser.token_count
        errors = [e for e in graphql.validate(schema(), self.ast) if not _is_tolerated(e)]
        if errors:
            raise RefusedError(*errors)
        types: set[str | None] = set()

        class Fragments(Visitor):
            def enter(self, node: Any, *_: Any) -> None:
                if hasattr(node, "type_condition"):
                    types.add(node.type_condition.name.value if node.type_condition else None)

        visit(self.ast, Fragments())
        self.types_asked = frozenset(types)
        """Names of the types in fragments, used or not; None for a fragment without a type."""
        definitions = [
            d for d in self.ast.definitions if isinstance(d, graphql.FragmentDefinitionNode)
        ]
        self._fragments = {d.name.value: FragmentDetails(d) for d in definitions}
        self._measures: dict[Any, tuple[int, int]] = {}
        self._collected: dict[Any, dict[Any, CollectedFields]] = {}

    def operation(self, name: str | None) -> graphql.OperationDefinitionNode | None:
        """Return the operation of that name, or the only one; None when there is none."""
        return graphql.get_operation_ast(self.ast, name)

    def measure(
        self, operation: graphql.OperationDefinitionNode, variables: Mapping[str, Any]
    ) -> tuple[int, int]:
        """Return an operation's complexity and depth with its variables, as DS's library counts.

        A field counts 1; the nodes of a connection count as often as its page size. Of the types
        of an interface, the one with the highest complexity counts.
        """
        # Only page sizes and the conditions of directives change it: integers and booleans.
        sizes = tuple(
            (name, value)
            for name, value in variables.items()
            if isinstance(value, int) and not name.startswith("number")
        )
        # By identity: what an operation's node is equal to would be all that is in it.
        key = (id(operation), sizes)
        if key not in self._measures:
            root = schema().get_root_type(operation.operation)
            values = VariableValues({}, dict(variables))
            fields = collect_fields(schema(), self._fragments, values, root, operation)[0]  # type: ignore[arg-type]
            collect = self.collector(operation, values)
            self._measures[key] = self._size_of(root, fields, collect, values.coerced, {})
        return self._measures[key]

    def collector(
        self, operation: graphql.OperationDefinitionNode, values: VariableValues
    ) -> Collect:
        """Return what collects the fields asked of an object, once for all such objects."""
        conditions = (item for item in values.coerced.items() if isinstance(item[1], bool))
        known = self._collected.setdefault(tuple(conditions), {})

        def collect(kind: graphql.GraphQLObjectType, details: FieldDetailsList) -> CollectedFields:
            key = (kind.name, *[id(one.node) for one in details])
            if key not in known:
                given = schema(), self._fragments, values, operation
                known[key] = collect_subfields(*given, kind, details)
            return known[key]

        return collect

    def _size_of(
        self, type_: Any, fields: Any, collect: Collect, variables: Mapping[str, Any], known: _Sizes
    ) -> tuple[int, int]:
        """Return complexity and depth of the fields of a type; `known`: of what was collected."""

        def one(details: Any, parent: Any) -> tuple[int, int]:
            definition = schema().get_field(parent, details[0].node.name.value)
            named: Any = graphql.get_named_type(definition.type) if definition else None
            if named is None or graphql.is_leaf_type(named) or named.name.startswith("__"):
                return 1, 1
            concrete = (
                [named] if graphql.is_object_type(named) else schema().get_possible_types(named)
            )
            inside = [(kind, collect(kind, details)[0]) for kind in concrete]
            each = [
                self._size_of(*fields, collect, variables, known) for fields in inside if fields[1]
            ]
            score = 1 + max((score for score, _ in each), default=0)
            if named.name.endswith("Connection") and "nodes" in inside[0][1]:
                nodes, _ = one(inside[0][1]["nodes"], named)
                score += (nodes - 1) * (_page_size(details[0].node, variables) - 1)
            return score, 1 + max((depth for _, depth in each), default=0)

        # The collector keeps what it collected: its address stands for it.
        if id(fields) not in known:
            each = [one(details, type_) for details in fields.values()]
            known[id(fields)] = sum(score for score, _ in each), max(depth for _, depth in each)
        return known[id(fields)]


def _page_size(node: graphql.FieldNode, variables: Mapping[str, Any]) -> int:
    first = next((a.value for a in node.arguments or () if a.name.value == "first"), None)
    if isinstance(first, graphql.VariableNode):
        return variables.get(first.name.value) or _PAGE
    return int(first.value) or _PAGE if isinstance(first, graphql.IntValueNode) else _PAGE


document = lru_cache(maxsize=512)(QueryDocument)
"""Returns the document of a text; raises `RefusedError`, as `QueryDocument` does."""


def _is_tolerated(error: graphql.GraphQLError) -> bool:
    """Return whether DS accepts it: fields of one response key and of different types."""
    message = error.message
    other = "are different fields" in message or "differing arguments" in message
    return "conflicting types" in message and not other


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
    collect = document.collector(executor.operation, executor.variable_values)
    cast("PlatformExecutor", executor).collect = collect
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

    collect: Collect
    """What collects the fields of an object; the document keeps it for the next requests."""

    @cached_property
    def info(self) -> Any:
        """What resolvers of leaves read of their `Info`."""
        return SimpleNamespace(context=self.context_value, schema=self.schema)

    def collect_subfields(self, return_type: Any, field_details_list: Any) -> CollectedFields:
        """Return the fields of an object."""
        return self.collect(return_type, field_details_list)

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
