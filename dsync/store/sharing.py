"""Dossiers for one product: what becomes of one of them has the others judged again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS, Presence
from dsync.domain.ids import DossierNumber
from dsync.store import tables
from dsync.store.section import Section

_dossier = tables.dossier


class SharingReads(Section):
    """Reads who is for a product."""

    def sharing(self, products: Sequence[str]) -> dict[str, list[DossierNumber]]:
        """Return, by product, the dossiers that count for it, by number.

        One that names the product otherwise than by its page is nobody's doublon.
        """
        members: dict[str, list[DossierNumber]] = {}
        rows = self._connection.execute(
            select(_dossier.c.produit_id, _dossier.c.numero)
            .where(
                *self._is_in(COUNTED_ETATS),
                _dossier.c.produit_id.in_(products),
                _dossier.c.par_sa_fiche,
            )
            .order_by(_dossier.c.numero)
        )
        for product, numero in rows:
            members.setdefault(product, []).append(DossierNumber(numero))
        return members

    def _is_in(self, etats: frozenset[Any]) -> tuple[Any, ...]:
        return (
            _dossier.c.demarche_numero == self._number,
            _dossier.c.presence == Presence.PRESENT.value,
            _dossier.c.etat.in_([etat.value for etat in etats]),
        )


class SharingWrites(SharingReads):
    """Queues them."""

    def queue_sharing(self, numbers: Sequence[DossierNumber]) -> list[DossierNumber]:
        """Have the open dossiers for these dossiers' products judged again; return which."""
        if not numbers:
            return []
        products = select(_dossier.c.produit_id).where(
            _dossier.c.numero.in_(numbers), _dossier.c.produit_id.is_not(None)
        )
        return [
            DossierNumber(numero)
            for numero in self._connection.scalars(
                update(_dossier)
                .where(*self._is_in(OPEN_ETATS), _dossier.c.produit_id.in_(products))
                .values(a_evaluer=True)
                .returning(_dossier.c.numero)
            )
        ]
