"""Checks that are functions of an installed package, which a file calls by name.

A package registers them as entry points of the group `dsync.checks`. Such a function takes facts by
name, all of them answered, and its parameters; it returns what it found, and reads nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, get_type_hints

from pydantic import TypeAdapter, ValidationError

from dsync.controles.declarations import DeclaredControle
from dsync.domain.remedies import nearest
from dsync.domain.verdict import Resultat

GROUP = "dsync.checks"


class Found(NamedTuple):
    """What a function found of a dossier."""

    resultat: Resultat
    constat: str
    """A French sentence, which ends with a point; rule and remedy are in the file."""


Function = Callable[[Mapping[str, Any]], Found]
"""A function with its parameters."""


def installed(name: str) -> EntryPoint | None:
    """Return the function of a name."""
    return next(iter(entry_points(group=GROUP, name=name)), None)


def bound(one: DeclaredControle) -> Function | list[str]:
    """Return the function of a check with its parameters, or what is wrong with them."""
    if (entry := installed(one.fonction or "")) is None:
        near = nearest(one.fonction or "", entry_points(group=GROUP).names)
        hint = f" ; {near} ?" if near else " : installez son paquet"
        return [f"« {one.fonction} » n’est pas une fonction installée{hint}"]
    function = entry.load()
    given = one.parametres
    if (shape := get_type_hints(function).get("parametres")) is not None:
        try:
            given = TypeAdapter(shape).validate_python(one.parametres)
        except ValidationError as exc:
            return [*_faults(exc)]
    return lambda faits: function(faits, given)


def _faults(exc: ValidationError) -> Iterator[str]:
    for error in exc.errors(include_url=False):
        place = ".".join(map(str, ("parametres", *error["loc"])))
        yield f"{place} : {error['msg']}"


def versions(controles: Iterable[DeclaredControle]) -> list[tuple[str, str]]:
    """Return the functions that checks call, with the versions of their packages."""
    names = sorted({one.fonction for one in controles if one.fonction})
    found = [(name, entry) for name in names if (entry := installed(name))]
    return [(name, entry.dist.version if entry.dist else "") for name, entry in found]
