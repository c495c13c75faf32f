"""Durations as operators read them."""

from __future__ import annotations

from datetime import datetime, timedelta


def ago(value: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in the largest unit that fits."""
    seconds = max(0, int((now - value).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        # Below two of a unit, the smaller unit says more.
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def span(duration: timedelta) -> str:
    """Return a duration in days, below two days in minutes."""
    if duration.days > 1:
        return f"{duration.days} days"
    return f"{int(duration.total_seconds()) // 60} minutes"
