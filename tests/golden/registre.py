"""Generates docs/registre.md from the dictionary of the views."""

from __future__ import annotations

from pathlib import Path

from dsync.database import EXTENSION
from dsync.store.extension import FREE_TEXT, PERSONAL
from dsync.store.reading_views import shipped_dictionary

HEAD = Path(__file__).with_suffix(".md")
"""The part that is written by hand."""


def page() -> str:
    """Return the page."""
    parts = [HEAD.read_text(encoding="utf-8")]
    for view, entry in shipped_dictionary(EXTENSION).items():
        marked = [
            (name, "personnelle" if sentence.endswith(PERSONAL) else "texte libre", sentence)
            for name, sentence in entry["columns"].items()
            if sentence.endswith((PERSONAL, FREE_TEXT))
        ]
        if marked:
            parts.append(f"### `{view}`\n")
            parts.append(f"{entry['description']}\n")
            parts += ["| colonne | donnée | contenu |", "|---|---|---|"]
            parts += [f"| `{name}` | {kind} | {_bare(said)} |" for name, kind, said in marked]
            parts.append("")
    return "\n".join(parts)


def _bare(sentence: str) -> str:
    return sentence.removesuffix(PERSONAL).removesuffix(FREE_TEXT).strip()
