"""The keys by which checks compare answers of dossiers: a keyed hash, by dossier and check."""

from __future__ import annotations

import hmac
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from sqlalchemy import bindparam, delete, select

from dsync.domain.dossier import COUNTED_ETATS
from dsync.domain.due import FIRST
from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.programme import Row, Values
from dsync.store import tables
from dsync.store.queue import QueueWrites
from dsync.store.sql import Subject, among, first_of, insert_rows, is_shown, update_rows
from dsync.store.sync_state import StateReads, StateWrites

_cle, _dossier = tables.cle, tables.dossier


_OWN = select(_cle.c.numero, _cle.c.controle, _cle.c.cle).where(among(_cle.c.numero, "numbers"))
# Keys are of one démarche: as a condition, SQLite would go through all its dossiers.
_SAME_KEY = first_of(
    select(_dossier.c.numero, _dossier.c.depose_le, _cle.c.cle)
    .join(_cle, _cle.c.numero == _dossier.c.numero)
    .where(
        _cle.c.cle.in_(bindparam("keys", expanding=True)),
        is_shown(COUNTED_ETATS),
    ),
    "cle",
)


class KeyReads(Subject):
    """Reads keys."""

    def changed(self, compared: Values) -> Values:
        """Return those of these dossiers of which the stored keys are not of these values."""
        found: dict[DossierNumber, dict[str, str]] = {numero: {} for numero in compared}
        for numero, controle, cle in self.connection.execute(_OWN, {"numbers": compared}):
            found[DossierNumber(numero)][controle] = cle
        secret = StateReads(self.scope).read().cle_secrete
        return {
            numero: some
            for numero, some in compared.items()
            if some.keys() != found[numero].keys()
            # Without a secret there are no keys yet.
            or any(_key_of(secret or "", k, v) != found[numero][k] for k, v in some.items())
        }

    def doublons(
        self, numbers: Sequence[DossierNumber]
    ) -> Mapping[DossierNumber, Mapping[str, Sequence[DossierNumber]]]:
        """Return the first other open or accepted dossiers with the same keys, by deposits."""
        own = self.connection.execute(_OWN, {"numbers": numbers}).all()
        first = defaultdict[str, list[DossierNumber]](list)
        for row in self.connection.execute(_SAME_KEY, {"keys": [*{row.cle for row in own}]}):
            first[row.cle].append(row.numero)
        found = defaultdict[DossierNumber, dict[str, list[DossierNumber]]](dict)
        for numero, controle, cle in own:
            if others := [one for one in first[cle] if one != numero][: FIRST - 1]:
                found[numero][controle] = others
        return found


class KeyWrites(KeyReads):
    """Writes keys."""

    def replace(self, compared: Values, columns: Sequence[Row] = ()) -> set[DossierNumber]:
        """Store what dossiers are compared by, in place of what it was.

        Returns these dossiers, and those that are compared with them, which are queued with them.
        `columns` are as in `programme.Compared`.
        """
        numbers = sorted({*compared, *(DossierNumber(row["numero"]) for row in columns)})
        if not numbers:
            return set()
        secret = self._secret() if compared else ""
        rows = [
            {"numero": numero, "controle": controle, "cle": _key_of(secret, controle, values)}
            for numero, some in compared.items()
            for controle, values in some.items()
        ]
        with QueueWrites(self.scope).changing(numbers) as affected:
            self.connection.execute(delete(_cle).where(among(_cle.c.numero, [*compared])))
            insert_rows(self.connection, _cle, rows)
            if part := self.programme.lists:
                update_rows(self.connection, part.table, columns)
                self.touch(row["numero"] for row in columns)
        return affected

    def _secret(self) -> str:
        """Return the démarche's secret, made at its first use."""
        state = StateWrites(self.scope)
        secret = state.read().cle_secrete
        if secret is None:
            secret = secrets.token_hex(16)
            state.save(cle_secrete=secret)
        return secret


def _key_of(secret: str, controle: str, values: Sequence[object]) -> str:
    """Return the key by which a check compares these values, from which they cannot be had."""
    return hmac.new(secret.encode(), json_bytes([controle, values]), sha256).hexdigest()
