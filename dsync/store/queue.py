"""The queue of the dossiers to judge: `domain/due.py` says what puts them into it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, or_, select, update

from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.programme import ProductPart
from dsync.store import tables
from dsync.store.sql import Subject, among, is_first, is_in, is_shown

_dossier, _cle, _verdict = tables.dossier, tables.cle, tables.verdict


_its, _own = _dossier.alias(), _cle.alias()
_IS_FIRST = is_first(
    _its,
    select(_dossier.c.numero)
    .join(_cle, _cle.c.numero == _dossier.c.numero)
    .where(_cle.c.cle == _own.c.cle, is_shown(COUNTED_ETATS)),
)


class QueueReads(Subject):
    """Reads which dossiers are to be judged."""

    def numbers(self, etats: Collection[Etat] = ()) -> list[DossierNumber]:
        """Return the queued dossiers, and all present ones in these states."""
        waits: ColumnElement[bool] = _dossier.c.a_evaluer
        return self._dossiers(
            or_(waits, is_in(etats)) if etats else waits, presence=Presence.PRESENT
        )

    def open_numbers(self) -> list[DossierNumber]:
        """Return the present open dossiers, queued or not."""
        return self._dossiers(is_in(OPEN_ETATS), presence=Presence.PRESENT)

    def due_by_run(self, *, are_other_grounds: bool, retries: bool) -> set[DossierNumber]:
        """Return the dossiers that are due in a run, as far as it has not judged them.

        `are_other_grounds`: rules or evidence are other ones than in the last run; `retries`:
        evidence that was away may be there.
        """
        found: set[DossierNumber] = set()
        if are_other_grounds:
            # Accepted ones, too: they keep their verdict, but the product that they name can have
            # another id now, by which the others find them.
            found.update(self._dossiers(is_in(COUNTED_ETATS), presence=Presence.PRESENT))
        if are_other_grounds or retries:
            unsure = select(_verdict.c.numero).where(
                _verdict.c.courant, _verdict.c.verdict == Verdict.INDETERMINE.value
            )
            is_unsure = _dossier.c.numero.in_(unsure)
            found.update(self._dossiers(is_unsure, presence=Presence.PRESENT))
        return found


class QueueWrites(QueueReads):
    """Adds dossiers to the queue, and removes them."""

    def add(self, numbers: Sequence[DossierNumber]) -> None:
        """Add dossiers to the queue, for this run or the next."""
        if numbers:
            self.connection.execute(_queuing(among(_dossier.c.numero, numbers)))

    def add_related(self, numbers: Sequence[DossierNumber]) -> Sequence[DossierNumber]:
        """Queue the open dossiers whose verdicts depend on these; return those not queued yet.

        Where rows of these are deleted: before, because the others are found by them.
        """
        if not numbers:
            return []
        given = {"demarche": self.number, "numbers": numbers}
        return list(self.connection.scalars(_queuing_related(self.programme.products), given))

    @contextmanager
    def changing(self, numbers: Sequence[DossierNumber]) -> Iterator[set[DossierNumber]]:
        """Queue dossiers of which the block changes with which others they are compared.

        It yields these dossiers and, at the end of the block, the open dossiers whose verdicts
        depended on them before or do now, as far as they were not queued already.
        """
        affected = {*numbers, *self.add_related(numbers)}
        yield affected
        self.add(numbers)
        affected.update(self.add_related(numbers))

    def close(self, numbers: Sequence[DossierNumber]) -> None:
        """Remove dossiers from the queue."""
        self.connection.execute(
            update(_dossier)
            .where(among(_dossier.c.numero, numbers), _dossier.c.a_evaluer)
            .values(a_evaluer=False)
        )


# Made once: to make it took longer than to execute it.
@lru_cache
def _queuing_related(part: ProductPart | None) -> Update:
    """Return the statement that queues the open dossiers whose verdicts rest on `numbers`.

    By answers that a check compares, and by a programme's products.
    """
    keys = (
        select(_own.c.cle)
        .join(_its, _its.c.numero == _own.c.numero)
        .where(among(_own.c.numero, "numbers"), _IS_FIRST)
    )
    chosen: Any = select(_dossier.c.numero).where(
        # Not a join: SQLite would go through all dossiers of the démarche.
        _dossier.c.numero.in_(select(_cle.c.numero).where(_cle.c.cle.in_(keys))),
        _dossier.c.demarche_numero == bindparam("demarche"),
        is_shown(OPEN_ETATS),
    )
    if part is not None:
        # Not two conditions: PostgreSQL would go through all dossiers.
        chosen = chosen.union_all(part.related)
    return _queuing(_dossier.c.numero.in_(chosen)).returning(_dossier.c.numero)


def _queuing(chosen: ColumnElement[bool]) -> Update:
    """Return the statement that queues dossiers; it writes no row of one that is queued."""
    return update(_dossier).where(chosen, ~_dossier.c.a_evaluer).values(a_evaluer=True)
