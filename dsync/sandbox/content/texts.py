"""Texts of applicants and évaluateurs: French sentences, and texts with unusual characters."""

from __future__ import annotations

from dsync.sandbox.content.rng import SeededRandom, load

_DATA = load("texts")

LONG_TEXT = "Étude de terrain – été 2024 : « constats », chiffres & témoignages.\n" * 1_500
"""About 100 kB: a report pasted into one champ."""

NASTY_TEXTS: list[str] = [*_DATA["nasty"], LONG_TEXT]
NASTY_LINES = [text for text in NASTY_TEXTS if "\n" not in text]
"""Those without a line break, for champs of one line."""


def paragraph(rng: SeededRandom, topic: str, name: str) -> str:
    """Return one to three sentences on a topic about the product of that name."""
    start = rng.below(12)
    sentences = _DATA["topics"][topic]
    chosen = [sentences[(start + i) % len(sentences)] for i in range(rng.between(1, 3))]
    separator = "\n\n" if rng.chance(0.1) else " "
    return separator.join(s.format(name=name, n=rng.between(2, 60)) for s in chosen)
