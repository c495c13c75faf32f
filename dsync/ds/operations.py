"""The GraphQL documents sent to DS, from ``queries/*.graphql``: one operation for each file.

The fragments of ``fragments.graphql`` that a file uses and does not define are appended to it. DS
chooses a champ's GraphQL type by the fragments in the document, so nothing else may change one.
Documents for several dossiers repeat the file's fields under aliases; they are cached.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from gql import GraphQLRequest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    parse,
    print_ast,
)

FRAGMENTS = "fragments"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its document."""

    name: str
    document: DocumentNode
    text: str
    is_mutation: bool

    def request(self, variables: Mapping[str, Any]) -> GraphQLRequest:
        """Return the request for these variables; a variable that is None is omitted."""
        given = {name: value for name, value in variables.items() if value is not None}
        return _FrozenRequest(self, given)


class _FrozenRequest(GraphQLRequest):
    """A request with the document's text: gql would print the document again, which takes 3 ms."""

    def __init__(self, operation: Operation, variables: dict[str, Any]) -> None:
        super().__init__(
            operation.document, variable_values=variables, operation_name=operation.name
        )
        self._text = operation.text

    @property
    def payload(self) -> dict[str, Any]:
        return {
            "query": self._text,
            "variables": self.variable_values,
            "operationName": self.operation_name,
        }


@cache
def load(name: str) -> Operation:
    """Return the operation of ``queries/<name>.graphql`` with the fragments that it uses."""
    text = _text(name)
    has = _fragments(text)
    for fragment, body in _fragments(_text(FRAGMENTS)).items():
        # A fragment of that file uses only fragments that come after it.
        if fragment not in has and re.search(rf"\.\.\.{fragment}\b", text):
            text += f"\n{body}"
    return _operation(text)


def _text(name: str) -> str:
    return files("dsync.ds").joinpath("queries", f"{name}.graphql").read_text(encoding="utf-8")


def _fragments(text: str) -> dict[str, str]:
    definitions = parse(text, no_location=True).definitions
    return {
        d.name.value: print_ast(d) for d in definitions if isinstance(d, FragmentDefinitionNode)
    }


@lru_cache(maxsize=192)
def of_several(name: str, count: int) -> Operation:
    """Return the document that asks what ``queries/<name>.graphql`` asks, of `count` numbers.

    The aliases are `d0`, `d1`, …; the variables are `number0`, `number1`, ….
    """
    template = _Template(name)
    (field,) = template.fields
    return template.repeated(
        _Copy(f"d{i}", print_ast(field), {"number": f"number{i}"}) for i in range(count)
    )


@lru_cache(maxsize=64)
def read_annotations(count: int, ids: int) -> Operation:
    """Return the document that asks for `ids` annotations of each of `count` dossiers.

    The aliases are `d0`, `d1`, … with `a0`, `a1`, … in each; the variables are `number0`, … and,
    the same for all dossiers, `annotation0`, ….
    """
    template = _Template("annotations")
    (dossier,) = template.fields
    selections = dossier.selection_set.selections if dossier.selection_set else ()
    head = print_ast(dossier).partition("{")[0]
    body = []
    for selection in selections:
        text = print_ast(selection)
        if not text.startswith("annotations("):
            body.append(text)
            continue
        # One alias an annotation: DS filters `annotations` by one id only.
        body += [_Copy(f"a{k}", text, {"annotation": f"annotation{k}"}).text() for k in range(ids)]
    text = head + "{" + "\n".join(body) + "}"
    shared = {f"annotation{k}": "annotation" for k in range(ids)}
    return template.repeated(
        (_Copy(f"d{i}", text, {"number": f"number{i}"}) for i in range(count)), shared
    )


# More than of the others: each mix of annotations and labels is a shape of its own.
@lru_cache(maxsize=256)
def push(shapes: tuple[tuple[bool, int, int], ...]) -> Operation:
    """Return the mutation document for several writes.

    Write i has the aliases `w<i>_annotations`, `w<i>_remove<k>` and `w<i>_add<k>`, and variables of
    the same names. DS executes mutations in the document's order. A shape says whether a write has
    annotations, and how many labels it removes and adds.
    """
    template = _Template("push")
    texts = {field.alias.value: print_ast(field) for field in template.fields if field.alias}
    copies = []
    for i, (has_annotations, removed, added) in enumerate(shapes):
        names = [("annotations", "")] * has_annotations
        names += [("remove", str(k)) for k in range(removed)]
        names += [("add", str(k)) for k in range(added)]
        for kind, ordinal in names:
            alias = f"w{i}_{kind}{ordinal}"
            copies.append(_Copy(alias, texts[kind].partition(": ")[2], {kind: alias}))
    return template.repeated(copies)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A field of a template under an alias, with renamed variables."""

    alias: str
    field: str
    renamed: Mapping[str, str]

    def text(self) -> str:
        body = self.field
        for old, new in self.renamed.items():
            body = re.sub(rf"\${old}\b", f"${new}", body)
        return f"{self.alias}: {body}"


class _Template:
    """The operation of a file, whose fields are repeated."""

    def __init__(self, name: str) -> None:
        document = load(name).document
        definition = _definition(document)
        self._head = f"{definition.operation.value} {definition.name.value}"  # type: ignore[union-attr]
        self._types = {
            variable.variable.name.value: print_ast(variable).partition(": ")[2]
            for variable in definition.variable_definitions or ()
        }
        self._rest = "\n".join(print_ast(d) for d in document.definitions if d is not definition)
        self.fields = [f for f in definition.selection_set.selections if isinstance(f, FieldNode)]

    def repeated(
        self, copies: Iterable[_Copy], shared: Mapping[str, str] | None = None
    ) -> Operation:
        """Return the operation with these fields.

        `shared` has further variables, mapped to the template's variable of the same type.
        """
        # Iterated twice: for the variables and for the fields.
        made = list(copies)
        variables = {new: old for copy in made for old, new in copy.renamed.items()}
        variables.update(shared or {})
        # Those with a default are the same for all copies.
        variables |= {name: name for name, type_ in self._types.items() if "=" in type_}
        declared = ", ".join(f"${new}: {self._types[old]}" for new, old in variables.items())
        fields = "\n".join(copy.text() for copy in made)
        rest = self._rest if "..." in fields else ""  # GraphQL refuses an unused fragment.
        return _operation(f"{self._head}({declared}) {{\n{fields}\n}}\n{rest}")


def _operation(text: str) -> Operation:
    document = parse(text, no_location=True)
    definition = _definition(document)
    if definition.name is None:
        raise ValueError("an operation needs a name")
    return Operation(
        name=definition.name.value,
        document=document,
        text=print_ast(document),
        is_mutation=definition.operation is OperationType.MUTATION,
    )


def _definition(document: DocumentNode) -> OperationDefinitionNode:
    return next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
