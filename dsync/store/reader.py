"""`Reader`, by which all rooms read the database: dossiers, runs, counts, and those it inherits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    Select,
    Text,
    case,
    cast,
    column,
    func,
    literal,
    null,
    select,
    table,
    text,
    union_all,
)

from dsync.domain.dossier import OPEN_ETATS, Etat, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle, Resultat, Verdict, counterfactual
from dsync.store import tables
from dsync.store.changes import CorrectionReads
from dsync.store.extension import DossierView
from dsync.store.journal import QuarantineReads, RunReads
from dsync.store.listing import NO_VERDICT, Document, ListingReads, documents
from dsync.store.pieces import PieceReads
from dsync.store.requests import RequestReads
from dsync.store.services import AlertReads
from dsync.store.verdicts import VerdictReads
from dsync.store.verification import VerificationReads
from dsync.store.wishes import WishStatus

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

_WISHES, _QUARANTINE = "wishes", "quarantine"
_DOOMED, _REQUESTS = "doomed", "requests"

_ANNOTATION_ORDER = "annotation, envoyee_le IS NULL, envoyee_le, statut, valeur"
"""Oldest first, never sent last: SQLite and PostgreSQL sort NULL differently."""

_VIEWS = {
    "annotations": DossierView("lecture_annotation", _ANNOTATION_ORDER),
    "pieces": DossierView("lecture_piece", "nom"),
    "changements": DossierView("lecture_changement", "ordre"),
    "decisions": DossierView("lecture_decision", "rang"),
    "evenements": DossierView("lecture_evenement", "survenu_le", json="details"),
    "anomalie": DossierView("lecture_anomalie", "code"),
}
"""The engine's views of a dossier, by their key in `dsync dossier show --json`."""


class OpenPushes(NamedTuple):
    """The number of dossiers with open wishes, and the reasons."""

    dossiers: int
    reasons: tuple[str, ...]
    since: datetime | None
    """When the oldest of these wishes was made; None: there is none."""


class MadeBySections(NamedTuple):
    """How much of a démarche's rows was made by optional sections of its configuration."""

    rows: int
    """Of the programme's table with one row per dossier, by the mapping."""
    table: str
    """The name of that table."""
    verdicts: int
    """The current ones, by the rules."""
    wishes: int
    """The current ones, by the annotations."""


class OpenWork(NamedTuple):
    """What is not done, as `dsync status` counts it."""

    wishes: Mapping[str, int]
    """The current wishes by status."""
    quarantined: int
    pushes: Mapping[str, OpenPushes]
    doomed: int
    """Copies of files that have to be deleted."""
    requests: Sequence[tuple[str, int, datetime]]
    """The unfinished requests by kind: their number, and when the oldest one was made."""


class Reader(
    CorrectionReads,
    RunReads,
    QuarantineReads,
    VerdictReads,
    VerificationReads,
    PieceReads,
    RequestReads,
    AlertReads,
    ListingReads,
):
    """Reads the database as it was at the start of the transaction."""

    def dossier(
        self, numero: DossierNumber, *, only: Collection[str] | None = None
    ) -> Document | None:
        """Return everything stored about a dossier as JSON values, None if it is unknown.

        Args:
            numero: the dossier's number.
            only: the keys of the views to read beside the main one; None: all.
        """
        main = self._view(self.extension.main_view, numero)
        if not main:
            return None
        views = {**self.extension.dossier_views, **_VIEWS}
        return main[0] | {
            key: self._view(view, numero)
            for key, view in views.items()
            if only is None or key in only
        }

    def decided_before(self, limit: datetime) -> list[tuple[DossierNumber, datetime]]:
        """Return the finished dossiers decided before an instant and not erased, oldest first."""
        finished = [etat.value for etat in Etat if etat not in OPEN_ETATS]
        rows = self.connection.execute(
            select(_dossier.c.numero, _dossier.c.traite_le)
            .where(
                _dossier.c.demarche_numero == self.number,
                _dossier.c.efface_le.is_(None),
                _dossier.c.etat.in_(finished),
                _dossier.c.traite_le < limit,
            )
            .order_by(_dossier.c.traite_le, _dossier.c.numero)
        )
        return [(DossierNumber(number), decided) for number, decided in rows]

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
        """Return runs, newest first.

        Args:
            limit: their maximum number.
            offset: how many of the newest ones to leave out.
            number: that of a single run; None: every one.
        """
        run = tables.sync_run
        statement = self._runs.where(run.c.demarche_numero == self.number)
        if number is not None:
            statement = statement.where(run.c.run == number)
        found = self.connection.execute(statement.limit(limit).offset(offset))
        return documents(found.mappings().all())

    def last_runs(self, genre: str) -> tuple[Document | None, Document | None, Document | None]:
        """Return the last run, the last one that ended, and the last of a kind that ended."""
        run = tables.sync_run
        last = select(func.max(run.c.run)).where(run.c.demarche_numero == self.number)
        # A run that was killed has no code: what it would have found is not known.
        ended = last.where(run.c.code.is_not(None))
        wanted = [one.scalar_subquery() for one in (last, ended, ended.where(run.c.genre == genre))]
        found = self.connection.execute(self._runs.where(run.c.run.in_(wanted)))
        rows = documents(found.mappings().all())
        of_ended = [row for row in rows if row["code"] is not None]
        of_genre = (row for row in of_ended if row["genre"] == genre)
        return next(iter(rows), None), next(iter(of_ended), None), next(of_genre, None)

    @property
    def _runs(self) -> Select[Any]:
        """Runs, newest first."""
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

    def dossier_counts(self) -> Document:
        """Count the dossiers by presence, the present ones by state, verdict and `a_evaluer`.

        `verdict_par_etat` has the counts of each state by verdict; `aucun`: without one.
        """
        is_present = _dossier.c.presence == Presence.PRESENT.value
        rows = self.connection.execute(
            select(
                _dossier.c.presence,
                _dossier.c.etat,
                _verdict.c.verdict,
                func.count(),
                func.sum(case((_dossier.c.a_evaluer & is_present, 1), else_=0)),
            )
            .outerjoin(_verdict, (_verdict.c.numero == _dossier.c.numero) & _verdict.c.courant)
            .where(_dossier.c.demarche_numero == self.number)
            .group_by(_dossier.c.presence, _dossier.c.etat, _verdict.c.verdict)
        )
        presences = dict.fromkeys((presence.value for presence in Presence), 0)
        etats = dict.fromkeys((etat.value for etat in Etat), 0)
        verdicts = dict.fromkeys((verdict.key for verdict in Verdict), 0)
        by_etat: dict[str, dict[str, int]] = {etat: {NO_VERDICT: 0, **verdicts} for etat in etats}
        to_judge = 0
        for presence, etat, verdict, count, waiting in rows:
            presences[presence] += count
            to_judge += waiting
            if presence == Presence.PRESENT:
                etats[etat] += count
                by_etat[etat][Verdict(verdict).key if verdict else NO_VERDICT] += count
                if verdict is not None:
                    verdicts[Verdict(verdict).key] += count
        return {
            "presence": dict(presences),
            "etat": dict(etats),
            "verdict": dict(verdicts),
            "verdict_par_etat": by_etat,
            "a_evaluer": to_judge,
        }

    def open_work(self) -> OpenWork:
        """Count wishes, their dossiers, quarantine, requests and doomed copies, by one query.

        Only wishes of writable dossiers are open. The keys of `pushes` are `waiting`, `refused` and
        `conflicts`.
        """
        outbox, quarantine, asked = _outbox.c, tables.quarantaine, tables.demande.c
        of_demarche = (outbox.demarche_numero == self.number, outbox.courante)
        # Grouped before the join: a dossier has four wishes, and the index has all that is needed.
        wished = (
            select(outbox.statut, outbox.numero, func.min(outbox.creee_le).label("creee_le"))
            .where(*of_demarche, outbox.statut.in_(_OPEN_PUSHES))
            .group_by(outbox.statut, outbox.numero)
            .subquery()
        )
        is_writable = (
            _dossier.c.presence == Presence.PRESENT.value,
            _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
        )
        name = case(_OPEN_PUSHES, value=wished.c.statut)
        why = case(_OPEN_PUSHES, value=outbox.statut)
        # With types: PostgreSQL does not join a bare NULL with an instant.
        no_text, no_time = cast(null(), Text), cast(null(), outbox.creee_le.type)
        rows = self.connection.execute(
            union_all(
                select(literal(_WISHES), outbox.statut, func.count(), no_time)
                .where(*of_demarche)
                .group_by(outbox.statut),
                select(literal(_QUARANTINE), no_text, func.count(), no_time).where(
                    quarantine.c.demarche_numero == self.number
                ),
                select(literal(_DOOMED), no_text, func.count(), no_time).where(
                    tables.piece.c.demarche_numero == self.number, tables.piece.c.a_supprimer
                ),
                select(literal(_REQUESTS), asked.genre, func.count(), func.min(asked.demande_le))
                .where(asked.demarche_numero == self.number, asked.en_file)
                .where(asked.fini_le.is_(None))
                .group_by(asked.genre),
                select(
                    name,
                    no_text,
                    func.count(wished.c.numero.distinct()),
                    func.min(wished.c.creee_le),
                )
                .join(_dossier, _dossier.c.numero == wished.c.numero)
                .where(*is_writable)
                .group_by(name),
                select(why, outbox.erreur, literal(0), no_time)
                .join(_dossier, _dossier.c.numero == outbox.numero)
                .where(*of_demarche, outbox.statut.in_(_OPEN_PUSHES), *is_writable)
                .where(outbox.erreur.is_not(None))
                .group_by(why, outbox.erreur),
            )
        ).all()
        by_name: dict[str, list[Any]] = defaultdict(list)
        for what, *row in rows:
            by_name[what].append(row)
        return OpenWork(
            wishes={statut: count for statut, count, _ in by_name[_WISHES]},
            quarantined=sum(count for _, count, _ in by_name[_QUARANTINE]),
            doomed=sum(count for _, count, _ in by_name[_DOOMED]),
            requests=[(genre, count, oldest) for genre, count, oldest in by_name[_REQUESTS]],
            pushes={
                found: OpenPushes(
                    sum(count for _, count, _ in by_name[found]),
                    tuple(sorted(erreur for erreur, *_ in by_name[found] if erreur)),
                    min((oldest for *_, oldest in by_name[found] if oldest), default=None),
                )
                for found in dict.fromkeys(_OPEN_PUSHES.values())
            },
        )

    def made_by_sections(self) -> MadeBySections:
        """Count what optional sections of the configuration have made."""
        count, main = func.count(), self.main_table()
        of_demarche = _dossier.c.demarche_numero == self.number
        is_wished = _outbox.c.courante & (_outbox.c.statut != WishStatus.REMPLACEE.value)
        queries = [
            select(count).where(_verdict.c.demarche_numero == self.number, _verdict.c.courant),
            select(count).where(_outbox.c.demarche_numero == self.number, is_wished),
        ]
        if main is not None:
            of_main = select(count).select_from(main)
            joined = of_main.join(_dossier, _dossier.c.numero == main.c.numero)
            queries.append(joined.where(of_demarche))
        verdicts, wishes, *rows = (self.connection.scalar(query) or 0 for query in queries)
        return MadeBySections(sum(rows), "" if main is None else main.name, verdicts, wishes)

    def evidence_confirmed_at(self) -> datetime | None:
        """Return when the programme's evidence was last confirmed; None: it has none."""
        return self.extension.evidence_confirmed_at(self.connection)

    @cached_property
    def _booleans(self) -> frozenset[str]:
        """The names of Boolean columns."""
        own = tables.metadata.sorted_tables
        every = [*own, *self.extension.metadata.sorted_tables]
        return frozenset(
            column.name
            for table in every
            for column in table.columns
            if isinstance(column.type, Boolean)
        )

    def _view(self, view: DossierView, numero: DossierNumber) -> list[Document]:
        rows = self.connection.execute(
            text(f"SELECT * FROM {view.name} WHERE numero = :numero ORDER BY {view.order}"),  # noqa: S608 - names of ours
            {"numero": numero},
        )
        found = documents(rows.mappings().all())
        for document in found:
            if view.order != "numero":
                # Those of the dossier, which contains this document.
                del document["numero"]
                document.pop("demarche_numero", None)
            # A view on SQLite returns Booleans as 0 and 1.
            document.update(
                {
                    name: bool(value)
                    for name, value in document.items()
                    if name in self._booleans and value is not None
                }
            )
            if view.json is not None and document[view.json] is not None:
                document[view.json] = json.loads(document[view.json])
        return found


def current_checks(found: Mapping[str, Any], order: Iterable[str]) -> list[Document]:
    """Return the checks of a dossier's current verdict.

    Args:
        found: the dossier, as `Reader.dossier` returns it.
        order: the names of the checks, in the usual order.
    """
    ranks = {name: rank for rank, name in enumerate(order)}
    given_at = {one["etabli_le"] for one in found.get("precontroles", ()) if one["courant"]}
    checks = [one for one in found.get("controles", ()) if one["etabli_le"] in given_at]
    return sorted(checks, key=lambda check: ranks.get(check["controle"], len(ranks)))


def to_settle(checks: Iterable[Document]) -> list[str]:
    """Return the names of the checks to settle for « Éligible », the most severe ones first."""
    made = [Controle(check["controle"], Resultat(check["resultat"])) for check in checks]
    return list(counterfactual(made))
