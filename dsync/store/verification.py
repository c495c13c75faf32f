"""Reads what `dsync db verify` compares: rows that do not fit each other, and stored contents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Table, Text, and_, cast, column, func, inspect, or_, select, table

from dsync.domain.ids import DossierNumber
from dsync.domain.run_kinds import Kind, Status
from dsync.store import reading_views, tables
from dsync.store.deletions import ERASED_TABLES, KEPT_TEXTS, is_text
from dsync.store.form_views import FormView
from dsync.store.sql import Subject

_dossier = tables.dossier
_contenu = tables.contenu
_outbox = tables.outbox

_MAY_LACK_DOSSIER = frozenset({"quarantaine", "piece"})
"""Tables that also name dossiers which were never read, or whose files are still to be deleted."""
_OF_UNREAD = ("quarantaine", "liberation")
"""The events of these dossiers."""
_AFTER_ERASURE = ("efface", "effacement_leve", "quarantaine")
"""Events that are recorded of an erased dossier, with details that are no personal data."""

# Without dsync's own bookkeeping, which no content is derived from.
_FACTS = tuple(
    one.name
    for one in _dossier.columns
    if one.name not in {"lu_par_run", "a_evaluer", "presence_raison", "presence_le"}
)
_JSON = ("demandeur", "divers", "traitements", "champs", "annotations", "lacunes", "cellules")


@dataclass(frozen=True, slots=True)
class StoredDossier:
    """A dossier with its contents, as stored."""

    facts: Row[Any]
    """Columns of table `dossier`."""
    contents: Mapping[str, bytes | None]
    """JSON by column of table `contenu`."""

    @property
    def numero(self) -> DossierNumber:
        """Its number."""
        return DossierNumber(self.facts.numero)


class Shown(NamedTuple):
    """What a view shows of a dossier's champs and annotations: rows, and rows with a value."""

    rows: int
    values: int


class Dates(NamedTuple):
    """The instants that the watermark is compared with."""

    newest: datetime | None
    """The latest date of change of the present dossiers."""
    last_run_at: datetime | None
    """When the last run ended; the start of one that was killed."""
    last_read_began_at: datetime | None
    """When the last successful read of the changed dossiers began."""


class ContentReads(Subject):
    """Reads dossiers with their contents as stored."""

    def batches(self, batch: int) -> Iterator[list[StoredDossier]]:
        """Yield the démarche's dossiers that have contents, by number, in batches."""
        after = 0
        while found := self._stored(_dossier.c.numero > after, limit=batch):
            yield found
            after = found[-1].numero

    def of(self, numbers: Collection[DossierNumber]) -> dict[DossierNumber, StoredDossier]:
        """Return those of these dossiers that have contents, by number."""
        found = self._stored(_dossier.c.numero.in_(numbers))
        return {stored.numero: stored for stored in found}

    def _stored(self, which: Any, limit: int | None = None) -> list[StoredDossier]:
        columns: list[Any] = [_dossier.c[name] for name in _FACTS]
        # JSON as text: decoding it twice would take most of the time.
        columns += [cast(_contenu.c[name], Text).label(f"json_{name}") for name in _JSON]
        rows = self.connection.execute(
            select(*columns)
            .join(_contenu, _contenu.c.numero == _dossier.c.numero)
            .where(_dossier.c.demarche_numero == self.number, which)
            .order_by(_dossier.c.numero)
            .limit(limit)
        )
        return [
            StoredDossier(row, {name: _bytes(row._mapping[f"json_{name}"]) for name in _JSON})
            for row in rows
        ]


class VerificationReads(Subject):
    """Reads rows that should not be there, and what should be equal."""

    def damage(self) -> int:
        """Return the number of faults that SQLite finds in its file; PostgreSQL checks itself."""
        if self.connection.dialect.name != "sqlite":
            return 0
        found = self.connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return len([one for one in found if one != "ok"])

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table with dossiers, of all démarches."""
        return {
            one.name: self.connection.scalar(select(func.count()).select_from(one)) or 0
            for one in self._tables_of_dossiers()
        }

    def orphans(self) -> dict[str, list[DossierNumber]]:
        """Return the dossiers of which a table has rows, and the table `dossier` has none."""
        known = select(_dossier.c.numero)
        found = {}
        for one in self._tables_of_dossiers():
            if one is _dossier or one.name in _MAY_LACK_DOSSIER:
                continue
            lost = select(one.c.numero).distinct().where(one.c.numero.not_in(known))
            if one is tables.evenement:
                lost = lost.where(one.c.evenement.not_in(_OF_UNREAD))
            if numbers := self._numbers(lost):
                found[one.name] = numbers
        return found

    def without_contents(self, one_each: Collection[Table] = ()) -> list[DossierNumber]:
        """Return the dossiers that are not erased and lack their row of a table.

        Args:
            one_each: tables of the programme that have a row of each present dossier.
        """
        found: set[DossierNumber] = set()
        for one in (_contenu, *one_each):
            has = select(one.c.numero)
            lacking = select(_dossier.c.numero).where(
                _dossier.c.demarche_numero == self.number,
                _dossier.c.efface_le.is_(None),
                _dossier.c.numero.not_in(has),
            )
            if one is not _contenu:
                # What DS no longer shows is not read again by a mapping that was added since.
                lacking = lacking.where(self._is_present())
            found.update(self._numbers(lacking))
        return sorted(found)

    def uneven_verdicts(self) -> list[DossierNumber]:
        """Return the dossiers with verdicts of which not exactly one is current."""
        verdict = tables.verdict
        current = func.count().filter(verdict.c.courant)
        return self._numbers(
            select(verdict.c.numero).group_by(verdict.c.numero).having(current != 1)
        )

    def double_wishes(self) -> list[DossierNumber]:
        """Return the dossiers with several current wishes for one annotation."""
        several = (
            select(_outbox.c.numero)
            .where(_outbox.c.courante)
            .group_by(_outbox.c.numero, _outbox.c.annotation)
            .having(func.count() > 1)
        )
        return self._numbers(select(several.subquery().c.numero).distinct())

    def badly_erased(self) -> list[DossierNumber]:
        """Return the erased dossiers of which contents or texts are left."""
        erased = select(_dossier.c.numero).where(_dossier.c.efface_le.is_not(None))
        found: set[DossierNumber] = set()
        own = self.programme.metadata.sorted_tables
        for one in (*ERASED_TABLES, *(t for t in own if "numero" in t.c)):
            if one is tables.quarantaine:
                continue  # DS may show an erased dossier again, which then cannot be read.
            found.update(self._numbers(select(one.c.numero).where(one.c.numero.in_(erased))))
        for one, kept in KEPT_TEXTS.items():
            texts = [c.is_not(None) for c in one.columns if is_text(c.type) and c.name not in kept]
            left = select(one.c.numero).where(one.c.numero.in_(erased), or_(*texts))
            if one is tables.evenement:
                left = left.where(one.c.evenement.not_in(_AFTER_ERASURE))
            found.update(self._numbers(left))
        return sorted(found)

    def dates(self) -> Dates:
        """Return what the watermark is compared with."""
        run = tables.sync_run
        ours = run.c.demarche_numero == self.number
        reading = (Kind.INCREMENTAL.value, Kind.FULL.value)
        read = and_(ours, run.c.statut == Status.SUCCESS.value, run.c.genre.in_(reading))
        newest = select(func.max(_dossier.c.modifie_le)).where(self._is_present())
        scalar = self.connection.scalar
        return Dates(
            scalar(newest),
            scalar(select(func.max(func.coalesce(run.c.fin, run.c.debut))).where(ours)),
            scalar(select(func.max(run.c.debut)).where(read)),
        )

    def shown_champs(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, Shown]:
        """Return what the view `lecture_champ` shows of these dossiers."""
        view = table("lecture_champ", column("numero"), column("valeur"))
        rows = self.connection.execute(
            select(view.c.numero, func.count(), func.count(view.c.valeur))
            .where(view.c.numero.in_(numbers))
            .group_by(view.c.numero)
        )
        return {DossierNumber(number): Shown(*counted) for number, *counted in rows}

    def rows_of_main_view(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, int]:
        """Return how many rows the programme's main view has of these dossiers."""
        view = table(self.programme.main_view.name, column("numero"))
        rows = self.connection.execute(
            select(view.c.numero, func.count())
            .where(view.c.numero.in_(numbers))
            .group_by(view.c.numero)
        )
        return {DossierNumber(number): counted for number, counted in rows}

    def form_rows(
        self, view: FormView, numbers: Sequence[DossierNumber]
    ) -> list[tuple[DossierNumber, dict[str, Any]]]:
        """Return the rows of a view formulaire_* of these dossiers: their texts by column."""
        names = ["numero", *(one.name for one in view.columns.values() if one.kind == "text")]
        source = table(view.name, *(column(name) for name in names))
        rows = self.connection.execute(select(source).where(source.c.numero.in_(numbers)))
        return [(DossierNumber(row.numero), dict(row._mapping)) for row in rows]

    def lost_views(self, forms: Iterable[FormView]) -> list[str]:
        """Return the names of views that are missing, or lack columns of a form."""
        found = inspect(self.connection)
        present = set(found.get_view_names())
        lost = [name for name in reading_views.names(self.programme) if name not in present]
        for form in forms:
            columns = found.get_columns(form.name) if form.name in present else []
            if {*form.documented} - {one["name"] for one in columns}:
                lost.append(form.name)
        return lost

    def _tables_of_dossiers(self) -> list[Table]:
        own = self.programme.metadata.sorted_tables
        return [t for t in (*tables.metadata.sorted_tables, *own) if "numero" in t.c]

    def _numbers(self, statement: Any) -> list[DossierNumber]:
        return sorted({DossierNumber(number) for number in self.connection.scalars(statement)})


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
