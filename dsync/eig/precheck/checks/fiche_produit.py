"""`fiche_produit`: the product's page is published on beta.gouv.fr."""

from __future__ import annotations

from msgspec.structs import replace

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle
from dsync.eig.precheck import sentences
from dsync.eig.precheck.address import ProductPage
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.context import (
    REPORTED_BLANK,
    Context,
    make_controle,
    without_catalogue,
    without_question,
)
from dsync.eig.precheck.product import Lien
from dsync.eig.precheck.sentences import Sentence
from dsync.eig.precheck.wording import cleaned, cut, listed, quoted

NAME = Check.FICHE_PRODUIT
FIELD = "page_produit"

_SENTENCES: dict[Lien, Sentence] = {
    Lien.FICHE: sentences.PUBLIEE,
    Lien.ALIAS: sentences.ANCIENNE_ADRESSE,
    Lien.NOM: sentences.PAR_NOM,
    Lien.SITE: sentences.PAR_SITE,
    Lien.DEPOT: sentences.PAR_DEPOT,
    Lien.CITE: sentences.CITEE,
    Lien.PROCHE: sentences.PROCHE,
    Lien.RETIREE: sentences.RETIREE,
    Lien.AMBIGU: sentences.AMBIGUE,
    Lien.PLUSIEURS: sentences.PLUSIEURS,
    Lien.AUTRE_PAGE: sentences.AUTRE_PAGE,
    Lien.AUTRE_SITE: sentences.AUTRE_SITE,
    Lien.INCONNUE: sentences.INCONNUE,
    Lien.AUCUN: sentences.NI_ADRESSE_NI_NOM,
    Lien.VIDE: sentences.VIDE,
}


def check_fiche_produit(context: Context) -> Controle:
    """Check whether the typed text leads to one published product."""
    if refusal := without_question(NAME, context, FIELD, "page produit"):
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
    if match.noms:
        preuve["noms"] = list(match.noms)
    if match.lien is Lien.INDISPONIBLE:
        return replace(without_catalogue(NAME), preuve=preuve)
    if match.lien is Lien.VIDE:
        preuve[REPORTED_BLANK] = FIELD
    product = match.product
    if product is not None:
        preuve |= {"produit": product.id, "nom": product.nom, "url": product.url}
    sentence = _SENTENCES[match.lien]
    if match.lien is Lien.INCONNUE and not context.evidence.aliases_known:
        sentence = sentences.INCONNUE_SANS_ALIAS
    saisie = quoted(context.candidature.page_produit, 60)
    return make_controle(
        NAME,
        sentence,
        preuve,
        nom=quoted(product.nom if product else None, 60),
        url=product.url if product else "",
        page=quoted(match.page, 60) if match.page else saisie,
        objet="Page" if match.page else "Réponse",
        noms=listed(_shown(nom) for nom in match.noms),
        s="s" if match.noms[1:] else "",
        fiches=_pages(match.ids),
        saisie=saisie,
        catalogue=context.catalogue,
    )


def _shown(nom: str) -> str:
    """Return a name in guillemets, followed by its id in brackets."""
    name, bracket, id_ = cleaned(nom).rpartition(" (")
    return f"{quoted(name, 60)} ({cut(id_, 60)}" if bracket else quoted(nom, 60)


def _pages(ids: tuple[str, ...]) -> str:
    if not ids:
        return "l’adresse actuelle de la fiche"
    if len(ids) > 1:
        return "laquelle de ces fiches est la sienne"
    return f"s’il s’agit bien de cette fiche ({cut(ProductPage(ids[0]).url, 120)})"
