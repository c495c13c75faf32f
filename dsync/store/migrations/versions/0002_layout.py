"""Adds the table in which a database says which tables and views it has.

Additive first: the release before this one must still run on this schema.
"""

# ruff: noqa: D103
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

release = "1.0.0"
revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "layout",
        sa.Column("part", sqltypes.AutoString(), nullable=False),
        sa.Column("fingerprint", sqltypes.AutoString(), nullable=False),
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("made_at", sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_layout")),
    )


def downgrade() -> None:
    op.drop_table("layout")
