"""`administration`: the applicant is an administration centrale or an opérateur de l'État."""

from __future__ import annotations

from dsync.domain.candidature import Candidature
from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.config import OverrideConfig
from dsync.eligibility.context import Context, answer
from dsync.eligibility.evidence import Evidence, RegistryAnswer, RegistryStatus
from dsync.eligibility.lists import Categorie, CategorieReponse
from dsync.eligibility.rules import RuleSet
from dsync.eligibility.wording import cleaned, cut

NAME = "administration"
SIREN_LENGTH = 9

_CENTRALE = "administration_centrale"
_OPERATEUR = "operateur"
_AUTRE = "autre"
_INCONNU = "inconnu"
_CLOSED = "ferme"
_CONFIRM = "À faire : confirmer que le candidat est éligible."
_NOT_THERE = "Le registre des entreprises ne connaît pas ce SIREN."
_NO_CATEGORY = "Le registre des entreprises ne donne aucune catégorie juridique pour ce SIREN."


def siren_of(candidature: Candidature) -> str | None:
    """Return the SIRET's first nine digits, or None when there are not so many."""
    demandeur = candidature.demandeur
    typed = demandeur.siret or demandeur.siren or ""
    digits = "".join(typed.split())[:SIREN_LENGTH]
    is_siren = len(digits) == SIREN_LENGTH and digits.isascii() and digits.isdigit()
    return digits if is_siren else None


def needs_registry(candidature: Candidature, rules: RuleSet) -> str | None:
    """Return the SIREN to look up in the registry, or None when the dossier says enough."""
    if (candidature.demandeur.forme_juridique_code or "").strip():
        return None
    siren = siren_of(candidature)
    if siren is None or siren in rules.overrides or _operateur_list(siren, rules):
        return None
    return siren


def registry_answer(
    candidature: Candidature, evidence: Evidence, rules: RuleSet
) -> RegistryAnswer | None:
    """Return the registry's answer that the check rests on; None when it asks nothing of it."""
    siren = needs_registry(candidature, rules)
    if siren is None or not evidence.registry_enabled:
        return None
    return evidence.registry.get(siren) or RegistryAnswer(siren, RegistryStatus.UNREACHABLE)


def check_administration(context: Context) -> Controle:
    """Answer by override, list of opérateurs, legal category and registry, in this order."""
    siren = siren_of(context.candidature)
    if siren is None:
        return _inconnu("Le candidat n’a pas de numéro SIRET (personne, ou registre incomplet).")
    if override := context.rules.overrides.get(siren):
        return _by_override(override)
    if found := _operateur_list(siren, context.rules):
        annee, nom = found
        preuve: dict[str, Json] = {"siren": siren, "nom": nom, "liste": annee}
        motif = f"Inscrite sur la liste {annee} des opérateurs de l’État."
        return _if_open(context, _OPERATEUR, motif, preuve)
    return _by_category(context, siren)


def _operateur_list(siren: str, rules: RuleSet) -> tuple[int, str] | None:
    for operateurs in rules.operateurs:
        if siren in operateurs.noms:
            return operateurs.annee, operateurs.noms[siren]
    return None


def _by_override(override: OverrideConfig) -> Controle:
    preuve: dict[str, Json] = {
        "siren": override.siren,
        "decision": override.answer,
        "raison": override.reason,
    }
    reason = cut(cleaned(override.reason), 150)
    said = f"Décision enregistrée pour le SIREN {override.siren} : {reason}"
    if override.answer in (_CENTRALE, _OPERATEUR):
        return answer(NAME, Resultat.CONFORME, said, type=override.answer, **preuve)
    if override.answer == "a_verifier":
        return answer(NAME, Resultat.A_VERIFIER, f"{said}. {_CONFIRM}", type=_INCONNU, **preuve)
    motif = f"{said}. À faire : l’indiquer au candidat."
    return answer(NAME, Resultat.NON_CONFORME, motif, type=_AUTRE, **preuve)


def _by_category(context: Context, siren: str) -> Controle:
    demandeur = context.candidature.demandeur
    code = (demandeur.forme_juridique_code or "").strip()
    preuve: dict[str, Json] = {"siren": siren}
    if not code:
        registry = registry_answer(context.candidature, context.evidence, context.rules)
        if registry is None:
            return _inconnu(
                "Le registre n’a donné aucune catégorie juridique pour ce SIREN.", **preuve
            )
        preuve |= _registry_preuve(registry)
        if registry.status is RegistryStatus.UNREACHABLE:
            return answer(
                NAME,
                Resultat.IMPOSSIBLE,
                "Le registre des entreprises n’a pas pu être consulté. "
                "À faire : rien, un nouvel essai aura lieu.",
                type=_INCONNU,
                **preuve,
            )
        code = (registry.nature_juridique or "").strip()
        if not code:
            is_unknown = registry.status is RegistryStatus.UNKNOWN
            return _inconnu(_NOT_THERE if is_unknown else _NO_CATEGORY, **preuve)
    categorie = context.rules.categories.get(code)
    libelle = (categorie.libelle if categorie else None) or demandeur.forme_juridique or ""
    named = cut(cleaned(f"{code} {libelle}"), 110)
    preuve |= {"code": code, "libelle": libelle, "source": context.rules.categories.source}
    return _judge(context, categorie, named, preuve)


def _judge(
    context: Context, categorie: Categorie | None, named: str, preuve: dict[str, Json]
) -> Controle:
    reponse = categorie.reponse if categorie else CategorieReponse.A_VERIFIER
    year = context.reference.year
    is_proven = reponse is CategorieReponse.EXCLUE or (
        reponse is CategorieReponse.EXCLUE_HORS_LISTE and context.rules.has_list_of(year)
    )
    if reponse is CategorieReponse.ADMINISTRATION_CENTRALE:
        motif = f"Administration centrale (catégorie juridique {named})."
        return _if_open(context, _CENTRALE, motif, preuve)
    if is_proven:
        return answer(
            NAME,
            Resultat.NON_CONFORME,
            f"Catégorie juridique {named} : ni administration centrale ni opérateur de l’État. "
            "À faire : vérifier que le dossier est déposé par la bonne administration.",
            type=_AUTRE,
            **preuve,
        )
    if reponse is CategorieReponse.A_VERIFIER:
        motif = f"Catégorie juridique {named} : ne suffit pas à conclure. {_CONFIRM}"
        return answer(NAME, Resultat.A_VERIFIER, motif, type=_INCONNU, **preuve)
    lists = ", ".join(str(found.annee) for found in context.rules.operateurs)
    motif = (
        f"Catégorie juridique {named}, absente de la liste des opérateurs de l’État ({lists}). "
        f"À faire : vérifier si c’était un opérateur en {year}."
    )
    return answer(NAME, Resultat.A_VERIFIER, motif, type=_INCONNU, **preuve)


def _if_open(context: Context, kind: str, motif: str, preuve: dict[str, Json]) -> Controle:
    """Answer « conforme », or « à vérifier » when the entreprise is closed."""
    registry = registry_answer(context.candidature, context.evidence, context.rules)
    etat = (context.candidature.demandeur.etat_administratif or "").strip().lower()
    if etat != _CLOSED and not (registry and registry.is_closed):
        return answer(NAME, Resultat.CONFORME, motif, type=kind, **preuve)
    motif = (
        f"{motif.removesuffix('.')}, mais fermée au registre des entreprises. "
        "À faire : demander le SIRET de l’administration qui a pris la suite."
    )
    return answer(NAME, Resultat.A_VERIFIER, motif, type=kind, ferme=True, **preuve)


def _inconnu(reason: str, **preuve: Json) -> Controle:
    return answer(NAME, Resultat.A_VERIFIER, f"{reason} {_CONFIRM}", type=_INCONNU, **preuve)


def _registry_preuve(registry: RegistryAnswer) -> dict[str, Json]:
    consulted = registry.consulted_at
    return {
        "registre": registry.status.value,
        "nom": registry.nom,
        "registre_source": registry.source,
        "registre_consulte_le": consulted.isoformat() if consulted else None,
    }
