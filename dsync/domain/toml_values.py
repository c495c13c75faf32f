"""The types of values in the configuration file: each takes values of its own kind alone.

Pydantic's own `int` takes `true` and "5", its `date` takes numbers.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from pydantic import Strict

WholeNumber = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
"""A whole one, too."""
Boolean = Annotated[bool, Strict()]
Day = Annotated[date, Strict()]


def kind_of(value: object) -> str:
    """Return what a value of a TOML file is, in the words of its messages."""
    # The order matters: a `bool` is an `int`, a `datetime` is a `date`.
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number with a decimal point"),
        (str, "a text in quotes"),
        (datetime, "a day with a time"),
        (date, "a day"),
        (time, "a time of day without quotes"),
        (dict, "a table of keys"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "a list")
