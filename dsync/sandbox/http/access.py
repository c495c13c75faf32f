"""Tokens and rate limit of the API."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dsync.sandbox.graphql.call import Token
from dsync.sandbox.http.answers import HttpAnswer, failure, too_many

# DS accepts `Bearer x`, `Token x` and `Token token="x"` (recorded: auth-*).
_SCHEME = re.compile(r"(?:Bearer|Token)\s+(?:token=)?\"?([^\s\"]+)\"?")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The secrets of the sandbox's tokens."""

    write: str
    readonly: str
    expired: str
    other_demarche: str
    """May read every démarche but the main one."""
    forbidden_network: str
    """Refused from this machine's network."""


class AccessControl:
    """Authenticates requests and counts them against the rate limit."""

    def __init__(self, seed: int, demarches: list[int], per_minute: int | None) -> None:
        known = [
            Token("write", _secret(seed, "write")),
            Token("readonly", _secret(seed, "readonly"), can_write=False),
            Token("expired", _secret(seed, "expired"), expired=True),
            Token("other_demarche", _secret(seed, "other"), demarches=frozenset(demarches[1:])),
            Token("forbidden_network", _secret(seed, "network"), forbidden_network=True),
        ]
        self._tokens = {token.secret: token for token in known}
        self.tokens = Tokens(**{token.name: token.secret for token in known})
        self.per_minute = per_minute
        """Maximum number of requests for each `Authorization` header and minute; None: no limit."""
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def change(self, name: str, **changes: Any) -> None:
        """Change fields of the `Token` of that name.

        Raises:
            KeyError: there is no token of that name.
        """
        secret = {token.name: token.secret for token in self._tokens.values()}[name]
        self._tokens[secret] = replace(self._tokens[secret], **changes)

    def find(self, authorization: str | None) -> Token | None:
        """Return the token of an `Authorization` header, None when it is unknown or malformed."""
        match = _SCHEME.fullmatch(authorization or "")
        return self._tokens.get(match[1]) if match else None

    def count(self, authorization: str | None, now: datetime) -> HttpAnswer | None:
        """Count a request; return the 429 answer when it exceeds the limit, else None."""
        # DS counts by the header's text and by its own clock's minutes.
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        self._seen[authorization or ""] += 1
        if self.per_minute is None or self._seen[authorization or ""] <= self.per_minute:
            return None
        return too_many(now)

    def refusal(self, token: Token | None, *, stored_query: bool) -> HttpAnswer | None:
        """Return the answer that refuses the token, None when it is accepted."""
        if token is None:
            return None if stored_query else unknown_token()
        if token.expired:
            return failure(401, "Token expired", "unauthorized")
        if token.forbidden_network:
            message = (
                "Request issued from a forbidden network. "
                "Add 127.0.0.1/32 to your allowed adresses in your /profil"
            )
            return failure(403, message, "forbidden")
        return None


def unknown_token() -> HttpAnswer:
    """Return the 403 answer to a request without a known token."""
    return failure(403, "Without a token, only persisted queries are allowed", "forbidden")


def _secret(seed: int, name: str) -> str:
    """Return a secret that depends on the seed and the name alone."""
    return hashlib.sha256(f"dsync sandbox {seed} {name}".encode()).hexdigest()[:32]
