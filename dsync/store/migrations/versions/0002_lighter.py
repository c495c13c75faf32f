"""JSON is kept as the text that it is written as, and says nothing twice.

On PostgreSQL the columns were jsonb, which parsed and compressed at each write what is seldom
read. Labels and types of champs are those of the revision's descriptors, which are kept; a text
that is the value was kept twice; evidence was JSON inside JSON. Nothing was released on the
schema before.
"""

# ruff: noqa: D103
from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = {
    "candidature": (
        *("voeux", "evaluations", "reponses", "demandeur", "divers", "traitements"),
        *("champs", "annotations"),
    ),
    "demarche": ("labels", "instructeurs"),
    "dossier": ("labels",),
    "registre": ("answer",),
    "revision": ("descriptors",),
    "sync_run": ("figures",),
    "verdict": ("doublons", "controles"),
}
AT_ONCE = 200


LARGE = {"candidature": ("champs", "annotations", "evaluations"), "verdict": ("controles",)}
"""Kept as they are: compressing them took the server as long as all the rest of a first read."""
PAGE_BYTES = 8160
"""The longest row that PostgreSQL leaves in one piece, if asked to."""


def upgrade() -> None:
    _retype("text")
    for table, columns in LARGE.items() if _is_postgresql() else ():
        for name in columns:
            op.execute(f"ALTER TABLE {table} ALTER {name} SET STORAGE EXTERNAL")
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = {PAGE_BYTES})")
    connection = op.get_bind()
    described = {
        (revision_id, descriptor["id"])
        for revision_id, descriptors in connection.execute(
            sa.text("SELECT id, descriptors FROM revision")
        )
        for descriptor in json.loads(descriptors or "[]")
    }
    for numbers in _batches(connection, "SELECT numero FROM candidature ORDER BY numero"):
        _lighten(connection, numbers, described)
    for ids in _batches(connection, "SELECT id FROM verdict ORDER BY id"):
        _unwrap(connection, ids)


def downgrade() -> None:
    _retype("jsonb")
    for table in LARGE if _is_postgresql() else ():
        op.execute(f"ALTER TABLE {table} RESET (toast_tuple_target)")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _retype(type_: str) -> None:
    if not _is_postgresql():
        return
    for table, columns in JSON.items():
        changes = ", ".join(f"ALTER {name} TYPE {type_} USING {name}::{type_}" for name in columns)
        op.execute(f"ALTER TABLE {table} {changes}")


def _batches(connection: sa.Connection, query: str) -> Iterator[Sequence[int]]:
    keys = connection.scalars(sa.text(query)).all()
    yield from (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))


def _lighten(
    connection: sa.Connection, numbers: Sequence[int], described: set[tuple[str, str]]
) -> None:
    rows = connection.execute(
        sa.text(
            "SELECT c.numero, c.champs, c.annotations, d.revision_id FROM candidature AS c "
            "JOIN dossier AS d ON d.numero = c.numero WHERE c.numero IN :numbers"
        ).bindparams(sa.bindparam("numbers", tuple(numbers), expanding=True))
    ).all()
    lighter = [
        {
            "numero": numero,
            "champs": _light(champs, revision_id, described),
            "annotations": _light(annotations, revision_id, described),
        }
        for numero, champs, annotations, revision_id in rows
    ]
    if not lighter:
        return
    connection.execute(
        sa.text(
            "UPDATE candidature SET champs = :champs, annotations = :annotations "
            "WHERE numero = :numero"
        ),
        lighter,
    )


def _light(text: str | None, revision_id: str, described: set[tuple[str, str]]) -> str | None:
    if text is None:
        return None
    champs = [_light_champ(champ, revision_id, described) for champ in json.loads(text)]
    return _written(champs)


def _light_champ(
    champ: dict[str, Any], revision_id: str, described: set[tuple[str, str]]
) -> dict[str, Any]:
    kept: dict[str, Any] = {name: champ[name] for name in ("id", "texte") if name in champ}
    if "valeur" in champ and champ["valeur"] != champ.get("texte"):
        kept["valeur"] = champ["valeur"]
    if "lignes" in champ:
        kept["lignes"] = [
            {**row, "champs": [_light_champ(c, revision_id, described) for c in row["champs"]]}
            for row in champ["lignes"]
        ]
    if "fichiers" in champ:
        kept["fichiers"] = champ["fichiers"]
    if (revision_id, champ["id"]) not in described:
        kept |= {name: champ[name] for name in ("libelle", "type") if name in champ}
    return kept


def _unwrap(connection: sa.Connection, ids: Sequence[int]) -> None:
    rows = connection.execute(
        sa.text("SELECT id, controles FROM verdict WHERE id IN :ids").bindparams(
            sa.bindparam("ids", tuple(ids), expanding=True)
        )
    ).all()
    unwrapped = [
        {
            "id": id_,
            "controles": _written([_plain(controle) for controle in json.loads(controles or "[]")]),
        }
        for id_, controles in rows
    ]
    connection.execute(
        sa.text("UPDATE verdict SET controles = :controles WHERE id = :id"), unwrapped
    )


def _plain(controle: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in controle.items() if value is not None}
    if isinstance(kept.get("preuve"), str):
        kept["preuve"] = json.loads(kept["preuve"])
    return kept


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
