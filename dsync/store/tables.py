"""The engine's tables. They hold what the domain has checked and check nothing themselves.

Analysts do not read them: they have the views. Instants are aware and in UTC.
"""

# No `from __future__ import annotations`: SQLModel reads the annotations when a class is made.
import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Index, MetaData, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from dsync.domain.verdict import Controle
from dsync.store.columns import NAMING, BigKey, given_number, json_text

metadata = MetaData(naming_convention=NAMING)


def _number(*, index: bool = False) -> int:
    number: int = Field(sa_type=BigInteger, index=index)
    return number


def _generated() -> int | None:
    number: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    return number


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def complete_for_postgresql() -> None:
    """Give the partial indexes PostgreSQL's form, too.

    Not done at import: SQLAlchemy loads PostgreSQL's part for it, which SQLite never needs.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])


class _Table(SQLModel, registry=registry(metadata=metadata)):
    """Base with a metadata of its own, apart from any other SQLModel of the process."""

    # Rows are never made of these classes, so what would check them is not built.
    model_config = {"defer_build": True}


class DossierRow(_Table, table=True):
    """A dossier's place in DS and what dsync remembers about it: the narrow row, often updated."""

    __tablename__ = "dossier"
    __table_args__ = (
        _partial("ix_dossier_a_evaluer", "demarche_numero", "numero", where="a_evaluer"),
    )

    numero: int = given_number()
    demarche_numero: int = _number(index=True)
    dossier_id: str | None
    revision_id: str | None
    etat: str
    presence: str
    presence_raison: str | None
    presence_le: dt.datetime | None
    archive: bool
    depose_le: dt.datetime
    en_construction_le: dt.datetime | None
    en_instruction_le: dt.datetime | None
    traite_le: dt.datetime | None
    correction_attendue_depuis: dt.datetime | None
    modifie_le: dt.datetime
    champs_modifie_le: dt.datetime | None
    annotations_modifie_le: dt.datetime | None
    expire_le: dt.datetime | None
    supprime_par_usager_le: dt.datetime | None
    synchronise_le: dt.datetime
    content_hash: str | None
    annotations_hash: str | None
    inputs_hash: str | None
    # The last run that read or wrote it: a full read finds by it what has vanished.
    lu_par_run: int = _number()
    a_evaluer: bool
    siret: str | None
    siren: str | None
    raison_sociale: str | None
    forme_juridique_code: str | None
    labels: Any = json_text()
    efface_le: dt.datetime | None


class ContenuRow(_Table, table=True):
    """What was typed into a dossier, by whomever, as DS gives it: gone when it is erased."""

    __tablename__ = "contenu"

    numero: int = given_number()
    demandeur: Any = json_text()
    divers: Any = json_text()
    traitements: Any = json_text()
    champs: Any = json_text()
    annotations: Any = json_text()


class VerdictRow(_Table, table=True):
    """A verdict once given. Rows stay; only `courant` moves to the newest."""

    __tablename__ = "verdict"
    __table_args__ = (_partial("uq_verdict_courant", "numero", unique=True, where="courant"),)

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    verdict: str
    detail: str | None = Field(default=None, sa_type=Text)
    etabli_le: dt.datetime
    version_regles: str
    inputs_hash: str | None
    preuve_hash: str | None
    doublons: Any = json_text()
    controles: Any = json_text(tuple[Controle, ...])
    # What the programme found out, for its views.
    constats: Any = json_text()
    # What the next verdict on this dossier rests on, as the programme writes it.
    preuve: Any = json_text()
    remarque: str | None
    # Since when result and text read as they do; `etabli_le` is when this row was given.
    depuis_le: dt.datetime
    courant: bool


class OutboxRow(_Table, table=True):
    """A wish: what an annotation or the label of a dossier should be.

    en_attente → confirmee | refusee | conflit | incertaine | suspendue | remplacee;
    incertaine → confirmee | en_attente; suspendue, conflit, refusee → en_attente when forced or
    freed. A newer wish takes `courante`; a waiting one that it replaces becomes remplacee.
    A refusal that is `definitive` is not tried again by itself.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        _partial("uq_outbox_courante", "numero", "annotation", unique=True, where="courante"),
        Index("ix_outbox_due", "demarche_numero", "statut"),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    annotation: str
    valeur: str | None = Field(default=None, sa_type=Text)
    statut: str
    tentatives: int
    prochain_essai_le: dt.datetime | None
    creee_le: dt.datetime
    envoyee_le: dt.datetime | None
    confirmee_le: dt.datetime | None
    valeur_distante: str | None = Field(default=None, sa_type=Text)
    erreur: str | None = Field(default=None, sa_type=Text)
    # When a human put it there, by DS's date of that annotation.
    distante_le: dt.datetime | None
    # The descriptor of the annotation at which it was last sent, confirmed or stopped.
    cible: str | None
    courante: bool
    # Who ordered it to go over a human's value: user and host.
    force_par: str | None
    # What stood there when that was ordered; null: the order goes over anything.
    force_sur: str | None = Field(default=None, sa_type=Text)
    definitive: bool


class PousseRow(_Table, table=True):
    """What dsync last wrote into DS, or adopted, and DS confirmed.

    Why beside the outbox: that one says what is wished, this one what was ours; only both tell
    a human's edit from our own.
    """

    __tablename__ = "pousse"

    numero: int = given_number()
    annotation: str = Field(primary_key=True)
    valeur: str | None = Field(default=None, sa_type=Text)
    # The annotation's descriptor, or the label: made anew on DS, it holds nothing of ours.
    cible: str | None
    poussee_le: dt.datetime | None
    # DS's date of the last edit of annotations by hand, as it was just before the write.
    annotations_vues_le: dt.datetime | None
    # Sent, and no answer came: if it stands in DS, it is ours too.
    incertaine: str | None = Field(default=None, sa_type=Text)
    incertaine_cible: str | None
    # Until some time after this instant it may still be on its way.
    incertaine_depuis: dt.datetime | None


class EvenementRow(_Table, table=True):
    """Something that happened to a dossier: names of fields, and what a forced push replaced."""

    __tablename__ = "evenement"

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    survenu_le: dt.datetime
    evenement: str
    details: str | None = Field(default=None, sa_type=Text)
    run: int | None = Field(default=None, sa_type=BigInteger)


class SyncRunRow(_Table, table=True):
    """A run of the worker over one démarche, with its figures."""

    __tablename__ = "sync_run"

    run: int = given_number()
    demarche_numero: int = _number(index=True)
    genre: str
    statut: str
    debut: dt.datetime
    fin: dt.datetime | None
    demande_par: str | None
    lus: int
    modifies: int
    supprimes: int
    evalues: int
    pousses: int
    conflits: int
    en_quarantaine: int
    requetes: int
    erreur: str | None = Field(default=None, sa_type=Text)
    figures: Any = json_text()


class QuarantaineRow(_Table, table=True):
    """A dossier that could not be read or stored, with the reason."""

    __tablename__ = "quarantaine"

    demarche_numero: int = given_number()
    numero: int = given_number()
    code: str
    message: str
    depuis: dt.datetime
    tentatives: int
    dernier_essai_le: dt.datetime


class LeaseRow(_Table, table=True):
    """Who works on a démarche. `token` only grows: it tells a late writer from the holder."""

    __tablename__ = "lease"

    demarche_numero: int = given_number()
    holder: str | None
    token: int = _number()
    acquired_at: dt.datetime
    expires_at: dt.datetime


class ServiceRow(_Table, table=True):
    """A service that runs, for people to see; it signs in every minute."""

    __tablename__ = "service"

    demarche_numero: int = given_number()
    holder: str = Field(primary_key=True)
    version: str
    started_at: dt.datetime
    seen_at: dt.datetime
    next_run_at: dt.datetime


class SyncStateRow(_Table, table=True):
    """Where the reading of a démarche stands."""

    __tablename__ = "sync_state"

    demarche_numero: int = given_number()
    watermark: dt.datetime | None
    page_size: int | None
    page_size_at: dt.datetime | None
    full_cursor: str | None
    full_started_run: int | None = Field(default=None, sa_type=BigInteger)
    full_started_at: dt.datetime | None
    full_due_at: dt.datetime | None
    last_success_at: dt.datetime | None
    last_incremental_at: dt.datetime | None
    last_full_at: dt.datetime | None
    last_deletions_at: dt.datetime | None
    last_revision_id: str | None
    evidence_key: str | None
    mapping_key: str | None
    writing_key: str | None


class RevisionRow(_Table, table=True):
    """A revision of a démarche's form."""

    __tablename__ = "revision"

    id: str = Field(primary_key=True)
    demarche_numero: int = _number(index=True)
    date_publication: dt.datetime | None
    descriptors: Any = json_text()


class DemarcheRow(_Table, table=True):
    """A démarche as last read."""

    __tablename__ = "demarche"

    number: int = given_number()
    titre: str
    etat: str
    active_revision_id: str
    labels: Any = json_text()
    instructeurs: Any = json_text()
    lue_le: dt.datetime


dossier = metadata.tables["dossier"]
contenu = metadata.tables["contenu"]
verdict = metadata.tables["verdict"]
outbox = metadata.tables["outbox"]
pousse = metadata.tables["pousse"]
evenement = metadata.tables["evenement"]
sync_run = metadata.tables["sync_run"]
quarantaine = metadata.tables["quarantaine"]
lease = metadata.tables["lease"]
service = metadata.tables["service"]
sync_state = metadata.tables["sync_state"]
revision = metadata.tables["revision"]
demarche = metadata.tables["demarche"]
