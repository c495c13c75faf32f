"""Adds what a database says of itself, what waits for a consent, boxes, twins, and an index.

The versions of rules of both programmes come into one table.
"""

# ruff: noqa: D103
from __future__ import annotations

from alembic import op
from sqlalchemy import update

from dsync.store import table_lines, tables
from dsync.store.copying import former_rules
from dsync.store.seals import seal_former
from dsync.store.sql import insert_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    rules = former_rules(op.get_bind())
    table_lines.make("dsync.store", revision)
    dossier = tables.dossier
    op.get_bind().execute(update(dossier).values(modifie_ici_le=dossier.c.synchronise_le))
    insert_rows(op.get_bind(), tables.version_regles, rules)
    seal_former(op.get_bind())
    op.drop_index(op.f("ix_sync_run_demarche_numero"), "sync_run")
