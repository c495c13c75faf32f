"""The types of a dossier's JSON, with the fields that `queries/*.graphql` select.

A test compares these fields with the queries. A field that the schema declares non-null is
required here, unless dsync can do without it.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from dsync.domain.dossier import Etat
from dsync.domain.ids import DescriptorId

NULL = Raw(b"null")
Text = str | None
Place = dict[str, Text] | None
Number = Annotated[int, Meta(ge=1, lt=1 << 31)]
"""The number of a dossier or of a démarche: a positive `Int` of the API."""


def _graphql(name: str) -> str:
    """Return a field's name in the API: `textValue` for `text_value`."""
    first, *others = name.split("_")
    return "__typename" if name == "typename" else first + "".join(map(str.title, others))


# Out of the garbage collector's sight: nodes hold no cycles, and a page has thousands.
class _Node(Struct, gc=False, rename=_graphql):
    """An object of the API."""


class FileNode(_Node):
    """A file."""

    filename: str
    content_type: Text = None
    checksum: Text = None
    # DS sends a BigInt as a string.
    byte_size_big_int: str | int | None = None
    virus_scan_result: Text = None


class NumberNode(_Node):
    """A dossier or a démarche of which only the number is selected."""

    number: Number


class IdNode(_Node):
    """An object of which only the id is selected."""

    id: str


class EmailNode(_Node):
    """A person; only the e-mail address is selected."""

    email: Text = None


class LabelNode(_Node):
    """A groupe instructeur."""

    label: Text = None


class NameNode(_Node):
    """A label."""

    name: str
    id: Text = None


class EtablissementNode(_Node, omit_defaults=True):
    """An établissement of a SIRET champ."""

    siret: Text = None
    entreprise: Place = None


class GeometryNode(_Node):
    """The geometry of an area of a map: GeoJSON."""

    type: Text = None
    coordinates: Any = None


class AreaNode(_Node):
    """An area of a map; only a parcel has the fields from `commune` on."""

    source: Text = None
    description: Text = None
    geometry: GeometryNode | None = None
    commune: Text = None
    prefixe: Text = None
    section: Text = None
    numero: Text = None
    surface: Text = None


class CellNode(_Node):
    """A champ or an annotation that is no repetition; it has only the value field of its type."""

    # The values have aliases in the documents: `value` has another GraphQL type in each type of
    # champ, which DS accepts and the tools that check documents refuse.
    champ_descriptor_id: DescriptorId
    typename: str
    id: Text = None
    label: Text = None
    string_value: Text = None
    text_value: Text = None
    drop_down_value: Text = None
    values: list[Text] | None = None
    primary_value: Text = None
    secondary_value: Text = None
    checkbox_value: bool | None = None
    yes_no_value: bool | None = None
    date: Text = None
    datetime: Text = None
    integer_value: str | int | None = None
    decimal_value: float | None = None
    civilite_value: Text = None
    address: Place = None
    commune: Place = None
    departement: Place = None
    region: Place = None
    pays: Place = None
    epci: Place = None
    # Once more without the name, for the case that DS does not have it: the place is then null.
    commune_code: Place = None
    departement_code: Place = None
    region_code: Place = None
    pays_code: Place = None
    epci_code: Place = None
    etablissement: EtablissementNode | None = None
    dossier: NumberNode | None = None
    files: list[FileNode] | None = None
    geo_areas: Raw = NULL
    """The areas of a map; decoded only up to a size, for they can have any number of points."""
    rna: Place = None
    rnf: Place = None
    engagement_juridique: dict[str, str | float | None] | None = None
    filled: bool | None = None


class RowNode(_Node):
    """A row of a repetition."""

    id: str
    champs: list[CellNode]


class ChampNode(CellNode):
    """A champ or an annotation, possibly a repetition."""

    rows: list[RowNode] | None = None


class CompanyNode(_Node):
    """The applicant's company."""

    siren: Text | UnsetType = UNSET
    raison_sociale: Text | UnsetType = UNSET
    forme_juridique: Text | UnsetType = UNSET
    forme_juridique_code: Text | UnsetType = UNSET
    etat_administratif: Text | UnsetType = UNSET
    date_creation: Text | UnsetType = UNSET
    code_effectif_entreprise: Text | UnsetType = UNSET


class AssociationNode(_Node):
    """The applicant's association, as the register of associations has it."""

    titre: Text | UnsetType = UNSET
    rna: Text | UnsetType = UNSET


# UNSET and not None: fields of other kinds then stay out of the stored JSON.
class DemandeurNode(_Node):
    """The applicant of any kind; fields that its kind does not have are unset."""

    typename: str
    siret: Text | UnsetType = UNSET
    naf: Text | UnsetType = UNSET
    entreprise: CompanyNode | UnsetType | None = UNSET
    association: AssociationNode | UnsetType | None = UNSET
    civilite: Text | UnsetType = UNSET
    nom: Text | UnsetType = UNSET
    prenom: Text | UnsetType = UNSET
    email: Text | UnsetType = UNSET
    address: Place | UnsetType = UNSET


class TraitementNode(_Node):
    """A traitement: one step of the dossier's handling."""

    event: str
    date_traitement: dt.datetime
    motivation: Text = None
    email_agent_traitant: Text = None
    revision: IdNode | None = None


class CorrectionNode(_Node):
    """What a message asks to correct."""

    date_resolution: dt.datetime | None = None


class AttachmentNode(_Node):
    """A file of a message."""

    filename: str


class MessageNode(_Node):
    """A message."""

    id: str
    email: str
    created_at: dt.datetime
    discarded_at: dt.datetime | None = None
    correction: CorrectionNode | None = None
    body: Text = None
    attachments: list[AttachmentNode] = []


class DossierNode(_Node):
    """A dossier."""

    number: Number
    id: Annotated[str, Meta(min_length=1)]
    state: Etat
    archived: bool
    date_depot: dt.datetime | None
    usager: EmailNode
    groupe_instructeur: LabelNode
    instructeurs: list[EmailNode]
    revision: IdNode
    labels: list[NameNode]
    traitements: list[TraitementNode]
    champs: list[ChampNode]
    annotations: list[ChampNode]
    demandeur: DemandeurNode | UnsetType = UNSET
    """Left out where DS fails on it."""
    messages: list[MessageNode] | UnsetType = UNSET
    """The same."""
    demarche: NumberNode | UnsetType = UNSET
    """Selected only for a dossier that is requested alone."""
    date_passage_en_construction: dt.datetime | None = None
    date_passage_en_instruction: dt.datetime | None = None
    date_traitement: dt.datetime | None = None
    date_derniere_modification: dt.datetime | None = None
    date_derniere_modification_champs: dt.datetime | None = None
    date_derniere_modification_annotations: dt.datetime | None = None
    date_derniere_correction_en_attente: dt.datetime | None = None
    date_expiration: dt.datetime | None = None
    date_suppression_par_usager: dt.datetime | None = None
    motivation: Text = None
    prefilled: bool | None = None
    depose_par_un_tiers: bool | None = None
    prenom_mandataire: Text = None
    nom_mandataire: Text = None
