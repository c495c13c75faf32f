"""What people ask for by hand: the queue of a service, who did what, what waits for a consent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from dsync.domain.consent import Asked, Consent, Proposal
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import LeaseHeldError
from dsync.messages import kinds as k
from dsync.store import tables
from dsync.store.codes import Kind, Seen
from dsync.store.lease import read_lease
from dsync.store.sql import Subject

_table = tables.demande
WEBHOOK = "webhook"
"""Who asks for what a webhook announced: such a request is deleted when it is done."""
CHANNEL = "dsync"
"""On which PostgreSQL tells services that something was asked for."""
_MOST = 200
"""Announcements that one run answers together."""


class ManualRequest(NamedTuple):
    """A request, with its result once it is finished."""

    id: int
    genre: str
    options: Mapping[str, Any]
    demande_par: str
    demande_le: datetime
    commence_le: datetime | None
    fini_le: datetime | None
    run: int | None
    code: int | None
    resultat: Mapping[str, Any] | None


class SeenSelection(NamedTuple):
    """Of what people saw, in part; None: no condition."""

    dossier: int | None = None
    par: str | None = None
    """A part of an account or an address."""
    since: datetime | None = None
    end: datetime | None = None
    """The first instant after it."""


EVERYTHING_SEEN = SeenSelection()
IS_OPEN = and_(_table.c.en_file, _table.c.fini_le.is_(None))
"""The condition on a request that a service has to execute."""
_COLUMNS = tuple(_table.c[name] for name in ManualRequest._fields)
_IS_SEEN = _table.c.genre.in_([*Seen])
_IS_ASKED: ColumnElement[bool] = literal_column(tables.ASKED)


class RequestReads(Subject):
    """Reads requests."""

    def by_id(self, id_: int) -> ManualRequest | None:
        """Return a request of the démarche, None if it was withdrawn."""
        return next(self._found(_table.c.id == id_, _IS_ASKED), None)

    def latest(self, *, limit: int, offset: int = 0) -> list[ManualRequest]:
        """Return the requests of a démarche, newest first, without the first `offset`."""
        return self._latest(_IS_ASKED, limit, offset)

    def seen(
        self, *, limit: int, offset: int = 0, which: SeenSelection = EVERYTHING_SEEN
    ) -> list[ManualRequest]:
        """Return who saw what of a démarche, as of `latest`."""
        who, since, end = which.par, which.since, which.end
        asked = [
            _IS_SEEN,
            *([] if who is None else [_table.c.demande_par.icontains(who, autoescape=True)]),
            *([] if since is None else [_table.c.demande_le >= since]),
            *([] if end is None else [_table.c.demande_le < end]),
        ]
        if which.dossier is None:
            return self._latest(and_(*asked), limit, offset)
        return self._naming(which.dossier, *asked)[offset : offset + limit]

    def last_by(self) -> dict[str, datetime]:
        """Return when each person was last shown something, or asked for it, as is journaled."""
        last = select(_table.c.demande_par, func.max(_table.c.demande_le))
        found = self.connection.execute(
            last.where(_table.c.demarche_numero == self.number).group_by(_table.c.demande_par)
        )
        return {who: at for who, at in found}

    def _latest(
        self, condition: ColumnElement[bool], limit: int, offset: int
    ) -> list[ManualRequest]:
        is_persons = _table.c.demande_par != WEBHOOK
        return [*self._found(is_persons, condition, newest=True, limit=limit, offset=offset)]

    def of_genre(self, genre: str) -> list[ManualRequest]:
        """Return the requests of a kind, newest first."""
        return [*self._found(_IS_ASKED, _table.c.genre == genre, newest=True)]

    def of_dossier(self, numero: DossierNumber) -> list[ManualRequest]:
        """Return the requests that name a dossier, newest first."""
        return self._naming(numero, _IS_ASKED)

    def _naming(self, numero: int, *conditions: ColumnElement[bool]) -> list[ManualRequest]:
        # A first choice by the JSON's text, which other numbers may contain, too.
        may_name_it = cast(_table.c.options, Text).contains(str(numero))
        found = self._found(*conditions, may_name_it, newest=True)
        return [one for one in found if numero in (one.options.get("dossiers") or ())]

    def consents_to(self, numero: DossierNumber, end: datetime) -> list[ManualRequest]:
        """Return the consents before an instant to rules, and to what runs did with a dossier."""
        event = tables.evenement.c
        runs = {*self.connection.scalars(select(event.run).where(event.numero == numero))}
        given = self._found(_table.c.genre == Kind.CONSENT.value, _table.c.fini_le < end)
        rules = (Consent.RULES, Consent.FIRST)
        return [one for one in given if one.run in runs or one.options.get("genre") in rules]

    def next(self) -> ManualRequest | None:
        """Return the oldest unfinished request of a person to a service, None without one.

        A request whose process was killed is still unfinished, and is executed again.
        """
        return next(self._found(IS_OPEN, _table.c.demande_par != WEBHOOK, limit=1), None)

    def announced(self) -> list[ManualRequest]:
        """Return what webhooks announced and no run has read, oldest first."""
        return [*self._found(IS_OPEN, _table.c.demande_par == WEBHOOK, limit=_MOST)]

    def _found(
        self,
        *conditions: ColumnElement[bool],
        newest: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> Iterator[ManualRequest]:
        """Yield the démarche's requests, oldest or newest first."""
        rows = self.connection.execute(
            select(*_COLUMNS)
            .where(_table.c.demarche_numero == self.number, *conditions)
            .order_by(_table.c.id.desc() if newest else _table.c.id)
            .limit(limit)
            .offset(offset)
        )
        return (ManualRequest(*row) for row in rows)


class RequestWrites(RequestReads):
    """Writes requests."""

    def ask(self, genre: str, options: Mapping[str, Any], asked_by: str, now: datetime) -> int:
        """Insert a request to a service, and tell the services; return its id."""
        id_ = self._insert(
            genre=genre, options=dict(options), demande_par=asked_by, demande_le=now, en_file=True
        )
        wake_services(self.connection)
        return id_

    def withdraw(self, id_: int) -> bool:
        """Delete a request unless it has begun; return whether it was deleted."""
        return self._delete(id_, _table.c.commence_le.is_(None))

    def take_back(self, id_: int, now: datetime) -> bool:
        """Delete a request of which no service is alive; return False while one may execute it."""
        held = read_lease(self.connection, self.number, now)
        if held is None or held.holder is None or held.is_expired:
            return self._delete(id_, _table.c.fini_le.is_(None))
        return self.withdraw(id_)

    def begin(self, ids: Sequence[int], run: int, now: datetime) -> None:
        """Store that a run executes some requests together.

        Raises:
            LeaseHeldError: another service has executed them, or they were withdrawn.
        """
        begun = self.connection.execute(
            update(_table)
            .where(_table.c.id.in_(ids), _table.c.fini_le.is_(None))
            .values(commence_le=now, run=run)
        )
        if not begun.rowcount:
            raise LeaseHeldError(k.Noted(k.Note.DONE_ELSEWHERE))

    def forget(self, ids: Sequence[int]) -> None:
        """Delete announcements of webhooks that were answered."""
        self.connection.execute(delete(_table).where(_table.c.id.in_(ids)))

    def finish(
        self,
        id_: int,
        *,
        options: Mapping[str, Any],
        code: int,
        result: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Store the result of a request: the run's report, and the exit code of a command with it.

        `options` are what stays of its options in the journal.
        """
        self.connection.execute(
            update(_table)
            # The first result stays: the service may have been taken for dead while it worked.
            .where(_table.c.id == id_, _table.c.fini_le.is_(None))
            .values(options=dict(options), fini_le=now, code=code, resultat=dict(result))
        )

    def record(
        self,
        genre: str,
        options: Mapping[str, Any],
        asked_by: str,
        *,
        since: datetime,
        now: datetime,
        run: int | None = None,
        code: int = 0,
        result: Mapping[str, Any] | None = None,
    ) -> None:
        """Insert what a command did by itself.

        `genre` is the kind of the run, or of the change; `options` with what it was called; `run`
        the run's number (None: it was no run); `result` the run's report, or what was changed.
        """
        self._insert(
            genre=genre,
            options=dict(options),
            demande_par=asked_by,
            demande_le=since,
            en_file=False,
            commence_le=since,
            fini_le=now,
            run=run,
            code=code,
            resultat=None if result is None else dict(result),
        )

    def _delete(self, id_: int, condition: ColumnElement[bool]) -> bool:
        deleted = self.connection.execute(
            delete(_table).where(
                _table.c.id == id_, _table.c.demarche_numero == self.number, condition
            )
        )
        return bool(deleted.rowcount)

    def _insert(self, **values: Any) -> int:
        inserted = self.connection.execute(
            insert(_table).values(demarche_numero=self.number, **values).returning(_table.c.id)
        )
        return int(inserted.scalar_one())


def wake_services(connection: Connection) -> None:
    """Have the services look, when this transaction is committed, for what is due."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, "")))


_accord = tables.accord
_ASKED = [
    _accord.c[name]
    for name in ("genre", "version", "document", "depuis_le", "donne_le", "donne_par")
]


class ConsentReads(Subject):
    """Reads proposals."""

    def all(self) -> list[Asked]:
        """Return what waits, and what a person consented to and is not done yet, by its kind."""
        rows = self.connection.execute(
            select(*_ASKED)
            .where(_accord.c.demarche_numero == self.number)
            .order_by(_accord.c.depuis_le, _accord.c.genre)
        )
        return [Asked.stored(*row) for row in rows]

    def waiting_of(self, numbers: Sequence[DemarcheNumber]) -> dict[int, list[Asked]]:
        """Return what waits in each of these démarches, oldest first; only those with something."""
        rows = self.connection.execute(
            select(_accord.c.demarche_numero, *_ASKED)
            .where(_accord.c.demarche_numero.in_(numbers), _accord.c.donne_le.is_(None))
            .order_by(_accord.c.depuis_le, _accord.c.genre)
        )
        found: dict[int, list[Asked]] = {}
        for number, *row in rows:
            found.setdefault(number, []).append(Asked.stored(*row))
        return found

    def of(self, kind: Consent) -> Asked | None:
        """Return the proposal of a kind, None without one."""
        return next((one for one in self.all() if one.proposal.kind is kind), None)


class ConsentWrites(ConsentReads):
    """Writes proposals."""

    def ask(self, proposal: Proposal, now: datetime) -> None:
        """Store what a person is asked; what was asked or accepted before of its kind is replaced.

        The instant of the first one that is still open stays.
        """
        known = self.of(proposal.kind)
        is_open = known is not None and known.given_at is None
        self.end(proposal.kind)
        row = {
            "demarche_numero": self.number,
            "genre": proposal.kind.value,
            "version": proposal.version,
            "document": proposal.to_json(),
            "depuis_le": known.since if known is not None and is_open else now,
        }
        self.connection.execute(insert(_accord).values(row))

    def give(self, kind: Consent, version: str, by: str, now: datetime) -> bool:
        """Record a person's consent; return False if this version does not wait for it."""
        found = self.connection.execute(
            update(_accord)
            .where(self._is(kind), _accord.c.version == version)
            .values(donne_le=now, donne_par=by)
        )
        return bool(found.rowcount)

    def end(self, kind: Consent) -> None:
        """Delete the proposal of a kind: it is done, or its cause is gone."""
        self.connection.execute(delete(_accord).where(self._is(kind)))

    def _is(self, kind: Consent) -> ColumnElement[bool]:
        return and_(_accord.c.demarche_numero == self.number, _accord.c.genre == kind.value)
