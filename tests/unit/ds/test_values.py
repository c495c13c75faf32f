"""Each champ type, from the node of the queries to the stored value."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dsync.domain.dossier import Champ, Descriptor, Dossier, Fichier
from dsync.domain.ids import DescriptorId
from dsync.domain.json_bytes import json_bytes
from dsync.ds.dossier_reading import read_dossier
from dsync.ds.results import Unreadable
from dsync.sync.record import champs_of_form
from tests.conftest import shared
from tests.unit.ds.nodes import node_of

PLACE = {"name": "Île-de-France", "code": "11"}


def feature(geometry: Any, **properties: str) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def geojson(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [*features]}


def drawn(type_: str, coordinates: Any, **more: str) -> dict[str, Any]:
    geometry = {"type": type_, "coordinates": coordinates}
    return {"source": "selection_utilisateur", "description": None, "geometry": geometry, **more}


POINT = drawn("Point", [-1.68, 48.11])
LINE = drawn("LineString", [[2.0, 0.0], [2.5, 0.5]])
PLOT = {"commune": "75056", "prefixe": "000", "section": "AB", "numero": "12", "surface": "120"}
PLOT |= {"source": "cadastre", "description": "Le parc"}
PARCEL = drawn("Polygon", [[[2.35, 48], [2.36, 48.0], [2.35, 48]]]) | PLOT
AT = feature(POINT["geometry"], source="selection_utilisateur")
AB12 = feature(
    {"type": "Polygon", "coordinates": [[[2.35, 48.0], [2.36, 48.0], [2.35, 48.0]]]}, **PLOT
)
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
    ("DatetimeChamp", {"datetime": "2026-01-02T10:30:00+01:00"}, "2026-01-02T09:30:00+00:00",
     "2026-01-02T09:30:00+00:00"),
    ("DatetimeChamp", {"datetime": "2026-01-02T10:30:00"}, "2026-01-02T10:30:00+00:00",
     "2026-01-02T10:30:00+00:00"),
    ("DatetimeChamp", {"datetime": None}, None, None),
    ("DatetimeChamp", {"datetime": "demain", "stringValue": "demain"}, "demain", "demain"),
    ("IntegerNumberChamp", {"integerValue": "42"}, 42, "42"),
    ("IntegerNumberChamp", {"integerValue": "-7"}, -7, "-7"),
    ("IntegerNumberChamp", {"integerValue": "9" * 20}, "9" * 20, "9" * 20),
    ("IntegerNumberChamp", {"integerValue": None}, None, None),
    ("DecimalNumberChamp", {"decimalValue": 3.14}, 3.14, "3.14"),
    ("DecimalNumberChamp", {"decimalValue": 4.0}, 4.0, "4"),
    ("DecimalNumberChamp", {"decimalValue": 1e23}, "1e+23", "1e+23"),
    ("DecimalNumberChamp", {"decimalValue": float("nan"), "stringValue": "?"}, "?", "?"),
    ("DecimalNumberChamp", {"decimalValue": float("inf")}, None, None),
    ("MultipleDropDownListChamp", {"values": ["Un", "Trois"]}, ["Un", "Trois"], "Un, Trois"),
    ("MultipleDropDownListChamp", {"values": []}, None, None),
    ("MultipleDropDownListChamp",
     {"values": ["Un, deux", "Trois"], "stringValue": "Un, deux, Trois"}, ["Un, deux", "Trois"],
     "Un, deux, Trois"),
    # Of a list whose options are items, values are ids, and the text has the labels.
    ("DropDownListChamp", {"dropDownValue": "4021", "stringValue": "Sept"}, "Sept", "Sept"),
    ("MultipleDropDownListChamp", {"values": ["4021", "4022"], "stringValue": "Sept, Huit"},
     ["Sept", "Huit"], "Sept, Huit"),
    ("MultipleDropDownListChamp", {"values": ["4021"], "stringValue": "Un, deux"}, ["Un, deux"],
     "Un, deux"),
    ("MultipleDropDownListChamp", {"values": ["4021", "4022"], "stringValue": "Un, deux, Trois"},
     "Un, deux, Trois", "Un, deux, Trois"),
    ("LinkedDropDownListChamp", {"primaryValue": "Fruits", "secondaryValue": "Pomme"},
     {"primaire": "Fruits", "secondaire": "Pomme"}, "Fruits / Pomme"),
    ("LinkedDropDownListChamp", {"primaryValue": "Fruits"}, {"primaire": "Fruits"}, "Fruits"),
    ("LinkedDropDownListChamp", {"primaryValue": None, "secondaryValue": None}, None, None),
    ("AddressChamp", {"address": ADDRESS, "stringValue": "20 avenue de Ségur 75007 Paris"},
     {"cityName": "Paris"}, "20 avenue de Ségur 75007 Paris"),
    ("AddressChamp", {"address": None, "stringValue": "Lieu-dit"}, "Lieu-dit", "Lieu-dit"),
    ("CommuneChamp", {"commune": {"name": "Paris", "code": "75056", "postalCode": "75001"}},
     {"name": "Paris", "code": "75056", "postalCode": "75001"}, "75001 Paris (75056)"),
    ("CommuneChamp", {"commune": {"name": "Paris", "code": "75056", "postalCode": None}},
     {"name": "Paris", "code": "75056"}, "Paris (75056)"),
    ("CommuneChamp", {"commune": None}, None, None),
    ("DepartementChamp", {"departement": {"name": "Paris", "code": "75"}},
     {"name": "Paris", "code": "75"}, "75 - Paris"),
    ("RegionChamp", {"region": PLACE}, PLACE, "Île-de-France"),
    ("PaysChamp", {"pays": {"name": "France", "code": "FR"}}, {"name": "France", "code": "FR"},
     "France"),
    ("EpciChamp", {"epci": {"name": "CA X", "code": "2"}}, {"name": "CA X", "code": "2"}, "CA X"),
    ("SiretChamp", {"etablissement": ETABLISSEMENT}, ETABLISSEMENT, "13002526500013"),
    ("SiretChamp", {"etablissement": None, "stringValue": "130"}, "130", "130"),
    ("DossierLinkChamp", {"dossier": {"number": 12}}, 12, "12"),
    ("DossierLinkChamp", {"dossier": None, "stringValue": "12"}, "12", "12"),
    ("RNAChamp", {"rna": {"id": "W1", "title": "Asso"}}, {"id": "W1", "title": "Asso"},
     "Asso (W1)"),
    ("RNFChamp", {"rnf": {"id": "F1", "title": None}}, {"id": "F1"}, "F1"),
    (
        "EngagementJuridiqueChamp",
        {"engagementJuridique": {"montantEngage": "10"}, "stringValue": "EJ1"},
        {"montantEngage": "10"},
        "EJ1",
    ),
    ("EngagementJuridiqueChamp",
     {"engagementJuridique": {"montantEngage": None}, "stringValue": "EJ1"}, "EJ1", "EJ1"),
    ("CarteChamp", {"geoAreas": [POINT]}, geojson(AT), "tracé au point 48,11° N, 1,68° O"),
    ("CarteChamp", {"geoAreas": [PARCEL, POINT]}, geojson(AT, AB12),
     "tracé au point 48,11° N, 1,68° O ; parcelle 75056 000 AB 12, 120 m² (« Le parc »)"),
    (
        "CarteChamp",
        {"geoAreas": [LINE]},
        geojson(feature(LINE["geometry"], source="selection_utilisateur")),
        "tracé de 2 points à partir de 0° N, 2° E",
    ),
    (
        "CarteChamp",
        {"geoAreas": [{"source": "rpg", "geometry": {"type": "Point", "coordinates": "ici"}}]},
        geojson(feature(None, source="rpg")),
        "tracé",
    ),
    ("CarteChamp", {"geoAreas": []}, None, None),
    ("TitreIdentiteChamp", {"filled": True}, True, "oui"),
    ("TitreIdentiteChamp", {"filled": False}, None, None),
    ("PieceJustificativeChamp", {"files": [FILE]}, "lettre.pdf", "lettre.pdf"),
    ("PieceJustificativeChamp", {"files": []}, None, None),
    ("ChampDeDemain", {"stringValue": "quelque chose"}, "quelque chose", "quelque chose"),
    ("ChampDeDemain", {"stringValue": None}, None, None),
    ("CommuneChamp", {"commune": {}, "stringValue": "Paris"}, "Paris", "Paris"),
]  # fmt: skip


def node(typename: str, values: dict[str, Any]) -> dict[str, Any]:
    common = {"id": "x", "champDescriptorId": "x", "label": "Libellé", "stringValue": ""}
    return {"__typename": typename, **common, **values}


def champs_of(*nodes: dict[str, Any]) -> tuple[Champ, ...]:
    """Read champs without knowing their form."""
    found = dossier_with(*nodes)
    assert isinstance(found, Dossier), found
    return champs_of_form(found.champs, {})


def dossier_with(*nodes: dict[str, Any]) -> Dossier | Unreadable:
    """Read a dossier with these champs."""
    return read_dossier(json.dumps(node_of(champs=nodes)).encode())


@pytest.mark.parametrize(("typename", "values", "valeur", "texte"), TYPES)
def test_a_champ_of_each_type_gives_its_value_and_its_text(
    typename: str, values: dict[str, Any], valeur: Any, texte: str | None
) -> None:
    """Each GraphQL type has a JSON value and a text; an unexpected shape has the text only.

    The stored JSON has the same, and omits what is empty or redundant.
    """
    (champ,) = champs = champs_of(node(typename, values))
    assert (valeur, texte) == (champ.contenu, champ.texte)
    (stored,) = json.loads(json_bytes(champs))
    assert valeur == stored.get("valeur", stored.get("texte"))
    assert texte == stored.get("texte")
    assert None not in stored.values()
    assert "lignes" not in stored


@pytest.mark.parametrize(
    ("text", "valeur"),
    [
        ("Un, deux, Trois", ["Un, deux", "Trois"]),
        ("Trois, Un, deux, Un", ["Trois", "Un, deux", "Un"]),
        ("Un, Quatre, cinq, Trois", None),
        ("Un, " * 3000 + "Un", None),
    ],
)
def test_labels_with_commas_are_told_apart_by_the_forms_options(
    text: str, valeur: list[str] | None
) -> None:
    """DS gives the items' ids and one text of all labels; a text that is none of them stays one."""
    options = ("Un", "Un, deux", "Trois")
    id_ = DescriptorId("x")
    descriptor = Descriptor(id_, "Libellé", "multiple_drop_down_list", options=options)
    read = champs_of(node("MultipleDropDownListChamp", {"values": ["1", "2"], "stringValue": text}))
    (champ,) = champs_of_form(read, {id_: descriptor})
    assert (text, valeur) == (champ.texte, champ.valeur)


def test_a_map_is_the_same_in_any_order_and_is_bounded() -> None:
    """DS gives areas in any order; a text names the first ones, of a huge map the size is kept."""
    areas = [PARCEL, LINE, POINT]
    one, other = (
        champs_of(node("CarteChamp", {"geoAreas": these})) for these in (areas, areas[::-1])
    )
    assert json_bytes(one) == json_bytes(other)

    many = [drawn("Point", [float(rank % 180), rank / 100]) for rank in range(2_000)]
    (champ,) = champs_of(node("CarteChamp", {"geoAreas": many}))
    assert str(champ.texte).endswith(" ; et 1990 autres")
    assert len(str(champ.texte)) < 1_000
    huge = drawn("LineString", [[n / 7, 1.5] for n in range(60_000)])
    (champ,) = champs_of(node("CarteChamp", {"geoAreas": [huge]}))
    assert ("carte de 1,5 Mo, trop grande pour être copiée", []) == (
        champ.texte,
        champ.valeur["features"],
    )


def test_a_file_keeps_its_facts_and_not_its_address() -> None:
    """A signed address expires within an hour, so it is not stored."""
    files = [FILE | {"url": "https://example.org/signed"}]
    (champ,) = champs_of(node("PieceJustificativeChamp", {"files": files}))
    expected = Fichier(
        "lettre.pdf", "application/pdf", 12345678901, "1B2M2Y8AsgTpgAmY7PhCfg==", "safe"
    )
    assert (expected,) == champ.fichiers
    assert b"signed" not in json_bytes(champ)
    assert json.loads(json_bytes(champ))["fichiers"][0]["taille"] == 12345678901


@pytest.mark.parametrize(
    ("typename", "values", "path"),
    [
        ("PieceJustificativeChamp", {"files": {}}, "champs.files"),
        ("PieceJustificativeChamp", {"files": [None]}, "champs.files"),
        ("PieceJustificativeChamp", {"files": [{"filename": 3}]}, "champs.files.filename"),
        ("CommuneChamp", {"commune": "Paris"}, "champs.commune"),
        ("CarteChamp", {"geoAreas": [{"source": 3}]}, "champs.geoAreas"),
        ("AddressChamp", {"address": {"cityName": 3}}, "champs.address"),
        ("MultipleDropDownListChamp", {"values": [1, 2]}, "champs.values"),
        ("RepetitionChamp", {"rows": "x"}, "champs.rows"),
        ("RepetitionChamp", {"rows": [None]}, "champs.rows"),
        ("TextChamp", {"label": 3}, "champs.label"),
        ("ChampDeDemain", {"stringValue": []}, "champs.stringValue"),
    ],
)
def test_a_value_of_another_json_type_makes_the_dossier_unreadable(
    typename: str, values: dict[str, Any], path: str
) -> None:
    """The field is named; nothing is omitted silently."""
    found = dossier_with(node(typename, values))
    assert isinstance(found, Unreadable)
    assert (1, "illisible") == (found.number, found.code)
    assert re.sub(r"\[\d+\]", "", found.path).startswith(path)


@pytest.mark.parametrize("typename", ["HeaderSectionChamp", "ExplicationChamp"])
def test_layout_without_a_value_is_left_out(typename: str) -> None:
    """Headings and explanations are omitted, unless they have a text."""
    empty, full = node(typename, {}), node(typename, {"stringValue": "texte"})
    assert [champ.texte for champ in champs_of(empty, full)] == ["texte"]


ALIASES = {
    "TextChamp": {"value": "textValue"},
    "DropDownListChamp": {"value": "dropDownValue"},
    "CheckboxChamp": {"value": "checkboxValue"},
    "YesNoChamp": {"value": "yesNoValue"},
    "IntegerNumberChamp": {"value": "integerValue"},
    "DecimalNumberChamp": {"decimal": "decimalValue"},
    "CiviliteChamp": {"civilite": "civiliteValue"},
}


def test_a_recorded_dossier_of_every_type_is_read() -> None:
    """Recorded answers give DS's own texts, except dates and booleans."""
    recorded = json.loads(shared("ds/recorded/dossier-zoo-fragments.json"))
    dossier = recorded["response"]["body"]["data"]["dossier"]
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
