"""Reads what `dsync db verify` compares: rows that do not fit each other, and stored contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Row,
    Table,
    Text,
    and_,
    cast,
    column,
    func,
    inspect,
    or_,
    select,
    table,
    union,
)

from dsync.annotations.wish import WishStatus
from dsync.domain.check_answers import points_of
from dsync.domain.dossier import Correction, Message, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.pieces import CopyState
from dsync.domain.verdict import Controle, Resultat, Verdict, verdict_of
from dsync.store import reading_views, tables
from dsync.store.codes import AnswerStatus, EventName, Kind, Status
from dsync.store.columns import as_text, is_text
from dsync.store.deletions import ERASED_TABLES, KEPT_TEXTS
from dsync.store.dictionary import all_tables
from dsync.store.engine import CHECKING_STEPS, make_interruptible
from dsync.store.form_views import FormView
from dsync.store.sql import AT_ONCE, Subject, among
from dsync.store.wishes import may_be_written

_dossier = tables.dossier
_contenu = tables.contenu
_liste = tables.liste
_outbox = tables.outbox

_to_messages = msgspec.json.Decoder(list[Message])
_to_controles = msgspec.json.Decoder(list[Controle])
_UNDER_PEOPLE = {Verdict.ELIGIBLE: Verdict.RIEN_A_SIGNALER}

_MAY_LACK_DOSSIER = frozenset({"quarantaine", "piece"})
"""Tables that also name dossiers which were never read, or whose files are still to be deleted."""
_OF_UNREAD = ("quarantaine", "liberation")
"""The events of these dossiers."""
_PRESENCES = {
    "cree": "present",
    "restaure": "present",
    "masque": "masque",
    "disparu": "disparu",
    "effacement_leve": "disparu",
    "supprime": "supprime",
    "efface": "efface",
}
"""The presence that begins with an event."""
_AFTER_ERASURE = ("efface", "effacement_leve", "quarantaine")
"""Events that are recorded of an erased dossier, with details that are no personal data."""

_VALUES = {
    _dossier.c.presence: Presence,
    tables.evenement.c.evenement: EventName,
    _outbox.c.statut: WishStatus,
    tables.reponse.c.resultat: Resultat,
    tables.reponse.c.statut: AnswerStatus,
    tables.piece.c.etat: CopyState,
}
"""Columns with the only values that they can have, where nothing is recomputed."""
# Without dsync's own bookkeeping, which no content is derived from.
_FACTS = tuple(
    one.name
    for one in _dossier.columns
    if one.name not in {"lu_par_run", "a_evaluer", "presence_raison", "presence_le"}
)
_JSON = ("demandeur", "divers", "traitements", "messages", "champs", "annotations", "lacunes")


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


class ContentReads(Subject):
    """Reads dossiers with their contents as stored."""

    def numbers(self) -> list[DossierNumber]:
        """Return the démarche's dossiers."""
        return self._dossiers()

    def of(self, numbers: Collection[DossierNumber]) -> dict[DossierNumber, StoredDossier]:
        """Return those of these dossiers that have contents, by number."""
        columns: list[Any] = [_dossier.c[name] for name in _FACTS]
        # JSON as text: decoding it twice would take most of the time.
        columns += [cast(_contenu.c[name], Text).label(f"json_{name}") for name in _JSON]
        rows = self.connection.execute(
            select(*columns)
            .join(_contenu, _contenu.c.numero == _dossier.c.numero)
            .where(_dossier.c.demarche_numero == self.number, among(_dossier.c.numero, numbers))
            .order_by(_dossier.c.numero)
        )
        return {
            DossierNumber(row.numero): StoredDossier(
                row, {name: _bytes(row._mapping[f"json_{name}"]) for name in _JSON}
            )
            for row in rows
        }

    def messages(
        self, numbers: Collection[DossierNumber]
    ) -> defaultdict[DossierNumber, list[Message]]:
        """Return the stored messages of these dossiers, by number."""
        rows = self.connection.execute(
            select(_contenu.c.numero, cast(_contenu.c.messages, Text)).where(
                _contenu.c.messages.is_not(None), among(_contenu.c.numero, numbers)
            )
        )
        found = defaultdict[DossierNumber, list[Message]](list)
        for number, stored in rows:
            # A damaged list says nothing: the sides are then worked out anew.
            with suppress(msgspec.DecodeError):
                found[number] = _to_messages.decode(stored)
        return found

    def corrections(
        self, numbers: Collection[DossierNumber]
    ) -> dict[DossierNumber, list[Correction]]:
        """Return the known corrections that these dossiers were asked for, oldest first."""
        table = tables.correction
        rows = self.connection.execute(
            select(table).where(among(table.c.numero, numbers)).order_by(table.c.demandee_le)
        )
        found = dict[DossierNumber, list[Correction]]()
        for numero, *dates in rows:
            found.setdefault(DossierNumber(numero), []).append(Correction(*dates))
        return found

    def annotations(self, numbers: Collection[DossierNumber]) -> dict[DossierNumber, bytes]:
        """Return the stored JSON of these dossiers' annotations, by number."""
        rows = self.connection.execute(
            select(_contenu.c.numero, cast(_contenu.c.annotations, Text)).where(
                _contenu.c.demarche_numero == self.number, among(_contenu.c.numero, numbers)
            )
        )
        return {DossierNumber(number): _bytes(text) or b"null" for number, text in rows}


class VerificationReads(Subject):
    """Reads rows that should not be there, and what should be equal."""

    def damage(self) -> int:
        """Return the number of faults that SQLite finds in its file; PostgreSQL checks itself."""
        if self.connection.dialect.name != "sqlite":
            return 0
        driver: Any = self.connection.connection.driver_connection
        make_interruptible(driver, CHECKING_STEPS)
        found = self.connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return len([one for one in found if one != "ok"])

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table with dossiers, of all démarches."""
        return {
            one.name: self.connection.scalar(select(func.count()).select_from(one)) or 0
            for one in self._with_dossiers()
        }

    def orphans(self) -> dict[str, list[DossierNumber]]:
        """Return the dossiers of which a table has rows, and the table `dossier` has none."""
        known = select(_dossier.c.numero)
        found = {}
        for one in self._with_dossiers():
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

        `one_each` are tables of the programme that have a row of each present dossier.
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

    def unknown_values(self) -> dict[str, list[DossierNumber]]:
        """Return the dossiers whose rows have a value that dsync never writes, by column."""
        found = {}
        for one, known in _VALUES.items():
            strange = select(one.table.c.numero).where(
                one.table.c.demarche_numero == self.number, one.not_in(list(map(str, known)))
            )
            if numbers := self._numbers(strange):
                found[str(one)] = numbers
        return found

    def uneven_verdicts(self) -> list[DossierNumber]:
        """Return the dossiers whose last verdict is not the current one, and the only one.

        One that was judged, by its events, has a verdict.
        """
        verdict, event = tables.verdict, tables.evenement
        current = func.max(verdict.c.id).filter(verdict.c.courant)
        uneven = (
            select(verdict.c.numero)
            .group_by(verdict.c.numero)
            .having(
                or_(func.count().filter(verdict.c.courant) != 1, current != func.max(verdict.c.id))
            )
        )
        lost = select(event.c.numero).where(
            event.c.evenement == "verdict", event.c.numero.not_in(select(verdict.c.numero))
        )
        return self._numbers(union(uneven, lost))

    def unlike_results(self) -> list[DossierNumber]:
        """Return the dossiers whose current verdict is not what the results of its checks give."""
        verdict = tables.verdict.c
        statement = (
            select(*as_text((verdict.numero, verdict.verdict, verdict.points, verdict.controles)))
            .join(_dossier, _dossier.c.numero == verdict.numero)
            .where(
                _dossier.c.demarche_numero == self.number,
                _dossier.c.efface_le.is_(None),
                verdict.courant,
            )
        )
        found = []
        with self.connection.execute(statement, execution_options={"yield_per": AT_ONCE}) as rows:
            for number, given, points, text in rows:
                try:
                    controles = _to_controles.decode(text or "[]")
                    follows = verdict_of(one.resultat for one in controles)
                except msgspec.DecodeError:
                    found.append(DossierNumber(number))
                    continue
                # While a check is a person's, « Éligible » has another name.
                names = {follows, _UNDER_PEOPLE.get(follows, follows)}
                if given not in names or points != points_of(controles):
                    found.append(DossierNumber(number))
        return found

    def without_rules(self) -> list[DossierNumber]:
        """Return the dossiers with a verdict by a version of rules that is not kept."""
        verdict, kept = tables.verdict, select(tables.version_regles.c.version)
        return self._numbers(
            select(verdict.c.numero).where(verdict.c.version_regles.not_in(kept)).distinct()
        )

    def wrong_presences(self) -> list[DossierNumber]:
        """Return the dossiers whose presence is not that of their last event of one."""
        event = tables.evenement
        of_same_run = event.alias()
        # An erasure that follows DS's is of the same run.
        follows = select(of_same_run.c.id).where(
            of_same_run.c.numero == event.c.numero,
            of_same_run.c.run == event.c.run,
            of_same_run.c.evenement == "supprime",
        )
        last = (
            select(func.max(event.c.id))
            .where(
                event.c.demarche_numero == self.number,
                event.c.evenement.in_(_PRESENCES),
                or_(event.c.evenement != "efface", ~follows.exists()),
            )
            .group_by(event.c.numero)
        )
        found = self.connection.execute(
            select(event.c.numero, event.c.evenement).where(event.c.id.in_(last))
        )
        said = {numero: _PRESENCES[evenement] for numero, evenement in found}
        stored = self.connection.execute(
            select(_dossier.c.numero, _dossier.c.presence).where(
                _dossier.c.demarche_numero == self.number
            )
        )
        return [DossierNumber(n) for n, presence in stored if said.get(n) != presence]

    def wrong_quarantine(self) -> list[DossierNumber]:
        """Return the dossiers that are in quarantine without the event, or the other way round."""
        event, entry = tables.evenement, tables.quarantaine
        ours = event.c.demarche_numero == self.number, event.c.evenement.in_(_OF_UNREAD)
        last = select(func.max(event.c.id)).where(*ours).group_by(event.c.numero)
        inside = select(event.c.numero).where(
            event.c.id.in_(last), event.c.evenement == "quarantaine"
        )
        entered = set(self._numbers(inside))
        entries = set(
            self._numbers(select(entry.c.numero).where(entry.c.demarche_numero == self.number))
        )
        erased = set(
            self._numbers(select(_dossier.c.numero).where(_dossier.c.efface_le.is_not(None)))
        )
        return sorted((entered - entries - erased) | (entries - entered))

    def lost_corrections(self) -> list[DossierNumber]:
        """Return the dossiers whose open corrections are not the one that is pending."""
        correction = tables.correction
        known = select(correction.c.numero).where(
            correction.c.numero == _dossier.c.numero,
            correction.c.demandee_le == _dossier.c.correction_attendue_depuis,
            correction.c.finie_le.is_(None),
        )
        lost = select(_dossier.c.numero).where(
            self._is_present(),
            _dossier.c.correction_attendue_depuis.is_not(None),
            ~known.exists(),
        )
        pending = func.coalesce(_dossier.c.correction_attendue_depuis, correction.c.finie_le)
        added = (
            select(_dossier.c.numero)
            .join(correction, correction.c.numero == _dossier.c.numero)
            .where(
                self._is_present(),
                correction.c.finie_le.is_(None),
                or_(pending.is_(None), pending != correction.c.demandee_le),
            )
        )
        return self._numbers(union(lost, added))

    def unlike_pushed(self) -> list[DossierNumber]:
        """Return the dossiers with a confirmed wish that is not what counts as pushed."""
        pushed = tables.pousse
        same = and_(
            pushed.c.numero == _outbox.c.numero,
            pushed.c.annotation == _outbox.c.annotation,
            func.coalesce(pushed.c.valeur, "") == func.coalesce(_outbox.c.valeur, ""),
            func.coalesce(pushed.c.cible, "") == func.coalesce(_outbox.c.cible, ""),
            pushed.c.connue_le.is_not(None),
            _outbox.c.confirmee_le.is_not(None),
        )
        return self._numbers(
            select(_outbox.c.numero).where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.CONFIRMEE.value,
                # One that is equal to a human's value is not dsync's.
                _outbox.c.valeur_distante.is_(None),
                ~select(pushed.c.numero).where(same).exists(),
            )
        )

    def wished(self) -> Iterator[tuple[DossierNumber, str, str | None, str, str | None]]:
        """Yield the current wishes of open dossiers that wait for no evaluation.

        Each is the dossier, the annotation, the wished value, the current verdict and its detail.
        """
        verdict = tables.verdict
        statement = (
            select(
                _outbox.c.numero,
                _outbox.c.annotation,
                _outbox.c.valeur,
                verdict.c.verdict,
                verdict.c.detail,
            )
            .join(_dossier, _dossier.c.numero == _outbox.c.numero)
            .join(verdict, and_(verdict.c.numero == _outbox.c.numero, verdict.c.courant))
            .where(
                *may_be_written(self.number),
                ~_dossier.c.a_evaluer,
                verdict.c.verdict.in_(list(map(str, Verdict))),
            )
        )
        # Of PostgreSQL's driver, which else has all texts in memory at once.
        with self.connection.execute(statement, execution_options={"yield_per": AT_ONCE}) as found:
            for row in found:
                yield DossierNumber(row.numero), row.annotation, row.valeur, row.verdict, row.detail

    def programme_rows(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[str, dict[DossierNumber, Mapping[str, Any]]]:
        """Return the programme's rows of these dossiers by table, JSON as text."""
        return {
            one.name: {
                DossierNumber(row["numero"]): dict(row)
                for row in self.connection.execute(
                    select(*as_text(one.columns)).where(among(one.c.numero, numbers))
                ).mappings()
            }
            for one in self._tables_of_dossiers()
        }

    def texts_of_lists(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[DossierNumber, Mapping[str, str]]:
        """Return the texts by which lists find these dossiers."""
        columns = [_liste.c[name] for name in ("numero", "texte", "libre", "personnes")]
        rows = self.connection.execute(select(*columns).where(among(_liste.c.numero, numbers)))
        return {DossierNumber(row["numero"]): dict(row) for row in rows.mappings()}

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
        for one in (*ERASED_TABLES, *self._tables_of_dossiers()):
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

    def dates(self) -> tuple[datetime | None, datetime | None, datetime | None]:
        """Return what the watermark is compared with.

        The latest date of change of the present dossiers; when the last run ended, the start of one
        that was killed; when the last successful read of the changed dossiers began.
        """
        run = tables.sync_run
        ours = run.c.demarche_numero == self.number
        reading = (Kind.INCREMENTAL.value, Kind.FULL.value)
        read = and_(ours, run.c.statut == Status.SUCCESS.value, run.c.genre.in_(reading))
        newest = select(func.max(_dossier.c.modifie_le)).where(self._is_present())
        scalar = self.connection.scalar
        last = select(func.max(func.coalesce(run.c.fin, run.c.debut))).where(ours)
        return scalar(newest), scalar(last), scalar(select(func.max(run.c.debut)).where(read))

    def shown_champs(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[DossierNumber, tuple[int, int]]:
        """Return how many rows `lecture_champ` has of these dossiers, and how many with a value."""
        view = table("lecture_champ", column("numero"), column("valeur"))
        rows = self.connection.execute(
            select(view.c.numero, func.count(), func.count(view.c.valeur))
            .where(among(view.c.numero, numbers))
            .group_by(view.c.numero)
        )
        return {DossierNumber(number): (found, filled) for number, found, filled in rows}

    def rows_of_main_view(self, numbers: Sequence[DossierNumber]) -> dict[DossierNumber, int]:
        """Return how many rows the programme's main view has of these dossiers."""
        view = table(self.programme.storage.main_view.name, column("numero"))
        rows = self.connection.execute(
            select(view.c.numero, func.count())
            .where(among(view.c.numero, numbers))
            .group_by(view.c.numero)
        )
        return {DossierNumber(number): counted for number, counted in rows}

    def form_rows(
        self, view: FormView, numbers: Sequence[DossierNumber]
    ) -> list[tuple[DossierNumber, dict[str, Any]]]:
        """Return the rows of a view formulaire_* of these dossiers: their texts by column."""
        names = ["numero", *(one.name for one in view.columns.values() if one.kind == "text")]
        source = table(view.name, *(column(name) for name in names))
        rows = self.connection.execute(select(source).where(among(source.c.numero, numbers)))
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

    def _with_dossiers(self) -> list[Table]:
        return [one for one in all_tables(self.programme) if "numero" in one.c]

    def _numbers(self, statement: Any) -> list[DossierNumber]:
        return sorted({DossierNumber(number) for number in self.connection.scalars(statement)})


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
