"""Reads a champ: whether somebody answered, and its text."""

from __future__ import annotations

from collections.abc import Set

from dsync.domain.dossier import Champ, Ligne
from dsync.domain.ids import DescriptorId

Ids = Set[DescriptorId]


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
