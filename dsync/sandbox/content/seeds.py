"""The data types of forms and dossiers before they are served; mutable, without GraphQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

State = Literal["en_construction", "en_instruction", "accepte", "refuse", "sans_suite"]
"""A dossier's state as the API names it. The API never shows a brouillon, so there is none."""

Presence = Literal["present", "masque_usager", "masque_administration", "expire", "supprime"]
"""Which of the API's three lists has the dossier; an `expire` one is in none of them.

A finished dossier that only its usager hid stays in the list of dossiers.
"""

VirusScan = Literal["safe", "pending", "infected"]


class DescriptorSeed(TypedDict):
    """One champ or annotation of a form."""

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
    id: int,
    type: str,
    label: str,
    *,
    required: bool = False,
    description: str | None = None,
    options: Iterable[str] = (),
    other_option: bool = False,
    champs: list[DescriptorSeed] | None = None,
) -> DescriptorSeed:
    """Return a descriptor with all its keys."""
    return {
        "stable_id": id,
        "type": type,
        "label": label,
        "required": required,
        "description": description,
        "options": list(options),
        "other_option": other_option,
        "level": 1 if type == "header_section" else None,
        "champs": champs or [],
    }


@dataclass(slots=True)
class RevisionSeed:
    """One version of the form, active from `published_at` on."""

    created_at: datetime
    published_at: datetime
    champs: list[DescriptorSeed]
    annotations: list[DescriptorSeed]


@dataclass(slots=True)
class FormSeed:
    """A démarche with its revisions, oldest first; the last one is published."""

    number: int
    path: str
    title: str
    description: str
    labels: dict[str, str]
    """Colours by name."""
    groupes: dict[str, list[str]]
    """E-mail addresses of the instructeurs by the groupe's label."""
    revisions: list[RevisionSeed]


@dataclass(slots=True)
class FileSeed:
    """A file of a champ; the API does not list an infected one."""

    filename: str
    content_type: str
    content: bytes
    virus_scan: VirusScan = "safe"


@dataclass(slots=True)
class DossierSeed:
    """One dossier; its values are keyed by the descriptor's stable id.

    By descriptor type a value is: text, textarea, email, phone, iban, drop_down_list, civilite,
    formatted, rna, rnf, engagement_juridique and the like: `str`; integer_number, dossier_link:
    `int`; decimal_number: `float`; checkbox, yes_no: `bool`; date: `"YYYY-MM-DD"`; datetime: an
    aware `datetime`; multiple_drop_down_list: `list[str]`; linked_drop_down_list:
    `(primary, secondary)`; departements, regions, pays: `{"code", "name"}`; communes the same with
    `postal_code` and `departement`; epci with `departement`; address: the columns of `Address`;
    siret: a `demandeur` of kind "morale", or only the number while the registry is down;
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
    """Each `{"email", "body", "created_at"}`, ordered by date."""
    avis: list[dict[str, Any]] = field(default_factory=list)
    """Each `{"question", "reponse", "date_question", "date_reponse", "expert", "claimant"}`."""
    revision: int = 0
    """Index of the dossier's revision; 0 is the first."""
    prefilled: bool = False
    depose_par_un_tiers: bool | None = False
    prenom_mandataire: str | None = None
    nom_mandataire: str | None = None
    presence: Presence = "present"
    why: str = ""
    """The case that this dossier illustrates, in French, after the expected verdict.

    The verdict is the one without other dossiers: a later doublon can lower « Éligible ».
    """
