"""The platform's rate limit: so many requests per Authorization header and clock minute."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from dsync.sandbox.answers import Answer

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


def too_many(now: datetime) -> Answer:
    """Return the 429: plain text, no Retry-After, no Content-Type, the next minute's start."""
    reset = (int(now.timestamp()) // _MINUTE + 1) * _MINUTE
    headers = (("RateLimit-Remaining", "0"), ("RateLimit-Reset", str(reset)))
    return Answer(429, _TOLD.encode(), None, headers)
