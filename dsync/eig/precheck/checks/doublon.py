"""`doublon`: no other open or accepted dossier is for the same product."""

from __future__ import annotations

from dsync.domain.verdict import Controle
from dsync.domain.wording import listed
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import Context, make_controle, without_product

NAME = Check.DOUBLON


def check_doublon(context: Context) -> Controle:
    """List the other dossiers for the same product, which the caller has looked up."""
    if context.match.product is None:
        return without_product(NAME)
    others = context.doublons
    if not others:
        return make_controle(NAME, sentences.SEUL, {"dossiers": []})
    is_one = len(others) == 1
    numbers = listed(map(str, others))
    return make_controle(
        NAME,
        sentences.AUTRES,
        {"dossiers": list(others)},
        dossiers=f"le dossier {numbers}" if is_one else f"les dossiers {numbers}",
        s="" if is_one else "s",
    )
