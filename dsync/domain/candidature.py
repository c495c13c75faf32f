"""A candidature: the programme's own reading of a dossier, made by the mapping."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr

from dsync.domain.dossier import Demandeur, Etat
from dsync.domain.ids import DossierNumber


class Reponse(StrEnum):
    """What became of one mapped field in one dossier.

    The eligibility rules treat each differently: a champ that the form never had is the
    mapping's fault, one that the form's logic hid was never asked.
    """

    NON_ASSOCIE = "non_associe"
    """No descriptor of the dossier's revision matches the mapping."""
    NON_DEMANDE = "non_demande"
    """The revision has it, the dossier does not show it (conditional logic)."""
    VIDE = "vide"
    REMPLI = "rempli"


class Voeu(Struct, frozen=True, gc=False):
    """A wished profile."""

    rang: int
    profil: str | None
    missions: str | None


class Note(Struct, frozen=True, gc=False):
    """A mark on one criterion."""

    critere: str
    libelle: str
    note: float | None


class Evaluation(Struct, frozen=True, gc=False):
    """An evaluation grid that somebody filled, from row `ligne` (1 is the first)."""

    ligne: int
    moment: str | None
    evaluateur: str | None
    commentaire: str | None
    notes: tuple[Note, ...]
    moyenne: float | None = None
    """Mean of the marks given, worked out of them; None when there is none."""

    def __post_init__(self) -> None:
        given = [note.note for note in self.notes if note.note is not None]
        force_setattr(self, "moyenne", sum(given) / len(given) if given else None)


class Candidature(Struct, frozen=True, gc=False):
    """The six sections, the vœux, the grids, the selection and the recruitment.

    Field names are those of the view `lecture_candidature`. Texts are kept to the letter; a
    blank is None.
    """

    numero: DossierNumber
    etat: Etat
    depose_le: datetime
    demandeur: Demandeur
    # Projet
    page_produit: str | None = None
    phase_declaree: str | None = None
    incubateur: str | None = None
    probleme: str | None = None
    politique_publique: str | None = None
    # Administration
    entite: str | None = None
    departement_code: str | None = None
    departement_nom: str | None = None
    lieu_travail: str | None = None
    # Contacts
    sponsor_nom: str | None = None
    sponsor_fonction: str | None = None
    sponsor_courriel: str | None = None
    sponsor_telephone: str | None = None
    contact_nom: str | None = None
    contact_fonction: str | None = None
    contact_courriel: str | None = None
    contact_telephone: str | None = None
    # Vœux
    cas_demande: str | None = None
    voeux: tuple[Voeu, ...] = ()
    # Dispositif
    pilotage_actuel: str | None = None
    pilotage_envisage: str | None = None
    # Motivations
    objectifs_12_mois: str | None = None
    benefices: str | None = None
    perspectives: str | None = None
    # Sélection, évaluation, recrutement (annotations)
    etape: str | None = None
    jury_le: date | None = None
    evaluations: tuple[Evaluation, ...] = ()
    convention_le: date | None = None
    candidatures_le: date | None = None
    entretiens_le: date | None = None
    prise_de_poste_le: date | None = None
    valide_par_instructeur: bool | None = None
    reponses: Mapping[str, Reponse] = {}
    """By mapped field name; `voeux` stands for the repetition, `departement` and the others for
    themselves."""
