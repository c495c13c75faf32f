"""A dossier's node as `ds/queries` selects it: the shapes that its JSON is read into.

Their fields are the queries' own, which a test compares. Reading into them is far faster than
into dicts, and what is seldom looked at stays JSON. Where DS's answer is not of the API's form,
the odd part is left out and the rest is read all the same.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from dsync.domain.ids import DescriptorId
from dsync.domain.written import cleaned, written
from dsync.errors import MappingError

ABSENT = Raw(b"null")
_BLANK = Raw(b'""')


def _graphql(name: str) -> str:
    """Return `textValue` for `text_value`."""
    first, *others = name.split("_")
    return "__typename" if name == "typename" else first + "".join(map(str.title, others))


class ChampNode(Struct, gc=False, rename=_graphql):
    """A champ or an annotation; of the values, only those of its type are there."""

    champ_descriptor_id: DescriptorId
    typename: str = ""
    label: Raw = ABSENT
    string_value: Raw = ABSENT
    text_value: Any = None
    drop_down_value: Any = None
    values: Any = None
    primary_value: Any = None
    secondary_value: Any = None
    checkbox_value: Any = None
    yes_no_value: Any = None
    date: Any = None
    datetime: Any = None
    integer_value: Any = None
    decimal_value: Any = None
    civilite_value: Any = None
    address: Any = None
    commune: Any = None
    departement: Any = None
    region: Any = None
    pays: Any = None
    epci: Any = None
    etablissement: Any = None
    dossier: Any = None
    files: Any = None
    geo_areas: Any = None
    rna: Any = None
    rnf: Any = None
    engagement_juridique: Any = None
    filled: Any = None
    rows: list[RowNode] | None = None


class RowNode(Struct, gc=False):
    """A row of a repetition."""

    id: Any = None
    champs: list[ChampNode] | None = None


class DossierNode(Struct, gc=False, rename=_graphql):
    """A dossier."""

    number: Any = None
    id: Any = None
    state: Any = None
    archived: Any = None
    date_depot: Any = None
    date_passage_en_construction: Any = None
    date_passage_en_instruction: Any = None
    date_traitement: Any = None
    date_derniere_modification: Any = None
    date_derniere_modification_champs: Any = None
    date_derniere_modification_annotations: Any = None
    date_derniere_correction_en_attente: Any = None
    date_expiration: Any = None
    date_suppression_par_usager: Any = None
    motivation: Any = None
    prefilled: Any = None
    depose_par_un_tiers: Any = None
    prenom_mandataire: Any = None
    nom_mandataire: Any = None
    usager: Any = None
    groupe_instructeur: Any = None
    instructeurs: Any = None
    revision: Any = None
    demandeur: Any = None
    labels: Any = None
    traitements: Any = None
    champs: list[ChampNode] | None = None
    annotations: list[ChampNode] | None = None


_node_of = Decoder(DossierNode).decode


def read_node(source: bytes) -> DossierNode:
    """Read a dossier's JSON, as `mended_node` where it is odd."""
    try:
        return _node_of(source)
    except ValueError:  # What is no UTF-8 included, which is no error of msgspec's own.
        return mended_node(source)


def mended_node(source: bytes) -> DossierNode:
    """Read what `read_node` cannot, at a tenth of its speed: what is odd or unclean is left out.

    Raises:
        MappingError: it is no JSON object.
    """
    try:
        node = cleaned(json.loads(source))
    except ValueError:
        node = None
    if not isinstance(node, dict):
        raise MappingError("A dossier came without its number: see DS.", code="numero")
    node |= {key: _mended_champs(node.get(key)) for key in ("champs", "annotations")}
    return _node_of(written(node))


def text_in(raw: Raw) -> str | None:
    """Return a text that was left as JSON; what is blank or no text is None."""
    if raw == _BLANK:
        return None
    text = msgspec.json.decode(raw)
    return text if text and isinstance(text, str) else None


def _mended_champs(nodes: Any) -> list[dict[str, Any]]:
    return [_mended_champ(node) for node in _records(nodes)]


def _mended_champ(node: dict[str, Any]) -> dict[str, Any]:
    mended = {
        **node,
        "__typename": _text(node.get("__typename")),
        # One that names no descriptor goes by its own id.
        "champDescriptorId": _text(node.get("champDescriptorId")) or _text(node.get("id")),
    }
    if "rows" in node:
        mended["rows"] = [
            {**row, "champs": _mended_champs(row.get("champs"))} for row in _records(node["rows"])
        ]
    return mended


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _records(nodes: Any) -> list[dict[str, Any]]:
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
