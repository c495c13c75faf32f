"""Canonical JSON: equal values give equal bytes, which can be compared and hashed.

The JSON stays bytes up to the database: converting it to text and back at each step took as long
as the mapping.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")
_REFUSED = re.compile(r"[\x00\ud800-\udfff]")


def json_bytes(value: Any) -> bytes:
    """Encode a value as JSON in UTF-8, with sorted keys; fields of classes keep their order.

    Raises:
        ValueError: the value contains a lone surrogate, which UTF-8 cannot encode.
    """
    return _encoder.encode(value)


def cleaned(value: Any) -> Any:
    """Return a JSON value without NUL characters and lone surrogates.

    PostgreSQL does not store NUL in text, and UTF-8 cannot encode a lone surrogate.
    """
    if isinstance(value, str):
        return _REFUSED.sub("", value) if _REFUSED.search(value) else value
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value
