"""Stores and reads what persons established about checks; a row is never changed but ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, select, update

from dsync.domain.check_answers import Answer
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Resultat
from dsync.store import tables
from dsync.store.seals import Seals
from dsync.store.sql import Subject, among

_table = tables.reponse


class AnswerStatus(StrEnum):
    """The status of a row; `lecture_reponse` also says which current one is to be confirmed."""

    CURRENT = "valable"
    REPLACED = "remplacee"
    WITHDRAWN = "retiree"


_CURRENT = select(*(_table.c[name] for name in Answer.__struct_fields__), _table.c.numero).where(
    among(_table.c.numero, "numbers"),
    _table.c.demarche_numero == bindparam("demarche"),
    _table.c.statut == AnswerStatus.CURRENT.value,
)


class AnswerReads(Subject):
    """Reads answers."""

    def current(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, dict[str, Answer]]:
        """Return the current answers of these dossiers, by check; only dossiers that have one."""
        found: dict[DossierNumber, dict[str, Answer]] = {}
        given = {"numbers": numbers, "demarche": self.number}
        for row in self.connection.execute(_CURRENT, given).mappings():
            values: dict[str, Any] = dict(row)
            numero = DossierNumber(values.pop("numero"))
            values["resultat"] = Resultat(values["resultat"])
            found.setdefault(numero, {})[values["controle"]] = Answer(**values)
        return found


class AnswerWrites(AnswerReads):
    """Writes answers."""

    def give(
        self,
        number: DossierNumber,
        constat: Controle,
        resultat: Resultat,
        motif: str,
        *,
        by: str,
        now: datetime,
        produit: str | None = None,
    ) -> bool:
        """Store an answer, which replaces the current one; return False if it is the same.

        It rests on `constat`, what the check found. The reason is one line; `produit` is the id of
        the product that the person names.
        """
        known = self.current([number]).get(number, {}).get(constat.controle)
        if known and known == Answer(
            known.id, constat.controle, resultat, motif, by, known.repondu_le, constat, produit
        ):
            return False
        self._end(number, constat.controle, AnswerStatus.REPLACED, by, now)
        row = {
            "numero": number,
            "demarche_numero": self.number,
            "controle": constat.controle,
            "resultat": resultat.value,
            "motif": motif,
            "auteur": by,
            "repondu_le": now,
            "constat": constat,
            "produit": produit,
            "statut": AnswerStatus.CURRENT.value,
        }
        Seals(self.scope).insert(_table, [row])
        return True

    def withdraw(self, number: DossierNumber, controle: str, *, by: str, now: datetime) -> bool:
        """End the current answer to a check; return False if there is none."""
        return self._end(number, controle, AnswerStatus.WITHDRAWN, by, now)

    def _end(
        self, number: DossierNumber, controle: str, how: AnswerStatus, by: str, now: datetime
    ) -> bool:
        self.touch([number])
        theirs = and_(
            _table.c.numero == number,
            _table.c.demarche_numero == self.number,
            _table.c.controle == controle,
        )
        with Seals(self.scope).changing(_table, theirs):
            ended = self.connection.execute(
                update(_table)
                .where(theirs, _table.c.statut == AnswerStatus.CURRENT.value)
                .values(statut=how.value, finie_le=now, finie_par=by)
            )
        return bool(ended.rowcount)
