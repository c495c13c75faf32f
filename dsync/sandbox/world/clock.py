"""The sandbox's clock, which tests can move, and the API's format of instants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


class Clock:
    """A clock with an offset to its source, which is the system's clock by default."""

    def __init__(self, source: Callable[[], datetime] | None = None) -> None:
        self._source = source or partial(datetime.now, UTC)
        self._shift = timedelta()

    def now(self) -> datetime:
        """Return the current instant, in UTC."""
        return self._source().astimezone(UTC) + self._shift

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._shift += by


def iso(at: datetime) -> str:
    """Format an instant as the API does: Paris time, without fractions of a second."""
    return at.astimezone(PARIS).isoformat(timespec="seconds")


def instant(text: str) -> datetime:
    """Parse an ISO 8601 instant; without an offset it is UTC, a date is its midnight.

    Raises:
        ValueError: the text is no ISO 8601 instant.
    """
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
