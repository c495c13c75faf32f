"""The chart of a call and bars as SVG figures; the templates draw them, with their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

WIDTH, HEIGHT = 860, 250
LEFT, TOP, BOTTOM = 34, 20, 22
MOST_BARS = 120
"""Bars that can be told apart: a longer time is drawn by several days each."""


class Part(NamedTuple):
    """A rectangle of the chart."""

    serie: str
    x: float
    y: float
    width: float
    height: float


class Chart(NamedTuple):
    """Deposits by day upwards, decisions downwards."""

    parts: Sequence[Part]
    zero: float
    """Where both begin."""
    heights: Sequence[tuple[float, int]]
    marks: Sequence[tuple[float, str, str]]
    """Days with their name, and where its text is anchored."""
    days: int
    """Of a bar."""
    rows: Sequence[tuple[str, Sequence[int]]]
    """Of the table: a month, and the number of each series in it."""


def chart(
    up: Mapping[str, Mapping[str, int]],
    down: tuple[str, Mapping[str, int]],
    marks: Mapping[date, str],
) -> Chart | None:
    """Return the chart of counts by day, such as `2024-06-01`; None without a count.

    `up` are stacked, by series; `down` is the series under them; `marks` are days to name.
    """
    every = {**up, down[0]: down[1]}
    counted = sorted({date.fromisoformat(day) for counts in every.values() for day in counts})
    if not counted:
        return None
    known = [*counted, *(day for day in marks if abs(day - counted[-1]) < timedelta(days=400))]
    first, last = min(known), max(known)
    step = -(-((last - first).days + 1) // MOST_BARS)
    bars = ((last - first).days + 1) // step + 1
    wide = (WIDTH - LEFT) / bars

    def place(day: date) -> float:
        return LEFT + (day - first).days / step * wide

    stacks = {name: [0] * bars for name in every}
    for name, counts in every.items():
        for day, count in counts.items():
            stacks[name][(date.fromisoformat(day) - first).days // step] += count
    most_up = max(map(sum, zip(*(stacks[name] for name in up), strict=True)), default=0) or 1
    most_down = max(stacks[down[0]]) or 0
    unit = (HEIGHT - TOP - BOTTOM) / (most_up + most_down)
    zero = TOP + most_up * unit
    parts = []
    for rank in range(bars):
        x, top = LEFT + rank * wide, zero
        for name in up:
            if count := stacks[name][rank]:
                top -= count * unit
                parts.append(_part(name, x, top, wide, count * unit))
        if count := stacks[down[0]][rank]:
            parts.append(_part(down[0], x, zero, wide, count * unit))
    months = sorted({day.isoformat()[:7] for day in counted})
    return Chart(
        parts,
        round(zero, 1),
        [(round(zero - value * unit, 1), value) for value in sorted({0, most_up // 2, most_up})],
        [
            (
                round(place(day), 1),
                f"{name} {day:%d/%m/%Y}",
                "end" if place(day) > WIDTH * 0.6 else "start",
            )
            for day, name in sorted(marks.items())
            if first <= day <= last
        ],
        step,
        [
            (
                f"{month[5:]}/{month[:4]}",
                [
                    sum(count for day, count in counts.items() if day.startswith(month))
                    for counts in every.values()
                ],
            )
            for month in months
        ],
    )


def _part(serie: str, x: float, y: float, wide: float, high: float) -> Part:
    gap = min(1.0, wide / 4)
    return Part(serie, round(x + gap, 1), round(y, 1), round(wide - 2 * gap, 1), round(high, 1))


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
