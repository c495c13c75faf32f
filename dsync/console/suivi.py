"""How the call goes: what is not well with its remedy, its chart, the changes; « Synchroniser »."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.care.state import End, State, concerns_of
from dsync.console import words
from dsync.console.access import Right
from dsync.console.changements import changes_of
from dsync.console.dossiers import RESULTS, VERDICTS
from dsync.console.jury import days_of
from dsync.console.visit import Visit, address_of, has_stages
from dsync.domain.rights import opened
from dsync.domain.verdict import NO_VERDICT
from dsync.errors import (
    PARTIAL,
    ConfigurationError,
    DSError,
    DSUnauthorizedError,
    DsyncError,
    SafetyBrakeError,
    StoreError,
)
from dsync.messages import french
from dsync.messages import kinds as k
from dsync.store import Reader
from dsync.store.journal import Unread
from dsync.store.listing import UNDER_WAY, Tally
from dsync.sync.work import Read, ReadAll, ReadChanges, ReadDossiers

TALLIES = {"rattachement": "Administration", "profil": "Profil", "region": "Région"}
"""By what dossiers are counted: the filters of the list, with their titles."""
MOST_TALLIES = 30
MARKED_JURIES = 3


_CAUSES = {
    DSError.exit_code: "Démarches Simplifiées ne répond pas",
    DSUnauthorizedError.exit_code: "Démarches Simplifiées refuse le jeton",
    SafetyBrakeError.exit_code: "Un accord est attendu",
    StoreError.exit_code: "La base de données n’est pas disponible",
    ConfigurationError.exit_code: "La configuration est à corriger",
}
_COUNTED = {k.Note.UNREADABLE_DOSSIERS, k.Note.RULE_FAILED, k.Note.NOT_RENDERED}
"""What « Anomalies » has dossier by dossier."""


class Point(NamedTuple):
    """Something that needs attention, with its remedy, and where to go."""

    text: str
    path: str | None = None
    link: str = ""
    is_error: bool = False


_RUNS, _ANOMALIES = (
    ("/synchronisations", "Voir les synchronisations"),
    ("/anomalies", "Voir les anomalies"),
)
_REQUESTS = "/journal", "Voir les demandes"
CONTRADICTED = {"presence": "present", "etat": UNDER_WAY, "contredit": "oui"}
"""The list of the dossiers that today's catalogue would not exclude."""
LINKS: Mapping[type[k.Concern], tuple[str, str]] = {
    k.Late: _RUNS,
    k.RunFailed: ("/synchronisations/{run}", "Voir cette synchronisation"),
    k.Stopped: ("/accords", "Voir et décider"),
    k.InQuarantine: _ANOMALIES,
    k.Refused: _ANOMALIES,
    k.Conflicts: ("/conflits", "Régler les conflits"),
    k.Contradicted: (address_of("/dossiers", CONTRADICTED), "Voir ces dossiers"),
    k.WaitingWrites: ("/anomalies", "Voir ce qui attend"),
    k.NoTarget: _RUNS,
    k.UnfinishedErasures: _REQUESTS,
    k.WaitingRequests: _REQUESTS,
    k.OldEvidence: ("/preuves", "Voir les preuves"),
}
"""Where to go, and the text of the link."""
UNREAD = (
    "Aucun avis n’en devient inéligible : la dernière bonne copie sert, sinon le contrôle attend."
)
_ERRORS = (
    k.NoSuccess | k.Late | k.SilentService | k.ClockWentBack | k.RunFailed | k.Stopped | k.NoTarget
)
_OF_COPY = k.NoSuccess | k.Late | k.RunFailed
"""What those see, too, who may not act: how old the copy is. The others are for who can settle
them."""


def points_of(visit: Visit, reader: Reader, state: State) -> Iterator[Point]:
    """Yield what is not well, as far as it is for who asks."""
    may_act, is_under_way = visit.may(Right.AGIR), bool(state.lease)
    about = french.About(
        visit.now,
        may_act,
        has_service=bool(state.alive),
        is_under_way=is_under_way,
        awaits_consent=bool(state.consents),
        is_away=bool(state.last_end and state.last_end.code == DSError.exit_code),
        next_at=words.clock(max(state.next_run_at or visit.now, visit.now), visit.now),
    )
    for one in concerns_of(state, visit.now, visit.worker.settings.looked):
        if not (may_act or isinstance(one, _OF_COPY)):
            continue
        if (
            isinstance(one, k.Findings)
            and "instructeur" in one.names
            and (names := _groupes(visit, reader))
        ):
            yield Point(
                f"L’instructeur de dsync manque dans {names} : ajoutez-le dans Démarches "
                "Simplifiées, sinon rien n’y est inscrit."
            )
            one = k.Findings(tuple(name for name in one.names if name != "instructeur"))
            if not one.names:
                continue
        if (text := french.concern(one, about)) is None:
            continue
        if is_under_way and isinstance(one, k.NoSuccess | k.Late):
            yield Point(text)
            continue
        path, link = LINKS.get(type(one), (None, ""))
        if isinstance(one, k.RunFailed):
            path = f"/synchronisations/{one.run}"
        if not may_act or (
            visit.grant.groupes is not None and (path or "").startswith("/synchronisations")
        ):
            path = None
        yield Point(text, path and visit.url(path), link, isinstance(one, _ERRORS))
    unread = unread_evidence(visit, reader, state) if may_act else ()
    if unread and unread[0].until is None:
        since = words.clock(unread[0].since, visit.now)
        yield Point(
            f"Le catalogue de beta.gouv.fr n’est plus lu depuis {since}. {UNREAD}",
            visit.url("/preuves"),
            "Voir les preuves",
        )


class ServiceLine(NamedTuple):
    """What is said of the service in one line."""

    text: str
    is_trouble: bool


def service_line(state: State, reader: Reader, now: datetime) -> ServiceLine:
    """Return the state of the service in one line, in trouble with its cause; `now` is in UTC."""
    next_at, last = max(state.next_run_at or now, now), state.sync.last_success_at
    end, partly = state.last_end, ""
    code = end and end.code
    if last is None:
        so_far = "aucune synchronisation n’a encore réussi"
    elif end and code == PARTIAL and (partly := _partly(end)):
        so_far = (
            f"la dernière synchronisation, il y a {words.duration(now - end.at)}, est faite en "
            "partie"
        )
    elif code == SafetyBrakeError.exit_code:
        so_far = f"la dernière lecture remonte à {words.duration(now - last)}"
    else:
        so_far = f"la dernière synchronisation réussie remonte à {words.duration(now - last)}"
    if code in _CAUSES or code == DsyncError.exit_code:
        since = reader.journal.failing_since(code)
        cause = _CAUSES.get(code, "dsync s’arrête sur un défaut")
        if since is not None:
            said = f"{cause} depuis {words.clock(since, now)}"
            if state.lease:
                return ServiceLine(f"{said} ; un essai est en cours.", is_trouble=True)
            # Other tries do not end it.
            if code == SafetyBrakeError.exit_code:
                return ServiceLine(f"{said} ; {so_far}.", is_trouble=True)
            if state.alive:
                return ServiceLine(
                    f"{said}, prochain essai à {words.clock(next_at, now)}.", is_trouble=True
                )
            return ServiceLine(f"{said} ; aucun service ne tourne.", is_trouble=True)
    if state.lease:
        begun = words.clock(state.lease.acquired_at, now)
        if (left_s := state.taken_over_in_s) is not None:
            return ServiceLine(
                f"La synchronisation commencée à {begun} ne donne plus signe de vie, une autre "
                f"peut reprendre dans {words.plural(left_s, 'seconde')} au plus ; {so_far}.",
                is_trouble=True,
            )
        return ServiceLine(
            f"Une synchronisation est en cours depuis {begun} ; {so_far}.", is_trouble=last is None
        )
    if not state.alive:
        silent = max((one.seen_at for one in state.services), default=None)
        said = (
            "Aucun service ne tourne"
            if silent is None
            else f"Le service ne répond plus depuis {words.clock(silent, now)}"
        )
        return ServiceLine(f"{said} ; {so_far}.{partly}", is_trouble=True)
    next_said = "dans un instant" if next_at <= now else f"à {words.clock(next_at, now)}"
    return ServiceLine(
        f"Le service tourne : {so_far}, prochaine lecture {next_said}.{partly}",
        is_trouble=last is None or bool(partly),
    )


def _partly(end: End) -> str:
    """Return why a run is partial, "" if « Anomalies » says it."""
    every = french.all_said(end.messages, end.dits)
    others = [
        one.text
        for one, facts in zip(every, map(k.of_stored, end.dits), strict=False)
        if not (isinstance(facts, k.Noted) and facts.note in _COUNTED)
    ]
    return f" {others[0]}" if others else ""


def unread_evidence(visit: Visit, reader: Reader, state: State) -> Sequence[Unread]:
    """Return when the catalogue could not be read in the last runs, the last time first."""
    found: Sequence[Unread] = visit.once_a_run("unread", state, reader.journal.unread_evidence)
    return found


def _groupes(visit: Visit, reader: Reader) -> str:
    """Return the groupes that the configured instructeur is not in, "" if dsync knows of none."""
    missing = reader.demarche.groupes_without(visit.worker.settings.ds_instructeur)
    if not missing:
        return ""
    names = " et ".join(f"« {name} »" for name in missing)
    return f"{'les groupes' if len(missing) > 1 else 'le groupe'} {names}"


def state_of(visit: Visit, reader: Reader) -> dict[str, Any]:
    """Return what the page of a démarche shows of its state."""
    configuration = visit.worker.configuration
    state = visit.worker.state(visit.now, visit.sight)
    stages = configuration.programme is not None
    figures: Mapping[str, Mapping[str, int]] = visit.once_a_run(
        "figures", state, lambda: reader.dossiers.figures(with_stages=stages)
    )
    best = configuration.best.key
    verdicts = [best, "a_verifier", "ineligible", "indetermine"] if configuration.judges else []
    shown = [*verdicts, NO_VERDICT]
    deposits = {name: figures[name] for name in shown if figures[name] or name in verdicts}
    tallies = visit.once_a_run("tallies", state, reader.dossiers.tallies)
    titles, present = visit.check_titles(reader), state.dossiers["presence"]["present"]
    judged = {VERDICTS[key]: count for key, count in state.dossiers["verdict"].items()}
    counted: Mapping[str, Counter[str]] = (
        visit.once_a_run("points", state, reader.dossiers.points) if verdicts else {}
    )
    points = [(name, opened(titles.get(name, name)), one) for name, one in counted.items()]
    longest = max(figures["etapes"].values(), default=0) or 1
    names = visit.verdict_names if verdicts else {NO_VERDICT: "Dépôts"}
    return {
        "state": state,
        "points": sorted(points_of(visit, reader, state), key=lambda one: not one.is_error),
        "token_ends": visit.worker.settings.looked.token_expires_on,
        "refused_since": reader.journal.failing_since(DSUnauthorizedError.exit_code)
        if state.last_end and state.last_end.code == DSUnauthorizedError.exit_code
        else None,
        "chart": chart(deposits, ("decisions", figures["decisions"]), _marks(visit, reader)),
        "legend": [
            (name, names[name], sum(figures[name].values()), name in verdicts) for name in deposits
        ],
        "decisions": sum(figures["decisions"].values()),
        # With the share of the longest one, in per cent.
        "funnel": [
            (name, count, round(100 * count / longest, 1))
            for name, count in figures["etapes"].items()
        ],
        "judges": configuration.judges,
        "tallies": [
            (name, title, _shown(tallies[name]))
            for name, title in TALLIES.items()
            if any(one.code for one in tallies.get(name, ()))
        ],
        "whole": Tally(None, None, present, judged | {"": present - sum(judged.values())}),
        "verdict_values": [(name, names[name], VERDICTS[name]) for name in verdicts]
        + ([(NO_VERDICT, visit.verdict_names[NO_VERDICT], "")] if verdicts else []),
        "points_of_checks": points,
        "results": {
            name: said
            for name, said in RESULTS.items()
            if any(counts[name] for _, _, counts in points)
        },
    }


def _shown(rows: Sequence[Tally]) -> list[Tally]:
    """Return the first values, and the others as one."""
    others = rows[MOST_TALLIES:]
    if len(others) < 2:
        return [*rows]
    total = sum((Counter(one.verdicts) for one in others), Counter[str]())
    name = f"Les {words.number(len(others))} autres"
    return [*rows[:MOST_TALLIES], Tally(None, name, total.total(), total)]


def _marks(visit: Visit, reader: Reader) -> dict[date, str]:
    """Return the days of the call that the chart names; of the same one, the last name."""
    sections = visit.worker.configuration.programme
    window = sections.window if sections else None
    found: dict[date, str] = dict(zip(window or (), ("ouverture", "clôture"), strict=False))
    today = visit.today
    if has_stages(visit.worker):
        juries = [date.fromisoformat(str(one["jury_le"])) for one in days_of(visit, reader)]
        following = [day for day in juries if day >= today]
        # The others are in « Jury »: more names than these few hide each other.
        found |= dict.fromkeys(following[-1:] if len(juries) > MARKED_JURIES else juries, "jury")
    return found | {today: "aujourd’hui"}


def _asked(visit: Visit) -> Read:
    """Return what the form « Synchroniser » asks for."""
    scope = visit.form.get("portee", "nouveau")
    if scope not in ("nouveau", "dossier", "tout"):
        raise HTTPException(400)
    numbers = visit.numbers("dossier")
    if scope == "dossier" and not numbers:
        raise HTTPException(400, "Indiquez le numéro du dossier à relire.")
    if scope == "tout" and numbers:
        raise HTTPException(400, "Indiquez un numéro, ou choisissez « Tout », pas les deux.")
    # Who types a number means it, although « Ce qui a changé » was chosen before.
    if numbers:
        return ReadDossiers(tuple(numbers))
    return ReadAll() if scope == "tout" else ReadChanges()


def resynchronise(visit: Visit) -> Response:
    """Ask for a run."""
    return visit.ask(_asked(visit))


def show(visit: Visit) -> Response:
    """Show the state of a démarche, and a page of the changes."""
    with visit.reading() as reader:
        return visit.page("suivi.html", **state_of(visit, reader), **changes_of(visit, reader))


WIDTH, HEIGHT = 860, 250
LEFT, TOP, BOTTOM = 34, 20, 22
MOST_BARS = 120
"""Bars that can be told apart: a longer time is drawn by several days each."""


class Part(NamedTuple):
    """A rectangle of the chart."""

    serie: str
    x: float
    y: float
    width: float
    height: float


class Chart(NamedTuple):
    """Deposits by day upwards, decisions downwards."""

    parts: Sequence[Part]
    heights: Sequence[tuple[float, int]]
    marks: Sequence[tuple[float, str, str]]
    """Days with their name, and where its text is anchored."""
    days: int
    """Of a bar."""
    rows: Sequence[tuple[str, Sequence[int]]]
    """Of the table: a month, and the number of each series in it."""


def chart(
    up: Mapping[str, Mapping[str, int]],
    down: tuple[str, Mapping[str, int]],
    marks: Mapping[date, str],
) -> Chart | None:
    """Return the chart of counts by day, such as `2024-06-01`; None without a count.

    `up` are stacked, by series; `down` is the series under them; `marks` are days to name.
    """
    every = {**up, down[0]: down[1]}
    counted = sorted({date.fromisoformat(day) for counts in every.values() for day in counts})
    if not counted:
        return None
    known = [*counted, *(day for day in marks if abs(day - counted[-1]) < timedelta(days=400))]
    first, last = min(known), max(known)
    step = -(-((last - first).days + 1) // MOST_BARS)
    bars = ((last - first).days + 1) // step + 1
    wide = (WIDTH - LEFT) / bars

    def place(day: date) -> float:
        return LEFT + (day - first).days / step * wide

    stacks = {name: [0] * bars for name in every}
    for name, counts in every.items():
        for day, count in counts.items():
            stacks[name][(date.fromisoformat(day) - first).days // step] += count
    most_up = max(map(sum, zip(*(stacks[name] for name in up), strict=True)), default=0) or 1
    most_down = max(stacks[down[0]]) or 0
    unit = (HEIGHT - TOP - BOTTOM) / (most_up + most_down)
    zero = TOP + most_up * unit
    parts = []
    for rank in range(bars):
        x, top = LEFT + rank * wide, zero
        for name in up:
            if count := stacks[name][rank]:
                top -= count * unit
                parts.append(_part(name, x, top, wide, count * unit))
        if count := stacks[down[0]][rank]:
            parts.append(_part(down[0], x, zero, wide, count * unit))
    months = sorted({day.isoformat()[:7] for day in counted})
    return Chart(
        parts,
        [(round(zero - value * unit, 1), value) for value in sorted({0, most_up // 2, most_up})],
        [
            (
                round(place(day), 1),
                f"{name} {day:%d/%m/%Y}",
                "end" if place(day) > WIDTH * 0.6 else "start",
            )
            for day, name in sorted(marks.items())
            if first <= day <= last
        ],
        step,
        [
            (
                f"{month[5:]}/{month[:4]}",
                [
                    sum(count for day, count in counts.items() if day.startswith(month))
                    for counts in every.values()
                ],
            )
            for month in months
        ],
    )


def _part(serie: str, x: float, y: float, wide: float, high: float) -> Part:
    gap = min(1.0, wide / 4)
    return Part(serie, round(x + gap, 1), round(y, 1), round(wide - 2 * gap, 1), round(high, 1))


PAGES = [
    ("GET", "/suivi", show, Right.LIRE),
    ("POST", "/resynchroniser", resynchronise, Right.AGIR),
]
