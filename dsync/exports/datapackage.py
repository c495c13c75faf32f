"""The description of an export: a Frictionless Data Package with a Table Schema for each file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dsync.exports import ENDINGS
from dsync.exports.view_rows import ROLL, ExportTable
from dsync.store.dictionary import DOSSIER_VIEW, PSEUDONYMISED

_TYPES: Mapping[str, str] = {"text": "string", "json": "any"}
"""Types whose name differs in the Table Schema."""
_PARQUET_TYPES = {**_TYPES, "integer": "number"}
"""Frictionless reads Parquet by pandas, which has no integers in a column with an empty one. The
file has the exact types."""
_FORMS: Mapping[str, Mapping[str, Any]] = {"datetime": {"format": "%Y-%m-%dT%H:%M:%SZ"}}
_FRENCH_FORMS: Mapping[str, Mapping[str, Any]] = {
    "datetime": {"format": "%d/%m/%Y %H:%M"},
    "date": {"format": "%d/%m/%Y"},
    "boolean": {"trueValues": ["VRAI"], "falseValues": ["FAUX"]},
    # What makes a long number a text is not part of it.
    "integer": {"bareNumber": False},
    "number": {"bareNumber": False, "decimalChar": ","},
}
"""How a field's values are written, by type."""
_PARTIAL_KEYS = ("lecture_champ", "lecture_colonne", "lecture_statistique")
"""Views with a key of which a column may be empty, which a Table Schema does not allow."""


def descriptor(
    tables: Sequence[ExportTable],
    *,
    format_: str,
    made_at: datetime,
    since: datetime | None,
) -> dict[str, Any]:
    """Return the content of `datapackage.json`; arguments as for `export`."""
    names = {table.file for table in tables}
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": "dsync",
        "title": "Dossiers du programme, vus par dsync",
        "created": _iso(made_at),
        "resources": [_resource(table, format_, names) for table in tables],
    }
    said = [PSEUDONYMISED] if tables[0].is_pseudonymised else []
    said += filter(None, [tables[0].remark])
    is_in_paris = format_ == "csv-fr"
    if any(one.type == "datetime" for table in tables for one in table.columns.values()):
        said.append(f"Dates avec une heure : {'heure de Paris' if is_in_paris else 'UTC'}.")
    if is_in_paris:
        said.append('Un texte que le tableur prendrait pour autre chose y est écrit ="…".')
    if (demarche := tables[0].demarche) is not None:
        said.append(f"Démarche {demarche} seule.")
    if since is not None:
        said.append(
            f"Chargement par différence depuis le {_iso(since)} : une ressource sans "
            "modifie_ici_le est entière, et remplace tout ; dans les autres, supprimer les lignes "
            f"des numéros que {ROLL} n’a pas, ou dont elle dit qu’ils ont bougé depuis, puis "
            "ajouter celles-ci."
        )
    document["description"] = " ".join(said)
    return document


def _resource(table: ExportTable, format_: str, names: Collection[str]) -> dict[str, Any]:
    forms = _FRENCH_FORMS if format_ == "csv-fr" else _FORMS
    types = _PARQUET_TYPES if format_ == "parquet" else _TYPES
    resource: dict[str, Any] = {
        "name": table.file,
        "path": f"{table.file}.{ENDINGS[format_]}",
        "format": ENDINGS[format_],
        "description": table.description,
        "schema": {
            "fields": [
                {
                    "name": name,
                    "type": types.get(one.type, one.type),
                    "description": one.said,
                    **forms.get(one.type, {}),
                }
                for name, one in table.columns.items()
            ]
        },
    }
    if table.name not in _PARTIAL_KEYS and table.key and {*table.key} <= {*table.columns}:
        resource["schema"]["primaryKey"] = [*table.key]
    # An anomaly can be of a dossier that was never read.
    is_part = table.name not in (DOSSIER_VIEW, "lecture_anomalie") and "numero" in table.columns
    dossiers = ROLL if ROLL in names else DOSSIER_VIEW
    if is_part and dossiers in names:
        of = {"resource": dossiers, "fields": ["numero"]}
        resource["schema"]["foreignKeys"] = [{"fields": ["numero"], "reference": of}]
    if ENDINGS[format_] == "csv":
        delimiter = ";" if format_ == "csv-fr" else ","
        resource |= {
            "profile": "tabular-data-resource",
            "encoding": "utf-8-sig",
            "dialect": {"delimiter": delimiter, "lineTerminator": "\r\n"},
        }
    return resource


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
