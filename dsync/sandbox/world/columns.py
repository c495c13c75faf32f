"""The columns of a champ (`Champ.columns`): its values as in the exports of DS."""

from __future__ import annotations

from functools import reduce
from typing import Any

from dsync.sandbox.world import ids
from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.files import files_of

_KINDS = {
    "checkbox": "BooleanColumn",
    "yes_no": "BooleanColumn",
    "civilite": "EnumColumn",
    "date": "DateColumn",
    "datetime": "DateTimeColumn",
    "decimal_number": "DecimalColumn",
    "departements": "EnumColumn",
    "drop_down_list": "EnumColumn",
    "integer_number": "IntegerColumn",
    "multiple_drop_down_list": "EnumsColumn",
    "piece_justificative": "AttachmentsColumn",
    "regions": "EnumColumn",
}
_WITHOUT = frozenset({"header_section", "explication", "repetition", "carte", "titre_identite"})
_POSTAL_CODE = "ode postal (5\N{NO-BREAK SPACE}chiffres)"
# Further columns: name, path in the value, suffix of the label, column type.
_PLACE = [
    ("postal_code", "postal_code", f" – C{_POSTAL_CODE}", "TextColumn"),
    ("city_name", "city_name", " – Commune", "TextColumn"),
    ("department_code", "department_code", " – Département", "EnumColumn"),
    ("region_name", "region_name", " – Région", "EnumColumn"),
]
_ENTREPRISE = [
    ("raison_sociale", " – Entreprise raison sociale", "TextColumn"),
    ("siren", " – Entreprise SIREN", "TextColumn"),
    ("nom_commercial", " – Entreprise nom commercial", "TextColumn"),
    ("forme_juridique", " – Entreprise forme juridique", "TextColumn"),
    ("date_creation", " – Entreprise date de création", "DateColumn"),
]
_MORE = {
    "address": _PLACE,
    "communes": [
        ("code_postal", "postal_code", f" - c{_POSTAL_CODE}", "TextColumn"),
        ("code_departement", "departement.code", " - département", "TextColumn"),
    ],
    "siret": [
        *((f"entreprise_{n}", f"entreprise.{n}", label, kind) for n, label, kind in _ENTREPRISE),
        ("libelle_naf", "libelle_naf", " – Libellé NAF", "TextColumn"),
        *((name, f"address.{path}", label, kind) for name, path, label, kind in _PLACE),
    ],
}


def columns_of(champ: ServedChamp) -> list[dict[str, Any]]:
    """Return the columns of a champ; the first one is its value."""
    if champ.type in _WITHOUT:
        return []
    stable_id, label = champ.stable_id, champ.descriptor.label
    kind = _KINDS.get(champ.type, "TextColumn")
    columns = [_column(f"type_de_champ/{stable_id}", label, kind, _value(champ, kind))]
    for name, path, suffix, more in _MORE.get(champ.type, ()):
        key = f"type_de_champ/{stable_id}-$.{name}"
        columns.append(_column(key, label + suffix, more, _dig(champ.value, path)))
    return columns


def _column(key: str, label: str, kind: str, value: Any) -> dict[str, Any]:
    if kind in ("BooleanColumn", "AttachmentsColumn"):
        shown = str(value).lower() if isinstance(value, bool) else None
    else:
        texts = value if isinstance(value, list) else [value]
        shown = None if value is None else ", ".join(str(text) for text in texts)
    ident = ids.encode("Column", key)
    return {"kind": kind, "id": ident, "label": label, "string_value": shown, "value": value}


def _value(champ: ServedChamp, kind: str) -> Any:
    value = champ.value
    if kind == "AttachmentsColumn":
        return files_of(champ)
    if value is None:
        return None
    if kind == "DateColumn":
        return champ.date_value()
    if kind == "DateTimeColumn":
        return champ.datetime_value()
    if kind == "IntegerColumn":
        return str(value)
    if champ.type in ("departements", "regions"):
        return value["code"]
    return champ.text_value() if kind == "TextColumn" else value


def _dig(value: Any, path: str) -> Any:
    return reduce(lambda found, step: found and found.get(step), path.split("."), value)
