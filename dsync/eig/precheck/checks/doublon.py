"""`doublon`: no other open or accepted dossier is for the same product, or answers the same."""

from __future__ import annotations

from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.due import named
from dsync.domain.verdict import Controle
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput, make_controle, without_product

NAME = Check.DOUBLON


def check_doublon(context: CheckInput) -> Controle:
    """List the other dossiers for the same product, which the caller has looked up.

    Without a known product, those with the same words.
    """
    product, others = context.match.product, context.doublons
    if product is None and not others:
        return without_product(NAME)
    numbers, said = named(others)
    preuve: dict[str, Json] = {ABOUT: context.match.product_id, "dossiers": [*numbers]}
    if not others:
        return make_controle(NAME, sentences.SEUL, preuve)
    is_one = len(others) == 1
    return make_controle(
        NAME,
        sentences.AUTRES if product else sentences.MEMES_MOTS,
        preuve,
        dossiers=f"le dossier {said}" if is_one else f"les dossiers {said}",
        s="" if is_one else "s",
    )
