"""Stores and reads the verdicts, the rules that gave them, and what persons answer to their checks.

A stored verdict is never changed, apart from its remark; only the run that gave it takes it back.
An answer is never changed but ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Row,
    and_,
    bindparam,
    delete,
    func,
    select,
    update,
)

from dsync.domain.check_answers import Answer, points_of
from dsync.domain.dossier import Etat, Json, Presence
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.domain.judging import Rules
from dsync.domain.verdict import Controle, Decision, Resultat, StoredVerdict, Verdict, changes
from dsync.store import tables
from dsync.store.codes import AnswerStatus, EventName
from dsync.store.journal import JournalWrites, NewEvent
from dsync.store.sql import Subject, among, insert_missing

_dossier = tables.dossier
_verdict = tables.verdict
_rules = tables.version_regles
_outbox = tables.outbox
_event = tables.evenement

_VERDICT_COLUMNS = tuple(
    _verdict.c[name].label(f"v_{name}") for name in StoredVerdict.__struct_fields__
)
_IS_CURRENT = and_(_verdict.c.numero == _dossier.c.numero, _verdict.c.courant)

_DUE = (
    select(
        _dossier.c.numero,
        _dossier.c.etat,
        _dossier.c.presence,
        _dossier.c.inputs_hash,
        *_VERDICT_COLUMNS,
    )
    .outerjoin(_verdict, _IS_CURRENT)
    # The démarche's only: an operator can name any number, also one of another démarche.
    .where(
        among(_dossier.c.numero, "numbers"),
        _dossier.c.demarche_numero == bindparam("demarche"),
        _dossier.c.efface_le.is_(None),
    )
    .order_by(_dossier.c.numero)
)
_WISHED = select(_outbox.c.numero, _outbox.c.annotation, _outbox.c.valeur).where(
    among(_outbox.c.numero, "numbers"), _outbox.c.courante
)


class VerdictReads(Subject):
    """Reads verdicts."""

    def for_judging(self, numbers: Sequence[DossierNumber]) -> list[ToJudge]:
        """Return those of these dossiers of the démarche that are stored and not erased."""
        given = {"numbers": numbers, "demarche": self.number}
        rows = self.connection.execute(_DUE, given).all()
        known = [row.numero for row in rows]
        wished, answers = self._wished(known), AnswerReads(self.scope).current(known)
        return [
            ToJudge(
                numero=DossierNumber(row.numero),
                etat=Etat(row.etat),
                presence=Presence(row.presence),
                inputs_hash=row.inputs_hash,
                current=None if row.v_verdict is None else _stored(row),
                wished=wished.get(row.numero, {}),
                answers=answers.get(row.numero, {}),
            )
            for row in rows
        ]

    def rules(self) -> dict[str, Mapping[str, Any]]:
        """Return each version of rules that gave a verdict, of any démarche, the latest first.

        They are whole, as `Rules.document`, with `depuis_le`.
        """
        latest = select(_rules).order_by(_rules.c.depuis_le.desc(), _rules.c.version)
        return {
            row.version: {"depuis_le": row.depuis_le, **row.document}
            for row in self.connection.execute(latest)
        }

    def at(
        self, numbers: Sequence[DossierNumber], at: datetime
    ) -> dict[DossierNumber, StoredVerdict]:
        """Return the verdicts that these dossiers had at an instant, in UTC."""
        rows = self.connection.execute(
            select(_verdict.c.numero, *_VERDICT_COLUMNS)
            .where(among(_verdict.c.numero, numbers), _verdict.c.etabli_le <= at)
            .order_by(_verdict.c.id)
        )
        # Oldest first, so that the last verdict of a dossier stays.
        return {DossierNumber(row.numero): _stored(row) for row in rows}

    def history(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[DossierNumber, list[tuple[datetime, StoredVerdict]]]:
        """Return all verdicts of these dossiers, each with its instant, the oldest first."""
        rows = self.connection.execute(
            select(_verdict.c.numero, _verdict.c.etabli_le, *_VERDICT_COLUMNS)
            .where(among(_verdict.c.numero, numbers), _verdict.c.demarche_numero == self.number)
            .order_by(_verdict.c.id)
        )
        found: dict[DossierNumber, list[tuple[datetime, StoredVerdict]]] = {}
        for row in rows:
            found.setdefault(row.numero, []).append((row.etabli_le, _stored(row)))
        return found

    def _wished(self, numbers: Sequence[DossierNumber]) -> dict[int, dict[str, str | None]]:
        wished: dict[int, dict[str, str | None]] = {}
        for numero, annotation, valeur in self.connection.execute(_WISHED, {"numbers": numbers}):
            wished.setdefault(numero, {})[annotation] = valeur
        return wished


class VerdictWrites(VerdictReads):
    """Writes verdicts."""

    def keep_rules(self, rules: Rules, now: datetime) -> None:
        """Store rules, unless they are stored, in the transaction of the first verdict by them."""
        row = {
            "version": rules.version,
            "famille": rules.family,
            "depuis_le": now,
            "document": rules.document,
        }
        # A run of another démarche with the same rules may store them meanwhile.
        insert_missing(self.connection, _rules, row)

    def retract(
        self, run: int, decided: Sequence[tuple[ToJudge, Decision]]
    ) -> dict[DossierNumber, StoredVerdict | None]:
        """Delete the verdicts that a run has just given dossiers, where they are other ones now.

        A later page of its read has changed their duplicates. The verdicts before are the current
        ones again: they are returned, None where there was none.
        """
        others = [
            due.numero
            for due, decision in decided
            if due.current is not None and not _is_known(due, decision)
        ]
        if not others:
            return {}
        self.touch(others)
        given = among(_verdict.c.numero, others), _verdict.c.courant
        self.connection.execute(delete(_verdict).where(*given))
        told = among(_event.c.numero, others), _event.c.run == run, _event.c.evenement == "verdict"
        self.connection.execute(delete(_event).where(*told))
        before = select(func.max(_verdict.c.id)).where(among(_verdict.c.numero, others))
        rows = self.connection.execute(
            update(_verdict)
            .where(_verdict.c.id.in_(before.group_by(_verdict.c.numero)))
            .values(courant=True)
            .returning(_verdict.c.numero, *_VERDICT_COLUMNS)
        )
        return dict.fromkeys(others) | {DossierNumber(row.numero): _stored(row) for row in rows}

    def save(
        self, run: int, decided: Sequence[tuple[ToJudge, Decision]], now: datetime
    ) -> list[DossierNumber]:
        """Store verdicts as the current ones; return the dossiers for which a row was inserted.

        A verdict equal to the current one in result, detail, rules, inputs and evidence is not
        inserted: only its remark is updated. If only rules, inputs or evidence differ, a row is
        inserted without an event.

        The dossiers are as `for_judging` read them under the same lease: their verdicts are not
        read again, for without the lease nobody stores one.
        """
        remarks, replaced, rows, events = [], [], [], []
        for due, decision in decided:
            current, since = due.current, now
            if current is not None and _is_known(due, decision):
                if current.remarque != decision.remarque:
                    remarks.append({"of": due.numero, "said": decision.remarque})
                continue
            if current is not None:
                replaced.append(due.numero)
            if current is not None and current.reads_like(decision):
                since = current.depuis_le
            else:
                events.append(NewEvent(due.numero, EventName.VERDICT, _changes(due, decision)))
            rows.append(self._row(due, decision, now, since))
        if remarks:
            self.touch(due.numero for due, _ in decided)
            self.connection.execute(
                update(_verdict)
                .where(_verdict.c.numero == bindparam("of"), _verdict.c.courant)
                .values(remarque=bindparam("said")),
                remarks,
            )
        # Before the insert: an index allows one current verdict per dossier.
        if replaced:
            self.connection.execute(
                update(_verdict)
                .where(among(_verdict.c.numero, replaced), _verdict.c.courant)
                .values(courant=False)
            )
        self._add_rows(_verdict, rows)
        JournalWrites(self.scope).record_events(run, events, now)
        return [row["numero"] for row in rows]

    def _row(
        self, due: ToJudge, decision: Decision, now: datetime, since: datetime
    ) -> dict[str, Any]:
        return {
            "numero": due.numero,
            "demarche_numero": self.number,
            "verdict": decision.verdict.value,
            "points": points_of(decision.controles),
            "detail": decision.detail,
            "etabli_le": now,
            "depuis_le": since,
            "version_regles": decision.version_regles,
            "inputs_hash": due.inputs_hash,
            "preuve_hash": decision.preuve_hash,
            # In one order, so that an equal verdict is recognised.
            "doublons": sorted(decision.doublons),
            "controles": decision.controles,
            "constats": decision.constats,
            "preuve": decision.preuve,
            "remarque": decision.remarque,
            "courant": True,
        }


def _is_known(due: ToJudge, decision: Decision) -> bool:
    """Return whether a decision equals the current verdict in everything but the remark."""
    current = due.current
    return (
        current is not None
        and due.stands(decision)
        and json_bytes(current.preuve) == json_bytes(decision.preuve)
    )


def _changes(due: ToJudge, decision: Decision) -> dict[str, Json]:
    """Return the details of a verdict's event: both results, what changed, and by what cause."""
    current, basis = due.current, due.basis
    said: dict[str, Json] = {
        "verdict": decision.verdict.value,
        "avant": None if current is None else current.verdict.value,
    }
    if current is None or basis is None:
        return said
    results, texts = changes(current, decision)
    said["controles"] = {name: dict(result) for name, result in results.items()}
    if texts:
        said["textes"] = list(texts)
    said["causes"] = [*basis.changes(due.basis_of(decision))]
    return said


def _stored(row: Row[Any]) -> StoredVerdict:
    return StoredVerdict(
        verdict=Verdict(row.v_verdict),
        detail=row.v_detail or "",
        depuis_le=row.v_depuis_le,
        version_regles=row.v_version_regles,
        inputs_hash=row.v_inputs_hash,
        preuve_hash=row.v_preuve_hash,
        doublons=tuple(row.v_doublons or ()),
        controles=row.v_controles or (),
        constats=row.v_constats or {},
        preuve=row.v_preuve,
        remarque=row.v_remarque,
    )


_answer = tables.reponse


_CURRENT_ANSWERS = select(
    *(_answer.c[name] for name in Answer.__struct_fields__), _answer.c.numero
).where(
    among(_answer.c.numero, "numbers"),
    _answer.c.demarche_numero == bindparam("demarche"),
    _answer.c.statut == AnswerStatus.CURRENT.value,
)


class AnswerReads(Subject):
    """Reads answers."""

    def current(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, dict[str, Answer]]:
        """Return the current answers of these dossiers, by check; only dossiers that have one."""
        found: dict[DossierNumber, dict[str, Answer]] = {}
        given = {"numbers": numbers, "demarche": self.number}
        for row in self.connection.execute(_CURRENT_ANSWERS, given).mappings():
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
        self._add_rows(_answer, [row])
        return True

    def withdraw(self, number: DossierNumber, controle: str, *, by: str, now: datetime) -> bool:
        """End the current answer to a check; return False if there is none."""
        return self._end(number, controle, AnswerStatus.WITHDRAWN, by, now)

    def _end(
        self, number: DossierNumber, controle: str, how: AnswerStatus, by: str, now: datetime
    ) -> bool:
        self.touch([number])
        ended = self.connection.execute(
            update(_answer)
            .where(
                _answer.c.numero == number,
                _answer.c.demarche_numero == self.number,
                _answer.c.controle == controle,
                _answer.c.statut == AnswerStatus.CURRENT.value,
            )
            .values(statut=how.value, finie_le=now, finie_par=by)
        )
        return bool(ended.rowcount)
