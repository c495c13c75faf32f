"""The candidature: the declaration of each field, whose key is in `sections.py`.

The table, the columns of the view `lecture_candidature` with their descriptions, and the sections
of `dsync dossier show` are derived from it.
"""

# No `from __future__ import annotations`: SQLModel evaluates annotations at class creation.
import datetime as dt
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Self

from msgspec import Struct
from msgspec.structs import force_setattr
from sqlalchemy import BigInteger, Index, MetaData
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from dsync.domain.documented import Declared, Mark
from dsync.domain.dossier import Demandeur, Json
from dsync.eig.stages import Passage
from dsync.store.columns import NAMING, BigKey, JsonText, kept

metadata = MetaData(naming_convention=NAMING)
"""The programme's tables."""


class Reponse(StrEnum):
    """The status of one mapped field in one dossier.

    The rules distinguish them: a missing champ is a problem of the configuration, and a champ
    that the form hid was never asked.
    """

    NON_ASSOCIE = "non_associe"
    """The dossier's revision has no champ for the field."""
    NON_DEMANDE = "non_demande"
    """The revision has the champ, but its conditions hid it in this dossier."""
    VIDE = "vide"
    REMPLI = "rempli"


class Voeu(Struct, frozen=True):
    """A wished profile."""

    rang: int
    profil: str | None
    missions: str | None


# Stored as lists: five grids of a dossier would repeat the names of their fields.
class Grille(Struct, frozen=True, array_like=True):
    """A filled evaluation grid; `ligne` is its row, from 1."""

    ligne: int
    moment: str | None
    evaluateur: str | None
    commentaire: str | None
    notes: tuple[float | None, ...]
    """The mark for each of the dossier's `criteres`."""
    moyenne: float | None = None
    """Mean of the marks, computed from `notes`; None without a mark."""
    soutenance: bool = False
    """Whether it is of the soutenance; this and what follows are filled by `grids.weighed`."""
    complete: bool = False
    """Whether it has a mark for each criterion."""
    remplacee_par: int | None = None
    """The row of a later grid of the same person and moment, which counts instead."""
    compte: bool = True
    """Whether it counts in the dossier's mean."""

    def __post_init__(self) -> None:
        given = [note for note in self.notes if note is not None]
        # The struct is frozen, so a plain assignment is refused.
        force_setattr(self, "moyenne", sum(given) / len(given) if given else None)


class Bilan(Struct, frozen=True):
    """What the grids of a dossier give together; means with two decimals."""

    moment: str
    """`soutenance` or `dossier`: the one whose grids count."""
    grilles: int
    """All of them."""
    evaluateurs: int
    """Those who are counted, each once."""
    incompletes: int
    """Grids that count and lack a mark: with one, there is neither a mean nor a spread."""
    moyenne: float | None
    note_min: float | None
    note_max: float | None
    ecart: float | None
    """Between the means of the evaluators; None with one alone."""


class FieldDeclaration(NamedTuple):
    """The metadata of a column of the candidature."""

    section: str
    """The section of `dsync dossier show`, one of `SECTIONS` in `eig/candidature_views.py`."""
    label: str
    """Its English name in that section."""
    declared: Declared
    """Open: readers without personal data see it. Else people can write anything there, personal
    data too."""
    target: str | None = None
    """Its key in `[mapping]`, if not the column's name."""


def _column(
    mark: Mark, sentence: str = "", shape: Any = None, *, default: Any = None, info: Any = None
) -> Any:
    """Declare a column; with a `shape` it is JSON, else it has the type of its annotation."""
    options: Any = {"sa_type": JsonText(shape), "nullable": True} if shape else {}
    declared = Declared(sentence, mark)
    column = {"info": {"declared": declared, **(info or {})}}
    return Field(default=default, sa_column_kwargs=column, **options)


def _champ(
    section: str,
    label: str,
    description: str,
    *,
    target: str | None = None,
    personal: bool = False,
    opened: bool = False,
) -> Any:
    """Declare a field that is filled from a champ or an annotation; it is masked unless opened."""
    mark = Mark.OPEN if opened else Mark.PERSONAL if personal else Mark.FREE_TEXT
    field = FieldDeclaration(section, label, Declared(description, mark), target)
    return _column(mark, description, info={"field": field})


class _Mapped(SQLModel, registry=registry(metadata=metadata)):
    # Rows are built from values that are valid already; building the validators would slow each
    # start.
    model_config = {"defer_build": True}


class Candidature(_Mapped, table=True):
    """A dossier in the programme's terms. Texts are unchanged; a blank one is None.

    The order of the fields is that of the view `lecture_candidature`.
    """

    # One line a column, however long its sentence.
    # fmt: off
    __tablename__ = "candidature"
    # The dossiers for a product are looked for at each page: the index answers without the rows.
    # So are those of a jury, which are few.
    __table_args__ = (
        Index("ix_candidature_produit_id", "produit_id", "par_sa_fiche"),
        Index("ix_candidature_jury_le", "jury_le"),
        {"info": kept("Une ligne par dossier : les réponses dans les termes de l'appel à projets, et les grilles d'évaluation.", "L'effacement du dossier, qui supprime la ligne.")},
    )

    numero: int = Field(sa_type=BigKey, primary_key=True, sa_column_kwargs={"autoincrement": False})
    demarche_numero: int = Field(sa_type=BigInteger)
    depose_le: dt.datetime
    demandeur: Demandeur = _column(Mark.OF_PERSON, "Demandeur.", Demandeur)
    """Without the details, which only the engine's copy of the dossier has."""
    reponses: Mapping[str, Reponse] = _column(Mark.OPEN, shape=dict[str, Reponse], default={})
    """The status of each key of `[mapping]` outside repetitions."""
    voeux: tuple[Voeu, ...] = _column(Mark.FREE_TEXT, "Profils souhaités et missions.", tuple[Voeu, ...], default=())
    evaluations: tuple[Grille, ...] = _column(Mark.PERSONAL, "Grilles : évaluatrice ou évaluateur, commentaire, notes.", tuple[Grille, ...], default=())
    criteres: tuple[str, ...] = _column(Mark.OPEN, shape=tuple[str, ...], default=())
    """The names of the criteria of its grids; none without a grid."""
    criteres_libelles: tuple[str, ...] = _column(Mark.OPEN, shape=tuple[str, ...], default=())
    """Their labels in its form."""
    bilan: Bilan | None = _column(Mark.OF_JURY, shape=Bilan | None)
    """What they give together; None without a grid."""
    etapes: tuple[Passage, ...] = _column(Mark.OPEN, shape=tuple[Passage, ...], default=())
    """Its stages, those of dates to come included."""
    extra: Mapping[str, Json] = _column(Mark.PERSONAL, "Réponses aux autres champs de [mapping.champs].", dict[str, Any], default={})
    """Answers to champs that are mapped and that no field here declares, by their names."""
    produit_id: str | None = _column(Mark.OPEN, "Identifiant beta.gouv.fr du produit reconnu dans cette réponse, avec ou sans certitude (contrôle fiche_produit) ; vide si la réponse n'en désigne aucun, ou plusieurs.")
    """The product of the dossier, written by the pre-check."""
    par_sa_fiche: bool | None = None
    """Whether the product is certain, as by the address of its page; only then a doublon."""

    etape: str | None = _champ("Dossier", "stage", "Étape saisie par l'équipe du programme ; souvent vide. Où en est le dossier : lecture_suivi.", opened=True)
    page_produit: str | None = _champ("Project", "product page", "Adresse de la page du produit, telle que saisie. Ouvert à sa place : produit_id de lecture_candidature.")
    phase_declaree: str | None = _champ("Project", "phase declared", "Phase du produit déclarée dans le formulaire.", opened=True)
    incubateur: str | None = _champ("Project", "incubator declared", "Incubateur déclaré. Ouvert à sa place : incubateur_constate.")
    probleme: str | None = _champ("Project", "problem", "Problème auquel répond le produit. Ouvert à sa place : longueur de lecture_champ.")
    politique_publique: str | None = _champ("Project", "public policy", "Politique publique concernée. Ouvert à sa place : longueur de lecture_champ.")
    entite: str | None = _champ("Administration", "entity", "Entité qui porte le projet, telle que saisie. Ouvert à sa place : formulaire_*, où le formulaire en donne la liste ([ouvert] champs).")
    departement_code: str | None = _champ("Administration", "département", "Code du département d'affectation.", target="departement", opened=True)
    departement_nom: str | None = _champ("Administration", "département's name", "Nom du département d'affectation.", target="departement", opened=True)
    lieu_travail: str | None = _champ("Administration", "place of work", "Lieu de travail proposé, tel que saisi, parfois une adresse. Ouvert à sa place : affectation_region.")
    sponsor_nom: str | None = _champ("Contacts", "sponsor", "Nom du sponsor. Ouvert à sa place : rien.", personal=True)
    sponsor_fonction: str | None = _champ("Contacts", "sponsor's function", "Fonction du sponsor. Ouvert à sa place : rien.", personal=True)
    sponsor_courriel: str | None = _champ("Contacts", "sponsor's e-mail", "Courriel du sponsor. Ouvert à sa place : rien.", personal=True)
    sponsor_telephone: str | None = _champ("Contacts", "sponsor's telephone", "Téléphone du sponsor. Ouvert à sa place : rien.", personal=True)
    contact_nom: str | None = _champ("Contacts", "contact", "Nom du contact. Ouvert à sa place : rien.", personal=True)
    contact_fonction: str | None = _champ("Contacts", "contact's function", "Fonction du contact. Ouvert à sa place : rien.", personal=True)
    contact_courriel: str | None = _champ("Contacts", "contact's e-mail", "Courriel du contact. Ouvert à sa place : rien.", personal=True)
    contact_telephone: str | None = _champ("Contacts", "contact's telephone", "Téléphone du contact. Ouvert à sa place : rien.", personal=True)
    cas_demande: str | None = _champ("Scheme", "case", "Cas d'octroi demandé.", opened=True)
    pilotage_actuel: str | None = _champ("Scheme", "led now by", "Pilotage actuel du produit. Ouvert à sa place : longueur de lecture_champ.")
    pilotage_envisage: str | None = _champ("Scheme", "to be led by", "Pilotage envisagé du produit. Ouvert à sa place : longueur de lecture_champ.")
    objectifs_12_mois: str | None = _champ("Motivations", "aims in 12 months", "Objectifs à douze mois. Ouvert à sa place : longueur de lecture_champ.")
    benefices: str | None = _champ("Motivations", "benefits", "Bénéfices attendus. Ouvert à sa place : longueur de lecture_champ.")
    perspectives: str | None = _champ("Motivations", "prospects", "Perspectives du produit. Ouvert à sa place : longueur de lecture_champ.")
    valide_par_instructeur: bool | None = _champ("Selection and recruitment", "validated by an instructeur", "Vrai si une instructrice ou un instructeur a repris à son compte le pré-contrôle inscrit dans le dossier.", opened=True)
    jury_le: dt.date | None = _champ("Selection and recruitment", "jury", "Date du jury.", opened=True)
    convention_le: dt.date | None = _champ("Selection and recruitment", "convention", "Date de la convention.", opened=True)
    candidatures_le: dt.date | None = _champ("Selection and recruitment", "applications open", "Date de présentation des candidatures à l'administration.", opened=True)
    entretiens_le: dt.date | None = _champ("Selection and recruitment", "interviews", "Date des entretiens.", opened=True)
    prise_de_poste_le: dt.date | None = _champ("Selection and recruitment", "start of work", "Date de la prise de poste.", opened=True)

    # fmt: on
    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with these values changed, of those that were read."""
        values = {k: v for k, v in vars(self).items() if k in type(self).model_fields}
        return type(self)(**values | changes)


# A dossier that is stored again must not lose what the pre-check found; the engine has its number.
_PRECHECKED = frozenset({"demarche_numero", "produit_id", "par_sa_fiche"})
BLANK: Mapping[str, Any] = {
    name: None if field.is_required() else field.default
    for name, field in Candidature.model_fields.items()
    if name not in _PRECHECKED
}
"""The columns that the mapping fills, without a value; the engine and the pre-check fill others."""


def declared_fields() -> Iterator[tuple[str, FieldDeclaration]]:
    """Yield the columns with metadata, in order."""
    for column in metadata.tables["candidature"].columns:
        if "field" in column.info:
            yield column.name, column.info["field"]


OPEN = frozenset(
    {field.target or name for name, field in declared_fields() if field.declared.mark is Mark.OPEN}
    | {"voeux.profil", "voeux.ordre", "evaluations.moment", "evaluations.criteres"}
)
"""The keys of `[mapping]` whose champs readers without personal data see."""
