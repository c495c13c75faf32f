"""The form of the démarche aap-eig7 in two revisions: ids, types, labels and options."""

from __future__ import annotations

from datetime import UTC, datetime

from dsync.sandbox.content.seeds import (
    INSTRUCTEUR_AUTRE_GROUPE,
    INSTRUCTEUR_DSYNC,
    INSTRUCTEUR_PRINCIPAL,
    DescriptorSeed,
    FormSeed,
    RevisionSeed,
    descriptor,
)

PHASES_DECLAREES = ("Investigation", "Construction", "Accélération", "Transfert", "Pérennisé")
INCUBATEURS = (
    "DINUM",
    "Fabrique numérique des ministères sociaux",
    "Fabrique numérique de la transition écologique",
    "Incubateur des territoires",
    "Plateforme de l’inclusion",
    "Ministère de l’Intérieur",
    "Ministère de la Justice",
    "Ministère de la Culture",
)
PROFIL_PRODUIT = "Directeur ou directrice de produit"
PROFIL_TECHNIQUE = "Directeur ou directrice technique"
PROFIL_IMPACT = "Directeur ou directrice d’impact"
CAS_LANCER = "Lancer un produit numérique"
CAS_INTERNALISER = "Internaliser le pilotage stratégique"
ETAPES = ("Évaluation", "Présélectionné", "Soutenance", "Délibération", "Lauréat", "Non retenu")
CRITERES = (
    (5311, "Problème avéré"),
    (5312, "Problème majeur"),
    (5313, "Problème actionnable"),
    (5314, "Adéquation avec l’approche produit"),
    (5315, "Poids et qualité du sponsoring"),
    (5316, "Autonomie et accès aux ressources"),
    (5317, "Soutien aux politiques prioritaires"),
    (5318, "Feuille de route stratégique"),
    (5319, "Ambition entrepreneuriale"),
)


def _section(stable_id: int, label: str) -> DescriptorSeed:
    return descriptor(stable_id, "header_section", label)


def _needed(stable_id: int, type_: str, label: str) -> DescriptorSeed:
    return descriptor(stable_id, type_, label, required=True)


def _choice(
    stable_id: int, label: str, *options: str, required: bool = True, other_option: bool = False
) -> DescriptorSeed:
    return descriptor(
        stable_id,
        "drop_down_list",
        label,
        required=required,
        options=options,
        other_option=other_option,
    )


def _champs(*profils: str) -> list[DescriptorSeed]:
    page = _needed(4102, "text", "Page produit sur beta.gouv.fr")
    page["description"] = "Adresse de la fiche produit publiée sur beta.gouv.fr"
    voeux = _needed(4403, "repetition", "Profils souhaités")
    voeux["champs"] = [
        _choice(4404, "Profil", *profils),
        _needed(4405, "integer_number", "Ordre de préférence"),
        _needed(4406, "textarea", "Missions pressenties"),
    ]
    return [
        _section(4101, "Projet"),
        page,
        _choice(4103, "Phase du produit", *PHASES_DECLAREES),
        _choice(4104, "Incubateur", *INCUBATEURS, other_option=True),
        _needed(4105, "textarea", "Problème identifié"),
        _needed(4106, "textarea", "Politique publique concernée"),
        _section(4201, "Administration"),
        _needed(4202, "text", "Entité opérationnelle"),
        _needed(4203, "departements", "Département d’affectation"),
        _needed(4204, "address", "Lieu de travail"),
        _section(4301, "Contacts"),
        _needed(4302, "text", "Nom et prénom du sponsor"),
        _needed(4303, "text", "Fonction du sponsor"),
        _needed(4304, "email", "Courriel du sponsor"),
        descriptor(4305, "phone", "Téléphone du sponsor"),
        _needed(4306, "text", "Nom et prénom du point de contact"),
        descriptor(4307, "text", "Fonction du point de contact"),
        _needed(4308, "email", "Courriel du point de contact"),
        descriptor(4309, "phone", "Téléphone du point de contact"),
        _section(4401, "Vœux"),
        _choice(4402, "Cas de la demande", CAS_LANCER, CAS_INTERNALISER),
        voeux,
        _section(4501, "Dispositif"),
        _needed(4502, "textarea", "Pilotage actuel"),
        _needed(4503, "textarea", "(Co)pilotage envisagé"),
        _section(4601, "Motivations"),
        _needed(4602, "textarea", "Objectifs à 12 mois"),
        _needed(4603, "textarea", "Bénéfices escomptés"),
        descriptor(4604, "textarea", "Perspectives"),
        descriptor(4605, "piece_justificative", "Lettre de soutien du sponsor"),
    ]


def _annotations() -> list[DescriptorSeed]:
    grille = [
        _choice(5303, "Moment de l’évaluation", "Dossier", "Soutenance", required=False),
        descriptor(5304, "email", "Évaluateur"),
        *(descriptor(stable_id, "integer_number", label) for stable_id, label in CRITERES),
        descriptor(5320, "textarea", "Commentaire"),
    ]
    results = ("Éligible", "Inéligible", "À vérifier")
    return [
        _section(5101, "Pré-contrôle d’éligibilité (automatique)"),
        _choice(5102, "Résultat du pré-contrôle", *results, required=False),
        descriptor(5103, "textarea", "Détail du pré-contrôle"),
        descriptor(5104, "datetime", "Pré-contrôle établi le"),
        descriptor(5105, "checkbox", "Pré-contrôle validé par un instructeur"),
        _section(5201, "Sélection"),
        _choice(5202, "Étape de sélection", *ETAPES, required=False),
        descriptor(5203, "date", "Date du jury"),
        _section(5301, "Évaluation"),
        descriptor(5302, "repetition", "Grilles d’évaluation", champs=grille),
        _section(5401, "Recrutement"),
        descriptor(5402, "date", "Convention de partenariat signée le"),
        descriptor(5403, "date", "Candidatures présentées le"),
        descriptor(5404, "date", "Entretiens conjoints tenus le"),
        descriptor(5405, "date", "Prise de poste le"),
    ]


_CREATED_AT = datetime(2023, 12, 4, 8, 12, tzinfo=UTC)
_PUBLISHED_AT = datetime(2024, 1, 8, 7, 0, tzinfo=UTC)
_WITH_IMPACT_AT = datetime(2024, 8, 18, 22, 0, tzinfo=UTC)

FORM = FormSeed(
    number=86321,
    path="aap-eig7",
    title="Appel à projets - Entrepreneur(e)s d’intérêt général - promotion 7",
    description=(
        "Appel à projets de la 7e promotion du programme Entrepreneur(e)s d’intérêt général, "
        "ouvert aux administrations centrales et aux opérateurs de l’État."
    ),
    labels={
        "éligible": "green_bourgeon",
        "inéligible": "pink_macaron",
        "à vérifier": "yellow_tournesol",
    },
    groupes={
        "défaut": [INSTRUCTEUR_PRINCIPAL, INSTRUCTEUR_DSYNC],
        "autre groupe": [INSTRUCTEUR_AUTRE_GROUPE],
    },
    revisions=[
        RevisionSeed(
            _CREATED_AT, _PUBLISHED_AT, _champs(PROFIL_PRODUIT, PROFIL_TECHNIQUE), _annotations()
        ),
        RevisionSeed(
            _PUBLISHED_AT,
            _WITH_IMPACT_AT,
            _champs(PROFIL_PRODUIT, PROFIL_TECHNIQUE, PROFIL_IMPACT),
            _annotations(),
        ),
    ],
)
