"""Reads the wishes of the outbox, stores their outcomes, and ends conflicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)

from dsync.annotations.targets import RESULTAT
from dsync.annotations.wish import DossierWishes, Wish, WishOutcome, WishStatus, WrittenValue
from dsync.domain.dossier import OPEN_ETATS, Json, Presence
from dsync.domain.ids import DemarcheNumber, DossierId, DossierNumber, RevisionId
from dsync.store import tables
from dsync.store.codes import EventName
from dsync.store.journal import JournalWrites, NewEvent
from dsync.store.sql import Scope, Subject, among, update_rows, upsert

_outbox = tables.outbox
_pousse = tables.pousse
_dossier = tables.dossier


UNKNOWN_FOR = timedelta(seconds=35)
"""Time after which an unanswered write can be read back: DS ends each request after 30 s, so by
then the write is either executed or will never be."""
WAITING = [WishStatus.EN_ATTENTE.value, WishStatus.INCERTAINE.value]


MOST_WISHES = 500
"""Maximum number of open wishes that are read at a time."""
_STOPPED = (WishStatus.SUSPENDUE, WishStatus.REFUSEE)
_OPEN = (WishStatus.REFUSEE, WishStatus.INCERTAINE, WishStatus.EN_ATTENTE)


PUSHED = and_(_pousse.c.numero == _outbox.c.numero, _pousse.c.annotation == _outbox.c.annotation)
_COLUMNS = [_outbox.c[name] for name in Wish._fields if name in _outbox.c]


def select_wishes(*more: ColumnElement[Any]) -> Select[Any]:
    """Return the statement that reads wishes, with what was written; `wish_of` takes its rows."""
    return select(
        *_COLUMNS,
        _pousse.c.valeur.label("pushed"),
        _pousse.c.cible.label("pushed_into"),
        _pousse.c.connue_le,
        _pousse.c.incertaine,
        _pousse.c.incertaine_cible,
        _pousse.c.annotations_vues_le,
        *more,
    ).outerjoin(_pousse, PUSHED)


def wish_of(row: Row[Any], *, is_due: bool = True) -> Wish:
    """Return a row of `select_wishes` as a wish."""
    stored = Wish(*row[: len(_COLUMNS)])
    return stored._replace(
        valeur=stored.valeur or "",
        statut=WishStatus(stored.statut),
        # A row that has only an uncertain value has no date.
        pushed=None if row.connue_le is None else WrittenValue(row.pushed, row.pushed_into),
        uncertain=(
            None if row.incertaine is None else WrittenValue(row.incertaine, row.incertaine_cible)
        ),
        seen_at=row.annotations_vues_le,
        is_due=is_due,
    )


class WishReads(Subject):
    """Reads the current wishes."""

    def current(
        self, statuts: Iterable[WishStatus], numbers: Sequence[DossierNumber] | None = None
    ) -> list[Wish]:
        """Return the current wishes of these statuses, by dossier; None: of all of the démarche."""
        statement = select_wishes().where(
            _outbox.c.demarche_numero == self.number
            if numbers is None
            else among(_outbox.c.numero, numbers),
            _outbox.c.courante,
            _outbox.c.statut.in_([statut.value for statut in statuts]),
        )
        rows = self.connection.execute(statement.order_by(_outbox.c.numero, _outbox.c.id))
        return [wish_of(row) for row in rows]

    def revisions(
        self, statuts: Iterable[WishStatus], numbers: Sequence[DossierNumber] | None = None
    ) -> dict[DossierNumber, RevisionId]:
        """Return the revisions of the open dossiers with a current wish of these statuses."""
        if numbers is not None and not numbers:
            return {}
        statement = (
            select(_dossier.c.numero, _dossier.c.revision_id)
            .distinct()
            .join(_outbox, _outbox.c.numero == _dossier.c.numero)
            .where(
                *may_be_written(self.number),
                _outbox.c.statut.in_([statut.value for statut in statuts]),
            )
        )
        if numbers is not None:
            statement = statement.where(among(_dossier.c.numero, numbers))
        rows = self.connection.execute(statement)
        return {DossierNumber(number): RevisionId(revision) for number, revision in rows}

    def conflicts(self) -> list[Wish]:
        """Return the open conflicts by dossier, with the wishes that another conflict blocks."""
        return self.current([WishStatus.CONFLIT])

    def answered(self) -> list[Wish]:
        """Return the waiting wishes that a person let replace another one's value, by dossier."""
        event = tables.evenement.c
        is_adopted = exists().where(
            event.numero == _outbox.c.numero,
            event.evenement == "conflit_resolu",
            event.survenu_le >= _outbox.c.creee_le,
            event.details.contains('"choix":"adopte"'),
            event.details.contains(literal('"') + _outbox.c.annotation + literal('"')),
        )
        rows = self.connection.execute(
            select_wishes()
            .join(_dossier, _dossier.c.numero == _outbox.c.numero)
            .where(*may_be_written(self.number), _outbox.c.statut.in_(WAITING))
            .where(or_(_outbox.c.force_par.is_not(None), is_adopted))
            .order_by(_outbox.c.numero, _outbox.c.id)
        )
        return [wish_of(row) for row in rows]

    def blocked(self) -> set[int]:
        """Return the ids of the wishes that the conflict on their dossier's result blocks."""
        found = self.connection.scalars(
            select(_outbox.c.id).where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.CONFLIT.value,
                _outbox.c.erreur.is_not(None),
            )
        )
        return set(found)

    def sendable_at(self) -> datetime | None:
        """Return from when on a waiting wish can be sent or read back; None: none waits."""
        outbox, is_unknown = _outbox.c, _outbox.c.statut == WishStatus.INCERTAINE.value
        # What is written together waits for the last of it.
        of_dossiers = (
            select(
                func.max(func.coalesce(outbox.prochain_essai_le, outbox.creee_le)).label("at"),
                func.max(case((is_unknown, outbox.envoyee_le))).label("sent_at"),
            )
            .join(_dossier, _dossier.c.numero == outbox.numero)
            .where(*may_be_written(self.number), outbox.statut.in_(WAITING))
            .group_by(outbox.numero)
            .subquery()
        )
        at, sent_at = of_dossiers.c.at, of_dossiers.c.sent_at
        unsent, unknown = self.connection.execute(
            select(func.min(case((sent_at.is_(None), at))), func.min(sent_at))
        ).one()
        instants = (unsent, unknown and unknown + UNKNOWN_FOR)
        return min((one for one in instants if one is not None), default=None)

    def open(self, statuses: Collection[WishStatus] = _OPEN) -> list[Wish]:
        """Return the wishes that wait or were refused, by dossier, for dossiers that are open."""
        found = self.connection.execute(
            select_wishes()
            .join(_dossier, _dossier.c.numero == _outbox.c.numero)
            .where(
                _outbox.c.courante,
                _outbox.c.statut.in_([status.value for status in statuses]),
                _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
                self._is_present(),
            )
            .order_by(_outbox.c.numero, _outbox.c.id)
            .limit(MOST_WISHES)
        )
        return [wish_of(row) for row in found]

    def confirmed(self, after: DossierNumber, batch: int) -> list[DossierWishes]:
        """Return the confirmed wishes of the next open dossiers after one, by number.

        Those of decided dossiers are no longer held: nothing is written there.
        """
        is_confirmed = and_(_outbox.c.courante, _outbox.c.statut == WishStatus.CONFIRMEE.value)
        chosen = self.connection.scalars(
            select(_dossier.c.numero)
            .where(
                self._is_present(),
                _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
                _dossier.c.numero > after,
                _dossier.c.numero.in_(select(_outbox.c.numero).where(is_confirmed)),
            )
            .order_by(_dossier.c.numero)
            .limit(batch)
        )
        return by_dossier(self.connection, self.current([WishStatus.CONFIRMEE], list(chosen)))


def by_dossier(connection: Connection, wishes: Iterable[Wish]) -> list[DossierWishes]:
    """Return dossiers with their wishes, by number; each has them in the given order."""
    grouped: dict[int, list[Wish]] = defaultdict(list)
    for wish in wishes:
        grouped[wish.numero].append(wish)
    columns = (_dossier.c.numero, _dossier.c.dossier_id, _dossier.c.revision_id)
    rows = connection.execute(
        select(*columns).where(among(_dossier.c.numero, grouped)).order_by(_dossier.c.numero)
    )
    return [
        DossierWishes(
            DossierNumber(row.numero),
            DossierId(row.dossier_id),
            RevisionId(row.revision_id),
            tuple(grouped[row.numero]),
        )
        for row in rows
    ]


def may_be_written(number: DemarcheNumber) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a wish is current, and its dossier may be written into."""
    return (
        _outbox.c.demarche_numero == number,
        _outbox.c.courante,
        _dossier.c.presence == Presence.PRESENT.value,
        _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
    )


class WishWrites(WishReads):
    """Writes the outcomes of wishes."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._journal = JournalWrites(scope)

    def record_outcomes(
        self, run: int | None, outcomes: Sequence[WishOutcome], now: datetime
    ) -> None:
        """Store the outcomes of wishes, with events of writes, conflicts and ended conflicts.

        Unknown wishes are ignored. `run` is None outside a run.
        """
        if not outcomes:
            return
        ids = [outcome.id for outcome in outcomes]
        rows = self.connection.execute(select_wishes().where(_outbox.c.id.in_(ids)))
        wishes = {row.id: wish_of(row) for row in rows}
        pairs = [(wishes[s.id], s) for s in outcomes if s.id in wishes]
        if not pairs:
            return
        update_rows(self.connection, _outbox, [_outcome_row(*pair, now) for pair in pairs])
        self.touch(wish.numero for wish, _ in pairs)
        self._note_pushed(pairs, now)
        self._journal.record_events(run, _events(pairs), now)

    def adopt(
        self,
        run: int,
        found: Mapping[DossierNumber, Mapping[str, WrittenValue]],
        now: datetime,
    ) -> None:
        """Record values in DS as written by dsync, with events: another database wrote them.

        A value is None where a human's replaced it.
        """
        upsert(
            self.connection,
            _pousse,
            [
                {
                    "numero": numero,
                    "annotation": name,
                    **pushed_columns(own.valeur, own.cible, now),
                    "annotations_vues_le": None,
                }
                for numero, owns in found.items()
                for name, own in owns.items()
            ],
        )
        events = []
        for numero, owns in found.items():
            names: list[Json] = [*sorted(name for name, own in owns.items() if own.valeur)]
            events.append(NewEvent(numero, EventName.ADOPTE, {"annotations": names}))
        self._journal.record_events(run, events, now)

    def keep_conflicts(
        self, numero: DossierNumber, now: datetime, annotation: str | None = None
    ) -> int:
        """End a dossier's conflicts by keeping the human's values; return how many there were.

        The wishes stay the current ones, so that the same verdict makes no new wishes. Those of
        another verdict meet the same value, and do not replace it. Of an annotation, the wishes
        that its conflict blocks are ended with it; None: of all.
        """
        conflicts = self._in_conflict(numero, annotation)
        return self._resolve(numero, conflicts, WishStatus.REMPLACEE, "accepte", now)

    def adopt_conflicts(
        self, numero: DossierNumber, now: datetime, annotation: str | None = None
    ) -> int:
        """End a dossier's conflicts by taking DS's values as written by dsync; return how many.

        The wishes then wait to be sent. The arguments are those of `keep_conflicts`.
        """
        conflicts = self._in_conflict(numero, annotation)
        upsert(
            self.connection,
            _pousse,
            [
                {
                    "numero": numero,
                    "annotation": row.annotation,
                    **pushed_columns(row.valeur_distante, row.cible, now),
                    # A human's date: it is taken for dsync's as it stands.
                    "annotations_vues_le": None,
                }
                for row in conflicts
                # Of a single annotation, the wishes that it blocks are only released.
                if annotation in (None, row.annotation)
            ],
        )
        return self._resolve(numero, conflicts, WishStatus.EN_ATTENTE, "adopte", now)

    def _resolve(
        self,
        numero: DossierNumber,
        conflicts: Sequence[Wish],
        statut: WishStatus,
        choice: str,
        now: datetime,
    ) -> int:
        if not conflicts:
            return 0
        # Whatever the next verdicts want, a value that is kept is a human's.
        kept = [row.id for row in conflicts if choice == "accepte" and not row.is_held_back]
        humans = case((_outbox.c.id.in_(kept), _outbox.c.valeur_distante), else_=null())
        self.connection.execute(
            update(_outbox)
            .where(_outbox.c.id.in_([row.id for row in conflicts]))
            .values(
                statut=statut.value,
                erreur=None,
                valeur_distante=humans,
                distante_le=None,
                prochain_essai_le=None,
            )
        )
        names: list[Json] = [row.annotation for row in conflicts]
        details: dict[str, Json] = {"annotations": names, "choix": choice}
        self._journal.record_events(
            None, [NewEvent(numero, EventName.CONFLIT_RESOLU, details)], now
        )
        return len(conflicts)

    def _in_conflict(self, numero: DossierNumber, annotation: str | None) -> list[Wish]:
        """Return a dossier's conflicts; of one annotation, with the wishes that it blocks."""
        return [
            one
            for one in self.current([WishStatus.CONFLIT], [numero])
            if annotation in (None, one.annotation)
            or (annotation == RESULTAT and one.erreur is not None)
        ]

    def _note_pushed(self, pairs: Sequence[tuple[Wish, WishOutcome]], now: datetime) -> None:
        ours, nothing, arrived = [], [], []
        for wish, end in pairs:
            key = {"numero": wish.numero, "annotation": wish.annotation}
            if end.pushed is not None:
                dates = [one for one in (wish.seen_at, end.seen_at) if one is not None]
                seen = {"annotations_vues_le": max(dates, default=None)}
                ours.append(key | pushed_columns(end.pushed, end.cible, now) | seen)
            elif end.written is False or (end.is_humans and wish.uncertain is not None):
                # What was sent before without an answer is not there: what comes is not its effect.
                nothing.append(key | _NOTHING_UNCERTAIN | {"annotations_vues_le": None})
            elif wish.statut == WishStatus.INCERTAINE and end.statut is not WishStatus.INCERTAINE:
                # DS has ended the request. Whether it saved the value is known after reading back.
                arrived.append(key | {"incertaine_depuis": None})
        upsert(self.connection, _pousse, ours)
        upsert(self.connection, _pousse, nothing)
        update_rows(self.connection, _pousse, arrived)


_NOTHING_UNCERTAIN: dict[str, Any] = {
    "incertaine": None,
    "incertaine_cible": None,
    "incertaine_depuis": None,
}


def pushed_columns(valeur: str | None, cible: str | None, now: datetime) -> dict[str, Any]:
    """Return the columns of table `pousse` for a value written by dsync; "": it is empty."""
    return {
        "valeur": valeur or None,
        "cible": cible,
        "connue_le": now,
        **_NOTHING_UNCERTAIN,
    }


def _outcome_row(wish: Wish, end: WishOutcome, now: datetime) -> dict[str, Any]:
    is_confirmed = end.statut is WishStatus.CONFIRMEE
    goes_on = end.statut in {WishStatus.EN_ATTENTE, WishStatus.INCERTAINE}
    keeps = goes_on or (wish.is_humans and end.statut in _STOPPED)
    return {
        "id": wish.id,
        "valeur": end.valeur or wish.valeur,
        "statut": end.statut.value,
        # Kept while it goes on, so that the end of the conflict is told when the wish is confirmed,
        # and while nothing is written, so that the human's value is still known as theirs then.
        "valeur_distante": wish.valeur_distante if keeps else end.valeur_distante,
        "erreur": end.erreur,
        "prochain_essai_le": end.prochain_essai_le,
        # The first time stays, also when the value is compared again later.
        "confirmee_le": (wish.confirmee_le or now) if is_confirmed else wish.confirmee_le,
        "cible": end.cible or (wish.cible if keeps else None),
        "definitive": end.definitive,
        "distante_le": wish.distante_le if keeps else _since(wish, end, now),
        # An order to overwrite a human's value applies once.
        "force_par": wish.force_par if goes_on else None,
        "force_sur": wish.force_sur if goes_on else None,
    }


def _since(wish: Wish, end: WishOutcome, now: datetime) -> datetime | None:
    """Return since when a human's value stands, in a conflict.

    DS has no date of a label: it is when this value was first seen.
    """
    if end.statut is WishStatus.CONFIRMEE:
        return None
    if end.valeur_distante is None or end.distante_le is not None:
        return end.distante_le
    is_known = wish.valeur_distante == end.valeur_distante
    return (wish.distante_le if is_known else None) or now


def _events(pairs: Sequence[tuple[Wish, WishOutcome]]) -> list[NewEvent]:
    """Return one event per dossier and kind, with the annotations' names.

    The event of a forced write has the user who ordered it, and the values that it replaced.
    """
    names: dict[tuple[DossierNumber, EventName], list[Json]] = defaultdict(list)
    forced: dict[DossierNumber, dict[str, Json]] = {}
    replaced: dict[DossierNumber, dict[str, Json]] = defaultdict(dict)
    for wish, end in pairs:
        for evenement in _evenements(wish, end):
            names[wish.numero, evenement].append(wish.annotation)
        if end.statut is WishStatus.CONFIRMEE and wish.force_par is not None:
            before = end.replaced if end.written else wish.valeur_distante
            replaced[wish.numero][wish.annotation] = before or ""
            forced[wish.numero] = {"force": True, "demande_par": wish.force_par}
    events = []
    for (numero, evenement), concerned in names.items():
        details: dict[str, Json] = {"annotations": sorted(concerned, key=str)}
        if evenement in {EventName.POUSSE, EventName.CONFLIT_RESOLU} and numero in forced:
            details |= forced[numero] | {"remplace": replaced[numero]}
        events.append(NewEvent(numero, evenement, details))
    return events


def _evenements(wish: Wish, end: WishOutcome) -> list[EventName]:
    was_conflict = wish.distante_le is not None and wish.valeur_distante is not None
    evenements: list[EventName] = []
    if end.written:
        evenements.append(EventName.POUSSE)
    if end.statut is WishStatus.CONFIRMEE and was_conflict:
        evenements.append(EventName.CONFLIT_RESOLU)
    # A blocked wish has no event of its own: the conflict that blocks it has one. A conflict that
    # is found again has an event only if the human's value changed.
    is_own = end.statut is WishStatus.CONFLIT and end.erreur is None
    if is_own and not (was_conflict and wish.valeur_distante == end.valeur_distante):
        evenements.append(EventName.CONFLIT)
    return evenements
