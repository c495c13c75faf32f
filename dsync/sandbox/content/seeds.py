"""What the sandbox's world is made from: forms and dossiers, before any GraphQL shape.

Plain mutable data, made by this package and served by the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

State = Literal["en_construction", "en_instruction", "accepte", "refuse", "sans_suite"]
"""A dossier's state, as the API names it; a brouillon is never visible, so never seeded."""

Presence = Literal["present", "masque_usager", "masque_administration", "expire", "supprime"]
"""Which of the API's three lists shows the dossier; an `expire` one is in none.

A finished dossier that only its usager has hidden stays in the list of dossiers.
"""

VirusScan = Literal["safe", "pending", "infected"]

INSTRUCTEUR_PRINCIPAL = "instruction-eig@example.gouv.fr"
INSTRUCTEUR_DSYNC = "dsync@example.gouv.fr"
INSTRUCTEUR_AUTRE_GROUPE = "autre-groupe@example.gouv.fr"


class DescriptorSeed(TypedDict):
    """One champ or annotation of a form; `options`, `level`, `champs` are empty where unused."""

    stable_id: int
    type: str
    label: str
    required: bool
    description: str | None
    options: list[str]
    other_option: bool
    level: int | None
    champs: list[DescriptorSeed]


def descriptor(
    stable_id: int,
    type_: str,
    label: str,
    *,
    required: bool = False,
    description: str | None = None,
    options: tuple[str, ...] = (),
    other_option: bool = False,
    champs: list[DescriptorSeed] | None = None,
) -> DescriptorSeed:
    """Build a descriptor with every key present."""
    return {
        "stable_id": stable_id,
        "type": type_,
        "label": label,
        "required": required,
        "description": description,
        "options": list(options),
        "other_option": other_option,
        "level": 1 if type_ == "header_section" else None,
        "champs": champs or [],
    }


@dataclass(slots=True)
class RevisionSeed:
    """One version of the form, in force from `published_at` on."""

    created_at: datetime
    published_at: datetime
    champs: list[DescriptorSeed]
    annotations: list[DescriptorSeed]


@dataclass(slots=True)
class FormSeed:
    """A démarche with all its revisions, oldest first; the last one is the published one."""

    number: int
    path: str
    title: str
    description: str
    labels: dict[str, str]
    """Names and colours."""
    groupes: dict[str, list[str]]
    """Labels of the groupes instructeurs, and who may write into their dossiers."""
    revisions: list[RevisionSeed]


@dataclass(slots=True)
class FileSeed:
    """A file joined to a champ; an infected one is kept by the server and never listed."""

    filename: str
    content_type: str
    content: bytes
    virus_scan: VirusScan = "safe"


@dataclass(slots=True)
class DossierSeed:
    """One dossier with every value raw, keyed by the descriptor's stable id.

    By descriptor type a value is: text, textarea, email, phone, iban, drop_down_list, civilite,
    formatted, rna, rnf, engagement_juridique and the like: `str`; integer_number, dossier_link:
    `int`; decimal_number: `float`; checkbox, yes_no: `bool`; date: `"YYYY-MM-DD"`; datetime: an
    aware `datetime`; multiple_drop_down_list: `list[str]`; linked_drop_down_list:
    `(primary, secondary)`; departements, regions, pays: `{"code", "name"}`; communes the same with
    `postal_code` and `departement`; epci with `departement`; address: the columns of `Address`;
    siret: a `demandeur` of kind "morale", or the number alone while the registry is down;
    piece_justificative, titre_identite: `list[FileSeed]`; carte: `list[dict]` of geo areas;
    repetition: a list of rows, each `dict[int, value]`.
    An absent key is an unanswered champ; a row without keys is an empty row.
    """

    number: int
    state: State
    depose_at: datetime
    en_construction_at: datetime
    en_instruction_at: datetime | None
    traite_at: datetime | None
    updated_at: datetime
    demandeur: dict[str, Any]
    usager_email: str
    champs: dict[int, Any]
    annotations: dict[int, Any]
    archived: bool = False
    labels: list[str] = field(default_factory=list)
    motivation: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Each `{"email", "body", "created_at"}`, in the order of their dates."""
    avis: list[dict[str, Any]] = field(default_factory=list)
    """Each `{"question", "reponse", "date_question", "date_reponse", "expert", "claimant"}`."""
    revision: int = 0
    """Index of the form's revision that the dossier follows, 0 being the first."""
    prefilled: bool = False
    depose_par_un_tiers: bool | None = False
    prenom_mandataire: str | None = None
    nom_mandataire: str | None = None
    presence: Presence = "present"
    why: str = ""
    """In French, which case of the rules this dossier illustrates.

    It opens with the verdict that the shipped rules should give to this dossier alone: a later
    doublon can still lower an eligible one.
    """
