"""Drops the table of the rules, which the engine's migration has moved into its own one."""

# ruff: noqa: D103
from __future__ import annotations

from dsync.store import table_lines

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table_lines.make("dsync.eig", revision)
