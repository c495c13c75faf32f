"""Puts wishes into the outbox, selects those that are due, marks those that are being sent.

A wish is a value that an annotation or the label should have; what becomes of it is in `wishes.py`.

There is one current wish per dossier and annotation. Before a wish is sent it is marked as
`incertaine`, and its value is stored beside the one pushed before: if the process is killed or the
answer is lost, both are known as values that dsync may have written.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, case, delete, distinct, func, null, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from dsync.annotations.plan import WAITS_FOR_RESULT, Step
from dsync.annotations.targets import (
    ANNOTATION_NAMES,
    DATE,
    DETAIL,
    LABEL,
    RESULTAT,
    VALUE_NAMES,
)
from dsync.annotations.wish import DossierWishes, NewWish, Standing, Wish, WishStatus
from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.store import tables
from dsync.store.sql import (
    CLOCK_TOLERANCE,
    LONGEST_WAIT,
    Scope,
    Subject,
    among,
    insert_rows,
    upsert,
)
from dsync.store.wishes import (
    PUSHED,
    UNKNOWN_FOR,
    WAITING,
    WishReads,
    by_dossier,
    may_be_written,
    pushed_columns,
    select_wishes,
    wish_of,
)

_outbox = tables.outbox
_pousse = tables.pousse
_dossier = tables.dossier

_REOPENED: dict[str, Any] = {
    "statut": WishStatus.EN_ATTENTE.value,
    "prochain_essai_le": None,
    # A wish in a conflict of its own keeps the human's value; one that is held back has none.
    "valeur_distante": case(
        (
            and_(_outbox.c.statut == WishStatus.CONFLIT.value, _outbox.c.erreur.is_not(None)),
            null(),
        ),
        else_=_outbox.c.valeur_distante,
    ),
}
# Without the refused ones: an edit in DS frees them of nothing, the form or a right does.
_ENDED = [WishStatus.CONFIRMEE.value, WishStatus.CONFLIT.value, WishStatus.SUSPENDUE.value]


_REPLACING = (
    _pousse.c.valeur.is_not(None),
    # A person ordered it, by what they saw.
    _outbox.c.force_par.is_(None),
    # One that was sent is read back first: DS may have it already.
    or_(_pousse.c.incertaine.is_(None), _pousse.c.incertaine != _outbox.c.valeur),
)


class Replacing(NamedTuple):
    """A waiting wish beside what dsync wrote before."""

    numero: DossierNumber
    revision_id: RevisionId
    annotation: str
    there: str
    wanted: str
    cible: str | None
    """The id of the annotation's descriptor, or of the label, that has it."""
    since: datetime
    """When it was last known to be there."""


class OutboxReads(Subject):
    """Selects the wishes that are due."""

    def due_count(self, now: datetime, numbers: Sequence[DossierNumber] = ()) -> int:
        """Return the number of dossiers with a due wish; `numbers` empty: among all."""
        statement = self._due(select(func.count(distinct(_outbox.c.numero))), self._is_due(now))
        return self.connection.scalar(_narrowed(statement, numbers)) or 0

    def waiting_count(self, numbers: Sequence[DossierNumber] = ()) -> int:
        """Return the number of writable dossiers with a waiting or uncertain wish."""
        statement = self._waiting(select(func.count(distinct(_outbox.c.numero))))
        return self.connection.scalar(_narrowed(statement, numbers)) or 0

    def waiting_causes(self, numbers: Sequence[DossierNumber] = ()) -> list[str]:
        """Return the reasons why wishes wait, each once."""
        statement = self._waiting(select(_outbox.c.erreur).distinct()).order_by(_outbox.c.erreur)
        return list(
            self.connection.scalars(
                _narrowed(statement.where(_outbox.c.erreur.is_not(None)), numbers)
            )
        )

    def refusals(self, numbers: Sequence[DossierNumber] = ()) -> list[str]:
        """Return why results, details and labels are refused, each reason once."""
        why = func.coalesce(_outbox.c.erreur, "")
        refused = self._open(select(why).distinct(), [WishStatus.REFUSEE.value]).where(
            _outbox.c.annotation != DATE, ~why.startswith(WAITS_FOR_RESULT)
        )
        return sorted(self.connection.scalars(_narrowed(refused, numbers)))

    def _waiting(self, statement: Any) -> Any:
        return self._open(statement, WAITING)

    def _open(self, statement: Any, statuts: Collection[str]) -> Any:
        return statement.join(_dossier, _dossier.c.numero == _outbox.c.numero).where(
            *may_be_written(self.number), _outbox.c.statut.in_(statuts)
        )

    def due_dossiers(
        self,
        now: datetime,
        *,
        limit: int,
        labels: int = 0,
        numbers: Sequence[DossierNumber] = (),
    ) -> list[DossierWishes]:
        """Return dossiers with due wishes, with all their current wishes; no numbers: of all.

        At most `limit`, those with due annotations first; and `labels` further ones of which only
        the label is due.
        """
        is_due = self._is_due(now)
        due = _narrowed(self._due(select(_outbox.c.numero).distinct(), is_due), numbers)
        due = due.order_by(_outbox.c.numero)
        is_label = _outbox.c.annotation == LABEL
        chosen = list(self.connection.scalars(due.where(~is_label).limit(limit)))
        # Labels also fill a batch that has too few dossiers with due annotations.
        left = max(labels, limit - len(chosen))
        chosen += self.connection.scalars(due.where(is_label).limit(left))
        rows = self.connection.execute(
            select_wishes(is_due.label("is_due"))
            .where(among(_outbox.c.numero, chosen), _outbox.c.courante)
            .order_by(_outbox.c.numero, _outbox.c.id)
        )
        wishes = [wish_of(row, is_due=bool(row.is_due)) for row in rows]
        return by_dossier(self.connection, wishes)

    def replacing_numbers(self) -> list[DossierNumber]:
        """Return the dossiers into which dsync wrote, and of which wishes wait, by number."""
        chosen = self._waiting(select(_outbox.c.numero).distinct()).join(_pousse, PUSHED)
        return list(self.connection.scalars(chosen.where(*_REPLACING).order_by(_outbox.c.numero)))

    def replacing(self, numbers: Sequence[DossierNumber]) -> list[Replacing]:
        """Return the waiting wishes of dossiers, as far as dsync wrote there before."""
        rows = self.connection.execute(
            select(
                _outbox.c.numero,
                _dossier.c.revision_id,
                _outbox.c.annotation,
                _pousse.c.valeur,
                _outbox.c.valeur,
                _pousse.c.cible,
                _pousse.c.connue_le,
            )
            .join(_pousse, PUSHED)
            .join(_dossier, _dossier.c.numero == _outbox.c.numero)
            .where(
                among(_outbox.c.numero, numbers),
                _outbox.c.courante,
                _outbox.c.statut.in_(WAITING),
                *_REPLACING,
            )
            .order_by(_outbox.c.numero, _outbox.c.id)
        )
        return [Replacing(*row) for row in rows]

    def standing(self) -> Standing:
        """Return what dsync wrote into the open dossiers, and how many there are."""
        is_open = (
            _dossier.c.demarche_numero == self.number,
            _dossier.c.presence == Presence.PRESENT.value,
            _dossier.c.etat.in_([etat.value for etat in OPEN_ETATS]),
        )
        value = case((_pousse.c.annotation != DETAIL, _pousse.c.valeur))
        rows = self.connection.execute(
            select(_pousse.c.annotation, value, func.count())
            .join(_dossier, _dossier.c.numero == _pousse.c.numero)
            .where(*is_open, _pousse.c.annotation != DATE, _pousse.c.valeur.is_not(None))
            .group_by(_pousse.c.annotation, value)
        ).all()
        dossiers = self.connection.scalar(select(func.count()).where(*is_open)) or 0
        return Standing(
            dossiers,
            {value: count for annotation, value, count in rows if annotation == RESULTAT},
            {value: count for annotation, value, count in rows if annotation == LABEL},
            sum(count for annotation, _, count in rows if annotation == DETAIL),
        )

    def suspended_for(self, why: str) -> set[DossierNumber]:
        """Return the open dossiers with wishes that are suspended for a reason."""
        found = self._open(select(_outbox.c.numero).distinct(), [WishStatus.SUSPENDUE.value])
        found = found.where(_outbox.c.erreur == why)
        return {DossierNumber(number) for number in self.connection.scalars(found)}

    def written_annotations(self) -> frozenset[str]:
        """Return the ids of the annotations into which dsync wrote."""
        found = (
            select(_pousse.c.cible)
            .distinct()
            .join(_dossier, _dossier.c.numero == _pousse.c.numero)
            .where(_dossier.c.demarche_numero == self.number, _pousse.c.annotation != LABEL)
            .where(_pousse.c.cible.is_not(None))
        )
        return frozenset(self.connection.scalars(found))

    def has_sent(self) -> bool:
        """Return whether dsync wrote into any dossier, also into those erased here since."""
        found = select(_outbox.c.numero).join(_dossier, _dossier.c.numero == _outbox.c.numero)
        is_sent = (_dossier.c.demarche_numero == self.number, _outbox.c.envoyee_le.is_not(None))
        return self.connection.scalar(found.where(*is_sent).limit(1)) is not None

    def waiting_results(self) -> list[tuple[str, int]]:
        """Return each waiting result with its number of dossiers, the most frequent first."""
        value, count = _outbox.c.valeur, func.count()
        found = self._waiting(select(value, count)).where(_outbox.c.annotation == RESULTAT)
        rows = self.connection.execute(found.group_by(value).order_by(count.desc(), value))
        return [(row[0], row[1]) for row in rows]

    def waiting_detail(self) -> tuple[int, str] | None:
        """Return the first dossier of which a detail waits, with it."""
        found = self._waiting(select(_outbox.c.numero, _outbox.c.valeur))
        is_detail = _outbox.c.annotation == DETAIL
        row = self.connection.execute(
            found.where(is_detail).order_by(_outbox.c.numero).limit(1)
        ).first()
        return None if row is None else (row[0], row[1])

    def waiting_numbers(self, *, annotations: bool = False) -> list[DossierNumber]:
        """Return the writable dossiers with waiting wishes, due now or not, by number.

        With `annotations`, one of a label alone does not count.
        """
        chosen = self._waiting(select(_outbox.c.numero).distinct()).order_by(_outbox.c.numero)
        if annotations:
            chosen = chosen.where(_outbox.c.annotation != LABEL)
        return list(self.connection.scalars(chosen))

    def waiting_dossiers(self, numbers: Sequence[DossierNumber]) -> list[DossierWishes]:
        """Return dossiers with all their current wishes; those that wait count as due."""
        rows = self.connection.execute(
            select_wishes()
            .where(among(_outbox.c.numero, numbers), _outbox.c.courante)
            .order_by(_outbox.c.numero, _outbox.c.id)
        )
        wishes = [wish_of(row, is_due=row.statut in WAITING) for row in rows]
        return by_dossier(self.connection, wishes)

    def forgotten(self, numbers: Sequence[DossierNumber]) -> set[DossierNumber]:
        """Return the dossiers of these into which dsync wrote before they were erased here."""
        # Of what was erased, the text is gone and the dates stay.
        was_sent = (_outbox.c.confirmee_le.is_not(None), _outbox.c.envoyee_le.is_not(None))
        found = select(_outbox.c.numero).where(
            among(_outbox.c.numero, numbers), *was_sent, _outbox.c.valeur.is_(None)
        )
        return {DossierNumber(number) for number in self.connection.scalars(found)}

    def ended_targets(self) -> list[tuple[RevisionId, str, str]]:
        """Return the targets of the ended wishes of open dossiers, each once.

        A target is the dossier's revision, the annotation's name and its descriptor's id.
        """
        statement = select(_dossier.c.revision_id, _outbox.c.annotation, _outbox.c.cible)
        rows = self.connection.execute(
            statement.distinct()
            .join(_outbox, _dossier.c.numero == _outbox.c.numero)
            .where(
                *may_be_written(self.number),
                _outbox.c.statut.in_(_ENDED),
                _outbox.c.annotation != LABEL,
                _outbox.c.cible.is_not(None),
            )
        )
        return [(RevisionId(row.revision_id), row.annotation, row.cible) for row in rows]

    def time_until_readable(
        self, now: datetime, numbers: Sequence[DossierNumber] = ()
    ) -> timedelta:
        """Return the time until all unanswered writes can be read back; `numbers` empty: all."""
        statement = self._waiting(select(func.max(_pousse.c.incertaine_depuis))).join(
            _pousse, PUSHED
        )
        latest: datetime | None = self.connection.scalar(_narrowed(statement, numbers))
        if latest is None:
            return timedelta()
        return max(timedelta(), latest + UNKNOWN_FOR - self._present(now))

    def _is_due(self, now: datetime) -> ColumnElement[bool]:
        return _is_due(now, self._present(now) - UNKNOWN_FOR)

    def _due(self, statement: Any, is_due: ColumnElement[bool]) -> Any:
        return statement.join(_dossier, _dossier.c.numero == _outbox.c.numero).where(
            *may_be_written(self.number), is_due
        )


class OutboxWrites(OutboxReads):
    """Writes wishes."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._wishes = WishReads(scope)

    def wish(
        self, wishes: Sequence[NewWish], now: datetime, *, instead: Container[DossierNumber] = ()
    ) -> None:
        """Store new wishes; one that equals the current wish is ignored.

        A wish takes over the human's value that was seen last: it stays theirs. If a conflict with
        it goes on, no further event is recorded; if not, its end is. While a human's result is
        accepted in place of the wished one, what explains the wished one is not sent. The wishes of
        a validated dossier are suspended until its box is read otherwise.

        `instead` are dossiers whose verdict was taken back: of their waiting wishes nothing is
        kept.
        """
        numbers = sorted({wish.numero for wish in wishes})
        current = {
            (one.numero, one.annotation): one for one in self._wishes.current(WishStatus, numbers)
        }
        fresh = {
            (wish.numero, wish.annotation): wish
            for wish in _dated_as_written(wishes, current)
            if (wish.numero, wish.annotation) not in current
            or current[wish.numero, wish.annotation].valeur != wish.valeur
        }
        accepted = {
            numero
            for (numero, annotation), one in current.items()
            if annotation == RESULTAT and one.statut == WishStatus.REMPLACEE
        } - {numero for numero, annotation in fresh if annotation == RESULTAT}
        # Validated by an instructeur, and not read otherwise since.
        suspended = {
            numero: one.erreur
            for (numero, _), one in current.items()
            if one.statut == WishStatus.SUSPENDUE
        }
        replaced = [current[key].id for key in fresh if key in current]
        unsent = [
            one.id
            for key in fresh
            if (one := current.get(key))
            and one.numero in instead
            and one.statut == WishStatus.EN_ATTENTE
            and one.envoyee_le is None
        ]
        # Before the insert: an index allows one current wish per annotation.
        if unsent:
            self.connection.execute(delete(_outbox).where(_outbox.c.id.in_(unsent)))
        if replaced:
            self.connection.execute(
                update(_outbox)
                .where(_outbox.c.id.in_(replaced))
                .values(statut=WishStatus.REMPLACEE.value, prochain_essai_le=None, courante=False)
            )
        self.touch(numero for numero, _ in fresh)
        insert_rows(
            self.connection,
            _outbox,
            [
                {
                    "numero": wish.numero,
                    "demarche_numero": self.number,
                    "annotation": wish.annotation,
                    "valeur": wish.valeur,
                    "statut": (
                        WishStatus.REMPLACEE
                        if wish.numero in accepted
                        else WishStatus.SUSPENDUE
                        if wish.numero in suspended
                        else WishStatus.EN_ATTENTE
                    ).value,
                    "tentatives": 0,
                    "creee_le": now,
                    "courante": True,
                    "definitive": False,
                    "erreur": None if wish.numero in accepted else suspended.get(wish.numero),
                    # The human's that was seen last, unless the wish was only held back.
                    "valeur_distante": before.valeur_distante
                    if before and not before.is_held_back
                    else None,
                    "distante_le": before.distante_le if before else None,
                    "cible": before.cible if before else None,
                }
                for key, wish in fresh.items()
                for before in (current.get(key),)
            ],
        )

    def withdraw(self, names: Collection[str] = ANNOTATION_NAMES) -> None:
        """End the wishes of these annotations, because they are not to be written any more.

        What was written stays recorded, and so do the conflicts that ended with a human's value.
        """
        self._change(
            update(_outbox)
            .where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.annotation.in_(names),
                _outbox.c.statut != WishStatus.REMPLACEE.value,
            )
            .values(statut=WishStatus.REMPLACEE.value, prochain_essai_le=None, courante=False)
        )

    def mark_sending(self, steps: Iterable[tuple[Step, datetime]], now: datetime) -> None:
        """Mark wishes as `incertaine`; called just before they are sent.

        Each has DS's date of the last change that was read before it.
        """
        present = self._present(now)
        by_id = {step.wish.id: (step, seen_at) for step, seen_at in steps}
        sent = self.connection.execute(
            update(_outbox)
            .where(_outbox.c.id.in_(list(by_id)))
            .values(
                statut=WishStatus.INCERTAINE.value,
                envoyee_le=now,
                tentatives=_outbox.c.tentatives + 1,
                prochain_essai_le=None,
            )
            .returning(_outbox.c.id, _outbox.c.numero, _outbox.c.annotation, _outbox.c.valeur)
        ).all()
        self.touch(row.numero for row in sent)
        # Before `incertaine` is overwritten: if this write fails, too, DS still has the value of
        # the one before, which would then be taken for a human's.
        found = [
            (row.numero, row.annotation, own)
            for row in sent
            if (own := by_id[row.id][0].replaces) is not None
        ]
        upsert(
            self.connection,
            _pousse,
            [
                {
                    "numero": numero,
                    "annotation": annotation,
                    **pushed_columns(own.valeur, own.cible, now),
                }
                for numero, annotation, own in found
            ],
        )
        for numero, annotation, own in found:
            # A newer wish had replaced it before its lost answer could be read back.
            self.connection.execute(
                update(_outbox)
                .where(
                    _outbox.c.numero == numero,
                    _outbox.c.annotation == annotation,
                    _outbox.c.valeur == own.valeur,
                    _outbox.c.envoyee_le.is_not(None),
                    _outbox.c.confirmee_le.is_(None),
                    ~_outbox.c.courante,
                )
                .values(confirmee_le=now)
            )
        upsert(
            self.connection,
            _pousse,
            [
                {
                    "numero": row.numero,
                    "annotation": row.annotation,
                    "incertaine": step.sent,
                    "incertaine_cible": step.target,
                    "incertaine_depuis": present,
                    "annotations_vues_le": seen_at,
                }
                for row in sent
                for step, seen_at in (by_id[row.id],)
            ],
        )

    def reopen(self, numbers: Sequence[DossierNumber]) -> None:
        """Have the ended wishes of these dossiers compared with DS again, after another's edit."""
        if not numbers:
            return
        self._change(
            update(_outbox)
            .where(
                among(_outbox.c.numero, numbers),
                _outbox.c.courante,
                _outbox.c.statut.in_(_ENDED),
            )
            .values(_REOPENED)
        )

    def give_back(self, numbers: Sequence[DossierNumber]) -> None:
        """End the acceptance of a human's result: the human now agrees, or took it back.

        What it held back is compared with DS again; not another value that the human may keep.
        """
        if numbers:
            is_held = or_(_outbox.c.annotation == RESULTAT, _outbox.c.valeur_distante.is_(None))
            is_accepted = (_outbox.c.courante, _outbox.c.statut == WishStatus.REMPLACEE.value)
            self._change(
                update(_outbox)
                .where(among(_outbox.c.numero, numbers), *is_accepted, is_held)
                .values(statut=WishStatus.EN_ATTENTE.value, prochain_essai_le=None)
            )

    def suspend(self, numbers: Collection[DossierNumber], why: str) -> None:
        """Suspend the wishes of dossiers for a reason, as those of validated ones."""
        if numbers:
            is_current = (_outbox.c.courante, _outbox.c.statut != WishStatus.REMPLACEE.value)
            self._change(
                update(_outbox)
                .where(among(_outbox.c.numero, sorted(numbers)), *is_current)
                .values(statut=WishStatus.SUSPENDUE.value, erreur=why, prochain_essai_le=None)
            )

    def refuse_waiting(self, why: str | None, numbers: Sequence[DossierNumber] = ()) -> None:
        """Mark the waiting wishes as refused; uncertain ones are read back first.

        `why` is for the view `lecture_annotation`; no numbers: all dossiers.
        """
        statement = (
            update(_outbox)
            .where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.EN_ATTENTE.value,
            )
            .values(statut=WishStatus.REFUSEE.value, erreur=why, prochain_essai_le=None)
        )
        self._change(_narrowed(statement, numbers))

    def retry_refused(self, numbers: Sequence[DossierNumber] = ()) -> None:
        """Have refused and postponed wishes sent at once; `numbers` empty: of all dossiers."""
        self._retry(_narrowed(self._stopped(), numbers))

    def retry_waiting(self, why: str) -> None:
        """Have the wishes sent at once that wait for a reason."""
        self._change(
            update(_outbox)
            .where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.EN_ATTENTE.value,
                _outbox.c.erreur == why,
            )
            .values(prochain_essai_le=None, erreur=None)
        )

    def retry_stopped(self, numbers: Sequence[DossierNumber] | None = None) -> None:
        """Have refused and postponed wishes sent again, but not definitive refusals.

        The form, a right or the dossier's revision stopped them, and can have changed. None: all
        dossiers.
        """
        if numbers is not None and not numbers:
            return
        statement = self._stopped().where(~_outbox.c.definitive)
        self._retry(_narrowed(statement, numbers or ()))

    def _stopped(self) -> Any:
        return update(_outbox).where(
            _outbox.c.demarche_numero == self.number,
            _outbox.c.courante,
            or_(
                _outbox.c.statut == WishStatus.REFUSEE.value,
                _outbox.c.prochain_essai_le.is_not(None),
            ),
        )

    def _retry(self, statement: Any) -> None:
        self._change(
            statement.values(
                statut=WishStatus.EN_ATTENTE.value, prochain_essai_le=None, definitive=False
            )
        )

    def reopen_ended_at(self, revision_id: RevisionId, annotation: str, cible: str) -> None:
        """Reopen the ended wishes of a target, because the annotation has another descriptor now.

        `cible` is the id of its former descriptor.
        """
        theirs = select(_dossier.c.numero).where(
            _dossier.c.demarche_numero == self.number, _dossier.c.revision_id == revision_id
        )
        self._change(
            update(_outbox)
            .where(
                _outbox.c.numero.in_(theirs),
                _outbox.c.courante,
                _outbox.c.annotation == annotation,
                _outbox.c.cible == cible,
                _outbox.c.statut.in_(_ENDED),
            )
            .values(_REOPENED)
        )

    def end_order(self, numbers: Sequence[DossierNumber]) -> None:
        """End the order to overwrite, where nothing was sent; an unanswered write keeps it."""
        self._change(
            update(_outbox)
            .where(
                among(_outbox.c.numero, numbers),
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.EN_ATTENTE.value,
            )
            .values(force_par=None, force_sur=None)
        )

    def force(
        self,
        numbers: Sequence[DossierNumber],
        by: str,
        shown: Mapping[DossierNumber, Mapping[str, str]] | None = None,
    ) -> None:
        """Have these dossiers' wishes overwrite a human's value, even if the box is checked.

        `shown` are the values in DS that the user was shown, by dossier and annotation: only these
        are overwritten; None: any value is.
        """
        theirs = among(_outbox.c.numero, numbers) & (_outbox.c.demarche_numero == self.number)
        current = (theirs, _outbox.c.courante)
        if shown is None:
            ordered = {"force_par": by, "force_sur": None}
            self._change(update(_outbox).where(*current).values(ordered))
        for numero, values in (shown or {}).items():
            for annotation, value in values.items():
                one = (_outbox.c.numero == numero, _outbox.c.annotation == annotation)
                ordered = {"force_par": by, "force_sur": value}
                self._change(update(_outbox).where(*current, *one).values(ordered))
        self._change(
            update(_outbox)
            # An uncertain one is read back first: DS may have the value already.
            .where(*current, _outbox.c.statut != WishStatus.INCERTAINE.value)
            .values(_REOPENED)
        )

    def _change(self, statement: Any) -> None:
        """Execute an UPDATE of wishes."""
        self.touch(self.connection.scalars(statement.returning(_outbox.c.numero)))


def _dated_as_written(
    wishes: Sequence[NewWish], current: Mapping[tuple[DossierNumber, str], Wish]
) -> Iterator[NewWish]:
    """Yield the wishes; a verdict that DS shows, because others came to nothing, keeps its date."""
    wanted = {(wish.numero, wish.annotation): wish.valeur for wish in wishes}
    for wish in wishes:
        before = {
            name: one.pushed.valeur
            for name in VALUE_NAMES
            if (one := current.get((wish.numero, name))) and one.pushed
        }
        is_written = all(
            before.get(name) and before[name] == wanted.get((wish.numero, name), before[name])
            for name in (RESULTAT, DETAIL)
        )
        date = before.get(DATE)
        yield (
            wish._replace(valeur=date) if is_written and date and wish.annotation == DATE else wish
        )


def _is_due(now: datetime, unknown_before: datetime) -> ColumnElement[bool]:
    """Return the condition that a wish is due.

    It is not due while an annotation of the same dossier is postponed or its write can still be
    executed by DS: the result and its detail are written together. A label is written last.
    """
    other, its = _outbox.alias(), _pousse.alias()
    of_the_dossier = (
        select(other.c.id)
        .outerjoin(
            its, and_(its.c.numero == other.c.numero, its.c.annotation == other.c.annotation)
        )
        .where(other.c.numero == _outbox.c.numero, other.c.courante, other.c.statut.in_(WAITING))
        .correlate(_outbox)
    )
    is_early = or_(
        ~_is_past(other.c.prochain_essai_le, now, LONGEST_WAIT),
        ~_is_past(its.c.incertaine_depuis, unknown_before),
    )
    is_label = _outbox.c.annotation == LABEL
    blocking = or_(
        and_(is_early, or_(is_label, other.c.annotation != LABEL)),
        and_(is_label, other.c.annotation != LABEL),
    )
    return and_(_outbox.c.statut.in_(WAITING), ~of_the_dossier.where(blocking).exists())


def _is_past(
    column: Any, now: datetime, furthest: timedelta = CLOCK_TOLERANCE
) -> ColumnElement[bool]:
    """Return the condition that an instant has passed.

    One later than `furthest` from now was stored while the clock was ahead: it counts as passed.
    """
    return or_(column <= now, column > now + furthest)


def _narrowed(statement: Any, numbers: Sequence[DossierNumber]) -> Any:
    return statement.where(among(_outbox.c.numero, numbers)) if numbers else statement
