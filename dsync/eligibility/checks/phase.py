"""`phase`: the product is in investigation, construction or accélération at the deposit."""

from __future__ import annotations

from dsync.domain.candidature import Reponse
from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.catalogue import Phase, Product
from dsync.eligibility.context import (
    Context,
    answer,
    unanswerable,
    without_catalogue,
    without_product,
)
from dsync.eligibility.phases import phase_by_place, phase_by_start
from dsync.eligibility.product import Lien
from dsync.eligibility.verdict import worst
from dsync.eligibility.wording import fold, french_date, listed, quoted

NAME = "phase"
FIELD = "phase_declaree"

_UNREADABLE = "Les phases de la fiche produit ne sont pas toutes lisibles"
_LOOK = "À faire : vérifier la phase sur"


def check_phase(context: Context) -> Controle:
    """Compare the phase observed at the reference date with the rules and the one declared."""
    product = context.match.product
    if product is None:
        missing_catalogue = context.match.lien is Lien.INDISPONIBLE
        return without_catalogue(NAME) if missing_catalogue else without_product(NAME)
    by_start = phase_by_start(product.phases, context.reference)
    preuve: dict[str, Json] = {
        "date": context.reference.isoformat(),
        "phase": by_start.nom if by_start else None,
        "phases": [
            {"nom": p.nom, "debut": p.debut.isoformat() if p.debut else None}
            for p in product.phases
        ],
        "lisibles": product.phases_lisibles,
        "declaree": context.candidature.phase_declaree,
    }
    observed = _observe(context, product, by_start)
    declared = unanswerable(NAME, context, FIELD, "phase du produit")
    if declared is not None and worst((observed[0], declared.resultat)) is not observed[0]:
        return answer(NAME, declared.resultat, declared.motif, **preuve)
    return answer(NAME, observed[0], observed[1], **preuve)


def _observe(context: Context, product: Product, by_start: Phase | None) -> tuple[Resultat, str]:
    day = french_date(context.reference)
    undated = [phase for phase in product.phases if phase.debut is None]
    by_place = phase_by_place(product.phases, context.reference)
    if by_start is None or by_place is None:
        is_readable = product.phases_lisibles and not undated
        said = f"Aucune phase commencée le {day}" if is_readable else _UNREADABLE
        return Resultat.A_VERIFIER, f"{said}. {_LOOK} {product.url}"
    resultat = _outcome(context, by_start)
    # A phase without a date may have been the one: it leaves doubt where that would matter.
    if any(_outcome(context, phase) is not resultat for phase in undated):
        return Resultat.A_VERIFIER, f"{_UNREADABLE}. {_LOOK} {product.url}"
    if resultat is not _outcome(context, by_place):
        return Resultat.A_VERIFIER, (
            f"Les phases de la fiche se contredisent au {day} : {quoted(by_start.nom, 30)} selon "
            f"les dates, {quoted(by_place.nom, 30)} selon leur ordre. {_LOOK} {product.url}"
        )
    return resultat, _motif(context, product, by_start, day)


def _outcome(context: Context, phase: Phase) -> Resultat:
    name = fold(phase.nom)
    rules = context.rules
    if name in rules.eligible_phases:
        return Resultat.CONFORME if _is_declared(context, name) else Resultat.A_VERIFIER
    return Resultat.NON_CONFORME


def _is_declared(context: Context, name: str) -> bool:
    """Whether the phase declared is the one observed; one that cannot be had is told apart."""
    if context.reponse(FIELD) in (Reponse.NON_ASSOCIE, Reponse.NON_DEMANDE):
        return True
    declared = fold(context.candidature.phase_declaree or "")
    return name == declared or name in context.rules.declared_phases.get(declared, ())


def _motif(context: Context, product: Product, phase: Phase, day: str) -> str:
    observed, name = quoted(phase.nom, 30), fold(phase.nom)
    rules = context.rules
    if name not in rules.known_phases:
        return f"Phase {observed} au {day}, inconnue du programme. {_LOOK} {product.url}"
    if name not in rules.eligible_phases:
        wanted = listed(rules.config.phases.eligible, most=6, last="ou")
        return (
            f"Produit en phase {observed} au {day} ; phases admises : {wanted}. "
            f"À faire : vérifier la fiche {product.url}"
        )
    if _is_declared(context, name):
        return f"Produit en phase {observed} au {day}, comme déclaré."
    typed = context.candidature.phase_declaree
    declared = f"phase déclarée {quoted(typed, 40)}" if typed else "aucune phase déclarée"
    return f"Produit en phase {observed} au {day}, {declared}. {_LOOK} {product.url}"
