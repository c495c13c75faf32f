"""The platform's limits: requests per Authorization header and clock minute, size of a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dsync.sandbox.answers import Answer, RefusedError

_MINUTE = 60
_TOLD = (
    "Trop de requêtes : patientez avant de réessayer.\n"
    "Too many requests: wait before you try again.\n"
)


class RateLimit:
    """Counts requests in the running minute; without a limit it lets everything through."""

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def refusal(self, authorization: str | None, now: datetime) -> Answer | None:
        """Count a request; return the refusal of one beyond the limit."""
        minute = int(now.timestamp()) // _MINUTE
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        self._seen[authorization or ""] += 1
        if self.per_minute is None or self._seen[authorization or ""] <= self.per_minute:
            return None
        return too_many(now)


@dataclass(slots=True)
class QueryLimit:
    """How large a query may be, 0 for no limit; the platform has had these since July 2026."""

    complexity: int = 60_000
    tokens: int = 20_000

    def check(self, tokens: int, score: Callable[[], int]) -> None:
        """Refuse a query that is too large, in the platform's library's words, without a code.

        Raises:
            RefusedError: it is.
        """
        if 0 < self.tokens < tokens:
            raise RefusedError({"message": "This query is too large to execute."})
        if self.complexity and (complexity := score()) > self.complexity:
            told = (
                f"Query has complexity of {complexity}, which exceeds max complexity of "
                f"{self.complexity}"
            )
            raise RefusedError({"message": told})


def too_many(now: datetime) -> Answer:
    """Return the 429: plain text, no Retry-After, no Content-Type, the next minute's start."""
    reset = (int(now.timestamp()) // _MINUTE + 1) * _MINUTE
    headers = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(reset)))
    return Answer(429, _TOLD.encode(), None, headers)
