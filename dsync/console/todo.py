"""The first page of who acts: what is new since their visit, the next jury, what waits for them.

What waits is a handful of lines, in order, each with a number, which is that of the list behind its
link, and a way to the first one. First what holds back others: consents, conflicts, anomalies; then
candidates who have answered, checks to answer, candidates who are silent, what a jury leaves to do.
Others are told what the console and DS are for, and what their role sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from dsync.annotations.wish import WishStatus
from dsync.care.state import SILENT_DAYS, TEAM, State, waiting
from dsync.console import words
from dsync.console.access import RIGHTS, Right, Role
from dsync.console.after_jury import left_after
from dsync.console.decisions import key_of, open_conflicts
from dsync.console.dossiers import names_of
from dsync.console.jury import days_of, unfinished_grids
from dsync.console.suivi import points_of, service_line
from dsync.console.visit import Visit, address_of, has_stages
from dsync.domain.check_answers import TO_CONFIRM
from dsync.domain.dossier import Etat
from dsync.domain.verdict import Verdict
from dsync.store import Reader
from dsync.store.change_list import ChangeSelection
from dsync.store.codes import Author
from dsync.store.listing import TO_SETTLE, UNDER_WAY, Selection

DS = "Démarches Simplifiées"
_COOKIE = "dsync_visite"
_KEPT_S = 180 * 86_400
_KEPT = 20
"""Number of démarches of which a browser keeps the last visit."""
_PAUSE_S = 1800
"""Time without a page after which the next one begins a new visit."""
_FIRST = timedelta(days=7)
"""What counts as new at the first visit."""
_VISIT = re.compile(r"([0-9a-f]{12})\.([0-9]{9,11})\.([0-9]{1,11})")


def last_visit(visit: Visit) -> tuple[datetime | None, str]:
    """Return when somebody was last here before this visit, and what their browser keeps of it.

    It is kept by the browser alone, under a hash: the database does not hold who was here when.
    """
    key = sha256(f"{visit.actor.name}|{visit.worker.demarche}".encode()).hexdigest()[:12]
    now, kept = int(visit.now.timestamp()), _kept(visit.request)
    seen, before = kept.pop(key, (now, 0))
    if now - seen > _PAUSE_S:
        before = seen
    entries = [(key, (now, before)), *kept.items()][:_KEPT]
    text = "_".join(f"{one}.{last}.{former}" for one, (last, former) in entries)
    return datetime.fromtimestamp(before, UTC) if before else None, text


def _kept(request: Request) -> dict[str, tuple[int, int]]:
    found = map(_VISIT.fullmatch, request.cookies.get(_COOKIE, "").split("_"))
    return {one[1]: (int(one[2]), int(one[3])) for one in found if one}


class Waiting(NamedTuple):
    """The things of one kind that wait for somebody."""

    name: str
    number: int
    title: str
    titles: str
    why: str
    path: str
    """Where all of them are."""
    verb: str
    first: str
    """Where the first one is done."""
    since: datetime | None = None
    """Of the first one, where lists begin with the oldest."""
    mine: int = 0
    """Those of dossiers that who asks follows in DS, as the list says with `mine_path`."""
    mine_path: str = ""


class _Listed(NamedTuple):
    """A kind whose things are dossiers of a list."""

    name: str
    title: str
    titles: str
    why: str
    verb: str
    chosen: dict[str, Any]
    """What the list selects, as `Selection` names it."""
    given: dict[str, Any] | None = None
    """The same in its address, where that differs."""


def waits_of(visit: Visit, reader: Reader, state: State) -> list[Waiting]:
    """Return what waits for somebody who acts; `state` is that of the démarche."""
    found = [_consents(visit, reader), _conflicts(reader), _anomalies(reader)]
    me = visit.name if visit.name.casefold() in reader.demarche.agents() else None
    found += [_of_list(reader, one, me) for one in _lists(visit)]
    if has_stages(visit.worker):
        days = [str(one["jury_le"]) for one in days_of(visit, reader)]
        left = visit.once_a_run("decisions", state, lambda: _decisions(visit, reader, days))
        why = f"issues du jury, dates et validations, à inscrire dans {DS}"
        titles = ("décision à reporter", "décisions à reporter")
        path = "/a-reporter"
        found.append(Waiting("decision", left, *titles, why, path, "Reporter", path))
        grids = unfinished_grids(visit, reader, days)
        first = f"/jury/fiches/{grids[0]['numero']}" if grids else ""
        titles, path = ("grille à compléter", "grilles à compléter"), "/jury?voir=miennes"
        why = "il y manque des notes de vous"
        found.append(Waiting("grille", len(grids), *titles, why, path, "Noter", first))
    return [one for one in found if one.number]


def _consents(visit: Visit, reader: Reader) -> Waiting:
    # The others cannot give it.
    may = visit.may(Right.ADMINISTRER) and visit.grant.groupes is None
    asked = waiting(reader, visit.worker.evidence(reader)) if may else []
    first = f"/accords#t-{asked[0].proposal.kind}" if asked else ""
    titles, why = ("accord à donner", "accords à donner"), "dsync s’est arrêté, et vous demande"
    since = asked[0].since if asked else None
    return Waiting("accord", len(asked), *titles, why, "/accords", "Décider", first, since)


def _conflicts(reader: Reader) -> Waiting:
    wishes, _ = open_conflicts(reader)
    oldest = min(wishes, key=lambda one: str(one.distante_le or one.creee_le), default=None)
    first = f"/conflits#l-{key_of(oldest)}" if oldest else ""
    since = oldest and words.instant_of(oldest.distante_le or oldest.creee_le)
    why = "une personne a écrit autre chose que dsync"
    said = ("conflit", "conflits", why, "/conflits", "Choisir")
    return Waiting("conflit", len(wishes), *said, first, since)


def _anomalies(reader: Reader) -> Waiting:
    quarantine = reader.quarantine.entries()
    # One a dossier, whatever is wrong with it.
    numbers = {one.numero for one in quarantine}
    numbers |= {one.numero for one in reader.wishes.open([WishStatus.REFUSEE])}
    why = "ce que dsync ne peut pas lire, juger ou inscrire"
    since = min((one.depuis for one in quarantine), default=None)
    said = ("anomalie", "anomalies", why, "/anomalies", "Voir", "/anomalies")
    return Waiting("anomalie", len(numbers), *said, since)


def _lists(visit: Visit) -> Iterator[_Listed]:
    """Yield the kinds of dossiers, in order."""
    applicant = words.APPLICANTS[visit.worker.configuration.applicant]
    team = {"etat": UNDER_WAY, **({"attend": TEAM} if has_stages(visit.worker) else {})}
    titles = ("message ou correction", "messages ou corrections")
    why = "a écrit, ou modifié son dossier"
    answered = {"repondu": True, "tri": "repondu_le"}
    said = {"repondu": "oui", "tri": "repondu_le"}
    yield _Listed("reponse", *titles, f"{applicant.le.lower()} {why}", "Lire", answered, said)
    if visit.worker.configuration.judges:
        titles = ("réponse à confirmer", "réponses à confirmer")
        why = "le constat a changé depuis"
        confirm = {"etat": UNDER_WAY, "resultat": TO_CONFIRM}
        yield _Listed("confirmer", *titles, why, "Répondre", confirm)
        titles = ("dossier à vérifier", "dossiers à vérifier")
        why = "un contrôle attend que l’équipe y réponde"
        settle = {**team, "resultat": TO_SETTLE, "tri": "depose_le"}
        yield _Listed("controle", *titles, why, "Répondre", settle)
        titles = ("dossier inéligible à rejuger", "dossiers inéligibles à rejuger")
        why = "le catalogue d’aujourd’hui contredit celui du dépôt"
        contradicted = {"etat": UNDER_WAY, "contredit": True}
        said = {"etat": UNDER_WAY, "contredit": "oui"}
        yield _Listed("contredit", *titles, why, "Voir", contradicted, said)
    else:
        titles, why = ("dossier en cours", "dossiers en cours"), "à instruire par l’équipe"
        yield _Listed("dossier", *titles, why, "Ouvrir", {**team, "tri": "depose_le"})
    silent = {"sans_reponse_depuis": visit.now - timedelta(days=SILENT_DAYS), "tri": "depose_le"}
    named = {"sans_reponse": SILENT_DAYS, "tri": "depose_le"}
    titles = ("dossier sans réponse", "dossiers sans réponse")
    why = f"demandé {applicant.au} il y a plus de {SILENT_DAYS} jours, à relancer dans {DS}"
    yield _Listed("silence", *titles, why, "Relancer", silent, named)


def _of_list(reader: Reader, kind: _Listed, me: str | None) -> Waiting:
    """Return the dossiers of a kind: the first one is one that `me` follows, if there is any."""
    chosen = Selection(presence="present", **kind.chosen)
    given = {"presence": "present", **(kind.given or kind.chosen)}
    [*numbers], total = reader.dossiers.page(chosen, limit=1)
    theirs = {**given, "suivi": "moi"}
    mine = 0
    if me and total:
        followed, mine = reader.dossiers.page(chosen._replace(suivi_par=me), limit=1)
        numbers = followed or numbers
    of_list = {"tri": "numero", **(theirs if mine else given)}
    part = "/messages" if kind.name in _SINCE else ""
    return Waiting(
        kind.name,
        total,
        kind.title,
        kind.titles,
        kind.why,
        address_of("/dossiers", given),
        kind.verb,
        address_of(f"/dossiers/{numbers[0]}{part}", of_list) if numbers else "",
        mine=mine,
        mine_path=address_of("/dossiers", theirs),
    )


class Mine(NamedTuple):
    """What waits in a dossier that somebody follows."""

    number: int
    rank: int
    """Of its kind, in the order of « À faire »."""
    verb: str
    why: str
    path: str
    since: datetime | None
    in_ds: str = ""
    """The page of the dossier in DS where it is done; empty: here."""
    others: Sequence[str] = ()
    """What else waits in it."""


MOST_MINE = 100
"""Dossiers of a kind, and of the page: the oldest ones."""
_IN_DS = {"reponse": "/messagerie", "silence": "/messagerie", "dossier": "/"}
"""The kinds that are done in DS, with the page of a dossier there."""
_SINCE = {"reponse": "repondu_le", "silence": "demande_le"}
"""The column that says since when it waits; of the others, since when the dossier does."""


def _mine(visit: Visit, reader: Reader) -> Iterator[Mine]:
    """Yield what waits in the dossiers that who asks follows in DS, kind by kind."""
    present = Selection(presence="present", suivi_par=visit.name)
    followed = {*reader.dossiers.numbers_of(present)}
    for one in open_conflicts(reader)[0]:
        if one.numero in followed:
            since = words.instant_of(one.distante_le or one.creee_le)
            path = f"/conflits#l-{key_of(one)}"
            yield Mine(one.numero, 0, "Choisir", "une personne a écrit autre chose", path, since)
    for entry in reader.quarantine.entries():
        if entry.numero in followed:
            why = "illisible ou impossible à juger"
            yield Mine(entry.numero, 1, "Voir l’anomalie", why, "/anomalies", entry.depuis)
    team = {"etat": UNDER_WAY, **({"attend": TEAM} if has_stages(visit.worker) else {})}
    kinds = [*_lists(visit), _Listed("dossier", "", "", "à instruire par l’équipe", "Ouvrir", team)]
    for rank, kind in enumerate(kinds, 2):
        oldest = {"tri": "attend_depuis", **kind.chosen}
        numbers, _ = reader.dossiers.page(present._replace(**oldest), limit=MOST_MINE)
        for row in reader.dossiers.shown(numbers):
            since = words.instant_of(
                row[_SINCE.get(kind.name, "attend_depuis")]
                or row["attend_depuis"]
                or row["depose_le"]
            )
            path = f"/dossiers/{row['numero']}{'/messages' if kind.name in _SINCE else ''}"
            in_ds = _IN_DS.get(kind.name, "")
            yield Mine(row["numero"], rank, kind.verb, kind.why, path, since, in_ds)


def mine(visit: Visit) -> Response:
    """Show what waits in the dossiers that who asks follows: once each, the oldest first."""
    by_kind = visit.query("tri") == "sorte"
    with visit.reading() as reader:
        found: dict[int, Mine] = {}
        is_known = visit.name.casefold() in reader.demarche.agents()
        for one in _mine(visit, reader) if is_known else ():
            first = found.setdefault(one.number, one)
            # That the team has to act is no second thing.
            if first is not one and one.verb not in (first.verb, "Ouvrir", *first.others):
                found[one.number] = first._replace(others=(*first.others, one.verb))
        oldest = sorted(found.values(), key=lambda one: (one.since or visit.now, one.number))
        _, followed = reader.dossiers.page(
            Selection(presence="present", suivi_par=visit.name), limit=1
        )
        return visit.page(
            "mes_dossiers.html",
            rows=sorted(oldest[:MOST_MINE], key=lambda one: one.rank if by_kind else 0),
            left=max(0, len(oldest) - MOST_MINE),
            names=names_of(visit, reader, found),
            by_kind=by_kind,
            is_known=is_known,
            followed=followed,
        )


def _decisions(visit: Visit, reader: Reader, days: Sequence[str]) -> int:
    met = [day for day in days if day <= visit.today.isoformat()]
    left = left_after(visit, reader, met)
    return sum(len(rows) for name, rows in left.items() if name != "reserve")


class News(NamedTuple):
    """What came since a visit."""

    number: int
    title: str
    titles: str
    path: str


def _news(visit: Visit, reader: Reader, since: datetime) -> list[News]:
    """Return what came: each kind with the list that has it, and its dates."""
    applicant, at = words.APPLICANTS[visit.worker.configuration.applicant], _stamp(since)
    _, changed = reader.changes.count(ChangeSelection(par=(Author.USAGER.value,), depuis=since))
    _, arrived = reader.dossiers.page(Selection(arrive_depuis=since), limit=1)
    _, answered = reader.dossiers.page(Selection(repondu_depuis=since), limit=1)

    def listed(name: str, sort: str) -> str:
        columns = f"produit_id,raison_sociale,attend,{sort}"
        given = {name: at, "tri": sort, "ordre": "desc", "colonnes": columns}
        return address_of("/dossiers", given)

    return [
        News(
            arrived,
            "dossier arrivé ici",
            "dossiers arrivés ici",
            listed("arrive_depuis", "depose_le"),
        ),
        News(
            changed,
            f"dossier modifié par {applicant.son}",
            f"dossiers modifiés par {applicant.leur}",
            address_of("/suivi", {"par": Author.USAGER.value, "depuis": at}),
        ),
        News(
            answered,
            "message ou correction reçu",
            "messages ou corrections reçus",
            listed("repondu_depuis", "repondu_le"),
        ),
    ]


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


class OtherDemarche(NamedTuple):
    """A démarche beside the one that is shown."""

    number: int
    title: str | None
    counts: Sequence[str]
    """What waits there for somebody who acts."""
    is_late: bool


def _others(visit: Visit, reader: Reader) -> Iterator[OtherDemarche]:
    grants = visit.actor.grants
    counts = reader.overview([*grants]) if len(grants) > 1 else {}
    for number in counts.keys() - {int(visit.worker.demarche)}:
        count, known, said = counts[number], visit.titled.get(number), list[str]()
        if Right.AGIR in RIGHTS[grants[number].role]:
            broken = count["quarantaine"] + count["refusee"]
            said = [
                words.plural(count[TEAM], "dossier attend l’équipe", "dossiers attendent l’équipe"),
                *([words.plural(count["conflit"], "conflit")] if count["conflit"] else ()),
                *([words.plural(broken, "anomalie")] if broken else ()),
            ]
        yield OtherDemarche(number, known.titre if known else None, said, visit.is_late(number))


def _next_jury(visit: Visit, reader: Reader) -> dict[str, Any] | None:
    """Return the day of the next jury, in how many days it is, and its number of dossiers."""
    if not has_stages(visit.worker):
        return None
    to_come = [one for one in days_of(visit, reader) if str(one["jury_le"]) >= str(visit.today)]
    if not to_come:
        return None
    day = date.fromisoformat(str(to_come[-1]["jury_le"]))
    return {"le": day, "dans": (day - visit.today).days, "nombre": to_come[-1]["nombre"]}


def show(visit: Visit) -> Response:
    """Show what is new and what waits; to those who do not act, what the place is for."""
    if not visit.may(Right.AGIR):
        return _welcome(visit)
    worker = visit.worker
    state = worker.state(visit.now, visit.sight, counted=False)
    before, kept = last_visit(visit)
    since = before or visit.now - _FIRST
    with visit.reading() as reader:
        waits = waits_of(visit, reader, state)
        points = len(list(points_of(visit, reader, state)))
        answer = visit.page(
            "todo.html",
            news=_news(visit, reader, since),
            since_visit=since,
            is_first_visit=before is None,
            jury=_next_jury(visit, reader),
            waits=waits,
            points=points,
            service=service_line(state, reader, worker.clock()),
            others=sorted(_others(visit, reader)),
            is_well=not waits and not points,
        )
    answer.set_cookie(
        _COOKIE,
        kept,
        max_age=_KEPT_S,
        secure=(visit.site.origin or "").startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return answer


def _welcome(visit: Visit) -> Response:
    """Say what the console and DS are for, what the role sees and whom to ask."""
    known = visit.titled.get(visit.worker.demarche)
    grids = 0
    with visit.reading() as reader:
        if visit.grant.role is Role.JURY and has_stages(visit.worker):
            days = [str(one["jury_le"]) for one in days_of(visit, reader)]
            grids = len(unfinished_grids(visit, reader, days))
        sees_marks = visit.may(Right.NOTES)
        return visit.page(
            "accueil.html",
            read_at=known and known.last_success_at,
            judges=visit.worker.configuration.judges,
            jury=_next_jury(visit, reader) if sees_marks else None,
            grids=grids,
            glossary=[*_glossary(visit)],
        )


def _glossary(visit: Visit) -> Iterator[tuple[str, str]]:
    """Yield words that the pages use, with their meanings."""
    for etat in Etat:
        yield etat.label, f"{etat.meaning} C’est un état de {DS}."
    if visit.worker.configuration.judges:
        for verdict in Verdict:
            if verdict is not Verdict.RIEN_A_SIGNALER:
                said = verdict.meaning.replace("au prochain passage", "plus tard")
                yield visit.verdicts[verdict.value], f"{said} C’est un avis de dsync."
    yield "Conflit", "Dans le dossier, une personne a écrit autre chose que l’avis de dsync."
    yield "Étiquette", f"Un mot que l’équipe, ou dsync, met sur un dossier dans {DS}."


def since(visit: Visit) -> Response:
    """Say how many dossiers have changed since an open page was made: one line of it."""
    try:
        at = datetime.fromisoformat(visit.query("le") or "").astimezone(UTC)
    except (ValueError, OverflowError):
        at = visit.now
    with visit.reading() as reader:
        count = reader.dossiers.moved_since(at)
    return visit.page("depuis.html", le=at, nombre=count, heure=words.clock(at, visit.now))


PAGES = [
    ("GET", "/", show, Right.LIRE),
    ("GET", "/mes-dossiers", mine, Right.AGIR),
    ("GET", "/depuis", since, Right.LIRE),
]
