"""The functions of the checks: short ones here, the others one in each module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.due import named
from dsync.domain.verdict import Controle
from dsync.domain.wording import fold, french_date, listed, quoted
from dsync.eig.candidature import Reponse
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import (
    REPORTED_BLANK,
    CheckInput,
    make_controle,
    without_question,
)
from dsync.eig.precheck.checks.administration import check_administration
from dsync.eig.precheck.checks.cas_octroi import check_cas_octroi
from dsync.eig.precheck.checks.fiche_produit import check_fiche_produit
from dsync.eig.precheck.checks.phase import check_phase


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
        return make_controle(Check.DOUBLON, sentences.SANS_PRODUIT, {})
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


def check_profils(context: CheckInput) -> Controle:
    """Compare the distinct wished profiles with those on offer and the maximum number."""
    if refusal := without_question(Check.PROFILS, context, "voeux", "profils souhaités"):
        return refusal
    wished: dict[str, str] = {}
    absent: dict[str, str] = {}
    # A fixed order, so that equal answers give equal texts.
    for voeu in sorted(context.candidature.voeux, key=lambda voeu: (voeu.rang, voeu.profil or "")):
        if not voeu.profil or not voeu.profil.strip():
            continue
        profil = context.rules.profil(voeu.profil)
        # Counted once, however often and in whichever wording it is wished.
        key = profil.id if profil else fold(voeu.profil)
        wished.setdefault(key, voeu.profil)
        if not (profil and profil.is_offered(context.deposit_day)):
            absent.setdefault(key, voeu.profil)
    preuve: dict[str, Json] = {
        "date": context.deposit_day.isoformat(),
        "profils": [*sorted(wished)],
        "hors_offre": [*sorted(absent)],
    }
    most = context.rules.config.max_profils
    if not wished:
        return make_controle(
            Check.PROFILS, sentences.SANS_PROFIL, preuve | {REPORTED_BLANK: "voeux"}, most=most
        )
    is_too_many = len(wished) > most
    sentence = {
        (False, False): sentences.PROFILS_OFFERTS,
        (True, False): sentences.HORS_OFFRE,
        (False, True): sentences.TROP_DE_PROFILS,
        (True, True): sentences.TROP_ET_HORS_OFFRE,
    }[bool(absent), is_too_many]
    return make_controle(
        Check.PROFILS,
        sentence,
        preuve,
        profils=_labels(wished.values()),
        s="s" if len(wished) > 1 else "",
        absents=_labels(absent.values()),
        n="s" if len(absent) > 1 else "",
        nombre=len(wished),
        most=most,
        jour=french_date(context.deposit_day),
        offre=_labels(
            profil.name
            for profil in context.rules.config.profils
            if absent and profil.is_offered(context.deposit_day)
        ),
    )


def _labels(labels: Iterable[str]) -> str:
    return listed(quoted(label, 50) for label in labels)


def check_completude(context: CheckInput) -> Controle:
    """List the needed champs that are blank; champs that were not asked do not count.

    A blank champ that another check reports counts here too, but is not listed again.
    """
    by_reponse: dict[Reponse, list[str]] = {}
    for field in context.rules.needed:
        by_reponse.setdefault(context.reponse(field), []).append(field)
    blank = by_reponse.get(Reponse.VIDE, [])
    unmapped = by_reponse.get(Reponse.NON_ASSOCIE, [])
    preuve: dict[str, Json] = {}
    answers: list[Controle] = []
    if unmapped:
        preuve["non_associes"] = [*unmapped]
        if names := _names(unmapped, context):
            sentence = sentences.CHAMPS_NON_ASSOCIES
            answers.append(make_controle(Check.COMPLETUDE, sentence, {}, champs=names))
    if blank:
        preuve["vides"] = [*blank]
        if names := _names(blank, context):
            is_one = sum(field not in context.reported_blanks for field in blank) == 1
            facts = {"champs": names, "prevu": "cette réponse" if is_one else "ces réponses"}
            answers.append(make_controle(Check.COMPLETUDE, sentences.SANS_REPONSE, {}, **facts))
    if not (blank or unmapped):
        return make_controle(Check.COMPLETUDE, sentences.COMPLET, preuve)
    if not answers:
        answers.append(make_controle(Check.COMPLETUDE, sentences.SANS_REPONSE_AILLEURS, {}))
    # The result counts what another check reports, too, although the sentence does not.
    worst = sentences.CHAMPS_NON_ASSOCIES if unmapped else sentences.SANS_REPONSE
    motif = " ".join(given.motif for given in answers)
    return replace(answers[0], resultat=worst.resultat, motif=motif, preuve=preuve)


def _names(fields: Sequence[str], context: CheckInput) -> str:
    labels = [context.rules.needed[one] for one in fields if one not in context.reported_blanks]
    return listed((f"à {quoted(label, 60)}" for label in labels), last="ni")


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
