"""What a champ of each GraphQL type says: its text, and what the text does not say.

The concrete type depends on the server's age and on the document, so nothing here insists on
one: a value of an unexpected shape degrades to the text that every champ carries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from dsync.domain.dossier import Fichier, Json
from dsync.mapping.wire import ChampNode, text_in

Value = tuple[str | None, Json]
"""The text that a reader of SQL gets, and the JSON value; None where the text is the value."""

_SAFE_INTEGER = 2**53
"""Beyond it, a reader of JSON may round; the digits are then kept as text."""


def value_of(node: ChampNode) -> Value:
    """Return the text and the value of any champ but a repetition; blank is (None, None)."""
    plain = _TEXTS.get(node.typename)
    if plain is not None:
        texte = plain(node)
        return (texte if texte and type(texte) is str else text_in(node.string_value)), None
    try:
        texte, valeur = _READERS[node.typename](node)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return text_in(node.string_value), None
    if texte and type(texte) is str:
        return texte, valeur
    return text_in(node.string_value), None


def fichiers_of(node: ChampNode) -> tuple[Fichier, ...]:
    """Return the files of a champ; those without a name are not told apart from nothing."""
    files = node.files
    if not isinstance(files, list):
        return ()
    return tuple(
        Fichier(
            nom=file["filename"],
            type_mime=str(file.get("contentType") or ""),
            taille=_size(file.get("byteSizeBigInt")),
            empreinte_md5=str(file.get("checksum") or ""),
            analyse=str(file.get("virusScanResult") or ""),
        )
        for file in files
        if isinstance(file, dict) and isinstance(file.get("filename"), str)
    )


def snake_case(typename: str) -> str:
    """Return `piece_justificative` for `PieceJustificativeChamp`."""
    name = typename.removesuffix("Champ")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _size(value: Any) -> int:
    try:
        return int(value)
    except (OverflowError, TypeError, ValueError):
        return 0


def _boolean(value: Any) -> Value:
    if value is True:
        return "oui", True
    return ("non", False) if value is False else (None, None)


def _checkbox(node: ChampNode) -> Value:
    return _boolean(node.checkbox_value)


def _yes_no(node: ChampNode) -> Value:
    return _boolean(node.yes_no_value)


def _filled(node: ChampNode) -> Value:
    return _boolean(node.filled or None)


def _datetime(node: ChampNode) -> Value:
    value = node.datetime
    if value is None:
        return None, None
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return instant.astimezone(UTC).isoformat(), None


def _integer(node: ChampNode) -> Value:
    value = node.integer_value
    if value is None:
        return None, None
    # A BigInt comes as a string.
    number = int(str(value))
    return str(number), (number if abs(number) < _SAFE_INTEGER else None)


def _decimal(node: ChampNode) -> Value:
    number = float(node.decimal_value)
    if number.is_integer() and abs(number) < _SAFE_INTEGER:
        return str(int(number)), number
    if number - number != 0:
        raise ValueError("neither an infinity nor NaN is JSON")
    return repr(number), number


def _values(node: ChampNode) -> Value:
    values = [value for value in node.values if value]
    return ", ".join(values), values


def _linked(node: ChampNode) -> Value:
    primary, secondary = node.primary_value, node.secondary_value
    return (
        " / ".join(value for value in (primary, secondary) if value),
        _present({"primaire": primary, "secondaire": secondary}),
    )


def _address(node: ChampNode) -> Value:
    return text_in(node.string_value), _present(node.address) or None


def _commune(node: ChampNode) -> Value:
    commune = _present(node.commune)
    postal = commune.get("postalCode")
    prefix = f"{postal} " if postal else ""
    return f"{prefix}{commune['name']} ({commune['code']})", commune


def _departement(node: ChampNode) -> Value:
    departement = _present(node.departement)
    return f"{departement['code']} - {departement['name']}", departement


def _place_under(name: str) -> Callable[[ChampNode], Value]:
    """Read a place: `{"name", "code"}`, whose text is its name."""
    place_of = attrgetter(name)

    def read(node: ChampNode) -> Value:
        place = _present(place_of(node))
        return place["name"], place

    return read


def _siret(node: ChampNode) -> Value:
    etablissement = _present(node.etablissement)
    return etablissement["siret"], etablissement


def _dossier_link(node: ChampNode) -> Value:
    number = node.dossier["number"]
    return str(number), number


def _registered_under(name: str) -> Callable[[ChampNode], Value]:
    """Read an association or a foundation: `{"id", "title"}`."""
    registered_of = attrgetter(name)

    def read(node: ChampNode) -> Value:
        registered = _present(registered_of(node))
        title = registered.get("title")
        return (f"{title} ({registered['id']})" if title else registered["id"]), registered

    return read


def _engagement(node: ChampNode) -> Value:
    # The number itself is only in the text; the amounts are all that the type adds.
    return text_in(node.string_value), _present(node.engagement_juridique) or None


def _carte(node: ChampNode) -> Value:
    ids = [area["id"] for area in node.geo_areas]
    return (f"{len(ids)} zone{'s' if len(ids) > 1 else ''}" if ids else None), ids


def _files(node: ChampNode) -> Value:
    return ", ".join(fichier.nom for fichier in fichiers_of(node)), None


def _present(record: Any) -> dict[str, Any]:
    """Return a record without what it leaves out."""
    return {key: value for key, value in record.items() if value is not None}


_TEXTS: Mapping[str, Callable[[ChampNode], Any]] = {
    "TextChamp": attrgetter("text_value"),
    "DropDownListChamp": attrgetter("drop_down_value"),
    "CiviliteChamp": attrgetter("civilite_value"),
    # `value` is the day's midnight in Paris, another day in UTC; `date` is the day itself.
    "DateChamp": attrgetter("date"),
}
"""Types whose value is a text."""

_READERS: Mapping[str, Callable[[ChampNode], Value]] = {
    "CheckboxChamp": _checkbox,
    "YesNoChamp": _yes_no,
    "TitreIdentiteChamp": _filled,
    "DatetimeChamp": _datetime,
    "IntegerNumberChamp": _integer,
    "DecimalNumberChamp": _decimal,
    "MultipleDropDownListChamp": _values,
    "LinkedDropDownListChamp": _linked,
    "AddressChamp": _address,
    "CommuneChamp": _commune,
    "DepartementChamp": _departement,
    "RegionChamp": _place_under("region"),
    "PaysChamp": _place_under("pays"),
    "EpciChamp": _place_under("epci"),
    "SiretChamp": _siret,
    "DossierLinkChamp": _dossier_link,
    "PieceJustificativeChamp": _files,
    "CarteChamp": _carte,
    "RNAChamp": _registered_under("rna"),
    "RNFChamp": _registered_under("rnf"),
    "EngagementJuridiqueChamp": _engagement,
}
