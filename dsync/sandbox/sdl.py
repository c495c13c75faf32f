"""The schema that the sandbox serves, read once from ``schema.graphql``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema, build_schema

from dsync.sandbox import clock

_READERS: dict[str, Callable[[str], Any]] = {
    "ISO8601DateTime": clock.instant,
    "ISO8601Date": clock.day,
}


def text() -> str:
    """Return the SDL as it is written."""
    return files("dsync.sandbox").joinpath("schema.graphql").read_text(encoding="utf-8")


@cache
def schema() -> GraphQLSchema:
    """Return the executable schema, with the scalars that read dates."""
    built = build_schema(text())
    for name, read in _READERS.items():
        scalar = built.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)  # noqa: S101 - the SDL is ours
        scalar.parse_value = _strict(name, read)  # type: ignore[method-assign,assignment]
    return built


def _strict(name: str, read: Callable[[str], Any]) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return read(value)
            except ValueError:
                pass
        raise GraphQLError(f"Could not coerce value {value!r} to {name}")

    return parse
