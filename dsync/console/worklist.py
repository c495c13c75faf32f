"""« À faire »: one list of what somebody has to do, in order, each line with its place.

First what holds back others: consents, conflicts, anomalies; then candidates who have answered,
checks to answer, candidates who are silent, and what a jury leaves to do. Of each kind, dossiers
that the person follows in DS, then the oldest first.
A number is that of the list behind its link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dsync.annotations.wish import Wish, WishStatus
from dsync.care.state import SILENT_DAYS, TEAM, State, waiting
from dsync.console import words
from dsync.console.access import RIGHTS, Right, Role
from dsync.console.after_jury import left_after
from dsync.console.decisions import key_of, open_conflicts
from dsync.console.dossiers import rows_of
from dsync.console.jury import days_of, unfinished_grids
from dsync.console.visit import Viewer, address_of, has_stages
from dsync.console.words import NB
from dsync.domain.check_answers import TO_CONFIRM
from dsync.store import Reader
from dsync.store.listing import TO_SETTLE, UNDER_WAY, Selection
from dsync.store.quarantine import Quarantined

SHOWN = 50
"""Maximum number of lines."""
SHORT = 26
"""Maximum length of each of two values in one line."""


class Task(NamedTuple):
    """One thing to do."""

    title: str
    about: str
    text: str
    since: datetime | None
    path: str
    verb: str
    strong: str = ""
    """What the text begins with."""


class TaskKind(NamedTuple):
    """The things of one kind to do."""

    name: str
    """In addresses."""
    title: str
    """Of one."""
    titles: str
    number: int
    tasks: Sequence[Task]
    """The first ones."""
    path: str
    """Where all of them are."""


class _OfDossiers(NamedTuple):
    """A kind whose things are dossiers of a list."""

    name: str
    title: str
    titles: str
    verb: str
    chosen: dict[str, Any]
    """What the list selects, as `Selection` names it."""
    given: dict[str, Any] | None = None
    """The same in its address, where that differs."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the list."""
        return {"presence": "present", **(self.given or self.chosen)}


def kinds_of(visit: Viewer, reader: Reader, state: State) -> list[TaskKind]:
    """Return what is to do, in order, as far as somebody sees it or does it.

    `state` is that of the démarche.
    """
    may_act = Right.AGIR in RIGHTS[visit.grant.role]
    stages = has_stages(visit.worker) and visit.may(Right.NOTES)
    wishes: list[Wish] = []
    quarantine: list[Quarantined] = []
    refused: list[Wish] = []
    if may_act:
        wishes, _ = open_conflicts(reader)
        wishes.sort(key=lambda one: (str(one.distante_le or one.creee_le), one.numero))
        quarantine = reader.quarantine.entries()
        # One line a dossier, whatever is wrong with it.
        known = {one.numero for one in quarantine}
        refused = [
            *{
                one.numero: one
                for one in reader.wishes.open([WishStatus.REFUSEE])
                if one.numero not in known
            }.values()
        ]
    me = visit.name if visit.name.casefold() in reader.demarche.agents() else None
    lists = [(one, *_page(reader, one, me)) for one in _lists(visit)]
    days = [str(one["jury_le"]) for one in days_of(visit, reader)] if stages else []
    grids = unfinished_grids(visit, reader, days) if days else []
    numbers = [
        *(one.numero for some in (wishes, refused) for one in some[:SHOWN]),
        *(one.numero for one in quarantine[:SHOWN]),
        *(number for _, some, *_ in lists for number in some),
        *(grid["numero"] for grid in grids),
    ]
    columns = ("points", "produit_id", "attend")
    found = rows_of(visit, reader, list(dict.fromkeys(numbers)), columns) if numbers else []
    rows = {row["numero"]: row for row in found}
    kinds = list[TaskKind]()
    if may_act:
        kinds.append(_consents(visit, reader))
        kinds.append(_conflicts(wishes, rows))
        kinds.append(_anomalies(quarantine, refused, rows))
    kinds += [
        TaskKind(
            one.name,
            one.title,
            one.titles,
            total,
            [
                _of_dossier(visit, one, rows[number], is_mine=number in mine)
                for number in some
                if number in rows
            ],
            address_of("/dossiers", one.parameters),
        )
        for one, some, mine, total in lists
    ]
    if stages and may_act:
        kinds.append(visit.once_a_run("decisions", state, lambda: _decisions(visit, reader, days)))
    if stages:
        kinds.append(_grids(grids, rows))
    return [one for one in kinds if one.number]


def _consents(visit: Viewer, reader: Reader) -> TaskKind:
    is_whole = visit.grant.groupes is None
    asked = waiting(reader, visit.worker.evidence(reader)) if is_whole else []
    tasks = [
        Task(
            one.proposal.kind.french,
            "",
            one.proposal.kind.stands,
            one.since,
            f"/accords#t-{one.proposal.kind}",
            "Décider",
        )
        for one in asked
    ]
    return TaskKind("accord", "Accord", "Accords", len(asked), tasks, "/accords")


def _conflicts(wishes: Sequence[Wish], rows: Mapping[int, Mapping[str, Any]]) -> TaskKind:
    tasks = [
        Task(
            *_title(rows, one.numero),
            f"{_value(one, one.valeur_distante)} dans Démarches Simplifiées{NB}; "
            f"{_value(one, one.valeur)} selon dsync",
            words.instant_of(one.distante_le or one.creee_le),
            f"/conflits#l-{key_of(one)}",
            "Choisir",
            f"{words.ANNOTATIONS[one.annotation]} :",
        )
        for one in wishes[:SHOWN]
    ]
    return TaskKind("conflit", "Conflit", "Conflits", len(wishes), tasks, "/conflits")


def _value(wish: Wish, value: str | None) -> str:
    """Return the beginning of one of both values, so that a line shows them both."""
    said = words.shortened(words.written(value or "vide", wish.annotation), SHORT)
    return f"«{NB}{said}{NB}»"


def _anomalies(
    quarantine: Sequence[Quarantined],
    refused: Sequence[Wish],
    rows: Mapping[int, Mapping[str, Any]],
) -> TaskKind:
    unread = [
        Task(
            *_title(rows, one.numero),
            words.visible(one.message or ""),
            one.depuis,
            "/anomalies",
            "Voir",
        )
        for one in quarantine[:SHOWN]
    ]
    unwritten = [
        Task(
            *_title(rows, one.numero),
            f"{words.ANNOTATIONS[one.annotation]} : refusée par Démarches Simplifiées",
            one.creee_le,
            "/anomalies",
            "Voir",
        )
        for one in refused[:SHOWN]
    ]
    total = len(quarantine) + len(refused)
    return TaskKind("anomalie", "Anomalie", "Anomalies", total, [*unread, *unwritten], "/anomalies")


def _lists(visit: Viewer) -> Iterator[_OfDossiers]:
    """Yield the kinds of dossiers, in order."""
    role, stages = visit.grant.role, has_stages(visit.worker)
    if role is Role.JURY:
        if stages:
            yield _OfDossiers("jury", "Jury", "Jury", "Lire", {"attend": "jury"})
        return
    verb = "Répondre" if visit.may(Right.AGIR) else "Voir"
    team = {"etat": UNDER_WAY, **({"attend": TEAM} if stages else {})}
    if visit.may(Right.AGIR):
        answered = {"repondu": True, "tri": "depose_le"}
        said = {"repondu": "oui", "tri": "depose_le"}
        yield _OfDossiers("reponse", "Réponse reçue", "Réponses reçues", "Lire", answered, said)
    if visit.worker.configuration.judges:
        confirm = {"etat": UNDER_WAY, "resultat": TO_CONFIRM}
        yield _OfDossiers("confirmer", "À confirmer", "À confirmer", verb, confirm)
        settle = {**team, "resultat": TO_SETTLE, "tri": "depose_le"}
        yield _OfDossiers("controle", "Contrôle", "Contrôles", verb, settle)
    else:
        order = {**team, "tri": "depose_le"}
        yield _OfDossiers("dossier", "Dossier", "Dossiers", "Ouvrir", order)
    if visit.may(Right.AGIR):
        since = visit.now - timedelta(days=SILENT_DAYS)
        silent = {"sans_reponse_depuis": since, "tri": "depose_le"}
        named = {"sans_reponse": SILENT_DAYS, "tri": "depose_le"}
        yield _OfDossiers("silence", "Sans réponse", "Sans réponse", "Relancer", silent, named)


def _page(
    reader: Reader, kind: _OfDossiers, me: str | None
) -> tuple[list[int], frozenset[int], int]:
    """Return the first dossiers of a kind, those that `me` follows before the others, and how many.

    Second, those that `me` follows.
    """
    chosen = Selection(presence="present", **kind.chosen)
    numbers, total = reader.dossiers.page(chosen, limit=SHOWN)
    mine = reader.dossiers.page(chosen._replace(suivi_par=me), limit=SHOWN)[0] if me else []
    return list(dict.fromkeys([*mine, *numbers]))[:SHOWN], frozenset(mine), total


def _of_dossier(visit: Viewer, kind: _OfDossiers, row: Mapping[str, Any], *, is_mine: bool) -> Task:
    number, reasons, since = row["numero"], row["motifs"], row["depuis"]
    strong, text = "", ""
    # The next one is mine, too.
    more: dict[str, str] = {"suivi": "moi"} if is_mine else {}
    if kind.name in ("confirmer", "controle") and reasons:
        wanted = [one for one in reasons if one["resultat"] == TO_CONFIRM]
        first = wanted[0] if kind.name == "confirmer" and wanted else reasons[0]
        said = first["court"] or words.RESULTATS[first["resultat"]].lower()
        others = ", ".join(one["titre"].lower() for one in reasons if one is not first)
        strong, text = f"{first['titre']} :", f"{said}{f' · et {others}' if others else ''}"
        more["ouvrir"] = first["controle"]
    elif kind.name in ("reponse", "silence"):
        asked = f"demandé le {words.day(row['demande_le'])}" if row["demande_le"] else ""
        since = words.instant_of(row["repondu_le" if kind.name == "reponse" else "demande_le"])
        strong = f"{words.APPLICANTS[visit.worker.configuration.applicant].le} :"
        text = asked
        if kind.name == "reponse":
            said = f"a répondu le {words.day(row['repondu_le'])}"
            text = " ; ".join(filter(None, (said, asked)))
    else:
        text = f"{words.ETATS[row['etat']]}, déposé le {words.day(row['depose_le'])}"
    if kind.name == "jury":
        path = f"/jury/fiches/{number}"
    else:
        of_list = {"tri": "numero", **kind.parameters, **more}
        path = address_of(f"/dossiers/{number}", of_list)
    title, about = _title({number: row}, number)
    about += " · suivi par vous" if is_mine else ""
    return Task(title, about, text, since, path, kind.verb, strong)


def _title(rows: Mapping[int, Mapping[str, Any]], number: int) -> tuple[str, str]:
    """Return what a dossier is called, and what is said beside it."""
    row = rows.get(number, {})
    names = [*filter(None, (row.get("produit"), row.get("raison_sociale")))]
    title, *others = names or [f"Dossier {number}"]
    return words.text(title), " · ".join([str(number), *map(words.text, others)])


def _decisions(visit: Viewer, reader: Reader, days: Sequence[str]) -> TaskKind:
    met = [day for day in days if day <= visit.today.isoformat()]
    tasks = [
        Task(
            row["organisme"] or f"Dossier {row['numero']}",
            str(row["numero"]),
            f"{row['actuel']} → {row['voulu']}",
            words.instant_of(row["jury_le"]) if row["jury_le"] else None,
            row["lien"] or "/a-reporter",
            "Reporter",
        )
        for name, rows in left_after(visit, reader, met).items()
        if name != "reserve"
        for row in rows
    ]
    return TaskKind("decision", "Décision", "Décisions", len(tasks), tasks, "/a-reporter")


def _grids(grids: Sequence[Mapping[str, Any]], rows: Mapping[int, Mapping[str, Any]]) -> TaskKind:
    tasks = [
        Task(
            *_title(rows, one["numero"]),
            f"il manque {', '.join(one['manques'])}",
            None,
            f"/jury/fiches/{one['numero']}",
            "Noter",
            "Votre grille :",
        )
        for one in grids
    ]
    return TaskKind("grille", "Grille", "Grilles", len(tasks), tasks, "/jury?voir=miennes")
