"""A jury's workbook: the ranking, the marks with what is missing, a sheet for each dossier."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from starlette.responses import Response

from dsync.console.files import FORMATS, cell, sent
from dsync.console.matrices import Matrix, evaluator, moment
from dsync.console.words import ETATS, day, text
from dsync.exports.writers import workbook, write_cell
from dsync.store.private_files import private_folder

_ILLEGAL = re.compile("[][:*?/\\\\\x00-\x1f\U00010000-\U0010ffff]")
"""Refused by Excel, or counted twice."""
_NAME_SIGNS = 31
Row = Sequence[Any]


def book_of(
    name: str, columns: Sequence[str], ranking: Sequence[Row], fiches: Sequence[Mapping[str, Any]]
) -> Response:
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
    name = _ILLEGAL.sub(" ", f"{fiche['numero']} {text(fiche['organisme'])}")
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
        ("Avis", fiche["verdict"]),
        ("État", ETATS[fiche["etat"]]),
        ("Jury du", day(fiche["jury_le"])),
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
