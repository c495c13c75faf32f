"""The forms that the sandbox serves: the démarche aap-eig7 and the « zoo » of every champ type.

Identifiers, types, labels and options only. A descriptor always has the nine keys of `Descriptor`,
so that what renders it needs no default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict


class Descriptor(TypedDict):
    """One champ or annotation of a form; `options`, `level`, `champs` are empty where unused."""

    stable_id: int
    type: str
    label: str
    required: bool
    description: str | None
    options: list[str]
    other_option: bool
    level: int | None
    champs: list[Descriptor]


@dataclass(slots=True)
class LabelSeed:
    """A coloured label that instructeurs put on dossiers."""

    name: str
    color: str


@dataclass(slots=True)
class GroupeSeed:
    """A groupe instructeur; who belongs to none of a dossier's groupe may not write into it."""

    label: str
    instructeurs: list[str]


@dataclass(slots=True)
class RevisionSeed:
    """One version of the form, in force from `published_at` on."""

    created_at: datetime
    published_at: datetime
    champs: list[Descriptor]
    annotations: list[Descriptor]


@dataclass(slots=True)
class FormSeed:
    """A démarche with all its revisions, oldest first; the last one is the published one."""

    number: int
    path: str
    title: str
    description: str
    state: str
    for_individual: bool
    created_at: datetime
    published_at: datetime
    labels: list[LabelSeed]
    groupes: list[GroupeSeed]
    revisions: list[RevisionSeed] = field(default_factory=list)

    @property
    def instructeurs(self) -> list[str]:
        """Every instructeur's address once, in the order of the groupes."""
        return list(dict.fromkeys(mail for groupe in self.groupes for mail in groupe.instructeurs))


def descriptor(
    stable_id: int,
    type_: str,
    label: str,
    *,
    required: bool = False,
    description: str | None = None,
    options: tuple[str, ...] = (),
    other_option: bool = False,
    level: int | None = None,
    champs: list[Descriptor] | None = None,
) -> Descriptor:
    """Build a descriptor with every key present."""
    return {
        "stable_id": stable_id,
        "type": type_,
        "label": label,
        "required": required,
        "description": description,
        "options": list(options),
        "other_option": other_option,
        "level": level,
        "champs": champs or [],
    }


def _section(stable_id: int, label: str) -> Descriptor:
    return descriptor(stable_id, "header_section", label, level=1)


def _needed(stable_id: int, type_: str, label: str) -> Descriptor:
    return descriptor(stable_id, type_, label, required=True)


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
ETAPES = (
    "Évaluation",
    "Présélectionné",
    "Soutenance",
    "Délibération",
    "Lauréat",
    "Non retenu",
)
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
INSTRUCTEUR_PRINCIPAL = "instruction-eig@example.gouv.fr"
INSTRUCTEUR_DSYNC = "dsync@example.gouv.fr"
INSTRUCTEUR_AUTRE_GROUPE = "autre-groupe@example.gouv.fr"


def _champs(*profils: str) -> list[Descriptor]:
    page = descriptor(
        4102,
        "text",
        "Page produit sur beta.gouv.fr",
        required=True,
        description="Adresse de la fiche produit publiée sur beta.gouv.fr",
    )
    voeu = [
        descriptor(4404, "drop_down_list", "Profil", required=True, options=profils),
        _needed(4405, "integer_number", "Ordre de préférence"),
        _needed(4406, "textarea", "Missions pressenties"),
    ]
    return [
        _section(4101, "Projet"),
        page,
        descriptor(
            4103, "drop_down_list", "Phase du produit", required=True, options=PHASES_DECLAREES
        ),
        descriptor(
            4104,
            "drop_down_list",
            "Incubateur",
            required=True,
            options=INCUBATEURS,
            other_option=True,
        ),
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
        descriptor(
            4402,
            "drop_down_list",
            "Cas de la demande",
            required=True,
            options=(CAS_LANCER, CAS_INTERNALISER),
        ),
        descriptor(4403, "repetition", "Profils souhaités", required=True, champs=voeu),
        _section(4501, "Dispositif"),
        _needed(4502, "textarea", "Pilotage actuel"),
        _needed(4503, "textarea", "(Co)pilotage envisagé"),
        _section(4601, "Motivations"),
        _needed(4602, "textarea", "Objectifs à 12 mois"),
        _needed(4603, "textarea", "Bénéfices escomptés"),
        descriptor(4604, "textarea", "Perspectives"),
        descriptor(4605, "piece_justificative", "Lettre de soutien du sponsor"),
    ]


def _annotations() -> list[Descriptor]:
    grille = [
        descriptor(
            5303, "drop_down_list", "Moment de l’évaluation", options=("Dossier", "Soutenance")
        ),
        descriptor(5304, "email", "Évaluateur"),
        *(descriptor(stable_id, "integer_number", label) for stable_id, label in CRITERES),
        descriptor(5320, "textarea", "Commentaire"),
    ]
    return [
        _section(5101, "Pré-contrôle d’éligibilité (automatique)"),
        descriptor(
            5102,
            "drop_down_list",
            "Résultat du pré-contrôle",
            options=("Éligible", "Inéligible", "À vérifier"),
        ),
        descriptor(5103, "textarea", "Détail du pré-contrôle"),
        descriptor(5104, "datetime", "Pré-contrôle établi le"),
        descriptor(5105, "checkbox", "Pré-contrôle validé par un instructeur"),
        _section(5201, "Sélection"),
        descriptor(5202, "drop_down_list", "Étape de sélection", options=ETAPES),
        descriptor(5203, "date", "Date du jury"),
        _section(5301, "Évaluation"),
        descriptor(5302, "repetition", "Grilles d’évaluation", champs=grille),
        _section(5401, "Recrutement"),
        descriptor(5402, "date", "Convention de partenariat signée le"),
        descriptor(5403, "date", "Candidatures présentées le"),
        descriptor(5404, "date", "Entretiens conjoints tenus le"),
        descriptor(5405, "date", "Prise de poste le"),
    ]


FORM = FormSeed(
    number=86321,
    path="aap-eig7",
    title="Appel à projets - Entrepreneur(e)s d’intérêt général - promotion 7",
    description=(
        "Appel à projets de la 7e promotion du programme Entrepreneur(e)s d’intérêt général, "
        "ouvert aux administrations centrales et aux opérateurs de l’État."
    ),
    state="publiee",
    for_individual=False,
    created_at=datetime(2023, 12, 4, 8, 12, tzinfo=UTC),
    published_at=datetime(2024, 1, 8, 7, 0, tzinfo=UTC),
    labels=[
        LabelSeed("éligible", "green_bourgeon"),
        LabelSeed("inéligible", "pink_macaron"),
        LabelSeed("à vérifier", "yellow_tournesol"),
    ],
    groupes=[
        GroupeSeed("défaut", [INSTRUCTEUR_PRINCIPAL, INSTRUCTEUR_DSYNC]),
        GroupeSeed("autre groupe", [INSTRUCTEUR_AUTRE_GROUPE]),
    ],
    revisions=[
        RevisionSeed(
            created_at=datetime(2023, 12, 4, 8, 12, tzinfo=UTC),
            published_at=datetime(2024, 1, 8, 7, 0, tzinfo=UTC),
            champs=_champs(PROFIL_PRODUIT, PROFIL_TECHNIQUE),
            annotations=_annotations(),
        ),
        RevisionSeed(
            created_at=datetime(2024, 1, 8, 7, 0, tzinfo=UTC),
            published_at=datetime(2024, 8, 18, 22, 0, tzinfo=UTC),
            champs=_champs(PROFIL_PRODUIT, PROFIL_TECHNIQUE, PROFIL_IMPACT),
            annotations=_annotations(),
        ),
    ],
)


_SIMPLE_TYPES = (
    ("text", "Texte"),
    ("textarea", "Long"),
    ("email", "Courriel"),
    ("checkbox", "Case"),
    ("yes_no", "OuiNon"),
    ("date", "Date"),
    ("datetime", "DateHeure"),
    ("integer_number", "Entier"),
    ("decimal_number", "Decimal"),
    ("drop_down_list", "Choix"),
    ("multiple_drop_down_list", "Multi"),
    ("phone", "Tel"),
    ("iban", "Iban"),
    ("civilite", "Civilite"),
    ("pays", "Pays"),
    ("regions", "Region"),
    ("departements", "Departement"),
    ("formatted", "Formate"),
    ("dossier_link", "Lien"),
    ("piece_justificative", "PJ"),
    ("communes", "Commune"),
    ("siret", "Siret"),
)
"""In this order champ 7100 + i and annotation 7200 + i."""

_OTHER_TYPES = (
    ("address", "Adresse"),
    ("annuaire_education", "Annuaire"),
    ("carte", "Carte"),
    ("cnaf", "Cnaf"),
    ("cojo", "Cojo"),
    ("dgfip", "Dgfip"),
    ("engagement_juridique", "Engagement"),
    ("epci", "Epci"),
    ("explication", "Explication"),
    ("header_section", "Titre"),
    ("linked_drop_down_list", "Menus liés"),
    ("mesri", "Mesri"),
    ("number", "Nombre"),
    ("pole_emploi", "Pole emploi"),
    ("referentiel", "Referentiel"),
    ("rna", "Rna"),
    ("rnf", "Rnf"),
    ("titre_identite", "Titre identite"),
)
"""In this order champ 7130 + i and annotation 7230 + i; some of them are rare on real forms."""

_OPTIONS = {
    "drop_down_list": ("Un", "Deux", "Trois"),
    "multiple_drop_down_list": ("Un", "Deux", "Trois"),
    "linked_drop_down_list": ("--Fruits--", "Pomme", "Poire", "--Légumes--", "Navet"),
}

_NO_ANNOTATION = frozenset({"cnaf", "cojo", "dgfip", "mesri", "number", "pole_emploi"})


def _zoo(base: int, types: tuple[tuple[str, str], ...]) -> list[Descriptor]:
    return [
        descriptor(
            base + index,
            type_,
            label,
            options=_OPTIONS.get(type_, ()),
            level=1 if type_ == "header_section" else None,
        )
        for index, (type_, label) in enumerate(types)
    ]


def _zoo_block(choice_id: int) -> list[Descriptor]:
    """A choice with « Autre » and a repetition of a text and an integer."""
    cells = [
        descriptor(choice_id + 2, "text", "T"),
        descriptor(choice_id + 3, "integer_number", "N"),
    ]
    return [
        descriptor(
            choice_id,
            "drop_down_list",
            "Choix avec Autre",
            options=("Un", "Deux"),
            other_option=True,
        ),
        descriptor(choice_id + 1, "repetition", "Bloc", champs=cells),
    ]


EVERY_TYPE_FORM = FormSeed(
    number=86322,
    path="zoo",
    title="Tous les types de champ",
    description="Un champ et une annotation de chaque type.",
    state="publiee",
    for_individual=True,
    created_at=datetime(2023, 12, 4, 8, 12, tzinfo=UTC),
    published_at=datetime(2024, 1, 8, 7, 0, tzinfo=UTC),
    labels=[LabelSeed("zoo", "blue_ecume")],
    groupes=[GroupeSeed("défaut", [INSTRUCTEUR_PRINCIPAL, INSTRUCTEUR_DSYNC])],
    revisions=[
        RevisionSeed(
            created_at=datetime(2023, 12, 4, 8, 12, tzinfo=UTC),
            published_at=datetime(2024, 1, 8, 7, 0, tzinfo=UTC),
            champs=[
                *_zoo(7100, _SIMPLE_TYPES),
                *_zoo(7130, _OTHER_TYPES),
                *_zoo_block(7400),
            ],
            annotations=[
                *_zoo(7200, _SIMPLE_TYPES),
                *[d for d in _zoo(7230, _OTHER_TYPES) if d["type"] not in _NO_ANNOTATION],
                *_zoo_block(7300),
            ],
        )
    ],
)
"""Numbers and labels of 7100 to 7121, 7200 to 7221 and 7300 to 7303 follow a recorded form."""
