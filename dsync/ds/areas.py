"""The areas of a map, as GeoJSON and as a French text.

Equal areas give equal JSON: DS returns them in any order, and with other ids once an usager has
submitted a map again, so the ids are left out and the areas are sorted.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from dsync.domain.dossier import GEOJSON, Json
from dsync.domain.json_bytes import json_bytes
from dsync.ds.nodes import AreaNode, GeometryNode

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


def geojson_of(source: Raw) -> tuple[str | None, Json]:
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
    parts = ((latitude, "NS"), (longitude, "EO"))
    return ", ".join(f"{_rounded(abs(value))}° {signs[value < 0]}" for value, signs in parts)


def _rounded(value: float) -> str:
    return f"{value:.5f}".rstrip("0").rstrip(".").replace(".", ",")
