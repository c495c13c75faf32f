"""The queries that the platform keeps under a name, as far as the sandbox has them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from graphql import get_introspection_query

_FILES = {"ds-query-v2": "stored.graphql"}


@cache
def query(name: str) -> str | None:
    """Return the text of a stored query, None when there is none of that name."""
    if name == "introspection":
        return get_introspection_query(descriptions=True)
    if name not in _FILES:
        return None
    return files("dsync.sandbox").joinpath(_FILES[name]).read_text(encoding="utf-8")
