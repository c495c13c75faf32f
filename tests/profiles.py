"""Which points of a parameter each run of the tests tries, and which the long profile."""

from __future__ import annotations

from typing import Any

import pytest


def long(*values: Any, **options: Any) -> Any:
    """Return a point that only the long profile tries: those beside it show the promise."""
    return pytest.param(*values, marks=pytest.mark.long, **options)
