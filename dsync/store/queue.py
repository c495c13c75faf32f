"""The queue of the dossiers to judge, and the keys by which checks compare answers of dossiers.

`domain/due.py` says what puts a dossier into the queue; a key that changes puts in who has it, too.
A key is a hash with a secret.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, delete, or_, select, update

from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS, Etat, Presence
from dsync.domain.due import FIRST
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.domain.verdict import Verdict
from dsync.programme import ProductPart, Row, Values
from dsync.store import tables
from dsync.store.sql import (
    Subject,
    among,
    first_of,
    insert_rows,
    is_first,
    is_in,
    is_shown,
    update_rows,
)
from dsync.store.sync_state import StateReads, StateWrites

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


_OWN_KEYS = select(_cle.c.numero, _cle.c.controle, _cle.c.cle).where(
    among(_cle.c.numero, "numbers")
)
# Keys are of one démarche: as a condition, SQLite would go through all its dossiers.
_SAME_KEY = first_of(
    select(_dossier.c.numero, _dossier.c.depose_le, _cle.c.cle)
    .join(_cle, _cle.c.numero == _dossier.c.numero)
    .where(
        _cle.c.cle.in_(bindparam("keys", expanding=True)),
        is_shown(COUNTED_ETATS),
    ),
    "cle",
)


class KeyReads(Subject):
    """Reads keys."""

    def changed(self, compared: Values) -> Values:
        """Return those of these dossiers of which the stored keys are not of these values."""
        found: dict[DossierNumber, dict[str, str]] = {numero: {} for numero in compared}
        for numero, controle, cle in self.connection.execute(_OWN_KEYS, {"numbers": compared}):
            found[DossierNumber(numero)][controle] = cle
        secret = StateReads(self.scope).read().cle_secrete
        return {
            numero: some
            for numero, some in compared.items()
            if some.keys() != found[numero].keys()
            # Without a secret there are no keys yet.
            or any(keyed(secret or "", k, v) != found[numero][k] for k, v in some.items())
        }

    def doublons(
        self, numbers: Sequence[DossierNumber]
    ) -> Mapping[DossierNumber, Mapping[str, Sequence[DossierNumber]]]:
        """Return the first other open or accepted dossiers with the same keys, by deposits."""
        own = self.connection.execute(_OWN_KEYS, {"numbers": numbers}).all()
        first = defaultdict[str, list[DossierNumber]](list)
        for row in self.connection.execute(_SAME_KEY, {"keys": [*{row.cle for row in own}]}):
            first[row.cle].append(row.numero)
        found = defaultdict[DossierNumber, dict[str, list[DossierNumber]]](dict)
        for numero, controle, cle in own:
            if others := [one for one in first[cle] if one != numero][: FIRST - 1]:
                found[numero][controle] = others
        return found


class KeyWrites(KeyReads):
    """Writes keys."""

    def replace(self, compared: Values, columns: Sequence[Row] = ()) -> set[DossierNumber]:
        """Store what dossiers are compared by, in place of what it was.

        Returns these dossiers, and those that are compared with them, which are queued with them.
        `columns` are as in `programme.Compared`.
        """
        numbers = sorted({*compared, *(DossierNumber(row["numero"]) for row in columns)})
        if not numbers:
            return set()
        secret = StateWrites(self.scope).secret() if compared else ""
        rows = [
            {"numero": numero, "controle": controle, "cle": keyed(secret, controle, values)}
            for numero, some in compared.items()
            for controle, values in some.items()
        ]
        with QueueWrites(self.scope).changing(numbers) as affected:
            self.connection.execute(delete(_cle).where(among(_cle.c.numero, [*compared])))
            insert_rows(self.connection, _cle, rows)
            if part := self.programme.lists:
                update_rows(self.connection, part.table, columns)
                self.touch(row["numero"] for row in columns)
        return affected


def keyed(secret: str, purpose: str, values: object) -> str:
    """Return a hash of values, such as those that a check compares: they cannot be had from it."""
    return hmac.new(secret.encode(), json_bytes([purpose, values]), sha256).hexdigest()
