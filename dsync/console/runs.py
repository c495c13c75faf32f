"""Runs, requests with their progress, the journals of what was done by hand and of who saw what."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.annotations.wish import Wish, WishStatus
from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossiers import names_of, parameters_of
from dsync.console.files import Download
from dsync.console.visit import Visit
from dsync.domain.check_answers import ANSWER, RESULTS
from dsync.domain.consent import Consent
from dsync.domain.dossier import midnight
from dsync.domain.ids import DemarcheNumber, DossierNumber, number_of
from dsync.errors import StoreError
from dsync.messages import french
from dsync.store import Reader, Store
from dsync.store.codes import READS, EventName, Kind, Seen
from dsync.store.lease import LeaseInfo
from dsync.store.listing import Selection
from dsync.store.requests import ManualRequest, SeenSelection
from dsync.store.services import is_alive, taken_over_in_s
from dsync.sync import handing_over

log = structlog.get_logger(__name__)

PER_PAGE = 50
SHOWN = 50
"""Maximum number of verdicts on the page of a request."""
UNCHANGED = ("numero", "verdict", "avis_equipe")
"""What is shown of a dossier whose verdict is as before."""
FURTHEST = (
    *(WishStatus.REFUSEE, WishStatus.CONFLIT, WishStatus.INCERTAINE, WishStatus.SUSPENDUE),
    *(WishStatus.EN_ATTENTE, WishStatus.CONFIRMEE),
)
"""The statuses of wishes, those first that are furthest from being in DS."""
MOST_VERDICTS = 2000
"""Verdicts of a run among which those of the named dossiers are looked for."""
REFRESH_S = 2
"""Interval at which a page without JavaScript asks again for the state of a request."""
SILENT_S = 4
"""Time without a dossier after which a read is said to wait for DS."""
PERIOD_S = 60
"""What somebody opens meanwhile is one row; a process that is killed loses no more."""
MOST = 1000
"""Rows that are kept while the database cannot be written, such as a replica; the last ones."""
FREE = frozenset({"q"})
"""Parameters whose text can name a person: the journal has that it was given."""

_Row = tuple[DemarcheNumber, dict[str, Any]]


def runs(visit: Visit) -> Response:
    """Show the runs, newest first."""
    visit.need_all()
    return _paged(
        visit, "synchronisations.html", "runs", lambda reader, **part: reader.journal.runs(**part)
    )


def run(visit: Visit) -> Response:
    """Show a run: its figures, what changed, its problems; 404: there is none of the démarche."""
    visit.need_all()
    number = visit.in_path("run")
    with visit.reading() as reader:
        found = reader.journal.runs(limit=1, number=number)
        if not found:
            raise HTTPException(404, "Il n’y a pas de synchronisation de ce numéro.")
        page = visit.part
        events = reader.journal.events_of_run(number, PER_PAGE + 1, offset=(page - 1) * PER_PAGE)
        if not events and page > 1:
            return visit.back(f"/synchronisations/{number}")
        for event in events:
            event["details"] = json.loads(event["details"]) if event["details"] else None
        return visit.page(
            "synchronisation.html",
            run=found[0],
            messages=_said(found[0]["figures"], "messages"),
            events=events[:PER_PAGE],
            page=page,
            has_more=len(events) > PER_PAGE,
            check_titles=visit.check_titles(reader),
        )


def request(visit: Visit) -> Response:
    """Show a request: its progress, then its result; for htmx, only the part that changes."""
    id_, parameters = visit.in_path("id"), parameters_of(visit)
    if suite := visit.query("suite"):
        parameters["suite"] = suite
    with visit.reading() as reader:
        found = reader.requests.by_id(id_)
        if found is None:
            raise HTTPException(404, "Cette demande n’existe pas, ou a été retirée.")
        read = (reader.journal.read_so_far(found.run) if found.run else None) or 0
        numbers = found.options.get("dossiers") or []
        is_whole = found.genre == Kind.FULL
        total = reader.dossiers.present_count() if is_whole else len(numbers) or None
        leases = reader.leases([visit.worker.demarche], visit.now)
        lease = leases.get(visit.worker.demarche)
        is_held = lease is not None and lease.holder is not None and not lease.is_expired
        is_done = found.fini_le is not None
        judged, more = _judged(visit, reader, found) if is_done else (None, False)
        return visit.page(
            "demande_suite.html" if visit.is_asked_again else "demande.html",
            one=found,
            name=names_of(visit, reader, numbers).get(numbers[0]) if len(numbers) == 1 else None,
            messages=_said(found.resultat, "errors"),
            sending=_sending(visit, reader, found, lease) if is_done else "",
            read=read,
            total=total if found.genre in READS else None,
            following_steps=_steps(visit, found),
            is_away=not read and _waits_for_ds(visit, found),
            judged=judged,
            more=more,
            # Of an answer that could not be stored: its text comes back with the form.
            again=is_done
            and len(numbers) == 1
            and found.code not in (0, 7)
            and visit.site.desk.answer(id_, visit.actor.name) is not None,
            check_titles=visit.check_titles(reader) if judged else {},
            parameters=parameters,
            following=_following(visit, reader, found, parameters) if is_done else [],
            is_kept=is_done
            and found.genre == Kind.CONSENT
            and any(
                one.given_at is not None and one.version == found.options.get("accord")
                for one in reader.consents.all()
            ),
            left_s=taken_over_in_s(lease) if lease and is_held else None,
            refresh_s=REFRESH_S,
        )


def _steps(visit: Visit, asked: ManualRequest) -> str:
    """Return what a run does after it has read, "" if it reads nothing."""
    configuration = visit.worker.configuration
    if asked.genre not in READS or not configuration.judges:
        return ""
    writes = ", puis ce qui change est inscrit dans Démarches Simplifiées"
    return f"les dossiers sont jugés{writes if configuration.annotations is not None else ''}"


def _sending(visit: Visit, reader: Reader, asked: ManualRequest, lease: LeaseInfo | None) -> str:
    """Return whether DS has by now what a pre-check changed, "" where nothing has to be written."""
    named = asked.options.get("dossiers")
    if asked.genre != Kind.PRECHECK or not named or visit.worker.configuration.annotations is None:
        return ""
    left = (WishStatus.EN_ATTENTE, WishStatus.INCERTAINE)
    ended = (WishStatus.CONFLIT, WishStatus.REFUSEE, WishStatus.SUSPENDUE)
    wishes = reader.wishes.current(FURTHEST, named)
    if any(one.statut in ended for one in wishes):
        # The table of these dossiers says it, with why.
        return ""
    if any(one.statut in left for one in wishes):
        asks = (Consent.FIRST, Consent.WRITES, Consent.RULES, Consent.WRITER)
        waiting = (one for one in reader.consents.all() if one.given_at is None)
        if any(one.proposal.kind in asks for one in waiting):
            return "L’envoi à Démarches Simplifiées attend un accord : voyez « Accords à donner »."
        services = reader.services([visit.worker.demarche])[visit.worker.demarche]
        if any(is_alive(one, lease, visit.now) for one in services):
            return "L’envoi à Démarches Simplifiées suit, avec la prochaine synchronisation."
        return (
            "L’envoi à Démarches Simplifiées attend une synchronisation : aucun service ne tourne, "
            "« Renvoyer », sur la page du dossier, le fait."
        )
    at = max((one.envoyee_le for one in wishes if one.envoyee_le), default=None)
    if at is None or asked.commence_le is None or at < asked.commence_le:
        return ""
    who = words.APPLICANTS[visit.worker.configuration.applicant].le
    return (
        f"Inscrit dans Démarches Simplifiées le {words.moment(at)}, en des annotations que "
        f"{who.lower()} ne voit pas."
    )


def _waits_for_ds(visit: Visit, asked: ManualRequest) -> bool:
    """Return whether a read that has begun gets no answer: this process's, or another one's."""
    begun = asked.commence_le
    if begun is None or asked.genre not in READS:
        return False
    return visit.worker.is_ds_away or (visit.now - begun).total_seconds() >= SILENT_S


def _following(
    visit: Visit, reader: Reader, asked: ManualRequest, parameters: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return where to go on after an answer, or a letter: the next check, the next dossier."""
    named, options = asked.options.get("dossiers") or [], asked.options
    if options.get("answer") and len(named) > 1:
        return [("Revenir à la liste", visit.url("/dossiers", **parameters))]
    if not (options.get("answer") or options.get("sent")) or len(named) != 1:
        return []
    titles, found = visit.check_titles(reader), list[tuple[str, str]]()
    given = {name: value for name, value in parameters.items() if name != "suite"}
    reasons = reader.dossiers.reasons(named if options.get("answer") else [])
    left = [
        one
        for one in reasons.get(named[0], ())
        # What a person has established is not asked again.
        if ANSWER not in (one["preuve"] or {}) or one["resultat"] not in RESULTS
    ]
    for one in left[:1]:
        said = f"Contrôle suivant de ce dossier : {titles.get(one['controle'], one['controle'])}"
        found.append((said, visit.url(f"/dossiers/{named[0]}", **given)))
    if (following := number_of(parameters.get("suite") or "")) is not None:
        found.append(("Dossier suivant de la liste", visit.url(f"/dossiers/{following}", **given)))
    found.append(("Revenir à ce qui est à faire", visit.url("/")))
    return found


def _said(stored: Mapping[str, Any] | None, name: str) -> list[french.SaidSentence]:
    """Return in French what a run reported, whose facts stand beside its sentences."""
    found = stored or {}
    return french.all_said(found.get(name, ()), found.get("dits"))


def _judged(
    visit: Visit, reader: Reader, asked: ManualRequest
) -> tuple[list[dict[str, Any]] | None, bool]:
    """Return what became of the verdicts of a request's dossiers, and whether there are more.

    The events of those that changed and, where few dossiers were named, the present verdict of each
    other one. None: the request judges nothing.
    """
    named = asked.options.get("dossiers") or []
    judges = asked.genre == Kind.PRECHECK or (asked.genre == Kind.DOSSIER and named)
    if asked.run is None or not judges or not visit.worker.configuration.judges:
        return None, False
    events = reader.journal.events_of_run(asked.run, MOST_VERDICTS, only=EventName.VERDICT)
    # A run of the service may have judged others, too.
    changed = {one["numero"]: one for one in events if not named or one["numero"] in named}
    for event in changed.values():
        event["details"] = json.loads(event["details"]) if event["details"] else None
    if not 0 < len(named) <= SHOWN:
        return [*changed.values()][:SHOWN], len(changed) > SHOWN
    rows, _ = reader.dossiers.listing(Selection(numeros=tuple(named)), limit=SHOWN)
    found = [changed.get(row["numero"]) or {k: row[k] for k in UNCHANGED} for row in rows]
    sent, kept_out = _sent(reader, named), {one.numero for one in reader.quarantine.entries()}
    return [
        one | {"envoi": sent.get(one["numero"]), "est_illisible": one["numero"] in kept_out}
        for one in found
    ], False


def _sent(reader: Reader, named: Sequence[int]) -> dict[int, Wish]:
    """Return how far what is wanted of dossiers is in DS: of each, the wish that is furthest."""
    wishes = reader.wishes.current(FURTHEST, [DossierNumber(one) for one in named])
    wishes.sort(key=lambda one: -FURTHEST.index(one.statut))
    return {one.numero: one for one in wishes}


def withdraw(visit: Visit) -> Response:
    """Take a request back that has not begun."""
    id_ = visit.in_path("id")
    if handing_over.withdraw(visit.worker.store, visit.worker.demarche, id_):
        visit.say("La demande est retirée.")
        return visit.back("/journal")
    with visit.reading() as reader:
        # Else its page says that it is gone: somebody else has taken it back.
        if reader.requests.by_id(id_) is not None:
            visit.say("Cette demande a déjà commencé.", kind="warning")
    return visit.back(f"/demandes/{id_}")


def journal(visit: Visit) -> Response:
    """Show who did what by hand, newest first."""
    return _paged(
        visit, "journal.html", "requests", lambda reader, **part: reader.requests.latest(**part)
    )


def seen(visit: Visit) -> Response:
    """Show who saw what, or was refused it, newest first: all, or of a dossier, person or time."""
    visit.need_all()
    dossier, end = visit.numbers("dossier"), visit.day("au")
    since = visit.day("du")
    which = SeenSelection(
        dossier[0] if dossier else None,
        visit.query("qui"),
        None if since is None else midnight(since),
        None if end is None else midnight(end + timedelta(days=1)),
    )
    kept = visit.worker.configuration.retention.ages.get("journaux")
    names = ("dossier", "qui", "du", "au")
    return _paged(
        visit,
        "consultations.html",
        "found",
        lambda reader, **part: reader.requests.seen(which=which, **part),
        chosen=words.selection,
        kept=f"{words.plural(kept.days, 'jour')}" if kept else "jusqu’à la suppression de la base",
        parameters={name: value for name in names if (value := visit.query(name))},
    )


def _paged(
    visit: Visit, template: str, name: str, read: Callable[..., Sequence[Any]], **values: Any
) -> Response:
    """Show one page of a list, which is called `name` in the template.

    `read` calls the method of a reader that returns the list, newest first, with a limit and an
    offset.
    """
    page = visit.part
    with visit.reading() as reader:
        found = read(reader, limit=PER_PAGE + 1, offset=(page - 1) * PER_PAGE)
        if not found and page > 1:
            # « None yet » would be false.
            return visit.back(visit.request.url.path)
        lines: dict[str, Any] = {name: found[:PER_PAGE]}
        has_more = len(found) > PER_PAGE
        return visit.page(template, page=page, has_more=has_more, **lines, **values)


@dataclass
class _Minute:
    """What somebody saw of one kind, or was refused, in a period."""

    asked_by: str
    genre: Seen
    options: dict[str, Any]
    since: datetime
    now: datetime = field(init=False)
    numbers: set[int] = field(default_factory=set)
    times: int = 0

    @property
    def row(self) -> dict[str, Any]:
        """The row of the journal: a list has the number of its dossiers alone."""
        named = self.numbers and "colonnes" not in self.options
        options = self.options | ({"dossiers": sorted(self.numbers)} if named else {})
        count = self.times if self.genre is Seen.REFUSED else len(self.numbers)
        given: dict[str, Any] = {"asked_by": self.asked_by, "since": self.since, "now": self.now}
        return given | {"genre": self.genre, "options": options, "result": {"nombre": count}}


def _named(visit: Visit) -> list[int]:
    """Return the dossiers that the address of a page names."""
    given = visit.request.path_params
    return [n for one in given.values() if (n := number_of(one))] if "numero" in given else []


class Witness:
    """Collects what is seen, and writes it in a thread of its own until `stop` is set."""

    def __init__(self, store: Callable[[], Store], stop: threading.Event) -> None:
        self._store = store
        self._stop = stop
        self._thread = threading.Thread(target=self._go_on, name="dsync-witness", daemon=True)
        self._lock = threading.Lock()
        self._rows: list[_Row] = []
        self._pages: dict[tuple[DemarcheNumber, str, Seen, str], _Minute] = {}
        """Of this period, by démarche, person, what it was, and what was chosen."""

    def open(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left; `stop` is set."""
        if self._thread.is_alive():
            self._thread.join()
        self.write()

    def note(self, visit: Visit, answer: Response) -> None:
        """Note what somebody is shown or sent."""
        if answer.status_code != 200:
            return
        dossiers, now = _named(visit), visit.now
        with self._lock:
            if isinstance(answer, Download):
                request = (answer.asked or visit).request
                options: dict[str, Any] = {"page": request.url.path, "role": visit.grant.role.value}
                options |= {"dossiers": dossiers} if dossiers else {}
                if columns := (answer.asked or visit).personal:
                    options["colonnes"] = [*columns]
                asked = request.query_params
                # One may be given several times, as each ticked column.
                if chosen := {
                    name: "…" if name in FREE else ",".join(asked.getlist(name)) for name in asked
                }:
                    options["filtres"] = chosen
                result = {"nombre": answer.rows}
                row: dict[str, Any] = {"genre": Seen.FILE, "options": options, "result": result}
                row |= {"asked_by": visit.actor.name, "since": now, "now": now}
                self._rows.append((visit.worker.demarche, row))
                return
            if opened := [*dossiers, *visit.shown]:
                self._note(visit, Seen.DOSSIERS, opened)
            if visit.listed:
                self._note(visit, Seen.DOSSIERS, visit.listed, colonnes=[*visit.personal])

    def note_refusal(self, visit: Visit) -> None:
        """Note that somebody asked for a page that is not for them."""
        with self._lock:
            self._note(visit, Seen.REFUSED, _named(visit), page=visit.request.url.path)

    def _note(self, visit: Visit, genre: Seen, numbers: Sequence[int], **options: Any) -> None:
        options["role"] = visit.grant.role.value
        place = visit.worker.demarche, visit.actor.name, genre, repr(options)
        given = _Minute(visit.actor.name, genre, options, visit.now)
        minute = self._pages.setdefault(place, given)
        minute.numbers.update(numbers)
        minute.times += 1
        minute.now = visit.now

    def write(self) -> None:
        """Write what was noted; what cannot be written now is kept for the next time."""
        with self._lock:
            rows, self._rows = self._rows, []
            rows += [(demarche, one.row) for (demarche, *_), one in self._pages.items()]
            self._pages.clear()
        left: list[_Row] = []
        for demarche in dict.fromkeys(number for number, _ in rows):
            theirs = [one for one in rows if one[0] == demarche]
            try:
                with self._store().requests(demarche) as requests:
                    for _, row in theirs:
                        requests.record(**row)
            except StoreError as exc:
                left += theirs
                log.warning("seen_not_journaled", rows=len(theirs), error=exc.message)
        with self._lock:
            self._rows = (left + self._rows)[-MOST:]

    def _go_on(self) -> None:
        is_stopping = False
        while not is_stopping:
            is_stopping = self._stop.wait(PERIOD_S)
            self.write()


PAGES = [
    ("GET", "/synchronisations", runs, Right.AGIR),
    ("GET", "/synchronisations/{run}", run, Right.AGIR),
    ("GET", "/demandes/{id}", request, Right.AGIR),
    ("POST", "/demandes/{id}/retirer", withdraw, Right.AGIR),
    ("GET", "/journal", journal, Right.AGIR),
    ("GET", "/consultations", seen, Right.ADMINISTRER),
]
