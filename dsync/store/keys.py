"""The keys by which checks compare answers of dossiers: a keyed hash, by dossier and check."""

from __future__ import annotations

import hmac
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from sqlalchemy import and_, delete, insert, select

from dsync.domain.dossier import COUNTED_ETATS
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.programme import ProgrammeRun
from dsync.store import tables
from dsync.store.queue import QueueWrites
from dsync.store.sql import Scope, Subject, among

_cle, _dossier = tables.cle, tables.dossier
Keys = Mapping[DossierNumber, Mapping[str, str]]
"""By dossier, then by check."""


def secret_of(run: ProgrammeRun) -> bytes:
    """Return the démarche's secret for `key_of`, made at its first use."""
    with run.reading() as reader:
        secret: str | None = reader.state.read().cle_secrete
    if secret is None:
        secret = secrets.token_hex(16)
        with run.transaction() as tx:
            tx.state.save(cle_secrete=secret)
    return secret.encode()


def key_of(secret: bytes, controle: str, *compared: object) -> str:
    """Return the key by which a check compares these values, from which they cannot be had."""
    return hmac.new(secret, json_bytes([controle, compared]), sha256).hexdigest()


class KeyReads(Subject):
    """Reads keys."""

    def of(self, numbers: Sequence[DossierNumber]) -> Keys:
        """Return the keys of dossiers."""
        found: dict[DossierNumber, dict[str, str]] = {number: {} for number in numbers}
        rows = select(_cle.c.numero, _cle.c.controle, _cle.c.cle).where(
            among(_cle.c.numero, numbers)
        )
        for numero, controle, cle in self.connection.execute(rows):
            found[DossierNumber(numero)][controle] = cle
        return found

    def doublons(
        self, numbers: Sequence[DossierNumber]
    ) -> Mapping[DossierNumber, Mapping[str, Sequence[int]]]:
        """Return the other open or accepted dossiers with the same keys, by dossier and check."""
        other = _cle.alias("autre")
        counts = select(_dossier.c.numero).where(
            _dossier.c.numero == other.c.numero,
            self._is_present(),
            _dossier.c.etat.in_([etat.value for etat in COUNTED_ETATS]),
        )
        rows = self.connection.execute(
            select(_cle.c.numero, _cle.c.controle, other.c.numero.label("autre"))
            .join(other, and_(other.c.cle == _cle.c.cle, other.c.numero != _cle.c.numero))
            # Not a join: SQLite would go through all dossiers of the démarche.
            .where(among(_cle.c.numero, numbers), counts.exists())
            .order_by(other.c.numero)
        )
        found: dict[DossierNumber, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for numero, controle, autre in rows:
            found[DossierNumber(numero)][controle].append(autre)
        return found


class KeyWrites(KeyReads):
    """Writes keys."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._queue = QueueWrites(scope)

    def replace(self, keys: Keys) -> set[DossierNumber]:
        """Store the keys of dossiers in place of their former ones.

        Returns:
            These dossiers, and those that are compared with them, which are queued with them.
        """
        numbers = list(keys)
        rows = [
            {"numero": numero, "controle": controle, "cle": cle}
            for numero, some in keys.items()
            for controle, cle in some.items()
        ]
        with self._queue.changing(numbers) as affected:
            self.connection.execute(delete(_cle).where(among(_cle.c.numero, numbers)))
            if rows:
                self.connection.execute(insert(_cle), rows)
        return affected
