"""The programme's pages: a jury's dossiers by mean mark, their sheets, the evidence of verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossiers import ALL
from dsync.console.jury_book import book_of
from dsync.console.jury_sheets import sheets_of
from dsync.console.matrices import OF_GRIDS
from dsync.console.visit import Visit
from dsync.store import Reader
from dsync.sync.moves import Moves
from dsync.sync.work import AcceptEvidence, AcceptRules, ReadChanges

COLUMNS = {
    "rang": "Rang",
    "numero": "Dossier",
    "raison_sociale": "Organisme",
    "page_produit": "Produit",
    "verdict": "Verdict",
    "moment": "Notes de",
    "note_moyenne": "Moyenne",
    "note_min": "Note mini",
    "note_max": "Note maxi",
    "ecart_evaluateurs": "Écart",
    "grilles": "Grilles",
    "etat": "État",
}
"""The columns of a jury with their headers; `grilles` is worked out here."""
_STORED = [*(name for name in COLUMNS if name != "grilles"), "nb_evaluateurs", "nb_incompletes"]
_NO_JURY = "Aucun dossier n’est prévu à ce jury."


def check_grids(visit: Visit) -> None:
    """Check that the démarche has a programme with evaluation grids.

    Raises:
        HTTPException: it has none (404).
    """
    programme = visit.worker.programme
    if programme is None or not programme.has_grids:
        raise HTTPException(404, "Cette démarche n’a pas de programme.")


def _check_judged(visit: Visit) -> None:
    if visit.worker.programme is None:
        raise HTTPException(404, "Cette démarche n’a pas de programme.")


def present(visit: Visit) -> dict[str, Any]:
    """Return what the rows of dossiers must have: hidden ones and other démarches do not count."""
    return {"demarche_numero": visit.worker.demarche, "presence": "present"}


def days_of(visit: Visit, reader: Reader) -> list[dict[str, Any]]:
    """Return the days on which juries meet, the last one first, with their counts of dossiers."""
    return reader.rows_of(
        "lecture_candidature",
        ("jury_le", "count(*) AS nombre"),
        present(visit),
        present=("jury_le",),
        group="jury_le",
        order="jury_le DESC",
    )


def _default(days: Collection[str], today: str) -> str | None:
    """Return the next jury, else the last one, None without any."""
    return min((day for day in days if day >= today), default=max(days, default=None))


def ranking(visit: Visit, reader: Reader, day: str) -> list[dict[str, Any]]:
    """Return the dossiers of a jury, the best mean first, those without a rank last."""
    where = present(visit) | {"jury_le": day}
    rows = reader.rows_of("lecture_jury_dossier", _STORED, where, order="numero", limit=ALL)
    rows.sort(key=lambda row: (row["rang"] is None, row["rang"]))
    for row in rows:
        count = row["nb_evaluateurs"]
        row["grilles"] = f"{count - row['nb_incompletes']} sur {count}" if count else "aucune"
        row["moment"] = MOMENTS.get(row["moment"])
        row["page_produit"] = row["page_produit"] and words.short_address(row["page_produit"])
    return rows


MOMENTS = {"soutenance": "Soutenance", "dossier": "Dossier"}


def _to_mend(reader: Reader, rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """Return by dossier the grids that count and lack a mark, and those that were replaced."""
    incomplete = {"numero": [row["numero"] for row in rows if row["nb_incompletes"]], "note": None}
    missing: dict[tuple[int, int], list[str]] = defaultdict(list)
    columns = ("numero", "ligne", "critere", "libelle")
    for one in reader.rows_of(
        "lecture_evaluation_note", columns, incomplete, order="numero, ligne, rang", limit=ALL
    ):
        missing[one["numero"], one["ligne"]].append(one["libelle"] or one["critere"])
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    where = {"numero": [row["numero"] for row in rows]}
    for grid in reader.rows_of("lecture_evaluation", OF_GRIDS, where, order="ligne", limit=ALL):
        if grid["remplacee_par"] or (grid["compte"] and not grid["complete"]):
            grid["manques"] = missing[grid["numero"], grid["ligne"]]
            found[grid["numero"]].append(grid)
    return found


def show(visit: Visit) -> Response:
    """Show the dossiers of a jury, the best mean first."""
    check_grids(visit)
    with visit.reading() as reader:
        days = days_of(visit, reader)
        wanted, today = visit.query("le"), words.paris_day(visit.now)
        known = {str(one["jury_le"]) for one in days}
        if wanted is not None and wanted not in known:
            raise HTTPException(404, _NO_JURY)
        day = wanted or _default(known, today)
        rows = ranking(visit, reader, day) if day else []
        to_mend = _to_mend(reader, rows)
        return visit.page(
            "jury.html",
            reader,
            days=days,
            day=day,
            today=today,
            rows=[row | {"grids": to_mend[row["numero"]]} for row in rows],
            # Pairs: of a mapping by column, a lecteur would not see those of hidden values.
            headers=[*COLUMNS.items()],
            unranked=[row["numero"] for row in rows if row["rang"] is None],
        )


def sheets(visit: Visit) -> Response:
    """Show the sheets of a jury's dossiers, or of those that were chosen, to be printed.

    Raises:
        HTTPException: there are none (404).
    """
    check_grids(visit)
    chosen: Sequence[int] = visit.numbers("dossier")
    with visit.reading() as reader:
        known = {str(one["jury_le"]) for one in days_of(visit, reader)}
        day = visit.query("le") or _default(known, words.paris_day(visit.now))
        if not chosen and day in known:
            chosen = [row["numero"] for row in ranking(visit, reader, day)]
        found = sheets_of(visit, reader, chosen)
        if not found and (chosen or day):
            raise HTTPException(404, _NO_JURY)
        return visit.page("fiches.html", reader, fiches=found, day=day if day in known else None)


def sheet(visit: Visit) -> Response:
    """Show one dossier's sheet.

    Raises:
        HTTPException: it is not among the present ones of the démarche (404).
    """
    check_grids(visit)
    with visit.reading() as reader:
        found = sheets_of(visit, reader, [visit.in_path("numero")])
        if not found:
            raise HTTPException(404, "Ce dossier n’est pas dans la copie.")
        return visit.page("fiches.html", reader, fiches=found, day=found[0]["jury_le"])


def export(visit: Visit) -> Response:
    """Send a jury's workbook: the ranking, the marks and what is missing, a sheet a dossier."""
    check_grids(visit)
    day = visit.query("le") or ""
    with visit.reading() as reader:
        if day not in {str(one["jury_le"]) for one in days_of(visit, reader)}:
            raise HTTPException(404, _NO_JURY)
        rows = ranking(visit, reader, day)
        fiches = sheets_of(visit, reader, [row["numero"] for row in rows], whole=True)
    lines = [[visit.said(name, row[name]) for name in COLUMNS] for row in rows]
    return book_of(f"jury-{day}", [*COLUMNS.values()], lines, fiches)


def evidence(visit: Visit) -> Response:
    """Show the catalogue and the lists, with source and age."""
    worker = visit.worker
    _check_judged(visit)
    with visit.reading() as reader:
        refused, since = reader.state.refused_rules()
        return visit.page(
            "preuves.html",
            reader,
            evidence=worker.evidence(reader),
            stopped=Moves.stored(refused),
            stopped_since=since,
        )


def refresh(visit: Visit) -> Response:
    """Ask for a run, which reads the catalogue again, or accept what a brake stopped."""
    _check_judged(visit)
    version = visit.form.get("accepter_regles")
    if version or visit.form.get("accepter"):
        visit.need(Right.ADMINISTRER)
    if visit.form.get("accepter"):
        if not visit.form.get("confirme"):
            return visit.confirm(
                "Accepter le nouveau catalogue ?",
                "Il remplace la dernière bonne copie, bien que trop de produits y manquent, et les "
                "dossiers ouverts sont jugés de nouveau. Les verdicts gardent les preuves qu’ils "
                "ont déjà.",
                "Accepter le catalogue",
                "/preuves",
                accepter="1",
            )
        return visit.ask(AcceptEvidence())
    # The version that was shown: others that came since are not accepted.
    if version:
        if not visit.form.get("confirme"):
            return visit.confirm(
                "Accepter les nouvelles règles ?",
                "Les dossiers ouverts sont jugés de nouveau selon elles, et le prochain envoi "
                "inscrit les verdicts qui changent dans Démarches Simplifiées.",
                "Accepter les règles",
                "/preuves",
                accepter_regles=version,
            )
        return visit.ask(AcceptRules(version))
    return visit.ask(ReadChanges())


PAGES = [
    ("GET", "/jury", show, Right.NOTES),
    ("GET", "/jury.xlsx", export, Right.NOTES),
    ("GET", "/jury/fiches", sheets, Right.NOTES),
    ("GET", "/jury/fiches/{numero}", sheet, Right.NOTES),
    ("GET", "/preuves", evidence, Right.LIRE),
    ("POST", "/preuves", refresh, Right.AGIR),
]
