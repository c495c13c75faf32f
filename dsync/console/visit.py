"""One request of a page: who asks what, about which démarche, and how the answer is made.

A value of an address or a form that nobody can mean is refused with the way back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import jinja2
from starlette.datastructures import URL, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dsync.addresses import is_loopback
from dsync.care.state import State
from dsync.configuration import CONFORMITY, AccesSection, ConsoleSection
from dsync.console import words
from dsync.console.access import RIGHTS, Actor, Grant, Right, Role, limits
from dsync.console.desk import Desk
from dsync.domain.dossier import PARIS, in_utc
from dsync.domain.ids import GREATEST_NUMBER, DossierNumber, number_of
from dsync.domain.verdict import NO_VERDICT, Verdict
from dsync.store import Reader, Store
from dsync.store.console_users import Titled
from dsync.store.sight import Sight
from dsync.sync.work import ReadChanges, ReadDossiers, Work
from dsync.wiring import Worker

NO_DOSSIER = "Ce dossier n’est pas dans la copie."
DEPORTED = (
    "Vous vous êtes déporté de ce dossier : il ne vous est plus montré. Un administrateur peut "
    "lever le déport. Une grille que vous y avez remplie compte encore, tant qu’elle est dans "
    "Démarches Simplifiées."
)
OF_ANOTHER = (
    "Le dossier {number} est d’une autre démarche : choisissez la sienne, puis recommencez."
)
NONE_CHOSEN = "Choisissez au moins un dossier."
_ORIGIN = "https://demarche.numerique.gouv.fr"
_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)
"""Days of a calendar in use: databases and time zones have bounds of their own."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_A_DAY = "La date attendue est de la forme 2027-06-30."
_AN_INSTANT = "La date attendue est de la forme 2027-06-30, ou 2027-06-30T08:00:00Z."


class UnknownValueError(HTTPException):
    """A parameter of the address has a value that the page does not know (400).

    `known` is what is expected, as a sentence.
    """

    def __init__(self, name: str, value: str, known: str = "") -> None:
        shown = words.shortened(value, 60)
        super().__init__(400, f"Le filtre « {name} » ne connaît pas « {shown} ». {known}".strip())


class RefusedError(HTTPException):
    """Somebody with a role asks for what it does not give, or for a dossier hidden from them."""


def words_of(text: str) -> list[str]:
    """Return what a person typed in one field: between blanks, commas or semicolons."""
    return [word for word in re.split(r"[\s,;]+", text) if word]


def check_texts(given: Iterable[tuple[str, str]]) -> None:
    """Check that parameters of an address are texts that a database can have, else 400."""
    for name, value in given:
        if "\0" in name or "\0" in value:
            raise UnknownValueError(words.shortened(name, 60), value)


def day_of(name: str, value: str, known: str = _A_DAY) -> date:
    """Return a day, such as « 2027-06-30 », else raise UnknownValueError."""
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise UnknownValueError(name, value, known)
    return day


def instant_of(name: str, value: str) -> datetime:
    """Return an instant in UTC, or that at which a day begins in Paris; else UnknownValueError."""
    if _DAY.fullmatch(value):
        return words.first_instant(day_of(name, value, _AN_INSTANT).isoformat())
    try:
        # In an address, « + » is a space.
        instant = in_utc(datetime.fromisoformat(value.replace(" ", "+")))
    except (ValueError, OverflowError):
        raise UnknownValueError(name, value, _AN_INSTANT) from None
    if not _FIRST <= instant.date() <= _LAST:
        raise UnknownValueError(name, value, _AN_INSTANT)
    return instant


def address_of(path: str, parameters: Mapping[str, Any]) -> str:
    """Return an address of the console with these parameters, but for empty ones.

    `path` may have parameters, which these replace, and a fragment, which stays the end.
    """
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return str(URL(path).include_query_params(**given)) if given else path


def has_stages(worker: Worker) -> bool:
    """Return whether dossiers of a démarche go through stages, with marks and a jury."""
    return worker.programme is not None and worker.programme.selection is not None


def said_filters(
    table: Mapping[str, str],
    given: Mapping[str, Any],
    in_words: Mapping[str, Mapping[str, str]],
) -> list[str]:
    """Return in words what a list is narrowed by.

    `table` is as `words.FILTERS`, `in_words` has the words for values, by parameter.
    """
    return [
        said.format(in_words.get(name, {}).get(value, value))
        for name, said in table.items()
        if (value := given.get(name)) is not None
    ]


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages share.

    `desk` executes or hands over what people ask for. `origin` is scheme, host and port of a team's
    console; None: it is for this machine alone.
    """

    workers: Mapping[int, Worker]
    desk: Desk
    templates: jinja2.Environment
    section: ConsoleSection = field(default_factory=ConsoleSection)
    origin: str | None = None
    entries: Callable[[int], Sequence[AccesSection]] = lambda _: ()
    """`[[acces]]` of a démarche, as it is now."""
    kept: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    """What only runs change, with the run after which it was read: at 100,000 dossiers it takes
    most of the time of a page that is made again every five seconds."""
    titled: dict[int, Titled] = field(default_factory=dict)
    """Of the démarches as they were last read, for pages that say why there is no other."""

    @property
    def conformity(self) -> str:
        """What an audit found of the site's accessibility."""
        found = CONFORMITY.search(self.section.accessibility or "")
        return found[0] if found else "non conforme"

    @property
    def links(self) -> Sequence[tuple[str, str]]:
        """Address and name of what the foot of each page leads to, also without a session."""
        return (
            ("/accessibilite", f"Accessibilité : {self.conformity}"),
            ("/mentions-legales", "Mentions légales"),
            ("/donnees-personnelles", "Données personnelles"),
        )

    @property
    def store(self) -> Store:
        """The database, which all démarches share."""
        return next(iter(self.workers.values())).store

    def whom(self, demarche: int | None = None) -> str:
        """Return whom to write to: as configured, else the administrators that the file names."""
        entries = () if demarche is None else self.entries(demarche)
        admin = Role.ADMINISTRATEUR.value
        named = [who for one in entries if one.role == admin for who in one.people]
        return self.section.contact or " ou ".join(named[:2]) or "l’équipe technique"


class Viewer:
    """Somebody with a role in a démarche, for whom a page or an e-mail is made."""

    def __init__(self, worker: Worker, grant: Grant, name: str) -> None:
        self._worker, self._grant, self._name = worker, grant, name

    @property
    def worker(self) -> Worker:
        """The worker of the démarche."""
        return self._worker

    @property
    def grant(self) -> Grant:
        """What the person is to the démarche."""
        return self._grant

    @property
    def name(self) -> str:
        """The person, as the journal names them."""
        return self._name

    @property
    def now(self) -> datetime:
        """The present instant, in UTC."""
        return self.worker.clock()

    @property
    def today(self) -> date:
        """The present day in Paris."""
        return self.now.astimezone(PARIS).date()

    @property
    def in_ds(self) -> str | None:
        """Where instructeurs see dossiers; None: this machine imitates DS, without pages."""
        ds_url = self.worker.settings.ds_url
        if is_loopback(ds_url):
            return None
        parts = urlsplit(ds_url)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else _ORIGIN
        return f"{origin}/procedures/{self.worker.demarche}/dossiers"

    def may(self, right: Right) -> bool:
        """Return whether the person may do something with the démarche."""
        role = self.grant.role
        return right in RIGHTS[role] or (
            role is Role.LECTEUR
            and right is Right.NOTES
            and self.worker.configuration.is_deliberated(self.today)
        )

    @property
    def grants(self) -> Mapping[int, Grant]:
        """What the person is to the démarches that are read."""
        return {self.worker.demarche: self.grant}

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read the démarche, as far as the person may; pages read in no other way."""
        with self.worker.store.reading(self.worker.demarche, self.sight) as reader:
            yield reader

    @cached_property
    def sight(self) -> Sight:
        """What the person sees of the démarche."""
        programme, may_see = self.worker.programme, self.may(Right.PERSONNES)
        return Sight(
            persons=may_see,
            texts=self.may(Right.TEXTES),
            marks=self.may(Right.NOTES),
            groupes=limits(self.grants),
            hidden=sorted(self.grant.deports),
            # Declared checks are of their démarche alone.
            public=programme.public if programme and not may_see else {},
            opened=() if may_see else self.worker.configuration.opened,
        )

    @cached_property
    def verdicts(self) -> Mapping[str, str]:
        """The words for verdicts, as the configuration has them, by their code in the database."""
        own = self.worker.configuration.words
        return {one.value: own.get(one, one.value) for one in Verdict}

    def check_titles(self, reader: Reader) -> Mapping[str, str]:
        """Return the French titles of the démarche's checks by name, in their order."""
        return self.worker.configuration.check_titles(reader.programme.checks)

    def once_a_run(self, name: str, state: State, read: Callable[[], Any]) -> Any:
        """Return what only runs and days change; here, it is read."""
        return read()


@dataclass
class Visit(Viewer):
    """One request, in a thread of its own."""

    site: Site
    request: Request
    actor: Actor
    form: Mapping[str, Any] = field(default_factory=dict)
    """Of a write: the last value of each field; `every` has all of a field."""
    every: Mapping[str, Sequence[str]] = field(default_factory=dict)
    page_path: str | None = None
    """Of the page that is shown, where it answers a form that was sent to another address."""
    shown: Sequence[int] = ()
    """The dossiers that a page shows whole which are not in its address."""
    personal: list[str] = field(default_factory=list)
    """The headers of the columns with personal data or free text that a list or a file shows."""
    listed: Sequence[int] = ()
    """The dossiers of a list that has such columns."""
    titled: Mapping[int, Titled] = field(default_factory=dict)
    """Of the démarches that were read from DS, by number."""

    @cached_property
    def worker(self) -> Worker:
        """The worker of the démarche that the request is about; 404: not shown to this person."""
        grants = self.actor.grants
        wanted = self.query("demarche")
        number = number_of(wanted) if wanted else next(iter(grants))
        if number is None or number not in grants:
            raise HTTPException(404, "Cette console ne montre pas cette démarche.")
        return self.site.workers[number]

    def check_form(self) -> None:
        """Check that a form was shown for the démarche that it is sent to, else 409."""
        addressed = self.worker.demarche
        given = self.every.get("demarche", ())
        if {number_of(one) for one in given} == {addressed}:
            return
        other = next((one for one in given if number_of(one)), "inconnue")
        raise HTTPException(
            409,
            f"Rien n’a été fait : ce formulaire a été ouvert pour la démarche {other}, et il est "
            f"envoyé à la démarche {addressed}. Choisissez la démarche, rouvrez la page et "
            "recommencez.",
        )

    @property
    def grant(self) -> Grant:
        """What the person is to the démarche."""
        return self.actor.grants[self.worker.demarche]

    @property
    def name(self) -> str:
        """The person, as the journal names them."""
        return self.actor.name

    @cached_property
    def dossiers(self) -> frozenset[int] | None:
        """The dossiers of the groupes that the person sees and acts on; None: all."""
        if self.grant.groupes is None:
            return None
        with self.reading() as reader:
            return reader.dossiers.seen()

    def need_all(self) -> None:
        """Check that the person sees all dossiers of the démarche, else 403."""
        if self.grant.groupes is not None:
            raise RefusedError(
                403,
                "Vous voyez les dossiers de vos groupes instructeurs : ceci porte sur tous. Il "
                f"faut le rôle {self.grant.role} sans cette limite.",
            )

    def _check_dossiers(self, numbers: Iterable[int]) -> None:
        """Check that the person sees some dossiers; 404: one is of another groupe, or hidden."""
        numbers = [*numbers]
        if not self.grant.deports.isdisjoint(numbers):
            raise RefusedError(404, DEPORTED)
        if self.dossiers is not None and not self.dossiers.issuperset(numbers):
            raise RefusedError(404, NO_DOSSIER)

    def need(self, right: Right) -> None:
        """Check that the person may do something with the démarche, else 403."""
        if not self.may(right):
            able = " ou ".join(role for role in Role if right in RIGHTS[role])
            raise RefusedError(
                403, f"Votre rôle ({self.grant.role}) ne le permet pas : il faut le rôle {able}."
            )

    def need_judged(self) -> None:
        """Check that the démarche judges its dossiers, else 400."""
        if not self.worker.configuration.judges:
            raise HTTPException(400, "Cette démarche ne juge pas les dossiers.")

    @property
    def was_read(self) -> bool:
        """Whether a run has ever read all of the démarche: before, an empty list proves nothing."""
        known = self.titled.get(self.worker.demarche)
        return known is not None and known.last_success_at is not None

    def query(self, name: str) -> str | None:
        """Return a parameter of the address, None if it is missing or empty."""
        return self.request.query_params.get(name, "").strip() or None

    def check_filters(
        self, values: Mapping[str, Mapping[str, str]], *, but: Collection[str] = ()
    ) -> None:
        """Check that each filter of the address has a value to choose from, else 400."""
        for name, known in values.items():
            value = self.query(name)
            if value is not None and value not in known and name not in but:
                raise UnknownValueError(name, value)

    def day(self, name: str) -> date | None:
        """Return a day of the address, None if there is none."""
        value = self.query(name)
        return None if value is None else day_of(name, value)

    def instant(self, name: str) -> datetime | None:
        """Return an instant of the address, or that at which its day begins, None without one."""
        value = self.query(name)
        return None if value is None else instant_of(name, value)

    def number(self, name: str, *, default: int, most: int) -> int:
        """Return a whole number of the address, from 1; anything else is the default."""
        text = self.query(name) or ""
        # Python refuses to convert very long numbers, and databases to skip that many rows.
        value = int(text) if text.isdecimal() and len(text) < 10 else default
        return min(max(value, 1), most)

    @property
    def part(self) -> int:
        """Which page of a list the address asks for."""
        return self.number("page", default=1, most=1_000_000)

    @property
    def is_asked_again(self) -> bool:
        """Whether an open page asks for what has changed in it."""
        return self.request.headers.get("hx-request") == "true"

    def in_path(self, name: str) -> int:
        """Return a number that is part of the address.

        404: it is none of DS, or of a dossier that the person does not see.
        """
        value = number_of(self.request.path_params[name])
        if value is None:
            raise HTTPException(404)
        if name in ("numero", "autre"):
            self._check_dossiers([value])
        return value

    def is_late(self, number: DossierNumber | int) -> bool:
        """Return whether the copy of a démarche is older than its configuration allows."""
        known = self.titled.get(int(number))
        last = known.last_success_at if known else None
        return last is None or self.now - last > self.site.workers[number].configuration.late_after

    def numbers(self, name: str) -> list[DossierNumber]:
        """Return the numbers of dossiers in a form or in the address, each once.

        400: one is none of DS; 404: the person does not see one, or another démarche has it.
        """
        given = self.every.get(name) or self.request.query_params.getlist(name)
        found = set[DossierNumber]()
        for word in (word for value in given for word in words_of(value)):
            if (number := number_of(word)) is None:
                known = f"Un numéro est un nombre entier de 1 à {words.number(GREATEST_NUMBER)}."
                raise UnknownValueError(name, word, known)
            found.add(DossierNumber(number))
        numbers = sorted(found)
        self._check_dossiers(numbers)
        if numbers:
            with self.reading() as reader:
                owners = reader.dossiers.demarches(numbers)
            # What is asked before an act names dossiers.
            if {*owners.values()} - {self.worker.demarche}:
                raise RefusedError(404, NO_DOSSIER)
        return numbers

    def url(self, path: str, **parameters: Any) -> str:
        """Return an address of the console about the same démarche."""
        if len(self.actor.grants) > 1:
            parameters = {"demarche": self.worker.demarche} | parameters
        return address_of(path, parameters)

    @property
    def tidy(self) -> str | None:
        """The address without its empty parameters; None: it has none.

        Browsers send each field of a form, also those that choose nothing.
        """
        given = self.request.query_params.multi_items()
        kept = [(name, value) for name, value in given if value.strip()]
        if kept == given:
            return None
        return str(URL(self.request.url.path).replace(query=str(QueryParams(kept))))

    @property
    def here(self) -> str:
        """The address of the page, without the host."""
        url = self.request.url
        if self.page_path is not None:
            return self.url(self.page_path)
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def grants(self) -> Mapping[int, Grant]:
        """What the person is to each démarche."""
        return self.actor.grants

    def elsewhere(self) -> Iterator[Viewer]:
        """Yield the same person in each other démarche."""
        for number, grant in self.actor.grants.items():
            if number != self.worker.demarche:
                yield Viewer(self.site.workers[number], grant, self.name)

    def once_a_run(self, name: str, state: State, read: Callable[[], Any]) -> Any:
        """Return what only runs and days change, as it was read after the last run."""
        last = state.last_run
        sees = tuple(filter(self.may, Right))
        grant = self.grant
        key = (name, self.worker.demarche, grant.groupes, grant.deports, sees)
        after = None if state.lease or last is None else (last["run"], last["fin"], self.today)
        known, found = self.site.kept.get(key, (None, None))
        if found is None or known != after:
            found = read()
            if after is not None:
                self.site.kept[key] = (after, found)
        return found

    @property
    def verdict_names(self) -> Mapping[str, str]:
        """The same by their name in addresses, and for none."""
        found = {one.key: self.verdicts[one.value] for one in Verdict}
        return {**found, NO_VERDICT: "Sans avis"}

    @property
    def authors(self) -> Mapping[str, str]:
        """The words of who made a change."""
        return {**words.PAR, "usager": words.APPLICANTS[self.worker.configuration.applicant].le}

    def said(self, column: str, value: Any) -> Any:
        """Return a value of a column of the views in French; other values as they are."""
        if column == "verdict":
            return self.verdicts.get(value, value)
        if column in words.OF_COLUMN:
            return words.OF_COLUMN[column].get(value, value)
        programme = self.worker.programme
        if programme is None or value is None:
            return value
        return programme.words.value(column, value)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a template."""
        said = None if self.is_asked_again else self.request.session.pop("dit", None)
        programme = self.worker.programme
        titles = {number: one.titre for number, one in self.titled.items()}
        html = self.site.templates.get_template(template).render(
            visit=self,
            url=self.url,
            actor=self.actor,
            may=self.may,
            grant=self.grant,
            site=self.site,
            demarche=self.worker.demarche,
            demarches={number: titles.get(number) for number in self.actor.grants},
            has_programme=programme is not None,
            has_grids=has_stages(self.worker),
            has_rules=programme is not None and self.worker.configuration.judges,
            path=self.request.url.path,
            here=self.here,
            said=said,
            now=self.now,
            whom=self.site.whom(self.worker.demarche),
            PAR=self.authors,
            applicant=words.APPLICANTS[self.worker.configuration.applicant],
            since=lambda value: words.since(value, self.now),
            **values,
        )
        return HTMLResponse(words.typeset(html, self.site.section.contact), status)

    def confirm(
        self,
        question: str,
        consequence: str,
        button: str,
        back: str,
        parameters: Mapping[str, Any] = MappingProxyType({}),
        points: Sequence[tuple[str, str | None]] = (),
        *,
        trial: str = "",
        **fields: str,
    ) -> Response:
        """Ask before what cannot be undone, or not easily; the same form is then sent again.

        `points` are what hangs on it, each with an address to look at. `trial` is the button that
        asks what it would do (« essai »). `back` is the page to go
        back to instead; `parameters` are those of its address, and of the one that the form, with
        `fields`, is sent to.
        """
        return self.page(
            "confirmer.html",
            question=question,
            consequence=consequence,
            points=points,
            button=button,
            trial=trial,
            back=self.url(back, **parameters),
            to=self.url(self.request.url.path, **parameters),
            fields=fields,
        )

    def say(self, text: str, *, kind: str = "success") -> None:
        """Have the next page show a sentence."""
        self.request.session["dit"] = [kind, text]

    def refuse(self, text: str, path: str, **parameters: Any) -> Response:
        """Lead to a page that says why nothing was done."""
        self.say(text, kind="warning")
        return self.back(path, **parameters)

    def ask(self, work: Work, **parameters: Any) -> Response:
        """Have some work done, and show how far it is; `parameters` are those of that page.

        403: the person may not ask for it; 404: they see no such dossier, or it is of another
        démarche.
        """
        self._check_work(work)
        id_ = self.site.desk.ask(self.worker, work, self.actor.name)
        return self.back(f"/demandes/{id_}", **parameters)

    def _check_work(self, work: Work) -> None:
        # A new read of what has changed is of no dossier that anybody chose.
        if isinstance(work, ReadChanges):
            return
        numbers = getattr(work, "dossiers", ())
        if not numbers:
            self.need_all()
            return
        self._check_dossiers(numbers)
        with self.reading() as reader:
            owners = reader.dossiers.demarches(numbers)
        for number in numbers:
            # A read may bring one that is not in the copy yet.
            if number not in owners and not isinstance(work, ReadDossiers):
                raise HTTPException(404, NO_DOSSIER)
            if owners.get(number, self.worker.demarche) != self.worker.demarche:
                raise HTTPException(404, OF_ANOTHER.format(number=number))

    def back(self, path: str, **parameters: Any) -> Response:
        """Return a redirection to a page of the démarche."""
        return RedirectResponse(self.url(path, **parameters), 303)
