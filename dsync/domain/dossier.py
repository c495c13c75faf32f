"""A dossier as DS shows it, typed: what `ds/dossiers.py` makes of a GraphQL node.

What a full read makes by the thousand are structs of msgspec: made fast, and written as they
stand into the JSON that the database keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierId, DossierNumber, RevisionId

if TYPE_CHECKING:
    Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
else:
    Json = Any  # msgspec, which reads some of these classes, takes no type that holds itself.


class Etat(StrEnum):
    """DS's states of a dossier, verbatim."""

    EN_CONSTRUCTION = "en_construction"
    EN_INSTRUCTION = "en_instruction"
    ACCEPTE = "accepte"
    REFUSE = "refuse"
    SANS_SUITE = "sans_suite"


OPEN_ETATS = frozenset({Etat.EN_CONSTRUCTION, Etat.EN_INSTRUCTION})
"""States in which a verdict is worked out anew and pushed."""
COUNTED_ETATS = OPEN_ETATS | {Etat.ACCEPTE}
"""States in which a dossier counts as another one for the same product."""


LAYOUT_TYPES = frozenset({"header_section", "explication"})
"""Descriptors' types that carry no value; a section may have the same label as a champ in it."""


class Presence(StrEnum):
    """Where a dossier stands in DS's lists."""

    PRESENT = "present"
    MASQUE = "masque"
    SUPPRIME = "supprime"
    DISPARU = "disparu"


class Fichier(Struct, frozen=True, gc=False):
    """A file's facts; its signed address is left out, for it expires within the hour."""

    nom: str
    type_mime: str
    taille: int
    """Bytes."""
    empreinte_md5: str
    """Base64, as DS gives it."""
    analyse: str
    """DS's virus scan result, verbatim."""


class Champ(Struct, frozen=True, gc=False, omit_defaults=True, rename={"descriptor_id": "id"}):
    """One champ or annotation with what it says."""

    descriptor_id: DescriptorId
    texte: str | None = None
    """What a reader of SQL gets; None of a blank."""
    valeur: Json = None
    """The number, boolean, list or object behind the text; None where the text is the value."""
    lignes: tuple[Ligne, ...] = ()
    """Of a repetition."""
    fichiers: tuple[Fichier, ...] = ()
    libelle: str | None = None
    """None where the revision's descriptor says it."""
    type: str | None = None
    """None where the revision's descriptor says it; else the GraphQL type's snake-case name."""

    @property
    def contenu(self) -> Json:
        """The value, be it the text."""
        return self.texte if self.valeur is None else self.valeur


class Ligne(Struct, frozen=True, gc=False):
    """A row of a repetition: its opaque id (it has no number in DS) and its champs."""

    id: str
    champs: tuple[Champ, ...]


class Demandeur(Struct, frozen=True, gc=False):
    """The applicant. Of a person only the kind is kept here; names stay in `details`."""

    genre: str
    """`personne_morale`, `personne_morale_incomplete`, `personne_physique`, or the unknown
    GraphQL type's name."""
    siret: str | None = None
    siren: str | None = None
    raison_sociale: str | None = None
    forme_juridique_code: str | None = None
    forme_juridique: str | None = None
    etat_administratif: str | None = None
    """`Actif`, `Ferme` or None."""
    details: Mapping[str, Json] = {}
    """Everything DS gave, as JSON."""


class Traitement(Struct, frozen=True, gc=False):
    """A step in the dossier's life, as DS journals it."""

    evenement: str
    date: datetime
    motivation: str | None
    email_agent: str | None


class Dossier(Struct, frozen=True, gc=False):
    """A dossier of DS, whole. Instants are aware, in UTC."""

    number: DossierNumber
    id: DossierId
    revision_id: RevisionId
    etat: Etat
    archive: bool
    date_depot: datetime
    date_passage_en_construction: datetime
    date_passage_en_instruction: datetime | None
    date_traitement: datetime | None
    date_derniere_modification: datetime
    date_derniere_modification_champs: datetime
    date_derniere_modification_annotations: datetime
    date_derniere_correction_en_attente: datetime | None
    date_expiration: datetime | None
    date_suppression_par_usager: datetime | None
    motivation: str | None
    usager_email: str | None
    groupe_instructeur: str | None
    instructeurs: tuple[str, ...]
    depose_par_un_tiers: bool | None
    mandataire: str | None
    prerempli: bool
    demandeur: Demandeur
    champs: tuple[Champ, ...]
    annotations: tuple[Champ, ...]
    labels: tuple[str, ...]
    """Names, sorted."""
    traitements: tuple[Traitement, ...]
    demarche_number: DemarcheNumber | None = None
    """Of a dossier that was asked for alone; one in a page is of the page's démarche."""

    @property
    def is_open(self) -> bool:
        """Whether a verdict may still be pushed into it."""
        return self.etat in OPEN_ETATS


class DeletedDossier(NamedTuple):
    """An entry of DS's lists of pending or final deletions; `number` is the only key."""

    number: DossierNumber
    etat: Etat
    raison: str
    date_suppression: datetime


class Descriptor(NamedTuple):
    """A champ's or annotation's definition in one revision of the form."""

    id: DescriptorId
    libelle: str
    type: str
    required: bool
    options: tuple[str, ...] | None
    """Of drop-down lists; None where DS gives none."""
    other_option: bool
    parent_id: DescriptorId | None
    """The repetition it belongs to."""
    is_annotation: bool


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of the démarche's form: its descriptors by id, in the form's order."""

    id: RevisionId
    date_publication: datetime | None
    descriptors: Mapping[DescriptorId, Descriptor]
    is_whole: bool = True
    """Whether all that DS gave of it could be read."""


@dataclass(frozen=True, slots=True)
class Instructeur:
    """Someone who may write annotations, and the groupe through which."""

    id: str
    email: str
    groupe: str


@dataclass(frozen=True, slots=True)
class Demarche:
    """The démarche's facts that the worker needs beside its dossiers."""

    number: DemarcheNumber
    titre: str
    etat: str
    active_revision_id: RevisionId
    revisions: Mapping[RevisionId, Revision]
    labels: Mapping[str, str]
    """Label ids by exact name."""
    instructeurs: tuple[Instructeur, ...]
    lost: tuple[str, ...] = ()
    """Where DS gave what cannot be read, as `revisions.0.champDescriptors.3.type`."""

    def instructeur_id(self, named: str | None) -> str | None:
        """Return the id of the instructeur of that id or e-mail, None when there is none."""
        folded = (named or "").casefold()
        for instructeur in self.instructeurs:
            if named == instructeur.id or folded == instructeur.email.casefold():
                return instructeur.id
        return None


_SAME = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "`": "'", "‑": "-"})


def folded(libelle: str) -> str:
    """Return a label without differences of spacing, apostrophe and case."""
    return " ".join(libelle.translate(_SAME).split()).casefold()


__all__ = [
    "OPEN_ETATS",
    "Champ",
    "DeletedDossier",
    "Demandeur",
    "Demarche",
    "Descriptor",
    "Dossier",
    "Etat",
    "Fichier",
    "Instructeur",
    "Json",
    "Ligne",
    "Presence",
    "Revision",
    "Traitement",
]
