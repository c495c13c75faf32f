"""Column types for SQLite and PostgreSQL, and functions that make common columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field

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

    Bytes are stored unchanged: they are JSON that was encoded earlier, to be hashed.

    Args:
        shape: the type of the decoded values, which msgspec must support.
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
        """Return the function that decodes a value; PostgreSQL's driver has decoded it."""
        if dialect.name == "postgresql":
            return lambda value: value
        return super().result_processor(dialect, coltype)


class BigKey(TypeDecorator[int]):
    """A 64-bit key. On SQLite it is an INTEGER, the only type that the row id can have."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the engine's type."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


def given_number() -> int:
    """Make a 64-bit primary key whose values come from DS and not from the database."""
    number: int = Field(sa_type=BigKey, primary_key=True, sa_column_kwargs={"autoincrement": False})
    return number


def json_text(shape: Any = Any, *, default: Any = None) -> Any:
    """Make a nullable column of JSON text.

    Args:
        shape: as of `JsonText`.
        default: the value of a row without one.
    """
    return Field(default=default, sa_type=JsonText(shape), nullable=True)


def raw_json() -> Any:
    """Make a nullable column of raw JSON."""
    return Field(default=None, sa_type=RawJson(), nullable=True)
