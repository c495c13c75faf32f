"""`phase`: the product was in an eligible phase at the deposit."""

from __future__ import annotations

from collections.abc import Iterable

from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.judging import SIGNALE
from dsync.domain.verdict import Controle, worst
from dsync.domain.wording import fold, french_date, listed, quoted
from dsync.eig.candidature import Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.catalogue import Phase, Product, phase_by_place, phase_by_start
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import (
    CheckInput,
    make_controle,
    without_product,
    without_question,
)
from dsync.eig.precheck.sentences import Sentence

NAME = Check.PHASE
FIELD = "phase_declaree"


def check_phase(context: CheckInput) -> Controle:
    """Compare the phase at the deposit with the eligible phases and the declared one."""
    product = context.match.product
    if product is None:
        return without_product(NAME, context)
    by_start = phase_by_start(product.phases, context.deposit_day)
    preuve: dict[str, Json] = {
        ABOUT: product.id,
        "date": context.deposit_day.isoformat(),
        "phase": by_start.nom if by_start else None,
        "phases": [
            {"nom": p.nom, "debut": p.debut.isoformat() if p.debut else None}
            for p in product.phases
        ],
        "lisibles": product.phases_lisibles,
        "declaree": context.candidature.phase_declaree,
        "consulte_le": context.consulte_le,
    }
    sentence, phase, other = _observe(context, product, by_start)
    declared = without_question(NAME, context, FIELD, "phase du produit")
    # The worst cell of the rules wins: an ineligible phase counts whatever was declared.
    if declared and worst((sentence.resultat, declared.resultat)) is not sentence.resultat:
        return Controle(NAME, declared.resultat, declared.motif, {**preuve, **declared.preuve})
    if context.reponse(FIELD) is Reponse.VIDE:
        preuve[SIGNALE] = FIELD
    return make_controle(
        NAME,
        sentence,
        preuve,
        phase=_named(context, phase),
        autre=_named(context, other),
        jour=french_date(context.deposit_day),
        debut=french_date(phase.debut) if phase and phase.debut else "",
        suite=_first_phase(context, product.phases),
        declaree=_declaration(context),
        en_phase=listed(context.rules.config.phases.eligible, last="ou"),
        admises=listed((quoted(nom) for nom in context.rules.config.phases.eligible), last="ou"),
        catalogue=context.catalogue,
        delai=context.rules.config.phases.late_reading_days,
    )


def _observe(
    context: CheckInput, product: Product, by_start: Phase | None
) -> tuple[Sentence, Phase | None, Phase | None]:
    """Return the sentence, the phase that it is about, and the conflicting phase if any."""
    undated = [phase for phase in product.phases if phase.debut is None]
    by_place = phase_by_place(product.phases, context.deposit_day)
    if by_start is None or by_place is None:
        is_readable = product.phases_lisibles and not undated
        return sentences.PHASE_AUCUNE if is_readable else sentences.PHASES_ILLISIBLES, None, None
    is_eligible = _is_eligible(context, by_start)
    # A phase without a date may have been current; this matters if it would change the result.
    if any(_is_eligible(context, phase) is not is_eligible for phase in undated):
        return sentences.PHASES_ILLISIBLES, by_start, None
    if _is_eligible(context, by_place) is not is_eligible:
        return sentences.PHASES_CONTRADICTOIRES, by_start, by_place
    if not is_eligible:
        return _ineligible(context, by_start), by_start, None
    if _is_declared(context, by_start):
        return sentences.PHASE_ADMISE, by_start, None
    # If both readings are eligible, the applicant may declare either.
    if _is_declared(context, by_place):
        return sentences.PHASE_ADMISE_PAR_ORDRE, by_start, by_place
    return sentences.PHASE_AUTRE, by_start, None


def _ineligible(context: CheckInput, phase: Phase) -> Sentence:
    # The catalogue rewrites its history: what it says long after the deposit proves nothing against
    # an applicant who did not declare it.
    if context.is_read_late and not _declares_ineligible(context):
        return sentences.PHASE_PASSEE_LUE_TARD
    is_known = fold(phase.nom) in context.rules.known_phases
    return sentences.PHASE_PASSEE if is_known else sentences.PHASE_INCONNUE


def _declares_ineligible(context: CheckInput) -> bool:
    """Whether the applicant declares a phase that is known and not eligible."""
    known = _declared(context) & context.rules.known_phases
    return bool(known) and known.isdisjoint(context.rules.eligible_phases)


def _is_eligible(context: CheckInput, phase: Phase) -> bool:
    return fold(phase.nom) in context.rules.eligible_phases


def _is_declared(context: CheckInput, phase: Phase) -> bool:
    """Whether a phase is the declared one; True if the question was not asked or not mapped."""
    if context.reponse(FIELD) in (Reponse.NON_ASSOCIE, Reponse.NON_DEMANDE):
        return True
    return fold(phase.nom) in _declared(context)


def _declared(context: CheckInput) -> frozenset[str]:
    """Return the catalogue's phases, folded, for the option that the applicant chose."""
    typed = fold(context.candidature.phase_declaree or "")
    return context.rules.declared_phases.get(typed, frozenset()) | {typed}


def _declaration(context: CheckInput) -> str:
    match context.reponse(FIELD):
        case Reponse.NON_DEMANDE:
            return "phase non demandée au candidat"
        case Reponse.NON_ASSOCIE:
            return "phase déclarée non lue (configuration à compléter)"
        case Reponse.VIDE:
            return "aucune phase déclarée"
    return f"phase déclarée : {quoted(context.candidature.phase_declaree, 40)}"


def _first_phase(context: CheckInput, phases: Iterable[Phase]) -> str:
    """Return the start of the first phase, for a product whose first phase is in the future."""
    dated = [phase for phase in phases if phase.debut]
    first = min(dated, key=lambda phase: phase.debut or context.deposit_day, default=None)
    if first is None or first.debut is None:
        return "fiche sans phase"
    return f"première phase : {_named(context, first)}, à partir du {french_date(first.debut)}"


def _named(context: CheckInput, phase: Phase | None) -> str:
    return quoted(context.rules.phase_name(phase.nom) if phase else None, 40)
