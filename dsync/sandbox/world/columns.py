"""The columns of a champ (`Champ.columns`): its values as in the exports of DS."""

from __future__ import annotations

from functools import reduce
from typing import Any

from dsync.sandbox.world import ids
from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.files import files_of

_KINDS = {
    **dict.fromkeys(("checkbox", "yes_no"), "BooleanColumn"),
    **dict.fromkeys(("civilite", "departements", "drop_down_list", "regions"), "EnumColumn"),
    "date": "DateColumn",
    "datetime": "DateTimeColumn",
    "decimal_number": "DecimalColumn",
    "integer_number": "IntegerColumn",
    "multiple_drop_down_list": "EnumsColumn",
    "piece_justificative": "AttachmentsColumn",
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
    label, value = champ.descriptor.label, champ.value
    kind = _KINDS.get(champ.type, "TextColumn")
    first = files_of(champ) if kind == "AttachmentsColumn" else value
    if value is not None:
        match kind:
            case "DateColumn":
                first = champ.date_value()
            case "DateTimeColumn":
                first = champ.datetime_value()
            case "IntegerColumn":
                first = str(value)
            case "TextColumn":
                first = champ.text_value()
            case "EnumColumn" if champ.type in ("departements", "regions"):
                first = value["code"]
    found = [("", label, kind, first)]
    for name, path, suffix, more in _MORE.get(champ.type, ()):
        part = reduce(lambda found, step: found and found.get(step), path.split("."), value)
        found.append((f"-$.{name}", label + suffix, more, part))
    return [
        {
            "kind": kind,
            "id": ids.encode("Column", f"type_de_champ/{champ.stable_id}{key}"),
            "label": label,
            "string_value": _text(kind, value),
            "value": value,
        }
        for key, label, kind, value in found
    ]


def _text(kind: str, value: Any) -> str | None:
    if kind in ("BooleanColumn", "AttachmentsColumn"):
        return str(value).lower() if isinstance(value, bool) else None
    texts = value if isinstance(value, list) else [value]
    return None if value is None else ", ".join(str(text) for text in texts)
