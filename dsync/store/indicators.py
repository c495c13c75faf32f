"""Stores the démarche's figures of each day, so that a curve can be drawn.

They are numbers about all its dossiers, and stay when a dossier is erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from dsync.domain.dossier import OPEN_ETATS, PARIS, Etat
from dsync.domain.verdict import Verdict
from dsync.store import tables
from dsync.store.records import WishStatus
from dsync.store.sql import upsert
from dsync.store.state import StateReads

_table = tables.indicateur
_dossier, _verdict, _outbox = tables.dossier, tables.verdict, tables.outbox

FRAICHEUR = "fraicheur_heures"
_DECISIONS = {f"decision_{etat.value}": etat for etat in Etat if etat not in OPEN_ETATS}
_VERDICTS = {f"verdict_{verdict.key}": verdict for verdict in Verdict}
INDICATEURS = ("depots", *_VERDICTS, *_DECISIONS, "conflits", FRAICHEUR)
"""The figures of any démarche; a programme has others of its own."""


class IndicatorWrites(StateReads):
    """Writes the figures of a day."""

    def save_indicators(self, now: datetime, *, changed: bool) -> None:
        """Store the figures of today, a day of Paris; the last ones of a day stay.

        Without a change, only the freshness is stored, if the day has its figures: a run that
        finds nothing new goes through no table.

        Args:
            now: the present instant, in UTC.
            changed: whether the run changed anything.
        """
        jour = now.astimezone(PARIS).date()
        today = (_table.c.demarche_numero == self.number, _table.c.jour == jour)
        figures: dict[str, float] = {}
        if changed or self.connection.scalar(select(_table.c.jour).where(*today).limit(1)) is None:
            self.connection.execute(delete(_table).where(*today))
            figures.update(self._counts())
            figures.update(self.extension.indicators(self.connection, self.number))
        last = self.state().last_success_at
        if last is not None:
            figures[FRAICHEUR] = round(max(now - last, timedelta()) / timedelta(hours=1), 2)
        key = {"demarche_numero": self.number, "jour": jour}
        rows = [{**key, "indicateur": name, "valeur": value} for name, value in figures.items()]
        upsert(self.connection, _table, rows)

    def _counts(self) -> Iterator[tuple[str, float]]:
        count = func.count()
        etats: dict[str, int] = dict(
            self.connection.execute(
                select(_dossier.c.etat, count)
                .where(_dossier.c.demarche_numero == self.number)
                .group_by(_dossier.c.etat)
            ).all()
        )
        verdicts: dict[str, int] = dict(
            self.connection.execute(
                select(_verdict.c.verdict, count)
                .where(_verdict.c.demarche_numero == self.number, _verdict.c.courant)
                .group_by(_verdict.c.verdict)
            ).all()
        )
        conflicts = self.connection.scalar(
            select(func.count(_outbox.c.numero.distinct())).where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.CONFLIT.value,
            )
        )
        yield "depots", sum(etats.values())
        yield from ((name, verdicts.get(verdict, 0)) for name, verdict in _VERDICTS.items())
        yield from ((name, etats.get(etat, 0)) for name, etat in _DECISIONS.items())
        yield "conflits", conflicts or 0
