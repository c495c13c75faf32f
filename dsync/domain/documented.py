"""What is declared of columns: each has its sentence, its mark, its type; of codes: their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

from dsync.domain.wording import listed


class Code(StrEnum):
    """A value that columns have, and the words for it, which are declared here alone."""

    label: str
    """What pages show, in French; by default, the code."""
    meaning: str
    """The sentence of `lecture_valeur`."""
    english: str
    """What commands say, if they do."""

    def __new__(cls, code: str, label: str = "", meaning: str = "", english: str = "") -> Self:
        """Declare a code, or return the one of a value."""
        made = str.__new__(cls, code)
        made._value_ = code
        made.label, made.meaning, made.english = label or code, meaning, english
        return made

    @classmethod
    def labels(cls) -> dict[str, str]:
        """Return the labels, by code."""
        return {one.value: one.label for one in cls}


Codes = Iterable[Code] | Mapping[str, str]
"""The fixed values of a column, or their meanings by value."""


class Mark(StrEnum):
    """Who may see a column's values: the last sentence of its documentation."""

    OPEN = ""
    PERSONAL = "Donnée personnelle."
    FREE_TEXT = "Texte libre."
    OF_PERSON = "Donnée personnelle si le demandeur est une personne ou un entrepreneur individuel."
    OF_JURY = "Note du jury."
    """Of marks and ranks, which not everybody sees before the deliberation."""


MASKED = (Mark.PERSONAL, Mark.FREE_TEXT)
"""Readers without personal data see nothing in such a column."""


class Declared(NamedTuple):
    """What is declared of a column."""

    sentence: str = ""
    """In French, without the mark."""
    mark: Mark = Mark.OPEN
    type: str = "text"
    """integer, number, boolean, date, datetime, json or text."""
    sql: str = ""
    """In a view: what its SELECT has for `{columns}`; empty: its file has it."""
    since: str = "1.0.0"
    """The version of dsync that brought it."""
    codes: Mapping[str, str] = MappingProxyType({})
    """The meanings of its values, if these are fixed ones."""

    @property
    def said(self) -> str:
        """The sentence with the mark."""
        return f"{self.sentence} {self.mark}".strip()

    def coded(self, codes: Codes) -> Self:
        """Return it with fixed values, which the sentence names where it has `{codes}`."""
        if not isinstance(codes, Mapping):
            codes = {one.value: one.meaning for one in codes}
        named = f"{listed(codes, last='ou')} (sens dans lecture_valeur)"
        return self._replace(sentence=self.sentence.replace("{codes}", named), codes=codes)


class View(NamedTuple):
    """What is declared of a view."""

    description: str
    columns: Mapping[str, Declared]
    """In the view's order."""
    key: tuple[str, ...] = ()
    """The columns that together name one row; none: rows are told apart by all their values."""

    def saying(
        self, description: str, codes: Mapping[str, Codes] = MappingProxyType({}), **sentences: str
    ) -> Self:
        """Return it with other sentences, and with fixed values, for some columns."""
        columns = dict(self.columns)
        for name, said in sentences.items():
            columns[name] = columns[name]._replace(sentence=said)
        for name, own in codes.items():
            columns[name] = columns[name].coded(own)
        return self._replace(description=description, columns=columns)
