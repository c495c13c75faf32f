"""The programme's pages: a jury's dossiers by mean note, and the evidence of verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossiers import ALL
from dsync.console.files import file_of
from dsync.console.visit import Visit
from dsync.store import Reader
from dsync.sync.moves import Moves
from dsync.sync.work import AcceptEvidence, AcceptRules, ReadChanges

COLUMNS = {
    "rang": ("Rang", "integer"),
    "numero": ("Dossier", "integer"),
    "raison_sociale": ("Organisme", "text"),
    "page_produit": ("Produit", "text"),
    "verdict": ("Verdict", "text"),
    "note_moyenne": ("Moyenne", "number"),
    "note_min": ("Note la plus basse", "number"),
    "note_max": ("Note la plus haute", "number"),
    "ecart_evaluateurs": ("Écart entre évaluateurs", "number"),
    "grilles": ("Grilles complètes", "text"),
    "etat": ("État", "text"),
}
"""The columns of a jury with their headers and types; `rang` and `grilles` are worked out here."""
_STORED = [*(name for name in COLUMNS if name not in ("rang", "grilles")), "nb_evaluations"]


def _check_programme(visit: Visit, *, with_grids: bool = False) -> None:
    programme = visit.worker.programme
    if programme is None or (with_grids and not programme.has_grids):
        raise HTTPException(404, "Cette démarche n’a pas de programme.")


def _check_judged(visit: Visit) -> None:
    if visit.worker.programme is None:
        raise HTTPException(404, "Cette démarche n’a pas de programme.")


def _present(visit: Visit) -> dict[str, Any]:
    return {"demarche_numero": visit.worker.demarche, "presence": "present"}


def _days(visit: Visit, reader: Reader) -> list[dict[str, Any]]:
    return reader.rows_of(
        "lecture_candidature",
        ("jury_le", "count(*) AS nombre"),
        _present(visit),
        present=("jury_le",),
        group="jury_le",
        order="jury_le DESC",
    )


def _default(days: Collection[str], today: str) -> str | None:
    """Return the next jury, else the last one, None without any."""
    return min((day for day in days if day >= today), default=max(days, default=None))


def _of_day(visit: Visit, reader: Reader, day: str) -> list[dict[str, Any]]:
    """Return the dossiers of a jury, the best note first, with the notes that are missing."""
    # The view has hidden dossiers, too, and those of all démarches.
    found = reader.rows_of(
        "lecture_candidature",
        ("numero",),
        _present(visit) | {"jury_le": day},
        order="numero",
        limit=ALL,
    )
    where = {"numero": [row["numero"] for row in found]}
    rows = reader.rows_of("lecture_jury_dossier", _STORED, where, order="numero", limit=ALL)
    rows.sort(key=lambda row: (row["note_moyenne"] is None, -(row["note_moyenne"] or 0)))
    incomplete = _incomplete(reader, [row["numero"] for row in rows])
    above: Mapping[str, Any] = {"note_moyenne": None}
    for rank, row in enumerate(rows, start=1):
        row["manques"] = incomplete.get(row["numero"], [])
        count = row["nb_evaluations"]
        row["grilles"] = f"{count - len(row['manques'])} sur {count}" if count else "aucune"
        # Of equal means none is the better one.
        is_equal = row["note_moyenne"] == above["note_moyenne"]
        row["rang"] = None if row["note_moyenne"] is None else above["rang"] if is_equal else rank
        above = row
        row["page_produit"] = row["page_produit"] and words.short_address(row["page_produit"])
        if count < 2:
            row["ecart_evaluateurs"] = None
    return rows


def _incomplete(reader: Reader, numbers: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the grids that lack a note, with the criteria, by dossier."""
    missing: dict[tuple[int, int], list[str]] = defaultdict(list)
    columns = ("numero", "ligne", "critere", "libelle")
    where = {"numero": numbers, "note": None}
    for one in reader.rows_of("lecture_evaluation_note", columns, where, order="numero", limit=ALL):
        missing[one["numero"], one["ligne"]].append(one["libelle"] or one["critere"])
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    columns = ("numero", "ligne", "evaluateur", "moyenne")
    where = {"numero": sorted({number for number, _ in missing})}
    for one in reader.rows_of("lecture_evaluation", columns, where, order="ligne", limit=ALL):
        if criteria := missing.get((one["numero"], one["ligne"])):
            found[one["numero"]].append({**one, "criteres": criteria})
    return found


def show(visit: Visit) -> Response:
    """Show the dossiers of a jury, the best note first."""
    _check_programme(visit, with_grids=True)
    with visit.reading() as reader:
        days = _days(visit, reader)
        wanted, today = visit.query("le"), words.paris_day(visit.now)
        known = {str(one["jury_le"]) for one in days}
        if wanted is not None and wanted not in known:
            raise HTTPException(404, "Aucun dossier n’est prévu à ce jury.")
        day = wanted or _default(known, today)
        rows = _of_day(visit, reader, day) if day else []
        return visit.page(
            "jury.html",
            reader,
            days=days,
            day=day,
            today=today,
            rows=rows,
            # Pairs: of a mapping by column, a lecteur would not see those of hidden values.
            headers=[(name, header) for name, (header, _) in COLUMNS.items()],
            missing=[row["numero"] for row in rows if row["note_moyenne"] is None],
        )


def export(visit: Visit) -> Response:
    """Send the dossiers of a jury as a workbook: what the page shows."""
    _check_programme(visit, with_grids=True)
    day = visit.query("le") or ""
    with visit.reading() as reader:
        if day not in {str(one["jury_le"]) for one in _days(visit, reader)}:
            raise HTTPException(404, "Aucun dossier n’est prévu à ce jury.")
        rows = _of_day(visit, reader, day)
    lines = [[visit.said(name, row[name]) for name in COLUMNS] for row in rows]
    return file_of(f"jury-{day}", "xlsx", dict(COLUMNS.values()), [lines])


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
    ("GET", "/preuves", evidence, Right.LIRE),
    ("POST", "/preuves", refresh, Right.AGIR),
]
