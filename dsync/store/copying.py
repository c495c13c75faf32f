"""Copies all rows of a database into another one, of either engine, and compares both by hashes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, func, select

from dsync.domain.json_bytes import json_bytes
from dsync.errors import ConfigurationError, StoreError
from dsync.programme import Programme
from dsync.store import tables
from dsync.store.columns import BigKey, JsonText, RawJson
from dsync.store.seals import as_text
from dsync.store.sql import insert_rows

NOT_COPIED = frozenset({"lease", "service", "turn", "budget"})
"""Tables about processes that work on the database itself."""
_ROWS_PER_INSERT = 500
_MODULUS = 2**128


class Digest(NamedTuple):
    """What two equal tables have in common, whatever the engine and the order of their rows."""

    rows: int
    hashes: int
    """The sum of the hashes of all rows."""


def copy_all(
    source: Connection, target: Connection, programme: type[Programme], place: str
) -> dict[str, int]:
    """Copy all rows but those about processes, and compare what was stored with what was read.

    Args:
        source: to the database that is read.
        target: to the database that is written, in a transaction that the caller commits.
        programme: the programme's part of both.
        place: the name of the target for messages.

    Returns:
        The number of rows by table.

    Raises:
        ConfigurationError: the target has rows.
        StoreError: it stored something else than it was given.
    """
    own = [*tables.metadata.sorted_tables, *programme.metadata.sorted_tables]
    if any(target.execute(select(table).limit(1)).first() for table in own):
        raise ConfigurationError(
            f"{place} is not empty, and was left as it was: name a new database. An empty one is "
            "made by `createdb`, or by SQLite itself."
        )
    copied = [table for table in own if table.name not in NOT_COPIED]
    digests: dict[str, Digest] = {}
    for table in copied:
        digest = Digest(0, 0)
        for rows in _parts(source, table):
            digest = _added(digest, table, rows)
            insert_rows(target, table, rows)
        digests[table.name] = digest
    for table in copied:
        digest = Digest(0, 0)
        for rows in _parts(target, table):
            digest = _added(digest, table, rows)
        if digest != digests[table.name]:
            raise StoreError(
                f"{place} does not give back the rows of table {table.name} as they were copied: "
                "nothing was stored. Try again; if it happens again, report it."
            )
        _continue_numbers(target, table)
    return {name: digest.rows for name, digest in digests.items()}


def _parts(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield a table's rows in lists, JSON as bytes: it is neither decoded nor encoded."""
    json = [column.name for column in table.columns if isinstance(column.type, JsonText)]
    options = {"yield_per": _ROWS_PER_INSERT}
    with connection.execute(select(*as_text(table.columns)), execution_options=options) as found:
        # Without the size, SQLite's driver gives one row at a time.
        for part in found.mappings().partitions(_ROWS_PER_INSERT):
            rows = [dict(row) for row in part]
            for row in rows:
                # `JsonText` stores bytes as they are, and would encode a text once more.
                row.update({name: row[name].encode() for name in json if row[name] is not None})
            yield rows


def _added(digest: Digest, table: Table, rows: list[dict[str, Any]]) -> Digest:
    raw = [column.name for column in table.columns if isinstance(column.type, RawJson)]
    hashes = digest.hashes
    for row in rows:
        # `jsonb` has an order of keys and a form of numbers of its own.
        plain = {name: _decoder.decode(row[name] or b"null") for name in raw}
        texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()}
        hashes += int.from_bytes(sha256(json_bytes(texts | plain)).digest()[:16])
    return Digest(digest.rows + len(rows), hashes % _MODULUS)


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


_decoder = msgspec.json.Decoder(float_hook=_number)


def _continue_numbers(target: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after the copied ones; SQLite does so by itself."""
    key = table.autoincrement_column
    if key is None or not isinstance(key.type, BigKey) or target.dialect.name != "postgresql":
        return
    last = target.scalar(select(func.max(key)))
    if last is not None:
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        target.execute(select(func.setval(sequence, last)))
