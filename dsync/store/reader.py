"""Answers for the command line: a dossier in full, lists, runs, where things stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import String, case, cast, column, func, or_, select, table, text

from dsync.domain.dossier import OPEN_ETATS, Etat, Presence
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.verdict import Verdict
from dsync.store import tables
from dsync.store.forms import FormReads
from dsync.store.progress import ProgressReads
from dsync.store.quarantine import QuarantineReads
from dsync.store.records import OpenPushes, WishStatus
from dsync.store.settlements import ConflictReads
from dsync.store.sources import SourceReads
from dsync.store.verdicts import VerdictReads

_dossier = tables.dossier
_verdict = tables.verdict
_outbox = tables.outbox
_shown_run = table("lecture_synchronisation", column("run"), column("statut"))

_OPEN_PUSHES = {
    WishStatus.EN_ATTENTE.value: "waiting",
    WishStatus.INCERTAINE.value: "waiting",
    WishStatus.REFUSEE.value: "refused",
    WishStatus.CONFLIT.value: "conflicts",
}

Document = dict[str, Any]
"""JSON values by column; instants as UTC text."""

_ANNOTATION_ORDER = "annotation, envoyee_le IS NULL, envoyee_le, statut, valeur"
"""The oldest first, what was never sent last; the engines place NULL differently."""


class Reader(ProgressReads, FormReads, QuarantineReads, ConflictReads, SourceReads, VerdictReads):
    """Reads the database as it was when the reading began."""

    def dossier(self, numero: DossierNumber) -> Document | None:
        """Return all that is known of a dossier as JSON values, None when it is unknown."""
        main = self._view("lecture_candidature", numero, "numero")
        if not main:
            return None
        return {
            **main[0],
            "voeux": self._view("lecture_voeu", numero, "rang"),
            "evaluations": self._view("lecture_evaluation", numero, "ligne"),
            "notes": self._view("lecture_evaluation_note", numero, "ligne"),
            "precontroles": self._view("lecture_precontrole", numero, "etabli_le"),
            "controles": _parsed(
                self._view("lecture_precontrole_controle", numero, "etabli_le"), "preuve"
            ),
            "annotations": self._view("lecture_annotation", numero, _ANNOTATION_ORDER),
            "pieces": self._view("lecture_piece", numero, "nom"),
            "evenements": self.events(numero),
            "anomalie": self._view("lecture_anomalie", numero, "code"),
        }

    def champs(self, numero: DossierNumber) -> list[Document]:
        """Return every champ of a dossier with its text."""
        return self._view("lecture_champ", numero, "origine")

    def events(self, numero: DossierNumber) -> list[Document]:
        """Return a dossier's journal, oldest first."""
        return _parsed(self._view("lecture_evenement", numero, "survenu_le"), "details")

    def dossiers(
        self,
        *,
        demarche: DemarcheNumber | None = None,
        etat: str | None = None,
        verdict: str | None = None,
        presence: str | None = None,
        q: str | None = None,
        limit: int = 100,
    ) -> list[Document]:
        """Return dossiers by number.

        Args:
            demarche: of this démarche.
            etat: in this state.
            verdict: with this current verdict; `aucun` for none.
            presence: with this presence.
            q: whose number, enterprise or product contains this.
            limit: how many at most.
        """
        statement = (
            select(
                _dossier.c.numero,
                _dossier.c.etat,
                _dossier.c.presence,
                _dossier.c.archive,
                _dossier.c.depose_le,
                _dossier.c.modifie_le,
                _dossier.c.raison_sociale,
                _dossier.c.produit_id,
                _verdict.c.verdict,
                _verdict.c.depuis_le.label("verdict_etabli_le"),
                _verdict.c.detail,
            )
            .outerjoin(_verdict, (_verdict.c.numero == _dossier.c.numero) & _verdict.c.courant)
            .where(_dossier.c.demarche_numero == self._of(demarche))
            .order_by(_dossier.c.numero)
            .limit(limit)
        )
        if etat is not None:
            statement = statement.where(_dossier.c.etat == etat)
        if presence is not None:
            statement = statement.where(_dossier.c.presence == presence)
        if verdict == "aucun":
            statement = statement.where(_verdict.c.verdict.is_(None))
        elif verdict is not None:
            statement = statement.where(_verdict.c.verdict == verdict)
        if q:
            wanted = q.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            pattern = f"%{wanted}%"
            statement = statement.where(
                or_(
                    cast(_dossier.c.numero, String).like(pattern, escape="\\"),
                    func.lower(_dossier.c.raison_sociale).like(pattern, escape="\\"),
                    func.lower(_dossier.c.produit_id).like(pattern, escape="\\"),
                )
            )
        return _documents(self._connection.execute(statement).mappings().all())

    def runs(self, limit: int = 20, demarche: DemarcheNumber | None = None) -> list[Document]:
        """Return the newest runs first."""
        run = tables.sync_run
        columns = [
            # The view tells a run that died from one under way.
            _shown_run.c.statut if one.name == "statut" else one
            for one in run.columns
            if one.name != "demarche_numero"
        ]
        statement = (
            select(*columns)
            .join(_shown_run, _shown_run.c.run == run.c.run)
            .where(run.c.demarche_numero == self._of(demarche))
            .order_by(run.c.run.desc())
            .limit(limit)
        )
        return _documents(self._connection.execute(statement).mappings().all())

    def dossier_counts(self, demarche: DemarcheNumber | None = None) -> Document:
        """Count the dossiers: `presence`, `etat` and `verdict` of those present, `a_evaluer`."""
        number = self._of(demarche)
        is_present = _dossier.c.presence == Presence.PRESENT.value
        rows = self._connection.execute(
            select(
                _dossier.c.presence,
                _dossier.c.etat,
                _verdict.c.verdict,
                func.count(),
                func.sum(case((_dossier.c.a_evaluer & is_present, 1), else_=0)),
            )
            .outerjoin(_verdict, (_verdict.c.numero == _dossier.c.numero) & _verdict.c.courant)
            .where(_dossier.c.demarche_numero == number)
            .group_by(_dossier.c.presence, _dossier.c.etat, _verdict.c.verdict)
        )
        presences = dict.fromkeys((presence.value for presence in Presence), 0)
        etats = dict.fromkeys((etat.value for etat in Etat), 0)
        verdicts = dict.fromkeys((verdict.key for verdict in Verdict), 0)
        to_judge = 0
        for presence, etat, verdict, count, waiting in rows:
            presences[presence] += count
            to_judge += waiting
            if presence == Presence.PRESENT:
                etats[etat] += count
                if verdict is not None:
                    verdicts[Verdict(verdict).key] += count
        return {
            "presence": dict(presences),
            "etat": dict(etats),
            "verdict": dict(verdicts),
            "a_evaluer": to_judge,
        }

    def outbox_counts(self, demarche: DemarcheNumber | None = None) -> dict[str, int]:
        """Count the current wishes by status; dossiers that may not be written to included."""
        rows = self._connection.execute(
            select(_outbox.c.statut, func.count())
            .where(_outbox.c.demarche_numero == self._of(demarche), _outbox.c.courante)
            .group_by(_outbox.c.statut)
        )
        return {statut: count for statut, count in rows}

    def open_pushes(self) -> dict[str, OpenPushes]:
        """Return the dossiers whose annotations wait, were refused or met a human's, with why.

        Only those that may be written to; by `waiting`, `refused`, `conflicts`.
        """
        rows = self._connection.execute(
            select(_outbox.c.statut, _outbox.c.numero, _outbox.c.erreur)
            .join(_dossier, _dossier.c.numero == _outbox.c.numero)
            .where(
                _outbox.c.demarche_numero == self._number,
                _outbox.c.courante,
                _outbox.c.statut.in_(_OPEN_PUSHES),
                _dossier.c.presence == Presence.PRESENT.value,
                _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
            )
        )
        numbers: dict[str, set[int]] = {name: set() for name in _OPEN_PUSHES.values()}
        reasons: dict[str, set[str]] = {name: set() for name in _OPEN_PUSHES.values()}
        for statut, numero, erreur in rows:
            numbers[_OPEN_PUSHES[statut]].add(numero)
            if erreur:
                reasons[_OPEN_PUSHES[statut]].add(erreur)
        return {
            name: OpenPushes(len(numbers[name]), tuple(sorted(reasons[name]))) for name in numbers
        }

    def _view(self, view: str, numero: DossierNumber, order: str) -> list[Document]:
        rows = self._connection.execute(
            text(f"SELECT * FROM {view} WHERE numero = :numero ORDER BY {order}"),  # noqa: S608 - names of ours
            {"numero": numero},
        )
        documents = _documents(rows.mappings().all())
        for document in documents:
            if order != "numero":
                del document["numero"]
        return documents


def _parsed(documents: list[Document], column: str) -> list[Document]:
    """Read the JSON that the views hold as text."""
    for document in documents:
        if document[column] is not None:
            document[column] = json.loads(document[column])
    return documents


def _documents(rows: Sequence[Mapping[Any, Any]]) -> list[Document]:
    return [{str(name): _json(value) for name, value in row.items()} for row in rows]


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
