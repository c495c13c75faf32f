"""`Reader`, by which all rooms read the database: an object per subject, and counts of several."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    null,
    select,
    table,
    text,
    union_all,
)

from dsync.annotations.wish import WishStatus
from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DemarcheNumber
from dsync.domain.verdict import Controle, Resultat, counterfactual
from dsync.store import tables
from dsync.store.change_list import ChangeReads
from dsync.store.deletions import DeletionReads
from dsync.store.journal import JournalReads
from dsync.store.lease import LeaseInfo, read_leases
from dsync.store.listing import CONTRADICTED, Document, DossierReads, documents, followed
from dsync.store.outbox import OutboxReads
from dsync.store.personal_data import PersonReads
from dsync.store.piece_rows import PieceReads
from dsync.store.quarantine import QuarantineReads
from dsync.store.queue import KeyReads, QueueReads
from dsync.store.reading_views import expanded
from dsync.store.requests import WEBHOOK, ConsentReads, RequestReads
from dsync.store.services import RunningService, read_services
from dsync.store.sql import Scope, Subject, is_in, is_shown
from dsync.store.sync_state import DemarcheReads, StateReads, read_demarches
from dsync.store.told import AlertReads, GristReads
from dsync.store.verdicts import VerdictReads
from dsync.store.verification import ContentReads, VerificationReads
from dsync.store.wishes import WishReads

_dossier = tables.dossier
_verdict = tables.verdict
_outbox = tables.outbox
_listed = tables.liste
_shown_run = table("lecture_synchronisation", column("run"), column("statut"))

_OPEN_PUSHES = {
    WishStatus.EN_ATTENTE.value: "waiting",
    WishStatus.INCERTAINE.value: "waiting",
    WishStatus.REFUSEE.value: "refused",
    WishStatus.CONFLIT.value: "conflicts",
}

COUNTED = ("mois", "controle", "resultat", "type_administration", "phase_constatee", "nombre")
"""The columns of `dsync precheck --stats`."""
_WISHES, _QUARANTINE = "wishes", "quarantine"
_DOOMED, _REQUESTS, _CONTRADICTED = "doomed", "requests", "contradicted"


class OpenPushes(NamedTuple):
    """The number of dossiers with open wishes, and the reasons."""

    dossiers: int
    reasons: tuple[str, ...]
    since: datetime | None
    """When the oldest of these wishes was made; None: there is none."""


class MadeBySections(NamedTuple):
    """How much of a démarche's rows was made by optional sections of its configuration."""

    rows: int
    """Of the programme's table with one row per dossier, by the mapping, that have an answer."""
    fields: Mapping[str, int]
    """How many of them have one of each field of the mapping."""
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
    contradicted: int = 0
    """The open dossiers that today's catalogue would not exclude, as their evidence does."""


class Reader(Subject):
    """Reads the database as it was at the start of the transaction."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.alerts = AlertReads(scope)
        self.changes = ChangeReads(scope)
        self.contents = ContentReads(scope)
        self.deletions = DeletionReads(scope)
        self.demarche = DemarcheReads(scope)
        self.dossiers = DossierReads(scope)
        self.grist = GristReads(scope)
        self.journal = JournalReads(scope)
        self.keys = KeyReads(scope)
        self.outbox = OutboxReads(scope)
        self.persons = PersonReads(scope)
        self.pieces = PieceReads(scope)
        self.consents = ConsentReads(scope)
        self.quarantine = QuarantineReads(scope)
        self.queue = QueueReads(scope)
        self.requests = RequestReads(scope)
        self.state = StateReads(scope)
        self.verdicts = VerdictReads(scope)
        self.verification = VerificationReads(scope)
        self.wishes = WishReads(scope)

    def rows_of(
        self,
        view: str,
        columns: Sequence[str],
        where: Mapping[str, Any],
        *,
        order: str,
        group: str | None = None,
        limit: int = 1000,
        are_few: bool = False,
    ) -> list[Document]:
        """Return rows of a view.

        All names and expressions are ours. Columns of `where` have a value, one of a list, or none
        (None). `are_few`: of a démarche's rows, which SQLite would go
        through by its index; they are found by another one.
        """
        # With a sign, a column is not looked for in an index. PostgreSQL goes by its statistics,
        # which say nothing of an expression.
        is_signed = are_few and self.connection.dialect.name == "sqlite"
        sign = {"demarche_numero": "+"} if is_signed else {}
        conditions = " AND ".join(
            [
                *(
                    f"{sign.get(name, '')}{name} {'IN' if isinstance(value, list) else '='} :{name}"
                    for name, value in where.items()
                    if value is not None
                ),
                *(f"{name} IS NULL" for name, value in where.items() if value is None),
            ]
        )
        grouped = f"GROUP BY {group} " if group else ""
        statement = text(
            f"SELECT {', '.join(columns)} FROM {view} "  # noqa: S608 - names of ours
            f"WHERE {conditions} {grouped}ORDER BY {order} LIMIT :limit"
        ).bindparams(
            *(
                bindparam(name, expanding=True)
                for name, value in where.items()
                if isinstance(value, list)
            )
        )
        found = self.connection.execute(statement, {**where, "limit": limit})
        return documents(found)

    def statistics(self) -> list[Document]:
        """Count the results of the checks by `COUNTED`, for `dsync precheck --stats`."""
        rows = self.rows_of(
            "lecture_statistique",
            COUNTED,
            {"demarche_numero": self.number},
            order="mois, controle",
            limit=2**31 - 1,
        )
        # Not by the database, whose order of texts is that of its language. None has no order.
        return sorted(rows, key=lambda row: [str(value or "") for value in row.values()])

    def open_work_of(self, numbers: Sequence[DemarcheNumber]) -> dict[DemarcheNumber, OpenWork]:
        """Count wishes, their dossiers, quarantine, requests and doomed copies, by one query.

        Only wishes of writable dossiers are open. The keys of `pushes` are `waiting`, `refused` and
        `conflicts`.
        """
        outbox, quarantine, asked = _outbox.c, tables.quarantaine.c, tables.demande.c
        piece, number = tables.piece.c, outbox.demarche_numero
        of_demarche = (number.in_(numbers), outbox.courante)
        # Grouped before the join: a dossier has four wishes, and the index has all that is needed.
        wished = (
            select(
                *(by := (number, outbox.statut, outbox.numero)),
                func.min(outbox.creee_le).label("creee_le"),
            )
            .where(*of_demarche, outbox.statut.in_(_OPEN_PUSHES))
            .group_by(*by)
            .subquery()
        )
        is_writable, v = is_shown(OPEN_ETATS), _verdict.alias("v")
        name = case(_OPEN_PUSHES, value=wished.c.statut)
        why = case(_OPEN_PUSHES, value=outbox.statut)
        # With types: PostgreSQL does not join a bare NULL with an instant.
        no_text, no_time = cast(null(), Text), cast(null(), outbox.creee_le.type)
        counted = no_text, func.count(), no_time
        rows = self.connection.execute(
            union_all(
                select(number, literal(_WISHES), outbox.statut, func.count(), no_time)
                .where(*of_demarche)
                .group_by(number, outbox.statut),
                select(of := quarantine.demarche_numero, literal(_QUARANTINE), *counted)
                .where(of.in_(numbers))
                .group_by(of),
                select(of := piece.demarche_numero, literal(_DOOMED), *counted)
                .where(of.in_(numbers), piece.a_supprimer)
                .group_by(of),
                select(
                    of := asked.demarche_numero,
                    literal(_REQUESTS),
                    asked.genre,
                    func.count(),
                    func.min(asked.demande_le),
                )
                .where(of.in_(numbers), asked.en_file)
                .where(asked.fini_le.is_(None), asked.demande_par != WEBHOOK)
                .group_by(of, asked.genre),
                select(of := _dossier.c.demarche_numero, literal(_CONTRADICTED), *counted)
                .join(v, and_(v.c.numero == _dossier.c.numero, v.c.courant, text(CONTRADICTED)))
                .where(of.in_(numbers), is_writable)
                .group_by(of),
                select(
                    wished.c.demarche_numero,
                    name,
                    no_text,
                    func.count(wished.c.numero.distinct()),
                    func.min(wished.c.creee_le),
                )
                .join(_dossier, _dossier.c.numero == wished.c.numero)
                .where(is_writable)
                .group_by(wished.c.demarche_numero, name),
                select(number, why, outbox.erreur, literal(0), no_time)
                .join(_dossier, _dossier.c.numero == outbox.numero)
                .where(*of_demarche, outbox.statut.in_(_OPEN_PUSHES), is_writable)
                .where(outbox.erreur.is_not(None))
                .group_by(number, why, outbox.erreur),
            )
        ).all()
        found = defaultdict[DemarcheNumber, list[Any]](list)
        for demarche, *row in rows:
            found[demarche].append(row)
        return {demarche: self._open_work(found[demarche]) for demarche in numbers}

    @staticmethod
    def _open_work(rows: Iterable[Any]) -> OpenWork:
        by_name: dict[str, list[Any]] = defaultdict(list)
        for what, *row in rows:
            by_name[what].append(row)
        return OpenWork(
            wishes={statut: count for statut, count, _ in by_name[_WISHES]},
            quarantined=sum(count for _, count, _ in by_name[_QUARANTINE]),
            doomed=sum(count for _, count, _ in by_name[_DOOMED]),
            requests=[(genre, count, oldest) for genre, count, oldest in by_name[_REQUESTS]],
            contradicted=sum(count for _, count, _ in by_name[_CONTRADICTED]),
            pushes={
                found: OpenPushes(
                    sum(count for _, count, _ in by_name[found]),
                    tuple(sorted(erreur for erreur, *_ in by_name[found] if erreur)),
                    min((oldest for *_, oldest in by_name[found] if oldest), default=None),
                )
                for found in dict.fromkeys(_OPEN_PUSHES.values())
            },
        )

    def overview(self, numbers: Collection[int]) -> dict[int, Counter[str]]:
        """Count what waits for somebody, or needs a decision, in démarches, by one query.

        By who has to act, as `lecture_suivi.attend`; `conflit`, `refusee`: an annotation is;
        `quarantaine`. The open dossiers of a démarche without stages wait for the team.
        """
        is_open = is_in(OPEN_ETATS)
        is_present = _dossier.c.presence == Presence.PRESENT.value
        whom: ColumnElement[Any] = case((is_open, "instructeur"), else_="personne")
        source: FromClause = _dossier
        if self.programme.selection:
            attend = expanded(followed("attend", "dossier", "liste"), self.connection.dialect.name)
            whom = func.coalesce(literal_column(attend), whom)
            source = _dossier.outerjoin(_listed, _listed.c.numero == _dossier.c.numero)
        of_dossier = _dossier.c.demarche_numero
        quarantined, wish = tables.quarantaine.c, _outbox.c
        rows = self.connection.execute(
            union_all(
                select(of_dossier, whom.label("quoi"), func.count())
                .select_from(source)
                .where(of_dossier.in_(numbers), is_present)
                .group_by(of_dossier, "quoi"),
                select(quarantined.demarche_numero, literal("quarantaine"), func.count())
                .where(quarantined.demarche_numero.in_(numbers))
                .group_by(quarantined.demarche_numero),
                select(wish.demarche_numero, wish.statut, func.count(wish.numero.distinct()))
                .join(_dossier, _dossier.c.numero == wish.numero)
                .where(
                    wish.demarche_numero.in_(numbers),
                    wish.courante,
                    wish.statut.in_([WishStatus.CONFLIT.value, WishStatus.REFUSEE.value]),
                    is_shown(OPEN_ETATS),
                )
                .group_by(wish.demarche_numero, wish.statut),
            )
        )
        found: dict[int, Counter[str]] = {number: Counter() for number in numbers}
        for number, what, count in rows:
            found[number][what] += count
        return found

    def made_by_sections(self) -> MadeBySections:
        """Count what optional sections of the configuration have made."""
        count, part = func.count(), self.programme.lists
        of_demarche = _dossier.c.demarche_numero == self.number
        is_wished = _outbox.c.courante & (_outbox.c.statut != WishStatus.REMPLACEE.value)
        queries = [
            select(count).where(_verdict.c.demarche_numero == self.number, _verdict.c.courant),
            select(count).where(_outbox.c.demarche_numero == self.number, is_wished),
        ]
        verdicts, wishes = (self.connection.scalar(query) or 0 for query in queries)
        if part is None:
            return MadeBySections(0, {}, "", verdicts, wishes)
        joined = (
            select(count, *part.answers)
            .select_from(part.table)
            .join(_dossier, _dossier.c.numero == part.table.c.numero)
        )
        fields, made = Counter[str](), 0
        for number, *given in self.connection.execute(
            joined.where(of_demarche).group_by(*part.answers)
        ):
            answered = dict.fromkeys(part.answered(*given), number)
            fields.update(answered)
            made += number if answered else 0
        return MadeBySections(made, fields, part.table.name, verdicts, wishes)

    def titles_of(self, numbers: Sequence[DemarcheNumber]) -> dict[DemarcheNumber, str]:
        """Return the titles of the démarches that were read from DS."""
        table = tables.demarche
        rows = self.connection.execute(
            select(table.c.number, table.c.titre).where(table.c.number.in_(numbers))
        )
        return {DemarcheNumber(number): titre for number, titre in rows}

    def about(self, number: DemarcheNumber) -> Reader:
        """Return what reads about another démarche in this transaction."""
        return Reader(self.scope._replace(number=number))

    def leases(
        self, numbers: Sequence[DemarcheNumber], now: datetime
    ) -> dict[DemarcheNumber, LeaseInfo]:
        """Return the leases of démarches; `now`: the present instant, in UTC."""
        return read_leases(self.connection, numbers, now)

    def services(
        self, numbers: Sequence[DemarcheNumber]
    ) -> dict[DemarcheNumber, list[RunningService]]:
        """Return the services of démarches, by start."""
        return read_services(self.connection, numbers)

    def known(self) -> list[DemarcheNumber]:
        """Return the démarches of which something was read, or tried to be."""
        return read_demarches(self.connection)

    def evidence_confirmed_at(self) -> datetime | None:
        """Return when the programme's evidence was last confirmed; None: it has none."""
        return self.programme.storage.evidence_confirmed_at(self.connection)


def current_checks(found: Mapping[str, Any], order: Iterable[str]) -> list[Document]:
    """Return the checks of a dossier's current verdict, in the usual order of their names."""
    ranks = {name: rank for rank, name in enumerate(order)}
    # Not by the verdict's date: views show whole seconds, and two verdicts can be of the same one.
    checks = [one for one in found.get("controles", ()) if one["courant"]]
    return sorted(checks, key=lambda check: ranks.get(check["controle"], len(ranks)))


def to_settle(checks: Iterable[Document]) -> list[str]:
    """Return the names of the checks to settle for « Éligible », the most severe ones first."""
    made = [Controle(check["controle"], Resultat(check["resultat"])) for check in checks]
    return list(counterfactual(made))
