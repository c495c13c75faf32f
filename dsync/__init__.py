"""dsync: the worker between Démarches Simplifiées and the EIG programme's database."""

from __future__ import annotations

__version__ = "1.0.0"
"""The only place that has it: `pyproject.toml` reads it here, `scripts/release` tags it."""
