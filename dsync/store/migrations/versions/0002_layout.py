"""Adds what a database says of itself, what waits for a consent, boxes, twins, and an index.

The versions of rules of both programmes come into one table.
"""

# ruff: noqa: D103
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from alembic import op
from sqlalchemy import Connection, inspect, text, update

from dsync.domain.dossier import Champ, cells_of
from dsync.store import layout, tables
from dsync.store.copies import DECODER, rewrite
from dsync.store.seals import seal_former, sealed
from dsync.store.sql import insert_rows

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    rules = _former_rules(op.get_bind())
    layout.make("dsync.store", revision)
    dossier = tables.dossier
    op.get_bind().execute(update(dossier).values(modifie_ici_le=dossier.c.synchronise_le))
    insert_rows(op.get_bind(), tables.version_regles, rules)
    for name in ("champs", "annotations"):
        rewrite(op.get_bind(), tables.contenu, name, _flat(name))
    seal_former(op.get_bind())
    op.drop_index(op.f("ix_sync_run_demarche_numero"), "sync_run")


def _flat(name: str) -> Callable[[Any], dict[str, Any]]:
    return lambda champs: {name: cells_of(msgspec.convert(champs, list[Champ]))}


def _former_rules(connection: Connection) -> list[dict[str, Any]]:
    """Return the rules that stand in the two tables of before, as rows of `version_regles`."""
    rules, found = tables.version_regles, []
    plain = ("version", "depuis_le", "revision")
    for name, famille in (("regle", None), ("declaration", "c-")):
        if not inspect(connection).has_table(name):
            continue
        former = text(f"SELECT * FROM {name}").columns(depuis_le=rules.c.depuis_le.type)  # noqa: S608 - a name of ours
        for row in connection.execute(former).mappings():
            values = {k: v if k in plain else DECODER.decode(v or "null") for k, v in row.items()}
            new = {name: values[name] for name in ("version", "depuis_le")} | {"famille": famille}
            del values["depuis_le"]
            new["prive"] = None if famille else {"derogations": values.pop("derogations", None)}
            new["document"] = values.get("document") or values
            found.append(sealed(rules, new))
    return found
