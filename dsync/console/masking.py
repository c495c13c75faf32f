"""What a lecteur does not see: every value whose column is marked as personal data or free text.

The marks are those of the views' documentation, which exports and `grant-reader` use, too. A value
is recognised by its name in the rows as they are read, so that what a page works out from them has
none of it under any name. What does not come from a reader is masked as the page is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cache, cached_property
from inspect import ismethod
from typing import Any, TypeVar

from dsync.programme import Programme
from dsync.store import Reader
from dsync.store.dictionary import OF_PERSON, is_masked
from dsync.store.reading_views import shipped_dictionary
from dsync.store.sql import Subject

T = TypeVar("T", bound=Subject)

ALSO = frozenset({"valeur_distante", "demande_par", "force_par", "force_sur", "instructeurs"})
"""Names that no view marks: what a person wrote in DS, who asked for something by hand, and who
follows a dossier."""

NO_DATA = frozenset({"connection", "programme", "number", "scope"})
"""What a reader and its objects have besides: pages put nothing of it into templates."""
CLOSED = ("contents", "persons", "seals", "verification")
"""A reader's objects whose rows have names that no view documents."""

_PLAIN = (str, int, float, Decimal, date, time, timedelta, type(None))


@cache
def names_marked(programme: type[Programme], mark: Callable[[str], bool]) -> frozenset[str]:
    """Return the names of the columns whose documentation has a mark."""
    return frozenset(
        name
        for view in shipped_dictionary(programme).values()
        for name, sentence in view["columns"].items()
        if mark(sentence)
    )


def _is_of_person(sentence: str) -> bool:
    return sentence.endswith(OF_PERSON)


class Masking:
    """Leaves out of rows, lists and what holds them the values that a lecteur does not see.

    Args:
        reader: of the same transaction as the rows.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._names = ALSO | names_marked(reader.programme, is_masked)
        self._of_person = names_marked(reader.programme, _is_of_person)

    def __call__(self, value: Any) -> Any:
        """Return a copy of a value without them.

        Raises:
            TypeError: of a type that is not known to hold none.
        """
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, Mapping):
            return self._row(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            row: Any = value
            return type(row)(**self._row(row._asdict()))
        if isinstance(value, list | tuple | set | frozenset):
            return type(value)(map(self, value))
        raise TypeError(f"a lecteur's page would show a {type(value).__name__} as it is")

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        hidden = self._names
        named = [name for name in self._of_person if row.get(name) is not None]
        if named and row.get("numero") not in self._shown:
            hidden |= self._of_person
        return {key: None if key in hidden else self(inner) for key, inner in row.items()}

    @cached_property
    def _shown(self) -> frozenset[int]:
        """The dossiers whose applicant is no single person."""
        return self._reader.dossiers.enterprises()


def masked(reader: Reader) -> Reader:
    """Return a reader each of whose methods returns masked values, also one that is added later.

    It does not have the objects that no page reads.

    Args:
        reader: of a démarche; it reads them.

    Raises:
        TypeError: the reader offers data in another way than by a method.
    """
    made = _masked(reader, Masking(reader))
    for name in CLOSED:
        delattr(made, name)
    return made


def _offered(subject: Subject) -> set[str]:
    # `dir` takes most of a millisecond for all of them, at each page of a lecteur.
    places = (*type(subject).__mro__[:-1], subject)
    names = {name for place in places for name in vars(place) if not name.startswith("_")}
    return names - NO_DATA


def _masked(subject: T, masking: Masking) -> T:
    made = copy(subject)
    for name in _offered(subject):
        offered = getattr(subject, name)
        if isinstance(offered, Subject):
            setattr(made, name, _masked(offered, masking))
        elif ismethod(offered):
            setattr(made, name, _method(offered, masking))
        else:
            raise TypeError(f"a lecteur's page would show the reader's {name} as it is")
    return made


def _method(method: Callable[..., Any], masking: Masking) -> Callable[..., Any]:
    def masking_method(*arguments: Any, **options: Any) -> Any:
        return masking(method(*arguments, **options))

    return masking_method
