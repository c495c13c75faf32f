"""The description of an export: a Frictionless Data Package with a Table Schema for each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dsync.exports.view_rows import Table
from dsync.store.dictionary import PSEUDONYMISED

_TYPES: Mapping[str, str] = {"text": "string", "json": "any"}
"""Types whose name differs in the Table Schema."""


def descriptor(
    tables: Sequence[Table],
    *,
    format_: str,
    delimiter: str,
    made_at: datetime,
    since: datetime | None,
) -> dict[str, Any]:
    """Return the content of `datapackage.json`; arguments as for `export`."""
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": "dsync",
        "title": "Dossiers du programme, vus par dsync",
        "created": _iso(made_at),
        "resources": [_resource(table, format_, delimiter) for table in tables],
    }
    said = [PSEUDONYMISED] if tables[0].is_pseudonymised else []
    if (demarche := tables[0].demarche) is not None:
        said.append(f"Démarche {demarche} seule.")
    if since is not None:
        said.append(f"Dossiers dont un événement date du {_iso(since)} ou d’après.")
    if said:
        document["description"] = " ".join(said)
    return document


def _resource(table: Table, format_: str, delimiter: str) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "name": table.name,
        "path": f"{table.name}.{format_}",
        "format": format_,
        "description": table.description,
        "schema": {
            "fields": [
                _field(name, table.types[name], sentence)
                for name, sentence in table.columns.items()
            ]
        },
    }
    if format_ == "csv":
        resource |= {
            "profile": "tabular-data-resource",
            "encoding": "utf-8-sig",
            "dialect": {"delimiter": delimiter, "lineTerminator": "\r\n"},
        }
    return resource


def _field(name: str, type_: str, sentence: str) -> dict[str, str]:
    field = {"name": name, "type": _TYPES.get(type_, type_), "description": sentence}
    if type_ == "datetime":
        field["format"] = "%Y-%m-%dT%H:%M:%SZ"
    return field


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
