"""Adds what a database says of itself, what waits for a consent, boxes, twins, and an index.

Additive first: the release before this one must still run on this schema.
"""

# ruff: noqa: D103
from __future__ import annotations

from alembic import op

from dsync.store import table_lines

release = "1.0.0"
revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table_lines.make("dsync.store", revision)
    op.drop_index(op.f("ix_sync_run_demarche_numero"), "sync_run")
