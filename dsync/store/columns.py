"""Column types that both engines share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class JsonText(TypeDecorator[Any]):
    """JSON given as UTF-8 and read back as values; the database keeps the text as it is.

    The mapping hands over JSON that is already written, and it is the bulk of what is stored:
    parsing and serialising it again would be the larger part of a page's time, here or in the
    server. Who reads it in SQL parses it there: the views do.

    Args:
        shape: the type of the values read back, one that msgspec reads.
    """

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any = Any) -> None:
        super().__init__()
        self.shape = shape

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], str | None]:
        """Make text of it, in statements that go through SQLAlchemy."""
        return lambda json: None if json is None else json.decode()

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
