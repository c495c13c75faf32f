"""Checks that are functions, which a file calls by name: of an installed package or the programme.

A package registers them as entry points of the group `dsync.checks`. Such a function takes facts by
name, all of them answered, and its parameters; it returns what it found, and reads nothing else.
One of the programme takes what the programme knows of the dossier in place of facts by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, NamedTuple, get_type_hints

from pydantic import TypeAdapter, ValidationError

from dsync.controles.declarations import DeclaredControle
from dsync.domain.dossier import Json
from dsync.domain.remedies import nearest
from dsync.domain.verdict import Resultat

GROUP = "dsync.checks"


class Found(NamedTuple):
    """What a function found of a dossier."""

    resultat: Resultat
    constat: str
    """A French sentence, which ends with a point."""
    regle: str | None = None
    """The rule in this situation; None: the file's, empty: none."""
    a_faire: str | None = None
    """The same of what there is to do: a sentence that begins behind « À faire : »."""
    preuve: Mapping[str, Json] = {}
    """What it saw, beside the facts that it takes by name."""
    court: str = ""
    """The finding in a few words, for lists; empty: as it is."""
    demande: Sequence[str] | None = None
    """What the applicant is asked for, from its fullest wording to its shortest one: sentences,
    which quote what people typed; None: what the file says, empty: nothing."""


class Function(NamedTuple):
    """A function with its parameters."""

    call: Callable[..., Found]
    parametres: Any

    def __call__(self, faits: Any) -> Found:
        """Return what it finds of these facts."""
        return self.call(faits, self.parametres)


Call = Callable[..., Found]
"""A function as it is written: of facts and `parametres`."""


@cache
def _registered() -> EntryPoints:
    """Return the functions of all packages: a look at each of them, once a process."""
    return entry_points(group=GROUP)


def installed(name: str) -> EntryPoint | None:
    """Return the function of a name."""
    return next(iter(_registered().select(name=name)), None)


def bound(one: DeclaredControle, own: Mapping[str, Call]) -> Function | list[str]:
    """Return the function of a check with its parameters, or what is wrong with them."""
    name, given = one.fonction or "", one.parametres
    if (function := own.get(name)) is None:
        if (entry := installed(name)) is None:
            near = nearest(name, (*own, *_registered().names))
            hint = f" ; {near} ?" if near else " : installez son paquet"
            return [f"« {name} » n’est pas une fonction installée{hint}"]
        function = entry.load()
    if (reader := _parameters_of(function)) is not None:
        try:
            given = reader.validate_python(one.parametres)
        except ValidationError as exc:
            return [*_faults(exc)]
    return Function(function, given)


@cache
def _parameters_of(function: Call) -> TypeAdapter[Any] | None:
    """Return what reads the parameters of a function, None if it takes none; slow to make."""
    shape = get_type_hints(function).get("parametres")
    return None if shape is None else TypeAdapter(shape)


def _faults(exc: ValidationError) -> Iterator[str]:
    for error in exc.errors(include_url=False):
        place = ".".join(map(str, ("parametres", *error["loc"])))
        kind, own = error["type"], error.get("ctx", {}).get("error")
        yield f"{place} : {own or _FAULTS.get(kind.partition('_')[0], 'valeur refusée')}"


_FAULTS = {
    "bool": "true ou false est attendu",
    "dataclass": "une table de clés est attendue",
    "date": "un jour comme 2027-06-30 est attendu, sans guillemets",
    "dict": "une table de clés est attendue",
    "extra": "clé inconnue",
    "float": "un nombre est attendu",
    "int": "un nombre entier est attendu",
    "list": "une liste entre crochets est attendue",
    "missing": "clé à ajouter",
    "string": "un texte est attendu, entre guillemets et non vide",
    "too": "trop peu de valeurs, ou trop",
    "tuple": "une liste entre crochets est attendue",
    "unexpected": "clé inconnue",
}
"""By the first word of pydantic's type of error; a function's own error has its sentence."""


def versions(controles: Iterable[DeclaredControle]) -> list[tuple[str, str]]:
    """Return the functions that checks call, with the versions of their packages."""
    names = sorted({one.fonction for one in controles if one.fonction})
    found = [(name, entry) for name in names if (entry := installed(name))]
    return [(name, entry.dist.version if entry.dist else "") for name, entry in found]
