"""What is declared of tables' and views' columns: each has its sentence, its mark and its type."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Self


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

    @property
    def said(self) -> str:
        """The sentence with the mark."""
        return f"{self.sentence} {self.mark}".strip()


class View(NamedTuple):
    """What is declared of a view."""

    description: str
    columns: Mapping[str, Declared]
    """In the view's order."""
    key: tuple[str, ...] = ()
    """The columns that together name one row; none: rows are told apart by all their values."""

    def saying(self, description: str, **sentences: str) -> Self:
        """Return it with other sentences for some columns."""
        other = {n: self.columns[n]._replace(sentence=said) for n, said in sentences.items()}
        return self._replace(description=description, columns={**self.columns, **other})
