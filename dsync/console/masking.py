"""What a person does not see of what a reader returns: values, and dossiers of other groupes.

A lecteur sees no value whose column is marked as personal data or free text, and no mark before the
deliberation; the jury sees marks, evaluators, and the free texts of a candidature. The marks are
those of the views' documentation, which exports and `grant-reader` use, too. A value is recognised
by its name in the rows as they are read, so that what a page works out from them has none of it
under any name. What does not come from a reader is masked as the page is made.

Of a check, everybody sees what the programme declares as public: why a dossier is Inéligible where
the reason is a published rule and public evidence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from copy import copy
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cache, cached_property
from inspect import ismethod
from typing import Any, TypeVar

from dsync.console.access import Right
from dsync.domain.documented import MASKED, Mark
from dsync.programme import Programme
from dsync.store import Reader
from dsync.store.dictionary import NO_PROGRAMME
from dsync.store.reading_views import shipped_dictionary
from dsync.store.sql import Subject

T = TypeVar("T", bound=Subject)

ALSO = frozenset({"valeur_distante", "demande_par", "force_par", "force_sur", "instructeurs"})
"""Names that no view marks: what a person wrote in DS, who asked for something by hand, and who
follows a dossier."""

OF_JURY = frozenset({"evaluateur"})
"""Personal data that the jury sees: its own names."""

NO_DATA = frozenset({"connection", "programme", "number", "scope"})
"""What a reader and its objects have besides: pages put nothing of it into templates."""
CLOSED = ("contents", "persons", "seals", "verification")
"""A reader's objects whose rows have names that no view documents."""

_PLAIN = (str, int, float, Decimal, date, time, timedelta, type(None))


@cache
def names_marked(programme: type[Programme], *marks: Mark) -> frozenset[str]:
    """Return the names of the columns of the views that have one of these marks."""
    return frozenset(
        name
        for view in shipped_dictionary(programme).values()
        for name, one in view.columns.items()
        if one.mark in marks
    )


@cache
def hidden_names(programme: type[Programme], rights: frozenset[Right]) -> frozenset[str]:
    """Return the names of the columns whose values somebody with these rights does not see."""
    hidden: frozenset[str] = frozenset()
    if Right.PERSONNES not in rights:
        hidden = ALSO | names_marked(programme, *MASKED)
    if Right.PERSONNES not in rights and Right.TEXTES in rights:
        hidden -= _texts_of_candidature(programme) | OF_JURY
    if Right.NOTES not in rights:
        # Not « rang », which is that of other things elsewhere: ranks are on pages for marks alone.
        others = names_marked(programme, *{*Mark} - {Mark.OF_JURY})
        hidden |= names_marked(programme, Mark.OF_JURY) - others
    return hidden


def _texts_of_candidature(programme: type[Programme]) -> frozenset[str]:
    """Return the names of free texts of the programme's views of a dossier, and of no other ones.

    The engine's have the answers to all questions, those about contacts, too.
    """
    storage = programme.storage
    views = storage.views
    own = {storage.main_view.name, *(one.name for one in storage.dossier_views.values())}
    texts = {
        name
        for view in own & views.keys()
        for name, one in views[view].columns.items()
        if one.mark is Mark.FREE_TEXT
    }
    return (
        frozenset(texts)
        - names_marked(NO_PROGRAMME, *MASKED)
        - names_marked(programme, Mark.PERSONAL)
    )


class PublicCheck(dict[str, Any]):
    """A check's row as somebody sees it who sees no free texts: it was masked already."""


class Masking:
    """Leaves out of rows, lists and what holds them what somebody does not see.

    The reader is of the same transaction as the rows, and of the groupes whose dossiers they see.
    `public` is what is public of checks, as `Programme` says it; None: of the database's programme.
    """

    def __init__(
        self,
        reader: Reader,
        rights: frozenset[Right],
        public: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._reader = reader
        self._open = reader.programme.public if public is None else public
        self._names = hidden_names(reader.programme, rights)
        self._of_person: frozenset[str] = frozenset()
        if Right.PERSONNES not in rights:
            self._of_person = names_marked(reader.programme, Mark.OF_PERSON)

    def __call__(self, value: Any, numero: int | None = None) -> Any:
        """Return a copy of a value, a row or a list about a dossier, without them.

        Raises:
            TypeError: of a type that is not known to hold none.
        """
        if isinstance(value, (*_PLAIN, PublicCheck)):
            return value
        if isinstance(value, Mapping):
            return self._row(value, numero)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            row: Any = value
            return type(row)(**self._row(row._asdict(), numero))
        if isinstance(value, list | tuple | set | frozenset):
            return type(value)(self(one, numero) for one in value if self.sees(one))
        raise TypeError(f"a lecteur's page would show a {type(value).__name__} as it is")

    def sees(self, row: Any) -> bool:
        """Return whether a row is of no dossier, or of one that the person sees."""
        if self._reader.scope.groupes is None:
            return True
        if isinstance(row, tuple) and hasattr(row, "_asdict"):
            row = row._asdict()
        if not isinstance(row, Mapping):
            return True
        numbers = [row["numero"]] if row.get("numero") else _asked(row)
        return not numbers or not self._read.isdisjoint(numbers)

    def _row(self, row: Mapping[str, Any], numero: int | None) -> dict[str, Any]:
        hidden = self._names
        number = row.get("numero") or numero
        named = any(row.get(name) is not None for name in self._of_person)
        if named and number not in self._shown:
            hidden |= self._of_person
        if self._reader.scope.groupes is not None and _asked(row):
            row = {**row, "options": self._options(row["options"])}
        made = {key: None if key in hidden else self(inner, number) for key, inner in row.items()}
        if "motif" in hidden and {"controle", "motif", "preuve"} <= row.keys():
            return PublicCheck(made | (self._public(row) if number in self._shown else {}))
        return made

    def _public(self, check: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is public of a check: evidence, and the reason if it rests on nothing else.

        A person's answer, or a decision about the applicant, is other evidence.
        """
        evidence, is_text = check["preuve"], isinstance(check["preuve"], str)
        if is_text:
            with suppress(ValueError):
                evidence = json.loads(evidence)
        if not isinstance(evidence, Mapping):
            return {}
        known = self._open.get(check["controle"], frozenset())
        public = {key: value for key, value in evidence.items() if key in known}
        says = "motif" in known and public.keys() == evidence.keys()
        return {
            "preuve": json.dumps(public, ensure_ascii=False) if is_text else public,
            "motif": check["motif"] if says else None,
        }

    def _options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was asked for without what is said of dossiers that the person does not see.

        `shown` has values by their numbers.
        """
        kept = {key: value for key, value in options.items() if key != "shown"}
        return kept | {"dossiers": [one for one in kept["dossiers"] if one in self._read]}

    @cached_property
    def _shown(self) -> frozenset[int]:
        """The dossiers whose applicant is no single person."""
        return self._reader.dossiers.enterprises()

    @cached_property
    def _read(self) -> frozenset[int]:
        """The dossiers of the groupes that the person sees."""
        return self._reader.dossiers.of_groupes()


def _asked(row: Mapping[str, Any]) -> Collection[int]:
    """Return the dossiers of a request; nothing for another row, or if it is for all."""
    options = row.get("options")
    return (options.get("dossiers") or ()) if isinstance(options, Mapping) else ()


def masked(
    reader: Reader,
    rights: frozenset[Right],
    public: Mapping[str, Collection[str]] | None = None,
) -> Reader:
    """Return a reader each of whose methods returns masked values, also one that is added later.

    It does not have the objects that no page reads. The arguments are those of `Masking`.

    Raises:
        TypeError: the reader offers data in another way than by a method.
    """
    made = _masked(reader, Masking(reader, rights, public))
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
        found = method(*arguments, **options)
        return masking(found) if masking.sees(found) else None

    return masking_method
