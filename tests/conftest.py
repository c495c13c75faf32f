"""Fixtures for all tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import settings

# Tests share builders and databases by `from tests…`, from wherever pytest is started.
sys.path.insert(0, str(Path(__file__).parent.parent))

# The same examples in each run; other ones by HYPOTHESIS_PROFILE=default.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

pytest_plugins = ["tests.store.databases"]
