"""`fiche_produit`: the product's page is published on beta.gouv.fr."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from dsync.controles.facts import label_of
from dsync.controles.functions import Found
from dsync.domain.dossier import Json, paris_day
from dsync.domain.judging import SIGNALE
from dsync.domain.verdict import ASKED
from dsync.domain.wording import cleaned, cut, french_date, joined, listed, quoted, words
from dsync.eig.precheck import sentences
from dsync.eig.precheck.address import ProductPage
from dsync.eig.precheck.catalogue import Phase, Product, phase_name
from dsync.eig.precheck.check_input import (
    LATE_READING_DAYS,
    CheckInput,
    found,
    whole,
    without_question,
)
from dsync.eig.precheck.parameters import FicheProduit
from dsync.eig.precheck.product import WEAK, Lien, ProductMatch
from dsync.eig.precheck.sentences import Sentence

FIELD = "page_produit"
_QUOTED_ANSWER = 120
"""A longer answer is not quoted in a demand: cut, it could lose a part of a name."""
_LONGEST_READ = 1000
SINCE = "existe_depuis"
"""Key in the evidence: the day since which a page exists that came after the deposit."""

_SENTENCES: dict[Lien, Sentence] = {
    Lien.FICHE: sentences.PUBLIEE,
    Lien.ALIAS: sentences.ANCIENNE_ADRESSE,
    Lien.IDENTIFIANT: sentences.PAR_IDENTIFIANT,
    Lien.NOM: sentences.PAR_NOM,
    Lien.SITE: sentences.PAR_SITE,
    Lien.DEPOT: sentences.PAR_DEPOT,
    Lien.CITE: sentences.CITEE,
    Lien.RETIREE: sentences.RETIREE,
    Lien.AMBIGU: sentences.AMBIGUE,
    Lien.PLUSIEURS: sentences.PLUSIEURS,
    Lien.AUTRE_PAGE: sentences.AUTRE_PAGE,
    Lien.AUTRE_SITE: sentences.AUTRE_SITE,
    Lien.INCONNUE: sentences.INCONNUE,
    Lien.AUCUN: sentences.NI_ADRESSE_NI_NOM,
    Lien.SANS_FICHE: sentences.SANS_FICHE,
    Lien.VIDE: sentences.VIDE,
    Lien.AILLEURS: sentences.AILLEURS,
}
_MOYENS = {
    Lien.FICHE: "l’adresse de sa fiche",
    Lien.ALIAS: "une ancienne adresse de sa fiche",
    Lien.IDENTIFIANT: "son identifiant",
    Lien.NOM: "son nom",
    Lien.SITE: "l’adresse de son site",
    Lien.DEPOT: "l’adresse de son code source",
}


def check_fiche_produit(context: CheckInput, parametres: FicheProduit) -> Found:
    """Check whether the typed text leads to one published product."""
    if refusal := without_question(context, FIELD, "page produit"):
        return refusal._replace(demande=sentences.PUBLIE)
    champs = context.rules.sections.champs
    match, (source, sha256, _) = context.typed, context.catalogue_read
    preuve: dict[str, Json] = {
        "saisie": context.candidature.page_produit,
        "lien": match.lien.value,
        "source": source,
        "sha256": sha256,
        "consulte_le": context.consulte_le,
    }
    if match.page:
        preuve["page"] = match.page
    if match.noms:
        preuve["noms"] = list(match.noms)
    if match.autres_mots:
        preuve["autres_mots"] = match.autres_mots
    if match.confirme:
        preuve["incubateur"] = context.candidature.incubateur
    elif match.lien in WEAK and match.product is not None:
        # It was compared, too: who asks for the data of a verdict is told.
        preuve["incubateur_declare"] = context.candidature.incubateur
        preuve["incubateur_produit"] = match.product.incubateur
    if match.lien is Lien.INDISPONIBLE:
        return found(sentences.SANS_CATALOGUE, preuve)
    labels = [label_of(name, champs) for name in match.questions]
    if match.questions:
        preuve["questions"] = list(labels)
    if not context.candidature.page_produit:
        preuve[SIGNALE] = FIELD
    product = match.product
    if product is not None:
        preuve |= {"produit": product.id, "nom": product.nom, "url": product.url}
    first = _first_phase(product) if product else None
    sentence = _sentence(context)
    if sentence is sentences.ABSENTE_AU_DEPOT and match.absente_le:
        preuve[SINCE] = paris_day(match.absente_le).isoformat()
    elif sentence is sentences.APRES_LE_DEPOT and first and first.debut:
        preuve[SINCE] = first.debut.isoformat()
    saisie = quoted(context.candidature.page_produit, 60)
    answer = cleaned((context.candidature.page_produit or "")[:_LONGEST_READ])
    reponse = f" {whole(answer)}" if 0 < len(answer) <= _QUOTED_ANSWER else ""
    made = found(
        sentence,
        preuve,
        nom=quoted(product.nom if product else None, 60),
        url=product.url if product else "",
        page=quoted(match.page, 60) if match.page else saisie,
        objet="Page" if match.page else "Réponse",
        noms=_with_others([_shown(nom) for nom in match.noms], match),
        s="s" if match.noms[1:] else "",
        fiches=_pages(context),
        mots=quoted(match.autres_mots, 80),
        moyen=_MOYENS.get(match.lien, ""),
        saisie=saisie,
        catalogue=context.catalogue,
        question=label_of(FIELD, champs),
        repondue=f"a pour réponse {saisie}"
        if context.candidature.page_produit
        else "est sans réponse",
        adresse=quoted(match.page, 120),
        questions=listed(map(quoted, labels)),
        delai=LATE_READING_DAYS,
        jour=french_date(context.deposit_day),
        debut=french_date(first.debut) if first and first.debut else "",
        phase=quoted(phase_name(first.nom), 40) if first else "",
        absente=french_date(paris_day(match.absente_le)) if match.absente_le else "",
        reponse=reponse,
    )
    # A page that came after the deposit is known: the team decides, the applicant has no answer.
    is_asked = made.resultat in ASKED and SINCE not in preuve
    which = _which(context, labels, reponse) if is_asked else ()
    return made._replace(demande=which) if which else made


def _which(context: CheckInput, labels: Sequence[str], reponse: str) -> Sequence[str]:
    """Return the question which of the possible products it is; empty where none is possible."""
    match, catalogue = context.typed, context.evidence.catalogue
    where = listed(map(whole, labels))
    elsewhere = (
        "Vous n’avez pas donné d’adresse en réponse à la question sur la fiche produit, mais votre "
        f"réponse à {where} en contient une."
    )
    if _names_several(context):
        # Most are followed by their id in brackets.
        noms = [nom.rpartition(" (")[0] or nom for nom in match.noms]
        number = "deux" if len(noms) == 2 else "plusieurs"
        named = f" : {listed(map(whole, noms))}" if noms else ""
        begin = f"Votre réponse désigne {number} produits{named}. Merci de donner"
        return (
            f"{begin} l’adresse d’une seule fiche, celle du produit de votre demande, de la forme "
            f"{sentences.FORME_FICHE}.",
            f"{begin} la seule adresse de la fiche du vôtre.",
        )
    ids = [match.product_id] if match.product_id else match.ids
    shown = [
        (whole(product.nom), ProductPage(id_).url)
        for id_ in ids
        if catalogue and (product := catalogue.products.get(catalogue.current_id(id_)))
    ]
    pages = listed((f"{nom} ({url})" for nom, url in shown), last="ou")
    if match.lien is Lien.AILLEURS and shown:
        return [
            f"{begin} Si votre produit est {pages}, merci de donner cette seule adresse en réponse "
            "à la question ; sinon, celle de la fiche de votre produit."
            for begin in (elsewhere, f"Votre réponse à {where} contient une adresse.")
        ]
    if match.lien is Lien.AILLEURS:
        return [
            f"{elsewhere} Merci de répondre par celle de la fiche de votre produit{form}."
            for form in (f", de la forme {sentences.FORME_FICHE}", "")
        ]
    if len(shown) == 1:
        [(nom, url)] = shown
        return [
            f"Votre réponse{answer} désigne-t-elle {nom}, dont la fiche est à l’adresse {url} ? Si "
            "oui, merci de donner cette seule adresse ; sinon, celle de la fiche de votre produit."
            for answer in (reponse, "")
        ]
    return [
        f"Votre réponse{answer} peut désigner {which}. Merci de donner la seule adresse de la "
        "fiche de votre produit sur beta.gouv.fr."
        for which in (pages, listed((nom for nom, _ in shown), last="ou"))
        for answer in (reponse, "")
        if shown
    ]


def _names_several(context: CheckInput) -> bool:
    """Whether the answer names more than one product, in whatever words."""
    match = context.typed
    typed = f" {' '.join(words(context.candidature.page_produit or ''))} "
    spelt = {f" {' '.join(words(nom.rpartition(' (')[0] or nom))} " for nom in match.noms}
    written = [one for one in spelt if one.strip() and one in typed]
    # A name inside a longer one is not another product.
    named = [one for one in written if not any(one != other and one in other for other in written)]
    return match.lien is Lien.PLUSIEURS or len(named) > 1


def _sentence(context: CheckInput) -> Sentence:
    match = context.typed
    if match.lien is Lien.INCONNUE:
        if match.autres_mots:
            return sentences.INCONNUE_AVEC_MOTS
        if not context.evidence.aliases_known:
            return sentences.INCONNUE_SANS_ALIAS
        if context.is_read_late:
            return sentences.INCONNUE_LUE_TARD
    elif match.product is not None and match.autres_mots:
        return sentences.AVEC_AUTRES_MOTS
    elif match.is_certain and match.absente_le:
        return sentences.ABSENTE_AU_DEPOT
    elif match.is_certain and match.product is not None and _is_later(context, match.product):
        return sentences.APRES_LE_DEPOT
    elif match.confirme:
        return sentences.CONFIRMEE
    elif match.lien is Lien.PROCHE:
        return _near(context) if match.noms else sentences.PROCHE_SANS_NOM
    return _SENTENCES[match.lien]


def _first_phase(product: Product) -> Phase | None:
    """Return the earliest phase, or None where a phase has no date."""
    if not product.phases or any(phase.debut is None for phase in product.phases):
        return None
    return min(product.phases, key=lambda phase: phase.debut or date.max)


def _is_later(context: CheckInput, product: Product) -> bool:
    first = _first_phase(product)
    return first is not None and first.debut is not None and first.debut > context.deposit_day


def _shown(nom: str) -> str:
    """Return a name in guillemets, followed by its id in brackets."""
    name, bracket, id_ = cleaned(nom).rpartition(" (")
    return f"{quoted(name, 60)} ({cut(id_, 60)}" if bracket else quoted(nom, 60)


def _with_others(names: Sequence[str], match: ProductMatch) -> str:
    """Return the names, and that there are more products than are named."""
    return f"{', '.join(names)}, entre autres" if match.et_d_autres else listed(names)


def _near(context: CheckInput) -> Sentence:
    """Return in which way an answer is close to products."""
    match, catalogue = context.typed, context.evidence.catalogue
    typed, ids = match.page or context.candidature.page_produit or "", {*match.ids}
    if catalogue is None or not ids:
        return sentences.PROCHE
    known = catalogue.near.acronyms
    spelt = [known.get(one, frozenset()) for one in (joined(typed), *words(typed))]
    ways = {
        sentences.SIGLE
        if any(id_ in some for some in spelt)
        else sentences.PROCHE_ANCIENNE
        if catalogue.is_nearer_by_alias(typed, id_)
        else sentences.PROCHE
        for id_ in ids
    }
    return ways.pop() if len(ways) == 1 else sentences.PROCHES


def _pages(context: CheckInput) -> str:
    """Return the question about the possible products, with their pages."""
    match, catalogue = context.typed, context.evidence.catalogue
    if catalogue is None or not match.ids:
        return "l’adresse actuelle de la fiche"
    pages = [
        f"{quoted(catalogue.products[id_].nom, 60)} ({cut(ProductPage(id_).url, 120)})"
        for id_ in match.ids
    ]
    return f"s’il s’agit de {listed(pages, last='ou')}"
