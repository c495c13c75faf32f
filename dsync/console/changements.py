"""What changed in all dossiers, by day: filters in the address, paged by the database, exported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.files import Download, file_of, prepared
from dsync.console.visit import Visit, instant_of, said_filters
from dsync.exports.view_tables import BATCH
from dsync.store import Reader
from dsync.store.change_list import ChangeSelection
from dsync.store.changes import PEOPLE
from dsync.store.listing import applicant_of

PER_PAGE = 50
_A_DAY = timedelta(days=1)
BY_PEOPLE, EVERYBODY = "personnes", "tous"
"""In addresses, who made changes: the usager or the team; anybody, dsync, too."""
_AUTHORS = {BY_PEOPLE: PEOPLE, EVERYBODY: None}
COLUMNS = {
    "survenu_le": ("Modifié le", "datetime"),
    "constate_le": ("Lu le", "datetime"),
    "numero": ("Dossier", "integer"),
    "demandeur": ("Demandeur", "text"),
    "par": ("Par", "text"),
    "section": ("Section", "text"),
    "libelle": ("Question", "text"),
    "ligne": ("Ligne", "integer"),
    "ancienne_valeur": ("Avant", "text"),
    "nouvelle_valeur": ("Après", "text"),
}
"""The columns of the file with their headers and types."""
VALUES = ("ancienne_valeur", "nouvelle_valeur")
OF_DOSSIER = {
    "etat": "État",
    "groupe_instructeur": "Groupe instructeur",
    "etiquettes": "Étiquettes",
}
"""What changes beside answers, as the filter by question names it."""
Form = Sequence[Mapping[str, Any]]
"""As `DemarcheReads.questions` returns it."""


def selection_of(visit: Visit, form: Form) -> ChangeSelection:
    """Return what the address asks for: what people changed, unless it names somebody else."""
    par, champ = visit.query("par") or BY_PEOPLE, visit.query("champ")
    du, au = visit.day("du"), visit.day("au")
    return ChangeSelection(
        par=_AUTHORS.get(par, (par,)),
        depuis=visit.instant("depuis"),
        du=None if du is None else words.first_instant(du.isoformat()),
        avant=None if au is None else words.first_instant((au + _A_DAY).isoformat()),
        etat=visit.query("etat"),
        groupe=visit.query("groupe"),
        # One that the newest form has no more has its changes.
        champs=champ and ([one["champ_id"] for one in form if champ in _places(one)] or [champ]),
    )


def _places(question: Mapping[str, Any]) -> tuple[str | None, ...]:
    """Return the ids of a question, of its repetition and of its section."""
    return question["champ_id"], question["bloc"], question["rubrique"]


def sections_of(form: Form) -> dict[str, str]:
    """Return the title of the section of each question and annotation that is in one, by id."""
    titles = {one["champ_id"]: one["libelle"] for one in form}
    return {one["champ_id"]: titles[one["rubrique"]] for one in form if one["rubrique"]}


def _choices(form: Form) -> list[tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]]:
    """Return the questions that can be chosen, by section."""
    asked = [one for one in form if one["type"] != "header_section"]
    titles = {one["champ_id"]: one for one in form if one["type"] == "header_section"}
    return [
        (titles.get(rubrique), list(group))
        for rubrique, group in groupby(asked, key=lambda one: one["rubrique"])
    ]


def _complete(rows: Sequence[dict[str, Any]], sections: Mapping[str, str]) -> None:
    for row in rows:
        row["jour"] = words.paris_day(datetime.fromisoformat(row["survenu_le"]))
        row["demandeur"] = applicant_of(row)
        row["section"] = sections.get(row["champ_id"])


def _personal(visit: Visit) -> list[str]:
    return [COLUMNS[name][0] for name in VALUES] if visit.may(Right.PERSONNES) else []


def changes_of(visit: Visit, reader: Reader) -> dict[str, Any]:
    """Return a page of the changes, by day, the last ones first."""
    page = visit.part
    form = reader.demarche.questions()
    chosen = selection_of(visit, form)
    total, dossiers = reader.changes.count(chosen)
    last = max(1, -(-total // PER_PAGE))
    page = min(page, last)
    rows = reader.changes.listing(chosen, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    _complete(rows, sections_of(form))
    visit.personal = _personal(visit)
    visit.listed = [row["numero"] for row in rows] if visit.personal else ()
    _, groupes = reader.demarche.labels_and_groupes()
    parameters = {name: v for name in words.CHANGE_FILTERS if (v := visit.query(name))}
    values = _values_of(visit, form, groupes)
    if not total:
        visit.check_filters(values)
    return {
        "days": [(day, list(group)) for day, group in groupby(rows, key=lambda row: row["jour"])],
        "total": total,
        "dossiers": dossiers,
        "page": page,
        "last": last,
        "parameters": parameters,
        "said_filters": said_filters(words.CHANGE_FILTERS, _days_said(parameters), values),
        "par": visit.query("par") or BY_PEOPLE,
        "authors": _authors(visit),
        "depuis": chosen.depuis,
        "monday": (visit.today - visit.today.weekday() * _A_DAY).isoformat(),
        "choices": _choices(form),
        "groupes": groupes if len(groupes) > 1 or chosen.groupe else [],
        "of_dossier": [*OF_DOSSIER.items()],
    }


def _values_of(visit: Visit, form: Form, groupes: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Return the values of the filters that have some to choose from, with their words."""
    return {
        "par": _authors(visit),
        "champ": {**OF_DOSSIER, **{one["champ_id"]: one["libelle"] for one in form}},
        "etat": words.ETATS,
        "groupe": {one: one for one in groupes},
    }


def _authors(visit: Visit) -> dict[str, str]:
    """Return who can be chosen, in words: the default first."""
    people = f"{visit.authors['usager']} et l’équipe"
    others = {"inconnu": "Auteur inconnu", EVERYBODY: "Tout le monde"}
    return {BY_PEOPLE: people, **visit.authors, **others}


def _days_said(parameters: Mapping[str, str]) -> dict[str, str]:
    said = dict(parameters)
    for name in parameters.keys() & {"du", "au"}:
        said[name] = words.day(parameters[name])
    if "depuis" in parameters:
        said["depuis"] = words.moment(instant_of("depuis", parameters["depuis"]))
    return said


def export(visit: Visit) -> Response:
    """Send all changes of the selection as a file; their values are only for those who may act."""
    return prepared(visit, lambda progress: _file(visit, progress))


def _file(visit: Visit, progress: Callable[[int, int], None]) -> Download:
    columns = {
        name: typed
        for name, typed in COLUMNS.items()
        if visit.may(Right.PERSONNES) or name not in VALUES
    }
    visit.personal = _personal(visit)
    with visit.reading() as reader:
        form = reader.demarche.questions()
        chosen, sections = selection_of(visit, form), sections_of(form)
        total, _ = reader.changes.count(chosen)
        if not total:
            _, groupes = reader.demarche.labels_and_groupes()
            visit.check_filters(_values_of(visit, form, groupes))
        return file_of(
            visit,
            "changements",
            dict(columns.values()),
            (
                [[_cell(visit, name, row) for name in columns] for row in rows]
                for rows in _parts(reader, chosen, sections, lambda done: progress(done, total))
            ),
        )


def _parts(
    reader: Reader,
    chosen: ChangeSelection,
    sections: Mapping[str, str],
    progress: Callable[[int], None],
) -> Iterator[list[dict[str, Any]]]:
    after, done = None, 0
    while rows := reader.changes.listing(chosen, limit=BATCH, after=after):
        progress(done)
        done += len(rows)
        _complete(rows, sections)
        yield rows
        after = rows[-1]["ordre"]


def _cell(visit: Visit, name: str, row: Mapping[str, Any]) -> Any:
    if name in VALUES:
        return words.changed(row, name)
    if COLUMNS[name][1] == "datetime":
        return words.instant_of(row[name])
    return visit.authors.get(row[name], row[name]) if name == "par" else row[name]


PAGES = [
    ("GET", "/changements.{ending}", export, Right.LIRE),
]
