"""Creates the programme's tables of dsync 0.1.0.

It is released and stays as it is, as every migration that tests/migrations/released.txt names: a
change of the schema is a new migration.
"""

# ruff: noqa: D103
from __future__ import annotations

from dsync.store import layout

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    layout.make("dsync.eig", revision)
