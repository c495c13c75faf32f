"""The API's format of instants."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def iso(at: datetime) -> str:
    """Format an instant as the API does: Paris time, without fractions of a second."""
    return at.astimezone(PARIS).isoformat(timespec="seconds")


def instant(text: str) -> datetime:
    """Parse an ISO 8601 instant; without an offset it is UTC, a date is its midnight."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
