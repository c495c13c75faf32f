"""Which points of a parameter each run of the tests tries, and which the long profile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase

STORIES: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "report_multiple_bugs": False,
    "phases": (Phase.generate, Phase.shrink),
    "suppress_health_check": list(HealthCheck),
}
"""Settings of Hypothesis for stories of events, which are the same at each run."""


def long(*values: Any, **options: Any) -> Any:
    """Return a point that only the long profile tries: those beside it show the promise."""
    return pytest.param(*values, marks=pytest.mark.long, **options)
