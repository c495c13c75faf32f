"""Text and JSON value of a champ, by its GraphQL type.

The type depends on DS's version and on the document's fragments. A champ of an unknown type, or
with a value that cannot be read, has the text that every champ has (`stringValue`).

Equal areas of a map give equal JSON: DS returns them in any order, and with other ids once an
usager has submitted the map again, so the ids are left out and the areas are sorted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from dsync.domain.dossier import GEOJSON, Fichier, Json, in_utc
from dsync.domain.json_bytes import json_bytes
from dsync.ds.nodes import AreaNode, CellNode, FileNode, GeometryNode

Value = tuple[str | None, Json]
"""A champ's text, and its JSON value; the value is None where the text says the same, and where
only the form's options tell the labels in the text of several choices from each other."""

_SAFE_INTEGER = 2**53
"""JSON readers may round integers from here on: only the text then has all digits."""


class InvalidValueError(ValueError):
    """A value of the right type that is out of range; the message is its path."""


def value_of(node: CellNode) -> Value:
    """Return the text and the value of a champ that is no repetition; (None, None) when empty."""
    plain = _TEXTS.get(node.typename)
    if plain is not None:
        return plain(node) or node.string_value or None, None
    read = _READERS.get(node.typename)
    texte, valeur = read(node) if read else (None, None)
    return (texte, valeur) if texte else (node.string_value or None, None)


def fichiers_of(node: CellNode) -> tuple[Fichier, ...]:
    """Return the files of a champ; a size that is no valid number is unknown."""
    return tuple(
        [
            Fichier(
                nom=file.filename,
                type_mime=file.content_type or "",
                taille=_size(file),
                empreinte_md5=file.checksum or "",
                analyse=file.virus_scan_result or "",
            )
            for file in node.files or ()
        ]
    )


@cache
def snake_case(typename: str) -> str:
    """Return the descriptor's type: `piece_justificative` for `PieceJustificativeChamp`."""
    name = typename.removesuffix("Champ")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _size(file: FileNode) -> int | None:
    size = _integer_in(file.byte_size_big_int or 0)
    return size if size is not None and 0 <= size < 1 << 63 else None


def _integer_in(value: str | int) -> int | None:
    """Return a BigInt, which DS sends as a string; None when it is no number."""
    try:
        return int(value)
    except ValueError:
        return None


def _boolean(value: bool | None) -> Value:
    if value is None:
        return None, None
    return ("oui", True) if value else ("non", False)


def _filled(node: CellNode) -> Value:
    # Only a document that is there is an answer; its absence is blank, and no « non ».
    return _boolean(node.filled or None)


def _datetime(node: CellNode) -> Value:
    try:
        return in_utc(datetime.fromisoformat(node.datetime or "")).isoformat(), None
    except (OverflowError, ValueError):
        return None, None


def _integer(node: CellNode) -> Value:
    number = None if node.integer_value is None else _integer_in(node.integer_value)
    if number is None:
        return None, None
    return str(number), (number if abs(number) < _SAFE_INTEGER else None)


def _decimal(node: CellNode) -> Value:
    number = node.decimal_value
    if number is None:
        return None, None
    if number.is_integer() and abs(number) < _SAFE_INTEGER:
        # « 3 », as people typed it, and not « 3.0 ».
        return str(int(number)), number
    return repr(number), (number if abs(number) < _SAFE_INTEGER else None)


def _values(node: CellNode) -> Value:
    values = [value for value in node.values or () if value]
    text = ", ".join(values)
    if not values or node.string_value in (None, "", text):
        return text, [*values]
    # Of a list whose options are items (« choix avancé ») they are the items' ids.
    labels = [node.string_value] if len(values) == 1 else node.string_value.split(", ")
    return node.string_value, [*labels] if len(labels) == len(values) else None


def _linked(node: CellNode) -> Value:
    primary, secondary = node.primary_value, node.secondary_value
    return (
        " / ".join(value for value in (primary, secondary) if value),
        _present({"primaire": primary, "secondaire": secondary}),
    )


def _address(node: CellNode) -> Value:
    return node.string_value, _present(node.address) or None


def _place_under(name: str, text: str) -> Callable[[CellNode], Value]:
    """Return a reader of the place `{"name", "code"}` in a field; `text`: the format of its text.

    The field `<name>_code` has the place without its name.
    """
    place_of, code_of = attrgetter(name), attrgetter(f"{name}_code")

    def read(node: CellNode) -> Value:
        place = _present(place_of(node)) or _present(code_of(node))
        if place.get("name") and place.get("code"):
            postal = f"{place['postalCode']} " if place.get("postalCode") else ""
            return text.format(name=place["name"], code=place["code"], postal=postal), place
        if place.get("code"):
            return node.string_value or f"{place['code']} (nom inconnu)", place
        return None, None

    return read


def _siret(node: CellNode) -> Value:
    etablissement = node.etablissement
    if etablissement is None:
        return None, None
    return etablissement.siret, msgspec.to_builtins(etablissement)


def _dossier_link(node: CellNode) -> Value:
    return (str(node.dossier.number), node.dossier.number) if node.dossier else (None, None)


def _registered_under(name: str) -> Callable[[CellNode], Value]:
    """Return a reader of an association or a foundation `{"id", "title"}`."""
    registered_of = attrgetter(name)

    def read(node: CellNode) -> Value:
        registered = _present(registered_of(node))
        id_, title = registered.get("id"), registered.get("title")
        return (f"{title} ({id_})" if id_ and title else id_), registered  # type: ignore[return-value]

    return read


def _engagement(node: CellNode) -> Value:
    # DS gives the number only in the text; the type has the amounts.
    return node.string_value, _present(node.engagement_juridique) or None


def _carte(node: CellNode) -> Value:
    try:
        return geojson_of(node.geo_areas)
    except msgspec.DecodeError as exc:
        raise InvalidValueError("champs.geoAreas") from exc


def _files(node: CellNode) -> Value:
    return ", ".join([file.filename for file in node.files or ()]), None


def _present(record: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return an object without its null keys."""
    return {key: value for key, value in (record or {}).items() if value is not None}


_TEXTS: Mapping[str, Callable[[CellNode], str | None]] = {
    "TextChamp": attrgetter("text_value"),
    # `value` is an item's id in a list whose options are items.
    "DropDownListChamp": lambda node: node.string_value or node.drop_down_value,
    "CiviliteChamp": attrgetter("civilite_value"),
    # `value` is midnight in Paris, which is the day before in UTC; `date` is the day itself.
    "DateChamp": attrgetter("date"),
}
"""Types whose value is a text, with the field that has it."""

_READERS: Mapping[str, Callable[[CellNode], Value]] = {
    "CheckboxChamp": lambda node: _boolean(node.checkbox_value),
    "YesNoChamp": lambda node: _boolean(node.yes_no_value),
    "TitreIdentiteChamp": _filled,
    "DatetimeChamp": _datetime,
    "IntegerNumberChamp": _integer,
    "DecimalNumberChamp": _decimal,
    "MultipleDropDownListChamp": _values,
    "LinkedDropDownListChamp": _linked,
    "AddressChamp": _address,
    "CommuneChamp": _place_under("commune", "{postal}{name} ({code})"),
    "DepartementChamp": _place_under("departement", "{code} - {name}"),
    "RegionChamp": _place_under("region", "{name}"),
    "PaysChamp": _place_under("pays", "{name}"),
    "EpciChamp": _place_under("epci", "{name}"),
    "SiretChamp": _siret,
    "DossierLinkChamp": _dossier_link,
    "PieceJustificativeChamp": _files,
    "CarteChamp": _carte,
    "RNAChamp": _registered_under("rna"),
    "RNFChamp": _registered_under("rnf"),
    "EngagementJuridiqueChamp": _engagement,
}

_MOST_BYTES = 1_000_000
"""Maximum size of a map's JSON; a larger one is not decoded, and only its size is stored."""
_MOST_NAMED = 10
"""Maximum number of areas that the text names."""
_LONGEST_DESCRIPTION = 100
"""Maximum number of characters of an area's description in the text."""
_DEEPEST = 4
"""Levels of lists in the coordinates of a MultiPolygon, the deepest geometry."""
_FURTHEST = 1e9
"""No system of coordinates has numbers from here on, and `jsonb` would write them otherwise."""
_PROPERTIES = ("source", "description", "commune", "prefixe", "section", "numero", "surface")
_areas_of = msgspec.json.Decoder(list[AreaNode] | None).decode


def geojson_of(source: msgspec.Raw) -> tuple[str | None, Json]:
    """Return the text and the FeatureCollection of a map's areas; (None, None) without areas.

    Raises:
        msgspec.DecodeError: the areas do not match the API.
        RecursionError: they are nested too deeply.
    """
    size = len(memoryview(source))
    if size > _MOST_BYTES:
        text = f"carte de {size / 1e6:.1f} Mo, trop grande pour être copiée".replace(".", ",")
        return text, {"type": GEOJSON, "features": [], "octets": size}
    features = sorted(map(_feature, _areas_of(source) or ()), key=json_bytes)
    if not features:
        return None, None
    texts = list(map(_text, features[:_MOST_NAMED]))
    more = len(features) - _MOST_NAMED
    if more > 0:
        texts.append(f"et {more} autre{'s' if more > 1 else ''}")
    whole: dict[str, Any] = {"type": GEOJSON, "features": features}
    return " ; ".join(texts), whole


def _feature(area: AreaNode) -> dict[str, Any]:
    properties = {name: value for name in _PROPERTIES if (value := getattr(area, name))}
    geometry = _geometry(area.geometry) if area.geometry else None
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _geometry(node: GeometryNode) -> dict[str, Json] | None:
    """Return a geometry, None if its coordinates are not lists of numbers."""
    try:
        return {"type": node.type, "coordinates": _numbers(node.coordinates, _DEEPEST)}
    except (OverflowError, TypeError, ValueError):
        return None


def _numbers(value: Any, depth: int) -> list[Json]:
    """Return lists of coordinates with floats: DS may write 2.0 as 2."""
    if not isinstance(value, list) or not depth:
        raise TypeError
    return [_numbers(one, depth - 1) if isinstance(one, list) else _number(one) for one in value]


def _number(value: Any) -> float:
    # Without the sign of -0.0, which `jsonb` does not keep.
    number = float(value) + 0.0
    if isinstance(value, str | bool) or not abs(number) < _FURTHEST:
        raise ValueError
    return number


def _positions(coordinates: list[Any]) -> list[list[float]]:
    """Return the positions in coordinates: the lists that hold numbers."""
    inner = [one for one in coordinates if isinstance(one, list)]
    if inner:
        return [position for one in inner for position in _positions(one)]
    return [coordinates] if len(coordinates) > 1 else []


def _text(feature: dict[str, Any]) -> str:
    properties, geometry = feature["properties"], feature["geometry"]
    if properties.get("numero"):
        names = ("commune", "prefixe", "section", "numero")
        text = "parcelle " + " ".join(filter(None, map(properties.get, names)))
        if surface := properties.get("surface"):
            text += f", {surface} m²"
    else:
        positions = _positions(geometry["coordinates"]) if geometry else []
        text = "tracé"
        if len(positions) == 1:
            text += f" au point {_place(positions[0])}"
        elif positions:
            text += f" de {len(positions)} points à partir de {_place(positions[0])}"
    if description := " ".join((properties.get("description") or "").split()):
        if len(description) > _LONGEST_DESCRIPTION:
            description = f"{description[: _LONGEST_DESCRIPTION - 1]}…"
        text += f" (« {description} »)"
    return text


def _place(position: list[float]) -> str:
    """Return a position, which begins with the longitude, as people write it."""
    longitude, latitude = position[:2]
    parts = (
        (f"{abs(value):.5f}".rstrip("0").rstrip(".").replace(".", ","), signs[value < 0])
        for value, signs in ((latitude, "NS"), (longitude, "EO"))
    )
    return ", ".join(f"{rounded}° {side}" for rounded, side in parts)
