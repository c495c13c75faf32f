"""The API's opaque ids: base64 of a kind and a key, and ULIDs for rows."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import lru_cache

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


# A page of a hundred dossiers has 15,000 ids.
@lru_cache(100_000)
def encode(kind: str, key: object) -> str:
    """Return the id of the object of that kind and key."""
    return base64.b64encode(f"{kind}-{key}".encode()).decode()


def decode(text: str) -> tuple[str, str] | None:
    """Return the kind and the key of an id, None for a text that is not base64 of ``kind-key``."""
    try:
        kind, dash, key = base64.b64decode(text, validate=True).decode().partition("-")
    except ValueError:  # No base64, or no UTF-8.
        return None
    return (kind, key) if dash else None


def key_of(text: str, kind: str) -> int | None:
    """Return the integer key of an id of that kind, None for any other text."""
    found, key = decode(text) or ("", "")
    return int(key) if found == kind and key.isascii() and key.isdigit() else None


def ulid(at: datetime, *salt: object) -> str:
    """Return a ULID of that instant; its random part depends on ``salt`` only."""
    digest = hashlib.blake2b(repr(salt).encode(), digest_size=10).digest()
    number = (int(at.timestamp() * 1000) << 80) | int.from_bytes(digest, "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
