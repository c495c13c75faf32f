"""Stores and reads the runs, with their kinds and statuses, and the dossiers' events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    true,
    union_all,
    update,
)

from dsync.domain.dossier import Json
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.errors import PARTIAL, InterruptedRunError
from dsync.store import tables
from dsync.store.codes import ASKS_DS, EventName, Kind, Status
from dsync.store.listing import Document, documents
from dsync.store.sql import AT_ONCE, Subject, update_rows


class NewEvent(NamedTuple):
    """An event of a dossier.

    `details` contains names, numbers and codes, and the values that a forced push replaced; it is
    emptied when the dossier is erased.
    """

    numero: DossierNumber
    evenement: EventName
    details: Mapping[str, Json] | None = None


_shown_run = table("lecture_synchronisation", column("run"), column("statut"))

_NUMBERING = select(table("alembic_version", column("version_num"))).with_for_update()
"""Serialises the numbering of runs: a lock of a row, which no reader of the views has a right to.
An advisory lock can be taken, and kept, by every role."""

FIGURES = {
    "lus": "read",
    "modifies": "changed",
    "supprimes": "deleted",
    "evalues": "evaluated",
    "pousses": "pushed",
    "requetes": "requests",
}
"""The columns of a run that add up over runs."""
# Zero from the start, so that a run under way can be listed and added up.
_COUNTS = ("lus", "modifies", "supprimes", "evalues", "pousses", "conflits", "en_quarantaine")


JOURNALS = "journaux"
"""The rule of retention that is not about dossiers."""
NAMELESS = "agent effacé"
"""Stands for the name of an agent that was too old."""
_NO_NAMES = (NAMELESS, "service", "webhook")


_READ_EVIDENCE = [Kind.FULL.value, Kind.INCREMENTAL.value, Kind.PRECHECK.value]
"""The runs that read the published evidence, whatever there is to judge."""
_LATELY = 2000
"""How many of them: those of a week, of a service that reads every five minutes."""

Counted = tuple[int, Sequence[int]]
"""Which runs were counted: the number of the last one, and those before it that had not ended."""
NOT_COUNTED: Counted = (0, ())


class RunTotals(NamedTuple):
    """The ended runs of a démarche of one kind and status, and the sums of their figures."""

    demarche: DemarcheNumber
    genre: str
    statut: str
    runs: int
    figures: Mapping[str, int]
    """By column of a run."""


class Unread(NamedTuple):
    """A time in which runs could not read the published evidence."""

    since: datetime
    until: datetime | None
    """When a run read it again; None: none has yet."""
    judged: int
    """Verdicts made meanwhile."""


def _last_run(*conditions: ColumnElement[bool]) -> Select[tuple[int]]:
    """Return the query of the last run's number for which conditions hold."""
    run = tables.sync_run
    return select(run.c.run).where(*conditions).order_by(run.c.run.desc()).limit(1)


LastRuns = tuple[Document | None, Document | None, Document | None]


class JournalReads(Subject):
    """Reads runs, and their events."""

    def began_at(self, run: int) -> datetime | None:
        """Return when a run began."""
        table = tables.sync_run
        return self.connection.scalar(select(table.c.debut).where(table.c.run == run))

    def failing_since(self, code: int) -> datetime | None:
        """Return when the first run began that failed with a code since the last other end."""
        run = tables.sync_run
        ours = and_(run.c.demarche_numero == self.number, run.c.genre.in_(ASKS_DS))
        failed = run.c.statut == Status.FAILED.value, run.c.code == code
        # A run that was stopped in order, or killed, says nothing of what the others fail on.
        other = run.c.code.not_in([code, InterruptedRunError.exit_code])
        done = run.c.statut.in_([Status.SUCCESS.value, Status.PARTIAL.value])
        last = func.coalesce(_last_run(ours, or_(done, other)).scalar_subquery(), 0)
        since: datetime | None = self.connection.scalar(
            select(run.c.debut).where(ours, *failed, run.c.run > last).order_by(run.c.run).limit(1)
        )
        return since

    def unread_evidence(self) -> list[Unread]:
        """Return when the last runs could not read the evidence, the last time first."""
        run = tables.sync_run
        is_unread = cast(run.c.figures, Text).contains('"dit":"CatalogueUnusable"')
        last = (
            select(run.c.debut, run.c.evalues, is_unread.label("is_unread"))
            .where(run.c.demarche_numero == self.number, run.c.genre.in_(_READ_EVIDENCE))
            .where(or_(is_unread, run.c.code.in_([0, PARTIAL])))
            .order_by(run.c.run.desc())
            .limit(_LATELY)
        )
        found, since, judged = list[Unread](), None, 0
        for row in reversed(self.connection.execute(last).all()):
            if row.is_unread:
                since, judged = since or row.debut, judged + row.evalues
            elif since:
                found.append(Unread(since, row.debut, judged))
                since, judged = None, 0
        if since:
            found.append(Unread(since, None, judged))
        return found[::-1]

    def run_totals(self, counted: Counted) -> tuple[list[RunTotals], Counted]:
        """Count the ended runs of all démarches by kind and status that are not counted yet.

        `counted` are those that are, as returned before; at first `NOT_COUNTED`.
        """
        run = tables.sync_run
        by = run.c.demarche_numero, run.c.genre, run.c.statut
        up_to, not_ended = counted
        is_new = or_(run.c.run > up_to, run.c.run.in_(not_ended))
        sums_of = [func.sum(run.c[name]) for name in FIGURES]
        rows = self.connection.execute(
            select(func.max(run.c.run), *by, func.count(), *sums_of).where(is_new).group_by(*by)
        )
        totals, without = list[RunTotals](), list[int]()
        for last, demarche, genre, statut, runs, *sums in rows:
            up_to = max(up_to, last)
            if statut == Status.RUNNING.value:
                # Of a démarche one at most is under way.
                without.append(last)
            else:
                figures = dict(zip(FIGURES, map(int, sums), strict=True))
                totals.append(RunTotals(demarche, genre, statut, runs, figures))
        return totals, (up_to, without)

    def read_so_far(self, run: int) -> int | None:
        """Return how many dossiers a run has read, None if there is no such run."""
        table = tables.sync_run
        count: int | None = self.connection.scalar(select(table.c.lus).where(table.c.run == run))
        return count

    def runs(
        self,
        limit: int = 20,
        *,
        offset: int = 0,
        number: int | None = None,
    ) -> list[Document]:
        """Return runs, newest first: without the first `offset`; or that of a number alone."""
        run = tables.sync_run
        statement = self._runs.where(run.c.demarche_numero == self.number)
        if number is not None:
            statement = statement.where(run.c.run == number)
        found = self.connection.execute(statement.limit(limit).offset(offset))
        return documents(found)

    def last_runs_of(
        self, numbers: Sequence[DemarcheNumber], genre: str
    ) -> dict[DemarcheNumber, LastRuns]:
        """Return the last run of démarches that asks DS, the last that ended, and of a kind."""
        run = tables.sync_run
        # Not as VALUES, which SQLAlchemy compiles anew at each call.
        named = (select(literal(one, BigInteger).label("number")) for one in numbers)
        given = union_all(*named).cte("given")
        # Not by `max` and GROUP BY, which read all runs of all time.
        latest = _last_run(run.c.demarche_numero == given.c.number, run.c.genre.in_(ASKS_DS))
        # A run that was killed has no code: what it would have found is not known.
        ended = latest.where(run.c.code.is_not(None))
        wanted = union_all(
            *(
                select(one.correlate(given).scalar_subquery()).select_from(given)
                for one in (latest, ended, ended.where(run.c.genre == genre))
            )
        )
        statement = self._runs.where(run.c.run.in_(wanted)).add_columns(run.c.demarche_numero)
        rows = defaultdict[DemarcheNumber, list[Document]](list)
        for row in documents(self.connection.execute(statement)):
            rows[row.pop("demarche_numero")].append(row)
        last: dict[DemarcheNumber, LastRuns] = {}
        for number in numbers:
            of_ended = [row for row in rows[number] if row["code"] is not None]
            of_genre = (row for row in of_ended if row["genre"] == genre)
            firsts = (next(iter(found), None) for found in (rows[number], of_ended, of_genre))
            last[number] = next(firsts), next(firsts), next(firsts)
        return last

    @property
    def _runs(self) -> Select[Any]:
        run = tables.sync_run
        columns = [
            # The view's status is `interrupted` for a run whose process was killed.
            _shown_run.c.statut if one.name == "statut" else one
            for one in run.columns
            if one.name != "demarche_numero"
        ]
        return (
            select(*columns)
            .join(_shown_run, _shown_run.c.run == run.c.run)
            .order_by(run.c.run.desc())
        )

    def too_old(self, before: Mapping[str, datetime]) -> dict[str, int]:
        """Count the rows of journals, and the rows with an agent's name, that are too old.

        `before` is as of `DossierReads.too_old`, by `logs`. Without a name that goes with its
        row, and without the last runs, whose names go too.
        """
        if JOURNALS not in before:
            return {}
        rows = self._old_rows(before[JOURNALS])
        journals = {table for table, _ in rows}
        names = [one for one in self._old_names(before[JOURNALS]) if one[0] not in journals]
        counts = [
            self.connection.scalar(select(func.count()).select_from(one).where(condition)) or 0
            for one, condition in [*rows, *names]
        ]
        return {JOURNALS: sum(counts)}

    def _old_rows(self, at: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
        """Return which rows of journals ended before an instant, of which nothing depends."""
        run, asked, state = tables.sync_run, tables.demande, tables.sync_state
        # The last run of each kind says what `dsync status` shows; one that began a state ends it.
        last = select(func.max(run.c.run)).where(run.c.demarche_numero == self.number)
        ended = last.where(run.c.code.is_not(None))
        kept = [one.group_by(run.c.genre) for one in (last, ended)]
        kept += [
            select(state.c[name]).where(
                state.c.demarche_numero == self.number, state.c[name].is_not(None)
            )
            for name in ("full_started_run", "mass_deletion_run")
        ]
        return [
            (
                run,
                and_(
                    run.c.demarche_numero == self.number,
                    run.c.fin < at,
                    *(run.c.run.not_in(one) for one in kept),
                ),
            ),
            (asked, and_(asked.c.demarche_numero == self.number, asked.c.fini_le < at)),
        ]

    def _old_names(self, at: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
        """Return which rows have the name of an agent from before an instant."""
        run, asked, event, outbox = (
            tables.sync_run,
            tables.demande,
            tables.evenement,
            tables.outbox,
        )
        return [
            (table, and_(table.c.demarche_numero == self.number, date < at, has_name))
            for table, date, has_name in (
                (run, run.c.fin, run.c.demande_par.not_in(_NO_NAMES)),
                (asked, asked.c.fini_le, asked.c.demande_par.not_in(_NO_NAMES)),
                (outbox, outbox.c.creee_le, outbox.c.force_par.not_in(_NO_NAMES)),
                (
                    event,
                    event.c.survenu_le,
                    event.c.details.contains('"demande_par":')
                    & ~event.c.details.contains(f'"demande_par":"{NAMELESS}"')
                    & ~event.c.details.contains('"demande_par":"service"'),
                ),
            )
        ]

    def written_since(self, since: datetime) -> int:
        """Return into how many dossiers runs have written, of those that ended since then.

        Of those among the last runs: there are not so many since a watermark.
        """
        run = tables.sync_run
        last = (
            select(run.c.fin, run.c.pousses)
            .where(run.c.demarche_numero == self.number)
            .order_by(run.c.run.desc())
            .limit(AT_ONCE)
            .subquery()
        )
        written = select(func.sum(last.c.pousses)).where(last.c.fin >= since)
        return int(self.connection.scalar(written) or 0)

    def events_of_run(
        self, run: int, limit: int, *, offset: int = 0, only: EventName | None = None
    ) -> list[Document]:
        """Return the events of a run, oldest first, as of `runs`; `only`: those of a name."""
        table = tables.evenement
        condition = true() if only is None else table.c.evenement == only.value
        found = self.connection.execute(
            select(table.c.numero, table.c.survenu_le, table.c.evenement, table.c.details)
            .where(table.c.demarche_numero == self.number, table.c.run == run, condition)
            .order_by(table.c.id)
            .limit(limit)
            .offset(offset)
        )
        return documents(found)

    def judged_at(self, instants: Sequence[datetime]) -> dict[datetime, tuple[int, int]]:
        """Return of instants at which a run was under way: it, and how many verdicts it changed."""
        run, event = tables.sync_run.c, tables.evenement.c
        found = {
            at: number
            for at in instants
            if (
                number := self.connection.scalar(
                    select(func.max(run.run)).where(
                        run.demarche_numero == self.number,
                        run.debut <= at,
                        or_(run.fin.is_(None), run.fin >= at),
                    )
                )
            )
        }
        counted = select(event.run, func.count()).where(
            event.demarche_numero == self.number,
            event.evenement == EventName.VERDICT.value,
            event.run.in_([*found.values()]),
        )
        counts = {
            number: count for number, count in self.connection.execute(counted.group_by(event.run))
        }
        return {at: (number, counts.get(number, 0)) for at, number in found.items()}


class JournalWrites(JournalReads):
    """Writes runs and events."""

    def start_run(self, genre: str, demande_par: str, at: datetime) -> int:
        """Insert a run and return its number.

        A run that a killed process left as running is marked as interrupted. The number is the
        greatest one plus 1: a PostgreSQL sequence would leave gaps after each rollback and crash.
        `genre` is as the view `lecture_synchronisation` names it, `at` the start.
        """
        run = tables.sync_run
        # It is the last one, as each run of the démarche does this.
        last = _last_run(run.c.demarche_numero == self.number).scalar_subquery()
        self.connection.execute(
            update(run)
            .where(run.c.run == last, run.c.statut == Status.RUNNING.value)
            .values(
                statut=Status.INTERRUPTED.value,
                fin=at,
                erreur="interrompu : le processus s’est arrêté avant la fin",
            )
        )
        if self.connection.dialect.name == "postgresql":
            # Else runs of two démarches that start together take the same number.
            self.connection.execute(_NUMBERING)
        started = self.connection.execute(
            insert(run)
            .values(
                run=select(func.coalesce(func.max(run.c.run), 0) + 1).scalar_subquery(),
                demarche_numero=self.number,
                genre=genre,
                statut=Status.RUNNING.value,
                debut=at,
                demande_par=demande_par,
                **dict.fromkeys((*_COUNTS, "requetes"), 0),
            )
            .returning(run.c.run)
        )
        return int(started.scalar_one())

    def forget(self, before: Mapping[str, datetime]) -> None:
        """Delete the rows of journals, and overwrite the names of agents, that `too_old` counts."""
        if JOURNALS not in before:
            return
        for rows, condition in self._old_rows(before[JOURNALS]):
            self.connection.execute(delete(rows).where(condition))
        for rows, condition in self._old_names(before[JOURNALS]):
            if rows is not tables.evenement:
                name = "force_par" if rows is tables.outbox else "demande_par"
                self.connection.execute(update(rows).where(condition).values({name: NAMELESS}))
                continue
            names = select(rows.c.id, rows.c.numero, rows.c.details).where(condition)
            found = self.connection.execute(names).all()
            self.touch(row.numero for row in found)
            bare = [
                {
                    "id": row.id,
                    "details": json_bytes(
                        msgspec.json.decode(row.details) | {"demande_par": NAMELESS}
                    ).decode(),
                }
                for row in found
            ]
            update_rows(self.connection, rows, bare)

    def save_progress(self, run: int, *, read: int, changed: int) -> None:
        """Store how far a run has come, for those who follow it."""
        table = tables.sync_run
        self.connection.execute(
            update(table).where(table.c.run == run).values(lus=read, modifies=changed)
        )

    def finish_run(self, number: int, columns: Mapping[str, Any]) -> None:
        """Store the end of a run: its columns of `sync_run`."""
        run = tables.sync_run
        self.connection.execute(update(run).where(run.c.run == number).values(**columns))

    def record_events(self, run: int | None, events: Iterable[NewEvent], now: datetime) -> None:
        """Insert events of dossiers in one statement; `run` is None outside a run."""
        self._add_rows(
            tables.evenement,
            [
                {
                    "numero": event.numero,
                    "demarche_numero": self.number,
                    "survenu_le": now,
                    "evenement": event.evenement.value,
                    "details": None
                    if event.details is None
                    else json_bytes(event.details).decode(),
                    "run": run,
                }
                for event in events
            ],
        )
