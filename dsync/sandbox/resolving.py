"""Finds how a field is answered: by a registered function, else by the value's own entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from dsync.sandbox.clock import iso

if TYPE_CHECKING:
    from dsync.sandbox.context import Context

Resolve: TypeAlias = Callable[..., Any]

_RESOLVERS: dict[tuple[str, str], Resolve] = {}
_TYPENAMES: dict[str, Callable[[Any, Any], str]] = {}


def answers(types: str, **fields: Resolve) -> None:
    """Register how fields of one type, or of several, are answered."""
    for type_ in types.split():
        for name, resolve in fields.items():
            _RESOLVERS[type_, name] = resolve


def is_one_of(interface: str, typename: Callable[[Any, Context], str]) -> None:
    """Register how the concrete type of an interface's value is told."""
    _TYPENAMES[interface] = typename


def typename_of(interface: str, value: Any, context: Context) -> str:
    """Return the concrete type under which a value is answered."""
    return _TYPENAMES[interface](value, context)


@cache
def resolver(type_: str, name: str) -> Resolve:
    """Return the function that answers a field."""
    return _RESOLVERS.get((type_, name)) or _entry(name)


def _entry(name: str) -> Resolve:
    """Answer with the entry or attribute of that name, in either spelling."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

    def resolve(value: Any, _context: Context) -> Any:
        if isinstance(value, dict):
            found = value.get(name, value.get(snake))
        else:
            found = getattr(value, snake, None)
        return iso(found) if isinstance(found, datetime) else found

    return resolve
