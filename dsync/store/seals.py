"""Seals what cannot be recomputed: a hash in each row, and per table of the history their sum.

The hash shows a row that was changed outside dsync, the sum with the number of rows one that was
added or deleted. A chain, in which each hash includes the one before, would show the same, and
would break at each lawful erasure: here an erasure takes its rows out of the sum and puts in what
is left of them (`changing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    true,
)

from dsync.domain.ids import DossierNumber
from dsync.domain.json_bytes import json_bytes
from dsync.store import tables
from dsync.store.columns import JsonText
from dsync.store.sql import AT_ONCE, Rows, Subject, among, insert_rows, update_rows

_sceau = tables.sceau
_dossier = tables.dossier

_LEFT_OUT: Mapping[Table, frozenset[str]] = {
    tables.evenement: frozenset({"id"}),
    tables.changement: frozenset({"id"}),
    tables.verdict: frozenset({"id", "remarque", "courant"}),
    tables.reponse: frozenset({"id"}),
    tables.accord: frozenset(),
    # Names of agents are erased after their time.
    tables.sync_run: frozenset({"demande_par"}),
    tables.indicateur: frozenset(),
    tables.revision: frozenset(),
    tables.version_regles: frozenset(),
    # What the configuration says is written again by each run.
    tables.demarche: frozenset({"appel", "avis", "vues_a_refaire", "ouverts", "origines"}),
    # What else is in it follows from the contents.
    _dossier: frozenset(_dossier.c.keys())
    - {
        "numero",
        "modifie_le",
        "champs_modifie_le",
        "annotations_modifie_le",
        "expire_le",
        "supprime_par_usager_le",
        "annotations_hash",
        "labels",
    },
}


class _Covered(NamedTuple):
    """The columns that a seal covers."""

    plain: tuple[str, ...]
    floats: tuple[str, ...]
    """Those of `plain` in which a whole number comes back as a float."""
    json: tuple[str, ...]


def _covered(table: Table, left_out: frozenset[str]) -> _Covered:
    columns = [one for one in table.columns if one.name not in {"sceau", *left_out}]
    json = [one for one in columns if isinstance(one.type, JsonText)]
    floats = [one for one in columns if isinstance(one.type, Float)]
    plain = [one for one in columns if one not in json]
    return _Covered(*(tuple(one.name for one in some) for some in (plain, floats, json)))


SEALED = {table: _covered(table, left_out) for table, left_out in _LEFT_OUT.items()}
"""The sealed tables with the columns that the hash covers: those that dsync itself changes later,
in single rows, are left out."""
HISTORY: tuple[Table, ...] = (
    tables.evenement,
    tables.changement,
    tables.verdict,
    tables.reponse,
    tables.accord,
    tables.sync_run,
    tables.indicateur,
)
"""The tables of which no row is missing: the sums are of these."""
# Made once: each list of rows adds to its sum.
_ADD = text(
    "INSERT INTO sceau (demarche_numero, journal, lignes, somme) "
    "VALUES (:of, :journal, :rows, :total) ON CONFLICT (demarche_numero, journal) "
    "DO UPDATE SET lignes = sceau.lignes + excluded.lignes, somme = sceau.somme + excluded.somme"
)
_BITS = 40  # So that a million of them can be added up in 64 bits.


def seal(table: Table, row: Mapping[str, Any]) -> int:
    """Return the hash of a row: of its values by column, JSON as it is stored.

    Without those that are NULL, so that a column that is added later changes no seal.
    """
    plain, floats, json = SEALED[table]
    values = {name: value for name in plain if (value := row.get(name)) is not None}
    values |= {name: float(values[name]) for name in floats}
    digest = sha256(json_bytes(values))
    for name in json:
        if (value := row.get(name)) is not None:
            digest.update(name.encode())
            digest.update(value if isinstance(value, bytes) else value.encode())
    return int.from_bytes(digest.digest()[: _BITS // 8])


def sealed(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its seal, and its JSON encoded once for both."""
    row = dict(row)
    for name in SEALED[table].json:
        if (value := row.get(name)) is not None:
            row[name] = json_bytes(value)
    row["sceau"] = seal(table, row)
    return row


def stores(table: Table, stored: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Return whether a stored row, with JSON as text, has the values of a row to be stored."""
    return all(
        stored[name].encode() == json_bytes(value)
        if stored[name] is not None and isinstance(table.c[name].type, JsonText)
        else stored[name] == value
        for name, value in row.items()
    )


def as_text(columns: Iterable[Column[Any]]) -> list[ColumnElement[Any]]:
    """Return columns to select, JSON as the text that is stored."""
    return [
        cast(one, Text).label(one.name) if isinstance(one.type, JsonText) else one
        for one in columns
    ]


def seal_former(connection: Connection) -> None:
    """Seal the answers of a database from before they were sealed."""
    answers = tables.reponse
    rows = connection.execute(select(*as_text(answers.c)).where(answers.c.sceau.is_(None)))
    new = [{"id": row["id"], "sceau": seal(answers, dict(row))} for row in rows.mappings()]
    if not new:
        return
    update_rows(connection, answers, new)
    connection.execute(delete(_sceau))
    for table in HISTORY:
        total = func.coalesce(func.sum(table.c.sceau), 0)
        sums = select(
            table.c.demarche_numero, literal(table.name), func.count(table.c.sceau), total
        )
        columns = [_sceau.c.demarche_numero, _sceau.c.journal, _sceau.c.lignes, _sceau.c.somme]
        connection.execute(
            insert(_sceau).from_select(columns, sums.group_by(table.c.demarche_numero))
        )


class SealReads(Subject):
    """Reads rows that are not as dsync wrote them."""

    def broken(
        self, numbers: Sequence[DossierNumber] | None = None
    ) -> Iterator[tuple[str, int, list[DossierNumber]]]:
        """Yield the tables with rows whose hash is another one, how many, and their dossiers.

        Of numbers, only rows of these dossiers, and those of none.
        """
        for table in SEALED:
            condition = self._theirs(table)
            if numbers is not None and "numero" in table.c:
                condition = among(table.c.numero, numbers)
            rows = self._rows(table, condition)
            # Numbers alone: of a restored database all rows can be lost.
            lost = [row.get("numero") for row in rows if row["sceau"] != seal(table, row)]
            if lost:
                yield table.name, len(lost), [DossierNumber(n) for n in lost if n]

    def miscounted(self) -> list[str]:
        """Return the tables of which rows are missing, or that have some that were not sealed."""
        columns = _sceau.c.journal, _sceau.c.lignes, _sceau.c.somme
        stored = self.connection.execute(select(*columns).where(self._theirs(_sceau)))
        known = {name: (rows, total) for name, rows, total in stored}
        return [
            one.name
            for one in HISTORY
            if known.get(one.name, (0, 0)) != self._sum(one, self._theirs(one))
        ]

    def _theirs(self, table: Table) -> ColumnElement[bool]:
        if table is tables.version_regles:
            # All démarches share them.
            return true()
        number = table.c.number if table is tables.demarche else table.c.demarche_numero
        return number == self.number

    def _rows(self, table: Table, condition: ColumnElement[bool]) -> Iterator[Mapping[str, Any]]:
        """Yield the rows with what their hash covers, the hash and their keys."""
        plain, _, json = SEALED[table]
        names = {*plain, *json, *table.primary_key.columns.keys(), "sceau"}
        statement = select(*as_text(table.c[name] for name in sorted(names))).where(condition)
        if table is _dossier:
            statement = statement.where(_dossier.c.efface_le.is_(None))
        if table is tables.sync_run:
            # One that is under way, or was killed, has no seal.
            statement = statement.where(table.c.code.is_not(None))
        options = {"yield_per": AT_ONCE}
        with self.connection.execute(statement, execution_options=options) as found:
            for row in found.mappings():
                yield dict(row)

    def _sum(self, table: Table, condition: ColumnElement[bool]) -> tuple[int, int]:
        total = select(func.count(table.c.sceau), func.coalesce(func.sum(table.c.sceau), 0))
        rows, added = self.connection.execute(total.where(condition)).one()
        return int(rows), int(added)


class Seals(SealReads):
    """Writes the rows of the history with their seals."""

    def insert(self, table: Table, rows: Rows) -> None:
        """Insert rows into a table of `HISTORY`."""
        if rows:
            whole = [sealed(table, row) for row in rows]
            insert_rows(self.connection, table, whole)
            self._add(table, len(rows), sum(row["sceau"] for row in whole))
            self.touch(row["numero"] for row in rows if "numero" in row)

    def delete(self, table: Table, condition: ColumnElement[bool]) -> None:
        """Delete rows of a table of `HISTORY`."""
        rows, total = self._sum(table, condition)
        if "numero" in table.c:
            self.touch(self.connection.scalars(select(table.c.numero).where(condition)))
        self.connection.execute(delete(table).where(condition))
        self._add(table, -rows, -total)

    @contextmanager
    def changing(self, table: Table, condition: ColumnElement[bool]) -> Iterator[None]:
        """Seal the rows of a table of `HISTORY` anew that are changed, added or deleted within.

        The condition says which rows may change; it holds for those that are left.
        """
        rows, total = self._sum(table, condition)
        yield
        keys = [column.name for column in table.primary_key]
        new = [
            {**{key: row[key] for key in keys}, "sceau": seal(table, row)}
            for row in self._rows(table, condition)
        ]
        update_rows(self.connection, table, new)
        self._add(table, len(new) - rows, sum(row["sceau"] for row in new) - total)

    def _add(self, table: Table, rows: int, total: int) -> None:
        if rows or total:
            values = {"of": self.number, "journal": table.name, "rows": rows, "total": total}
            self.connection.execute(_ADD, values)
