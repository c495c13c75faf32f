"""What is declared of a column of a table or a view."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Mark(StrEnum):
    """Who may see a column's values: the last sentence of its documentation."""

    OPEN = ""
    PERSONAL = "Donnée personnelle."
    FREE_TEXT = "Texte libre."
    OF_PERSON = "Donnée personnelle si le demandeur est une personne ou un entrepreneur individuel."
    OF_JURY = "Note du jury."
    """Of marks and ranks, which not everybody sees before the deliberation."""

    @property
    def is_masked(self) -> bool:
        """Whether readers without personal data see nothing in such a column."""
        return self in (Mark.PERSONAL, Mark.FREE_TEXT)


class Declared(NamedTuple):
    """What is declared of a column."""

    sentence: str = ""
    """In French, without the mark."""
    mark: Mark = Mark.OPEN

    @property
    def said(self) -> str:
        """The sentence with the mark."""
        return f"{self.sentence} {self.mark}".strip()
