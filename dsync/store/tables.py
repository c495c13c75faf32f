"""The engine's tables.

Values are validated before they are stored, not here. Analysts read the views and not the tables.
Instants are aware and in UTC.
"""

# No `from __future__ import annotations`: SQLModel evaluates annotations at class creation.
import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Index, MetaData, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from dsync.domain.verdict import Controle
from dsync.store.columns import NAMING, BigKey, given_number, json_text, raw_json

metadata = MetaData(naming_convention=NAMING)


def _number(*, index: bool = False) -> int:
    number: int = Field(sa_type=BigInteger, index=index)
    return number


def _generated() -> int | None:
    number: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    return number


def _seal() -> int | None:
    """Make the column of a row's hash (`seals.py`)."""
    seal: int | None = Field(default=None, sa_type=BigInteger)
    return seal


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def complete_for_postgresql() -> None:
    """Set the conditions of partial indexes for PostgreSQL.

    Not done at import, because SQLAlchemy then loads its PostgreSQL dialect, which takes 30 ms.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])


class _Table(SQLModel, registry=registry(metadata=metadata)):
    """Base with its own metadata, separate from other SQLModel classes of the process."""

    # The classes are never instantiated, so their validators need not be built.
    model_config = {"defer_build": True}


class DossierRow(_Table, table=True):
    """A dossier's state in DS and dsync's bookkeeping: the small row, which is often updated."""

    __tablename__ = "dossier"
    __table_args__ = (
        _partial("ix_dossier_a_evaluer", "demarche_numero", "numero", where="a_evaluer"),
    )

    numero: int = given_number()
    demarche_numero: int = _number(index=True)
    dossier_id: str | None = Field(index=True)
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
    # The last run that saw the dossier: a full read finds the disappeared ones by it.
    lu_par_run: int = _number()
    a_evaluer: bool
    siret: str | None = Field(index=True)
    siren: str | None
    raison_sociale: str | None
    forme_juridique_code: str | None
    # The applicant: a natural person's names, an organisation's address.
    demandeur_type: str | None
    demandeur_civilite: str | None
    demandeur_nom: str | None
    demandeur_prenom: str | None
    commune_code: str | None
    commune: str | None
    departement_code: str | None
    departement_nom: str | None
    region_code: str | None
    region_nom: str | None
    usager_courriel: str | None = Field(index=True)
    mandataire_nom: str | None
    groupe_instructeur: str | None
    instructeurs: Any = json_text()
    nb_messages: int | None
    labels: Any = json_text()
    efface_le: dt.datetime | None
    sceau: int | None = _seal()


class ContenuRow(_Table, table=True):
    """A dossier's contents as JSON; the row is deleted when the dossier is erased."""

    __tablename__ = "contenu"

    numero: int = given_number()
    demarche_numero: int = _number()
    demandeur: Any = json_text()
    divers: Any = json_text()
    traitements: Any = json_text()
    champs: Any = raw_json()
    annotations: Any = raw_json()
    # Names of the parts that DS has never rendered (`Record.unread`); null: there are none.
    lacunes: Any = json_text()
    # All champs and annotations in one flat list, those in the rows of repetitions too, with their
    # texts: `lecture_champ` reads it, in half the time that `champs` and `annotations` would take.
    cellules: Any = raw_json()


class ListeRow(_Table, table=True):
    """By what lists find, filter and sort a dossier: short, and without what its JSON has more of.

    It is written with the dossier and deleted when that is erased.
    """

    __tablename__ = "liste"

    numero: int = given_number()
    demarche_numero: int = _number()
    # `searchable` of number, SIREN, SIRET and organisation; of the programme's free texts; of
    # names and addresses of persons.
    texte: str
    libre: str
    personnes: str
    etape: str | None
    attend: str | None
    # When the next stage begins: from then on, `lecture_suivi` says which one.
    etape_fin: dt.datetime | None
    # Of the programme, else the applicant's.
    departement_code: str | None
    departement_nom: str | None
    # Such as `|technique|produit|`.
    profils: str | None


class PieceRow(_Table, table=True):
    """The copy of a file, or why there is none; states: `CopyState`.

    A row is written before its file. `a_supprimer`: the file has to be deleted, then the row is.
    """

    __tablename__ = "piece"
    __table_args__ = (
        _partial(
            "uq_piece_vivante",
            "numero",
            "champ_id",
            "ligne",
            "empreinte_md5",
            unique=True,
            where="NOT a_supprimer",
        ),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    champ_id: str
    # The id of the row in a repetition; "" outside of one.
    ligne: str
    empreinte_md5: str
    # Where the copy is, or would be.
    adresse: str
    etat: str
    copie_le: dt.datetime | None
    essais: int
    prochain_essai_le: dt.datetime
    # The dossier's `content_hash` with which the file was last seen in its champ.
    content_hash: str | None
    a_supprimer: bool


class CleRow(_Table, table=True):
    """Answers that checks compare between dossiers, as a keyed hash; equal ones are doublons."""

    __tablename__ = "cle"

    numero: int = given_number()
    controle: str = Field(primary_key=True)
    cle: str = Field(index=True)


class JumeauRow(_Table, table=True):
    """What an erased dossier still counts for as a doublon: public, nothing that anybody typed.

    Of one that an operator erased here, as long as DS has it; its state is in `dossier`. `montre`:
    whether DS showed it when it was last looked for.
    """

    __tablename__ = "jumeau"

    numero: int = given_number()
    demarche_numero: int = _number()
    produit: str = Field(index=True)
    montre: bool


class DeclarationRow(_Table, table=True):
    """A version of declared checks, whole; rows are never changed nor deleted."""

    __tablename__ = "declaration"

    version: str = Field(primary_key=True)
    depuis_le: dt.datetime
    document: Any = json_text()


class CorrectionRow(_Table, table=True):
    """A correction that the usager was asked for: DS tells only which one is pending."""

    __tablename__ = "correction"

    numero: int = given_number()
    demandee_le: dt.datetime = Field(primary_key=True)
    # DS's date of the change with which it was pending no more.
    finie_le: dt.datetime | None


class VerdictRow(_Table, table=True):
    """A verdict. Rows are kept as history; `courant` marks the newest one of a dossier."""

    __tablename__ = "verdict"
    __table_args__ = (
        _partial("uq_verdict_courant", "numero", unique=True, where="courant"),
        # Rows are long: what is counted of them is in an index.
        Index(
            "ix_verdict_numero",
            "numero",
            "courant",
            "verdict",
            "depuis_le",
            "demarche_numero",
            "points",
        ),
    )

    id: int | None = _generated()
    numero: int = _number()
    demarche_numero: int = _number()
    verdict: str
    # The checks that keep it from the best one, as `points_of` (`domain.check_answers`) writes
    # them: 2,160 characters at most, because PostgreSQL takes 2,700 bytes into an index.
    points: str
    detail: str | None = Field(default=None, sa_type=Text)
    etabli_le: dt.datetime
    version_regles: str
    inputs_hash: str | None
    preuve_hash: str | None
    doublons: Any = json_text()
    controles: Any = json_text(tuple[Controle, ...])
    # Facts for the programme's views.
    constats: Any = json_text()
    # Frozen evidence for the dossier's later verdicts, in the programme's form.
    preuve: Any = json_text()
    remarque: str | None
    # Since when result and detail are as they are; `etabli_le` is the date of this row.
    depuis_le: dt.datetime
    courant: bool
    sceau: int | None = _seal()


class ReponseRow(_Table, table=True):
    """What a person established about a check; statuses: `AnswerStatus`.

    Rows are kept as history, and deleted when the dossier is erased. `constat` is what the check
    had found, on which the answer rests.
    """

    __tablename__ = "reponse"
    __table_args__ = (
        _partial(
            "uq_reponse_valable", "numero", "controle", unique=True, where="statut = 'valable'"
        ),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    controle: str
    resultat: str
    motif: str = Field(sa_type=Text)
    # The account and its machine, or an e-mail address.
    auteur: str
    repondu_le: dt.datetime
    constat: Any = json_text(Controle)
    # The id of the product that the person named, if any.
    produit: str | None
    statut: str
    # When it was withdrawn or replaced, and by whom.
    finie_le: dt.datetime | None
    finie_par: str | None


class OutboxRow(_Table, table=True):
    """A wish: the value that an annotation or the label of a dossier should have.

    en_attente → confirmee | refusee | conflit | incertaine | suspendue | remplacee;
    incertaine → confirmee | refusee | en_attente; any current one → en_attente when reopened,
    retried or forced. A newer wish becomes `courante`, and the one that it replaces remplacee.
    A refusal that is `definitive` is not retried without an operator.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        _partial("uq_outbox_courante", "numero", "annotation", unique=True, where="courante"),
        # With its last columns, wishes are counted without reading their texts.
        Index("ix_outbox_due", "demarche_numero", "statut", "courante", "numero", "creee_le"),
        _partial(
            "ix_outbox_erreur", "demarche_numero", "statut", "courante", where="erreur IS NOT NULL"
        ),
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
    # When the human wrote `valeur_distante`, by DS's date, or when it was first seen.
    distante_le: dt.datetime | None
    # The id of the annotation's descriptor when it was last sent, confirmed or stopped.
    cible: str | None
    courante: bool
    # User and host that ordered it to overwrite a human's value.
    force_par: str | None
    # The value that this user was shown, and that alone is overwritten; null: any value.
    force_sur: str | None = Field(default=None, sa_type=Text)
    definitive: bool


class PousseRow(_Table, table=True):
    """The value that dsync last wrote into an annotation, confirmed by DS, or adopted.

    It is separate from the outbox, which contains the wished values: a value in DS is a human's
    edit if it differs from the one pushed, whatever is wished now.
    """

    __tablename__ = "pousse"

    numero: int = given_number()
    annotation: str = Field(primary_key=True)
    valeur: str | None = Field(default=None, sa_type=Text)
    # The id of the annotation's descriptor, or the label. One created anew in DS has another id,
    # and dsync has written nothing there.
    cible: str | None
    # Since when `valeur` counts as dsync's: written, confirmed, or adopted.
    connue_le: dt.datetime | None
    # DS's date of the last manual edit of annotations, read just before the write.
    annotations_vues_le: dt.datetime | None
    # A value that was sent without an answer: dsync may have written it.
    incertaine: str | None = Field(default=None, sa_type=Text)
    incertaine_cible: str | None
    # When it was sent: DS can still execute the write for a while.
    incertaine_depuis: dt.datetime | None


class EvenementRow(_Table, table=True):
    """An event of a dossier; `details` has names of fields and values that a push replaced."""

    __tablename__ = "evenement"

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    survenu_le: dt.datetime
    evenement: str
    details: str | None = Field(default=None, sa_type=Text)
    run: int | None = Field(default=None, sa_type=BigInteger)
    sceau: int | None = _seal()


class ChangementRow(_Table, table=True):
    """A later value of a champ, an annotation or a fact of a dossier, with the one before it.

    The rows are deleted when the dossier is erased.
    """

    __tablename__ = "changement"
    # Rows are long: those of a page are chosen, sorted and counted by the index alone.
    __table_args__ = (
        Index(
            "ix_changement_par",
            "demarche_numero",
            "par",
            "constate_le",
            "modifie_le",
            "id",
            "numero",
            "champ_id",
        ),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    origine: str
    champ_id: str = Field(index=True)
    libelle: str | None = Field(default=None, sa_type=Text)
    ligne: int | None
    ancienne_valeur: str | None = Field(default=None, sa_type=Text)
    nouvelle_valeur: str | None = Field(default=None, sa_type=Text)
    constate_le: dt.datetime
    # DS's own date of the change, where one of its dates moved.
    modifie_le: dt.datetime | None
    apres_depot: bool
    par: str
    sceau: int | None = _seal()


class SyncRunRow(_Table, table=True):
    """A run over one démarche, with its figures."""

    __tablename__ = "sync_run"
    # By which the last runs of each démarche are found.
    __table_args__ = (Index(None, "demarche_numero", "run"),)

    run: int = given_number()
    demarche_numero: int = _number()
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
    # The exit code of a command with this result; none while it runs, or if it was killed.
    code: int | None
    figures: Any = json_text()
    sceau: int | None = _seal()


class DemandeRow(_Table, table=True):
    """What a person asked for: a run of the service, or what a command did by itself.

    `en_file`: for a service to execute; it is unfinished until `fini_le` is set.
    """

    __tablename__ = "demande"
    __table_args__ = (
        _partial(
            "ix_demande_ouverte", "demarche_numero", "id", where="en_file AND fini_le IS NULL"
        ),
    )

    id: int | None = _generated()
    demarche_numero: int = _number(index=True)
    genre: str
    options: Any = json_text()
    # The account and its machine, or an e-mail address.
    demande_par: str
    demande_le: dt.datetime
    en_file: bool
    commence_le: dt.datetime | None
    fini_le: dt.datetime | None
    run: int | None = Field(default=None, sa_type=BigInteger)
    # The exit code of a command with this result.
    code: int | None
    resultat: Any = json_text()


class AlerteRow(_Table, table=True):
    """An alert of a démarche, see `AlertEntry`: its beginning, when it was told, its end."""

    __tablename__ = "alerte"

    demarche_numero: int = given_number()
    nom: str = Field(primary_key=True)
    cause: str
    nombre: int
    depuis: dt.datetime
    essai_le: dt.datetime | None
    dite_le: dt.datetime | None
    finie_le: dt.datetime | None


class IndicateurRow(_Table, table=True):
    """A figure of the démarche on a day of Paris; it is about no dossier in particular."""

    __tablename__ = "indicateur"

    demarche_numero: int = given_number()
    jour: dt.date = Field(primary_key=True)
    indicateur: str = Field(primary_key=True)
    valeur: float
    sceau: int | None = _seal()


class SceauRow(_Table, table=True):
    """The number of rows of a table of the history, and the sum of their hashes (`seals.py`)."""

    __tablename__ = "sceau"

    demarche_numero: int = given_number()
    journal: str = Field(primary_key=True)
    lignes: int = _number()
    somme: int = _number()


class QuarantaineRow(_Table, table=True):
    """A dossier that could not be read or judged, with the reason."""

    __tablename__ = "quarantaine"

    demarche_numero: int = given_number()
    numero: int = given_number()
    code: str
    message: str
    depuis: dt.datetime
    tentatives: int
    dernier_essai_le: dt.datetime


class AccordRow(_Table, table=True):
    """What waits for a person's consent, or has it and is not done yet: one row a kind."""

    __tablename__ = "accord"

    demarche_numero: int = given_number()
    genre: str = Field(primary_key=True)
    version: str
    document: Any = json_text()
    depuis_le: dt.datetime
    donne_le: dt.datetime | None
    donne_par: str | None


class LeaseRow(_Table, table=True):
    """The lease of a démarche. `token` only grows, so that a former holder is recognised."""

    __tablename__ = "lease"

    demarche_numero: int = given_number()
    holder: str | None
    token: int = _number()
    acquired_at: dt.datetime
    expires_at: dt.datetime


class ServiceRow(_Table, table=True):
    """A running service, for operators; it updates its row every minute."""

    __tablename__ = "service"

    demarche_numero: int = given_number()
    holder: str = Field(primary_key=True)
    version: str
    started_at: dt.datetime
    seen_at: dt.datetime
    next_run_at: dt.datetime


class TurnRow(_Table, table=True):
    """When the next run of a démarche is due, and until when a service is about to begin it.

    `failures`: failed runs since the last success, the first one at `failing_since`.
    """

    __tablename__ = "turn"

    demarche_numero: int = given_number()
    due_at: dt.datetime
    claimed_until: dt.datetime | None
    failures: int = 0
    failing_since: dt.datetime | None


class BudgetRow(_Table, table=True):
    """The requests that processes may send with a token: `grants` has those of the last minute.

    `cle` is a keyed hash of the token. The row without one has the key as `grants`.
    """

    __tablename__ = "budget"

    cle: str = Field(primary_key=True)
    grants: Any = json_text()
    paused_until: dt.datetime | None


class LayoutRow(_Table, table=True):
    """Which tables and views a part of this database has; see `layout.py`."""

    __tablename__ = "layout"

    # « dsync » for the engine's part, else the programme's name.
    part: str = Field(primary_key=True)
    fingerprint: str
    # The version of dsync that made them, and when.
    version: str
    made_at: dt.datetime


class SessionFermeeRow(_Table, table=True):
    """A session of the console that somebody closed before it ended by itself (`fin`)."""

    __tablename__ = "session_fermee"

    empreinte: str = Field(primary_key=True)
    fin: dt.datetime


class AbonnementRow(_Table, table=True):
    """Who has asked to be told by e-mail of what waits in a démarche for them."""

    __tablename__ = "abonnement"
    __table_args__ = (Index("uq_abonnement_courriel", "courriel", "demarche_numero", unique=True),)

    id: int | None = _generated()
    demarche_numero: int = _number(index=True)
    # The address with which the person signs in.
    courriel: str
    frequence: str
    abonne_le: dt.datetime
    # A random key, which signs the link that ends it.
    cle: str
    # The day or the week, by its first day in Paris, that was claimed last, so that one service
    # alone sends its digest; null: it was not sent.
    periode: dt.date | None
    # After a failure: not before this instant.
    essai_le: dt.datetime | None
    envoye_le: dt.datetime | None


class SyncStateRow(_Table, table=True):
    """The sync state of a démarche; see `SyncState`."""

    __tablename__ = "sync_state"

    demarche_numero: int = given_number()
    watermark: dt.datetime | None
    page_size: int | None
    page_size_at: dt.datetime | None
    full_cursor: str | None
    full_started_run: int | None = Field(default=None, sa_type=BigInteger)
    full_started_at: dt.datetime | None
    full_mapping_key: str | None
    full_due_at: dt.datetime | None
    last_success_at: dt.datetime | None
    last_incremental_at: dt.datetime | None
    last_full_at: dt.datetime | None
    last_deletions_at: dt.datetime | None
    last_pending_at: dt.datetime | None
    last_deleted_at: dt.datetime | None
    mass_deletion_run: int | None = Field(default=None, sa_type=BigInteger)
    mass_deletion_count: int | None
    mass_deletion_of: int | None
    last_revision_id: str | None
    evidence_key: str | None
    mapping_key: str | None
    writing_key: str | None
    pieces_target: str | None
    rules_version: str | None
    # Of 0.1.0, which kept here what is in `accord` now; removed with the next release.
    refused_rules_since: dt.datetime | None
    refused_rules: Any = json_text()
    # The ids of the descriptors that were found as the validation box so far.
    validation_boxes: Any = json_text()
    # What was announced to be erased by age: when, and by which ages.
    retention_at: dt.datetime | None
    retention_key: str | None
    # The random key of the hashes in table `cle`.
    cle_secrete: str | None


class RevisionRow(_Table, table=True):
    """A revision of a démarche's form."""

    __tablename__ = "revision"

    id: str = Field(primary_key=True)
    demarche_numero: int = _number(index=True)
    date_publication: dt.datetime | None
    descriptors: Any = json_text()
    sceau: int | None = _seal()


class DemarcheRow(_Table, table=True):
    """A démarche as last read from DS."""

    __tablename__ = "demarche"

    number: int = given_number()
    titre: str
    # Its short name in the configuration; null: there is none, and views show the title.
    appel: str | None
    # The words of the configuration for verdicts, by verdict.
    avis: Any = json_text(default={})
    etat: str
    active_revision_id: str
    labels: Any = json_text()
    couleurs: Any = json_text(default={})
    instructeurs: Any = json_text()
    # Whether its views formulaire_* lack a revision, because they were in use when it was stored.
    vues_a_refaire: bool = False
    # The ids of the champs and annotations that readers without personal data see in these views.
    ouverts: Any = json_text(default=[])
    sceau: int | None = _seal()


abonnement = metadata.tables["abonnement"]
alerte = metadata.tables["alerte"]
dossier = metadata.tables["dossier"]
contenu = metadata.tables["contenu"]
piece = metadata.tables["piece"]
cle = metadata.tables["cle"]
declaration = metadata.tables["declaration"]
correction = metadata.tables["correction"]
verdict = metadata.tables["verdict"]
reponse = metadata.tables["reponse"]
jumeau = metadata.tables["jumeau"]
outbox = metadata.tables["outbox"]
pousse = metadata.tables["pousse"]
evenement = metadata.tables["evenement"]
changement = metadata.tables["changement"]
sync_run = metadata.tables["sync_run"]
demande = metadata.tables["demande"]
indicateur = metadata.tables["indicateur"]
quarantaine = metadata.tables["quarantaine"]
accord = metadata.tables["accord"]
sceau = metadata.tables["sceau"]
layout = metadata.tables["layout"]
lease = metadata.tables["lease"]
liste = metadata.tables["liste"]
service = metadata.tables["service"]
turn = metadata.tables["turn"]
budget = metadata.tables["budget"]
session_fermee = metadata.tables["session_fermee"]
sync_state = metadata.tables["sync_state"]
revision = metadata.tables["revision"]
demarche = metadata.tables["demarche"]
