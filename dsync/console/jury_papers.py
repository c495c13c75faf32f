"""The marks and the papers of a jury: grids as matrices, a sheet of one printed page, a workbook.

A matrix has criteria by evaluators, one a moment. A sheet has facts, marks, and the texts that
fit, each whole; the workbook has all of them, and the ranking. Nothing by which somebody can be
reached is on them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from dsync.console import words
from dsync.console.dossiers import ALL
from dsync.console.files import FORMATS, Download, cell, sent
from dsync.console.visit import Viewer, Visit
from dsync.domain.means import exact, mean, rounded
from dsync.exports.writers import workbook, write_cell
from dsync.store import Reader
from dsync.store.dictionary import DOSSIER_COLUMNS
from dsync.store.private_files import private_folder
from dsync.store.reading_views import shipped_dictionary

OF_GRIDS = (
    *("numero", "ligne", "moment", "evaluateur", "commentaire", "moyenne"),
    *("soutenance", "complete", "remplacee_par", "compte"),
)
_OF_MARKS = ("rang", "critere", "libelle", "note")
_KEYS = ("numero", "ligne")
# Not joined: SQLite would go through the grids of all dossiers.
_BOTH = f"""(
    SELECT {", ".join(OF_GRIDS)}, {", ".join(f"NULL AS {name}" for name in _OF_MARKS)}
    FROM lecture_evaluation
    UNION ALL
    SELECT {", ".join(name if name in _KEYS else "NULL" for name in OF_GRIDS)},
        {", ".join(_OF_MARKS)}
    FROM lecture_evaluation_note
) AS grids"""  # noqa: S608 - names of ours


class CriterionMarks(NamedTuple):
    """The marks for one criterion, in the order of the grids."""

    critere: str
    notes: list[float | None]
    moyenne: float | None
    """None where one is missing, as of a whole matrix."""


class Matrix(NamedTuple):
    """The grids of one moment. Of one person's grids, the last one is there."""

    titre: str
    compte: bool
    """Whether its mean is that of the dossier."""
    grilles: list[dict[str, Any]]
    remplacees: list[dict[str, Any]]
    """Former grids of the same persons."""
    lignes: list[CriterionMarks]
    moyenne: float | None
    ecart: float | None


def grids_of(reader: Reader, numbers: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the grids of dossiers, each with its marks by criterion."""
    rows = reader.rows_of(
        _BOTH, (*OF_GRIDS, *_OF_MARKS), {"numero": numbers}, order="numero, ligne, rang", limit=ALL
    )
    grids = [row for row in rows if row["critere"] is None]
    marks: dict[tuple[int, int], dict[str, float | None]] = defaultdict(dict)
    for row in rows:
        if row["critere"] is not None:
            marks[row["numero"], row["ligne"]][row["libelle"] or row["critere"]] = row["note"]
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for grid in grids:
        grid["notes"] = [*marks[grid["numero"], grid["ligne"]].items()]
        grid["manques"] = [critere for critere, note in grid["notes"] if note is None]
        found[grid["numero"]].append(grid)
    return found


def matrices(grids: Iterable[dict[str, Any]]) -> list[Matrix]:
    """Return the grids of one dossier by moment, that of the soutenance last."""
    by_moment: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for grid in grids:
        by_moment[bool(grid["soutenance"])].append(grid)
    return [_matrix(some) for some in by_moment.values() if some]


def _matrix(grids: list[dict[str, Any]]) -> Matrix:
    kept = [grid for grid in grids if grid["remplacee_par"] is None]
    marks: list[Mapping[str, float | None]] = [dict(grid["notes"]) for grid in kept]
    # A former revision of the form can have had other criteria.
    criteria = dict.fromkeys(critere for of_grid in marks for critere in of_grid)
    lines = []
    for critere in criteria:
        given = [of_grid.get(critere) for of_grid in marks]
        lines.append(
            CriterionMarks(critere, given, None if None in given else rounded(mean(exact(given))))
        )
    is_complete = all(grid["complete"] for grid in kept)
    means = [mean(exact(of_grid.values())) for of_grid in marks] if is_complete else []
    return Matrix(
        titre="Soutenance" if kept[0]["soutenance"] else "Dossier",
        compte=any(grid["compte"] for grid in kept),
        grilles=_called(kept),
        remplacees=[grid for grid in grids if grid["remplacee_par"] is not None],
        lignes=lines,
        moyenne=rounded(mean(means)) if means else None,
        ecart=rounded(max(means) - min(means)) if len(means) > 1 else None,
    )


def evaluator(grid: Mapping[str, Any]) -> str:
    """Return how the evaluator of a grid is called; who is unnamed, or not to be seen, by row."""
    return grid["evaluateur"] or f"Évaluateur {grid['ligne']}"


def _called(grids: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the evaluators' short names: what is before the @, where that tells them apart."""
    names = [evaluator(grid).partition("@")[0] for grid in grids]
    for grid, name in zip(grids, names, strict=True):
        grid["nom_court"] = name if names.count(name) == 1 else evaluator(grid)
    return grids


def commented(grids: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the comments of one dossier's grids, each with who wrote it and when."""
    return [
        {"qui": f"{evaluator(grid)} ({moment(grid)})", "commentaire": grid["commentaire"]}
        for grid in grids
        if grid["commentaire"]
    ]


def moment(grid: Mapping[str, Any]) -> str:
    """Return the moment of a grid, in the words of the form where it has some."""
    return grid["moment"] or "Dossier"


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

PAGE_LINES = 52
"""Lines of an A4 page in the print of `fiche.css`, less the heading and the facts."""
LINE_SIGNS = 112
"""Signs that a line has at least, of usual text."""
FACT_SIGNS = 160
# Capitals and the scripts of East Asia are up to twice as wide as usual letters.
_WIDE = re.compile("[A-Z\u00c0-\u00de\u0400-\u042f\u1100-\U0010ffff%@&—…œæ]")
_ILLEGAL = re.compile("[][:*?/\\\\\x00-\x1f\U00010000-\U0010ffff]")
"""Refused by Excel, or counted twice."""
_NAME_SIGNS = 31
Row = Sequence[Any]


def sheets_of(
    visit: Visit, reader: Reader, numbers: Sequence[int], *, whole: bool = False
) -> list[dict[str, Any]]:
    """Return the sheets of present dossiers of the démarche, in the order of the numbers.

    Unless they are `whole`, what one page does not hold is left out and named in `suite`.
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
    days = {row["jury_le"] for row in rows.values() if row["jury_le"]}
    ranks = ranks_of(visit, reader, sorted(days), [*rows])
    team = reader.dossiers.team_results([*rows])
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
        left_out: list[str] = []
        if not whole:
            lines = PAGE_LINES
            # The last moment's marks are those that count.
            for block in reversed(matrices(grids[number])):
                if (height := int(1.25 * len(block.lignes) + 8)) > lines:
                    blocks = [one for one in blocks if one.titre != block.titre]
                    left_out.append(f"Notes ({block.titre})")
                else:
                    lines -= height
            lines, remarks, some = fitted(remarks, lines)
            _, texts, others = fitted(texts, lines)
            left_out += [words.plural(len(some), "commentaire")] if some else []
            left_out += others
        made.append(
            {
                **{name: row[name] for name in ("numero", "etat", "jury_le", "verdict")},
                "avis_equipe": team.get(number),
                "rang": ranks.get(number, {}).get("rang"),
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
                "suite": left_out,
            }
        )
    return made


def ranks_of(
    visit: Viewer, reader: Reader, days: Sequence[Any], numbers: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return the ranks and mean marks of dossiers in the juries of these days, by number."""
    if not days:
        return {}
    # By day, too: a rank is of all dossiers of a jury, and else of all juries.
    where = {"demarche_numero": visit.worker.demarche, "jury_le": days, "numero": [*numbers]}
    ranked = ("lecture_jury_dossier", ("numero", "rang", "note_moyenne"), where)
    rows = reader.rows_of(*ranked, order="numero", limit=ALL, are_few=True)
    return {row["numero"]: row for row in rows}


def fitted(
    texts: Iterable[tuple[str, str | None]], lines: int
) -> tuple[int, list[tuple[str, str]], list[str]]:
    """Return how many lines are left, the texts that fit, each whole, and the others' titles."""
    shown: list[tuple[str, str]] = []
    left_out: list[str] = []
    for title, given in texts:
        text = _tight(given or "")
        if (height := 2 + _height(text)) > lines:
            left_out.append(title)
        else:
            shown.append((_start(title, LINE_SIGNS), text))
            lines -= height
    return lines, shown, left_out


def _tight(text: str) -> str:
    """Return a text without empty lines."""
    return "\n".join(filter(None, map(str.strip, text.splitlines())))


def _height(text: str) -> int:
    """Return how many lines a text takes at most."""
    return sum(1 + _width(line) // LINE_SIGNS for line in text.split("\n"))


def _width(line: str) -> int:
    return len(line) + len(_WIDE.findall(line))


def _start(text: str, signs: int) -> str:
    return text if len(text) <= signs else f"{text[: signs - 1]}…"


def book_of(
    name: str, columns: Sequence[str], ranking: Sequence[Row], fiches: Sequence[Mapping[str, Any]]
) -> Download:
    """Return the workbook of a jury as a file to download; `name` is without its ending.

    `fiches` are those of `sheets_of`, with whole texts.
    """
    with private_folder() as folder:
        path = folder / f"{name}.xlsx"
        with closing(workbook(path, day="dd/mm/yyyy", constant_memory=False)) as book:
            bold = book.add_format({"bold": True, "bg_color": "#E3E3FD", "text_wrap": True})
            wrapped = book.add_format({"text_wrap": True, "valign": "top"})
            for title, rows, widths in (
                ("Classement", [columns, *ranking], (8, 12, 40, 28, 14)),
                ("Notes", [*_marks(fiches)], (12, 40, 14, 34)),
            ):
                sheet = book.add_worksheet(title)
                _fill(sheet, rows, bold, {0})
                sheet.set_column(0, 60, 14)
                for place, width in enumerate(widths):
                    sheet.set_column(place, place, width)
                sheet.freeze_panes(1, 2)
                sheet.autofilter(0, 0, max(1, len(rows) - 1), len(rows[0]) - 1)
            for fiche in fiches:
                sheet = book.add_worksheet(sheet_name(fiche))
                rows, titles = _of_dossier(fiche)
                _fill(sheet, rows, bold, titles)
                sheet.set_column(0, 0, 34, wrapped)
                sheet.set_column(1, 12, 18, wrapped)
                sheet.set_portrait()
                sheet.set_paper(9)
                sheet.fit_to_pages(1, 0)
        # An open file outlives its folder.
        return sent(path.open("rb"), path.name, FORMATS["xlsx"], rows=len(fiches))


def sheet_name(fiche: Mapping[str, Any]) -> str:
    """Return the name of a dossier's sheet: its number, by which it is unique, and who applies."""
    name = _ILLEGAL.sub(" ", f"{fiche['numero']} {words.text(fiche['organisme'])}")
    return " ".join(name.split())[:_NAME_SIGNS].rstrip(" '’")


def _fill(sheet: Any, rows: Sequence[Row], bold: Any, titles: set[int]) -> None:
    for place, row in enumerate(rows):
        for column, value in enumerate(row):
            if place in titles and value is not None:
                sheet.write_string(place, column, str(cell(value)), bold)
            else:
                write_cell(sheet, place, column, cell(value))


def _marks(fiches: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Yield a row for each grid, also of those that do not count, and for dossiers without one."""
    grids = [
        (fiche, matrix, grid)
        for fiche in fiches
        for matrix in fiche["grilles"]
        for grid in sorted([*matrix.grilles, *matrix.remplacees], key=lambda one: one["ligne"])
    ]
    criteria = [*dict.fromkeys(name for *_, grid in grids for name, _ in grid["notes"])]
    yield (
        *("Dossier", "Organisme", "Moment", "Évaluateur", *criteria),
        *("Moyenne", "Compte", "Ce qui manque", "Commentaire"),
    )
    for fiche, _, grid in grids:
        marks = dict(grid["notes"])
        counts = "oui" if grid["compte"] else "non"
        why = f"remplacée par la grille {grid['remplacee_par']} de la même personne"
        lacks = why if grid["remplacee_par"] else " ; ".join(grid["manques"])
        yield (
            *(fiche["numero"], fiche["organisme"], moment(grid), evaluator(grid)),
            *map(marks.get, criteria),
            *(grid["moyenne"], counts, lacks, grid["commentaire"]),
        )
    for fiche in fiches:
        if not fiche["grilles"]:
            blank = (None,) * (len(criteria) + 4)
            yield (fiche["numero"], fiche["organisme"], *blank, "aucune grille", None)


def _of_dossier(fiche: Mapping[str, Any]) -> tuple[list[Row], set[int]]:
    """Return the rows of a dossier's sheet, and which of them are titles."""
    rows: list[Row] = [("Dossier", fiche["numero"])]
    titles = {0}
    rows += [
        ("Organisme", fiche["organisme"]),
        ("Produit", fiche["produit"]),
        ("Avis", words.opinion(fiche["verdict"], fiche["avis_equipe"])),
        ("État", words.ETATS[fiche["etat"]]),
        ("Jury du", words.day(fiche["jury_le"])),
        ("Rang", fiche["rang"]),
        *fiche["faits"],
    ]
    for matrix in fiche["grilles"]:
        rows.append(())
        titles.add(len(rows))
        rows += _of_matrix(matrix)
    for title, texts in (("Commentaires", fiche["remarques"]), ("Textes", fiche["textes"])):
        if texts:
            rows.append(())
            titles.add(len(rows))
            rows += [(title,), *texts]
    return rows, titles


def _of_matrix(matrix: Matrix) -> Iterator[Row]:
    counts = "" if matrix.compte else " (ne compte plus)"
    yield (f"{matrix.titre}{counts}", *map(evaluator, matrix.grilles), "Moyenne")
    for line in matrix.lignes:
        marks = ["manque" if note is None else note for note in line.notes]
        yield (line.critere, *marks, line.moyenne)
    yield ("Moyenne", *(grid["moyenne"] for grid in matrix.grilles), matrix.moyenne)
