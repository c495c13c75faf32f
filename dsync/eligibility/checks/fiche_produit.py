"""`fiche_produit`: the product's page is published on beta.gouv.fr."""

from __future__ import annotations

from msgspec.structs import replace

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.catalogue import Product
from dsync.eligibility.context import Context, answer, unanswerable, without_catalogue
from dsync.eligibility.product import Lien, ProductMatch
from dsync.eligibility.wording import cleaned, cut, listed, quoted

NAME = "fiche_produit"
FIELD = "page_produit"

_ASK = "À faire : demander au candidat l’adresse de sa fiche produit"
_INDIRECT = {
    Lien.NOM: "Nom du produit {nom} au lieu de l’adresse de sa fiche",
    Lien.SITE: "Site du produit {nom} au lieu de l’adresse de sa fiche",
    Lien.DEPOT: "Dépôt de code du produit {nom} au lieu de l’adresse de sa fiche",
}


def check_fiche_produit(context: Context) -> Controle:
    """Say whether what was typed leads to one published product."""
    if refusal := unanswerable(NAME, context, FIELD, "page produit"):
        return refusal
    match = context.match
    preuve: dict[str, Json] = {
        "saisie": context.candidature.page_produit,
        "lien": match.lien.value,
        "source": context.catalogue_source,
        "sha256": context.catalogue_sha256,
        "consulte_le": context.consulte_le,
    }
    if match.page:
        preuve["page"] = match.page
    if match.product is not None:
        return _one_product(match, match.product, preuve)
    if match.noms:
        preuve["noms"] = list(match.noms)
    if match.lien is Lien.INDISPONIBLE:
        return replace(without_catalogue(NAME), preuve=preuve)
    resultat, motif = _no_product(context)
    return answer(NAME, resultat, motif, **preuve)


def _one_product(match: ProductMatch, product: Product, preuve: dict[str, Json]) -> Controle:
    preuve |= {"produit": product.id, "nom": product.nom, "url": product.url}
    nom = quoted(product.nom, 60)
    if match.is_published:
        former = f" (ancienne adresse {quoted(match.page, 60)})" if match.lien is Lien.ALIAS else ""
        motif = f"Fiche publiée : {nom}, {product.url}{former}"
        return answer(NAME, Resultat.CONFORME, motif, **preuve)
    said = _INDIRECT[match.lien].format(nom=nom)
    motif = f"{said}. À faire : confirmer que la fiche est {product.url}"
    return answer(NAME, Resultat.A_VERIFIER, motif, **preuve)


def _no_product(context: Context) -> tuple[Resultat, str]:
    match = context.match
    typed = quoted(context.candidature.page_produit)
    names = listed((cut(cleaned(nom), 60) for nom in match.noms), most=3)
    page = quoted(match.page, 60)
    match match.lien:
        case Lien.VIDE:
            return Resultat.NON_CONFORME, f"Aucune fiche produit indiquée. {_ASK}."
        case Lien.INCONNUE if context.aliases_known:
            return (
                Resultat.NON_CONFORME,
                f"Aucune fiche {page} publiée sur beta.gouv.fr. {_ASK}, une fois publiée.",
            )
        case Lien.INCONNUE:
            return (
                Resultat.A_VERIFIER,
                f"Fiche {page} absente du catalogue de beta.gouv.fr, dont les anciennes adresses "
                f"n’ont pas pu être lues. À faire : ouvrir l’adresse indiquée.",
            )
        case Lien.PROCHE:
            wanted = f"fiche {page}" if match.page else typed
            said = (
                f"Aucune {wanted} sur beta.gouv.fr" if match.page else f"{wanted} n’est pas un nom"
            )
            return (
                Resultat.A_VERIFIER,
                f"{said} ; orthographe proche de {names}. {_ASK}.",
            )
        case Lien.RETIREE:
            return (
                Resultat.A_VERIFIER,
                f"Fiche {page} publiée autrefois, page retirée ou renommée : {names}. {_ASK}.",
            )
        case Lien.AUCUN:
            return (
                Resultat.NON_CONFORME,
                f"{typed} n’est ni une adresse ni le nom d’un produit de beta.gouv.fr. {_ASK}.",
            )
        case Lien.AMBIGU:
            said = f"{typed} peut désigner plusieurs produits : {names}"
        case Lien.PLUSIEURS:
            said = f"Plusieurs produits sont désignés : {names}"
        case Lien.CITE:
            said = f"{typed} n’est pas une adresse mais cite {names}"
        case Lien.AUTRE_PAGE:
            said = f"{typed} est une page de beta.gouv.fr mais pas une fiche produit"
        case _:
            said = f"{typed} n’est pas une adresse de beta.gouv.fr"
    return Resultat.A_VERIFIER, f"{said}. {_ASK}."
