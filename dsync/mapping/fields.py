"""Names that the configuration, a form's plan and the reading of a dossier share."""

from __future__ import annotations

VOEUX, EVALUATIONS = REPETITIONS = ("voeux", "evaluations")

LAYOUT_TYPES = frozenset({"header_section", "explication"})
"""Descriptors' types that carry no value; a section may have the same label as a champ in it."""

_SAME = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "`": "'", "‑": "-"})


def folded(libelle: str) -> str:
    """Return a label without differences of spacing, apostrophe and case."""
    return " ".join(libelle.translate(_SAME).split()).casefold()
