"""A dossier and its démarche, as typed values read from DS's GraphQL nodes.

The classes of which a full read makes thousands are msgspec structs: they are cheap to create, and
are encoded directly to the JSON that the database stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from dsync.domain.documented import Code
from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierId, DossierNumber, RevisionId
from dsync.domain.json_bytes import json_bytes

if TYPE_CHECKING:
    Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
else:
    Json = Any  # msgspec, which decodes some of these classes, does not accept recursive types.

PARIS = ZoneInfo("Europe/Paris")
"""The time zone of DS's days, and of those of statistics."""


def paris_day(instant: datetime) -> date:
    """Return the day of an instant, which has a time zone, in France."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return instant.astimezone(PARIS).date()


def midnight(day: date) -> datetime:
    """Return when a day of Paris begins, in UTC."""
    return datetime.combine(day, time.min, PARIS).astimezone(UTC)


def in_utc(instant: datetime) -> datetime:
    """Return an instant in UTC; one without an offset is taken for UTC, as DS takes it."""
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


class Etat(Code):
    """DS's states of a dossier, verbatim."""

    EN_CONSTRUCTION = (
        "en_construction",
        "En construction",
        "Déposé ; l’usager peut encore le modifier.",
    )
    EN_INSTRUCTION = "en_instruction", "En instruction", "À l’étude par l’administration."
    ACCEPTE = "accepte", "Accepté", "Décision favorable."
    REFUSE = "refuse", "Refusé", "Décision défavorable."
    SANS_SUITE = "sans_suite", "Sans suite", "Classé sans suite par l’administration."


OPEN_ETATS = frozenset({Etat.EN_CONSTRUCTION, Etat.EN_INSTRUCTION})
"""States in which a dossier is judged again and its verdict is pushed."""
COUNTED_ETATS = OPEN_ETATS | {Etat.ACCEPTE}
"""States in which a dossier counts as a duplicate of another one for the same product."""


LAYOUT_TYPES = frozenset({"header_section", "explication"})
"""Types of descriptors without a value. A section can have the same label as one of its champs."""


class Anomaly(StrEnum):
    """Why a dossier is in quarantine."""

    french: str
    """The beginning of its message in `lecture_anomalie`; the place follows."""
    english: str
    remedy: str
    """In French."""

    def __new__(cls, code: str, french: str = "", english: str = "", remedy: str = "") -> Self:
        """Declare a reason, or return the one of a code."""
        found = str.__new__(cls, code)
        found._value_ = code
        found.french, found.english, found.remedy = french, english, remedy
        return found

    TIMEOUT = (
        "timeout",
        "Démarches Simplifiées n’arrive pas à rendre ce dossier dans le temps imparti",
        "DS does not render this dossier in time",
        "Attendez, puis réessayez : Démarches Simplifiées est trop lent pour ce dossier.",
    )
    BAD_DATA = (
        "bad_data",
        "Démarches Simplifiées ne peut pas rendre ce dossier : ses données y sont cassées",
        "DS cannot render this dossier: its data there are broken",
        "Signalez ces dossiers à Démarches Simplifiées : eux seuls peuvent les réparer.",
    )
    ILLISIBLE = (
        "illisible",
        "Ce dossier n’a pas la forme attendue, sa dernière copie reste",
        "This dossier does not have the expected form; its last copy stays",
        "Réessayez ; si l’anomalie reste, signalez-la à l’équipe\u00a0technique.",
    )
    IDENTITE = (
        "identite",
        "Démarches Simplifiées donne à ce dossier un autre identifiant, ou le sien à un autre ; sa "
        "dernière copie reste",
        "DS gives this dossier another id, or its id to another one; its last copy stays",
        "Signalez ces dossiers à Démarches Simplifiées : leur numéro ne va plus avec leur "
        "identifiant.",
    )
    DOUTEUX = (
        "douteux",
        "Ce nouveau dossier est venu sans aucune réponse, ou avec beaucoup d’autres qui ont changé "
        "sans date ; il n’est pas copié avant une lecture sûre",
        "This new dossier came without any answer, or with many others that changed without a "
        "date; it is copied after a read that is sure",
        "Attendez la prochaine lecture ; si l’anomalie reste, voyez les accords à donner.",
    )
    INCOMPLET = (
        "incomplet",
        "Démarches Simplifiées ne peut pas rendre une partie de ce dossier",
        "DS cannot render a part of this dossier",
        "Réessayez plus tard ; si l’anomalie reste, signalez ces dossiers à Démarches Simplifiées. "
        "Ce qui manque est nommé.",
    )
    REGLE = (
        "regle",
        "Une règle du pré-contrôle a échoué sur ce dossier ; son dernier avis reste",
        "A check failed on this dossier; its last verdict stays",
        "Défaut de dsync : signalez à l’équipe\u00a0technique l’anomalie telle qu’elle est écrite.",
    )


class Presence(Code):
    """Whether DS shows a dossier; if not, whether it is hidden, erased or has disappeared.

    `EFFACE` is a dossier that an operator erased here, whatever DS shows.
    """

    PRESENT = "present", "Présent", "Visible dans la démarche."
    MASQUE = "masque", "À la corbeille", "À la corbeille ; peut être restauré."
    SUPPRIME = (
        "supprime",
        "Supprimé",
        "Supprimé dans Démarches Simplifiées ; son contenu est effacé ici aussi.",
    )
    DISPARU = (
        "disparu",
        "Introuvable",
        "Introuvable dans la démarche et dans ses listes de suppressions.",
    )
    EFFACE = (
        "efface",
        "Effacé ici",
        "Effacé ici seulement, à la demande d’une personne, ou à la fin de la durée de "
        "conservation ; n’est plus copié.",
    )


GEOJSON = "FeatureCollection"
"""The type of the JSON value of a map."""


class Fichier(Struct, frozen=True, gc=False):
    """A file's metadata. Its signed URL is left out, because it expires within the hour."""

    nom: str
    type_mime: str
    taille: int | None
    """Bytes; None: DS gives no valid number, so that the file alone cannot be copied."""
    empreinte_md5: str
    """Base64, as DS gives it."""
    analyse: str
    """DS's virus scan result, verbatim."""


# A full read makes half a million of them, and each is stored as JSON: hence the defaults left out.
class Champ(Struct, frozen=True, gc=False, omit_defaults=True, rename={"descriptor_id": "id"}):
    """A champ or an annotation with its value."""

    descriptor_id: DescriptorId
    texte: str | None = None
    """The value as text, as views show it; None if blank."""
    valeur: Json = None
    """The value as a number, boolean, list or object; None if the text is the value."""
    lignes: tuple[Ligne, ...] = ()
    """The rows of a repetition."""
    fichiers: tuple[Fichier, ...] = ()
    libelle: str | None = None
    """None if the revision's descriptor has it."""
    type: str | None = None
    """None if the revision's descriptor has it; else the GraphQL type's name in snake case."""

    @property
    def contenu(self) -> Json:
        """The value: `valeur`, or the text."""
        return self.texte if self.valeur is None else self.valeur

    @property
    def geojson(self) -> dict[str, Json] | None:
        """The areas of a map as a FeatureCollection; None for other champs."""
        valeur = self.valeur
        return valeur if isinstance(valeur, dict) and valeur.get("type") == GEOJSON else None


class Ligne(Struct, frozen=True, gc=False):
    """A row of a repetition: its opaque id (DS gives it no number) and its champs."""

    id: str
    champs: tuple[Champ, ...]


class Cell(Struct, frozen=True, gc=False, array_like=True):
    """A champ or an annotation as it is stored: in one flat list with those in rows.

    First those outside of rows, in the form's order, so that views find most of them at their
    place. Stored as a list without its last values where they are blank: a dossier has some
    seventy.
    """

    id: DescriptorId
    texte: str | None = None
    """The champ's text; of a map, its GeoJSON, as `lecture_champ` shows it."""
    ligne: int | None = None
    """The place of its row in the repetition, from 1."""
    valeur: Json = None
    """The champ's value; of a map, its text."""
    fichiers: tuple[Fichier, ...] = ()
    lignes: tuple[tuple[str, int, int], ...] = ()
    """The rows of a repetition: their ids, the places of their first cells, how many they have."""
    libelle: str | None = None
    type: str | None = None


def cells_of(champs: Sequence[Champ]) -> list[tuple[Any, ...]]:
    """Return champs as they are stored: each a `Cell`, as a tuple without its last blanks."""
    own, inside = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for champ in champs:
        rows = []
        for rank, ligne in enumerate(champ.lignes, start=1):
            rows.append((ligne.id, len(champs) + len(inside), len(ligne.champs)))
            inside += [_stored(one, rank) for one in ligne.champs]
        own.append(_stored(champ, None, rows))
    return own + inside


def _stored(champ: Champ, ligne: int | None, lignes: Sequence[Any] = ()) -> tuple[Any, ...]:
    id_, texte, valeur = champ.descriptor_id, champ.texte, champ.valeur
    if (geojson := champ.geojson) is not None:
        texte, valeur = json_bytes(geojson).decode(), texte
    if champ.type is not None or champ.libelle is not None:
        return id_, texte, ligne, valeur, champ.fichiers, lignes, champ.libelle, champ.type
    if lignes:
        return id_, texte, ligne, valeur, (), lignes
    if champ.fichiers:
        return id_, texte, ligne, valeur, champ.fichiers
    if valeur is not None:
        return id_, texte, ligne, valeur
    if ligne:
        return id_, texte, ligne
    return (id_,) if texte is None else (id_, texte)


def champs_of(cells: Sequence[Cell]) -> tuple[Champ, ...]:
    """Return the champs that were stored as these cells."""
    champs = []
    for cell in cells:
        if cell.ligne is None:
            lignes = [
                Ligne(id_, tuple(map(_champ, cells[first : first + many])))
                for id_, first, many in cell.lignes
            ]
            champs.append(_champ(cell, tuple(lignes)))
    return tuple(champs)


def _champ(cell: Cell, lignes: tuple[Ligne, ...] = ()) -> Champ:
    texte, valeur = cell.texte, cell.valeur
    if isinstance(valeur, str):
        texte, valeur = valeur, msgspec.json.decode(texte or "")
    return Champ(cell.id, texte, valeur, lignes, cell.fichiers, cell.libelle, cell.type)


_to_cells = msgspec.json.Decoder(list[Cell] | None)


def stored_champs(json: bytes | str | None) -> tuple[Champ, ...]:
    """Return champs or annotations from the JSON in which they are stored.

    Raises:
        msgspec.DecodeError: it was damaged.
    """
    return champs_of(_to_cells.decode(json or b"null") or ())


def cell_key(id_: str, row: str) -> str:
    """Return the name of a champ in a row of a repetition, by its descriptor's and the row's id."""
    return f"{id_}|{row}"


class DemandeurType(Code):
    """The kinds of applicants, of those that dsync knows."""

    PERSONNE_PHYSIQUE = "personne_physique", "Personne", "Personne, qui a un nom et un prénom."
    PERSONNE_MORALE = "personne_morale", "Organisme", "Organisme, qui a un SIRET et une adresse."
    PERSONNE_MORALE_INCOMPLETE = (
        "personne_morale_incomplete",
        "Organisme dont seul le SIRET est connu",
        "Organisme dont seul le SIRET est connu : le registre ne répondait pas au dépôt.",
    )
    INCONNU = "inconnu", "Inconnu", "Démarches Simplifiées n’a pas pu rendre le demandeur."


NOT_RENDERED = DemandeurType.INCONNU.value
"""The `genre` of an applicant that DS could not render, or not completely."""


class Demandeur(Struct, frozen=True, gc=False):
    """The applicant. The names of a natural person are only in `details`."""

    genre: str
    """A `DemandeurType`, or the unknown GraphQL type's name."""
    siret: str | None = None
    siren: str | None = None
    raison_sociale: str | None = None
    forme_juridique_code: str | None = None
    forme_juridique: str | None = None
    etat_administratif: str | None = None
    """`Actif`, `Ferme` or None."""
    details: Mapping[str, Json] = {}
    """Everything that DS returned about the applicant, as JSON."""

    @property
    def address(self) -> Mapping[str, Json]:
        """An organisation's address, as DS returned it; empty where it gave none."""
        address = self.details.get("address")
        return address if isinstance(address, dict) else {}

    @property
    def has_company(self) -> bool:
        """Whether DS gave anything of the organisation besides its SIRET."""
        return bool(self.raison_sociale or self.forme_juridique_code or self.forme_juridique)


class Traitement(Struct, frozen=True, gc=False):
    """A change of a dossier's state, as DS journals it."""

    evenement: str
    date: datetime
    motivation: str | None
    email_agent: str | None
    revision_id: RevisionId | None = None
    """The dossier's revision of the form at that time; None if DS does not give it."""


class Message(Struct, frozen=True, gc=False, omit_defaults=True):
    """A message of a dossier."""

    id: str
    le: datetime
    de: str
    """A `Cote`; the sender's address as long as DS has just been read."""
    correction: bool = False
    """Whether it asks the usager for a correction."""
    corrige_le: datetime | None = None
    """When that ended; None: it is waited for, if it is one."""
    retire_le: datetime | None = None
    """When its author took it back, and DS its text."""
    courriel: str = ""
    """The sender's address."""
    texte: str = ""
    """Plain: what DS sends by itself it has as HTML."""
    pieces: tuple[str, ...] = ()
    """The names of its attached files."""


class Correction(NamedTuple):
    """A correction that the usager was asked for, as far as the database saw it."""

    demandee_le: datetime
    finie_le: datetime | None
    """DS's date of the change with which it was pending no more; None: it is still pending."""


class Glance(NamedTuple):
    """What shows, without its contents, whether a dossier has changed."""

    number: DossierNumber
    etat: Etat
    archive: bool
    revision_id: RevisionId
    date_derniere_modification: datetime | None
    date_derniere_modification_champs: datetime | None
    date_derniere_modification_annotations: datetime | None
    """Of the last edit by a human: what dsync writes does not move it."""
    groupe_instructeur: str | None
    instructeurs: frozenset[str]
    labels: frozenset[str]


class Dossier(Struct, frozen=True, gc=False):
    """A dossier of DS. Instants are aware and in UTC."""

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
    messages: tuple[Message, ...] | None = None
    """Those between usager and administration; None: DS did not say."""
    demarche_number: DemarcheNumber | None = None
    """The démarche of a dossier that was requested by number; None for one of a page."""

    @property
    def is_open(self) -> bool:
        """Whether verdicts may still be pushed into the dossier."""
        return self.etat in OPEN_ETATS


class DeletedDossier(NamedTuple):
    """An entry of DS's lists of pending or final deletions, identified by `number` alone."""

    number: DossierNumber
    etat: Etat
    raison: str
    date_suppression: datetime


class Descriptor(NamedTuple):
    """A champ's or annotation's definition in one revision of the form."""

    id: DescriptorId
    libelle: str
    type: str
    required: bool = False
    options: tuple[str, ...] | None = None
    """The options of a drop-down list; None for other types."""
    other_option: bool = False
    """Whether the drop-down list also accepts any other text."""
    parent_id: DescriptorId | None = None
    """The repetition to which it belongs."""
    is_annotation: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of the démarche's form: its descriptors by id, in the form's order."""

    id: RevisionId
    date_publication: datetime | None
    descriptors: Mapping[DescriptorId, Descriptor]
    is_complete: bool = True
    """Whether every field that DS returned could be read."""


@dataclass(frozen=True, slots=True)
class Instructeur:
    """A person who may write annotations, and the groupe that gives the right."""

    id: str
    email: str
    groupe: str


@dataclass(frozen=True, slots=True)
class Demarche:
    """The démarche's facts that the worker needs."""

    number: DemarcheNumber
    titre: str
    etat: str
    active_revision_id: RevisionId
    revisions: Mapping[RevisionId, Revision]
    labels: Mapping[str, str]
    """Label ids by exact name."""
    instructeurs: tuple[Instructeur, ...]
    couleurs: Mapping[str, str] = field(default_factory=dict)
    """Label colours by exact name, as DS names them."""
    unreadable_fields: tuple[str, ...] = ()
    """Paths of the fields that could not be read, as `revisions.0.champDescriptors.3.type`."""

    @property
    def published_at(self) -> datetime | None:
        """When its form was first published, None if that is unknown."""
        known = [one.date_publication for one in self.revisions.values() if one.date_publication]
        return min(known, default=None)

    def instructeur_id(self, named: str | None) -> str | None:
        """Return the id of the instructeur with this id or e-mail, None if there is none."""
        folded = (named or "").casefold()
        for instructeur in self.instructeurs:
            if named == instructeur.id or folded == instructeur.email.casefold():
                return instructeur.id
        return None

    def groupes_without(self, id_: str | None) -> list[str]:
        """Return the names of the groupes that an instructeur is not in, in order."""
        joined = {one.groupe for one in self.instructeurs if one.id == id_}
        return sorted({one.groupe for one in self.instructeurs} - joined)
