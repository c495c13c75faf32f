"""Drops the table of the rules, which the engine has in its own; writes grids as lists."""

# ruff: noqa: D103
from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, MetaData, Table

from dsync.store import layout
from dsync.store.columns import JsonText
from dsync.store.copies import rewrite

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    layout.make("dsync.eig", revision)
    candidature = Table(
        "candidature",
        MetaData(),
        Column("numero", BigInteger, primary_key=True),
        Column("evaluations", JsonText()),
        Column("criteres", JsonText()),
        Column("criteres_libelles", JsonText()),
    )
    rewrite(op.get_bind(), candidature, "evaluations", _as_lists)


def _as_lists(grids: list[dict[str, Any]]) -> dict[str, Any]:
    marks = grids[0]["notes"] if grids else []
    return {
        "criteres": [mark["critere"] for mark in marks],
        "criteres_libelles": [mark["libelle"] for mark in marks],
        "evaluations": [
            [*(grid | {"notes": [mark["note"] for mark in grid["notes"]]}).values()]
            for grid in grids
        ],
    }
