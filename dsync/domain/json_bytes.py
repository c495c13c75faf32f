"""JSON as dsync writes it: one text for one value, so that texts can be compared and hashed.

It stays bytes from where it is written to the database: making text of it and bytes again, at each
step of the way, took as long as mapping.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")
_REFUSED = re.compile(r"[\x00\ud800-\udfff]")


def json_bytes(value: Any) -> bytes:
    """Write a value as JSON in UTF-8: keys of dicts sorted, fields of classes in their order.

    Raises:
        ValueError: for a lone surrogate, which no UTF-8 holds.
    """
    return _encoder.encode(value)


def cleaned(value: Any) -> Any:
    """Return JSON without NUL and lone surrogates."""
    if isinstance(value, str):
        return _REFUSED.sub("", value) if _REFUSED.search(value) else value
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return value
