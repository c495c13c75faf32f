"""The GraphQL documents sent to DS, from ``queries/*.graphql``: one operation for each file.

The fragments of ``fragments.graphql`` that a file uses and does not define are appended to it. DS
chooses a champ's GraphQL type by the fragments in the document, so nothing else may change one.
Documents for several dossiers repeat the file's fields under aliases; they are cached.

The files are as graphql-core prints them, with comments at the beginning of lines: so they are cut
by their indentation. To parse them here would take longer than everything else before a request;
the tests validate each document with gql.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

FRAGMENTS = "fragments"
_DEFINITION = re.compile(r"^[a-z].*?^}$", re.MULTILINE | re.DOTALL)
_OPERATION = re.compile(r"(query|mutation) (\w+)(?:\((.*?)\))? {\n(.*)\n}", re.DOTALL)
_VARIABLE = re.compile(r"\$(\w+): ([^,\n]+)")
_FIELD = re.compile(r"^  (\w.*?^  })$", re.MULTILINE | re.DOTALL)
_ANNOTATIONS = re.compile(r"^    (annotations\(.*?^    })\n", re.MULTILINE | re.DOTALL)
_Copy = tuple[str, str, Mapping[str, str]]
"""An alias, the field of a file, and the names of its variables there, by those in the file."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its document."""

    name: str
    text: str
    is_mutation: bool

    def payload(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of the request; a variable that is None is omitted."""
        given = {name: value for name, value in variables.items() if value is not None}
        return {"query": self.text, "variables": given, "operationName": self.name}


@cache
def load(name: str) -> Operation:
    """Return the operation of ``queries/<name>.graphql`` with the fragments that it uses."""
    text = "\n\n".join(_definitions(name))
    for fragment in _definitions(FRAGMENTS):
        called = fragment.split()[1]
        # A fragment of that file uses only fragments that come after it.
        if f"fragment {called} on" not in text and re.search(rf"\.\.\.{called}\b", text):
            text += f"\n\n{fragment}"
    return _operation(text)


def _definitions(name: str) -> list[str]:
    file = files("dsync.ds").joinpath("queries", f"{name}.graphql")
    return _DEFINITION.findall(file.read_text(encoding="utf-8"))


@lru_cache(maxsize=192)
def of_several(name: str, count: int) -> Operation:
    """Return the document that asks what ``queries/<name>.graphql`` asks, of `count` numbers.

    The aliases are `d0`, `d1`, …; the variables are `number0`, `number1`, ….
    """
    (field,) = _fields(name)
    return _repeated(name, [(f"d{i}", field, {"number": f"number{i}"}) for i in range(count)])


@lru_cache(maxsize=64)
def read_annotations(count: int, ids: int) -> Operation:
    """Return the document that asks for `ids` annotations of each of `count` dossiers.

    The aliases are `d0`, `d1`, … with `a0`, `a1`, … in each; the variables are `number0`, … and,
    the same for all dossiers, `annotation0`, ….
    """
    (dossier,) = _fields("annotations")
    (one,) = _ANNOTATIONS.findall(dossier)
    # One alias an annotation: DS filters `annotations` by one id only.
    several = [_text(f"a{k}", one, {"annotation": f"annotation{k}"}) for k in range(ids)]
    text = _ANNOTATIONS.sub("".join(f"    {copy}\n" for copy in several), dossier)
    shared = {f"annotation{k}": "annotation" for k in range(ids)}
    copies = [(f"d{i}", text, {"number": f"number{i}"}) for i in range(count)]
    return _repeated("annotations", copies, shared)


# More than of the others: each mix of annotations and labels is a shape of its own.
@lru_cache(maxsize=256)
def push(shapes: tuple[tuple[bool, int, int], ...]) -> Operation:
    """Return the mutation document for several writes.

    Write i has the aliases `w<i>_annotations`, `w<i>_remove<k>` and `w<i>_add<k>`, and variables of
    the same names. DS executes mutations in the document's order. A shape says whether a write has
    annotations, and how many labels it removes and adds.
    """
    texts = dict(field.split(": ", 1) for field in _fields("push"))
    copies: list[_Copy] = []
    for i, (has_annotations, removed, added) in enumerate(shapes):
        names = [("annotations", "")] * has_annotations
        names += [("remove", str(k)) for k in range(removed)]
        names += [("add", str(k)) for k in range(added)]
        for kind, ordinal in names:
            alias = f"w{i}_{kind}{ordinal}"
            copies.append((alias, texts[kind], {kind: alias}))
    return _repeated("push", copies)


def _text(alias: str, field: str, renamed: Mapping[str, str]) -> str:
    """Return a field of a template under an alias, with renamed variables."""
    for old, new in renamed.items():
        field = re.sub(rf"\${old}\b", f"${new}", field)
    return f"{alias}: {field}"


def _fields(name: str) -> list[str]:
    """Return the fields of a file's operation."""
    found: list[str] = _FIELD.findall(_parts(load(name).text.partition("\n\n")[0])[3])
    return found


def _repeated(
    name: str, copies: Sequence[_Copy], shared: Mapping[str, str] | None = None
) -> Operation:
    """Return the operation of a file with these copies of its fields.

    `shared` has further variables, mapped to the file's variable of the same type.
    """
    operation, _, rest = load(name).text.partition("\n\n")
    kind, called, declared, _ = _parts(operation)
    types = dict(_VARIABLE.findall(declared))
    variables = {new: old for _, _, renamed in copies for old, new in renamed.items()}
    variables |= shared or {}
    # Those with a default are the same for all copies.
    variables |= {name: name for name, type_ in types.items() if "=" in type_}
    declared = ", ".join(f"${new}: {types[old]}" for new, old in variables.items())
    fields = "\n".join(f"  {_text(*copy)}" for copy in copies)
    rest = f"\n\n{rest}" if "..." in fields else ""  # GraphQL refuses an unused fragment.
    return _operation(f"{kind} {called}({declared}) {{\n{fields}\n}}{rest}")


def _operation(text: str) -> Operation:
    kind, name, *_ = _parts(text)
    return Operation(name, text, kind == "mutation")


def _parts(text: str) -> tuple[str, str, str, str]:
    """Return an operation's kind, name, variables and fields."""
    found = _OPERATION.match(text)
    if found is None:
        raise ValueError("an operation needs a name")
    kind, name, variables, body = found.groups("")
    return kind, name, variables, body
