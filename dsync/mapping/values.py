"""What a champ of each GraphQL type says: a JSON value, and the text that a SQL reader gets.

The concrete type depends on the server's age and on the document, so nothing here insists on
one: a value of an unexpected shape degrades to the text that every champ carries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from dsync.domain.dossier import Fichier, Json

Node = Mapping[str, Any]
Value = tuple[Json, str | None]

_SAFE_INTEGER = 2**53
"""Beyond it, a reader of JSON may round; the digits are then kept as text."""


def value_of(node: Node) -> Value:
    """Return the value and the text of any champ but a repetition; blank is (None, None)."""
    try:
        valeur, texte = _READERS[node["__typename"]](node)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        return _string(node)
    return (valeur, texte) if texte and type(texte) is str else _string(node)


def fichiers_of(node: Node) -> tuple[Fichier, ...]:
    """Return the files of a champ; those without a name are not told apart from nothing."""
    files = node.get("files")
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


def _string(node: Node) -> Value:
    text = node.get("stringValue")
    return (text, text) if text and isinstance(text, str) else (None, None)


def _text_under(alias: str) -> Callable[[Node], Value]:
    def read(node: Node) -> Value:
        text = node[alias]
        return (text, text) if isinstance(text, str) else (None, None)

    return read


def _boolean_under(alias: str) -> Callable[[Node], Value]:
    def read(node: Node) -> Value:
        value = node[alias]
        if value is True:
            return True, "oui"
        return (False, "non") if value is False else (None, None)

    return read


def _filled(node: Node) -> Value:
    return (True, "oui") if node["filled"] is True else (None, None)


def _named_under(alias: str) -> Callable[[Node], Value]:
    """Read a place: `{"name", "code"}`, whose text is its name."""

    def read(node: Node) -> Value:
        place = _present(node[alias])
        return place, place["name"]

    return read


def _datetime(node: Node) -> Value:
    value = node["datetime"]
    if value is None:
        return None, None
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    text = instant.astimezone(UTC).isoformat()
    return text, text


def _integer(node: Node) -> Value:
    value = node["integerValue"]
    if value is None:
        return None, None
    # A BigInt comes as a string.
    number = int(str(value))
    text = str(number)
    return (number if abs(number) < _SAFE_INTEGER else text), text


def _decimal(node: Node) -> Value:
    number = float(node["decimalValue"])
    if number.is_integer() and abs(number) < _SAFE_INTEGER:
        return number, str(int(number))
    if number - number != 0:
        raise ValueError("neither an infinity nor NaN is JSON")
    return number, repr(number)


def _values(node: Node) -> Value:
    values = [value for value in node["values"] if value]
    return values, ", ".join(values)


def _linked(node: Node) -> Value:
    primary, secondary = node.get("primaryValue"), node.get("secondaryValue")
    return (
        _present({"primaire": primary, "secondaire": secondary}),
        " / ".join(value for value in (primary, secondary) if value),
    )


def _address(node: Node) -> Value:
    address = _present(node["address"])
    return address, address["label"]


def _commune(node: Node) -> Value:
    commune = _present(node["commune"])
    postal = commune.get("postalCode")
    prefix = f"{postal} " if postal else ""
    return commune, f"{prefix}{commune['name']} ({commune['code']})"


def _departement(node: Node) -> Value:
    departement = _present(node["departement"])
    return departement, f"{departement['code']} - {departement['name']}"


def _siret(node: Node) -> Value:
    etablissement = _present(node["etablissement"])
    return etablissement, etablissement["siret"]


def _dossier_link(node: Node) -> Value:
    number = node["dossier"]["number"]
    return number, str(number)


def _registered_under(alias: str) -> Callable[[Node], Value]:
    """Read an association or a foundation: `{"id", "title"}`."""

    def read(node: Node) -> Value:
        registered = _present(node[alias])
        title = registered.get("title")
        return registered, f"{title} ({registered['id']})" if title else registered["id"]

    return read


def _engagement(node: Node) -> Value:
    # The number itself is only in the text; the amounts are all that the type adds.
    number = node["stringValue"]
    return _present(node["engagementJuridique"]) or number, number


def _carte(node: Node) -> Value:
    ids = [area["id"] for area in node["geoAreas"]]
    return ids, f"{len(ids)} zone{'s' if len(ids) > 1 else ''}" if ids else None


def _files(node: Node) -> Value:
    return None, ", ".join(fichier.nom for fichier in fichiers_of(node))


def _present(record: Any) -> dict[str, Any]:
    """Return a record without what it leaves out."""
    return {key: value for key, value in record.items() if value is not None}


_READERS: Mapping[str, Callable[[Node], Value]] = {
    "TextChamp": _text_under("textValue"),
    "DropDownListChamp": _text_under("dropDownValue"),
    "CiviliteChamp": _text_under("civiliteValue"),
    "CheckboxChamp": _boolean_under("checkboxValue"),
    "YesNoChamp": _boolean_under("yesNoValue"),
    "TitreIdentiteChamp": _filled,
    # `value` is the day's midnight in Paris, another day in UTC; `date` is the day itself.
    "DateChamp": _text_under("date"),
    "DatetimeChamp": _datetime,
    "IntegerNumberChamp": _integer,
    "DecimalNumberChamp": _decimal,
    "MultipleDropDownListChamp": _values,
    "LinkedDropDownListChamp": _linked,
    "AddressChamp": _address,
    "CommuneChamp": _commune,
    "DepartementChamp": _departement,
    "RegionChamp": _named_under("region"),
    "PaysChamp": _named_under("pays"),
    "EpciChamp": _named_under("epci"),
    "SiretChamp": _siret,
    "DossierLinkChamp": _dossier_link,
    "PieceJustificativeChamp": _files,
    "CarteChamp": _carte,
    "RNAChamp": _registered_under("rna"),
    "RNFChamp": _registered_under("rnf"),
    "EngagementJuridiqueChamp": _engagement,
}
