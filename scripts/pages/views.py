"""The views as a page: the dictionary of the shipped programme."""

from __future__ import annotations

from dsync.database import PROGRAMME
from dsync.store.reading_views import shipped_dictionary
from scripts.pages.table import rows


def documented() -> str:
    """Return a part for each view: what a row is, then its columns."""
    parts = []
    for name, view in shipped_dictionary(PROGRAMME).items():
        columns = rows(
            ("colonne", "type", "contenu"),
            ((f"`{column}`", one.type, _plain(one.said)) for column, one in view.columns.items()),
        )
        parts.append(f"## {name}\n\n{_plain(view.description)}\n\n{columns}")
    return "\n\n".join(parts)


def _plain(sentence: str) -> str:
    """Return a sentence in which no sign means something to Markdown."""
    return sentence.replace("*", r"\*").replace("|", r"\|")
