"""Champs and annotations: nodes → `Champ`.

Headings and explanations carry no value and are layout: they are the only champs left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from dsync.domain.dossier import Champ, Descriptor, Ligne
from dsync.domain.ids import DescriptorId
from dsync.mapping.fields import LAYOUT_TYPES
from dsync.mapping.values import fichiers_of, snake_case, value_of
from dsync.mapping.wire import ChampNode, RowNode, text_in

Descriptors = Mapping[DescriptorId, Descriptor]
Ids = Set[DescriptorId]


def read_champs(nodes: Iterable[ChampNode] | None, descriptors: Descriptors) -> tuple[Champ, ...]:
    """Return the champs of a list of nodes, in its order, without the layout.

    A champ's label and type are only said where the form has no descriptor that says them.
    """
    champs = []
    for node in nodes or ():
        libelle = type_ = None
        descriptor = descriptors.get(node.champ_descriptor_id)
        if descriptor is None:
            descriptor = descriptor_shown(node)
            libelle, type_ = descriptor.libelle, descriptor.type
        if descriptor.type in LAYOUT_TYPES and not text_in(node.string_value):
            continue
        # The descriptor's own text of the id: one for all dossiers of the form.
        id_ = descriptor.id
        if node.typename == "RepetitionChamp":
            lignes = _read_rows(node.rows, descriptors)
            champs.append(Champ(id_, None, None, lignes, (), libelle, type_))
            continue
        texte, valeur = value_of(node)
        fichiers = fichiers_of(node) if node.files else ()
        champs.append(Champ(id_, texte, valeur, (), fichiers, libelle, type_))
    return tuple(champs)


def descriptor_shown(node: ChampNode) -> Descriptor:
    """Return what a champ says of itself, as if it were its form's descriptor."""
    return Descriptor(
        id=node.champ_descriptor_id,
        libelle=text_in(node.label) or "",
        type=snake_case(node.typename),
        required=False,
        options=None,
        other_option=False,
        parent_id=None,
        is_annotation=False,
    )


def _read_rows(rows: Iterable[RowNode] | None, descriptors: Descriptors) -> tuple[Ligne, ...]:
    return tuple(
        [Ligne(str(row.id or ""), read_champs(row.champs, descriptors)) for row in rows or ()]
    )


def is_blank(champ: Champ, boxes: Ids) -> bool:
    """Tell whether nobody answered: no text, an unchecked box, or rows that are all blank.

    Args:
        champ: the champ.
        boxes: ids of the form's checkboxes. A box is never null in DS: unchecked is how it is
            created. A yes/no may be null, and its « non » is an answer.
    """
    if champ.valeur is False:
        return champ.descriptor_id in boxes or champ.type == "checkbox"
    texte = champ.texte
    if texte:
        return texte[0] in _BLANKS and not texte.strip(_BLANKS)
    return not champ.lignes or all([is_blank_row(ligne, boxes) for ligne in champ.lignes])


def is_blank_row(ligne: Ligne, boxes: Ids) -> bool:
    """Tell whether a row is as the platform created it."""
    for champ in ligne.champs:  # noqa: SIM110 - twice as fast as `all` on a generator
        if not is_blank(champ, boxes):
            return False
    return True


# `str.strip()` knows the non-breaking spaces, not those that have no width.
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u2060\ufeff"


def text_of(champ: Champ) -> str | None:
    """Return a champ's text as a field of the candidature, to the letter; a blank is None.

    Rows are one after the other, so that a field whose champ became a repetition stays readable.
    """
    texte = champ.texte
    if texte:
        return texte if texte[0] not in _BLANKS or texte.strip(_BLANKS) else None
    if not champ.lignes:
        return None
    texts = [text_of(cell) for ligne in champ.lignes for cell in ligne.champs]
    return ", ".join(filter(None, texts)) or None


def trimmed_of(champ: Champ) -> str | None:
    """Return a champ's text without the blanks around it, for what is read out of it."""
    text = text_of(champ)
    return text.strip(_BLANKS) if text else None
