"""What is left to do by hand in DS once a jury has met: decisions, annotations, dates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from starlette.responses import Response

from dsync.console import words
from dsync.console.access import Right
from dsync.console.jury import check_programme, days_of, present
from dsync.console.jury_papers import ranks_of
from dsync.console.visit import UnknownValueError, Viewer, Visit
from dsync.console.words import NB
from dsync.domain.dossier import OPEN_ETATS, Etat
from dsync.domain.wording import fold
from dsync.store import Reader

MOST = 500
"""Dossiers looked at, of one jury or of all."""
MOST_UNDATED = 100
"""Those without a jury's date that are accepted."""
_DATES = ("convention_le", "candidatures_le", "entretiens_le", "prise_de_poste_le")
_COLUMNS = (
    *("numero", "etat", "etape", "jury_le", "verdict", "valide_par_instructeur"),
    *(*_DATES, "raison_sociale"),
)


class Issue(StrEnum):
    """What a jury decided, as the team notes it in the annotation of the stage."""

    LAUREAT = "Lauréat"
    RESERVE = "En réserve"
    NON_RETENU = "Non retenu"


class Todo(NamedTuple):
    """One thing to do in DS for one dossier."""

    groupe: str
    """Of `GROUPS`."""
    actuel: str
    """What DS shows."""
    voulu: str


GROUPS = {
    "contradiction": "À trancher : l’état et l’étape se contredisent",
    "issue": "Issue du jury à saisir",
    "accepter": "Lauréats à accepter",
    "refuser": "Non retenus à refuser",
    "reserve": "En réserve : rien à inscrire pour l’instant",
    "etape": "Étape de sélection à mettre à jour",
    "validation": "Pré-contrôle à valider",
    "jury": "Date du jury à saisir",
    "dates": "Dates du recrutement à saisir",
}
"""The kinds of things to do, in the order in which the page shows them."""


def issue_of(etape: str | None) -> Issue | None:
    """Return what the stage says of the jury's decision; None: nothing yet."""
    text = fold(etape or "")
    if text.startswith(("non ", "refus", "ecarte")):
        return Issue.NON_RETENU
    if text.startswith(("laureat", "retenu")):
        return Issue.LAUREAT
    if any(word in text for word in ("reserve", "liste complementaire", "attente")):
        return Issue.RESERVE
    return None


def todos(
    row: Mapping[str, Any], today: str, label: Callable[[str], str], *, judges: bool
) -> Iterator[Todo]:
    """Yield what is to do in DS for a dossier, of which `row` has the `_COLUMNS`.

    `today` is the day in Paris, as `2024-06-01`; `label` is that of the annotation that fills a
    column; where dossiers are judged, a person validates verdicts.
    """
    etat, issue = Etat(row["etat"]), issue_of(row["etape"])
    has_met = row["jury_le"] is not None and str(row["jury_le"]) <= today
    shown = f"«{NB}{row['etape']}{NB}»" if row["etape"] else "vide"
    stage, state = f"{label('etape')}{NB}: {shown}", words.ETATS[etat]
    if etat in OPEN_ETATS:
        if has_met:
            first = "passer en instruction, puis " if etat is Etat.EN_CONSTRUCTION else ""
            match issue:
                case None:
                    yield Todo("issue", stage, f"{label('etape')}{NB}: Lauréat, ou Non retenu")
                case Issue.LAUREAT:
                    yield Todo("accepter", state, f"{first}accepter")
                case Issue.NON_RETENU:
                    yield Todo("refuser", state, f"{first}refuser, ou classer sans suite")
                case Issue.RESERVE:
                    yield Todo("reserve", state, f"{first}attendre un désistement")
    else:
        yield from _decided(etat, issue, state, stage, label("etape"))
    if etat is Etat.ACCEPTE and row["jury_le"] is None:
        yield Todo("jury", f"{label('jury_le')}{NB}: vide", "le jour où le jury l’a examiné")
    is_laureate = etat is Etat.ACCEPTE or (
        issue is Issue.LAUREAT and etat in OPEN_ETATS and has_met
    )
    if judges and is_laureate and row["verdict"] and not row["valide_par_instructeur"]:
        name = label("valide_par_instructeur")
        yield Todo("validation", f"«{NB}{name}{NB}»{NB}: non coché", "relire l’avis, puis cocher")
    if etat is Etat.ACCEPTE:
        given = [name for name in _DATES if row[name]]
        until = _DATES.index(given[-1]) if given else 1
        for name in _DATES[:until]:
            if not row[name]:
                when = "le jour où ce fut fait" if given else "à saisir une fois fait"
                yield Todo("dates", f"{label(name)}{NB}: vide", when)


def _decided(etat: Etat, issue: Issue | None, state: str, stage: str, name: str) -> Iterator[Todo]:
    wanted = Issue.LAUREAT if etat is Etat.ACCEPTE else Issue.NON_RETENU
    if issue is wanted:
        return
    if {issue, wanted} == {Issue.LAUREAT, Issue.NON_RETENU}:
        yield Todo("contradiction", f"{state}{NB}; {stage}", "corriger l’un ou l’autre")
    # One without follow-up may have no decision of the jury: the administration withdrew.
    elif etat is not Etat.SANS_SUITE:
        yield Todo("etape", f"{state}{NB}; {stage}", f"{name}{NB}: {wanted.value}")


def met(visit: Visit, reader: Reader) -> list[dict[str, Any]]:
    """Return the days of the juries that have met, as `days_of`."""
    today = visit.today.isoformat()
    return [one for one in days_of(visit, reader) if str(one["jury_le"]) <= today]


def left_after(
    visit: Viewer, reader: Reader, days: Sequence[str], *, undated: bool = True
) -> dict[str, list[dict[str, Any]]]:
    """Return what is left to do in DS after the juries of these days, by group.

    With `undated`, also for accepted dossiers without a jury.
    """
    programme, today = visit.worker.programme, visit.today.isoformat()
    assert programme is not None  # noqa: S101
    view, where = reader.programme.storage.main_view.name, present(visit)
    rows: list[dict[str, Any]] = []
    if days:
        of_days = where | {"jury_le": [*days]}
        order = "jury_le DESC, numero"
        rows = reader.rows_of(view, _COLUMNS, of_days, order=order, limit=MOST, are_few=True)
    if undated:
        accepted = where | {"etat": Etat.ACCEPTE.value, "jury_le": None}
        rows += reader.rows_of(view, _COLUMNS, accepted, order="numero", limit=MOST_UNDATED)
    judges, in_ds = visit.worker.configuration.judges, visit.in_ds
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in GROUPS}
    team = reader.dossiers.team_results([row["numero"] for row in rows])
    for row in rows:
        for one in todos(row, today, programme.words.label_in_ds, judges=judges):
            groups[one.groupe].append(
                {
                    **{name: row[name] for name in ("numero", "jury_le", "verdict")},
                    "organisme": row["raison_sociale"],
                    "avis_equipe": team.get(row["numero"]),
                    "actuel": one.actuel,
                    "voulu": one.voulu,
                    "lien": in_ds and f"{in_ds}/{row['numero']}",
                }
            )
    return {name: some for name, some in groups.items() if some}


def show(visit: Visit) -> Response:
    """Show what is left to do in DS after the juries that have met, or after one of them."""
    check_programme(visit)
    with visit.reading() as reader:
        days = met(visit, reader)
        known = [str(one["jury_le"]) for one in days]
        wanted = visit.query("le")
        if wanted is not None and wanted not in known:
            why = "Ce jury n’a pas encore eu lieu, ou aucun dossier n’y était."
            raise UnknownValueError("le", wanted, why)
        chosen = [wanted] if wanted else known
        groups = left_after(visit, reader, chosen, undated=wanted is None)
        rows = [row for some in groups.values() for row in some]
        ranks = ranks_of(visit, reader, chosen, [row["numero"] for row in rows])
        for row in rows:
            rank = ranks.get(row["numero"], {})
            row |= {name: rank.get(name) for name in ("rang", "note_moyenne")}
        return visit.page(
            "a_reporter.html",
            days=days,
            day=wanted,
            groups=[(name, GROUPS[name], some) for name, some in groups.items()],
            is_cut=sum(one["nombre"] for one in days) > MOST and wanted is None,
        )


PAGES = [("GET", "/a-reporter", show, Right.NOTES)]
