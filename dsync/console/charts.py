"""Curves and bars as SVG figures; the templates draw them, with their tables underneath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

WIDTH, HEIGHT = 640, 220
LEFT, RIGHT, TOP, BOTTOM = 2, 2, 28, 30


class Series(NamedTuple):
    """A cumulated series, as the points of a polyline."""

    name: str
    points: str
    total: int


class Curve(NamedTuple):
    """Cumulated series over days, with the labels of the axes."""

    lines: Sequence[Series]
    days: Sequence[tuple[float, str]]
    heights: Sequence[tuple[float, int]]
    rows: Sequence[tuple[str, Sequence[int]]]
    """Of the table: a month, and the number of each series in it."""
    left: int = LEFT
    right: int = WIDTH - RIGHT


def curve(series: Mapping[str, Mapping[str, int]]) -> Curve | None:
    """Return the cumulated curve of counts by day, such as `2024-06-01`; None without a count."""
    days = sorted({date.fromisoformat(day) for counts in series.values() for day in counts})
    if not days:
        return None
    first, last = days[0], days[-1]
    width = max((last - first).days, 1)
    most = max(sum(counts.values()) for counts in series.values()) or 1

    def x(day: date) -> float:
        return round(LEFT + (day - first).days / width * (WIDTH - LEFT - RIGHT), 1)

    def y(value: int) -> float:
        return round(HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM), 1)

    lines = []
    for name, counts in series.items():
        total, points = 0, [(x(first), y(0))]
        for day in sorted(counts):
            at = date.fromisoformat(day)
            points.append((x(at), y(total)))
            total += counts[day]
            points.append((x(at), y(total)))
        points.append((x(last), y(total)))
        lines.append(Series(name, " ".join(f"{px},{py}" for px, py in points), total))
    marks = sorted({first, first + timedelta(days=width // 2), last})
    months = sorted({day.isoformat()[:7] for day in days})
    rows = [
        (
            f"{month[5:]}/{month[:4]}",
            [
                sum(count for day, count in counts.items() if day.startswith(month))
                for counts in series.values()
            ],
        )
        for month in months
    ]
    return Curve(
        lines,
        [(x(day), day.strftime("%d/%m/%Y")) for day in marks],
        [(y(value), value) for value in sorted({0, most // 2, most})],
        rows,
    )


class Bar(NamedTuple):
    """A bar of a bar chart; `width` is a share of the longest one, in per cent."""

    name: str
    value: float | None
    width: float


def bars(values: Mapping[str, float | None]) -> list[Bar]:
    """Return bars in order, of None none."""
    longest = max((value or 0 for value in values.values()), default=0) or 1
    return [
        Bar(name, value, round(100 * (value or 0) / longest, 1)) for name, value in values.items()
    ]
