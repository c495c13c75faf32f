"""The list of dossiers: filters in the address, sorted and paged by the database, exported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.files import FORMATS, file_of
from dsync.console.visit import Visit
from dsync.domain.verdict import Verdict
from dsync.exports import tables_of
from dsync.exports.view_rows import BATCH
from dsync.store import Reader
from dsync.store.listing import NO_VERDICT, SORTS, Selection, applicant_of

PER_PAGE = 50
ALL = 1_000_000_000
VERDICTS = {verdict.key: verdict.value for verdict in Verdict} | {NO_VERDICT: "Sans verdict"}
COLUMNS = {
    "numero": "Dossier",
    "verdict": "Verdict",
    "raison_sociale": "Demandeur",
    "produit_id": "Produit",
    "etat": "État",
    "etape": "Étape",
    "attend": "Attend",
    "labels": "Étiquettes",
    "depose_le": "Déposé le",
    "champs_modifie_le": "Modifié le",
}
"""The columns of the list with their headers."""
FOLLOWED = ("etape", "attend")
"""Those of `lecture_suivi`."""


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
        attend=visit.query("attend"),
        groupe=visit.query("groupe"),
        etiquette=visit.query("etiquette"),
        conflit=visit.query("conflit") is not None,
        tri=sort if sort in SORTS else "numero",
        descendant=visit.query("ordre") == "desc",
        masked=not visit.may(Right.PERSONNES),
    )


def parameters_of(visit: Visit) -> dict[str, Any]:
    """Return the parameters of the selection, for the addresses of its other pages."""
    names = (*(name for name in Selection._fields if name != "masked"), "ordre")
    return {name: value for name in names if (value := visit.query(name)) is not None}


def columns_of(visit: Visit) -> dict[str, str]:
    """Return the columns of the list that the démarche has."""
    hidden = set() if visit.worker.configuration.judges else {"verdict"}
    programme = visit.worker.programme
    if programme is None or programme.listed is None:
        hidden.add("produit_id")
    if programme is None or not programme.stages:
        hidden |= {*FOLLOWED}
    return {name: header for name, header in COLUMNS.items() if name not in hidden}


def followed(reader: Reader, where: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the stage of dossiers and whom they wait for, by number."""
    rows = reader.rows_of("lecture_suivi", ("numero", *FOLLOWED), where, order="numero", limit=ALL)
    return {row["numero"]: row for row in rows}


def show(visit: Visit) -> Response:
    """Show a page of the list."""
    worker = visit.worker
    chosen = selection_of(visit)
    page = visit.number("page", default=1, most=1_000_000)
    columns = columns_of(visit)
    with visit.reading() as reader:
        rows, total = reader.dossiers.listing(chosen, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
        # Dossiers may have left since the link was made; the total is in rows alone.
        if not rows and page > 1:
            page = 1
            rows, total = reader.dossiers.listing(chosen, limit=PER_PAGE)
        for row in rows:
            row["raison_sociale"] = applicant_of(row)
        suivi = {}
        if "etape" in columns and rows:
            suivi = followed(reader, {"numero": [row["numero"] for row in rows]})
        etiquettes, groupes = reader.demarche.labels_and_groupes()
        return visit.page(
            "dossiers.html",
            reader,
            rows=rows,
            columns=columns,
            sorts=SORTS,
            suivi=suivi,
            total=total,
            page=page,
            pages=max(1, -(-total // PER_PAGE)),
            first=(page - 1) * PER_PAGE + 1,
            parameters=parameters_of(visit),
            chosen=chosen,
            verdicts=VERDICTS,
            etapes=reader.programme.stages if "etape" in columns else (),
            groupes=groupes if len(groupes) > 1 or chosen.groupe else [],
            etiquettes=etiquettes,
            judges=worker.configuration.judges,
        )


def export(visit: Visit) -> Response:
    """Send the whole selection, in its order, as a file: the list's columns, then the main view's.

    Columns with personal data or free text are only for those who may act.
    """
    ending = visit.request.path_params["ending"]
    if ending not in FORMATS:
        raise HTTPException(404)
    worker = visit.worker
    listed = columns_of(visit)
    with visit.reading() as reader:
        [table] = tables_of(
            worker.store.dictionary(),
            [reader.programme.main_view.name],
            without_personal_data=not visit.may(Right.PERSONNES),
        )
        # The view's `etape` is not the list's.
        others = [name for name in table.columns if name not in listed or name in FOLLOWED]
        selected = reader.dossiers.selected(selection_of(visit))

        def batches() -> Iterator[list[list[Any]]]:
            some = (selected[start : start + BATCH] for start in range(0, len(selected), BATCH))
            found = table.rows_of(reader.connection, [one.numero for one in selected])
            # Every dossier has its row in the view, and both are read in one transaction.
            for rows, batch in zip(some, found, strict=True):
                where = {"numero": [one.numero for one in rows]}
                suivi = followed(reader, where) if "etape" in listed else {}
                lines = []
                for row, values in zip(rows, batch, strict=True):
                    view = {
                        name: _said(visit, name, table.types[name], value)
                        for name, value in zip(table.columns, values, strict=True)
                    }
                    own = suivi.get(row.numero) or dict.fromkeys(FOLLOWED)
                    shown = view | own | {"labels": ", ".join(json.loads(row.labels or "[]"))}
                    shown["raison_sociale"] = applicant_of(row._asdict())
                    shown["attend"] = visit.said("attend", shown.get("attend"))
                    lines.append([*map(shown.get, listed), *map(view.get, others)])
                yield lines

        return file_of(
            f"dossiers-{worker.demarche}-{words.paris_day(visit.now)}",
            ending,
            {header: table.types.get(name, "text") for name, header in listed.items()}
            # JSON is shown in words.
            | {
                words.label(name, table.columns[name]): table.types[name].replace("json", "text")
                for name in others
            },
            batches(),
        )


def _said(visit: Visit, name: str, type_: str, value: Any) -> Any:
    """Return a value of the view as a file shows it: words for codes and JSON."""
    return (
        words.evidence(json.loads(value)) if type_ == "json" and value else visit.said(name, value)
    )


PAGES = [
    ("GET", "/dossiers", show, Right.LIRE),
    ("GET", "/dossiers.{ending}", export, Right.LIRE),
]
