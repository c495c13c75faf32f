"""What a form is made of: descriptors, revisions, labels, groupes.

A descriptor always has every key of `Descriptor`, so that what renders it needs no default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

INSTRUCTEUR_PRINCIPAL = "instruction-eig@example.gouv.fr"
INSTRUCTEUR_DSYNC = "dsync@example.gouv.fr"
INSTRUCTEUR_AUTRE_GROUPE = "autre-groupe@example.gouv.fr"


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
