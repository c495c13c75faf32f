"""Copies all rows of a database into another one, of either engine, and compares both by hashes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, Text, cast, func, select

from dsync.domain.json_bytes import json_bytes
from dsync.errors import ConfigurationError, StoreError
from dsync.programme import Programme
from dsync.store.columns import BigKey, JsonText, RawJson
from dsync.store.dictionary import all_tables
from dsync.store.seals import as_text
from dsync.store.sql import AT_ONCE, Rows, among, insert_rows, update_rows

NOT_COPIED = frozenset({"lease", "service", "turn", "budget", "layout", "colonne"})
"""Tables about processes that work on the database itself."""
_MODULUS = 2**128


def copy_all(
    source: Connection, target: Connection, programme: type[Programme], place: str
) -> dict[str, int]:
    """Copy all rows but those about processes, and compare what was stored with what was read.

    It is one transaction of the target, which the caller commits; `place` is its name for messages.
    Returns the number of rows by table.

    Raises:
        ConfigurationError: the target has rows.
        StoreError: it stored something else than it was given.
    """
    own = all_tables(programme)
    used = (table for table in own if table.name not in ("layout", "colonne"))
    if any(target.execute(select(table).limit(1)).first() for table in used):
        raise ConfigurationError(
            f"{place} is not empty, and was left as it was: name a new database. An empty one is "
            "made by `createdb`, or by SQLite itself."
        )
    copied = [table for table in own if table.name not in NOT_COPIED]
    read = {
        table: _digest(table, _inserted(target, table, _parts(source, table))) for table in copied
    }
    for table in copied:
        if _digest(table, _parts(target, table)) != read[table]:
            raise StoreError(
                f"{place} does not give back the rows of table {table.name} as they were copied: "
                "nothing was stored. Try again; if it happens again, report it."
            )
        _continue_numbers(target, table)
    return {table.name: rows for table, (rows, _) in read.items()}


def _inserted(target: Connection, table: Table, parts: Iterable[Rows]) -> Iterator[Rows]:
    for rows in parts:
        insert_rows(target, table, rows)
        yield rows


def _parts(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield a table's rows in lists, JSON as bytes: it is neither decoded nor encoded."""
    json = [column.name for column in table.columns if isinstance(column.type, JsonText)]
    options = {"yield_per": AT_ONCE}
    with connection.execute(select(*as_text(table.columns)), execution_options=options) as found:
        # Without the size, SQLite's driver gives one row at a time.
        for part in found.mappings().partitions(AT_ONCE):
            rows = [dict(row) for row in part]
            for row in rows:
                # `JsonText` stores bytes as they are, and would encode a text once more.
                row.update({name: row[name].encode() for name in json if row[name] is not None})
            yield rows


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)
"""Of JSON in which `1.0` is `1`."""


def rewrite(
    connection: Connection, table: Table, name: str, made: Callable[[Any], dict[str, Any]]
) -> None:
    """Give each row of a table the columns that `made` returns of the JSON in one; to migrate."""
    json, key = cast(table.c[name], Text), table.c.numero
    numbers = connection.scalars(select(key).where(json.is_not(None))).all()
    for start in range(0, len(numbers), AT_ONCE):
        some = among(key, numbers[start : start + AT_ONCE])
        rows = connection.execute(select(key, json).where(some)).all()
        new = [{"numero": numero, **made(msgspec.json.decode(text))} for numero, text in rows]
        update_rows(connection, table, new)


def _digest(table: Table, parts: Iterable[Rows]) -> tuple[int, int]:
    """Return what equal tables have in common, whatever the engine and the order of their rows.

    It is the number of rows, and the sum of their hashes.
    """
    raw = [column.name for column in table.columns if isinstance(column.type, RawJson)]
    count, hashes = 0, 0
    for row in chain.from_iterable(parts):
        # `jsonb` has an order of keys and a form of numbers of its own.
        plain = {name: DECODER.decode(row[name] or b"null") for name in raw}
        texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()}
        hashes += int.from_bytes(sha256(json_bytes(texts | plain)).digest()[:16])
        count += 1
    return count, hashes % _MODULUS


def _continue_numbers(target: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows after the copied ones; SQLite does so by itself."""
    key = table.autoincrement_column
    if key is None or not isinstance(key.type, BigKey) or target.dialect.name != "postgresql":
        return
    last = target.scalar(select(func.max(key)))
    if last is not None:
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        target.execute(select(func.setval(sequence, last)))
