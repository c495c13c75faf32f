"""The few forms of statement that the store is made of.

Many rows are written by one statement, as each engine takes them fastest. SQLite's driver binds
row after row. PostgreSQL is spared a message and a plan a row: new rows are copied in, and
others come in a single JSON document that the server unfolds (measured: a third of the time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from operator import itemgetter
from typing import Any, Self

import msgspec
from sqlalchemy import Boolean, Connection, Date, Dialect, Table, Text, bindparam
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from dsync.store.columns import JsonText

Rows = Sequence[Mapping[str, Any]]
"""Values by column, the same columns in each row."""
Columns = tuple[str, ...]

_encoder = msgspec.json.Encoder()


class among(FunctionElement[bool]):  # noqa: N801 - written as a function of SQL
    """Whether a column has one of some values, which are one parameter however many they are."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], values: Iterable[Any]) -> None:
        super().__init__(column, bindparam(None, list(values), type_=_Values(), unique=True))

    def self_group(self, against: OperatorType | None = None) -> Self:
        """Stay a condition: SQLAlchemy would compare it with 1, and SQLite use no index."""
        return self


class _Values(TypeDecorator[list[Any]]):
    """Numbers or texts: an array on PostgreSQL, a JSON document on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type; psycopg makes an array of what it is given."""
        return NullType() if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        """Write the values."""
        return value if dialect.name == "postgresql" else _encoder.encode(value).decode()


@compiles(among, "postgresql")
def _among_array(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **options)} = ANY ({compiler.process(values, **options)})"


@compiles(among, "sqlite")
def _among_json(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = element.clauses
    source = f"json_each({compiler.process(values, **options)})"
    return f"{compiler.process(column, **options)} IN (SELECT value FROM {source})"  # noqa: S608


def insert_for(connection: Connection, table: Table) -> Any:
    """Return the engine's own INSERT: both know ON CONFLICT, each by a class of its own."""
    # Imported where it is used: PostgreSQL's part of SQLAlchemy takes 30 ms, for nothing on SQLite.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    return insert(table)


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; columns not given have their default, or nothing."""
    if not rows:
        return
    columns = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
    else:
        connection.exec_driver_sql(_insert(table, columns), _bound(table, columns, rows))


def upsert(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert or overwrite rows by their key; columns not given stay."""
    if not rows:
        return
    columns = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        source = f"SELECT {_listed(columns)} FROM {_unfolded(table, columns)}"  # noqa: S608 - names of ours
        insert = f"INSERT INTO {table.name} ({_listed(columns)}) {source}"
        connection.exec_driver_sql(f"{insert} {_overwriting(table, columns)}", _document(rows))
    else:
        statement = f"{_insert(table, columns)} {_overwriting(table, columns)}"
        connection.exec_driver_sql(statement, _bound(table, columns, rows))


def update_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Overwrite what is given of rows that are there, by their key."""
    if not rows:
        return
    columns = tuple(rows[0])
    keys, others = _parted(table, columns)
    if connection.dialect.name == "postgresql":
        changes = ", ".join(f"{name} = r.{name}" for name in map(_quoted, others))
        is_row = " AND ".join(f"{table.name}.{name} = r.{name}" for name in keys)
        source = f"FROM {_unfolded(table, columns)} WHERE {is_row}"
        statement = f"UPDATE {table.name} SET {changes} {source}"  # noqa: S608
        connection.exec_driver_sql(statement, _document(rows))
    else:
        changes = ", ".join(f"{_quoted(name)} = {_hole(table, name)}" for name in others)
        is_row = " AND ".join(f"{name} = ?" for name in keys)
        statement = f"UPDATE {table.name} SET {changes} WHERE {is_row}"  # noqa: S608
        connection.exec_driver_sql(statement, _bound(table, (*others, *keys), rows))


def _copy(connection: Connection, table: Table, columns: Columns, rows: Rows) -> None:
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table.name} ({_listed(columns)}) FROM STDIN (FORMAT BINARY)"
    values_of = itemgetter(*columns)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(_types(table, columns))
            for row in rows:
                copy.write_row(values_of(row))
    except connection.dialect.loaded_dbapi.Error as exc:
        # What SQLAlchemy makes of a driver's error, for statements that go through it.
        raise OperationalError(statement, None, exc) from exc


def _insert(table: Table, columns: Columns) -> str:
    holes = ", ".join(_hole(table, name) for name in columns)
    return f"INSERT INTO {table.name} ({_listed(columns)}) VALUES ({holes})"  # noqa: S608


def _hole(table: Table, name: str) -> str:
    """Return a parameter's place on SQLite, which takes the bytes of JSON for the text they are."""
    return "CAST(? AS TEXT)" if _is_json(table, name) else "?"


def _is_json(table: Table, name: str) -> bool:
    return isinstance(table.c[name].type, JsonText)


def _overwriting(table: Table, columns: Columns) -> str:
    keys, others = _parted(table, columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in map(_quoted, others))
    return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changes}"


def _parted(table: Table, columns: Columns) -> tuple[Columns, Columns]:
    """Return the table's key, and the other columns given."""
    keys = tuple(column.name for column in table.primary_key)
    return keys, tuple(name for name in columns if name not in keys)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _listed(names: Columns) -> str:
    return ", ".join(map(_quoted, names))


def _document(rows: Rows) -> tuple[str]:
    """Return the one parameter of a statement that unfolds it."""
    texts = [
        {name: value.decode() if isinstance(value, bytes) else value for name, value in row.items()}
        for row in rows
    ]
    return (_encoder.encode(texts).decode(),)


@cache
def _types(table: Table, columns: Columns) -> list[str]:
    """Return the types by which psycopg writes values; a text's bytes are those of a bytea."""
    return [
        "bytea" if _is_json(table, name) else _postgresql_type(table, name).lower()
        for name in columns
    ]


@cache
def _unfolded(table: Table, columns: Columns) -> str:
    """Return the parameter, a JSON array of objects, as a table `r`."""
    typed = (f"{_quoted(name)} {_postgresql_type(table, name)}" for name in columns)
    return f"json_to_recordset(%s::json) AS r ({', '.join(typed)})"


def _postgresql_type(table: Table, name: str) -> str:
    from sqlalchemy.dialects.postgresql import dialect

    return table.c[name].type.compile(dialect())  # type: ignore[no-untyped-call]


def _bound(table: Table, order: Columns, rows: Rows) -> list[tuple[Any, ...]]:
    """Return rows as SQLite's driver takes them: days and instants as SQLAlchemy's texts."""
    texts = _texts(table, order)
    values_of = itemgetter(*order)
    bound = []
    known: Any = None
    known_text = ""
    for row in rows:
        values = dict(row)
        for name, text in texts:
            value = values[name]
            if value is None:
                continue
            # Often the instant at which all of them are written.
            if value is not known:
                known, known_text = value, text(value)
            values[name] = known_text
        bound.append(values_of(values))
    return bound


@cache
def _texts(table: Table, columns: Columns) -> list[tuple[str, Callable[[Any], str]]]:
    return [
        (name, _TEXTS[kind])
        for name in columns
        for kind in _TEXTS
        if isinstance(table.c[name].type, kind)
    ]


def _instant_text(instant: datetime) -> str:
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat(" ", "microseconds")[:-_OFFSET_LENGTH]


_OFFSET_LENGTH = len("+00:00")
_TEXTS: dict[type[Any], Callable[[Any], str]] = {UTCDateTime: _instant_text, Date: date.isoformat}
