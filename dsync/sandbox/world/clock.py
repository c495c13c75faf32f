"""The sandbox's own time, which tests set and move, and how the platform writes an instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def _system() -> datetime:
    return datetime.now(UTC)


class Clock:
    """An instant source that can be shifted; ticks as its source does."""

    def __init__(self, source: Callable[[], datetime] | None = None) -> None:
        self._source = source or _system
        self._shift = timedelta()

    def now(self) -> datetime:
        """Return the sandbox's present, in UTC."""
        return self._source().astimezone(UTC) + self._shift

    def advance(self, by: timedelta) -> None:
        """Move the present forward."""
        self._shift += by

    def set(self, to: datetime) -> None:
        """Make ``to`` the present."""
        self._shift += to - self.now()


def iso(at: datetime) -> str:
    """Write an instant as the API does: in Paris time, cut to the second."""
    return at.astimezone(PARIS).isoformat(timespec="seconds")


def instant(text: str) -> datetime:
    """Read an ISO 8601 instant; without an offset it is UTC, a date alone is its midnight.

    Raises:
        ValueError: when the text is no ISO 8601 instant.
    """
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
