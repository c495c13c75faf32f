"""JSON as dsync writes it: one text for one value, so that texts can be compared and hashed."""

from __future__ import annotations

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def written_bytes(value: Any) -> bytes:
    """Write a value as JSON in UTF-8, keys sorted; dataclasses and structs by their fields.

    Raises:
        ValueError: for a lone surrogate, which no UTF-8 holds.
    """
    return _encoder.encode(value)


def written(value: Any) -> str:
    """Write a value as JSON text, as `written_bytes` does."""
    return _encoder.encode(value).decode()
