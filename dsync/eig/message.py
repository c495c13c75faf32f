"""What an applicant has to send: a message made of a verdict, for a person to transmit.

It says what is missing and by what it can be shown, never what others have deposited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from dsync.domain.letter import ASKED, Message, letter
from dsync.domain.verdict import Controle
from dsync.domain.wording import (
    fold,
    french_date,
    grouped_siren,
    listed,
    quoted,
)
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.checks.fiche_produit import SINCE
from dsync.eig.precheck.evidence import RegistryStatus
from dsync.eig.precheck.product import Lien
from dsync.eig.precheck.rules import RuleSet

_FORM = "https://beta.gouv.fr/startups/nom-du-produit.html"
_PROVE = (
    "par exemple par une lettre de mission, une décision de financement ou un compte rendu de "
    "comité daté"
)


class Suggestion(NamedTuple):
    """A product that the applicant may mean, and the checks with its address instead."""

    nom: str
    url: str
    controles: Sequence[Controle]


def message_of(
    numero: int,
    controles: Sequence[Controle],
    rules: RuleSet,
    suggestions: Sequence[Suggestion] = (),
    *,
    may_edit: bool = True,
) -> Message:
    """Return the message for a verdict.

    Args:
        numero: the dossier's number.
        controles: the checks of the verdict.
        rules: the rules in force.
        suggestions: for an answer that names no product for certain.
        may_edit: whether the applicant can still change the dossier.
    """
    # While it is not certain which product it is, nothing is said of « your product ».
    sure = [
        one
        for one in controles
        if not (suggestions and Check(one.controle).is_of_product)
        or one.controle == Check.FICHE_PRODUIT
    ]
    asked = [*_demands(sure, rules)]
    asked += [_suggested(one, rules, asked) for one in suggestions]
    return letter(numero, asked, rules.config, days=rules.config.answer_days, may_edit=may_edit)


def _demands(controles: Sequence[Controle], rules: RuleSet) -> Iterator[str]:
    for one in controles:
        if one.resultat in ASKED:
            if saying := _SAYING.get(one.controle):
                yield from saying(one.preuve, rules)
            else:
                yield f"Merci de préciser ce point : {Check(one.controle).label}."


def _suggested(one: Suggestion, rules: RuleSet, asked: Sequence[str]) -> str:
    """Ask for a suggested address, and for what would be missing with it and is not asked yet."""
    missing = [*_demands(one.controles, rules)]
    then = [demand for demand in missing if demand not in asked]
    said = (
        f"S’agit-il de {quoted(one.nom, 60)} ? Sa fiche est à l’adresse {one.url} ; si c’est bien "
        "votre produit, merci de donner cette seule adresse."
    )
    if then:
        return f"{said} Nous aurons alors aussi besoin de ce qui suit. {' '.join(then)}"
    return said if missing else f"{said} Rien d’autre n’est alors attendu sur le produit."


_Proof = Mapping[str, Any]


def _depot(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    # Nothing that the applicant sends changes the day: the team decides.
    yield from ()


def _administration(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    # The programme's own decision needs no answer.
    if preuve.get("decision"):
        return
    if not preuve.get("siren"):
        yield (
            "Votre dossier n’a pas de numéro SIRET lisible. Merci d’indiquer celui de votre "
            "administration."
        )
    elif preuve.get("registre") == RegistryStatus.UNKNOWN:
        yield (
            f"Le registre des entreprises ne connaît pas le SIREN {grouped_siren(preuve['siren'])} "
            "de votre dossier. Merci d’indiquer le SIRET exact de votre administration."
        )
    elif preuve.get("ferme"):
        yield (
            "L’établissement dont vous avez donné le SIRET est inscrit comme fermé au registre des "
            "entreprises. Merci d’indiquer le SIRET de l’administration qui porte aujourd’hui le "
            "projet."
        )
    else:
        libelle = preuve.get("libelle")
        kind = (
            f" La forme juridique de votre organisme est {quoted(libelle, 100)}." if libelle else ""
        )
        yield (
            "Le programme est destiné aux administrations centrales et aux opérateurs de l’État."
            f"{kind} Merci d’indiquer quelle administration centrale ou quel opérateur de l’État "
            "porte le projet ou, si c’est votre organisme, de joindre le texte qui l’établit "
            "(décret, arrêté ou convention constitutive)."
        )


_PUBLISHED = (
    "Le programme s’adresse aux produits dont la fiche est déjà publiée sur beta.gouv.fr. Si c’est "
    f"le cas du vôtre, merci de donner l’adresse de sa fiche, seule, de la forme {_FORM}."
)


def _fiche(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    # The page is known, and came after the deposit: the team decides, the applicant has no answer.
    if preuve.get(SINCE):
        return
    saisie = quoted(preuve.get("saisie"), 120)
    match preuve.get("lien"):
        case Lien.SANS_FICHE:
            yield f"Vous avez répondu {saisie} à la demande de fiche produit. {_PUBLISHED}"
        case Lien.INCONNUE:
            yield f"Votre réponse {saisie} ne mène à aucune fiche produit connue. {_PUBLISHED}"
        case _ if preuve.get("saisie"):
            yield (
                f"Votre réponse {saisie} ne suffit pas à reconnaître avec certitude la fiche de "
                "votre produit sur beta.gouv.fr. Merci de donner l’adresse de cette fiche, seule, "
                f"de la forme {_FORM}."
            )
        case _:
            yield f"Votre dossier ne donne pas l’adresse d’une fiche produit. {_PUBLISHED}"


def _phase(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    day = _day(preuve.get("date"))
    phase, declared = preuve.get("phase"), preuve.get("declaree")
    if preuve.get("reponse") or not (phase or declared):
        yield f"Merci d’indiquer la phase de votre produit {day}."
        return
    read = preuve.get("consulte_le")
    source = f" (catalogue de beta.gouv.fr lu {_day(read[:10])})" if read else ""
    seen = (
        f"D’après sa fiche, votre produit était à la phase {quoted(rules.phase_name(phase), 40)} "
        f"{day}{source}"
        if phase
        else f"La fiche de votre produit ne montre pas sa phase {day}{source}"
    )
    said = f", et vous avez déclaré {quoted(declared, 40)}" if declared else ""
    if phase and fold(phase) in rules.eligible_phases:
        typed = fold(declared or "")
        if fold(phase) in rules.declared_phases.get(typed, frozenset()) | {typed}:
            said = (
                ", comme vous l’avez déclaré, mais les dates de ses phases y sont incomplètes ou "
                "contradictoires"
            )
        yield f"{seen}{said}. Merci de confirmer sa phase à cette date et de la montrer, {_PROVE}."
        return
    admitted = listed((quoted(one) for one in rules.config.phases.eligible), last="ou")
    yield (
        f"{seen}{said}. Le programme s’adresse aux produits en phase {admitted}. Si votre produit "
        f"était alors à l’une de ces phases, merci de dire laquelle et de le montrer, {_PROVE}."
    )


def _profils(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    most = rules.config.max_profils
    day = date.fromisoformat(preuve["date"]) if preuve.get("date") else None
    offered = [
        quoted(one.labels[0] if one.labels else one.id, 60)
        for one in rules.config.profils
        if day is None or one.is_offered(day)
    ]
    number = "un profil" if most == 1 else f"un à {most} profils"
    yield f"Merci de choisir {number}, parmi ceux que l’offre proposait alors : {listed(offered)}."


_CAS = {
    "stats_url": "l’adresse de la page publique de vos mesures d’impact",
    "repository": "l’adresse de votre code source ouvert",
}


def _cas_octroi(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    chosen = preuve.get("cas")
    cas = rules.cas(chosen) if chosen else None
    if cas is None:
        options = [quoted(one.labels[0] if one.labels else one.id, 60) for one in rules.config.cas]
        yield f"Merci de choisir le cas de votre demande : {listed(options, last='ou')}."
        return
    wanted = [said for need, said in _CAS.items() if need in cas.needs and not preuve.get(need)]
    if cas.needs_phase:
        phase = quoted(rules.phase_name(cas.needs_phase), 30)
        wanted.append(f"une pièce datée qui montre une phase {phase} en cours ou achevée")
    yield (
        "Nous n’avons pas trouvé sur la fiche de votre produit ce que suppose le cas "
        f"{quoted(chosen, 60)}. Merci de donner {listed(wanted) or 'ce qui l’établit'}, et de "
        "compléter cette fiche."
    )


def _completude(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    # What another check reports is asked for by that one.
    own = {Check.FICHE_PRODUIT: "page_produit", Check.PHASE: "phase_declaree",
           Check.PROFILS: "voeux", Check.CAS_OCTROI: "cas_demande"}  # fmt: skip
    elsewhere = {field for check, field in own.items() if check in rules.checks}
    blank = set(preuve.get("vides", ())) - elsewhere
    labels = [quoted(one.libelle, 80) for one in rules.needed if one.field in blank]
    if labels:
        yield f"Merci de répondre à {listed(labels)}."


def _doublon(preuve: _Proof, rules: RuleSet) -> Iterator[str]:
    # Without its number: it may be another applicant's.
    yield (
        "Un autre dossier en cours ou accepté porte sur le même produit. Merci de nous dire si "
        "vous en êtes à l’origine et, si c’est le cas, lequel est à instruire."
    )


_SAYING: Mapping[str, Callable[[_Proof, RuleSet], Iterator[str]]] = {
    Check.DEPOT: _depot,
    Check.ADMINISTRATION: _administration,
    Check.FICHE_PRODUIT: _fiche,
    Check.PHASE: _phase,
    Check.PROFILS: _profils,
    Check.CAS_OCTROI: _cas_octroi,
    Check.COMPLETUDE: _completude,
    Check.DOUBLON: _doublon,
}


def _day(text: str | None) -> str:
    return f"le {french_date(date.fromisoformat(text))}" if text else "au jour du dépôt"
