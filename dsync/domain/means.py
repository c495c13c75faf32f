"""Means of marks, rounded as people do it, and the same wherever they are worked out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache


def exact(marks: Iterable[float | None]) -> list[Fraction]:
    """Return the marks that were given; as floats, 2.67 and 2.68 have a mean below 2.675."""
    return [_exact(mark) for mark in marks if mark is not None]


@lru_cache(1024)
def _exact(mark: float) -> Fraction:
    # There are few different marks, and to read one takes longer than the rest of a mean.
    return Fraction(str(mark))


def mean(values: Sequence[Fraction]) -> Fraction:
    """Return the mean of some values."""
    # Marks are whole, nearly always: as fractions they are slow to add.
    if all(value.denominator == 1 for value in values):
        return Fraction(sum(value.numerator for value in values), len(values))
    return sum(values, Fraction()) / len(values)


def rounded(value: Fraction) -> float:
    """Return a value with two decimals, the half rounded up."""
    above, below = value.numerator, value.denominator
    return (200 * above + below) // (2 * below) / 100
