"""What any page about a pre-check says: how it contributes to a decision, rights, articles."""

from __future__ import annotations

from collections.abc import Iterable

from dsync.domain.paper import Block, heading, items, paragraph
from dsync.domain.verdict import Verdict
from dsync.domain.wording import listed

USAGER, CANDIDAT = "usager", "candidat"
"""Who deposits a dossier: in DS's word, and in the programme's."""
VERDICTS = tuple(verdict for verdict in Verdict if verdict is not Verdict.RIEN_A_SIGNALER)
"""Those of the programme."""
DELIBERATION = "deliberation:"
"""What precedes the day of the deliberation in what a démarche's file opens to readers without
personal data: from then on, in Paris, they see the marks of the jury."""
NO_ADVICE = (
    "Ce document n’est pas un conseil juridique : le texte des articles est à vérifier sur "
    "Légifrance, dans sa rédaction en vigueur."
)
L_311_3_1 = (
    "Code des relations entre le public et l’administration (CRPA), article L. 311-3-1 : « Sous "
    "réserve de l’application du 2° de l’article L. 311-5, une décision individuelle prise sur le "
    "fondement d’un traitement algorithmique comporte une mention explicite en informant "
    "l’intéressé. Les règles définissant ce traitement ainsi que les principales caractéristiques "
    "de sa mise en œuvre sont communiquées par l’administration à l’intéressé s’il en fait la "
    "demande. »"
)
R_311_3_1_1 = (
    "CRPA, article R. 311-3-1-1 : « La mention explicite prévue à l’article L. 311-3-1 indique la "
    "finalité poursuivie par le traitement algorithmique. Elle rappelle le droit, garanti par cet "
    "article, d’obtenir la communication des règles définissant ce traitement et des principales "
    "caractéristiques de sa mise en œuvre, ainsi que les modalités d’exercice de ce droit à "
    "communication et de saisine, le cas échéant, de la commission d’accès aux documents "
    "administratifs, définies par le présent livre. »"
)
R_311_3_1_2 = (
    "CRPA, article R. 311-3-1-2 : l’administration communique à la personne qui le demande, sous "
    "une forme intelligible et sous réserve de ne pas porter atteinte à des secrets protégés par "
    "la loi, « 1° Le degré et le mode de contribution du traitement algorithmique à la prise de "
    "décision ; 2° Les données traitées et leurs sources ; 3° Les paramètres de traitement et, le "
    "cas échéant, leur pondération, appliqués à la situation de l’intéressé ; 4° Les opérations "
    "effectuées par le traitement »."
)
L_312_1_3 = (
    "CRPA, article L. 312-1-3 : les administrations, sauf les plus petites (seuil fixé par décret) "
    "et sous réserve des secrets protégés, « publient en ligne les règles définissant les "
    "principaux traitements algorithmiques utilisés dans l’accomplissement de leurs missions "
    "lorsqu’ils fondent des décisions individuelles »."
)
ARTICLE_47 = (
    "Loi n° 78-17 du 6 janvier 1978, article 47 : une décision qui produit des effets juridiques à "
    "l’égard d’une personne, ou l’affecte de manière significative, n’est pas prise sur le seul "
    "fondement d’un traitement automatisé de données à caractère personnel, sauf exceptions, dont "
    "certaines décisions administratives individuelles, qui comportent alors la mention de "
    "l’article L. 311-3-1 à peine de nullité. Le pré-contrôle ne décide pas seul : une personne "
    "instruit chaque dossier et décide."
)


def contribution(
    instruction: str, verdicts: Iterable[str] = VERDICTS, *, applicant: str = USAGER
) -> list[str]:
    """Return the degree and the mode of contribution to a decision.

    `verdicts` are those that it can give, `applicant` what who deposits a dossier is called.
    """
    return [
        f"Le pré-contrôle donne un avis préparatoire : {listed(verdicts, last='ou')}. Il ne vaut "
        "pas décision.",
        f"{opened(instruction)} instruit chaque dossier et décide. Le logiciel n’accepte, ne "
        f"refuse et ne classe aucun dossier ; il n’écrit à aucun {applicant}.",
        "L’avis est inscrit, avec ses motifs, dans des annotations que seuls les instructeurs "
        "voient. Un instructeur peut le corriger ou le valider : le logiciel ne revient pas sur ce "
        "qu’une personne a écrit.",
        "Une personne de l’équipe peut établir elle-même le résultat d’un contrôle, en disant "
        "pourquoi : il prend la place de celui du logiciel tant que les faits sont les mêmes, et "
        "les motifs disent qui l’a établi, et quand.",
    ]


def rights(instruction: str, *, applicant: str = USAGER) -> list[Block]:
    """Return what a person may ask for, and the articles; `instruction` is who answers."""
    return [
        heading(f"Droits des {applicant}s"),
        paragraph(
            "Toute personne qui fait l’objet d’une décision individuelle prise sur le fondement de "
            "ce traitement peut demander les règles qui le définissent et les principales "
            "caractéristiques de sa mise en œuvre, appliquées à sa situation. La demande s’adresse "
            f"à {instruction}. Le silence gardé pendant un mois vaut refus (CRPA, articles R.* "
            "311-12 et R. 311-13) ; la commission d’accès aux documents administratifs (CADA, "
            "https://www.cada.fr) peut alors être saisie dans les deux mois (article R. 343-1)."
        ),
        heading("Textes applicables"),
        items([L_311_3_1, R_311_3_1_1, R_311_3_1_2, L_312_1_3, ARTICLE_47]),
        paragraph(NO_ADVICE),
    ]


def opened(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]
