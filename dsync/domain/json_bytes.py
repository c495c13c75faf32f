"""Canonical JSON: equal values give equal bytes, which can be compared and hashed.

The JSON stays bytes up to the database: converting it to text and back at each step took as long
as the mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")

MAX_VALUES = 500_000
"""Values of the largest document that is decoded: as objects, they take some 100 MiB."""
# Possessive, so that a long text costs no memory for the way back.
_NO_JSON = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|NaN|-?Infinity', re.DOTALL)
_REMOVED = re.compile(
    rb"(?:[^\\]++|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(?!u0000|u[dD][89a-fA-F]).)*+(\\u....)?",
    re.DOTALL,
)
"""What is kept, as long as possible, and the escape of a NUL or a lone surrogate behind it.

The escape is optional: without one, the rest would be read again from each of its bytes on."""


def json_bytes(value: Any) -> bytes:
    """Encode a value as JSON in UTF-8, with sorted keys; fields of classes keep their order.

    Raises:
        ValueError: the value contains a lone surrogate, which UTF-8 cannot encode.
    """
    return _encoder.encode(value)


def digest_of(*parts: bytes) -> str:
    """Return a hash of contents: 128 bits, because nobody gains by two with one hash."""
    return sha256(b"\x00".join(parts)).hexdigest()[:32]


def is_crowded(source: bytes, most: int = MAX_VALUES) -> bool:
    """Return whether JSON has more than `most` values, by the signs that precede each one.

    Signs within texts count as well. Nothing is decoded: a list of empty objects takes 30 times
    its size in memory.
    """
    return sum(map(source.count, (b",", b"{", b"["))) > most


def repaired(source: bytes) -> bytes:
    """Return JSON without what neither msgspec nor PostgreSQL accepts.

    NUL characters and lone surrogates are removed, numbers that are none become null, and bytes
    that are no UTF-8 become U+FFFD. It stays text: decoded, it would take several times its size.
    """
    if b"NaN" in source or b"Infinity" in source:
        found = _NO_JSON.finditer(source)
        source = _replaced(source, (one.span() for one in found if one[0][:1] != b'"'), b"null")
    source = _replaced(source, (one.span(1) for one in _REMOVED.finditer(source) if one[1]), b"")
    return source.decode("utf-8", "replace").encode()


def _replaced(source: bytes, spans: Iterable[tuple[int, int]], by: bytes) -> bytes:
    made, last = bytearray(), 0
    # `re.sub` would keep an object for each part.
    for start, end in spans:
        made += source[last:start] + by
        last = end
    return bytes(made + source[last:]) if made or last else source
