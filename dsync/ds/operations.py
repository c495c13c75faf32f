"""The GraphQL documents sent to DS, from ``queries/*.graphql``: one operation for each file.

Each document has the fragments of ``fragments.graphql`` that it uses. DS chooses a champ's GraphQL
type by the fragments in the document, so nothing else may change one. Documents for several
dossiers repeat the file's fields under aliases. A file is parsed and a document printed once, when
it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, cast

from gql import GraphQLRequest
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    concat_ast,
    get_operation_ast,
    parse,
    print_ast,
    separate_operations,
)

FRAGMENTS = "fragments"


class Operation(GraphQLRequest):
    """A request whose document is printed once; unused fragments are left out: DS refuses them."""

    def __init__(self, document: DocumentNode) -> None:
        ((name, used),) = separate_operations(document).items()
        super().__init__(used, operation_name=name)
        self.text = print_ast(used)

    def asking(self, variables: Mapping[str, Any]) -> Operation:
        """Return the request with these variables; one that is None is omitted."""
        asked = copy(self)
        asked.variable_values = {name: v for name, v in variables.items() if v is not None}
        return asked

    @property
    def payload(self) -> dict[str, Any]:
        """The body of the request."""
        return {
            "query": self.text,
            "variables": self.variable_values or {},
            "operationName": self.operation_name,
        }


@cache
def load(name: str) -> Operation:
    """Return the operation of ``queries/<name>.graphql`` with the fragments that it uses."""
    return Operation(concat_ast([_parsed(name), _parsed(FRAGMENTS)]))


@cache
def _parsed(name: str) -> DocumentNode:
    file = files("dsync.ds").joinpath("queries", f"{name}.graphql")
    return parse(file.read_text(encoding="utf-8"), no_location=True)


@lru_cache(maxsize=192)
def of_several(name: str, count: int) -> Operation:
    """Return the document that asks what ``queries/<name>.graphql`` asks, of `count` numbers.

    The aliases are `d0`, `d1`, …; the variables are `number0`, `number1`, ….
    """
    (field,) = _fields(operation_of(load(name)))
    numbers = {f"number{i}": "number" for i in range(count)}
    copies = [_copy(field, f"d{i}", number) for i, number in enumerate(numbers)]
    return _repeated(name, copies, numbers)


@lru_cache(maxsize=64)
def read_annotations(count: int, ids: int) -> Operation:
    """Return the document that asks for `ids` annotations of each of `count` dossiers.

    The aliases are `d0`, `d1`, … with `a0`, `a1`, … in each; the variables are `number0`, … and,
    the same for all dossiers, `annotation0`, ….
    """
    (dossier,) = _fields(operation_of(load("annotations")))
    numbers = {f"number{i}": "number" for i in range(count)}
    annotations = {f"annotation{k}": "annotation" for k in range(ids)}
    *others, one = _fields(dossier)  # `annotations` is the last one.
    # One alias an annotation: DS filters `annotations` by one id only.
    several = [_copy(one, f"a{k}", variable) for k, variable in enumerate(annotations)]
    selected = SelectionSetNode(selections=(*others, *several))
    dossier = replace(dossier, selection_set=selected)
    copies = [_copy(dossier, f"d{i}", number) for i, number in enumerate(numbers)]
    return _repeated("annotations", copies, numbers | annotations)


# More than of the others: each mix of annotations and labels is a shape of its own.
@lru_cache(maxsize=256)
def push(shapes: tuple[tuple[bool, int, int], ...]) -> Operation:
    """Return the mutation document for several writes.

    Write i has the aliases `w<i>_annotations`, `w<i>_remove<k>` and `w<i>_add<k>`, and variables of
    the same names. DS executes mutations in the document's order. A shape says whether a write has
    annotations, and how many labels it removes and adds.
    """
    fields = {
        field.alias.value: field for field in _fields(operation_of(load("push"))) if field.alias
    }
    kinds: dict[str, str] = {}
    for i, (has_annotations, removed, added) in enumerate(shapes):
        kinds |= {f"w{i}_annotations": "annotations"} if has_annotations else {}
        kinds |= {f"w{i}_remove{k}": "remove" for k in range(removed)}
        kinds |= {f"w{i}_add{k}": "add" for k in range(added)}
    copies = [_copy(fields[kind], alias, alias) for alias, kind in kinds.items()]
    return _repeated("push", copies, kinds)


def is_mutation(request: GraphQLRequest) -> bool:
    """Return whether a request can change something."""
    return operation_of(request).operation is not OperationType.QUERY


def operation_of(request: GraphQLRequest) -> OperationDefinitionNode:
    """Return the operation of a request.

    Raises:
        ValueError: its document has several, and it names none.
    """
    found = get_operation_ast(request.document, request.operation_name)
    if found is None:
        raise ValueError("which operation?")
    return found


def _fields(parent: OperationDefinitionNode | FieldNode) -> Sequence[FieldNode]:
    """Return the fields of what is to be repeated, which has no fragment beside them."""
    return cast(
        "Sequence[FieldNode]", parent.selection_set.selections if parent.selection_set else ()
    )


def _copy(field: FieldNode, alias: str, variable: str) -> FieldNode:
    """Return a field under an alias, with another variable as its one argument."""
    (argument,) = field.arguments or ()
    value = VariableNode(name=NameNode(value=variable))
    arguments = (ArgumentNode(name=argument.name, value=value),)
    return replace(field, alias=NameNode(value=alias), arguments=arguments)


def _repeated(name: str, copies: Sequence[FieldNode], variables: Mapping[str, str]) -> Operation:
    """Return the operation of a file with these copies of its fields.

    `variables` are those of the copies, with the file's variable of the same type.
    """
    document, operation = load(name).document, operation_of(load(name))
    declared = {one.variable.name.value: one for one in operation.variable_definitions or ()}
    definitions = [
        replace(declared[old], variable=VariableNode(name=NameNode(value=new)))
        for new, old in variables.items()
    ]
    # Those with a default are the same for all copies.
    definitions += [one for one in declared.values() if one.default_value]
    repeated = replace(
        operation,
        variable_definitions=tuple(definitions),
        selection_set=SelectionSetNode(selections=tuple(copies)),
    )
    fragments = [one for one in document.definitions if one is not operation]
    return Operation(DocumentNode(definitions=(repeated, *fragments)))
