"""Copies all rows of a database into another one, of either engine, and compares both by hashes.

A database whose tables are those of no release, such as one that an unreleased dsync made, is
copied as far as its tables have what is needed: `Copied.left_out` has the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, Connection, Table, func, inspect, select, text

from dsync.domain.check_answers import points_of
from dsync.domain.json_bytes import json_bytes
from dsync.domain.verdict import Controle
from dsync.domain.wording import searchable
from dsync.errors import ConfigurationError, StoreError
from dsync.programme import Programme
from dsync.store import tables
from dsync.store.columns import BigKey, JsonText, RawJson
from dsync.store.layout import Found
from dsync.store.seals import SEALED, as_text, seal, sealed, sum_up
from dsync.store.sql import insert_rows

NOT_COPIED = frozenset({"lease", "service", "turn", "budget", "layout", "colonne"})
"""Tables about processes that work on the database itself."""
_ROWS_PER_INSERT = 500
_MODULUS = 2**128


class Copied(NamedTuple):
    """What was copied."""

    rows: dict[str, int]
    """The number of rows by table."""
    is_completed: bool
    """Whether the source had the tables of no release."""
    left_out: list[str]
    """Tables that lacked a column without which their rows cannot be kept."""


class Digest(NamedTuple):
    """What two equal tables have in common, whatever the engine and the order of their rows."""

    rows: int
    hashes: int
    """The sum of the hashes of all rows."""


def copy_all(
    source: Connection,
    target: Connection,
    programme: type[Programme],
    place: str,
    former: Found | None = None,
) -> Copied:
    """Copy all rows but those about processes, and compare what was stored with what was read.

    It is one transaction of the target, which the caller commits; `place` is its name for messages.
    `former` is what the source has, if these are the tables of no release: the next run then reads
    every dossier whole, and stores what those tables did not have.

    Raises:
        ConfigurationError: the target has rows.
        StoreError: it stored something else than it was given.
    """
    own = [*tables.metadata.sorted_tables, *programme.storage.metadata.sorted_tables]
    used = (table for table in own if table.name not in ("layout", "colonne"))
    if any(target.execute(select(table).limit(1)).first() for table in used):
        raise ConfigurationError(
            f"{place} is not empty, and was left as it was: name a new database. An empty one is "
            "made by `createdb`, or by SQLite itself."
        )
    copied = [table for table in own if table.name not in NOT_COPIED]
    left_out = []
    complete: Completion | None = None
    if former is not None:
        complete = Completion(source, former)
        left_out = [table.name for table in copied if not complete.can_be_copied(table)]
        if "produit" in left_out:
            # The next run then reads the catalogue whole, and stores its products.
            left_out.append("evidence")
        copied = [table for table in copied if table.name not in left_out]
    digests: dict[str, Digest] = {}
    for table in copied:
        digest = Digest(0, 0)
        columns = complete.present(table) if complete else [*table.columns]
        for rows in _parts(source, table, columns):
            whole = [complete.completed(table, row) for row in rows] if complete else rows
            digest = _added(digest, table, whole)
            insert_rows(target, table, whole)
        digests[table.name] = digest
    for table in copied:
        digest = Digest(0, 0)
        for rows in _parts(target, table, [*table.columns]):
            digest = _added(digest, table, rows)
        if digest != digests[table.name]:
            raise StoreError(
                f"{place} does not give back the rows of table {table.name} as they were copied: "
                "nothing was stored. Try again; if it happens again, report it."
            )
        _continue_numbers(target, table)
    if former is not None:
        sum_up(target)
        if tables.version_regles not in copied:
            insert_rows(target, tables.version_regles, former_rules(source))
    return Copied(
        {name: digest.rows for name, digest in digests.items()},
        former is not None,
        [name for name in left_out if former and name in former.tables],
    )


def former_rules(connection: Connection) -> list[dict[str, Any]]:
    """Return the rules that stand in the two tables of before, as rows of `version_regles`."""
    rules, found = tables.version_regles, []
    plain = ("version", "depuis_le", "revision")
    for name, famille in (("regle", None), ("declaration", "c-")):
        if not inspect(connection).has_table(name):
            continue
        former = text(f"SELECT * FROM {name}").columns(depuis_le=rules.c.depuis_le.type)  # noqa: S608 - a name of ours
        for row in connection.execute(former).mappings():
            values = {k: v if k in plain else _decoder.decode(v or "null") for k, v in row.items()}
            new = {name: values[name] for name in ("version", "depuis_le")} | {"famille": famille}
            del values["depuis_le"]
            new["prive"] = None if famille else {"derogations": values.pop("derogations", None)}
            new["document"] = values.get("document") or values
            found.append(sealed(rules, new))
    return found


def _parts(
    connection: Connection, table: Table, columns: Sequence[Column[Any]]
) -> Iterator[list[dict[str, Any]]]:
    """Yield a table's rows in lists, JSON as bytes: it is neither decoded nor encoded."""
    json = [column.name for column in columns if isinstance(column.type, JsonText)]
    options = {"yield_per": _ROWS_PER_INSERT}
    with connection.execute(select(*as_text(columns)), execution_options=options) as found:
        # Without the size, SQLite's driver gives one row at a time.
        for part in found.mappings().partitions(_ROWS_PER_INSERT):
            rows = [dict(row) for row in part]
            for row in rows:
                # `JsonText` stores bytes as they are, and would encode a text once more.
                row.update({name: row[name].encode() for name in json if row[name] is not None})
            yield rows


class Completion:
    """Completes the rows of tables that lack columns."""

    def __init__(self, source: Connection, former: Found) -> None:
        self._columns = {
            name: {line.split()[0].partition(".")[2] for line in lines}
            for name, lines in former.tables.items()
        }
        self._demarches: dict[int, int] = {}
        if "numero" in self._columns.get("dossier", ()):
            numbers = select(tables.dossier.c.numero, tables.dossier.c.demarche_numero)
            self._demarches = {numero: of for numero, of in source.execute(numbers)}

    def present(self, table: Table) -> list[Column[Any]]:
        """Return the columns that are there."""
        return [one for one in table.columns if one.name in self._columns[table.name]]

    def can_be_copied(self, table: Table) -> bool:
        """Whether the table is there, with each column that rows must have and cannot be given."""
        known = self._columns.get(table.name)
        return known is not None and all(
            one.name in known or one.nullable or f"{table.name}.{one.name}" in _GIVEN
            for one in table.columns
        )

    def completed(self, table: Table, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with every column."""
        row = dict.fromkeys(table.columns.keys()) | row
        for column in table.columns:
            give = _GIVEN.get(f"{table.name}.{column.name}")
            if give is not None and row[column.name] is None:
                row[column.name] = give(row, self._demarches)
        if table is tables.dossier:
            # It counts as changed at the next read, by which all its rows are written.
            row["content_hash"] = None
        elif table is tables.sync_state:
            row |= {"watermark": None, "full_cursor": None, "last_full_at": None}
        if table in SEALED and not (table is tables.sync_run and row["code"] is None):
            # Former seals were made in other ways; a run under way, or killed, has none.
            row["sceau"] = seal(table, row)
        return row


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)
_controles = msgspec.json.Decoder(tuple[Controle, ...])
_GIVEN: dict[str, Callable[[dict[str, Any], Mapping[int, int]], Any]] = {
    "contenu.demarche_numero": lambda row, demarches: demarches[row["numero"]],
    "candidature.demarche_numero": lambda row, demarches: demarches[row["numero"]],
    "produit.recherche": lambda row, _: searchable(
        row["id"], row["nom"], *_decoder.decode(row["anciens_noms"] or b"[]")
    ),
    "verdict.points": lambda row, _: points_of(_controles.decode(row["controles"] or b"[]")),
    "demarche.vues_a_refaire": lambda *_: False,
    "demarche.ouverts": lambda *_: b"[]",
    "demarche.avis": lambda *_: b"{}",
    "demarche.origines": lambda *_: b"[]",
    "demarche.couleurs": lambda *_: b"{}",
}
"""What columns get that have a value, and that unreleased versions of dsync did not have."""


def _added(digest: Digest, table: Table, rows: list[dict[str, Any]]) -> Digest:
    raw = [column.name for column in table.columns if isinstance(column.type, RawJson)]
    hashes = digest.hashes
    for row in rows:
        # `jsonb` has an order of keys and a form of numbers of its own.
        plain = {name: _decoder.decode(row[name] or b"null") for name in raw}
        texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()}
        hashes += int.from_bytes(sha256(json_bytes(texts | plain)).digest()[:16])
    return Digest(digest.rows + len(rows), hashes % _MODULUS)


def _continue_numbers(target: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after the copied ones; SQLite does so by itself."""
    key = table.autoincrement_column
    if key is None or not isinstance(key.type, BigKey) or target.dialect.name != "postgresql":
        return
    last = target.scalar(select(func.max(key)))
    if last is not None:
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        target.execute(select(func.setval(sequence, last)))
