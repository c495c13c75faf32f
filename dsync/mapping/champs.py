"""Champs and annotations as a form knows them.

Headings and explanations carry no value and are layout: they are the only champs left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from msgspec.structs import replace

from dsync.domain.dossier import Champ, Descriptor, Ligne
from dsync.domain.ids import DescriptorId
from dsync.mapping.fields import LAYOUT_TYPES

Descriptors = Mapping[DescriptorId, Descriptor]
Ids = Set[DescriptorId]


def champs_of_form(champs: Iterable[Champ], descriptors: Descriptors) -> tuple[Champ, ...]:
    """Return champs as they are kept, in their order, without the layout.

    A champ's label and type are only kept where the form has no descriptor that says them.
    """
    kept = []
    for champ in champs:
        descriptor = descriptors.get(champ.descriptor_id)
        type_ = descriptor.type if descriptor else champ.type
        if type_ in LAYOUT_TYPES and not champ.texte:
            continue
        lignes = champ.lignes
        if lignes:
            lignes = tuple([Ligne(r.id, champs_of_form(r.champs, descriptors)) for r in lignes])
        if descriptor:
            # The descriptor's own text of the id: one for all dossiers of the form.
            champ = Champ(descriptor.id, champ.texte, champ.valeur, lignes, champ.fichiers)
        elif lignes:
            champ = replace(champ, lignes=lignes)
        kept.append(champ)
    return tuple(kept)


def descriptor_shown(champ: Champ) -> Descriptor:
    """Return what a champ says of itself, as if it were its form's descriptor."""
    return Descriptor(
        id=champ.descriptor_id,
        libelle=champ.libelle or "",
        type=champ.type or "",
        required=False,
        options=None,
        other_option=False,
        parent_id=None,
        is_annotation=False,
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
