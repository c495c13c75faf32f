"""`phase`: the product was in an eligible phase at the deposit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsync.controles.functions import Found
from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.judging import SIGNALE
from dsync.domain.verdict import ASKED, Resultat, worst
from dsync.domain.wording import fold, french_date, listed, quoted
from dsync.eig.candidature import Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.catalogue import Phase, Product, phase_by_place, phase_by_start, phase_name
from dsync.eig.precheck.check_input import (
    LATE_READING_DAYS,
    CheckInput,
    found,
    whole,
    without_product,
    without_question,
)
from dsync.eig.precheck.parameters import AdmittedPhases
from dsync.eig.precheck.sentences import Sentence

FIELD = "phase_declaree"


def check_phase(context: CheckInput, parametres: AdmittedPhases) -> Found:
    """Compare the phase at the deposit with the eligible phases and the declared one."""
    product = context.match.product
    if product is None:
        return without_product(context)
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
    sentence, phase, other = _observe(context, parametres, product, by_start)
    declared = without_question(context, FIELD, "phase du produit")
    # The worst cell of the rules wins: an ineligible phase counts whatever was declared.
    if declared and worst((sentence.resultat, declared.resultat)) is not sentence.resultat:
        wanted = _demande(context, parametres, product, is_asked=True)
        return declared._replace(preuve={**preuve, **declared.preuve}, demande=wanted)
    if context.reponse(FIELD) is Reponse.VIDE:
        preuve[SIGNALE] = FIELD
    made = found(
        sentence,
        preuve,
        phase=_named(phase),
        autre=_named(other),
        jour=french_date(context.deposit_day),
        debut=french_date(phase.debut) if phase and phase.debut else "",
        suite=_first_phase(context, product.phases),
        declaree=_declaration(context),
        catalogue=context.catalogue,
        delai=LATE_READING_DAYS,
    )
    # If it is not certain which product is meant, it may be another one.
    if made.resultat is Resultat.NON_CONFORME and not context.match.is_certain:
        made = made._replace(resultat=Resultat.A_VERIFIER)
    if made.resultat not in ASKED:
        return made
    return made._replace(demande=_demande(context, parametres, product))


def _demande(
    context: CheckInput,
    admitted: AdmittedPhases,
    product: Product,
    *,
    is_asked: bool = False,
) -> Sequence[str]:
    """Return what the applicant is asked for; `is_asked`: for the answer alone."""
    day, declared = french_date(context.deposit_day), context.candidature.phase_declaree
    by_start = phase_by_start(product.phases, context.deposit_day)
    is_eligible = by_start is not None and _is_eligible(admitted, by_start)
    read = f", lue le {french_date(context.read_day)}," if context.read_day else ""
    page, gives = "La fiche de votre produit", f"ne montre pas de phase au {day}"
    if by_start is not None:
        since = f", depuis le {french_date(by_start.debut)}" if by_start.debut else ""
        gives = f"donne au {day} la phase {whole(phase_name(by_start.nom))}{since}"
    seen = f"{page} ({product.url}){read} {gives}"
    if is_asked or (not declared and (is_eligible or by_start is None)):
        # What the applicant has not said yet is all that is missing.
        asked = f"Merci d’indiquer la phase de votre produit au {day}."
        return [f"{asked} {seen}.", f"{asked} {page} {gives}."] if is_eligible else [asked]
    said = f" ; vous avez déclaré {whole(declared)}" if declared else ""
    is_same = by_start is not None and fold(by_start.nom) in admitted.meant(declared)
    if is_same:
        said = " ; c’est aussi celle que vous avez déclarée"
    paper, papers = "une pièce datée", "(lettre de mission, décision de financement, compte rendu)"
    if not is_eligible:
        wanted = (
            f"Le programme s’adresse aux phases {listed(map(whole, admitted.admises), last='ou')} "
            ": si votre produit était ce jour-là dans l’une d’elles, merci de le montrer par "
            f"{paper} ; sinon, rien n’est à envoyer sur ce point"
        )
    elif is_same:
        said += ", mais les dates de phases de la fiche sont incomplètes ou contradictoires"
        wanted = f"Merci de montrer sa phase ce jour-là par {paper}"
    else:
        wanted = (
            "Merci d’indiquer laquelle est exacte ; si c’est celle que vous avez déclarée, merci "
            f"de la montrer par {paper}"
        )
    return [
        f"{seen}{said}. {wanted.replace(paper, f'{paper} {papers}')}.",
        f"{seen}{said}. {wanted}.",
        f"{page} ({product.url}) {gives}{said}. {wanted}.",
        f"{page} {gives}{said}. {wanted}.",
    ]


def _observe(
    context: CheckInput,
    admitted: AdmittedPhases,
    product: Product,
    by_start: Phase | None,
) -> tuple[Sentence, Phase | None, Phase | None]:
    """Return the sentence, the phase that it is about, and the conflicting phase if any."""
    undated = [phase for phase in product.phases if phase.debut is None]
    by_place = phase_by_place(product.phases, context.deposit_day)
    if by_start is None or by_place is None:
        is_readable = product.phases_lisibles and not undated
        return sentences.PHASE_AUCUNE if is_readable else sentences.PHASES_ILLISIBLES, None, None
    is_eligible = _is_eligible(admitted, by_start)
    # A phase without a date may have been current; this matters if it would change the result.
    if any(_is_eligible(admitted, phase) is not is_eligible for phase in undated):
        return sentences.PHASES_ILLISIBLES, by_start, None
    if _is_eligible(admitted, by_place) is not is_eligible:
        return sentences.PHASES_CONTRADICTOIRES, by_start, by_place
    if not is_eligible:
        return _ineligible(context, admitted, by_start), by_start, None
    if _is_declared(context, admitted, by_start):
        return sentences.PHASE_ADMISE, by_start, None
    # If both readings are eligible, the applicant may declare either.
    if _is_declared(context, admitted, by_place):
        return sentences.PHASE_ADMISE_PAR_ORDRE, by_start, by_place
    return sentences.PHASE_AUTRE, by_start, None


def _ineligible(context: CheckInput, admitted: AdmittedPhases, phase: Phase) -> Sentence:
    # The catalogue rewrites its history: what it says long after the deposit proves nothing against
    # an applicant who did not declare it.
    if context.is_read_late and not _declares_ineligible(context, admitted):
        return sentences.PHASE_PASSEE_LUE_TARD
    is_known = fold(phase.nom) in admitted.known
    return sentences.PHASE_PASSEE if is_known else sentences.PHASE_INCONNUE


def _declares_ineligible(context: CheckInput, admitted: AdmittedPhases) -> bool:
    """Whether the applicant declares a phase that is known and not eligible."""
    known = admitted.meant(context.candidature.phase_declaree) & admitted.known
    return bool(known) and known.isdisjoint(admitted.admitted)


def _is_eligible(admitted: AdmittedPhases, phase: Phase) -> bool:
    return fold(phase.nom) in admitted.admitted


def _is_declared(context: CheckInput, admitted: AdmittedPhases, phase: Phase) -> bool:
    """Whether a phase is the declared one; True if the question was not asked or not mapped."""
    if context.reponse(FIELD) in (Reponse.NON_ASSOCIE, Reponse.NON_DEMANDE):
        return True
    return fold(phase.nom) in admitted.meant(context.candidature.phase_declaree)


def _declaration(context: CheckInput) -> str:
    match context.reponse(FIELD):
        case Reponse.NON_DEMANDE:
            return "phase non demandée au candidat"
        case Reponse.NON_ASSOCIE:
            return "phase déclarée non lue (configuration à compléter)"
        case Reponse.VIDE:
            return "aucune phase déclarée"
    return f"phase déclarée {quoted(context.candidature.phase_declaree, 40)}"


def _first_phase(context: CheckInput, phases: Iterable[Phase]) -> str:
    """Return the start of the first phase, for a product whose first phase is in the future."""
    dated = [phase for phase in phases if phase.debut]
    first = min(dated, key=lambda phase: phase.debut or context.deposit_day, default=None)
    if first is None or first.debut is None:
        return "fiche sans phase"
    return f"première phase : {_named(first)}, à partir du {french_date(first.debut)}"


def _named(phase: Phase | None) -> str:
    return quoted(phase_name(phase.nom) if phase else None, 40)
