"""The flat list in which champs are stored."""

from __future__ import annotations

import msgspec
import pytest

from dsync.domain.dossier import Champ, Fichier, Ligne, cells_of, stored_champs
from dsync.domain.ids import DescriptorId
from dsync.domain.json_bytes import json_bytes

A, B, R, S = map(DescriptorId, ("a", "b", "r", "s"))
MAP = {"features": [{"geometry": None}], "type": "FeatureCollection"}
FILE = Fichier("a.pdf", "application/pdf", None, "1B2M2Y8AsgTpgAmY7PhCfg==", "SAFE")
ROWS = (Ligne("1", (Champ(A, "x"), Champ(B, "2", 2))), Ligne("2", ()), Ligne("3", (Champ(A),)))


@pytest.mark.parametrize(
    "champs",
    [
        (),
        (Champ(A), Champ(B, "non", False), Champ(A, "again"), Champ(S, "a, b", ["a", "b"])),
        (Champ(R, lignes=ROWS), Champ(A, "x"), Champ(R), Champ(S, lignes=ROWS[::-1])),
        (
            Champ(A, "a.pdf", fichiers=(FILE,)),
            Champ(R, lignes=(Ligne("1", (Champ(A, "map", MAP),)),)),
        ),
        (
            Champ(A, None, libelle="", type="text"),
            Champ(R, lignes=ROWS, libelle="Bloc", type="repetition"),
        ),
    ],
)
def test_champs_come_back_as_they_were_stored(champs: tuple[Champ, ...]) -> None:
    """Whatever is missing, is there twice, or belongs to a form that is not known."""
    assert champs == stored_champs(json_bytes(cells_of(champs)))


def test_a_cell_ends_with_its_last_value_and_those_in_rows_come_last() -> None:
    """A map's text is its GeoJSON, which views show to the letter."""
    cells = cells_of((Champ(R, lignes=ROWS), Champ(A, "map", MAP), Champ(B)))
    assert [
        ["r", None, None, None, [], [["1", 3, 2], ["2", 5, 0], ["3", 5, 1]]],
        ["a", json_bytes(MAP).decode(), None, "map"],
        ["b"],
        ["a", "x", 1],
        ["b", "2", 1, 2],
        ["a", None, 3],
    ] == msgspec.json.decode(json_bytes(cells))
