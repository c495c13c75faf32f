"""The programme's pages: a jury's dossiers by mean note, and the evidence of verdicts."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.dossiers import FORMATS
from dsync.console.visit import Visit
from dsync.domain.run import Kind
from dsync.exports import tables_of, write_rows
from dsync.store import Reader
from dsync.sync.report import SyncOptions

VIEW = "lecture_jury_dossier"
_COLUMNS = (
    "numero",
    "raison_sociale",
    "page_produit",
    "verdict",
    "nb_evaluations",
    "note_moyenne",
    "note_min",
    "note_max",
    "ecart_evaluateurs",
    "etat",
)


def _check_programme(visit: Visit) -> None:
    if visit.app.configuration.programme is None:
        raise HTTPException(404, "Cette démarche n’a pas de programme.")


def _days(visit: Visit, reader: Reader) -> list[dict[str, Any]]:
    return reader.rows_of(
        "lecture_candidature",
        ("jury_le", "count(*) AS nombre"),
        {"demarche_numero": visit.app.demarche, "presence": "present"},
        present=("jury_le",),
        group="jury_le",
        order="jury_le DESC",
    )


def _default(days: Collection[str], today: str) -> str | None:
    """Return the next jury, else the last one, None without any."""
    return min((day for day in days if day >= today), default=max(days, default=None))


def _of_day(reader: Reader, day: str) -> list[dict[str, Any]]:
    rows = reader.rows_of(VIEW, _COLUMNS, {"jury_le": day}, order="numero")
    return sorted(rows, key=lambda row: (row["note_moyenne"] is None, -(row["note_moyenne"] or 0)))


def show(visit: Visit) -> Response:
    """Show the dossiers of a jury, the best note first."""
    _check_programme(visit)
    app = visit.app
    with app.store.reading(app.demarche) as reader:
        days = _days(visit, reader)
        wanted = visit.query("le")
        known = {str(one["jury_le"]) for one in days}
        if wanted is not None and wanted not in known:
            raise HTTPException(404, "Aucun dossier n’est prévu à ce jury.")
        day = wanted or _default(known, words.paris_day(visit.now))
        rows = _of_day(reader, day) if day else []
        return visit.page(
            "jury.html",
            reader,
            days=days,
            day=day,
            rows=rows,
            missing=[row["numero"] for row in rows if row["note_moyenne"] is None],
        )


def export(visit: Visit) -> Response:
    """Send the dossiers of a jury as a workbook, in the order of the page."""
    _check_programme(visit)
    app = visit.app
    day = visit.query("le") or ""
    with app.store.reading(app.demarche) as reader, tempfile.TemporaryDirectory() as folder:
        if day not in {str(one["jury_le"]) for one in _days(visit, reader)}:
            raise HTTPException(404, "Aucun dossier n’est prévu à ce jury.")
        numbers = [row["numero"] for row in _of_day(reader, day)]
        [table] = tables_of(
            app.store.dictionary(), [VIEW], without_personal_data=not visit.actor.may_act
        )
        file = Path(folder) / "jury.xlsx"
        write_rows(file, table, table.rows_of(reader.connection, numbers), format_="xlsx")
        content = file.read_bytes()
    return Response(
        content,
        media_type=FORMATS["xlsx"],
        headers={"Content-Disposition": f'attachment; filename="jury-{day}.xlsx"'},
    )


def evidence(visit: Visit) -> Response:
    """Show the catalogue and the lists, with source and age."""
    _check_programme(visit)
    app = visit.app
    with app.store.reading(app.demarche) as reader:
        return visit.page("preuves.html", reader, evidence=app.evidence(reader))


def refresh(visit: Visit) -> Response:
    """Ask for a run, which reads the catalogue again, or accept the one that the brake stopped."""
    _check_programme(visit)
    options = SyncOptions(started_by=visit.actor.name)
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
        options = replace(options, work=Kind.PRECHECK, accept_evidence=True)
    id_ = visit.site.desk.ask(visit.app, options)
    return visit.back(f"/demandes/{id_}")


PAGES = [
    ("GET", "/jury", show),
    ("GET", "/jury.xlsx", export),
    ("GET", "/preuves", evidence),
    ("POST", "/preuves", refresh),
]
