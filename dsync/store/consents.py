"""Stores what waits for a person's consent, and what they consented to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update

from dsync.domain.consent import Asked, Consent, Proposal
from dsync.domain.ids import DemarcheNumber
from dsync.store import tables
from dsync.store.seals import Seals
from dsync.store.sql import Subject

_table = tables.accord
_COLUMNS = [_table.c[name] for name in ("genre", "version", "document", "depuis_le", "donne_le")]


class ConsentReads(Subject):
    """Reads proposals."""

    def all(self) -> list[Asked]:
        """Return what waits, and what a person consented to and is not done yet, by its kind."""
        rows = self.connection.execute(
            select(*_COLUMNS)
            .where(_table.c.demarche_numero == self.number)
            .order_by(_table.c.depuis_le, _table.c.genre)
        )
        return [Asked.stored(*row) for row in rows]

    def waiting_of(self, numbers: Sequence[DemarcheNumber]) -> dict[int, list[Asked]]:
        """Return what waits in each of these démarches, oldest first; only those with something."""
        rows = self.connection.execute(
            select(_table.c.demarche_numero, *_COLUMNS)
            .where(_table.c.demarche_numero.in_(numbers), _table.c.donne_le.is_(None))
            .order_by(_table.c.depuis_le, _table.c.genre)
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
        Seals(self.scope).insert(_table, [row])

    def give(self, kind: Consent, version: str, by: str, now: datetime) -> bool:
        """Record a person's consent; return False if this version does not wait for it."""
        with Seals(self.scope).changing(_table, self._is(kind)):
            found = self.connection.execute(
                update(_table)
                .where(self._is(kind), _table.c.version == version)
                .values(donne_le=now, donne_par=by)
            )
        return bool(found.rowcount)

    def end(self, kind: Consent) -> None:
        """Delete the proposal of a kind: it is done, or its cause is gone."""
        Seals(self.scope).delete(_table, self._is(kind))

    def _is(self, kind: Consent) -> ColumnElement[bool]:
        return and_(_table.c.demarche_numero == self.number, _table.c.genre == kind.value)
