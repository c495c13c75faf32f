"""`doublon`: no other living dossier asks for the same product."""

from __future__ import annotations

from dsync.domain.verdict import Controle
from dsync.eig.precheck import sentences
from dsync.eig.precheck.context import Context, answer, without_product
from dsync.eig.precheck.wording import listed

NAME = "doublon"


def check_doublon(context: Context) -> Controle:
    """Name the other dossiers for this product; the caller has counted them."""
    if context.match.product is None:
        return without_product(NAME)
    others = context.doublons
    if not others:
        return answer(NAME, sentences.SEUL, {"dossiers": []})
    is_one = len(others) == 1
    numbers = listed(map(str, others))
    return answer(
        NAME,
        sentences.AUTRES,
        {"dossiers": list(others)},
        dossiers=f"le dossier {numbers}" if is_one else f"les dossiers {numbers}",
        s="" if is_one else "s",
    )
