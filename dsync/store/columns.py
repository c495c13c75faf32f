"""Column types for SQLite and PostgreSQL, and functions that declare columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Float,
    Integer,
    String,
    Table,
    Text,
    cast,
)
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from dsync.domain.documented import Codes, Declared, Mark
from dsync.domain.json_bytes import json_bytes
from dsync.errors import DamagedJsonError

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Naming convention for constraints: migrations refer to constraints by name."""


class JsonText(TypeDecorator[Any]):
    """A value stored as JSON text, encoded and decoded here; the views parse it in SQL.

    Bytes are stored unchanged: they are JSON that was encoded earlier, to be hashed. `shape` is the
    type of the decoded values, which msgspec has to support.
    """

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any = Any) -> None:
        super().__init__()
        self.shape = shape

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """Return the function that encodes a value."""

        def encode(value: Any) -> str | None:
            if value is None:
                return None
            return (value if isinstance(value, bytes) else json_bytes(value)).decode()

        return encode

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return the function that decodes a text."""
        # Made once a statement, and not once a value.
        decoder = msgspec.json.Decoder(self.shape)

        def decode(text: Any) -> Any:
            try:
                return None if text is None else decoder.decode(text)
            except msgspec.DecodeError as exc:
                raise DamagedJsonError from exc

        return decode


class RawJson(JsonText):
    """Raw JSON from DS: `jsonb` on PostgreSQL, where the views look for values in it."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the engine's type."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(Text())
        from sqlalchemy.dialects.postgresql import JSONB  # Takes 30 ms, which SQLite users save.

        return dialect.type_descriptor(JSONB())

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return the function that decodes a value; PostgreSQL's driver has decoded its JSON."""
        if dialect.name != "postgresql":
            return super().result_processor(dialect, coltype)

        def convert(value: Any) -> Any:
            try:
                return None if value is None else msgspec.convert(value, self.shape)
            except msgspec.ValidationError as exc:
                raise DamagedJsonError from exc

        return convert


class BigKey(TypeDecorator[int]):
    """A 64-bit key. On SQLite it is an INTEGER, the only type that the row id can have."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the engine's type."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


class Instant(TypeDecorator[datetime]):
    """An aware instant, in UTC, which SQLite keeps without offset."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an instant as it is stored; refuse one that is not aware."""
        if value is not None and value.utcoffset() is None:
            raise ValueError("an instant without a time zone")
        return value and value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Return the function that makes the engine's value of an instant."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)

        def bound(value: datetime | None) -> str | None:
            # As SQLAlchemy writes it, part by part, which takes three times as long.
            instant = self.process_bind_param(value, dialect)
            if instant is None:
                return None
            return instant.isoformat(" ", "microseconds").removesuffix("+00:00")

        return bound

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a stored instant."""
        if value is not None and value.utcoffset() is None:
            return value.replace(tzinfo=UTC)
        return value and value.astimezone(UTC)


def declare(
    name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], declared: Declared, **options: Any
) -> Column[Any]:
    """Declare a column of a table; it has a value unless it is `nullable`, or of JSON."""
    options = {"nullable": isinstance(type_, JsonText)} | options
    return Column(name, type_, info={"declared": declared}, **options)


def _declaring(mark: Mark) -> Callable[..., Column[Any]]:
    return lambda name, type_, sentence="", codes=(), **options: declare(
        name, type_, _declared(sentence, mark, codes=codes), **options
    )


def _declared(sentence: str, *rest: Any, codes: Codes) -> Declared:
    declared = Declared(sentence, *rest)
    return declared.coded(codes) if codes else declared


# Declare a column by its name, its type and its French sentence, which its views show, too; then
# by its codes, which the sentence names for `{codes}`, and with options of `Column`.
open_ = _declaring(Mark.OPEN)
personal = _declaring(Mark.PERSONAL)
free = _declaring(Mark.FREE_TEXT)
of_person = _declaring(Mark.OF_PERSON)


def given_number(name: str, sentence: str = "") -> Column[int]:
    """Declare a 64-bit primary key whose values come from DS and not from the database."""
    return open_(name, BigKey, sentence, primary_key=True, autoincrement=False)


def kept(contents: str, until: str) -> dict[str, tuple[str, str]]:
    """Return the `info` of a table: what it holds, and what ends that; French."""
    return {"kept": (contents, until)}


_COMMON = {"numero": "Numéro du dossier.", "demarche_numero": "Numéro de la démarche."}
"""What names say by themselves, in tables without a sentence for them."""
_TYPES = {
    DateTime: "datetime",
    Date: "date",
    Boolean: "boolean",
    Float: "number",
    Integer: "integer",
}


def declared_of(column: Column[Any]) -> Declared:
    """Return what is declared of a table's column; in an undeclared text, anything may stand."""
    other = Declared(mark=Mark.FREE_TEXT if is_text(column.type) else Mark.OPEN)
    found: Declared = column.info.get("declared", other)
    plain = _plain(column.type)
    type_ = next((name for kind, name in _TYPES.items() if isinstance(plain, kind)), "text")
    return found._replace(sentence=found.sentence or _COMMON.get(column.name, ""), type=type_)


def of(table: Table, alias: str, names: str, mark: Mark | None = None) -> dict[str, Declared]:
    """Declare columns of a view that are a table's: they have its sentences, types and marks.

    `names` are such as `numero id AS ordre`; `mark` is another one than the table's.
    """
    columns: dict[str, Declared] = {}
    for column, other in re.findall(r"(\w+)(?: AS (\w+))?", names):
        declared = declared_of(table.c[column])
        given = declared.mark if mark is None else mark
        sql = f"utc({alias}.{column})" if declared.type == "datetime" else f"{alias}.{column}"
        shown = declared._replace(mark=given, sql=_shown(other or column, sql))
        columns[other or column] = shown
    return columns


def _shown(name: str, sql: str) -> str:
    return sql if re.fullmatch(rf"\w\.{name}", sql) else f"{sql} AS {name}"


def computed(
    name: str,
    sql: str,
    sentence: str,
    mark: Mark = Mark.OPEN,
    type: str = "text",
    codes: Codes = (),
) -> dict[str, Declared]:
    """Declare a column of a view by its SQL, which can have the macros of views."""
    return {name: _declared(sentence, mark, type, _shown(name, sql), codes=codes)}


def said(
    name: str, sentence: str, mark: Mark = Mark.OPEN, type: str = "text", codes: Codes = ()
) -> dict[str, Declared]:
    """Declare a column of a view whose SQL is in its file."""
    return {name: _declared(sentence, mark, type, codes=codes)}


def as_text(columns: Iterable[Column[Any]]) -> list[ColumnElement[Any]]:
    """Return columns to select, JSON as the text that is stored."""
    return [
        cast(one, Text).label(one.name) if isinstance(one.type, JsonText) else one
        for one in columns
    ]


def is_text(type_: TypeEngine[Any]) -> bool:
    """Return whether a column's values are texts, JSON included."""
    return isinstance(_plain(type_), String)


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    return type_.impl_instance if isinstance(type_, TypeDecorator) else type_
