"""Junk in answers: any JSON at any path of a dossier's node or of an answer, holes as GraphQL's.

Works on the JSON that is about to be sent, so that it reaches every document alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, is_non_null_type

from dsync.sandbox import ids
from dsync.sandbox.answers import as_json
from dsync.sandbox.sdl import schema

Path = tuple[str | int, ...]
_ROOTS = ("data", "demarche", "dossiers", "nodes")


@dataclass(frozen=True, slots=True)
class Junk:
    """What stands at a path instead of what is true; a field that was not asked for stays away."""

    path: Path
    """Keys and indexes, from the dossier's node or, without a dossier, from the answer's top."""
    json: str = "null"
    """JSON to the letter: it may be nested, large, or none at all."""
    dossier: int | None = None
    is_hole: bool = False
    """Null as the platform's data have it: the nearest nullable object goes, `errors` tells."""


def spoil(body: bytes, junk: Sequence[Junk]) -> bytes:
    """Return an answer with the junk in it."""
    answer = json.loads(body)
    for number, item in enumerate(junk):
        starts: list[Path] = [()] if item.dossier is None else list(_nodes(answer, item.dossier))
        for start in starts:
            place = (*start, *item.path)
            if item.is_hole:
                _dig(answer, len(start), place)
            else:
                _put(answer, place, _mark(number))
    body = as_json(answer)
    for number, item in enumerate(junk):
        body = body.replace(as_json(_mark(number)), item.json.encode("utf-8", "surrogateescape"))
    return body


def _mark(number: int) -> str:
    return f"@@junk {number}@@"


def _nodes(answer: dict[str, Any], dossier: int) -> Iterator[Path]:
    """Yield where a dossier's node is: in a page, alone, or under an alias."""
    data = answer.get("data")
    data = data if isinstance(data, dict) else {}
    page = _at(answer, _ROOTS)
    places: list[Path] = [(*_ROOTS, i) for i in range(len(page) if isinstance(page, list) else 0)]
    places += [("data", name) for name in data]
    known = {"number": dossier, "id": ids.encode("Dossier", dossier)}
    for place in places:
        node = _at(answer, place)
        if isinstance(node, dict) and any(node.get(key) == known[key] for key in known):
            yield place


def _at(answer: Any, path: Path) -> Any:
    for key in path:
        if isinstance(answer, dict):
            answer = answer.get(key)
        elif isinstance(answer, list) and isinstance(key, int) and key < len(answer):
            answer = answer[key]
        else:
            return None
    return answer


def _put(answer: Any, path: Path, value: Any) -> bool:
    """Put a value where something was asked for; tell whether it was."""
    parent, key = _at(answer, path[:-1]), path[-1]
    is_there = (isinstance(parent, dict) and key in parent) or (
        isinstance(parent, list) and isinstance(key, int) and key < len(parent)
    )
    if is_there:
        parent[key] = value
    return is_there


def _dig(answer: dict[str, Any], start: int, path: Path) -> None:
    """Take a value out, and what cannot be without it."""
    parent, key = _at(answer, path[:-1]), path[-1]
    if not isinstance(parent, dict) or key not in parent:
        return
    type_, owner = "Dossier", "Dossier"
    # A page's node is nullable, a dossier asked for alone is not: then all the data go.
    nullable: Path = path[:start] if path[:1] == _ROOTS[:1] and "nodes" in path else ("data",)
    for depth in range(start, len(path)):
        name = path[depth]
        if isinstance(name, int):  # Elements of the lists met here are never null.
            continue
        object_ = schema().type_map[_typename(_at(answer, path[:depth]), type_)]
        assert isinstance(object_, GraphQLObjectType)  # noqa: S101 - nodes say their types
        owner, field = object_.name, object_.fields.get(name)
        if field is None or not is_non_null_type(field.type):
            nullable = path[: depth + 1]
        if field is not None:
            type_ = _named(field.type)
    _put(answer, nullable, None)
    error = {
        "message": f"Cannot return null for non-nullable field {owner}.{key}",
        "path": list(path[1:]),
        "extensions": {"code": "invalid_null"},
    }
    answer["errors"] = [*answer.get("errors", []), error]


def _typename(node: Any, declared: str) -> str:
    found = node.get("__typename") if isinstance(node, dict) else None
    return found or declared


def _named(type_: Any) -> str:
    while not hasattr(type_, "name"):
        type_ = type_.of_type
    return str(type_.name)
