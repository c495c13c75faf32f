"""Pseudo-random numbers that are the same on every version of Python, and the data files.

Only seeding with a text and `random()` are used: Python keeps these two reproducible.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")


def load(name: str) -> dict[str, Any]:
    """Return the content of a file in `data`."""
    return tomllib.loads(files(__package__).joinpath("data", f"{name}.toml").read_text("utf-8"))


class SeededRandom:
    """A generator seeded with a key; generators with different keys are independent."""

    __slots__ = ("_random",)

    def __init__(self, *key: object) -> None:
        text = "/".join(str(part) for part in key)
        self._random = Random(text).random  # noqa: S311 - made-up content, no secret.

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self._random() < probability

    def below(self, limit: int) -> int:
        """Return an integer from 0 to `limit` - 1."""
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[tuple[T, int]]) -> T:
        """Return one of the choices, each with a probability in proportion to its weight."""
        mark = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            mark -= weight
            if mark < 0:
                return choice
        raise AssertionError("the mark lies below the sum of the weights")

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return the items in a random order (Fisher-Yates)."""
        result = list(items)
        for index in range(len(result) - 1, 0, -1):
            other = self.below(index + 1)
            result[index], result[other] = result[other], result[index]
        return result
