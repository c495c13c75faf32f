"""What a jury needs of a dossier on two printed pages: facts, marks, texts as far as they fit.

Nothing by which somebody can be reached is on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dsync.console import words
from dsync.console.dossiers import ALL
from dsync.console.matrices import commented, grids_of, matrices
from dsync.console.visit import Visit
from dsync.store import Reader
from dsync.store.dictionary import DOSSIER_COLUMNS
from dsync.store.reading_views import shipped_dictionary

FACTS = (
    *("phase_constatee", "incubateur", "cas_demande", "entite"),
    *("departement_nom", "lieu_travail"),
)
TEXTS = (
    *("probleme", "politique_publique", "pilotage_actuel", "pilotage_envisage"),
    *("objectifs_12_mois", "benefices", "perspectives"),
)
_COLUMNS = (
    "numero",
    "etat",
    "jury_le",
    "verdict",
    "page_produit",
    "produit_nom",
    "raison_sociale",
    *FACTS,
    *TEXTS,
)

PAGE_LINES = 128
"""Lines of two A4 pages in the print of `fiche.css`, less the heading and the facts."""
LINE_SIGNS = 112
"""Signs that a line has at least, of usual text."""
FACT_SIGNS = 160
# Capitals and the scripts of East Asia are up to twice as wide as usual letters.
_WIDE = re.compile("[A-Z\u00c0-\u00de\u0400-\u042f\u1100-\U0010ffff%@&—…œæ]")


def sheets_of(
    visit: Visit, reader: Reader, numbers: Sequence[int], *, whole: bool = False
) -> list[dict[str, Any]]:
    """Return the sheets of present dossiers of the démarche, in the order of the numbers.

    Unless they are `whole`, texts are cut to what two pages hold.
    """
    asked = {"numero": [*numbers]}
    where = {"demarche_numero": visit.worker.demarche, "presence": "present"} | asked
    view = reader.programme.storage.main_view.name
    rows = {
        row["numero"]: row
        for row in reader.rows_of(view, _COLUMNS, where, order="numero", limit=ALL)
    }
    asked = {"numero": [*rows]}
    grids = grids_of(reader, [*rows])
    # By day first: a rank is of all dossiers of a jury, and else of all juries.
    days = {row["jury_le"] for row in rows.values() if row["jury_le"]}
    of_days = {"demarche_numero": visit.worker.demarche, "jury_le": sorted(days)}
    ranked = ("lecture_jury_dossier", ("numero", "rang"), of_days | asked)
    ranks = reader.rows_of(*ranked, order="numero", limit=ALL, are_few=True) if days else []
    rank_of = {row["numero"]: row["rang"] for row in ranks}
    columns = ("numero", "rang", "profil", "missions")
    wishes: dict[int, list[dict[str, Any]]] = {}
    for row in reader.rows_of("lecture_voeu", columns, asked, order="numero, rang", limit=ALL):
        wishes.setdefault(row["numero"], []).append(row)
    documented = {**DOSSIER_COLUMNS, **shipped_dictionary(reader.programme)[view].columns}
    labels = {name: words.label(name, documented[name].sentence) for name in (*FACTS, *TEXTS)}
    made = []
    for number in dict.fromkeys(numbers):
        if number not in rows:
            continue
        row = rows[number]
        blocks = matrices(grids[number])
        texts = [(labels[name], row[name]) for name in TEXTS if row[name]]
        texts[4:4] = [
            (f"Vœu {wish['rang']} : {words.text(wish['profil'])}", wish["missions"])
            for wish in wishes.get(number, ())
        ]
        remarks = [(one["qui"], one["commentaire"]) for one in commented(grids[number])]
        if not whole:
            used = sum(1.25 * len(block.lignes) + 8 for block in blocks)
            both = fitted([*remarks, *texts], PAGE_LINES - int(used))
            remarks, texts = both[: len(remarks)], both[len(remarks) :]
        made.append(
            {
                **{name: row[name] for name in ("numero", "etat", "jury_le", "verdict")},
                "rang": rank_of.get(number),
                "organisme": row["raison_sociale"],
                "produit": row["produit_nom"]
                or (row["page_produit"] and words.short_address(row["page_produit"])),
                "faits": [
                    (labels[name], _start(str(visit.said(name, row[name])), FACT_SIGNS))
                    for name in FACTS
                    if row[name]
                ],
                "grilles": blocks,
                "remarques": remarks,
                "textes": texts,
            }
        )
    return made


def fitted(texts: Sequence[tuple[str, str | None]], lines: int) -> list[tuple[str, str]]:
    """Cut the longest of some texts until all of them fit, with their titles, on so many lines."""
    most = max(1, lines // 3)
    if (more := len(texts) - most) > 0:
        rest = words.plural(more + 1, "autre texte", "autres textes")
        texts = [*texts[: most - 1], (rest, "Dans le dossier.")]
    shown = [_tight(text or "") for _, text in texts]
    share, left = lines, max(lines - 2 * len(texts), len(texts))
    # Short texts leave to the others what they do not need.
    heights = sorted(map(_height, shown))
    for place, height in enumerate(heights):
        share = left // (len(heights) - place)
        if height > share:
            break
        left -= height
    return [
        (_start(title, LINE_SIGNS), _cut(text, share))
        for (title, _), text in zip(texts, shown, strict=True)
    ]


def _tight(text: str) -> str:
    """Return a text without empty lines."""
    return "\n".join(filter(None, map(str.strip, text.splitlines())))


def _height(text: str) -> int:
    """Return how many lines a text takes at most."""
    return sum(1 + _width(line) // LINE_SIGNS for line in text.split("\n"))


def _width(line: str) -> int:
    return len(line) + len(_WIDE.findall(line))


def _cut(text: str, lines: int) -> str:
    """Return the beginning of a text that takes no more lines, with how much is left out."""
    if _height(text) <= lines:
        return text
    kept: list[str] = []
    left = lines
    for line in text.split("\n"):
        if (height := _height(line)) >= left:
            # One line is for the sentence below.
            share = max(0, left - 1) * LINE_SIGNS / (_width(line) + 1)
            kept.append(line[: int(len(line) * min(1, share))])
            break
        kept.append(line)
        left -= height
    start = "\n".join(filter(None, kept))
    return f"{start}… [{words.plural(len(text) - len(start), 'signe')} de plus dans le dossier]"


def _start(text: str, signs: int) -> str:
    return text if len(text) <= signs else f"{text[: signs - 1]}…"
