"""What persons are told: of a pre-check, their rights and the articles; of their data, the notice.

What only the administration knows is a marked blank until the configuration says it (RGPD, articles
13 and 14).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from dsync.domain.paper import Block, Paper, heading, items, paragraph, table
from dsync.domain.verdict import Verdict
from dsync.domain.wording import french_date, listed

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


RETAINED = {
    "en_construction": "dossiers en construction, depuis leur dernière modification",
    "en_instruction": "dossiers en instruction, depuis leur dernière modification",
    "accepte": "dossiers acceptés, depuis la décision",
    "refuse": "dossiers refusés, depuis la décision",
    "sans_suite": "dossiers classés sans suite, depuis la décision",
    "masque": "dossiers à la corbeille, depuis qu’ils y sont",
    "disparu": "dossiers introuvables, depuis qu’ils le sont",
    "journaux": "journaux des synchronisations et des demandes, noms des agents compris",
}
"""What is erased at an age, by rule of `[retention]`."""
OF_DOSSIERS = ("en_construction", "en_instruction", "accepte", "refuse", "sans_suite")
"""The ages without which a dossier is kept as long as DS keeps it."""
PURPOSE_AND_BASIS = (
    "Suivre les dossiers d’une démarche de Démarches Simplifiées : les copier, signaler si les "
    "critères publiés semblent réunis, aider leur instruction, en rendre compte. C’est une mission "
    "d’intérêt public (RGPD, article 6, 1, e). Aucune décision n’est automatique : le pré-contrôle "
    "est un avis, une personne décide."
)
ALSO_ERASED = (
    "Un dossier est aussi effacé ici quand Démarches Simplifiées l’efface, ou à la demande."
)


class NoticeFacts(NamedTuple):
    """What the configuration says; None: it does not, and the notice has a blank."""

    demarche: int
    responsable: str | None
    """The administration that answers for the processing."""
    dpo: str | None
    """How to reach the « délégué à la protection des données »."""
    hebergeur: str | None
    ages: Mapping[str, timedelta]
    """By rule of `[retention]`."""
    applicant: str
    """What who deposits a dossier is called."""
    writes: bool
    """Whether the advice is written into DS."""
    asks_registry: bool
    """Whether SIREN are looked up in the API Recherche d'entreprises."""
    copies_files: bool
    publication_url: str | None

    @property
    def blanks(self) -> dict[str, str]:
        """What is missing, in French, by the setting that says it."""
        ages = all(name in self.ages for name in OF_DOSSIERS)
        given = {
            "[console] entity": (self.responsable, "responsable du traitement"),
            "[console] dpo": (self.dpo, "délégué à la protection des données"),
            "[console] host": (self.hebergeur, "hébergeur"),
            "[retention]": (ages, "durées de conservation des dossiers"),
        }
        return {setting: what for setting, (value, what) in given.items() if not value}


def _or_blank(value: str | None, what: str) -> str:
    return value or f"[à compléter : {what}]"


def notice(facts: NoticeFacts, today: date) -> Paper:
    """Return the notice for the applicants of a démarche, and for those whom dossiers name."""
    return Paper(
        "Notice sur les données personnelles",
        [
            paragraph(
                f"Pour les {facts.applicant}s de la démarche n° {facts.demarche} de Démarches "
                "Simplifiées, et pour toute personne que nomme un dossier, une pièce jointe ou une "
                "évaluation, même si elle n’a rien transmis elle-même (RGPD, articles 13 et 14). "
                f"Page établie le {french_date(today)}."
            ),
            *processing(facts),
        ],
    )


def processing(facts: NoticeFacts) -> list[Block]:
    """Return who answers for the data, why they are held, from whom, for whom, until when."""
    dpo = _or_blank(facts.dpo, "comment joindre le délégué à la protection des données")
    return [
        heading("Qui répond du traitement"),
        table(
            ("Rubrique", "Réponse"),
            [
                (
                    "Responsable du traitement",
                    _or_blank(facts.responsable, "nom et coordonnées du responsable"),
                ),
                ("Délégué à la protection des données", dpo),
            ],
        ),
        heading("Finalité et base légale"),
        paragraph(PURPOSE_AND_BASIS),
        *_published(facts),
        heading("Données et leurs sources"),
        items(_data(facts)),
        paragraph(
            "Les réponses que le formulaire demande servent à instruire le dossier ; sans "
            "elles, il est instruit en l’état."
        ),
        heading("Qui les reçoit"),
        items(_recipients(facts)),
        heading("Durées"),
        durations(facts.ages, _or_blank(None, "durée")),
        paragraph(ALSO_ERASED),
        *rights_over_data(dpo),
    ]


def _published(facts: NoticeFacts) -> Iterator[Block]:
    if facts.publication_url:
        yield paragraph(f"Règles du pré-contrôle : {facts.publication_url}")


def _data(facts: NoticeFacts) -> Iterator[str]:
    yield (
        f"le {facts.applicant} : courriel du compte, nom ou raison sociale, SIRET, commune ; "
        "d’après Démarches Simplifiées, qui interroge le registre des entreprises"
    )
    yield (
        "les personnes que le dossier nomme, tels un contact ou un mandataire : ce "
        f"que disent d’elles les réponses et les pièces jointes ; d’après le {facts.applicant}"
    )
    yield (
        "l’instruction : avis du pré-contrôle et ses motifs, évaluations, décisions et leurs "
        "dates, agents qui les ont faites ; d’après l’équipe"
    )
    if facts.asks_registry:
        yield (
            "la catégorie juridique et l’état d’un organisme, si Démarches Simplifiées ne les "
            "donne pas ; d’après l’API publique Recherche d’entreprises"
        )


def _recipients(facts: NoticeFacts) -> Iterator[str]:
    yield (
        "l’équipe de la démarche : administrateurs et instructeurs, ceux-ci parfois pour les seuls "
        "dossiers de leurs groupes"
    )
    yield "le jury, s’il y en a un : les projets et leurs évaluations, sans aucun contact"
    yield "des lecteurs et des analystes, avec ou sans données personnelles selon leur droit"
    host = _or_blank(facts.hebergeur, "hébergeur du serveur, de la base et des sauvegardes")
    yield f"l’hébergeur et ceux qui administrent le logiciel : {host}"
    if facts.writes:
        yield "Démarches Simplifiées : l’avis et ses motifs, inscrits dans le dossier"
    if facts.asks_registry:
        yield "l’API Recherche d’entreprises : un numéro SIREN"
    if facts.copies_files:
        yield "le stockage des copies de pièces jointes"


def durations(ages: Mapping[str, timedelta], blank: str = "") -> Block:
    """Return after which age what is erased, by rule of `[retention]`.

    `blank` is what is said of dossiers without an age; empty: they are left out.
    """
    said = {name: f"{age.days} jour{'s' if age.days > 1 else ''}" for name, age in ages.items()}
    if blank:
        said = dict.fromkeys(OF_DOSSIERS, blank) | said
    return items(f"{what} : {said[name]}" for name, what in RETAINED.items() if name in said)


def rights_over_data(address: str) -> list[Block]:
    """Return what a person may ask for; the right to object stands apart (RGPD, article 21, 4)."""
    return [
        heading("Vos droits"),
        paragraph(
            "Vous pouvez demander l’accès à vos données (RGPD, article 15), leur rectification "
            "(article 16), leur effacement (article 17) ou la limitation de leur traitement "
            f"(article 18), auprès de : {address}. Vous pouvez aussi adresser une réclamation à la "
            "CNIL (https://www.cnil.fr/fr/plaintes)."
        ),
        heading("Votre droit d’opposition"),
        paragraph(
            "Vous pouvez à tout moment, pour des raisons tenant à votre situation particulière, "
            "vous opposer à ce traitement (article 21), à la même adresse. Il cesse alors, à moins "
            "que le responsable ne démontre des motifs légitimes et impérieux qui prévalent, ou "
            "que les données ne servent à constater, exercer ou défendre des droits en justice."
        ),
    ]


def blank_list(blanks: Mapping[str, str]) -> str:
    """Return what a notice leaves blank, with the settings, for a sentence."""
    return ", ".join(f"{what} ({setting})" for setting, what in blanks.items())
