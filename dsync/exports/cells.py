"""Makes the rows of `lecture_champ` from the stored list of a dossier's cells.

On SQLite alone, whose JSON functions take four times as long: the view has most rows of an export.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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


def cell_columns(
    connection: Connection, where: str, values: Mapping[str, Any]
) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the view's rows by its columns, in batches, ordered by the dossier's number.

    `where` is the condition on `numero` and `demarche_numero` that chooses dossiers. The database
    is SQLite.

    Raises:
        DamagedJsonError: a stored list is damaged.
    """
    forms: defaultdict[str, dict[str, tuple[str | None, str | None]]] = defaultdict(dict)
    for revision, id_, libelle, type_ in connection.execute(text(_DESCRIPTORS)):
        forms[revision][id_] = (libelle, type_)
    unknown = (None, None)
    found = connection.execute(text(_CELLS.format(where=where)), values)
    for some in found.partitions(_AT_ONCE):
        cells: list[Cell] = []
        numeros: list[int] = []
        demarches: list[int] = []
        described: list[tuple[str | None, str | None]] = []
        for numero, demarche, revision, document in some:
            own = _cells(document)
            cells += own
            numeros += [numero] * len(own)
            demarches += [demarche] * len(own)
            descriptors = forms[revision]
            described += [descriptors.get(cell.id, unknown) for cell in own]
        if cells:
            pairs = [*zip(cells, described, strict=True)]
            yield [
                numeros,
                [cell.origine for cell in cells],
                [cell.id for cell in cells],
                # A cell has its own where the form is not known.
                [cell.libelle if one[0] is None else one[0] for cell, one in pairs],
                [cell.type if one[1] is None else one[1] for cell, one in pairs],
                [cell.ligne for cell in cells],
                [cell.texte for cell in cells],
                demarches,
            ]


def _cells(document: str | None) -> list[Cell]:
    try:
        return (_decode(document) if document else None) or []
    except msgspec.DecodeError as exc:
        raise DamagedJsonError from exc
