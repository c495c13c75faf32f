"""Adds what a database says of itself, what waits for a consent, boxes, twins, and an index.

Additive first: the release before this one must still run on this schema.
"""

# ruff: noqa: D103
from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql import sqltypes

from dsync.store import columns

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
    op.create_table(
        "accord",
        sa.Column("demarche_numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("genre", sqltypes.AutoString(), nullable=False),
        sa.Column("version", sqltypes.AutoString(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("depuis_le", sqltypes.UTCDateTime(), nullable=False),
        sa.Column("donne_le", sqltypes.UTCDateTime(), nullable=True),
        sa.Column("donne_par", sqltypes.AutoString(), nullable=True),
        sa.PrimaryKeyConstraint("demarche_numero", "genre", name=op.f("pk_accord")),
    )
    op.add_column("sync_state", sa.Column("validation_boxes", sa.Text(), nullable=True))
    op.create_table(
        "jumeau",
        sa.Column("numero", columns.BigKey(), autoincrement=False, nullable=False),
        sa.Column("demarche_numero", sa.BigInteger(), nullable=False),
        sa.Column("produit", sqltypes.AutoString(), nullable=False),
        sa.Column("montre", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("numero", name=op.f("pk_jumeau")),
    )
    op.create_index(op.f("ix_jumeau_produit"), "jumeau", ["produit"])
    op.add_column("reponse", sa.Column("produit", sqltypes.AutoString(), nullable=True))
    op.create_index(op.f("ix_sync_run_demarche_numero_run"), "sync_run", ["demarche_numero", "run"])
    op.drop_index(op.f("ix_sync_run_demarche_numero"), "sync_run")
