"""Tokens and rate limit of the API."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from dsync.sandbox.graphql.call import Token

# DS accepts `Bearer x`, `Token x` and `Token token="x"` (recorded: auth-*).
_SCHEME = re.compile(r"(?:Bearer|Token)\s+(?:token=)?\"?([^\s\"]+)\"?")


class AccessControl:
    """Authenticates requests and counts them against the rate limit."""

    def __init__(self, seed: int, demarches: list[int], per_minute: int | None) -> None:
        rights: dict[str, dict[str, Any]] = {
            "write": {},
            "readonly": {"can_write": False},
            "expired": {"expired": True},
            "other_demarche": {"demarches": frozenset(demarches[1:])},
            "forbidden_network": {"forbidden_network": True},
        }
        made = [(name, hashlib.sha256(f"dsync sandbox {seed} {name}".encode())) for name in rights]
        tokens = [Token(name, h.hexdigest()[:32], **rights[name]) for name, h in made]
        self._tokens = {token.secret: token for token in tokens}
        self.tokens = SimpleNamespace(**{token.name: token.secret for token in tokens})
        """The secrets by name; `other_demarche` may read every démarche but the main one."""
        self.per_minute = per_minute
        """Maximum number of requests for each `Authorization` header and minute; None: no limit."""
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def change(self, name: str, **changes: Any) -> None:
        """Change fields of the `Token` of that name.

        Raises:
            KeyError: there is no token of that name.
        """
        secret = vars(self.tokens)[name]
        self._tokens[secret] = replace(self._tokens[secret], **changes)

    def find(self, authorization: str | None) -> Token | None:
        """Return the token of an `Authorization` header, None when it is unknown or malformed."""
        match = _SCHEME.fullmatch(authorization or "")
        return self._tokens.get(match[1]) if match else None

    def exceeds(self, authorization: str | None, now: datetime) -> bool:
        """Count a request; return whether it exceeds the limit."""
        # DS counts by the header's text and by its own clock's minutes.
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        self._seen[authorization or ""] += 1
        return self.per_minute is not None and self._seen[authorization or ""] > self.per_minute
