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
        "consulte_le": context.consulte_le,
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
    is_admitted = _is_admitted(context, by_start)
    # A phase without a date may have been the one: it leaves doubt where that would matter.
    if any(_is_admitted(context, phase) is not is_admitted for phase in undated):
        return Resultat.A_VERIFIER, f"{_UNREADABLE}. {_LOOK} {product.url}"
    if _is_admitted(context, by_place) is not is_admitted:
        return Resultat.A_VERIFIER, (
            f"Les phases de la fiche se contredisent au {day} : {quoted(by_start.nom, 30)} selon "
            f"les dates, {quoted(by_place.nom, 30)} selon leur ordre. {_LOOK} {product.url}"
        )
    if not is_admitted:
        return _past(context, product, by_start, day)
    # Two readings that are both admitted do not disagree on the answer: either may be declared.
    declared = next((p for p in (by_start, by_place) if _is_declared(context, p)), None)
    if declared is not None:
        motif = f"Produit en phase {quoted(declared.nom, 30)} au {day}, comme déclaré."
        return Resultat.CONFORME, motif
    typed = context.candidature.phase_declaree
    said = f"phase déclarée {quoted(typed, 40)}" if typed else "aucune phase déclarée"
    return Resultat.A_VERIFIER, (
        f"Produit en phase {quoted(by_start.nom, 30)} au {day}, {said}. {_LOOK} {product.url}"
    )


def _past(context: Context, product: Product, phase: Phase, day: str) -> tuple[Resultat, str]:
    """Return the answer on a phase that is not admitted."""
    observed, rules = quoted(phase.nom, 30), context.rules
    if context.read_on is not None and context.is_read_late and _declares_admitted(context):
        return Resultat.A_VERIFIER, (
            f"Phase déclarée {quoted(context.candidature.phase_declaree, 40)}, phase {observed} au "
            f"{day} selon le catalogue de beta.gouv.fr lu le {french_date(context.read_on)}, plus "
            f"de {rules.config.phases.late_reading_days} jours après le dépôt : l’historique des "
            "phases a pu être réécrit entre-temps. À faire : demander au candidat la phase du "
            "produit au jour du dépôt."
        )
    if fold(phase.nom) not in rules.known_phases:
        motif = f"Phase {observed} au {day}, inconnue du programme. {_LOOK} {product.url}"
        return Resultat.NON_CONFORME, motif
    wanted = listed(rules.config.phases.eligible, most=6, last="ou")
    return Resultat.NON_CONFORME, (
        f"Produit en phase {observed} au {day} ; phases admises : {wanted}. "
        f"À faire : vérifier la fiche {product.url}"
    )


def _is_admitted(context: Context, phase: Phase) -> bool:
    return fold(phase.nom) in context.rules.eligible_phases


def _is_declared(context: Context, phase: Phase) -> bool:
    """Whether a phase is the one declared; one that cannot be had is told apart."""
    if context.reponse(FIELD) in (Reponse.NON_ASSOCIE, Reponse.NON_DEMANDE):
        return True
    return fold(phase.nom) in _declared(context)


def _declares_admitted(context: Context) -> bool:
    return bool(_declared(context) & context.rules.eligible_phases)


def _declared(context: Context) -> frozenset[str]:
    """Return the catalogue's words, folded, for the option that the applicant chose."""
    typed = fold(context.candidature.phase_declaree or "")
    return context.rules.declared_phases.get(typed, frozenset()) | {typed}
