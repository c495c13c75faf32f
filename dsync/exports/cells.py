"""Makes the rows of `lecture_champ` from the stored list of a dossier's cells.

On SQLite alone, whose JSON functions take four times as long: the view has most rows of an export.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from dsync.domain.dossier import Cell
from dsync.errors import DamagedJsonError

VIEW = "lecture_champ"
_AT_ONCE = 20
"""Dossiers in memory at a time: a dossier has some seventy cells."""
_DESCRIPTORS = """
SELECT r.id, s.value ->> 'id', s.value ->> 'libelle', s.value ->> 'type'
FROM revision AS r, json_each(r.descriptors) AS s
"""
# `CROSS JOIN` for the order of the loops: by the dossier's number.
_CELLS = """
SELECT numero, demarche_numero, revision_id, cellules
FROM (
    SELECT c.numero, d.demarche_numero, d.revision_id, c.cellules
    FROM contenu AS c
    CROSS JOIN dossier AS d ON d.numero = c.numero
){where} ORDER BY numero
"""


_decode = msgspec.json.Decoder(list[Cell] | None).decode


def cell_rows(
    connection: Connection, where: str, values: Mapping[str, Any]
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the view's rows with all its columns, in batches, ordered by the dossier's number.

    Args:
        connection: in a transaction, on SQLite.
        where: the condition on `numero` and `demarche_numero` that chooses dossiers.
        values: of its parameters.

    Raises:
        DamagedJsonError: a stored list is damaged.
    """
    forms: defaultdict[str, dict[str, tuple[str | None, str | None]]] = defaultdict(dict)
    for revision, id_, libelle, type_ in connection.execute(text(_DESCRIPTORS)):
        forms[revision][id_] = (libelle, type_)
    unknown = (None, None)
    found = connection.execute(text(_CELLS.format(where=where)), values)
    for some in found.partitions(_AT_ONCE):
        rows = []
        for numero, demarche, revision, cellules in some:
            descriptors = forms[revision]
            for cell in _cells(cellules):
                # A cell has its own where the form is not known.
                libelle, type_ = descriptors.get(cell.id, unknown)
                rows.append(
                    (
                        numero,
                        cell.origine,
                        cell.id,
                        cell.libelle if libelle is None else libelle,
                        cell.type if type_ is None else type_,
                        cell.ligne,
                        cell.texte,
                        demarche,
                    )
                )
        if rows:
            yield rows


def _cells(document: str | None) -> list[Cell]:
    try:
        return (_decode(document) if document else None) or []
    except msgspec.DecodeError as exc:
        raise DamagedJsonError from exc
