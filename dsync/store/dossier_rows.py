"""Stores a page of dossiers: compares them with the stored ones, writes changes and events.

What changed in a dossier, value by value, is compared in `changes.py`.

The number of statements does not depend on the number of dossiers. Of an unchanged dossier only
the dates that DS changed are written and, in a crawl, the run that saw it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, delete, or_, select, update

from dsync.domain.conversation import Conversation
from dsync.domain.dossier import OPEN_ETATS, Json, Message, Presence
from dsync.domain.due import Copy, is_due, makes_others_due
from dsync.domain.ids import DossierId, DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.domain.wording import dialled, searchable
from dsync.errors import DamagedJsonError
from dsync.programme import InLists, Programme
from dsync.store import tables
from dsync.store.changes import COMPARED, ChangeWrites, DossierDiff, Record
from dsync.store.codes import EventName
from dsync.store.journal import JournalWrites, NewEvent
from dsync.store.listing import PERSONS, DossierReads
from dsync.store.quarantine import QuarantineWrites
from dsync.store.queue import QueueWrites, keyed
from dsync.store.sql import among, insert_rows, update_rows, upsert
from dsync.store.sync_state import DemarcheReads, StateWrites

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_dossier = tables.dossier
_jumeau = tables.jumeau
_contenu = tables.contenu
_liste = tables.liste

_KNOWN = select(
    *(
        _dossier.c[name]
        for name in (
            *COMPARED,
            "numero",
            "etat",
            "presence",
            "content_hash",
            "annotations_hash",
            "inputs_hash",
            "a_evaluer",
            "efface_le",
            "modifie_le",
            "champs_modifie_le",
            "annotations_modifie_le",
            "expire_le",
            "supprime_par_usager_le",
            *Conversation._fields,
            "labels",
        )
    )
).where(among(_dossier.c.numero, "numbers"))
_TYPED = select(
    *(
        _contenu.c[name]
        for name in (
            "numero",
            "demandeur",
            "divers",
            "traitements",
            "champs",
            "annotations",
            "lacunes",
        )
    )
)


@dataclass(frozen=True, slots=True)
class PageResult:
    """The changes that a page made; a dossier can be in several lists."""

    created: list[DossierNumber] = field(default_factory=list)
    changed: list[DossierNumber] = field(default_factory=list)
    """Stored dossiers whose content, state or presence changed."""
    annotations_changed: list[DossierNumber] = field(default_factory=list)
    """Stored open dossiers in which somebody else may have edited annotations."""
    unchanged: int = 0

    @property
    def read(self) -> int:
        """The number of dossiers of the page."""
        return len(self.created) + len(self.changed) + self.unchanged


class _Change(NamedTuple):
    """A dossier of the page beside its stored row."""

    new: Record
    old: Row[Any] | None
    """None for a new dossier, and for one of which only a tombstone is left."""
    is_new: bool
    """Whether there is no row, not even a tombstone."""

    @property
    def numero(self) -> DossierNumber:
        return self.new.numero

    @property
    def is_restored(self) -> bool:
        return self.old is not None and self.old.presence != Presence.PRESENT

    @property
    def etat_changed(self) -> bool:
        return self.old is not None and self.old.etat != self.new.etat

    @property
    def before(self) -> Copy | None:
        """The copy, as far as it says what is due."""
        old = self.old
        if old is None:
            return None
        return Copy(old.etat, old.inputs_hash, old.presence == Presence.PRESENT, old.a_evaluer)

    @property
    def now(self) -> Copy:
        """What replaces it."""
        return Copy(self.new.etat, self.new.inputs_hash)

    @property
    def correction(self) -> datetime | None:
        """When the pending correction was asked for."""
        at: datetime | None = self.new.facts["correction_attendue_depuis"]
        return at

    @property
    def correction_before(self) -> datetime | None:
        """The same of the stored row."""
        return self.old.correction_attendue_depuis if self.old is not None else None

    @property
    def content_changed(self) -> bool:
        return self.old is not None and self.old.content_hash != self.new.content_hash

    @property
    def is_compared(self) -> bool:
        """Whether a value can differ, dsync's own annotations and labels included."""
        return self.content_changed or self.etat_changed or self.may_show_what_was_sent

    @property
    def may_show_what_was_sent(self) -> bool:
        return self.old is not None and (
            self.old.annotations_hash != self.new.annotations_hash
            or self.old.labels != list(self.new.labels)
        )


class DossierWrites(DossierReads):
    """Writes dossiers that DS shows."""

    def store_page(
        self,
        run: int,
        records: Sequence[Record],
        *,
        now: datetime,
        incomplete: Collection[DossierNumber] = (),
        again: bool = False,
    ) -> PageResult:
        """Store dossiers, of a repeated one the last record, and release them from quarantine.

        The incomplete ones, which DS could render only in part, stay in quarantine. With `again`,
        the rows of unchanged dossiers are written, too: something outside dsync may have damaged
        them.
        """
        by_number = {record.numero: record for record in records}
        if not by_number:
            return PageResult()
        known = self._known(by_number)
        changes: list[_Change] = []
        unchanged: list[_Change] = []
        for number, record in by_number.items():
            old = known.get(number)
            is_erased = old is not None and old.efface_le is not None
            change = _Change(record, None if is_erased else old, old is None)
            is_same = change.old is not None and _is_same(change)
            # One of which only a tombstone is left is written as a new one is.
            (unchanged if is_same else changes).append(change)
        compared = [c for c in (*changes, *unchanged) if c.is_compared]
        # Read before the rows are overwritten.
        typed = self._typed([c.numero for c in compared])
        history = ChangeWrites(self.scope)
        shown = [c.numero for c in compared if c.may_show_what_was_sent]
        sent, labels_put = history.last_sent(shown), history.labels_put(shown)
        libelle_of = self._libelle_of()
        events: list[NewEvent] = []
        differences: list[dict[str, Any]] = []
        for c in (*changes, *unchanged):
            beside = None
            if c.old is not None and c.is_compared:
                its, put = sent.get(c.numero, {}), labels_put.get(c.numero, ())
                beside = DossierDiff(c.new, c.old, typed.get(c.numero), its, put, libelle_of, now)
                differences += beside.rows()
            events += _events_of(c, beside)
        history.record_changes(differences)
        # After the comparisons, which read what this overwrites.
        self._write(run, changes, now)
        if again:
            self._write_again(run, unchanged, now)
        else:
            self._write_bookkeeping(run, unchanged)
        JournalWrites(self.scope).record_events(run, events, now)
        complete = [n for n in by_number if n not in incomplete]
        QuarantineWrites(self.scope).release(run, complete, now)
        return PageResult(
            created=[c.numero for c in changes if c.old is None],
            changed=[c.numero for c in changes if c.old is not None],
            annotations_changed=[
                c.numero
                for c in (*changes, *unchanged)
                # Nothing is written into a decided dossier: it is compared when it is open again.
                if c.new.is_open
                and (_annotations_edited(c) or (c.old is not None and c.old.etat not in OPEN_ETATS))
            ],
            unchanged=len(unchanged),
        )

    def save_messages(
        self, numero: DossierNumber, messages: Sequence[Message], conversation: Conversation
    ) -> None:
        """Store the messages of a dossier, with what follows from them."""
        row = {"numero": numero, "messages": json_bytes(messages)}
        update_rows(self.connection, _contenu, [row])
        row = {"numero": numero, **conversation._asdict()}
        update_rows(self.connection, _dossier, [row])
        self.touch([numero])

    def numbers(self, ids: Sequence[DossierId]) -> dict[str, DossierNumber]:
        """Return the numbers of the stored dossiers among these, by id."""
        if not ids:
            return {}
        known = select(_dossier.c.dossier_id, _dossier.c.numero).where(
            _dossier.c.demarche_numero == self.number, _dossier.c.dossier_id.in_(ids)
        )
        return {id_: DossierNumber(number) for id_, number in self.connection.execute(known)}

    def misnamed(self, given: Iterable[tuple[DossierNumber, DossierId]]) -> list[DossierNumber]:
        """Return the dossiers whose id differs from the stored one or is another dossier's.

        The other dossier is stored, and has not disappeared, or is among these. Of an erased
        dossier the id may differ, so that `dsync dossier erase` ends a wrong one.
        """
        pairs = sorted(set(given))
        numbers, ids = [number for number, _ in pairs], [id_ for _, id_ in pairs]
        stored = self.connection.execute(
            select(_dossier.c.numero, _dossier.c.dossier_id).where(
                _dossier.c.efface_le.is_(None),
                _dossier.c.dossier_id.is_not(None),
                or_(
                    among(_dossier.c.numero, numbers),
                    and_(
                        _dossier.c.dossier_id.in_(ids),
                        _dossier.c.presence != Presence.DISPARU.value,
                    ),
                ),
            )
        )
        known = {*pairs, *((DossierNumber(number), DossierId(id_)) for number, id_ in stored)}
        ids_of, numbers_of = Counter(n for n, _ in known), Counter(id_ for _, id_ in known)
        return [n for n, id_ in pairs if ids_of[n] > 1 or numbers_of[id_] > 1]

    def _known(self, numbers: Iterable[DossierNumber]) -> dict[int, Row[Any]]:
        return {row.numero: row for row in self.connection.execute(_KNOWN, {"numbers": numbers})}

    def _write(self, run: int, changes: Sequence[_Change], now: datetime) -> None:
        for write, some in (
            (insert_rows, [c for c in changes if c.is_new]),
            (upsert, [c for c in changes if not c.is_new]),
        ):
            write(
                self.connection,
                _dossier,
                [
                    _dossier_row(c.new, run=run, now=now, a_evaluer=is_due(c.before, c.now))
                    for c in some
                ],
            )
            self._write_contents(write, some, now)
        queue = QueueWrites(self.scope)
        if anew := [c.numero for c in changes if c.old is None and not c.is_new]:
            # Erased until now: what is copied again counts by its own rows.
            queue.add_related(anew)
            self.connection.execute(delete(_jumeau).where(among(_jumeau.c.numero, anew)))
        queue.add_related([c.numero for c in changes if makes_others_due(c.before, c.now)])
        self._write_corrections(changes)
        self.touch(c.numero for c in changes)

    def _write_contents(
        self, write: Callable[..., None], changes: Sequence[_Change], now: datetime
    ) -> None:
        """Write the rows with what DS shows of dossiers, by `insert_rows` or `upsert`."""
        # One of which only a tombstone is left has no such row.
        upsert(self.connection, _liste, [in_lists(self.programme, c.new, now) for c in changes])
        secret = StateWrites(self.scope).secret() if any(any(c.new.agents) for c in changes) else ""
        write(
            self.connection,
            _contenu,
            [
                {
                    **c.new.contents,
                    "decideurs": [
                        one and keyed(secret, "decideur", one.casefold())[:8]
                        for one in c.new.agents
                    ],
                    "lacunes": sorted(c.new.unread) or None,
                }
                for c in changes
            ],
        )
        for name in changes[0].new.programme if changes else ():
            # A row without a column leaves its value as it is.
            by_columns: dict[frozenset[str], list[Mapping[str, Any]]] = {}
            for row in (c.new.programme[name] for c in changes):
                by_columns.setdefault(frozenset(row), []).append(row)
            for rows in by_columns.values():
                write(self.connection, self.programme.storage.metadata.tables[name], rows)

    def _write_again(self, run: int, unchanged: Sequence[_Change], now: datetime) -> None:
        facts = [
            {
                **c.new.facts,
                **_bookkeeping(c.new),
                "inputs_hash": c.new.inputs_hash,
                "lu_par_run": run,
            }
            for c in unchanged
        ]
        update_rows(self.connection, _dossier, facts)
        self._write_contents(upsert, unchanged, now)
        self.touch(c.numero for c in unchanged)

    def _write_corrections(self, changes: Sequence[_Change]) -> None:
        moved = [(c, c.correction_before, c.correction) for c in changes]
        ChangeWrites(self.scope).save_corrections(
            [(c.numero, now) for c, before, now in moved if now and now != before],
            [
                ((c.numero, before), c.new.dates["modifie_le"])
                for c, before, now in moved
                if before and now != before
            ],
        )

    def _typed(self, numbers: Sequence[DossierNumber]) -> dict[int, Row[Any]]:
        """Return the rows of `contenu` of these dossiers, without those that are damaged."""
        if not numbers:
            return {}
        found = self.connection.execute(_TYPED.where(among(_contenu.c.numero, numbers)))
        try:
            return {row.numero: row for row in found}
        except DamagedJsonError:
            # One damaged row makes the whole statement fail: the others are read one by one.
            if len(numbers) == 1:
                return {}
            return {k: row for number in numbers for k, row in self._typed([number]).items()}

    def _libelle_of(self) -> Callable[[str], str]:
        """Return a function that returns a champ's label, the newest revision's if they differ.

        It reads the form at its first call.
        """
        known: dict[str, str] = {}

        def libelle_of(id_: str) -> str:
            if not known:
                stored = DemarcheReads(self.scope).revisions().values()
                revisions = sorted(stored, key=lambda r: r.date_publication or EPOCH)
                known.update(
                    {id_: d.libelle for r in revisions for id_, d in r.descriptors.items()}
                )
            return known.get(id_, id_)

        return libelle_of

    def _write_bookkeeping(self, run: int, unchanged: Sequence[_Change]) -> None:
        """Write what changes without a change of content, such as dsync's own annotations."""
        moved = [c for c in unchanged if _has_new_bookkeeping(c)]
        if moved:
            self.touch(c.numero for c in moved)
            update_rows(self.connection, _dossier, [_bookkeeping(c.new) for c in moved])
            names = ("numero", "annotations", "messages")
            update_rows(
                self.connection,
                _contenu,
                [{name: c.new.contents[name] for name in names} for c in moved],
            )
        if unchanged:
            theirs = among(_dossier.c.numero, [c.numero for c in unchanged])
            self.connection.execute(update(_dossier).where(theirs).values(lu_par_run=run))


def _events_of(change: _Change, beside: DossierDiff | None) -> Iterator[NewEvent]:
    """Yield the events of a dossier; `beside` is its comparison with the stored copy."""
    if change.old is None:
        yield NewEvent(change.numero, EventName.CREE)
        return
    if change.is_restored:
        yield NewEvent(change.numero, EventName.RESTAURE)
    if change.etat_changed:
        yield NewEvent(
            change.numero, EventName.ETAT, {"de": change.old.etat, "a": change.new.etat.value}
        )
    if change.content_changed and beside is not None:
        names: list[Json] = [*beside.names()]
        # A change of the state alone has its own event; a gap, and its end, are none.
        has_other = change.etat_changed or change.new.unread or beside.gaps
        if names or not has_other:
            yield NewEvent(change.numero, EventName.MODIFIE, {"champs": names})


def _is_same(change: _Change) -> bool:
    return not (change.content_changed or change.etat_changed or change.is_restored)


def _annotations_edited(change: _Change) -> bool:
    """Return whether somebody else may have edited annotations.

    Either DS's date of the last manual edit changed, or another annotation than dsync's did.
    """
    if change.old is None:
        return False
    return change.old.annotations_modifie_le != change.new.dates["annotations_modifie_le"] or (
        change.content_changed and change.old.annotations_hash != change.new.annotations_hash
    )


def in_lists(programme: type[Programme], record: Record, now: datetime) -> dict[str, Any]:
    """Return a dossier's row of table `liste`, with the stage that it has at this instant."""
    facts = record.facts
    # As in `lecture_etape`: a clock that is late hides nothing of what has happened.
    at, part = max(now, record.dates["modifie_le"]), programme.lists
    of_programme = part.of_rows(record.programme, at) if part else None
    found = of_programme or InLists(
        departement_code=facts["departement_code"], departement_nom=facts["departement_nom"]
    )
    own = ("siren", "siret", "raison_sociale")
    return {
        "numero": record.numero,
        "demarche_numero": facts["demarche_numero"],
        "texte": searchable(str(record.numero), *(facts[name] for name in own)),
        "libre": searchable(*found.texts),
        "personnes": searchable(
            *(facts[name] for name in PERSONS), *map(dialled, filter(None, found.persons))
        ),
        "etape": found.etape,
        "attend": found.attend,
        "etape_depuis": found.etape_depuis,
        "etape_fin": found.etape_fin,
        "departement_code": found.departement_code,
        "departement_nom": found.departement_nom,
        "profils": f"|{'|'.join(found.profils)}|" if found.profils else None,
    }


def _has_new_bookkeeping(change: _Change) -> bool:
    new, old = change.new, change.old
    return old is not None and (
        any(getattr(old, name) != date for name, date in new.dates.items())
        or old.labels != list(new.labels)
        # DS's dates have no fractions of a second: two edits in one second have the same date.
        or old.annotations_hash != new.annotations_hash
    )


def _dossier_row(record: Record, *, run: int, now: datetime, a_evaluer: bool) -> dict[str, Any]:
    return {
        **record.facts,
        **_bookkeeping(record),
        "presence": Presence.PRESENT.value,
        "presence_raison": None,
        "presence_le": None,
        "synchronise_le": now,
        # The transaction's end writes its own instant: the row does not grow by it.
        "modifie_ici_le": now,
        "content_hash": record.content_hash,
        "inputs_hash": record.inputs_hash,
        "lu_par_run": run,
        "a_evaluer": a_evaluer,
        "efface_le": None,
    }


def _bookkeeping(record: Record) -> dict[str, Any]:
    """Return the columns that change without a change of content."""
    return {
        "numero": record.numero,
        **record.dates,
        "annotations_hash": record.annotations_hash,
        "labels": list(record.labels),
    }
