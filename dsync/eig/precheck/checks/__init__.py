"""The functions of the checks: short ones here, the others one in each module."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.due import named
from dsync.domain.verdict import Controle
from dsync.domain.wording import french_date
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput, make_controle, without_product
from dsync.eig.precheck.checks.administration import check_administration
from dsync.eig.precheck.checks.cas_octroi import check_cas_octroi
from dsync.eig.precheck.checks.completude import check_completude
from dsync.eig.precheck.checks.fiche_produit import check_fiche_produit
from dsync.eig.precheck.checks.phase import check_phase
from dsync.eig.precheck.checks.profils import check_profils


def check_depot(context: CheckInput) -> Controle:
    """Compare the day of deposit with the first and last day of the call, inclusive."""
    window, day = context.rules.window, context.deposit_day
    is_inside = window.start <= day <= window.end
    return make_controle(
        Check.DEPOT,
        sentences.DANS_APPEL if is_inside else sentences.HORS_APPEL,
        {
            "date": day.isoformat(),
            "debut": window.start.isoformat(),
            "fin": window.end.isoformat(),
        },
        jour=french_date(day),
        debut=french_date(window.start),
        fin=french_date(window.end),
    )


def check_doublon(context: CheckInput) -> Controle:
    """List the other dossiers for the same product, which the caller has looked up.

    Without a known product, those with the same words.
    """
    product, others = context.match.product, context.doublons
    if product is None and not others:
        return without_product(Check.DOUBLON)
    numbers, said = named(others)
    preuve: dict[str, Json] = {ABOUT: context.match.product_id, "dossiers": [*numbers]}
    if not others:
        return make_controle(Check.DOUBLON, sentences.SEUL, preuve)
    is_one = len(others) == 1
    return make_controle(
        Check.DOUBLON,
        sentences.AUTRES if product else sentences.MEMES_MOTS,
        preuve,
        dossiers=f"le dossier {said}" if is_one else f"les dossiers {said}",
        s="" if is_one else "s",
    )


CHECKS: Mapping[Check, Callable[[CheckInput], Controle]] = {
    Check.DEPOT: check_depot,
    Check.ADMINISTRATION: check_administration,
    Check.FICHE_PRODUIT: check_fiche_produit,
    Check.PHASE: check_phase,
    Check.PROFILS: check_profils,
    Check.CAS_OCTROI: check_cas_octroi,
    Check.COMPLETUDE: check_completude,
    Check.DOUBLON: check_doublon,
}
