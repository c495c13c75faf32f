"""Records that dossiers are hidden, erased or disappeared, and erases their personal data.

An erased dossier leaves a tombstone: its number, state, dates and reason, and each verdict's
result, date, rules' version and check results. All texts about or by persons are deleted. As long
as DS has one that was erased here alone, it also leaves the public id of its product (`jumeau`): a
twin that only this copy lost must not make another dossier eligible.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, func, select, update

from dsync.annotations.wish import WishStatus
from dsync.domain.conversation import Conversation
from dsync.domain.dossier import DeletedDossier, Etat, Json, Presence
from dsync.domain.ids import DossierNumber
from dsync.store import reading_views, tables
from dsync.store.changes import ChangeWrites, state_change
from dsync.store.codes import EventName
from dsync.store.columns import is_text
from dsync.store.journal import JournalWrites, NewEvent
from dsync.store.piece_rows import PieceWrites
from dsync.store.queue import QueueWrites
from dsync.store.sql import Scope, Subject, among, insert_rows, update_rows

_dossier = tables.dossier
_jumeau = tables.jumeau

ERASURE_REASONS: Mapping[str, str] = {
    "demande": "demande d’effacement reçue hors de Démarches Simplifiées",
    "duree_conservation": "fin de la durée de conservation",
}
"""Why an operator erases dossiers, by code, in the words of the view `lecture_evenement`."""


class DeletionReads(Subject):
    """Reads which dossiers DS no longer shows."""

    def erased_on_request(self, numbers: Collection[DossierNumber]) -> set[DossierNumber]:
        """Return those of these dossiers that an operator erased."""
        return {*self._dossiers(among(_dossier.c.numero, numbers), presence=Presence.EFFACE)}

    def erased(self) -> set[DossierNumber]:
        """Return the dossiers of which nothing may be left where the views are kept, too."""
        gone = [Presence.EFFACE.value, Presence.SUPPRIME.value]
        return {*self._dossiers(_dossier.c.presence.in_(gone))}

    def still_present(self, numbers: Collection[DossierNumber]) -> list[DossierNumber]:
        """Return those of these dossiers that are present in the copy."""
        return self._dossiers(among(_dossier.c.numero, numbers), presence=Presence.PRESENT)

    def unseen(self, run_from: int, presence: Presence = Presence.PRESENT) -> list[DossierNumber]:
        """Return the dossiers that no run from `run_from` on has seen, in a page or a list."""
        return self._dossiers(_dossier.c.lu_par_run < run_from, presence=presence)

    def lost_twins(self, run_from: int) -> list[DossierNumber]:
        """Return the erased dossiers that count as twins, and that no run from `run_from` saw."""
        lost = (
            select(_jumeau.c.numero)
            .join(_dossier, _dossier.c.numero == _jumeau.c.numero)
            .where(
                _jumeau.c.demarche_numero == self.number,
                _jumeau.c.montre,
                _dossier.c.lu_par_run < run_from,
            )
        )
        return list(self.connection.scalars(lost.order_by(_jumeau.c.numero)))

    def expired(self, since: datetime, until: datetime, limit: int) -> list[DossierNumber]:
        """Return the present dossiers that expired in this time, the last ones first."""
        statement = (
            select(_dossier.c.numero)
            .where(self._is_present(), _dossier.c.expire_le.between(since, until))
            .order_by(_dossier.c.expire_le.desc())
        )
        return list(self.connection.scalars(statement.limit(limit)))

    def still_gone(self, run: int) -> int:
        """Return how many dossiers that a run found in DS's lists are still not back."""
        event = tables.evenement
        listed = select(event.c.numero).where(
            event.c.run == run, event.c.evenement.in_(["masque", "supprime"])
        )
        count = select(func.count()).where(
            _dossier.c.numero.in_(listed), _dossier.c.presence != Presence.PRESENT.value
        )
        return self.connection.scalar(count) or 0


class DeletionWrites(DeletionReads):
    """Writes about dossiers that DS no longer shows."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._changes, self._journal = ChangeWrites(scope), JournalWrites(scope)
        self._pieces, self._queue = PieceWrites(scope), QueueWrites(scope)
        self.has_erased = False
        """Whether personal data were deleted, which the database's files still contain."""

    def apply(
        self,
        run: int,
        pending: Sequence[DeletedDossier],
        deleted: Sequence[DeletedDossier],
        *,
        now: datetime,
    ) -> int:
        """Apply DS's deletion lists, `pending` of the hidden and `deleted` of the erased dossiers.

        Returns how many dossiers changed; unknown ones are ignored.
        """
        stored = self._stored([entry.number for entry in (*pending, *deleted)])
        known = {numero: row.presence for numero, row in stored.items()}
        # An unknown dossier counts as erased already, so that it is ignored.
        gone = {e.number: e for e in deleted if known.get(e.number, "supprime") != "supprime"}
        # One that an operator erased stays erased.
        hidden = {
            e.number: e
            for e in pending
            if known.get(e.number) in {Presence.PRESENT, Presence.DISPARU} and e.number not in gone
        }
        self._changes.record_changes(
            [
                state_change(e.number, old.etat, e.etat.value, old.depose_le, now)
                for e in hidden.values()
                for old in [stored[e.number]]
                if old.etat != e.etat and old.efface_le is None
            ]
        )
        self.mark_seen(run, [e.number for e in pending if known.get(e.number)])
        self._mark(Presence.MASQUE, hidden.values())
        self._mark(Presence.SUPPRIME, gone.values())
        self._queue.add_related([*hidden, *gone])
        self.hide_twins([e.number for e in pending])
        self.connection.execute(delete(_jumeau).where(among(_jumeau.c.numero, list(gone))))
        self._record(run, EventName.MASQUE, hidden.values(), now)
        self.erase(list(gone), now)
        self._record(run, EventName.SUPPRIME, gone.values(), now)
        self._record(run, EventName.EFFACE, gone.values(), now)
        return len(hidden) + len(gone)

    def erase_on_request(
        self,
        run: int,
        numbers: Sequence[DossierNumber],
        reason: str,
        asked_by: str,
        now: datetime,
    ) -> None:
        """Erase dossiers of the copy, which stay erased when DS shows them again.

        The reason is a key of `ERASURE_REASONS`; `asked_by` is the user, for the journal.
        """
        # They are looked at again; nothing else has changed for them.
        self._queue.add_related(numbers)
        part = self.programme.products
        products = part.certain(self.connection, numbers) if part else {}
        shown = set(self.still_present(numbers))
        self.connection.execute(
            update(_dossier)
            .where(among(_dossier.c.numero, numbers))
            .values(presence=Presence.EFFACE.value, presence_raison=reason, presence_le=now)
        )
        self.erase(numbers, now)
        insert_rows(
            self.connection,
            _jumeau,
            [
                {
                    "numero": number,
                    "demarche_numero": self.number,
                    "produit": product,
                    # What DS had hidden or lost counted no more.
                    "montre": number in shown,
                }
                for number, product in products.items()
            ],
        )
        details: dict[str, Json] = {"motif": ERASURE_REASONS[reason], "demande_par": asked_by}
        self._journal.record_events(
            run, [NewEvent(number, EventName.EFFACE, details) for number in numbers], now
        )

    def lift(
        self, run: int, numbers: Sequence[DossierNumber], asked_by: str, now: datetime
    ) -> None:
        """Let the next read of these dossiers store them again; arguments as `erase_on_request`."""
        self.connection.execute(
            update(_dossier)
            .where(among(_dossier.c.numero, numbers))
            # Until that read, DS may show it or not: nothing else is known.
            .values(presence=Presence.DISPARU.value, presence_raison=None, presence_le=now)
        )
        details: dict[str, Json] = {"demande_par": asked_by}
        events = [NewEvent(number, EventName.EFFACEMENT_LEVE, details) for number in numbers]
        self._journal.record_events(run, events, now)

    def follow_twins(self, shown: Mapping[DossierNumber, Etat]) -> None:
        """Follow which erased dossiers that count as twins DS shows, and in which state."""
        known = self.connection.execute(
            select(_jumeau.c.numero, _jumeau.c.montre, _dossier.c.etat)
            .join(_dossier, _dossier.c.numero == _jumeau.c.numero)
            .where(among(_jumeau.c.numero, list(shown)))
        )
        moved = [
            row.numero for row in known if not row.montre or row.etat != shown[row.numero].value
        ]
        if not moved:
            return
        update_rows(
            self.connection, _dossier, [{"numero": n, "etat": shown[n].value} for n in moved]
        )
        update_rows(self.connection, _jumeau, [{"numero": n, "montre": True} for n in moved])
        self.touch(moved)
        self._queue.add_related(moved)

    def hide_twins(self, numbers: Sequence[DossierNumber]) -> None:
        """Record that DS does not show these erased dossiers: they count as twins no more."""
        hidden = self.connection.scalars(
            update(_jumeau)
            .where(among(_jumeau.c.numero, numbers), _jumeau.c.montre)
            .values(montre=False)
            .returning(_jumeau.c.numero)
        ).all()
        self._queue.add_related([DossierNumber(numero) for numero in hidden])

    def mark_seen(self, run: int, numbers: Sequence[DossierNumber]) -> None:
        """Mark dossiers as seen by this run: DS names them, without their content."""
        self.connection.execute(
            update(_dossier).where(among(_dossier.c.numero, numbers)).values(lu_par_run=run)
        )

    def mark_disappeared(self, run: int, numbers: Sequence[DossierNumber], now: datetime) -> int:
        """Mark dossiers that DS neither shows nor lists; return how many changed. Data stay."""
        disappeared = self.connection.scalars(
            update(_dossier)
            .where(
                among(_dossier.c.numero, numbers),
                _dossier.c.demarche_numero == self.number,
                _dossier.c.presence.in_([Presence.PRESENT.value, Presence.MASQUE.value]),
            )
            .values(presence=Presence.DISPARU.value, presence_raison=None, presence_le=now)
            .returning(_dossier.c.numero)
        ).all()
        self._queue.add_related([DossierNumber(numero) for numero in disappeared])
        self._journal.record_events(
            run, [NewEvent(numero, EventName.DISPARU) for numero in disappeared], now
        )
        return len(disappeared)

    def remove(self, numbers: Sequence[DossierNumber]) -> int:
        """Delete all rows of dossiers that belong to another démarche; return how many."""
        self.has_erased = self.has_erased or bool(numbers)
        self._queue.add_related(numbers)
        self._delete_programme_rows(numbers)
        self._pieces.doom(numbers)
        for table in reversed(_dossier.metadata.sorted_tables):
            # The rows of copied files stay until the files are deleted.
            if "numero" not in table.c or table is tables.piece:
                continue
            theirs = delete(table).where(among(table.c.numero, numbers))
            if "demarche_numero" in table.c:
                theirs = theirs.where(table.c.demarche_numero == self.number)
            self.connection.execute(theirs)
        return len(numbers)

    def forget_demarche(self) -> None:
        """Delete all rows and views of the démarche, whose copies of files are deleted already."""
        reading_views.drop_forms(self.connection, self.number)
        theirs = select(_dossier.c.numero).where(_dossier.c.demarche_numero == self.number)
        numbers = self._dossiers()
        # The programme finds the applicants by the dossiers' rows; a statement takes so many.
        for start in range(0, len(numbers), 1000):
            self.programme.storage.forget(self.connection, numbers[start : start + 1000])
        own = [one for one in tables.metadata.sorted_tables if one is not _dossier]
        for table in (*self.programme.storage.metadata.sorted_tables, *own, _dossier):
            if "demarche_numero" in table.c:
                of_demarche = table.c.demarche_numero == self.number
            elif "numero" in table.c:
                of_demarche = table.c.numero.in_(theirs)
            elif table is tables.demarche:
                of_demarche = table.c.number == self.number
            else:
                continue
            self.connection.execute(delete(table).where(of_demarche))

    def erase(self, numbers: Sequence[DossierNumber], now: datetime) -> None:
        """Delete the personal data of these dossiers."""
        if not numbers:
            return
        self.has_erased = True
        self.touch(numbers)
        execute = self.connection.execute
        # Before the dossier's row is emptied: the programme finds its applicant by the SIREN in it.
        self._delete_programme_rows(numbers)
        self._pieces.doom(numbers)
        self._erase_history(numbers)
        for table in ERASED_TABLES:
            execute(delete(table).where(among(table.c.numero, numbers)))
        _blank(self.connection, tables.outbox, numbers, courante=False)
        # What has not ended is ended here: nothing is sent into an erased dossier.
        done = [WishStatus.CONFIRMEE.value, WishStatus.REFUSEE.value, WishStatus.REMPLACEE.value]
        execute(
            update(tables.outbox)
            .where(among(tables.outbox.c.numero, numbers), tables.outbox.c.statut.not_in(done))
            .values(statut=WishStatus.REMPLACEE.value)
        )
        gone = dict.fromkeys(Conversation._fields)
        _blank(self.connection, _dossier, numbers, efface_le=now, a_evaluer=False, **gone)

    def _erase_history(self, numbers: Sequence[DossierNumber]) -> None:
        execute = self.connection.execute
        _blank(self.connection, tables.evenement, numbers)
        _blank(self.connection, tables.verdict, numbers)
        controles = tables.verdict.c.controles
        # The checks are kept without their reasons, which can quote the dossier.
        bare = [
            {
                "id": row.id,
                "controles": [
                    {"controle": one.controle, "resultat": one.resultat}
                    for one in row.controles or ()
                ],
            }
            for row in execute(
                select(tables.verdict.c.id, controles).where(
                    among(tables.verdict.c.numero, numbers)
                )
            )
        ]
        update_rows(self.connection, tables.verdict, bare)

    def delete_mapped_rows(self) -> None:
        """Delete the programme's rows of all dossiers, because nothing is mapped any more."""
        theirs = select(_dossier.c.numero).where(_dossier.c.demarche_numero == self.number)
        for table in self._tables_of_dossiers():
            unmapped = delete(table).where(table.c.numero.in_(theirs))
            self.touch(self.connection.scalars(unmapped.returning(table.c.numero)))
        stage = ("etape", "attend", "etape_depuis", "etape_fin")
        made = (*stage, "departement_code", "departement_nom", "profils")
        self.connection.execute(
            update(tables.liste)
            .where(tables.liste.c.demarche_numero == self.number)
            .values(dict.fromkeys(made) | {"libre": ""})
        )

    def _delete_programme_rows(self, numbers: Sequence[DossierNumber]) -> None:
        self.programme.storage.forget(self.connection, numbers)
        for table in self._tables_of_dossiers():
            self.connection.execute(delete(table).where(among(table.c.numero, numbers)))

    def _stored(self, numbers: Iterable[DossierNumber]) -> dict[int, Row[Any]]:
        names = ("numero", "presence", "etat", "depose_le", "efface_le")
        ours = among(_dossier.c.numero, numbers), _dossier.c.demarche_numero == self.number
        rows = self.connection.execute(select(*(_dossier.c[name] for name in names)).where(*ours))
        return {row.numero: row for row in rows}

    def _mark(self, presence: Presence, entries: Iterable[DeletedDossier]) -> None:
        update_rows(
            self.connection,
            _dossier,
            [
                {
                    "numero": entry.number,
                    "presence": presence.value,
                    "presence_raison": entry.raison,
                    "presence_le": entry.date_suppression,
                    "etat": entry.etat.value,
                }
                for entry in entries
            ],
        )

    def _record(
        self, run: int, evenement: EventName, entries: Iterable[DeletedDossier], now: datetime
    ) -> None:
        self._journal.record_events(
            run, [NewEvent(entry.number, evenement) for entry in entries], now
        )


ERASED_TABLES = (
    tables.contenu,
    tables.liste,
    tables.changement,
    tables.pousse,
    tables.quarantaine,
    tables.reponse,
    tables.cle,
    tables.jury_prevu,
)
"""The tables of which an erased dossier's rows are deleted."""

KEPT_TEXTS: Mapping[Table, frozenset[str]] = {
    _dossier: frozenset({"etat", "presence", "presence_raison"}),
    tables.verdict: frozenset({"verdict", "points", "version_regles", "controles"}),
    tables.outbox: frozenset({"annotation", "statut"}),
    tables.evenement: frozenset({"evenement"}),
}
"""The text columns that an erased dossier's other rows keep; all others are emptied, so that a
column added later is too."""


def _blank(
    connection: Connection,
    table: Table,
    numbers: Sequence[DossierNumber],
    **values: Any,
) -> None:
    """Set the text columns of these rows to NULL, and other columns to `values`."""
    texts = {
        column.name: None
        for column in table.columns
        if is_text(column.type) and column.name not in KEPT_TEXTS[table]
    }
    connection.execute(update(table).where(among(table.c.numero, numbers)).values(texts | values))
