"""Fixtures for all tests."""

from __future__ import annotations

import sys
from pathlib import Path

# Tests share builders and databases by `from tests…`, from wherever pytest is started.
sys.path.insert(0, str(Path(__file__).parent.parent))

pytest_plugins = ["tests.store.databases"]
