"""What is to be judged, and the verdicts given. A verdict once given is never rewritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, or_, select, update

from dsync.domain.dossier import OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.domain.written import written
from dsync.store import tables
from dsync.store.journal import JournalWrites
from dsync.store.records import (
    Address,
    Judgeable,
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
        "version_regles",
        "inputs_hash",
        "preuve_hash",
        "doublons",
        "controles",
        "produit_id",
        "phase_constatee",
        "type_administration",
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
        _dossier.c.archive,
        _dossier.c.inputs_hash,
        _dossier.c.produit_id,
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
                _verdict.c.verdict,
                _verdict.c.controles,
            )
            .join(_candidature, _candidature.c.numero == _dossier.c.numero)
            .outerjoin(_verdict, _IS_CURRENT)
            .order_by(_dossier.c.numero)
        )
        return [
            Address(
                DossierNumber(row.numero),
                row.page_produit,
                row.produit_id,
                _VERDICTS.get(row.verdict),
                row.controles or (),
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
                archive=row.archive,
                inputs_hash=row.inputs_hash,
                produit_id=row.produit_id,
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

    def save_verdicts(self, run: int, verdicts: Sequence[NewVerdict], now: datetime) -> None:
        """Make these the current verdicts; the same act twice leaves one row."""
        current = self._current([verdict.numero for verdict in verdicts])
        fresh = [
            verdict
            for verdict in {verdict.numero: verdict for verdict in verdicts}.values()
            if not _is_same_act(current.get(verdict.numero), verdict, now)
        ]
        replaced = [verdict.numero for verdict in fresh if verdict.numero in current]
        if replaced:
            self._connection.execute(
                update(_verdict)
                .where(_verdict.c.numero.in_(replaced), _verdict.c.courant)
                .values(courant=False)
            )
        insert_rows(self._connection, _verdict, [self._row(verdict, now) for verdict in fresh])
        self.record_events(
            run,
            [
                NewEvent(
                    verdict.numero,
                    "verdict",
                    {
                        "verdict": verdict.decision.verdict.value,
                        "avant": _result_of(current.get(verdict.numero)),
                    },
                )
                for verdict in fresh
            ],
            now,
        )

    def name_products(self, products: Mapping[DossierNumber, str | None]) -> list[DossierNumber]:
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
                {"numero": numero, "produit_id": product, "a_evaluer": True}
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
        names = ("numero", "verdict", "detail", "etabli_le", "inputs_hash", "preuve_hash")
        statement = select(*(_verdict.c[name] for name in names))
        return {
            row.numero: row
            for row in self._connection.execute(
                statement.where(_verdict.c.numero.in_(numbers), _verdict.c.courant)
            )
        }

    def _row(self, verdict: NewVerdict, now: datetime) -> dict[str, Any]:
        decision = verdict.decision
        return {
            "numero": verdict.numero,
            "demarche_numero": self._number,
            "verdict": decision.verdict.value,
            "detail": decision.detail,
            "etabli_le": now,
            "version_regles": decision.version_regles,
            "inputs_hash": verdict.inputs_hash,
            "preuve_hash": decision.preuve_hash,
            "doublons": written(sorted(verdict.doublons)),
            "controles": written(decision.controles),
            "produit_id": decision.produit_id,
            "phase_constatee": decision.phase_constatee,
            "type_administration": decision.type_administration,
            "remarque": decision.remarque,
            "courant": True,
        }


def _result_of(current: Row[Any] | None) -> str | None:
    return None if current is None else str(current.verdict)


def _is_same_act(current: Row[Any] | None, verdict: NewVerdict, now: datetime) -> bool:
    """Whether it was stored already: the same decision on the same grounds at the same instant."""
    decision = verdict.decision
    return current is not None and (
        current.etabli_le,
        current.verdict,
        current.detail,
        current.inputs_hash,
        current.preuve_hash,
    ) == (
        now,
        decision.verdict.value,
        decision.detail,
        verdict.inputs_hash,
        decision.preuve_hash,
    )


def _stored(row: Row[Any]) -> StoredVerdict:
    return StoredVerdict(
        id=row.v_id,
        numero=DossierNumber(row.numero),
        verdict=_VERDICTS[row.v_verdict],
        detail=row.v_detail or "",
        etabli_le=row.v_etabli_le,
        version_regles=row.v_version_regles,
        inputs_hash=row.v_inputs_hash,
        preuve_hash=row.v_preuve_hash,
        doublons=tuple(row.v_doublons or ()),
        controles=row.v_controles or (),
        produit_id=row.v_produit_id,
        phase_constatee=row.v_phase_constatee,
        type_administration=row.v_type_administration,
        remarque=row.v_remarque,
    )
