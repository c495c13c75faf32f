"""The engine's tables.

Each column is declared once: what it holds, whose data, and until when are read from here by the
views, the register of processing and the search for a person. Values are validated before they are
stored, not here. Analysts read the views and not the tables.
Instants are aware and in UTC.
"""

# No `from __future__ import annotations`: SQLModel evaluates annotations at class creation.
import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, MetaData, Table, Text, text
from sqlmodel import Field, SQLModel
from sqlmodel.main import get_column_from_field

from dsync.domain.verdict import Controle
from dsync.store.columns import (
    NAMING,
    BigKey,
    JsonText,
    RawJson,
    free,
    given_number,
    kept,
    of_person,
    open_,
    personal,
)

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


# In words that PostgreSQL keeps, and literally, or SQLite would not see what the index is for.
ASKED = (
    "genre <> 'acces' AND genre <> 'consultation' AND genre <> 'telechargement' "
    "AND genre <> 'export' AND genre <> 'sauvegarde'"
)
"""The condition on a row of `demande` that it is an order, and not what somebody saw (`Seen`)."""


def complete_for_postgresql() -> None:
    """Set the conditions of partial indexes for PostgreSQL.

    Not done at import, because SQLAlchemy then loads its PostgreSQL dialect, which takes 30 ms.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])


class _Table(SQLModel):
    """Base whose subclasses declare a table each, and are never instantiated."""

    # So their validators need not be built, nor a mapping (`table=True`), a tenth of each start.
    model_config = {"defer_build": True}
    __table_args__: ClassVar[Any]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Add the table to `metadata`."""
        columns = []
        for name, field in cls.model_fields.items():
            column = get_column_from_field(field)
            column.name = column.key = name
            columns.append(column)
        given = cls.__table_args__
        *indexes, options = given if isinstance(given, tuple) else (given,)
        Table(str(cls.__tablename__), metadata, *columns, *indexes, **options)


# One line a column or an index, however long.
# fmt: off


class DossierRow(_Table):
    """A dossier's state in DS and dsync's bookkeeping: the small row, which is often updated."""

    __tablename__ = "dossier"
    __table_args__ = (
        _partial("ix_dossier_a_evaluer", "demarche_numero", "numero", where="a_evaluer"),
        kept("Une ligne par dossier : son demandeur, son état, ses dates.", "L'effacement du dossier ; en restent son numéro, son état, ses dates et le motif."),
    )

    numero: int = given_number("Numéro du dossier dans Démarches Simplifiées.")
    demarche_numero: int = _number(index=True)
    dossier_id: str | None = open_(index=True)
    revision_id: str | None = open_()
    etat: str = open_("État du dossier : en_construction, en_instruction, accepte, refuse ou sans_suite.")
    presence: str = open_("Présence dans la démarche : present, masque (à la corbeille), supprime (supprimé dans Démarches Simplifiées), disparu (introuvable) ou efface (effacé ici seulement, sur demande). Un dossier expiré, que Démarches Simplifiées masque sans le dire dans aucune liste, est disparu dès la synchronisation qui suit sa date d'expiration, ou à la lecture complète suivante. D'un dossier supprimé ou effacé restent son numéro, ses états, ses dates, et le résultat de ses contrôles sans texte.")
    presence_raison: str | None = open_("Raison pour laquelle il n'est plus visible : celle que donne Démarches Simplifiées (user_request, user_removed, user_expired, expired, instructeur_request, manager_request, procedure_removed), ou celle d'un effacement ici (demande, duree_conservation) ; vide s'il est visible, ou si rien ne la dit.")
    presence_le: dt.datetime | None = open_("Date depuis laquelle il n'est plus visible, en UTC ; vide s'il l'est.")
    archive: bool = open_("Vrai si le dossier est archivé.")
    depose_le: dt.datetime = open_("Date de dépôt, en UTC : le jour à Paris peut être le lendemain.")
    en_construction_le: dt.datetime | None = open_("Date du dernier passage en construction, en UTC : le dépôt, ou le renvoi à l'usager.")
    en_instruction_le: dt.datetime | None = open_("Date du dernier passage en instruction, en UTC.")
    traite_le: dt.datetime | None = open_("Date de la décision en vigueur, en UTC ; vide si le dossier est rouvert.")
    correction_attendue_depuis: dt.datetime | None = open_("Date depuis laquelle une correction demandée à l'usager est attendue, en UTC ; vide si aucune n'est en attente.")
    modifie_le: dt.datetime = open_("Date de dernière modification selon Démarches Simplifiées, en UTC, quelle qu'en soit la cause : une réponse, un message, un changement d'état, mais aussi ce que dsync a inscrit dans le dossier. Ce qu'a fait l'usager : champs_modifie_le.")
    champs_modifie_le: dt.datetime | None = open_("Date à laquelle l'usager a modifié son dossier pour la dernière fois (le dépôt, s'il ne l'a pas modifié), en UTC. C'est elle que dsync appelle « modifié ».")
    annotations_modifie_le: dt.datetime | None = open_("Date de la dernière modification d'une annotation par une personne, en UTC ; ce que dsync inscrit ne la change pas.")
    expire_le: dt.datetime | None = open_("Date à laquelle Démarches Simplifiées fera expirer le dossier, en UTC ; vide si elle n'en donne pas.")
    supprime_par_usager_le: dt.datetime | None
    synchronise_le: dt.datetime = open_("Date à laquelle un contenu nouveau du dossier a été enregistré ici, en UTC.")
    modifie_ici_le: dt.datetime | None = open_("Date à laquelle ce que cette base dit du dossier a changé pour la dernière fois, en UTC : contenu, dates, messages, présence, verdict, réponse, inscription ; un chargement par différence s'y fie. Une vue dont les lignes suivent aussi l'heure ou d'autres dossiers n'a pas cette colonne, et se recharge entière.")
    content_hash: str | None = open_()
    annotations_hash: str | None = open_()
    inputs_hash: str | None = open_()
    # The last run that saw the dossier: a full read finds the disappeared ones by it.
    lu_par_run: int = _number()
    a_evaluer: bool
    siret: str | None = of_person("SIRET du demandeur ; vide si c'est une personne.", index=True)
    siren: str | None = of_person("SIREN du demandeur : les neuf premiers chiffres du SIRET.")
    raison_sociale: str | None = of_person("Raison sociale du demandeur.")
    forme_juridique_code: str | None = open_("Code de la catégorie juridique (Insee) du demandeur.")
    # The applicant: a natural person's names, an organisation's address.
    demandeur_type: str | None = open_("Type du demandeur : personne_physique, personne_morale, personne_morale_incomplete (seul son SIRET est connu) ou inconnu (Démarches Simplifiées n'a pas pu le rendre).")
    demandeur_civilite: str | None = personal("Civilité du demandeur, M ou Mme ; vide si c'est un organisme.")
    demandeur_nom: str | None = personal("Nom du demandeur ; vide si c'est un organisme, qui a une raison_sociale.")
    demandeur_prenom: str | None = personal("Prénom du demandeur ; vide si c'est un organisme.")
    commune_code: str | None = of_person("Code Insee de la commune du demandeur, à l'adresse de l'établissement ; vide, comme les cinq colonnes suivantes, si c'est une personne.")
    commune: str | None = of_person("Nom de la commune du demandeur.")
    departement_code: str | None = of_person("Code du département du demandeur, à l'adresse de l'établissement.")
    departement_nom: str | None = of_person("Nom du département du demandeur.")
    region_code: str | None = of_person("Code Insee de la région du demandeur, à l'adresse de l'établissement.")
    region_nom: str | None = of_person("Nom de la région du demandeur, à l'adresse de l'établissement.")
    usager_courriel: str | None = personal("Courriel du compte qui a déposé le dossier : celui du demandeur, ou de qui agit pour lui.", index=True)
    mandataire_nom: str | None = personal("Prénom et nom de la personne qui a déposé le dossier pour un tiers ; vide s'il n'y en a pas.")
    groupe_instructeur: str | None = open_("Groupe instructeur du dossier.")
    instructeurs: Any = personal("Courriels des personnes qui suivent le dossier.", JsonText())
    dernier_message_le: dt.datetime | None = open_("Date du dernier message de la messagerie du dossier, en UTC ; vide s'il n'y en a pas.")
    dernier_message_de: str | None = open_("Côté de qui l'a écrit : usager, administration, automatique ou autre (sens dans lecture_valeur).")
    demande_le: dt.datetime | None = open_("Date à laquelle l'administration a écrit à l'usager, ou lui a demandé une correction, en UTC : le premier message depuis le dernier mot de l'usager ; vide si elle ne l'a pas fait.")
    repondu_le: dt.datetime | None = open_("Date à laquelle l'usager a répondu à cette demande, par un message ou en modifiant son dossier, en UTC ; sans demande, celle de son premier message. Vide s'il n'a pas répondu.")
    nb_messages: int | None = open_("Nombre de messages de la messagerie du dossier ; vide si Démarches Simplifiées n'a pas pu le dire, ou si le dossier est effacé.")
    labels: Any = open_(type_=JsonText())
    efface_le: dt.datetime | None
    sceau: int | None = _seal()


class ContenuRow(_Table):
    """A dossier's contents as JSON; the row is deleted when the dossier is erased."""

    __tablename__ = "contenu"
    __table_args__ = kept("Une ligne par dossier : tout ce que Démarches Simplifiées en donne, en JSON.", "L'effacement du dossier, qui supprime la ligne.")

    numero: int = given_number()
    demarche_numero: int = _number()
    demandeur: Any = personal("Demandeur : organisme, ou personne physique (civilité, nom, prénom).", JsonText())
    divers: Any = free("Motivation de la décision.", JsonText())
    traitements: Any = personal("Étapes de l'instruction : motivation, courriel de l'agent.", JsonText())
    # `de` is a side and no address; null: never read.
    messages: Any = open_(type_=JsonText())
    champs: Any = free("Réponses de l'usager, noms des pièces jointes compris.", RawJson())
    annotations: Any = free("Annotations privées de l'équipe d'instruction, grilles comprises.", RawJson())
    # Names of the parts that DS has never rendered (`Record.unread`); null: there are none.
    lacunes: Any = open_(type_=JsonText())
    # All champs and annotations in one flat list, those in the rows of repetitions too, with their
    # texts: `lecture_champ` reads it, in half the time that `champs` and `annotations` would take.
    cellules: Any = free("Les mêmes réponses et annotations, à plat.", RawJson())


class ListeRow(_Table):
    """By what lists find, filter and sort a dossier: short, and without what its JSON has more of.

    It is written with the dossier and deleted when that is erased.
    """

    __tablename__ = "liste"
    __table_args__ = kept("Une ligne par dossier : ce qui sert à le chercher, à le filtrer et à le trier dans les listes.", "L'effacement du dossier, qui supprime la ligne.")

    numero: int = given_number()
    demarche_numero: int = _number()
    # `searchable` of number, SIREN, SIRET and organisation; of the programme's free texts; of
    # names and addresses of persons.
    texte: str = of_person("Numéro, SIREN, SIRET et raison sociale, sans accents.")
    libre: str = free("Adresse de la page du produit, telle que saisie, sans accents.")
    personnes: str = personal("Noms et courriels du demandeur, du déposant, du mandataire et du contact, sans accents.")
    etape: str | None = open_()
    attend: str | None = open_()
    # When the next stage begins: from then on, `lecture_suivi` says which one.
    etape_fin: dt.datetime | None
    # Of the programme, else the applicant's.
    departement_code: str | None = of_person("Code du département d'affectation, sinon du demandeur.")
    departement_nom: str | None = of_person("Nom du département d'affectation, sinon du demandeur.")
    # Such as `|technique|produit|`.
    profils: str | None = open_()


class PieceRow(_Table):
    """The copy of a file, or why there is none; states: `CopyState`.

    A row is written before its file. `a_supprimer`: the file has to be deleted, then the row is.
    """

    __tablename__ = "piece"
    __table_args__ = (
        _partial("uq_piece_vivante", "numero", "champ_id", "ligne", "empreinte_md5", unique=True, where="NOT a_supprimer"),
        kept("Une ligne par copie d'une pièce jointe ; le fichier est à cette adresse, sous un nom qui n'est pas celui de l'usager.", "L'effacement du dossier ou le retrait de la pièce, qui supprime le fichier, puis la ligne."),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    champ_id: str = open_()
    # The id of the row in a repetition; "" outside of one.
    ligne: str = open_()
    empreinte_md5: str = open_()
    # Where the copy is, or would be.
    adresse: str = open_()
    etat: str = open_("État de la copie : copiee, en_cours (commencée), a_analyser, infectee, absente, trop_grande, non_conforme ou echec (chacun dans lecture_valeur) ; vide si elle n'a pas été demandée.")
    copie_le: dt.datetime | None = open_("Date de la copie, en UTC.")
    essais: int
    prochain_essai_le: dt.datetime
    # The dossier's `content_hash` with which the file was last seen in its champ.
    content_hash: str | None = open_()
    a_supprimer: bool


class CleRow(_Table):
    """Answers that checks compare between dossiers, as a keyed hash; equal ones are doublons."""

    __tablename__ = "cle"
    __table_args__ = kept("Une ligne par dossier et par contrôle de doublon qui compare des réponses : une empreinte à clé secrète des réponses comparées, qui ne permet pas de les retrouver.", "L'effacement du dossier, qui supprime la ligne.")

    numero: int = given_number()
    controle: str = open_(primary_key=True)
    cle: str = open_(index=True)


class JumeauRow(_Table):
    """What an erased dossier still counts for as a doublon: public, nothing that anybody typed.

    Of one that an operator erased here, as long as DS has it; its state is in `dossier`. `montre`:
    whether DS showed it when it was last looked for.
    """

    __tablename__ = "jumeau"
    __table_args__ = kept("Une ligne par dossier effacé ici dont le produit était connu : l'identifiant public de ce produit, sans rien de ce que quelqu'un a écrit. L'état et les dates de ce dossier sont ceux que garde `dossier` ; l'état suit Démarches Simplifiées. Sans cette ligne, un autre dossier pour le même produit deviendrait éligible.", "La suppression du dossier dans Démarches Simplifiées, ou la levée de l'effacement, qui supprime la ligne.")

    numero: int = given_number()
    demarche_numero: int = _number()
    produit: str = open_(index=True)
    montre: bool


class VersionReglesRow(_Table):
    """A version of rules that has judged, whole; rows are never changed nor deleted."""

    __tablename__ = "version_regles"
    __table_args__ = kept("Une ligne par version des règles ou des contrôles déclarés qui a établi un verdict, entière.", "La suppression de la base ; ce sont des règles.")

    version: str = open_("Version, telle que dans lecture_precontrole.version_regles.", primary_key=True)
    # Of declared checks, how their versions begin; null: the programme's rules.
    famille: str | None = open_()
    depuis_le: dt.datetime = open_("Date du premier verdict établi par cette version, en UTC.")
    document: Any = open_(type_=JsonText())
    # Its parts that name applicants.
    prive: Any = personal("Décisions permanentes sur des candidats : SIREN, réponse, autorité, date, raison.", JsonText())
    sceau: int | None = _seal()


class CorrectionRow(_Table):
    """A correction that the usager was asked for: DS tells only which one is pending."""

    __tablename__ = "correction"
    __table_args__ = kept("Dates des corrections demandées à l'usager.", "La suppression de la base ; ce ne sont que des dates.")

    numero: int = given_number()
    demandee_le: dt.datetime = Field(primary_key=True)
    # DS's date of the change with which it was pending no more.
    finie_le: dt.datetime | None


class VerdictRow(_Table):
    """A verdict. Rows are kept as history; `courant` marks the newest one of a dossier."""

    __tablename__ = "verdict"
    __table_args__ = (
        _partial("uq_verdict_courant", "numero", unique=True, where="courant"),
        # Rows are long: what is counted of them is in an index.
        Index("ix_verdict_numero", "numero", "courant", "verdict", "depuis_le", "demarche_numero", "points"),
        kept("Une ligne par verdict du pré-contrôle, y compris ceux qui ont été remplacés.", "L'effacement du dossier ; en restent le verdict et le résultat de chaque contrôle, sans texte."),
    )

    id: int | None = _generated()
    numero: int = _number()
    demarche_numero: int = _number()
    verdict: str = open_("Verdict : Éligible, Rien à signaler, À vérifier, Inéligible ou Indéterminé.")
    # The checks that keep it from the best one, as `points_of` (`domain.check_answers`) writes
    # them: 2,160 characters at most, because PostgreSQL takes 2,700 bytes into an index.
    points: str = open_()
    detail: str | None = free("Motifs en toutes lettres ; vide pour un dossier effacé.", Text)
    etabli_le: dt.datetime = open_("Date à laquelle ce verdict a été rendu, même s'il se lit comme le précédent, en UTC.")
    version_regles: str = open_("Version des règles et des listes appliquées.")
    inputs_hash: str | None = open_()
    preuve_hash: str | None = open_()
    doublons: Any = open_(type_=JsonText())
    controles: Any = free("Contrôles, avec leurs motifs et leurs preuves.", JsonText(tuple[Controle, ...]))
    # Facts for the programme's views.
    constats: Any = free("Faits constatés.", JsonText())
    # Frozen evidence for the dossier's later verdicts, in the programme's form.
    preuve: Any = free("Preuve conservée.", JsonText())
    remarque: str | None = free("Remarque à côté du verdict ; vide s'il n'y en a pas.")
    # Since when result and detail are as they are; `etabli_le` is the date of this row.
    depuis_le: dt.datetime
    courant: bool = open_("Vrai pour le verdict en cours, un seul par dossier.")
    sceau: int | None = _seal()


class ReponseRow(_Table):
    """What a person established about a check; statuses: `AnswerStatus`.

    Rows are kept as history, and deleted when the dossier is erased. `constat` is what the check
    had found, on which the answer rests.
    """

    __tablename__ = "reponse"
    __table_args__ = (
        _partial("uq_reponse_valable", "numero", "controle", unique=True, where="statut = 'valable'"),
        kept("Une ligne par réponse donnée par une personne à un contrôle, y compris celles qui ont été retirées ou remplacées.", "L'effacement du dossier, qui supprime la ligne. Le nom de l'agent y reste jusque-là : il répond de ce qu'il a établi."),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    controle: str = open_("Contrôle, sous le nom qu'il a dans les verdicts.")
    resultat: str = open_("Ce que la personne a établi : conforme ou non_conforme.")
    motif: str = free("Raison qu'elle en a donnée.", Text)
    # The account and its machine, or an e-mail address.
    auteur: str = personal("Compte ou courriel de cette personne.")
    repondu_le: dt.datetime = open_("Date de la réponse, en UTC.")
    constat: Any = free("Ce que le contrôle avait trouvé, avec sa preuve.", JsonText(Controle))
    # The id of the product that the person named, if any.
    produit: str | None = open_("Produit du catalogue public sur lequel porte le dossier, selon elle ; vide si elle n'en nomme pas.")
    statut: str = open_()
    # When it was withdrawn or replaced, and by whom.
    finie_le: dt.datetime | None = open_("Date à laquelle la réponse a été remplacée ou retirée, en UTC ; vide sinon.")
    finie_par: str | None = personal("Compte ou courriel de qui l'a remplacée ou retirée ; vide sinon.")
    sceau: int | None = _seal()


class OutboxRow(_Table):
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
        _partial("ix_outbox_erreur", "demarche_numero", "statut", "courante", where="erreur IS NOT NULL"),
        kept("Une ligne par valeur que dsync a voulu inscrire dans un dossier, y compris les anciennes.", "L'effacement du dossier ; en restent l'annotation, le statut et les dates."),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    annotation: str = open_("Ce qui est inscrit : resultat, detail, date (des annotations) ou label (l'étiquette).")
    valeur: str | None = free("Valeur voulue ; vide pour un dossier effacé.", Text)
    # The verdict whose detail is the wanted value, which stands there alone (`wishes.VALUE`).
    du_verdict: int | None = Field(default=None, sa_type=BigInteger)
    statut: str = open_("Statut : en_attente, confirmee (par dsync, ou la même écrite par une personne), refusee, conflit (une personne a écrit autre chose), incertaine (envoyée sans réponse), remplacee (par une valeur plus récente ou par une personne) ou suspendue (pré-contrôle validé).")
    tentatives: int = open_("Nombre d'envois.")
    prochain_essai_le: dt.datetime | None
    creee_le: dt.datetime
    envoyee_le: dt.datetime | None = open_("Date du dernier envoi, en UTC ; vide si la valeur n'a pas été envoyée.")
    confirmee_le: dt.datetime | None = open_("Date à laquelle Démarches Simplifiées a montré pour la première fois cette valeur dans le dossier, en UTC, que dsync l'ait envoyée ou non ; vide si elle n'y a jamais figuré, que l'on sache. Elle reste quand la valeur est remplacée ensuite.")
    valeur_distante: str | None = free("Valeur qu'une personne a écrite à la place.", Text)
    erreur: str | None = free("Raison du refus ou de l'attente.", Text)
    # When the human wrote `valeur_distante`, by DS's date, or when it was first seen.
    distante_le: dt.datetime | None
    # The id of the annotation's descriptor when it was last sent, confirmed or stopped.
    cible: str | None = open_()
    courante: bool
    # User and host that ordered it to overwrite a human's value.
    force_par: str | None = personal("Agent qui a ordonné d'écraser une valeur.")
    # The value that this user was shown, and that alone is overwritten; null: any value.
    force_sur: str | None = free("Valeur que cet agent a vue.", Text)
    definitive: bool


class PousseRow(_Table):
    """The value that dsync last wrote into an annotation, confirmed by DS, or adopted.

    It is separate from the outbox, which contains the wished values: a value in DS is a human's
    edit if it differs from the one pushed, whatever is wished now.
    """

    __tablename__ = "pousse"
    __table_args__ = kept("Dernière valeur que dsync a inscrite, par annotation.", "L'effacement du dossier, qui supprime la ligne.")

    numero: int = given_number()
    annotation: str = open_(primary_key=True)
    valeur: str | None = free("Valeur inscrite.", Text)
    # The id of the annotation's descriptor, or the label. One created anew in DS has another id,
    # and dsync has written nothing there.
    cible: str | None = open_()
    # Since when `valeur` counts as dsync's: written, confirmed, or adopted.
    connue_le: dt.datetime | None
    # DS's date of the last manual edit of annotations, read just before the write.
    annotations_vues_le: dt.datetime | None
    # A value that was sent without an answer: dsync may have written it.
    incertaine: str | None = free("Valeur envoyée dont la réponse s'est perdue.", Text)
    incertaine_cible: str | None = open_()
    # When it was sent: DS can still execute the write for a while.
    incertaine_depuis: dt.datetime | None


class EvenementRow(_Table):
    """An event of a dossier; `details` has names of fields and values that a push replaced."""

    __tablename__ = "evenement"
    __table_args__ = kept("Journal de chaque dossier.", "L'effacement du dossier, pour les précisions, et l'âge de `[retention] logs`, pour le nom de l'agent ; le nom et la date de l'événement restent.")

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    survenu_le: dt.datetime = open_("Date à laquelle l'événement a été constaté, en UTC.")
    evenement: str = open_("Événement : cree, modifie, etat, masque, restaure, supprime, disparu, efface, verdict, pousse, adopte, conflit, conflit_resolu, quarantaine, liberation, preuve_relue, reponse ou effacement_leve (sens dans lecture_valeur).")
    details: str | None = personal("Précisions en JSON : des noms et des codes, dont les causes d'un nouveau verdict (regles, dossier, preuves, doublons ou reponses) ; d'un envoi forcé, aussi ce qu'il a remplacé et qui l'a demandé. Vide une fois le dossier effacé.", Text)
    run: int | None = Field(default=None, sa_type=BigInteger)
    sceau: int | None = _seal()


class ChangementRow(_Table):
    """A later value of a champ, an annotation or a fact of a dossier, with the one before it.

    The rows are deleted when the dossier is erased.
    """

    __tablename__ = "changement"
    # Rows are long: those of a page are chosen, sorted and counted by the index alone.
    __table_args__ = (
        Index("ix_changement_par", "demarche_numero", "par", "constate_le", "modifie_le", "id", "numero", "champ_id"),
        kept("Valeurs antérieures et nouvelles des réponses et des annotations.", "L'effacement du dossier, qui supprime la ligne."),
    )

    id: int | None = _generated()
    numero: int = _number(index=True)
    demarche_numero: int = _number()
    origine: str = open_("Ce qui a changé : champ (formulaire de l'usager), annotation (privée, de l'équipe d'instruction) ou dossier (état, groupe, étiquettes).")
    champ_id: str = open_("Identifiant du champ, comme dans lecture_champ ; pour le dossier : etat, groupe_instructeur ou etiquettes.", index=True)
    libelle: str | None = open_("Libellé du champ dans la révision du formulaire la plus récente quand le changement a été constaté.", Text)
    ligne: int | None = open_("Place de la ligne dans un bloc répétable, à partir de 1 ; vide hors des blocs répétables. Une ligne retirée fait remonter les suivantes : leurs valeurs changent de place.")
    ancienne_valeur: str | None = free("Valeur d'avant, en toutes lettres ; vide s'il n'y en avait pas.", Text)
    nouvelle_valeur: str | None = free("Valeur d'après, en toutes lettres ; vide si elle a été effacée ou si le champ n'est plus dans le formulaire. Égale à l'ancienne : une pièce jointe a été remplacée par une autre du même nom, ou une zone d'une carte a un autre tracé.", Text)
    constate_le: dt.datetime = open_("Date à laquelle dsync a lu la nouvelle valeur, en UTC.")
    # DS's own date of the change, where one of its dates moved.
    modifie_le: dt.datetime | None = open_("Date de la modification selon Démarches Simplifiées, en UTC : la dernière des champs, des annotations ou du dossier, ou celle du changement d'état ; vide si aucune de ces dates n'a bougé.")
    apres_depot: bool = open_("Vrai si le changement est postérieur au dépôt.")
    par: str = open_("Qui a changé la valeur : usager, instructeur, dsync (la valeur est la dernière qu'il a envoyée) ou inconnu (plusieurs personnes depuis la dernière lecture, une révision du formulaire, Démarches Simplifiées même, ou rien ne le dit).")
    sceau: int | None = _seal()


class SyncRunRow(_Table):
    """A run over one démarche, with its figures."""

    __tablename__ = "sync_run"
    # By which the last runs of each démarche are found.
    __table_args__ = (Index(None, "demarche_numero", "run"), kept("Journal des synchronisations (`dsync history`).", "L'âge de `[retention] logs` ; sans lui, la suppression de la base."))

    run: int = given_number("Numéro de la synchronisation.")
    demarche_numero: int = _number()
    genre: str = open_("Genre : incremental, complet, dossier, envoi (annotations seules), precontrole, effacement, pieces (copie des fichiers) ou accord (ce qui attendait l'accord d'une personne).")
    statut: str = open_()
    debut: dt.datetime = open_("Début, en UTC.")
    fin: dt.datetime | None = open_("Fin, en UTC ; vide si elle est en cours.")
    demande_par: str | None = personal("Compte ou courriel de l'agent qui a lancé la synchronisation.")
    lus: int = open_("Dossiers lus.")
    modifies: int = open_("Dossiers nouveaux ou modifiés.")
    supprimes: int = open_("Dossiers masqués, supprimés ou disparus.")
    evalues: int = open_("Verdicts établis.")
    pousses: int = open_("Dossiers dans lesquels une annotation a été inscrite.")
    conflits: int
    en_quarantaine: int
    requetes: int = open_("Requêtes adressées à Démarches Simplifiées.")
    erreur: str | None = open_("Ce qui a empêché ou gêné la synchronisation.", Text)
    # The exit code of a command with this result; none while it runs, or if it was killed.
    code: int | None = open_("Code de sortie de la synchronisation : 0 réussie, 3 jeton refusé, 4 frein de sécurité, 5 base de données, 7 faite en partie, 8 Démarches Simplifiées injoignable, 130 interrompue ; vide si elle est en cours ou si le processus s'est arrêté avant la fin.")
    figures: Any = open_(type_=JsonText())
    sceau: int | None = _seal()


class DemandeRow(_Table):
    """What a person asked for: a run of the service, or what a command did by itself.

    `en_file`: for a service to execute; it is unfinished until `fini_le` is set.
    """

    __tablename__ = "demande"
    __table_args__ = (
        _partial("ix_demande_ouverte", "demarche_numero", "id", where="en_file AND fini_le IS NULL"),
        # A minute in which somebody looks at dossiers is a row, too: lists of orders pass them by.
        _partial("ix_demande_demandee", "demarche_numero", "id", where=ASKED),
        kept("Journal de ce que des agents ont demandé (`dsync history --manual`), de qui a vu quoi (`dsync history --seen`) ; et, jusqu’à leur lecture, numéros des dossiers annoncés par Démarches Simplifiées.", "L'âge de `[retention] logs` ; sans lui, la suppression de la base."),
    )

    id: int | None = _generated()
    demarche_numero: int = _number(index=True)
    genre: str = open_()
    options: Any = free("Ce qui est demandé : numéros de dossiers ; jusqu'à l'exécution, les valeurs à écraser et la raison d'une réponse.", JsonText())
    # The account and its machine, or an e-mail address.
    demande_par: str = personal("Compte ou courriel de l'agent.")
    demande_le: dt.datetime
    en_file: bool
    commence_le: dt.datetime | None
    fini_le: dt.datetime | None
    run: int | None = Field(default=None, sa_type=BigInteger)
    # The exit code of a command with this result.
    code: int | None
    resultat: Any = open_(type_=JsonText())


class AlerteRow(_Table):
    """An alert of a démarche, see `AlertEntry`: its beginning, when it was told, its end."""

    __tablename__ = "alerte"
    __table_args__ = kept("Alertes en cours : des nombres.", "La fin de l'alerte.")

    demarche_numero: int = given_number()
    nom: str = open_(primary_key=True)
    cause: str = open_()
    nombre: int
    depuis: dt.datetime
    essai_le: dt.datetime | None
    dite_le: dt.datetime | None
    finie_le: dt.datetime | None


class IndicateurRow(_Table):
    """A figure of the démarche on a day of Paris; it is about no dossier in particular."""

    __tablename__ = "indicateur"
    __table_args__ = kept("Chiffres de chaque jour, sans dossier.", "La suppression de la base.")

    demarche_numero: int = given_number()
    jour: dt.date = open_("Jour, à l'heure de Paris.", primary_key=True)
    indicateur: str = open_("Indicateur (sens dans lecture_valeur).", primary_key=True)
    valeur: float = open_("Valeur : un nombre de dossiers, de jours ou d'heures selon l'indicateur.")
    sceau: int | None = _seal()


class SceauRow(_Table):
    """The number of rows of a table of the history, and the sum of their hashes (`seals.py`)."""

    __tablename__ = "sceau"
    __table_args__ = kept("Nombre et somme de contrôle des lignes de chaque table de l'historique, par démarche.", "La suppression de la base.")

    demarche_numero: int = given_number()
    journal: str = open_(primary_key=True)
    lignes: int = _number()
    somme: int = _number()


class QuarantaineRow(_Table):
    """A dossier that could not be read or judged, with the reason."""

    __tablename__ = "quarantaine"
    __table_args__ = kept("Dossiers illisibles, avec la cause.", "La lecture suivante du dossier, ou son effacement.")

    demarche_numero: int = given_number()
    numero: int = given_number("Numéro du dossier ; vide pour une suppression massive.")
    code: str = open_("Code de l'anomalie.")
    message: str = open_("Explication.")
    depuis: dt.datetime = open_("Date de la première anomalie, en UTC.")
    tentatives: int = open_("Nombre de tentatives.")
    dernier_essai_le: dt.datetime


class AccordRow(_Table):
    """What waits for a person's consent, or has it and is not done yet: one row a kind."""

    __tablename__ = "accord"
    __table_args__ = kept("Ce qui attend l'accord d'une personne : numéros de dossiers, avis avant et après, sans rien d'un demandeur.", "L'exécution, ou la fin de la cause.")

    demarche_numero: int = given_number()
    genre: str = open_(primary_key=True)
    version: str = open_()
    document: Any = open_(type_=JsonText())
    depuis_le: dt.datetime
    donne_le: dt.datetime | None
    donne_par: str | None = personal("Compte ou courriel de l'agent.")
    sceau: int | None = _seal()


class LeaseRow(_Table):
    """The lease of a démarche. `token` only grows, so that a former holder is recognised."""

    __tablename__ = "lease"
    __table_args__ = kept("Processus qui travaille sur la démarche (machine et numéro).", "La fin de la synchronisation.")

    demarche_numero: int = given_number()
    holder: str | None = open_()
    token: int = _number()
    acquired_at: dt.datetime
    expires_at: dt.datetime


class ServiceRow(_Table):
    """A running service, for operators; it updates its row every minute."""

    __tablename__ = "service"
    __table_args__ = kept("Services en marche (machine et numéro).", "L'arrêt du service.")

    demarche_numero: int = given_number()
    holder: str = open_(primary_key=True)
    version: str = open_()
    started_at: dt.datetime
    seen_at: dt.datetime
    next_run_at: dt.datetime


class TurnRow(_Table):
    """When the next run of a démarche is due, and until when a service is about to begin it.

    `failures`: failed runs since the last success, the first one at `failing_since`.
    """

    __tablename__ = "turn"
    __table_args__ = kept("Quand la démarche est lue de nouveau.", "La suppression de la base.")

    demarche_numero: int = given_number()
    due_at: dt.datetime
    claimed_until: dt.datetime | None
    failures: int = 0
    failing_since: dt.datetime | None


class BudgetRow(_Table):
    """The requests that processes may send with a token: `grants` has those of the last minute.

    `cle` is a keyed hash of the token. The row without one has the key as `grants`.
    """

    __tablename__ = "budget"
    __table_args__ = kept("Requêtes accordées par minute et par jeton : une empreinte à clé secrète du jeton, et des nombres.", "La suppression de la base.")

    cle: str = open_(primary_key=True)
    grants: Any = open_(type_=JsonText())
    paused_until: dt.datetime | None


class LayoutRow(_Table):
    """Which tables and views a part of this database has; see `layout.py`."""

    __tablename__ = "layout"
    __table_args__ = kept("Une ligne par partie de la base : l'empreinte de ses tables et de ses vues, la version qui les a faites.", "La suppression de la base.")

    # « dsync » for the engine's part, else the programme's name.
    part: str = open_(primary_key=True)
    fingerprint: str = open_()
    # The version of dsync that made them, and when.
    version: str = open_()
    made_at: dt.datetime


class SessionFermeeRow(_Table):
    """A session of the console that somebody closed before it ended by itself (`fin`)."""

    __tablename__ = "session_fermee"
    __table_args__ = kept("Sessions fermées de la console : une empreinte, sans nom.", "La fin prévue de la session (8 h).")

    empreinte: str = open_(primary_key=True)
    fin: dt.datetime


class AbonnementRow(_Table):
    """Who has asked to be told by e-mail of what waits in a démarche for them."""

    __tablename__ = "abonnement"
    __table_args__ = (Index("uq_abonnement_courriel", "courriel", "demarche_numero", unique=True), kept("Une ligne par agent qui a demandé à recevoir par courriel ce qui l'attend dans la démarche.", "La désinscription, ou le premier envoi après la fin de son rôle, qui suppriment la ligne."))

    id: int | None = _generated()
    demarche_numero: int = _number(index=True)
    # The address with which the person signs in.
    courriel: str = personal("Courriel de l'agent.")
    frequence: str = open_()
    abonne_le: dt.datetime
    # A random key, which signs the link that ends it.
    cle: str = open_()
    # The day or the week, by its first day in Paris, that was claimed last, so that one service
    # alone sends its digest; null: it was not sent.
    periode: dt.date | None
    # After a failure: not before this instant.
    essai_le: dt.datetime | None
    envoye_le: dt.datetime | None


class SyncStateRow(_Table):
    """The sync state of a démarche; see `SyncState`."""

    __tablename__ = "sync_state"
    __table_args__ = kept("Où en est la lecture de la démarche.", "La suppression de la base.")

    demarche_numero: int = given_number()
    watermark: dt.datetime | None
    page_size: int | None
    page_size_at: dt.datetime | None
    full_cursor: str | None = open_()
    full_started_run: int | None = Field(default=None, sa_type=BigInteger)
    full_started_at: dt.datetime | None
    full_mapping_key: str | None = open_()
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
    last_revision_id: str | None = open_()
    evidence_key: str | None = open_()
    mapping_key: str | None = open_()
    writing_key: str | None = open_()
    pieces_target: str | None = open_()
    rules_version: str | None = open_()
    # Of 0.1.0, which kept here what is in `accord` now; removed with the next release.
    refused_rules_since: dt.datetime | None
    refused_rules: Any = open_(type_=JsonText())
    # The ids of the descriptors that were found as the validation box so far.
    validation_boxes: Any = open_(type_=JsonText())
    # What was announced to be erased by age: when, and by which ages.
    retention_at: dt.datetime | None
    retention_key: str | None = open_()
    # The random key of the hashes in table `cle`.
    cle_secrete: str | None = open_()


class RevisionRow(_Table):
    """A revision of a démarche's form."""

    __tablename__ = "revision"
    __table_args__ = kept("Le formulaire : libellés et types des champs.", "La suppression de la base.")

    id: str = open_(primary_key=True)
    demarche_numero: int = _number(index=True)
    date_publication: dt.datetime | None
    descriptors: Any = open_(type_=JsonText())
    sceau: int | None = _seal()


class DemarcheRow(_Table):
    """A démarche as last read from DS."""

    __tablename__ = "demarche"
    __table_args__ = kept("La démarche telle que lue en dernier.", "La lecture suivante, pour qui n'est plus instructeur.")

    number: int = given_number()
    titre: str = open_("Titre de la démarche dans Démarches Simplifiées ; vide tant qu'elle n'a pas été lue.")
    # Its short name in the configuration; null: there is none, and views show the title.
    appel: str | None = open_()
    # The words of the configuration for verdicts, by verdict.
    avis: Any = open_(type_=JsonText(), default={})
    etat: str = open_()
    active_revision_id: str = open_()
    labels: Any = open_(type_=JsonText())
    couleurs: Any = open_(type_=JsonText(), default={})
    instructeurs: Any = personal("Courriels des instructeurs, par groupe.", JsonText())
    # Whether its views formulaire_* lack a revision, because they were in use when it was stored.
    vues_a_refaire: bool = False
    # The ids of the champs and annotations that readers without personal data see in these views.
    ouverts: Any = open_(type_=JsonText(), default=[])
    # The champ or annotation of which the configuration makes a column of the programme's views.
    origines: Any = open_(type_=JsonText(), default=[])
    sceau: int | None = _seal()


class ColonneRow(_Table):
    """What views say of their columns, written where the views are made."""

    __tablename__ = "colonne"
    __table_args__ = kept("Une ligne par colonne de chaque vue : ce qu'elle veut dire, sans aucun dossier.", "La suppression de la base.")

    vue: str = open_("Vue.", primary_key=True)
    colonne: str = open_("Colonne de cette vue.", primary_key=True)
    rang: int = open_("Place de la colonne dans la vue, à partir de 1.")
    type: str = open_("Type : integer, number, boolean, date, datetime, json ou text.")
    sens: str = open_("Ce que cette colonne veut dire.", Text)
    marque: str | None = open_("Donnée personnelle, Texte libre, Note du jury, ou la condition à laquelle elle l'est ; vide si elle est ouverte à qui lit sans données personnelles.")
    depuis: str | None = open_("Version de dsync qui l'a apportée ; vide pour un champ du formulaire.")
    # Of a column of `formulaire_*`.
    demarche_numero: int | None = Field(default=None, sa_type=BigInteger)
    origine: str | None = open_()
    champ_id: str | None = open_()


class GristRow(_Table):
    """What dsync made of a view in a Grist document, so that it leaves all else there alone."""

    __tablename__ = "grist"
    __table_args__ = kept("Une ligne par vue tenue à jour dans un document Grist : les identifiants de la table, des colonnes et des lignes que dsync y a créées.", "Le retrait de la démarche (dsync forget).")

    demarche_numero: int = Field(sa_type=BigInteger, primary_key=True)
    # A hash of the document's address.
    document: str = open_(primary_key=True)
    vue: str = open_(primary_key=True)
    table_ref: int
    # Grist's references of columns, by the view's.
    colonnes: Any = open_(type_=JsonText())
    # Grist's ids of rows, by the dossier's number and a hash of the row's key.
    lignes: Any = open_(type_=JsonText())


abonnement = metadata.tables["abonnement"]
colonne = metadata.tables["colonne"]
grist = metadata.tables["grist"]
alerte = metadata.tables["alerte"]
dossier = metadata.tables["dossier"]
contenu = metadata.tables["contenu"]
piece = metadata.tables["piece"]
cle = metadata.tables["cle"]
version_regles = metadata.tables["version_regles"]
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
