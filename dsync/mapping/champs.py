"""Champs and annotations: GraphQL nodes → `Champ`.

Headings and explanations carry no value and are layout: they are the only champs left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsync.domain.dossier import Champ, Descriptor, Ligne
from dsync.domain.ids import DescriptorId
from dsync.mapping.forms import LAYOUT_TYPES
from dsync.mapping.values import Node, fichiers_of, snake_case, value_of

Descriptors = Mapping[DescriptorId, Descriptor]


def read_champs(nodes: Any, descriptors: Descriptors) -> tuple[Champ, ...]:
    """Return the champs of a list of nodes, in its order, without the layout."""
    if not isinstance(nodes, list):
        return ()
    champs = [_read_champ(node, descriptors) for node in nodes if isinstance(node, dict)]
    return tuple([champ for champ in champs if champ is not None])


def _read_champ(node: Node, descriptors: Descriptors) -> Champ | None:
    typename, libelle = node.get("__typename"), node.get("label")
    id_: DescriptorId = node.get("champDescriptorId")  # type: ignore[assignment]
    if not isinstance(id_, str):
        id_ = DescriptorId(str(node.get("id") or ""))
    descriptor = descriptors.get(id_)
    type_ = descriptor.type if descriptor else snake_case(str(typename or ""))
    if type_ in LAYOUT_TYPES and not node.get("stringValue"):
        return None
    if not isinstance(libelle, str):
        libelle = descriptor.libelle if descriptor else ""
    if typename == "RepetitionChamp":
        return Champ(id_, libelle, type_, None, None, _read_rows(node.get("rows"), descriptors))
    valeur, texte = value_of(node)
    if "files" in node:
        return Champ(id_, libelle, type_, valeur, texte, (), fichiers_of(node))
    return Champ(id_, libelle, type_, valeur, texte)


def _read_rows(rows: Any, descriptors: Descriptors) -> tuple[Ligne, ...]:
    if not isinstance(rows, list):
        return ()
    return tuple(
        [
            Ligne(str(row.get("id") or ""), read_champs(row.get("champs"), descriptors))
            for row in rows
            if isinstance(row, dict)
        ]
    )


def is_blank(champ: Champ) -> bool:
    """Tell whether nobody answered: no text, an unchecked box, or rows that are all blank."""
    if champ.lignes:
        return all(is_blank_row(ligne) for ligne in champ.lignes)
    # A box is never null in DS: unchecked is how it is created. A yes/no may be null.
    if champ.valeur is False:
        return champ.type == "checkbox"
    return text_of(champ) is None


def is_blank_row(ligne: Ligne) -> bool:
    """Tell whether a row is as the platform created it."""
    return all(is_blank(champ) for champ in ligne.champs)


# `str.strip()` knows the non-breaking spaces, not those that have no width.
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u2060\ufeff"


def text_of(champ: Champ) -> str | None:
    """Return a champ's text as a field of the candidature, to the letter; a blank is None.

    Rows are one after the other, so that a field whose champ became a repetition stays readable.
    """
    if champ.lignes:
        texts = [text_of(cell) for ligne in champ.lignes for cell in ligne.champs]
        return ", ".join(filter(None, texts)) or None
    return champ.texte if champ.texte and champ.texte.strip(_BLANKS) else None


def trimmed_of(champ: Champ) -> str | None:
    """Return a champ's text without the blanks around it, for what is read out of it."""
    text = text_of(champ)
    return text.strip(_BLANKS) if text else None
