"""The list of dossiers: filters in the address, sorted and paged by the database, exported."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.visit import Visit
from dsync.domain.verdict import Verdict
from dsync.exports import tables_of, write_rows
from dsync.store.listing import NO_VERDICT, SORTS, Selection

PER_PAGE = 50
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
VERDICTS = {verdict.key: verdict.value for verdict in Verdict} | {NO_VERDICT: "Sans verdict"}
VIEW = "lecture_candidature"
"""The view that is exported; without a programme its columns are those of the engine."""


def selection_of(visit: Visit) -> Selection:
    """Return what the address asks for; a value that is not offered selects nothing."""
    verdict = visit.query("verdict")
    sort = visit.query("tri") or "numero"
    return Selection(
        q=visit.query("q"),
        etat=visit.query("etat"),
        verdict=NO_VERDICT if verdict == NO_VERDICT else verdict and VERDICTS.get(verdict, verdict),
        presence=visit.query("presence"),
        etape=visit.query("etape"),
        groupe=visit.query("groupe"),
        etiquette=visit.query("etiquette"),
        conflit=visit.query("conflit") is not None,
        tri=sort if sort in SORTS else "numero",
        descendant=visit.query("ordre") == "desc",
        masked=not visit.actor.may_act,
    )


def parameters_of(visit: Visit) -> dict[str, Any]:
    """Return the parameters of the selection, for the addresses of its other pages."""
    names = (*(name for name in Selection._fields if name != "masked"), "ordre")
    return {name: value for name in names if (value := visit.query(name)) is not None}


def show(visit: Visit) -> Response:
    """Show a page of the list."""
    app = visit.app
    chosen = selection_of(visit)
    page = visit.number("page", default=1, most=1_000_000)
    has_programme = app.configuration.programme is not None
    with app.store.reading(app.demarche) as reader:
        rows, total = reader.listing(chosen, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
        if not rows and page > 1:
            page = 1
            rows, total = reader.listing(chosen, limit=PER_PAGE)
        stages = {}
        if has_programme and rows:
            numbers = [row["numero"] for row in rows]
            found = reader.rows_of(
                "lecture_suivi", ["numero", "etape"], {"numero": numbers}, order="numero"
            )
            stages = {row["numero"]: row["etape"] for row in found}
        etiquettes, groupes = reader.labels_and_groupes()
        return visit.page(
            "dossiers.html",
            reader,
            rows=rows,
            stages=stages,
            total=total,
            page=page,
            pages=max(1, -(-total // PER_PAGE)),
            first=(page - 1) * PER_PAGE + 1,
            parameters=parameters_of(visit),
            chosen=chosen,
            verdicts=VERDICTS,
            etapes=reader.extension.stages if has_programme else (),
            groupes=groupes if len(groupes) > 1 or chosen.groupe else [],
            etiquettes=etiquettes,
            judges=app.configuration.judges,
        )


def export(visit: Visit) -> Response:
    """Send the whole selection, in its order, as a file.

    Columns with personal data or free text are only for those who may act.
    """
    ending = visit.request.path_params["ending"]
    if ending not in FORMATS:
        raise HTTPException(404)
    app = visit.app
    with app.store.reading(app.demarche) as reader, tempfile.TemporaryDirectory() as folder:
        numbers = reader.selected_numbers(selection_of(visit))
        [table] = tables_of(
            app.store.dictionary(), [VIEW], without_personal_data=not visit.actor.may_act
        )
        file = Path(folder) / f"dossiers.{ending}"
        write_rows(
            file,
            table,
            table.rows_of(reader.connection, numbers),
            format_=ending,
            delimiter=";" if ending == "csv" else ",",
        )
        content = file.read_bytes()
    name = f"dossiers-{app.demarche}-{words.day(visit.now).replace('/', '-')}.{ending}"
    return Response(
        content,
        media_type=FORMATS[ending],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


PAGES = [("GET", "/dossiers", show), ("GET", "/dossiers.{ending:str}", export)]
