"""The journal: what happened to each dossier, and each run with its figures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, insert, select, update

from dsync.domain.written import written
from dsync.store import tables
from dsync.store.records import NewEvent, RunFigures
from dsync.store.section import Section
from dsync.store.sql import insert_rows

_NUMBERING = 0x6473796E72
"""« dsynr »: two runs of one PostgreSQL base that start at once take turns."""

_COUNTS = ("lus", "modifies", "supprimes", "evalues", "pousses", "conflits", "en_quarantaine")


class JournalWrites(Section):
    """Writes runs and events."""

    def start_run(self, genre: str, demande_par: str, at: datetime) -> int:
        """Open a run; one left running by a process that died is marked interrupted.

        Runs are numbered here, one after the other: a sequence of PostgreSQL would leave a gap
        for each transaction undone and each crash of the server.
        """
        run = tables.sync_run
        self.connection.execute(
            update(run)
            .where(run.c.demarche_numero == self.number, run.c.statut == "running")
            .values(
                statut="interrupted",
                fin=at,
                erreur="interrompu : le processus s’est arrêté avant la fin",
            )
        )
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(select(func.pg_advisory_xact_lock(_NUMBERING)))
        started = self.connection.execute(
            insert(run)
            .values(
                run=select(func.coalesce(func.max(run.c.run), 0) + 1).scalar_subquery(),
                demarche_numero=self.number,
                genre=genre,
                statut="running",
                debut=at,
                demande_par=demande_par,
                **dict.fromkeys((*_COUNTS, "requetes"), 0),
            )
            .returning(run.c.run)
        )
        return int(started.scalar_one())

    def finish_run(self, figures: RunFigures) -> None:
        """Close a run with its figures."""
        table = tables.sync_run
        self.connection.execute(
            update(table)
            .where(table.c.run == figures.run)
            .values(
                statut=figures.status.value,
                fin=figures.ended_at,
                lus=figures.read,
                modifies=figures.changed,
                supprimes=figures.deleted,
                evalues=figures.evaluated,
                pousses=figures.pushed,
                conflits=figures.conflicts,
                en_quarantaine=figures.quarantined,
                requetes=figures.requests,
                erreur=figures.cause,
                figures=written(
                    {
                        "verdicts": dict(figures.verdicts),
                        "erreurs_par_classe": dict(figures.error_classes),
                        "messages": list(figures.errors),
                    }
                ),
            )
        )

    def record_events(self, run: int | None, events: Iterable[NewEvent], now: datetime) -> None:
        """Add entries to the dossiers' journals, in one statement."""
        insert_rows(
            self.connection,
            tables.evenement,
            [
                {
                    "numero": event.numero,
                    "demarche_numero": self.number,
                    "survenu_le": now,
                    "evenement": event.evenement,
                    "details": None if event.details is None else written(event.details).decode(),
                    "run": run,
                }
                for event in events
            ],
        )
