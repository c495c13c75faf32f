"""Repeatable chance: the same key gives the same draws on every version of Python.

Only `random()` and the seeding by text are used, the two things that Python promises to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class SeededRandom:
    """Draws named by a key, independent of any other key's draws."""

    __slots__ = ("_random",)

    def __init__(self, *key: object) -> None:
        text = "/".join(str(part) for part in key)
        self._random = Random(text).random  # noqa: S311 - made-up content, no secret.

    def chance(self, probability: float) -> bool:
        """Answer yes with this probability."""
        return self._random() < probability

    def below(self, limit: int) -> int:
        """Draw a whole number from 0 to `limit` - 1."""
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of the choices."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        """Draw one of the choices by its weight."""
        mark = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            mark -= weight
            if mark < 0:
                return choice
        raise AssertionError("the mark lies below the sum of the weights")

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in another order (Fisher-Yates)."""
        result = list(items)
        for index in range(len(result) - 1, 0, -1):
            other = self.below(index + 1)
            result[index], result[other] = result[other], result[index]
        return result
