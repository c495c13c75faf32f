"""Who may ask: the tokens of the sandbox, and how a request is let in or not."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from dsync.sandbox.answers import Answer, failure
from dsync.sandbox.context import Token

_SCHEME = re.compile(r"(?:Bearer|Token)\s+(?:token=)?\"?([^\s\"]+)\"?")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The secrets to authenticate with, one for each situation."""

    write: str
    readonly: str
    expired: str
    other_demarche: str
    """Reaches another démarche than the sandbox's main one."""
    forbidden_network: str
    """Refused on the network that this machine calls from."""


class Doorkeeper:
    """Knows the tokens, and tells why one is refused."""

    def __init__(self, seed: int, demarches: list[int]) -> None:
        main, others = demarches[0], frozenset(demarches[1:])
        known = [
            Token("write", _secret(seed, "write")),
            Token("readonly", _secret(seed, "readonly"), can_write=False),
            Token("expired", _secret(seed, "expired"), expired=True),
            Token("other_demarche", _secret(seed, "other"), demarches=others - {main}),
            Token("forbidden_network", _secret(seed, "network"), forbidden_network=True),
        ]
        self._tokens = {token.secret: token for token in known}
        self.tokens = Tokens(**{token.name: token.secret for token in known})

    def expire(self, name: str) -> None:
        """Make a token expire now."""
        self._change(name, expired=True)

    def renew(self, name: str) -> None:
        """Make an expired token good again."""
        self._change(name, expired=False)

    def forbid_network(self, name: str, *, forbidden: bool = True) -> None:
        """Refuse a token on this machine's network from now on, or allow it again."""
        self._change(name, forbidden_network=forbidden)

    def limit(self, name: str, demarches: frozenset[int] | None) -> None:
        """Limit a token to some démarches."""
        self._change(name, demarches=demarches)

    def find(self, authorization: str | None) -> Token | None:
        """Return the token of a header, None for an unknown or malformed one."""
        match = _SCHEME.fullmatch(authorization or "")
        return self._tokens.get(match[1]) if match else None

    def refusal(self, token: Token | None, *, stored_query: bool) -> Answer | None:
        """Return why this request is not let in, None when it is."""
        if token is None:
            if stored_query:
                return None
            told = "Without a token, only persisted queries are allowed"
            return failure(403, told, "forbidden")
        if token.expired:
            return failure(401, "Token expired", "unauthorized")
        if token.forbidden_network:
            told = (
                "Request issued from a forbidden network. "
                "Add 127.0.0.1/32 to your allowed adresses in your /profil"
            )
            return failure(403, told, "forbidden")
        return None

    def _change(self, name: str, **changes: Any) -> None:
        for secret, token in self._tokens.items():
            if token.name == name:
                self._tokens[secret] = replace(token, **changes)
                return
        raise KeyError(name)


def _secret(seed: int, name: str) -> str:
    """Return a secret that is the same at each start with the same seed."""
    return hashlib.sha256(f"dsync sandbox {seed} {name}".encode()).hexdigest()[:32]
