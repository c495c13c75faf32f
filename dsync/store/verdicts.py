"""What is to be judged, and the verdicts given. A verdict once given is never rewritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, or_, select, update

from dsync.domain.dossier import OPEN_ETATS, Json, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.domain.written import written
from dsync.store import tables
from dsync.store.journal import JournalWrites
from dsync.store.records import (
    Address,
    Judgeable,
    NamedId,
    NewEvent,
    NewVerdict,
    StoredVerdict,
)
from dsync.store.rows import JUDGED_COLUMNS, candidature_of
from dsync.store.sharing import SharingReads, SharingWrites
from dsync.store.sql import insert_rows, update_rows

_dossier = tables.dossier
_candidature = tables.candidature
_verdict = tables.verdict
_outbox = tables.outbox

_VERDICT_COLUMNS = tuple(
    _verdict.c[name].label(f"v_{name}")
    for name in (
        "id",
        "verdict",
        "detail",
        "etabli_le",
        "depuis_le",
        "version_regles",
        "inputs_hash",
        "preuve_hash",
        "doublons",
        "controles",
        "produit_id",
        "phase_constatee",
        "type_administration",
        "preuve_produit",
        "remarque",
    )
)
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_IS_CURRENT = and_(_verdict.c.numero == _dossier.c.numero, _verdict.c.courant)
_OPEN = [etat.value for etat in OPEN_ETATS]

_JUDGEABLE = (
    select(
        *JUDGED_COLUMNS,
        _dossier.c.presence,
        _dossier.c.inputs_hash,
        _dossier.c.produit_id,
        _dossier.c.par_sa_fiche,
        *_VERDICT_COLUMNS,
    )
    .join(_candidature, _candidature.c.numero == _dossier.c.numero)
    .outerjoin(_verdict, _IS_CURRENT)
    .order_by(_dossier.c.numero)
)


class VerdictReads(SharingReads):
    """Reads what is to be judged, and what was."""

    def judgeable(self, numbers: Sequence[DossierNumber]) -> list[Judgeable]:
        """Return these dossiers as far as they are known and not erased, by number."""
        return self._judgeable(_JUDGEABLE.where(_dossier.c.numero.in_(numbers)))

    def evaluation_numbers(self, *, everything_open: bool = False) -> list[DossierNumber]:
        """Return who waits for a verdict; on demand with all that is present and open."""
        waits = and_(*self._waits())
        if everything_open:
            waits = or_(waits, and_(*self._is_open()))
        return list(
            self._connection.scalars(
                select(_dossier.c.numero).where(waits).order_by(_dossier.c.numero)
            )
        )

    def undetermined(self) -> list[DossierNumber]:
        """Return the dossiers shown whose evidence could not be had, finished ones included."""
        return list(
            self._connection.scalars(
                select(_dossier.c.numero)
                .join(_verdict, _IS_CURRENT)
                .where(
                    _dossier.c.demarche_numero == self._number,
                    _dossier.c.presence == Presence.PRESENT.value,
                    _verdict.c.verdict == Verdict.INDETERMINE.value,
                )
                .order_by(_dossier.c.numero)
            )
        )

    def addresses(self, numbers: Sequence[DossierNumber]) -> list[Address]:
        """Return what naming these dossiers' products needs."""
        statement = (
            select(
                _dossier.c.numero,
                _candidature.c.page_produit,
                _dossier.c.produit_id,
                _dossier.c.par_sa_fiche,
                _verdict.c.preuve_produit,
            )
            .join(_candidature, _candidature.c.numero == _dossier.c.numero)
            .outerjoin(_verdict, _IS_CURRENT)
            .order_by(_dossier.c.numero)
        )
        return [
            Address(
                DossierNumber(row.numero),
                row.page_produit,
                NamedId(row.produit_id, bool(row.par_sa_fiche)),
                row.preuve_produit,
            )
            for row in self._connection.execute(statement.where(_dossier.c.numero.in_(numbers)))
        ]

    def current_verdicts(self) -> list[tuple[datetime, StoredVerdict]]:
        """Return the current verdicts that are not erased, with the dossiers' dates of deposit."""
        rows = self._connection.execute(
            select(_dossier.c.numero, _dossier.c.depose_le, *_VERDICT_COLUMNS)
            .join(_verdict, _IS_CURRENT)
            .where(_dossier.c.demarche_numero == self._number, _dossier.c.efface_le.is_(None))
        )
        return [(row.depose_le, _stored(row)) for row in rows]

    def _judgeable(self, statement: Any) -> list[Judgeable]:
        rows = self._connection.execute(statement).all()
        wished = self._wished([row.numero for row in rows])
        return [
            Judgeable(
                candidature=candidature_of(row),
                presence=Presence(row.presence),
                inputs_hash=row.inputs_hash,
                product=NamedId(row.produit_id, bool(row.par_sa_fiche)),
                current=None if row.v_id is None else _stored(row),
                wished=wished.get(row.numero, {}),
            )
            for row in rows
        ]

    def _wished(self, numbers: Sequence[DossierNumber]) -> dict[int, dict[str, str | None]]:
        wished: dict[int, dict[str, str | None]] = {}
        for numero, annotation, valeur in self._connection.execute(
            select(_outbox.c.numero, _outbox.c.annotation, _outbox.c.valeur).where(
                _outbox.c.numero.in_(numbers), _outbox.c.courante
            )
        ):
            wished.setdefault(numero, {})[annotation] = valeur
        return wished

    def _waits(self) -> tuple[Any, ...]:
        return (
            _dossier.c.demarche_numero == self._number,
            _dossier.c.a_evaluer,
            _dossier.c.presence == Presence.PRESENT.value,
        )

    def _is_open(self) -> tuple[Any, ...]:
        return (
            _dossier.c.demarche_numero == self._number,
            _dossier.c.presence == Presence.PRESENT.value,
            _dossier.c.etat.in_(_OPEN),
        )


class VerdictWrites(VerdictReads, SharingWrites, JournalWrites):
    """Writes what was judged."""

    def save_verdicts(
        self, run: int, verdicts: Sequence[NewVerdict], now: datetime
    ) -> list[DossierNumber]:
        """Make these the current verdicts; return the dossiers for which one was given.

        A verdict on the same grounds that reads the same is not given again: only its remark is
        brought up to date. One that reads the same on other grounds gets a row, and no event.
        """
        given = {verdict.numero: verdict for verdict in verdicts}
        current = self._current(list(given))
        known = {
            numero for numero, verdict in given.items() if _is_known(current.get(numero), verdict)
        }
        fresh = [verdict for numero, verdict in given.items() if numero not in known]
        self._remark([given[numero] for numero in known], current)
        replaced = [verdict.numero for verdict in fresh if verdict.numero in current]
        if replaced:
            self._connection.execute(
                update(_verdict)
                .where(_verdict.c.numero.in_(replaced), _verdict.c.courant)
                .values(courant=False)
            )
        rows, events = [], []
        for verdict in fresh:
            before = current.get(verdict.numero)
            reads_same = before is not None and _reads_same(before, verdict)
            since = before.depuis_le if before is not None and reads_same else now
            rows.append(self._row(verdict, now, since))
            if not reads_same:
                events.append(NewEvent(verdict.numero, "verdict", _changes(before, verdict)))
        insert_rows(self._connection, _verdict, rows)
        self.record_events(run, events, now)
        return [verdict.numero for verdict in fresh]

    def _remark(self, verdicts: Iterable[NewVerdict], current: Mapping[int, Row[Any]]) -> None:
        """Bring the remarks beside verdicts that stand up to date."""
        update_rows(
            self._connection,
            _verdict,
            [
                {"id": current[verdict.numero].id, "remarque": verdict.decision.remarque}
                for verdict in verdicts
                if current[verdict.numero].remarque != verdict.decision.remarque
            ],
        )

    def name_products(self, products: Mapping[DossierNumber, NamedId]) -> list[DossierNumber]:
        """Store which product each dossier names, of those that name another one than before.

        Returns:
            Whom this concerns: they, and the open dossiers for the products that they leave or
            come to. All of them wait for a verdict from now on.
        """
        left = self.queue_sharing(list(products))
        update_rows(
            self._connection,
            _dossier,
            [
                {
                    "numero": numero,
                    "produit_id": product.id,
                    "par_sa_fiche": product.by_page,
                    "a_evaluer": True,
                }
                for numero, product in products.items()
            ],
        )
        return sorted({*products, *left, *self.queue_sharing(list(products))})

    def close_evaluation(self, numbers: Sequence[DossierNumber]) -> None:
        """Take these dossiers out of the queue."""
        self._connection.execute(
            update(_dossier)
            .where(_dossier.c.numero.in_(numbers), _dossier.c.a_evaluer)
            .values(a_evaluer=False)
        )

    def _current(self, numbers: Sequence[DossierNumber]) -> dict[int, Row[Any]]:
        statement = select(*(_verdict.c[name] for name in _COMPARED))
        return {
            row.numero: row
            for row in self._connection.execute(
                statement.where(_verdict.c.numero.in_(numbers), _verdict.c.courant)
            )
        }

    def _row(self, verdict: NewVerdict, now: datetime, since: datetime) -> dict[str, Any]:
        decision = verdict.decision
        product = decision.preuve_produit
        return {
            "numero": verdict.numero,
            "demarche_numero": self._number,
            "verdict": decision.verdict.value,
            "detail": decision.detail,
            "etabli_le": now,
            "depuis_le": since,
            "version_regles": decision.version_regles,
            "inputs_hash": verdict.inputs_hash,
            "preuve_hash": decision.preuve_hash,
            "doublons": written(sorted(verdict.doublons)),
            "controles": written(decision.controles),
            "produit_id": decision.produit_id,
            "phase_constatee": decision.phase_constatee,
            "incubateur_constate": decision.incubateur_constate,
            "type_administration": decision.type_administration,
            "preuve_produit": None if product is None else written(product),
            "remarque": decision.remarque,
            "courant": True,
        }


_COMPARED = (
    "id",
    "numero",
    "verdict",
    "detail",
    "depuis_le",
    "version_regles",
    "inputs_hash",
    "preuve_hash",
    "doublons",
    "controles",
    "preuve_produit",
    "remarque",
)


def _reads_same(current: Row[Any], verdict: NewVerdict) -> bool:
    """Whether a reader of result and text would see no difference."""
    decision = verdict.decision
    return (current.verdict, current.detail) == (decision.verdict.value, decision.detail)


def _is_known(current: Row[Any] | None, verdict: NewVerdict) -> bool:
    """Whether the current verdict is this one, on the same grounds; its remark apart."""
    if current is None or not _reads_same(current, verdict):
        return False
    decision = verdict.decision
    return (
        current.version_regles,
        current.inputs_hash,
        current.preuve_hash,
        tuple(current.doublons or ()),
        written(current.preuve_produit),
    ) == (
        decision.version_regles,
        verdict.inputs_hash,
        decision.preuve_hash,
        tuple(sorted(verdict.doublons)),
        written(decision.preuve_produit),
    )


def _changes(current: Row[Any] | None, verdict: NewVerdict) -> dict[str, Json]:
    """Return what the event of a verdict says: both results, and which checks changed."""
    decision = verdict.decision
    said: dict[str, Json] = {
        "verdict": decision.verdict.value,
        "avant": None if current is None else str(current.verdict),
    }
    if current is None:
        return said
    before = {controle.controle: controle for controle in current.controles or ()}
    results: dict[str, Json] = {}
    texts: list[Json] = []
    for now in decision.controles:
        then = before.get(now.controle)
        if then is None or then.resultat is not now.resultat:
            results[now.controle] = {
                "avant": None if then is None else then.resultat.value,
                "apres": now.resultat.value,
            }
        elif then.motif != now.motif:
            texts.append(now.controle)
    said["controles"] = results
    if texts:
        said["textes"] = texts
    return said


def _stored(row: Row[Any]) -> StoredVerdict:
    return StoredVerdict(
        id=row.v_id,
        numero=DossierNumber(row.numero),
        verdict=_VERDICTS[row.v_verdict],
        detail=row.v_detail or "",
        etabli_le=row.v_etabli_le,
        depuis_le=row.v_depuis_le,
        version_regles=row.v_version_regles,
        inputs_hash=row.v_inputs_hash,
        preuve_hash=row.v_preuve_hash,
        doublons=tuple(row.v_doublons or ()),
        controles=row.v_controles or (),
        produit_id=row.v_produit_id,
        phase_constatee=row.v_phase_constatee,
        type_administration=row.v_type_administration,
        preuve_produit=row.v_preuve_produit,
        remarque=row.v_remarque,
    )
