"""The first page: what waits, and for whom, as numbers that lead to lists; and what is new."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from dsync.care.state import TEAM, State, concerns_of
from dsync.console import words
from dsync.console.access import RIGHTS, Right, Role
from dsync.console.suivi import Point, points_of
from dsync.console.visit import Visit, has_stages
from dsync.console.worklist import SHOWN, kinds_of
from dsync.errors import (
    ConfigurationError,
    DSError,
    DSUnauthorizedError,
    DsyncError,
    SafetyBrakeError,
    StoreError,
)
from dsync.messages import kinds as k
from dsync.store import Reader
from dsync.store.change_list import ChangeSelection
from dsync.store.codes import Author

WHOM = {
    TEAM: "équipe",
    "usager": "candidat",
    "jury": "jury",
    "administration": "administration",
}
"""Who can be waited for, in the order of the page."""
_OWN = (
    # What the line about the service says.
    k.NoSuccess
    | k.Late
    | k.NoService
    | k.SilentService
    | k.RunFailed
    | k.TokenRefused
    # Numbers of dossiers, which are tasks.
    | k.Conflicts
    | k.InQuarantine
    | k.Refused
    | k.WaitingWrites
    | k.Stopped
)
"""The concerns that are said elsewhere on the page."""
_CAUSES = {
    DSError.exit_code: "Démarches Simplifiées ne répond pas",
    DSUnauthorizedError.exit_code: "Démarches Simplifiées refuse le jeton",
    SafetyBrakeError.exit_code: "Le frein de sécurité arrête la lecture",
    StoreError.exit_code: "La base de données n’est pas disponible",
    ConfigurationError.exit_code: "La configuration est à corriger",
}
_COOKIE = "dsync_visite"
_KEPT_S = 180 * 86_400
_KEPT = 20
"""Number of démarches of which a browser keeps the last visit."""
_PAUSE_S = 1800
"""Time without a page after which the next one begins a new visit."""
_FIRST = timedelta(days=7)
"""What counts as new at the first visit."""
_VISIT = re.compile(r"([0-9a-f]{12})\.([0-9]{9,11})\.([0-9]{1,11})")


class ServiceLine(NamedTuple):
    """What is said of the service in one line."""

    text: str
    is_trouble: bool


def service_line(state: State, reader: Reader, now: datetime) -> ServiceLine:
    """Return the state of the service in one line, in trouble with its cause; `now` is in UTC."""
    next_at, last = max(state.next_run_at or now, now), state.sync.last_success_at
    if last is None:
        so_far = "aucune synchronisation n’a encore réussi"
    else:
        so_far = f"la dernière synchronisation réussie remonte à {words.duration(now - last)}"
    code = state.last_end and state.last_end.code
    if code in _CAUSES or code == DsyncError.exit_code:
        since = reader.journal.failing_since()
        cause = _CAUSES.get(code, "dsync s’arrête sur un défaut")
        if since is not None:
            said = f"{cause} depuis {words.clock(since, now)}"
            if state.lease:
                return ServiceLine(f"{said} ; un essai est en cours.", is_trouble=True)
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
        return ServiceLine(f"{said} ; {so_far}.", is_trouble=True)
    next_said = "dans un instant" if next_at <= now else f"à {words.clock(next_at, now)}"
    return ServiceLine(
        f"Le service tourne : {so_far}, prochaine lecture {next_said}.", is_trouble=last is None
    )


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


class DemarcheCounts(NamedTuple):
    """A démarche among several ones."""

    number: int
    title: str | None
    whom: Sequence[int | None]
    """By who has to act, in the order of `WHOM`; None: the démarche has no such step."""
    tasks: Sequence[int | None]
    """Conflicts and anomalies; None: they are not for who asks."""
    last_success_at: datetime | None
    is_late: bool


def _lines(visit: Visit, reader: Reader) -> Iterator[DemarcheCounts]:
    grants = visit.actor.grants
    counts = reader.overview([*grants])
    for number, grant in grants.items():
        worker = visit.site.workers[number]
        count, known, stages = counts[number], visit.titled.get(number), has_stages(worker)
        last = known.last_success_at if known else None
        yield DemarcheCounts(
            number,
            known.titre if known else None,
            [
                count[whom]
                if (stages or whom == TEAM) and (grant.role is not Role.JURY or whom == "jury")
                else None
                for whom in WHOM
            ],
            [count["conflit"], count["quarantaine"] + count["refusee"]]
            if Right.AGIR in RIGHTS[grant.role]
            else [None, None],
            last,
            last is None or visit.now - last > worker.configuration.late_after,
        )


def show(visit: Visit) -> Response:
    """Show what waits, first of all démarches, then of the chosen one."""
    worker = visit.worker
    state = worker.state(visit.now, visit.sight, counted=False)
    before, kept = last_visit(visit)
    since = before or visit.now - _FIRST
    with visit.reading() as reader:
        kinds = kinds_of(visit, reader, state)
        changed = None
        if visit.may(Right.PERSONNES):
            _, changed = reader.changes.count(
                ChangeSelection(par=(Author.USAGER.value,), depuis=since)
            )
        points: list[Point] = []
        if visit.may(Right.AGIR):
            points = list(points_of(visit, reader, state, without=_OWN))
        concerns = concerns_of(state, visit.now, worker.settings.looked)
        answer = visit.page(
            "todo.html",
            lines=list(_lines(visit, reader)) if len(visit.actor.grants) > 1 else [],
            whom_names=list(WHOM.values()),
            kinds=kinds,
            most=SHOWN,
            points=points,
            service=service_line(state, reader, worker.clock()),
            # Of what applicants changed: of the last week, where no earlier visit is known.
            news=changed,
            since_visit=since,
            is_first_visit=before is None,
            is_well=not kinds and not any(concerns),
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


def since(visit: Visit) -> Response:
    """Say how many dossiers have changed since an open page was made: one line of it."""
    try:
        at = datetime.fromisoformat(visit.query("le") or "").astimezone(UTC)
    except (ValueError, OverflowError):
        at = visit.now
    with visit.reading() as reader:
        count = reader.dossiers.moved_since(at)
    return visit.page("depuis.html", le=at, nombre=count, heure=words.clock(at, visit.now))


PAGES = [("GET", "/", show, Right.LIRE), ("GET", "/depuis", since, Right.LIRE)]
