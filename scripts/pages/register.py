"""The register of processing, table by table, from what is declared of each."""

from __future__ import annotations

from dsync.database import PROGRAMME
from dsync.store.dictionary import FREE_TEXT, OF_PERSON, PERSONAL
from dsync.store.personal_data import holdings

KINDS = {
    PERSONAL: "personnelle",
    FREE_TEXT: "texte libre",
    OF_PERSON: "personnelle, d'une personne ou d'un entrepreneur individuel",
}
"""What the register says of a column, by its mark."""


def documented() -> str:
    """Return a part for each table: what is personal in it, and until when it is kept."""
    parts = []
    for one in holdings(PROGRAMME):
        parts.append(f"### `{one.table.name}`\n")
        parts.append(
            f"{one.contents} Conservation : jusqu’à {one.until[0].lower()}{one.until[1:]}\n"
        )
        if one.columns:
            parts += ["| colonne | donnée | contenu |", "|---|---|---|"]
            for column in one.table.columns:
                for mark, kind in KINDS.items():
                    if (said := one.columns.get(column.name, "")).endswith(mark):
                        sentence = said.removesuffix(mark).strip()
                        parts.append(f"| `{column.name}` | {kind} | {sentence} |")
            parts.append("")
        without = [f"`{each.name}`" for each in one.table.columns if each.name in one.without]
        if without:
            parts.append(f"Sans donnée personnelle : {', '.join(without)}.\n")
    return "\n".join(parts)
