"""Column types that both engines share, and the columns that several tables have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import Field

from dsync.domain.json_bytes import json_bytes

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints are named, so that migrations can name them."""


class JsonText(TypeDecorator[Any]):
    """A value kept as JSON text, written and read here; the views parse it in SQL.

    Bytes are JSON that is written already: a dossier's champs, which were hashed as such.

    Args:
        shape: the type of the values read back, one that msgspec reads.
    """

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any = Any) -> None:
        super().__init__()
        self.shape = shape

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """Write."""

        def write(value: Any) -> str | None:
            if value is None:
                return None
            return (value if isinstance(value, bytes) else json_bytes(value)).decode()

        return write

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Parse."""
        decode = msgspec.json.Decoder(self.shape).decode
        return lambda text: None if text is None else decode(text)


class BigKey(TypeDecorator[int]):
    """A 64-bit key: on SQLite an INTEGER, which alone is the row's own number there."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())


def given_number() -> int:
    """Make a key that DS gives: 64 bits, never numbered by the database."""
    number: int = Field(sa_type=BigKey, primary_key=True, sa_column_kwargs={"autoincrement": False})
    return number


def json_text(shape: Any = Any, *, default: Any = None) -> Any:
    """Make a column of JSON text.

    Args:
        shape: the type of the values read back, one that msgspec reads.
        default: the value of a row that gives none.
    """
    return Field(default=default, sa_type=JsonText(shape), nullable=True)
