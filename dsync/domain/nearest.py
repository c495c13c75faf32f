"""Finds the known word that is most similar to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

MIN_SIMILARITY = 60
"""Similarity in percent from which a word is taken for a misspelling of a known one."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar known word, None if none is similar."""
    from rapidfuzz import fuzz, process  # Takes 20 ms, which only a misspelt word needs.

    found = process.extractOne(word, [*known], scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY)
    return found[0] if found else None
