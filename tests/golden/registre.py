"""Generates docs/registre.md from the dictionary of the views."""

from __future__ import annotations

from pathlib import Path

from dsync.database import PROGRAMME
from dsync.store.dictionary import FREE_TEXT, OF_PERSON, PERSONAL
from dsync.store.reading_views import shipped_dictionary

HEAD = Path(__file__).with_suffix(".md")
"""The part that is written by hand."""
KINDS = {
    PERSONAL: "personnelle",
    FREE_TEXT: "texte libre",
    OF_PERSON: "personnelle, d'une personne ou d'un entrepreneur individuel",
}
"""What the register says of a column, by its mark."""


def page() -> str:
    """Return the page."""
    parts = [HEAD.read_text(encoding="utf-8")]
    for view, entry in shipped_dictionary(PROGRAMME).items():
        marked = [
            (name, kind, sentence.removesuffix(mark).strip())
            for name, sentence in entry["columns"].items()
            for mark, kind in KINDS.items()
            if sentence.endswith(mark)
        ]
        if marked:
            parts.append(f"### `{view}`\n")
            parts.append(f"{entry['description']}\n")
            parts += ["| colonne | donnée | contenu |", "|---|---|---|"]
            parts += [f"| `{name}` | {kind} | {said} |" for name, kind, said in marked]
            parts.append("")
    return "\n".join(parts)
