"""Every champ type, from the node that the queries select to what the database keeps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dsync.domain.dossier import Champ, Fichier
from dsync.domain.written import written
from dsync.mapping.champs import read_champs
from dsync.mapping.values import snake_case
from dsync.mapping.wire import read_node

PLACE = {"name": "Île-de-France", "code": "11"}
ADDRESS = {"cityName": "Paris", "regionCode": None}
ETABLISSEMENT = {"siret": "13002526500013", "entreprise": {"siren": "130025265"}}
FILE = {
    "filename": "lettre.pdf",
    "contentType": "application/pdf",
    "checksum": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "byteSizeBigInt": "12345678901",
    "virusScanResult": "safe",
}
TYPES: list[tuple[str, dict[str, Any], Any, str | None]] = [
    ("TextChamp", {"textValue": "Une réponse"}, "Une réponse", "Une réponse"),
    ("TextChamp", {"textValue": None, "stringValue": "autre"}, "autre", "autre"),
    ("TextChamp", {"textValue": None}, None, None),
    ("TextChamp", {"textValue": ""}, None, None),
    ("DropDownListChamp", {"dropDownValue": "Deux"}, "Deux", "Deux"),
    ("CiviliteChamp", {"civiliteValue": "Mme"}, "Mme", "Mme"),
    ("CheckboxChamp", {"checkboxValue": True, "stringValue": "true"}, True, "oui"),
    ("CheckboxChamp", {"checkboxValue": False, "stringValue": "false"}, False, "non"),
    ("YesNoChamp", {"yesNoValue": True}, True, "oui"),
    ("YesNoChamp", {"yesNoValue": False}, False, "non"),
    ("YesNoChamp", {"yesNoValue": None}, None, None),
    ("DateChamp", {"date": "2026-01-02"}, "2026-01-02", "2026-01-02"),
    ("DateChamp", {"stringValue": "02 janvier 2026"}, "02 janvier 2026", "02 janvier 2026"),
    (
        "DatetimeChamp",
        {"datetime": "2026-01-02T10:30:00+01:00"},
        "2026-01-02T09:30:00+00:00",
        "2026-01-02T09:30:00+00:00",
    ),
    (
        "DatetimeChamp",
        {"datetime": "2026-01-02T10:30:00"},
        "2026-01-02T10:30:00+00:00",
        "2026-01-02T10:30:00+00:00",
    ),
    ("DatetimeChamp", {"datetime": None}, None, None),
    ("DatetimeChamp", {"datetime": "demain", "stringValue": "demain"}, "demain", "demain"),
    ("IntegerNumberChamp", {"integerValue": "42"}, 42, "42"),
    ("IntegerNumberChamp", {"integerValue": "-7"}, -7, "-7"),
    ("IntegerNumberChamp", {"integerValue": "9" * 20}, "9" * 20, "9" * 20),
    ("IntegerNumberChamp", {"integerValue": None}, None, None),
    ("DecimalNumberChamp", {"decimalValue": 3.14}, 3.14, "3.14"),
    ("DecimalNumberChamp", {"decimalValue": 4.0}, 4.0, "4"),
    ("DecimalNumberChamp", {"decimalValue": float("nan"), "stringValue": "?"}, "?", "?"),
    ("DecimalNumberChamp", {"decimalValue": float("inf")}, None, None),
    ("MultipleDropDownListChamp", {"values": ["Un", "Trois"]}, ["Un", "Trois"], "Un, Trois"),
    ("MultipleDropDownListChamp", {"values": []}, None, None),
    (
        "LinkedDropDownListChamp",
        {"primaryValue": "Fruits", "secondaryValue": "Pomme"},
        {"primaire": "Fruits", "secondaire": "Pomme"},
        "Fruits / Pomme",
    ),
    ("LinkedDropDownListChamp", {"primaryValue": "Fruits"}, {"primaire": "Fruits"}, "Fruits"),
    ("LinkedDropDownListChamp", {"primaryValue": None, "secondaryValue": None}, None, None),
    (
        "AddressChamp",
        {"address": ADDRESS, "stringValue": "20 avenue de Ségur 75007 Paris"},
        {"cityName": "Paris"},
        "20 avenue de Ségur 75007 Paris",
    ),
    ("AddressChamp", {"address": None, "stringValue": "Lieu-dit"}, "Lieu-dit", "Lieu-dit"),
    (
        "CommuneChamp",
        {"commune": {"name": "Paris", "code": "75056", "postalCode": "75001"}},
        {"name": "Paris", "code": "75056", "postalCode": "75001"},
        "75001 Paris (75056)",
    ),
    (
        "CommuneChamp",
        {"commune": {"name": "Paris", "code": "75056", "postalCode": None}},
        {"name": "Paris", "code": "75056"},
        "Paris (75056)",
    ),
    ("CommuneChamp", {"commune": None}, None, None),
    (
        "DepartementChamp",
        {"departement": {"name": "Paris", "code": "75"}},
        {"name": "Paris", "code": "75"},
        "75 - Paris",
    ),
    ("RegionChamp", {"region": PLACE}, PLACE, "Île-de-France"),
    (
        "PaysChamp",
        {"pays": {"name": "France", "code": "FR"}},
        {"name": "France", "code": "FR"},
        "France",
    ),
    ("EpciChamp", {"epci": {"name": "CA X", "code": "2"}}, {"name": "CA X", "code": "2"}, "CA X"),
    ("SiretChamp", {"etablissement": ETABLISSEMENT}, ETABLISSEMENT, "13002526500013"),
    ("SiretChamp", {"etablissement": None, "stringValue": "130"}, "130", "130"),
    ("DossierLinkChamp", {"dossier": {"number": 12}}, 12, "12"),
    ("DossierLinkChamp", {"dossier": None, "stringValue": "12"}, "12", "12"),
    (
        "RNAChamp",
        {"rna": {"id": "W1", "title": "Asso"}},
        {"id": "W1", "title": "Asso"},
        "Asso (W1)",
    ),
    ("RNFChamp", {"rnf": {"id": "F1", "title": None}}, {"id": "F1"}, "F1"),
    (
        "EngagementJuridiqueChamp",
        {"engagementJuridique": {"montantEngage": "10"}, "stringValue": "EJ1"},
        {"montantEngage": "10"},
        "EJ1",
    ),
    (
        "EngagementJuridiqueChamp",
        {"engagementJuridique": {"montantEngage": None}, "stringValue": "EJ1"},
        "EJ1",
        "EJ1",
    ),
    ("CarteChamp", {"geoAreas": [{"id": "a"}]}, ["a"], "1 zone"),
    ("CarteChamp", {"geoAreas": [{"id": "a"}, {"id": "b"}]}, ["a", "b"], "2 zones"),
    ("CarteChamp", {"geoAreas": []}, None, None),
    ("TitreIdentiteChamp", {"filled": True}, True, "oui"),
    ("TitreIdentiteChamp", {"filled": False}, None, None),
    ("PieceJustificativeChamp", {"files": [FILE]}, "lettre.pdf", "lettre.pdf"),
    ("PieceJustificativeChamp", {"files": []}, None, None),
    ("ChampDeDemain", {"stringValue": "quelque chose"}, "quelque chose", "quelque chose"),
    ("ChampDeDemain", {"stringValue": None}, None, None),
    ("CommuneChamp", {"commune": "Paris", "stringValue": "Paris"}, "Paris", "Paris"),
    ("MultipleDropDownListChamp", {"values": [1, 2], "stringValue": "1, 2"}, "1, 2", "1, 2"),
]


def node(typename: str, values: dict[str, Any]) -> dict[str, Any]:
    common = {"id": "x", "champDescriptorId": "x", "label": "Libellé", "stringValue": ""}
    return {"__typename": typename, **common, **values}


def champs_of(*nodes: dict[str, Any]) -> tuple[Champ, ...]:
    """Read champs of a form that nobody knows."""
    source = json.dumps({"champs": nodes}).encode()
    return read_champs(read_node(source).champs, {})


@pytest.mark.parametrize(("typename", "values", "valeur", "texte"), TYPES)
def test_a_champ_of_each_type_gives_its_value_and_its_text(
    typename: str, values: dict[str, Any], valeur: Any, texte: str | None
) -> None:
    """Each GraphQL type has a JSON value and a text; an odd shape degrades to the text."""
    (champ,) = champs_of(node(typename, values))
    assert (valeur, texte) == (champ.contenu, champ.texte)


@pytest.mark.parametrize(("typename", "values", "valeur", "texte"), TYPES)
def test_the_json_kept_is_that_of_the_champ(
    typename: str, values: dict[str, Any], valeur: Any, texte: str | None
) -> None:
    """The JSON parses to the champ, and leaves out what is empty or said already."""
    champs = champs_of(node(typename, values))
    (stored,) = json.loads(written(champs))
    assert valeur == stored.get("valeur", stored.get("texte"))
    assert texte == stored.get("texte")
    assert None not in stored.values()
    assert "lignes" not in stored


def test_a_file_keeps_its_facts_and_not_its_address() -> None:
    """A signed address expires within the hour: it is not kept."""
    files = [FILE | {"url": "https://example.org/signed"}]
    (champ,) = champs_of(node("PieceJustificativeChamp", {"files": files}))
    expected = Fichier(
        "lettre.pdf", "application/pdf", 12345678901, "1B2M2Y8AsgTpgAmY7PhCfg==", "safe"
    )
    assert (expected,) == champ.fichiers
    assert b"signed" not in written(champ)
    assert json.loads(written(champ))["fichiers"][0]["taille"] == 12345678901


@pytest.mark.parametrize("files", [None, {}, [None, {}, {"filename": 3}]])
def test_files_of_an_odd_shape_are_no_files(files: Any) -> None:
    """What is no file is left out, and nothing fails."""
    (champ,) = champs_of(node("PieceJustificativeChamp", {"files": files}))
    assert champ.fichiers == ()


def test_a_file_of_unknown_size_has_none() -> None:
    """A size that is no number counts as zero."""
    files = [{"filename": "a", "byteSizeBigInt": "gros"}]
    (champ,) = champs_of(node("PieceJustificativeChamp", {"files": files}))
    assert (Fichier("a", "", 0, "", ""),) == champ.fichiers


@pytest.mark.parametrize(
    ("typename", "expected"),
    [
        ("PieceJustificativeChamp", "piece_justificative"),
        ("RNAChamp", "rna"),
        ("YesNoChamp", "yes_no"),
        ("PersonneMoraleIncomplete", "personne_morale_incomplete"),
    ],
)
def test_a_graphql_type_gives_a_snake_case_name(typename: str, expected: str) -> None:
    """Without the form's descriptors a champ's type is named after GraphQL's."""
    assert expected == snake_case(typename)


@pytest.mark.parametrize("typename", ["HeaderSectionChamp", "ExplicationChamp"])
def test_layout_without_a_value_is_left_out(typename: str) -> None:
    """Headings and explanations are no answers; one that carries a text is kept."""
    empty, full = node(typename, {}), node(typename, {"stringValue": "texte"})
    assert [champ.texte for champ in champs_of(empty, full)] == ["texte"]


RECORDED = (
    Path(os.environ.get("DSYNC_SHARED", Path(__file__).parents[4] / "shared"))
    / "ds"
    / "recorded"
    / "dossier-zoo-fragments.json"
)
ALIASES = {
    "TextChamp": {"value": "textValue"},
    "DropDownListChamp": {"value": "dropDownValue"},
    "CheckboxChamp": {"value": "checkboxValue"},
    "YesNoChamp": {"value": "yesNoValue"},
    "IntegerNumberChamp": {"value": "integerValue"},
    "DecimalNumberChamp": {"decimal": "decimalValue"},
    "CiviliteChamp": {"civilite": "civiliteValue"},
}


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded conversations are not at hand")
def test_a_recorded_dossier_of_every_type_is_read() -> None:
    """The platform's own answers give the texts that it shows, dates and booleans apart."""
    dossier = json.loads(RECORDED.read_text(encoding="utf-8"))["response"]["body"]["data"][
        "dossier"
    ]
    nodes = [
        {ALIASES.get(champ["__typename"], {}).get(key, key): value for key, value in champ.items()}
        for champ in dossier["champs"]
    ]
    read = {champ.libelle: champ.texte for champ in champs_of(*nodes)}
    shown = {champ["label"]: champ["stringValue"] or None for champ in dossier["champs"]}
    assert (
        shown
        | {
            "Case": "oui",
            "OuiNon": "non",
            "Date": "2026-01-02",
            "DateHeure": "2026-01-02T09:30:00+00:00",
            "Tel": "0123456789",
            "Iban": "FR76 3000 6000 0112 3456 7890 189",
        }
        == read
    )
