"""`administration`: the applicant is an administration centrale or an opérateur de l'État."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dsync.controles.functions import Found
from dsync.domain.dossier import NOT_RENDERED, Json, paris_day
from dsync.domain.wording import (
    cleaned,
    cut,
    french_date,
    grouped_siren,
    listed,
    quoted,
)
from dsync.eig.candidature import Candidature
from dsync.eig.precheck import sentences
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import CheckInput, found, whole
from dsync.eig.precheck.evidence import RegistryAnswer, RegistryStatus
from dsync.eig.precheck.lists import CategorieReponse, OperateurList
from dsync.eig.precheck.parameters import Administration
from dsync.eig.precheck.sentences import Sentence

if TYPE_CHECKING:
    from dsync.eig.precheck.rules import RuleSet

_SIREN_LENGTH = 9
_LONGEST_NAME = 300
"""More than the registry has: only to bound an abusive one."""

_CENTRALE = "administration_centrale"
_OPERATEUR = "operateur"
_AUTRE = "autre"
_INCONNU = "inconnu"
_CLOSED = "ferme"
_PERSONNE = "personne_physique"


def _siren_of(candidature: Candidature) -> str | None:
    """Return the SIREN in the SIRET (its first nine digits), or None without one."""
    demandeur = candidature.demandeur
    typed = demandeur.siret or demandeur.siren or ""
    digits = "".join(typed.split())[:_SIREN_LENGTH]
    is_siren = len(digits) == _SIREN_LENGTH and digits.isascii() and digits.isdigit()
    return digits if is_siren else None


def needs_registry(candidature: Candidature, rules: RuleSet) -> str | None:
    """Return the SIREN to look up in the registry, or None when the lookup is not needed."""
    demandeur = candidature.demandeur
    if Check.ADMINISTRATION not in rules.checks or (demandeur.forme_juridique_code or "").strip():
        return None
    if demandeur.genre == NOT_RENDERED:
        return None
    siren = _siren_of(candidature)
    # These decide before the legal category, so the registry would not be used.
    if siren is None or _operateur_list(siren, rules):
        return None
    return siren


def registry_answer(context: CheckInput) -> RegistryAnswer | None:
    """Return the registry's answer that the check uses, or None when it uses none.

    One that the evidence lacks counts as unreachable.
    """
    siren = needs_registry(context.candidature, context.rules)
    if siren is None or not context.evidence.registry_enabled:
        return None
    return context.evidence.registry.get(siren) or RegistryAnswer(siren, RegistryStatus.UNREACHABLE)


def check_administration(context: CheckInput, parametres: Administration) -> Found:
    """Check by list of opérateurs, legal category and registry, in this order."""
    demandeur = context.candidature.demandeur
    siren = _siren_of(context.candidature)
    # DS failed on the applicant or a part of it: that is no missing SIRET and no missing category,
    # and the verdict that stands is kept.
    if demandeur.genre == NOT_RENDERED:
        return found(sentences.CANDIDAT_NON_RENDU, {"type": _INCONNU})
    if siren is None:
        is_person = demandeur.genre == _PERSONNE
        sentence = sentences.PERSONNE if is_person else sentences.SANS_SIRET
        return found(sentence, {"type": _INCONNU})
    year = context.deposit_day.year
    if having := _operateur_list(siren, context.rules, year):
        nom = having.noms[siren]
        preuve: dict[str, Json] = {"siren": siren, "nom": nom, "liste": having.annee}
        facts = {
            "organisme": _named(siren, demandeur.raison_sociale or nom),
            "inscrit": _inscribed(having, context),
        }
        qualite = f"opérateur de l’État (liste pour {having.annee})"
        return _if_open(context, sentences.OPERATEUR, _OPERATEUR, preuve, facts, qualite)
    return _by_category(context, siren)


def _operateur_list(siren: str, rules: RuleSet, year: int = 0) -> OperateurList | None:
    """Return a list with a SIREN: that of a year, or else the latest; None if it is in none."""
    having = [one for one in rules.operateurs if siren in one.noms]
    return next((one for one in having if one.annee == year), having[0] if having else None)


def _inscribed(found: OperateurList, context: CheckInput) -> str:
    """Return the list that has the applicant, and what is known of the deposit's year."""
    year, read = context.deposit_day.year, {one.annee for one in context.rules.operateurs}
    named = f"la liste pour {found.annee} ({_source(found)})"
    if found.annee == year:
        return f"{named}, année du dépôt"
    if year in read:
        return f"{named}, mais non sur celle pour {year}, année du dépôt"
    return f"{named}{_unread(year)}"


def _unread(year: int) -> str:
    return f" ; celle de {year}, année du dépôt, manque"


def _source(operateurs: OperateurList) -> str:
    return cut(cleaned(operateurs.source), 100)


def list_sources(lists: Sequence[OperateurList]) -> list[str]:
    """Return what stands in brackets behind the lists' names: each source, and all of them."""
    sources = [_source(found) for found in lists]
    return [*sources, listed(reversed(sources))]


def _by_category(context: CheckInput, siren: str) -> Found:
    demandeur = context.candidature.demandeur
    code = (demandeur.forme_juridique_code or "").strip()
    preuve: dict[str, Json] = {"siren": siren}
    organisme = _named(siren, demandeur.raison_sociale)
    registre, source = "", "Démarches Simplifiées"
    if not code:
        registry = registry_answer(context)
        if registry is None:
            return _inconnu(sentences.SANS_CATEGORIE, preuve, organisme=organisme, nature="")
        preuve |= _registry_preuve(registry)
        if registry.status is RegistryStatus.UNREACHABLE:
            preuve["type"] = _INCONNU
            return found(sentences.REGISTRE_INJOIGNABLE, preuve, siren=grouped_siren(siren))
        organisme = _named(siren, demandeur.raison_sociale or registry.nom)
        registre = _registre(context, registry)
        source = f"le {registre}"
        code = (registry.nature_juridique or "").strip()
        if not code:
            is_unknown = registry.status is RegistryStatus.UNKNOWN
            sentence = (
                sentences.REGISTRE_INCONNU if is_unknown else (sentences.REGISTRE_SANS_CATEGORIE)
            )
            return _inconnu(
                sentence,
                preuve,
                organisme=organisme,
                registre=registre,
                siren=grouped_siren(siren),
                nature="",
            )
    categories = context.rules.categories
    categorie = categories.get(code)
    # The label in the dossier is more exact than that of a family of categories.
    exact = categories.exact.get(code)
    libelle = (
        (exact.libelle if exact else None)
        or demandeur.forme_juridique
        or (categorie.libelle if categorie else "")
    )
    preuve |= {"code": code, "libelle": libelle, "source": categories.source}
    lue = f"{cut(cleaned(code), 8)} selon {source}"
    forme = f"{quoted(libelle, 100)} (catégorie {lue})" if libelle else f"catégorie juridique {lue}"
    nature = f"La forme juridique de votre organisme est {whole(libelle)}. " if libelle else ""
    facts: dict[str, object] = {"organisme": organisme, "forme": forme, "nature": nature}
    return _judge(
        context, categorie.reponse if categorie else CategorieReponse.A_VERIFIER, preuve, facts
    )


def _judge(
    context: CheckInput,
    reponse: CategorieReponse,
    preuve: dict[str, Json],
    facts: dict[str, object],
) -> Found:
    year = context.deposit_day.year
    if reponse is CategorieReponse.ADMINISTRATION_CENTRALE:
        return _if_open(
            context, sentences.CENTRALE, _CENTRALE, preuve, facts,
            "administration centrale par sa forme juridique",
        )  # fmt: skip
    lists = context.rules.operateurs
    of_year = [one for one in lists if one.annee == year]
    facts |= {"annee": year, "liste": _lists(of_year), "listes": _lists([*reversed(lists)], year)}
    if reponse is CategorieReponse.EXCLUE:
        # No list is needed: an opérateur in one was found before.
        return found(sentences.EXCLUE, preuve | {"type": _AUTRE}, **facts)
    # Absence from the list of another year proves nothing.
    if reponse is CategorieReponse.EXCLUE_HORS_LISTE and of_year:
        return found(sentences.PRIVEE_HORS_LISTE, preuve | {"type": _AUTRE}, **facts)
    if reponse is CategorieReponse.A_VERIFIER:
        return _inconnu(sentences.FORME_INSUFFISANTE, preuve, **facts)
    sentence = sentences.HORS_LISTE_DE_L_ANNEE if of_year else sentences.HORS_LISTE
    return _inconnu(sentence, preuve, **facts)


def _if_open(
    context: CheckInput,
    sentence: Sentence,
    kind: str,
    preuve: dict[str, Json],
    facts: Mapping[str, object],
    qualite: str,
) -> Found:
    """Return « conforme », or « à vérifier » when the organisation is closed."""
    registry = registry_answer(context)
    etat = (context.candidature.demandeur.etat_administratif or "").strip().lower()
    preuve["type"] = kind
    # Either source can know of it first.
    if etat != _CLOSED and not (registry and registry.is_closed):
        return found(sentence, preuve, **facts)
    registre = "registre des entreprises, selon Démarches Simplifiées"
    if registry and registry.is_closed:
        registre = _registre(context, registry)
    facts = {**facts, "qualite": qualite, "registre": registre}
    return found(sentences.FERMEE, preuve | {"ferme": True}, **facts)


def _lists(lists: Sequence[OperateurList], deposit_year: int | None = None) -> str:
    """Return the searched lists with their years and sources, for the end of a sentence.

    It says so if none of them is of `deposit_year`.
    """
    years = listed(str(one.annee) for one in lists)
    sources = listed(_source(one) for one in lists)
    named = "les listes" if lists[1:] else "la liste"
    said = f"{named} des opérateurs de l’État pour {years} ({sources})"
    if deposit_year is None or deposit_year in {one.annee for one in lists}:
        return said
    return f"{said}{_unread(deposit_year)}"


def _registre(context: CheckInput, registry: RegistryAnswer) -> str:
    """Return the registry with the day of the lookup, for a sentence."""
    if not registry.consulted_at:
        return "registre des entreprises"
    day = paris_day(registry.consulted_at)
    return f"registre des entreprises consulté le {french_date(day)}"


def _inconnu(sentence: Sentence, preuve: dict[str, Json], **facts: object) -> Found:
    return found(sentence, preuve | {"type": _INCONNU}, **facts)


def _named(siren: str, nom: str | None) -> str:
    """Return the name and SIREN of the applicant, for a sentence."""
    name = cut(cleaned(nom or ""), _LONGEST_NAME)
    return f"{name or 'sans nom connu'} (SIREN {grouped_siren(siren)})"


def _registry_preuve(registry: RegistryAnswer) -> dict[str, Json]:
    consulted = registry.consulted_at
    return {
        "registre": registry.status.value,
        "nom": registry.nom,
        "registre_source": registry.source,
        "registre_consulte_le": consulted.isoformat() if consulted else None,
    }
