"""Makes the engine's tables as they are declared now: a new database needs no later revision."""

# ruff: noqa: D103
from __future__ import annotations

from alembic import op

from dsync.store.schema import create_tables
from dsync.store.tables import metadata

revision = "1000"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tables(op.get_bind(), metadata)
