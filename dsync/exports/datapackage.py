"""The description of an export: a Frictionless Data Package with a Table Schema for each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dsync.exports import ENDINGS
from dsync.exports.view_rows import ExportTable
from dsync.store.dictionary import PSEUDONYMISED

_TYPES: Mapping[str, str] = {"text": "string", "json": "any"}
"""Types whose name differs in the Table Schema."""
_FORMS: Mapping[str, Mapping[str, Any]] = {"datetime": {"format": "%Y-%m-%dT%H:%M:%SZ"}}
_FRENCH_FORMS: Mapping[str, Mapping[str, Any]] = {
    "datetime": {"format": "%d/%m/%Y %H:%M"},
    "date": {"format": "%d/%m/%Y"},
    "boolean": {"trueValues": ["VRAI"], "falseValues": ["FAUX"]},
    # The apostrophe before a long number is not part of it.
    "integer": {"bareNumber": False},
    "number": {"bareNumber": False, "decimalChar": ","},
}
"""How a field's values are written, by type."""


def descriptor(
    tables: Sequence[ExportTable],
    *,
    format_: str,
    made_at: datetime,
    since: datetime | None,
) -> dict[str, Any]:
    """Return the content of `datapackage.json`; arguments as for `export`."""
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": "dsync",
        "title": "Dossiers du programme, vus par dsync",
        "created": _iso(made_at),
        "resources": [_resource(table, format_) for table in tables],
    }
    said = [PSEUDONYMISED] if tables[0].is_pseudonymised else []
    if (demarche := tables[0].demarche) is not None:
        said.append(f"Démarche {demarche} seule.")
    if since is not None:
        said.append(f"Dossiers dont un événement date du {_iso(since)} ou d’après.")
    if said:
        document["description"] = " ".join(said)
    return document


def _resource(table: ExportTable, format_: str) -> dict[str, Any]:
    forms = _FRENCH_FORMS if format_ == "csv-fr" else _FORMS
    resource: dict[str, Any] = {
        "name": table.name,
        "path": f"{table.name}.{ENDINGS[format_]}",
        "format": ENDINGS[format_],
        "description": table.description,
        "schema": {
            "fields": [
                {
                    "name": name,
                    "type": _TYPES.get(one.type, one.type),
                    "description": one.said,
                    **forms.get(one.type, {}),
                }
                for name, one in table.columns.items()
            ]
        },
    }
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
