"""What stands in a dossier's annotations, from the answer of ``annotations.graphql``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dsync.domain.dossier import Etat, Json
from dsync.domain.ids import DossierId
from dsync.ds.results import RemoteAnnotations, instant

_VALUE_UNDER = {
    "TextChamp": "textValue",
    "DropDownListChamp": "dropDownValue",
    "MultipleDropDownListChamp": "values",
    "CheckboxChamp": "checkboxValue",
    "YesNoChamp": "yesNoValue",
    "DateChamp": "date",
    "DatetimeChamp": "datetime",
    "DecimalNumberChamp": "decimalValue",
}


class _Label(msgspec.Struct):
    id: str
    name: str


class _Head(msgspec.Struct):
    id: str
    state: Etat
    labels: list[_Label]


def read_remote(node: Mapping[str, Any]) -> RemoteAnnotations:
    """Return the annotations that the dossier has.

    Raises:
        ValueError: what a write would send back to DS is not of the API's form.
    """
    head = msgspec.convert(node, _Head)
    champs = [champ for name, found in node.items() if _is_alias(name) for champ in found]
    return RemoteAnnotations(
        dossier_id=DossierId(head.id),
        etat=head.state,
        values={champ["champDescriptorId"]: _value(champ) for champ in champs},
        updated_at={champ["champDescriptorId"]: instant(champ["updatedAt"]) for champ in champs},
        labels={label.name: label.id for label in head.labels},
        date_derniere_modification_annotations=instant(node["dateDerniereModificationAnnotations"]),
    )


def _is_alias(name: str) -> bool:
    return name[0] == "a" and name[1:].isdigit()


def _value(champ: Mapping[str, Any]) -> Json:
    kind = champ["__typename"]
    if kind == "IntegerNumberChamp":
        number = champ["integerValue"]  # A BigInt, so a text.
        return int(number) if number is not None else None
    value: Json = champ[_VALUE_UNDER.get(kind, "stringValue")]
    return value
