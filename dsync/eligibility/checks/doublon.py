"""`doublon`: no other living dossier asks for the same product."""

from __future__ import annotations

from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.context import Context, answer, without_product
from dsync.eligibility.wording import listed

NAME = "doublon"


def check_doublon(context: Context) -> Controle:
    """Name the other dossiers for this product; the caller has counted them."""
    if context.match.product is None:
        return without_product(NAME)
    others = context.doublons
    if not others:
        return answer(NAME, Resultat.CONFORME, "Aucun autre dossier pour ce produit.", dossiers=[])
    numbers = listed(map(str, others), most=8)
    plural = "s" if others[1:] else ""
    return answer(
        NAME,
        Resultat.A_VERIFIER,
        f"Même produit que le{plural} dossier{plural} {numbers}. "
        "À faire : décider lequel instruire.",
        dossiers=list(others),
    )
