"""The register of processing, table by table, from what is declared of each."""

from __future__ import annotations

from dsync.database import PROGRAMME
from dsync.domain.documented import Mark
from dsync.store.personal_data import holdings

KINDS = {
    Mark.PERSONAL: "personnelle",
    Mark.FREE_TEXT: "texte libre",
    Mark.OF_PERSON: "personnelle, d'une personne ou d'un entrepreneur individuel",
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
            for name, column in one.columns.items():
                # What is open in its place is of the views.
                content = column.sentence.partition(" Ouvert à sa place")[0]
                parts.append(f"| `{name}` | {KINDS[column.mark]} | {content} |")
            parts.append("")
        without = [f"`{name}`" for c in one.table.columns if (name := c.name) not in one.columns]
        if without:
            parts.append(f"Sans donnée personnelle : {', '.join(without)}.\n")
    return "\n".join(parts)
