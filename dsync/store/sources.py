"""Copies of outside evidence: catalogues as fetched, and the registry's answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select

from dsync.domain.written import written
from dsync.eligibility import KnownProduct
from dsync.store import tables
from dsync.store.records import CLOCK_TOLERANCE, EvidenceCopy, RegistryCopy
from dsync.store.section import Section
from dsync.store.sql import upsert

_REFUSED = ("refused_sha256", "refused_since", "refused_times", "refused_message")


class SourceReads(Section):
    """Reads them."""

    def evidence(self, source: str) -> EvidenceCopy | None:
        """Return the last good copy of a source, None when it was never asked."""
        table = tables.evidence
        row = self._connection.execute(select(table).where(table.c.source == source)).one_or_none()
        return None if row is None else EvidenceCopy(**row._asdict())

    def registry(self, sirens: Iterable[str], now: datetime) -> dict[str, RegistryCopy]:
        """Return the registry's answers that are still fresh, by SIREN."""
        table = tables.registre
        return {
            row.siren: RegistryCopy(row.siren, row.answer, row.fetched_at, row.expires_at)
            for row in self._connection.execute(
                select(table).where(
                    table.c.siren.in_(sirens),
                    table.c.expires_at > now,
                    table.c.fetched_at <= now + CLOCK_TOLERANCE,
                )
            )
        }

    def known_products(self) -> tuple[KnownProduct, ...]:
        """Return every product that a catalogue ever showed, by id."""
        table = tables.produit
        columns = [table.c[name] for name in KnownProduct._fields]
        rows = self._connection.execute(select(*columns).order_by(table.c.id))
        return tuple(KnownProduct(*row) for row in rows)


class SourceWrites(SourceReads):
    """Writes them."""

    def save_evidence(self, copy: EvidenceCopy) -> None:
        """Keep a copy as the last good one."""
        upsert(self._connection, tables.evidence, [asdict(copy)])

    def save_products(self, products: Iterable[KnownProduct]) -> None:
        """Keep products as the catalogue now shows them; those that it lacks stay."""
        rows = [
            {
                **product._asdict(),
                "anciens_noms": written(product.anciens_noms),
                "phases": written(product.phases),
            }
            for product in products
        ]
        upsert(self._connection, tables.produit, rows)

    def evidence_checked(self, source: str, now: datetime, erreur: str | None = None) -> None:
        """Note a check that brought no new copy: the old one confirmed, or a failure."""
        row: dict[str, Any] = {"source": source, "checked_at": now, "erreur": erreur}
        if erreur is None:
            row |= {"confirmed_at": now, **dict.fromkeys(_REFUSED)}
        upsert(self._connection, tables.evidence, [row])

    def refuse_evidence(
        self, source: str, now: datetime, *, sha256: str, erreur: str, message: str
    ) -> None:
        """Note a newer copy that the safety brake stopped; the last good one stays.

        Args:
            source: of the copy.
            now: the instant of the check.
            sha256: of the copy that was stopped.
            erreur: why, with the remedy, for operators.
            message: the same in French, for analysts.
        """
        before = self.evidence(source)
        since = before.refused_since if before else None
        times = (before.refused_times if before else None) or 0
        values = (sha256, since or now, times + 1, message)
        row = {"source": source, "checked_at": now, "erreur": erreur}
        row |= dict(zip(_REFUSED, values, strict=True))
        upsert(self._connection, tables.evidence, [row])

    def save_registry(self, answers: Sequence[RegistryCopy]) -> None:
        """Keep answers of the registry."""
        upsert(
            self._connection,
            tables.registre,
            [{**copy._asdict(), "answer": written(copy.answer)} for copy in answers],
        )
