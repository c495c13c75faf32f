"""The engine's tables.

Each column is declared once: what it holds, whose data, and until when are read from here by the
views, the register of processing and the search for a person. Values are validated before they are
stored, not here. Analysts read the views and not the tables.
Instants are aware and in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from dsync.annotations.wish import Annotation, WishStatus
from dsync.domain.check_answers import RESULTS
from dsync.domain.conversation import Cote
from dsync.domain.dossier import Cell, DemandeurType, Etat, Presence
from dsync.domain.pieces import CopyState
from dsync.domain.verdict import Controle, Verdict
from dsync.store.codes import ANOMALIES, INDICATEURS, Author, EventName, Kind, Origin
from dsync.store.columns import (
    NAMING,
    BigKey,
    Instant,
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


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


# In words that PostgreSQL keeps, and literally, or SQLite would not see what the index is for.
ASKED = (
    "genre <> 'acces' AND genre <> 'consultation' AND genre <> 'telechargement' "
    "AND genre <> 'export' AND genre <> 'sauvegarde' AND genre <> 'refus'"
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


# One line a column or an index, however long.
# fmt: off


# A dossier's state in DS and dsync's bookkeeping: the small row, which is often updated.
dossier = Table(
    "dossier", metadata,
    given_number("numero", "Numéro du dossier dans Démarches Simplifiées."),
    open_("demarche_numero", BigInteger, index=True),
    open_("dossier_id", String, nullable=True, index=True),
    open_("revision_id", String, nullable=True),
    open_("etat", String, "État du dossier : {codes}.", Etat),
    open_("presence", String, "Présence dans la démarche : {codes}. Un dossier expiré, que Démarches Simplifiées masque sans le dire dans aucune liste, est disparu dès la synchronisation qui suit sa date d'expiration, ou à la lecture complète suivante. D'un dossier supprimé ou effacé restent son numéro, ses états, ses dates, et le résultat de ses contrôles sans texte.", Presence),
    open_("presence_raison", String, "Raison pour laquelle il n'est plus visible : celle que donne Démarches Simplifiées (user_request, user_removed, user_expired, expired, instructeur_request, manager_request, procedure_removed), ou celle d'un effacement ici (demande, duree_conservation) ; vide s'il est visible, ou si rien ne la dit.", nullable=True),
    open_("presence_le", Instant, "Date depuis laquelle il n'est plus visible, en UTC ; vide s'il l'est.", nullable=True),
    open_("archive", Boolean, "Vrai si le dossier est archivé."),
    open_("depose_le", Instant, "Date de dépôt, en UTC : le jour à Paris peut être le lendemain."),
    open_("en_construction_le", Instant, "Date du dernier passage en construction, en UTC : le dépôt, ou le renvoi à l'usager.", nullable=True),
    open_("en_instruction_le", Instant, "Date du dernier passage en instruction, en UTC.", nullable=True),
    open_("traite_le", Instant, "Date de la décision en vigueur, en UTC ; vide si le dossier est rouvert.", nullable=True),
    open_("correction_attendue_depuis", Instant, "Date depuis laquelle une correction demandée à l'usager est attendue, en UTC ; vide si aucune n'est en attente.", nullable=True),
    open_("modifie_le", Instant, "Date de dernière modification selon Démarches Simplifiées, en UTC, quelle qu'en soit la cause : une réponse, un message, un changement d'état, mais aussi ce que dsync a inscrit dans le dossier. Ce qu'a fait l'usager : champs_modifie_le."),
    open_("champs_modifie_le", Instant, "Date à laquelle l'usager a modifié son dossier pour la dernière fois (le dépôt, s'il ne l'a pas modifié), en UTC. C'est elle que dsync appelle « modifié ».", nullable=True),
    open_("annotations_modifie_le", Instant, "Date de la dernière modification d'une annotation par une personne, en UTC ; ce que dsync inscrit ne la change pas.", nullable=True),
    open_("expire_le", Instant, "Date à laquelle Démarches Simplifiées fera expirer le dossier, en UTC ; vide si elle n'en donne pas.", nullable=True),
    open_("supprime_par_usager_le", Instant, nullable=True),
    open_("synchronise_le", Instant, "Date à laquelle un contenu nouveau du dossier a été enregistré ici, en UTC."),
    open_("modifie_ici_le", Instant, "Date à laquelle ce que cette base dit du dossier a changé pour la dernière fois, en UTC : contenu, dates, messages, présence, verdict, réponse, inscription ; un chargement par différence s'y fie.", nullable=True),
    open_("content_hash", String, nullable=True),
    open_("annotations_hash", String, nullable=True),
    open_("inputs_hash", String, nullable=True),
    # The last run that saw the dossier: a full read finds the disappeared ones by it.
    open_("lu_par_run", BigInteger),
    open_("a_evaluer", Boolean),
    of_person("siret", String, "SIRET du demandeur ; vide si c'est une personne.", nullable=True, index=True),
    of_person("siren", String, "SIREN du demandeur : les neuf premiers chiffres du SIRET.", nullable=True),
    of_person("raison_sociale", String, "Raison sociale du demandeur.", nullable=True),
    open_("forme_juridique_code", String, "Code de la catégorie juridique (Insee) du demandeur.", nullable=True),
    # The applicant: a natural person's names, an organisation's address.
    open_("demandeur_type", String, "Type du demandeur : {codes}.", DemandeurType, nullable=True),
    personal("demandeur_civilite", String, "Civilité du demandeur, M ou Mme ; vide si c'est un organisme. Ouvert à sa place : demandeur_type.", nullable=True),
    personal("demandeur_nom", String, "Nom du demandeur ; vide si c'est un organisme, qui a une raison_sociale. Ouvert à sa place : demandeur_type.", nullable=True),
    personal("demandeur_prenom", String, "Prénom du demandeur ; vide si c'est un organisme. Ouvert à sa place : demandeur_type.", nullable=True),
    of_person("commune_code", String, "Code Insee de la commune du demandeur, à l'adresse de l'établissement ; vide, comme les cinq colonnes suivantes, si c'est une personne.", nullable=True),
    of_person("commune", String, "Nom de la commune du demandeur.", nullable=True),
    of_person("departement_code", String, "Code du département du demandeur, à l'adresse de l'établissement.", nullable=True),
    of_person("departement_nom", String, "Nom du département du demandeur.", nullable=True),
    of_person("region_code", String, "Code Insee de la région du demandeur, à l'adresse de l'établissement.", nullable=True),
    of_person("region_nom", String, "Nom de la région du demandeur, à l'adresse de l'établissement.", nullable=True),
    personal("usager_courriel", String, "Courriel du compte qui a déposé le dossier : celui du demandeur, ou de qui agit pour lui. Ouvert à sa place : demandeur_type de lecture_dossier.", nullable=True, index=True),
    personal("mandataire_nom", String, "Prénom et nom de la personne qui a déposé le dossier pour un tiers ; vide s'il n'y en a pas. Ouvert à sa place : rien.", nullable=True),
    open_("groupe_instructeur", String, "Groupe instructeur du dossier.", nullable=True),
    personal("instructeurs", JsonText(), "Courriels des personnes qui suivent le dossier."),
    open_("dernier_message_le", Instant, "Date du dernier message de la messagerie du dossier, en UTC ; vide s'il n'y en a pas.", nullable=True),
    open_("dernier_message_de", String, "Côté de qui l'a écrit : {codes}.", Cote, nullable=True),
    open_("demande_le", Instant, "Date à laquelle l'administration a écrit à l'usager, ou lui a demandé une correction, en UTC : le premier message depuis le dernier mot de l'usager ; vide si elle ne l'a pas fait.", nullable=True),
    open_("repondu_le", Instant, "Date à laquelle l'usager a répondu à cette demande, par un message ou en modifiant son dossier, en UTC ; sans demande, celle de son premier message. Vide s'il n'a pas répondu.", nullable=True),
    open_("messages_hash", String, nullable=True),
    open_("nb_messages", Integer, "Nombre de messages de la messagerie du dossier ; vide si Démarches Simplifiées n'a pas pu le dire, ou si le dossier est effacé.", nullable=True),
    open_("labels", JsonText()),
    open_("efface_le", Instant, nullable=True),
    _partial("ix_dossier_a_evaluer", "demarche_numero", "numero", where="a_evaluer"),
    info=kept("Une ligne par dossier : son demandeur, son état, ses dates.", "L'effacement du dossier ; en restent son numéro, son état, ses dates et le motif."),
)


# A dossier's contents as JSON; the row is deleted when the dossier is erased.
contenu = Table(
    "contenu", metadata,
    given_number("numero"),
    open_("demarche_numero", BigInteger),
    personal("demandeur", JsonText(), "Demandeur : organisme, ou personne physique (civilité, nom, prénom)."),
    free("divers", JsonText(), "Motivation de la décision."),
    personal("traitements", JsonText(), "Étapes de l'instruction : motivation, courriel de l'agent."),
    # A pseudonym for the agent of each step of `traitements`; null: the step has none.
    open_("decideurs", JsonText()),
    # Null: never read.
    free("messages", JsonText(), "Messages : texte, noms des fichiers joints, courriel de qui l'a écrit."),
    # Flat lists, which `lecture_champ` reads in half the time that nested ones would take.
    free("champs", RawJson(list[Cell]), "Réponses de l'usager, noms des pièces jointes compris."),
    free("annotations", RawJson(list[Cell]), "Annotations privées de l'équipe d'instruction, grilles comprises."),
    # Names of the parts that DS has never rendered (`Record.unread`); null: there are none.
    open_("lacunes", JsonText()),
    info=kept("Une ligne par dossier : tout ce que Démarches Simplifiées en donne, en JSON.", "L'effacement du dossier, qui supprime la ligne."),
)


# By what lists find, filter and sort a dossier: short, and without what its JSON has more of.
#
# It is written with the dossier and deleted when that is erased.
liste = Table(
    "liste", metadata,
    given_number("numero"),
    open_("demarche_numero", BigInteger),
    # `searchable` of number, SIREN, SIRET and organisation; of the programme's free texts; of
    # names and addresses of persons.
    of_person("texte", String, "Numéro, SIREN, SIRET et raison sociale, sans accents."),
    free("libre", String, "Adresse de la page du produit, telle que saisie, sans accents."),
    personal("personnes", String, "Noms, courriels et téléphones du demandeur, du déposant, du mandataire, du contact et du sponsor, sans accents."),
    open_("etape", String, nullable=True),
    open_("attend", String, nullable=True),
    open_("etape_depuis", Instant, nullable=True),
    # When the next stage begins: from then on, `lecture_suivi` says which one.
    open_("etape_fin", Instant, nullable=True),
    # Of the programme, else the applicant's.
    of_person("departement_code", String, "Code du département d'affectation, sinon du demandeur.", nullable=True),
    of_person("departement_nom", String, "Nom du département d'affectation, sinon du demandeur.", nullable=True),
    # Such as `|technique|produit|`.
    open_("profils", String, nullable=True),
    info=kept("Une ligne par dossier : ce qui sert à le chercher, à le filtrer et à le trier dans les listes.", "L'effacement du dossier, qui supprime la ligne."),
)


# The copy of a file, or why there is none; states: `CopyState`.
#
# A row is written before its file. `a_supprimer`: the file has to be deleted, then the row is.
piece = Table(
    "piece", metadata,
    open_("id", BigKey, primary_key=True),
    open_("numero", BigInteger, index=True),
    open_("demarche_numero", BigInteger),
    open_("champ_id", String),
    # The id of the row in a repetition; "" outside of one.
    open_("ligne", String),
    open_("empreinte_md5", String),
    # Where the copy is, or would be.
    open_("adresse", String),
    open_("etat", String, "État de la copie : {codes} ; vide si elle n'a pas été demandée.", CopyState),
    open_("copie_le", Instant, "Date de la copie, en UTC.", nullable=True),
    open_("essais", Integer),
    open_("prochain_essai_le", Instant),
    # The dossier's `content_hash` with which the file was last seen in its champ.
    open_("content_hash", String, nullable=True),
    open_("a_supprimer", Boolean),
    _partial("uq_piece_vivante", "numero", "champ_id", "ligne", "empreinte_md5", unique=True, where="NOT a_supprimer"),
    info=kept("Une ligne par copie d'une pièce jointe ; le fichier est à cette adresse, sous un nom qui n'est pas celui de l'usager.", "L'effacement du dossier ou le retrait de la pièce, qui supprime le fichier, puis la ligne."),
)


# Answers that checks compare between dossiers, as a keyed hash; equal ones are doublons.
cle = Table(
    "cle", metadata,
    given_number("numero"),
    open_("controle", String, primary_key=True),
    open_("cle", String, index=True),
    info=kept("Une ligne par dossier et par contrôle de doublon qui compare des réponses : une empreinte à clé secrète des réponses comparées, qui ne permet pas de les retrouver.", "L'effacement du dossier, qui supprime la ligne."),
)


# What an erased dossier still counts for as a doublon: public, nothing that anybody typed.
#
# Of one that an operator erased here, as long as DS has it; its state is in `dossier`. `montre`:
# whether DS showed it when it was last looked for.
jumeau = Table(
    "jumeau", metadata,
    given_number("numero"),
    open_("demarche_numero", BigInteger),
    open_("produit", String, index=True),
    open_("montre", Boolean),
    info=kept("Une ligne par dossier effacé ici dont le produit était connu : l'identifiant public de ce produit, sans rien de ce que quelqu'un a écrit. L'état et les dates de ce dossier sont ceux que garde `dossier` ; l'état suit Démarches Simplifiées. Sans cette ligne, un autre dossier pour le même produit deviendrait éligible.", "La suppression du dossier dans Démarches Simplifiées, ou la levée de l'effacement, qui supprime la ligne."),
)


# A version of rules that has judged, whole; rows are never changed nor deleted.
version_regles = Table(
    "version_regles", metadata,
    open_("version", String, "Version, telle que dans lecture_precontrole.version_regles.", primary_key=True),
    # Of declared checks, how their versions begin; null: the programme's rules.
    open_("famille", String, nullable=True),
    open_("depuis_le", Instant, "Date du premier verdict établi par cette version, en UTC."),
    open_("document", JsonText()),
    info=kept("Une ligne par version des règles ou des contrôles déclarés qui a établi un verdict, entière.", "La suppression de la base ; ce sont des règles."),
)


# A correction that the usager was asked for: DS tells only which one is pending.
correction = Table(
    "correction", metadata,
    given_number("numero"),
    open_("demandee_le", Instant, primary_key=True),
    # DS's date of the change with which it was pending no more.
    open_("finie_le", Instant, nullable=True),
    info=kept("Dates des corrections demandées à l'usager.", "La suppression de la base ; ce ne sont que des dates."),
)


# A verdict. Rows are kept as history; `courant` marks the newest one of a dossier.
verdict = Table(
    "verdict", metadata,
    open_("id", BigKey, primary_key=True),
    open_("numero", BigInteger),
    open_("demarche_numero", BigInteger),
    open_("verdict", String, "Verdict : {codes}.", Verdict),
    # The checks that keep it from the best one, as `points_of` (`domain.check_answers`) writes
    # them: 2,160 characters at most, because PostgreSQL takes 2,700 bytes into an index.
    open_("points", String),
    free("detail", Text, "Motifs en toutes lettres ; vide pour un dossier effacé. Ouvert à sa place : resultat de lecture_precontrole_controle.", nullable=True),
    open_("etabli_le", Instant, "Date à laquelle ce verdict a été rendu, même s'il se lit comme le précédent, en UTC."),
    open_("version_regles", String, "Version des règles et des listes appliquées."),
    open_("inputs_hash", String, nullable=True),
    open_("preuve_hash", String, nullable=True),
    open_("doublons", JsonText()),
    free("controles", JsonText(tuple[Controle, ...]), "Contrôles, avec leurs motifs et leurs preuves."),
    # Facts for the programme's views.
    free("constats", JsonText(), "Faits constatés."),
    # Frozen evidence for the dossier's later verdicts, in the programme's form.
    free("preuve", JsonText(), "Preuve conservée."),
    free("remarque", String, "Remarque à côté du verdict ; vide s'il n'y en a pas. Ouvert à sa place : verdict.", nullable=True),
    # Since when result and detail are as they are; `etabli_le` is the date of this row.
    open_("depuis_le", Instant),
    open_("courant", Boolean, "Vrai pour le verdict en cours, un seul par dossier."),
    _partial("uq_verdict_courant", "numero", unique=True, where="courant"),
    # Rows are long: what is counted of them is in an index.
    Index("ix_verdict_numero", "numero", "courant", "verdict", "depuis_le", "demarche_numero", "points"),
    info=kept("Une ligne par verdict du pré-contrôle, y compris ceux qui ont été remplacés.", "L'effacement du dossier ; en restent le verdict et le résultat de chaque contrôle, sans texte."),
)


# What a person established about a check; statuses: `AnswerStatus`.
#
# Rows are kept as history, and deleted when the dossier is erased. `constat` is what the check
# had found, on which the answer rests.
reponse = Table(
    "reponse", metadata,
    open_("id", BigKey, primary_key=True),
    open_("numero", BigInteger, index=True),
    open_("demarche_numero", BigInteger),
    open_("controle", String, "Contrôle, sous le nom qu'il a dans les verdicts."),
    open_("resultat", String, "Ce que la personne a établi : {codes}.", RESULTS),
    free("motif", Text, "Raison qu'elle en a donnée. Ouvert à sa place : resultat."),
    # The account and its machine, or an e-mail address.
    personal("auteur", String, "Compte ou courriel de cette personne. Ouvert à sa place : rien."),
    open_("repondu_le", Instant, "Date de la réponse, en UTC."),
    free("constat", JsonText(Controle), "Ce que le contrôle avait trouvé, avec sa preuve."),
    # The id of the product that the person named, if any.
    open_("produit", String, "Produit du catalogue public sur lequel porte le dossier, selon elle ; vide si elle n'en nomme pas.", nullable=True),
    open_("statut", String),
    # When it was withdrawn or replaced, and by whom.
    open_("finie_le", Instant, "Date à laquelle la réponse a été remplacée ou retirée, en UTC ; vide sinon.", nullable=True),
    personal("finie_par", String, "Compte ou courriel de qui l'a remplacée ou retirée ; vide sinon. Ouvert à sa place : finie_le.", nullable=True),
    _partial("uq_reponse_valable", "numero", "controle", unique=True, where="statut = 'valable'"),
    info=kept("Une ligne par réponse donnée par une personne à un contrôle, y compris celles qui ont été retirées ou remplacées.", "L'effacement du dossier, qui supprime la ligne. Le nom de l'agent y reste jusque-là : il répond de ce qu'il a établi."),
)


# A wish: the value that an annotation or the label of a dossier should have.
#
# en_attente → confirmee | refusee | conflit | incertaine | suspendue | remplacee;
# incertaine → confirmee | refusee | en_attente; any current one → en_attente when reopened,
# retried or forced. A newer wish becomes `courante`, and the one that it replaces remplacee.
# A refusal that is `definitive` is not retried without an operator.
outbox = Table(
    "outbox", metadata,
    open_("id", BigKey, primary_key=True),
    open_("numero", BigInteger, index=True),
    open_("demarche_numero", BigInteger),
    open_("annotation", String, "Ce qui est inscrit : {codes}.", Annotation),
    free("valeur", Text, "Valeur voulue ; vide pour un dossier effacé. Ouvert à sa place : verdict de lecture_precontrole.", nullable=True),
    open_("statut", String, "Statut : {codes}.", WishStatus),
    open_("tentatives", Integer, "Nombre d'envois."),
    open_("prochain_essai_le", Instant, nullable=True),
    open_("creee_le", Instant),
    open_("envoyee_le", Instant, "Date du dernier envoi, en UTC ; vide si la valeur n'a pas été envoyée.", nullable=True),
    open_("confirmee_le", Instant, "Date à laquelle Démarches Simplifiées a montré pour la première fois cette valeur dans le dossier, en UTC, que dsync l'ait envoyée ou non ; vide si elle n'y a jamais figuré, que l'on sache. Elle reste quand la valeur est remplacée ensuite.", nullable=True),
    free("valeur_distante", Text, "Valeur qu'une personne a écrite à la place.", nullable=True),
    free("erreur", Text, "Raison du refus ou de l'attente. Ouvert à sa place : statut.", nullable=True),
    # When the human wrote `valeur_distante`, by DS's date, or when it was first seen.
    open_("distante_le", Instant, nullable=True),
    # The id of the annotation's descriptor when it was last sent, confirmed or stopped.
    open_("cible", String, nullable=True),
    open_("courante", Boolean),
    # User and host that ordered it to overwrite a human's value.
    personal("force_par", String, "Agent qui a ordonné d'écraser une valeur.", nullable=True),
    # The value that this user was shown, and that alone is overwritten; null: any value.
    free("force_sur", Text, "Valeur que cet agent a vue.", nullable=True),
    open_("definitive", Boolean),
    _partial("uq_outbox_courante", "numero", "annotation", unique=True, where="courante"),
    # With its last columns, wishes are counted without reading their texts.
    Index("ix_outbox_due", "demarche_numero", "statut", "courante", "numero", "creee_le"),
    _partial("ix_outbox_erreur", "demarche_numero", "statut", "courante", where="erreur IS NOT NULL"),
    info=kept("Une ligne par valeur que dsync a voulu inscrire dans un dossier, y compris les anciennes.", "L'effacement du dossier ; en restent l'annotation, le statut et les dates."),
)


# The value that dsync last wrote into an annotation, confirmed by DS, or adopted.
#
# It is separate from the outbox, which contains the wished values: a value in DS is a human's
# edit if it differs from the one pushed, whatever is wished now.
pousse = Table(
    "pousse", metadata,
    given_number("numero"),
    open_("annotation", String, primary_key=True),
    free("valeur", Text, "Valeur inscrite.", nullable=True),
    # The id of the annotation's descriptor, or the label. One created anew in DS has another id,
    # and dsync has written nothing there.
    open_("cible", String, nullable=True),
    # Since when `valeur` counts as dsync's: written, confirmed, or adopted.
    open_("connue_le", Instant, nullable=True),
    # Until when nobody else changed the annotation, by DS's dates: see `Wish.seen_at`.
    open_("annotations_vues_le", Instant, nullable=True),
    # A value that was sent without an answer: dsync may have written it.
    free("incertaine", Text, "Valeur envoyée dont la réponse s'est perdue.", nullable=True),
    open_("incertaine_cible", String, nullable=True),
    # When it was sent: DS can still execute the write for a while.
    open_("incertaine_depuis", Instant, nullable=True),
    info=kept("Dernière valeur que dsync a inscrite, par annotation.", "L'effacement du dossier, qui supprime la ligne."),
)


# An event of a dossier; `details` has names of fields and values that a push replaced.
evenement = Table(
    "evenement", metadata,
    open_("id", BigKey, primary_key=True),
    open_("numero", BigInteger, index=True),
    open_("demarche_numero", BigInteger),
    open_("survenu_le", Instant, "Date à laquelle l'événement a été constaté, en UTC."),
    open_("evenement", String, "Événement : {codes}.", EventName),
    personal("details", Text, "Précisions en JSON : des noms et des codes, dont les causes d'un nouveau verdict (regles, dossier, preuves, doublons ou reponses) ; d'un envoi forcé, aussi ce qu'il a remplacé et qui l'a demandé. Vide une fois le dossier effacé. Ouvert à sa place : evenement.", nullable=True),
    open_("run", BigInteger, nullable=True),
    info=kept("Journal de chaque dossier.", "L'effacement du dossier, pour les précisions, et l'âge de `[retention] logs`, pour le nom de l'agent ; le nom et la date de l'événement restent."),
)


# A later value of a champ, an annotation or a fact of a dossier, with the one before it.
#
# The rows are deleted when the dossier is erased.
changement = Table(
    "changement", metadata,
    open_("id", BigKey, primary_key=True),
    open_("numero", BigInteger, index=True),
    open_("demarche_numero", BigInteger),
    open_("origine", String, "Ce qui a changé : {codes}.", Origin),
    open_("champ_id", String, "Identifiant du champ, comme dans lecture_champ ; pour le dossier : etat, groupe_instructeur ou etiquettes.", index=True),
    open_("libelle", Text, "Libellé du champ dans la révision du formulaire la plus récente quand le changement a été constaté.", nullable=True),
    open_("ligne", Integer, "Place de la ligne dans un bloc répétable, à partir de 1 ; vide hors des blocs répétables. Une ligne retirée fait remonter les suivantes : leurs valeurs changent de place.", nullable=True),
    free("ancienne_valeur", Text, "Valeur d'avant, en toutes lettres ; vide s'il n'y en avait pas. Ouvert à sa place : libelle.", nullable=True),
    free("nouvelle_valeur", Text, "Valeur d'après, en toutes lettres ; vide si elle a été effacée ou si le champ n'est plus dans le formulaire. Égale à l'ancienne : une pièce jointe a été remplacée par une autre du même nom, ou une zone d'une carte a un autre tracé. Ouvert à sa place : libelle.", nullable=True),
    open_("constate_le", Instant, "Date à laquelle dsync a lu la nouvelle valeur, en UTC."),
    # DS's own date of the change, where one of its dates moved.
    open_("modifie_le", Instant, "Date de la modification selon Démarches Simplifiées, en UTC : la dernière des champs, des annotations ou du dossier, ou celle du changement d'état ; vide si aucune de ces dates n'a bougé.", nullable=True),
    open_("apres_depot", Boolean, "Vrai si le changement est postérieur au dépôt."),
    open_("par", String, "Qui a changé la valeur : {codes}.", Author),
    # Rows are long: those of a page are chosen, sorted and counted by the index alone.
    Index("ix_changement_par", "demarche_numero", "par", "constate_le", "modifie_le", "id", "numero", "champ_id"),
    info=kept("Valeurs antérieures et nouvelles des réponses et des annotations.", "L'effacement du dossier, qui supprime la ligne."),
)


# A run over one démarche, with its figures.
sync_run = Table(
    "sync_run", metadata,
    given_number("run", "Numéro de la synchronisation."),
    open_("demarche_numero", BigInteger),
    open_("genre", String, "Genre : {codes}.", Kind),
    open_("statut", String),
    open_("debut", Instant, "Début, en UTC."),
    open_("fin", Instant, "Fin, en UTC ; vide si elle est en cours.", nullable=True),
    personal("demande_par", String, "Compte ou courriel de l'agent qui a lancé la synchronisation.", nullable=True),
    open_("lus", Integer, "Dossiers lus."),
    open_("modifies", Integer, "Dossiers nouveaux ou modifiés."),
    open_("supprimes", Integer, "Dossiers masqués, supprimés ou disparus."),
    open_("evalues", Integer, "Verdicts établis."),
    open_("pousses", Integer, "Dossiers dans lesquels une annotation a été inscrite."),
    open_("conflits", Integer),
    open_("en_quarantaine", Integer),
    open_("requetes", Integer, "Requêtes adressées à Démarches Simplifiées."),
    open_("erreur", Text, "Ce qui a empêché ou gêné la synchronisation.", nullable=True),
    # The exit code of a command with this result; none while it runs, or if it was killed.
    open_("code", Integer, "Code de sortie de la synchronisation : 0 réussie, 3 jeton refusé, 4 frein de sécurité, 5 base de données, 7 faite en partie, 8 Démarches Simplifiées injoignable, 130 interrompue ; vide si elle est en cours ou si le processus s'est arrêté avant la fin.", nullable=True),
    open_("figures", JsonText()),
    # By which the last runs of each démarche are found.
    Index(None, "demarche_numero", "run"),
    info=kept("Journal des synchronisations (`dsync history`).", "L'âge de `[retention] logs` ; sans lui, la suppression de la base."),
)


# What a person asked for: a run of the service, or what a command did by itself.
#
# `en_file`: for a service to execute; it is unfinished until `fini_le` is set.
demande = Table(
    "demande", metadata,
    open_("id", BigKey, primary_key=True),
    open_("demarche_numero", BigInteger, index=True),
    open_("genre", String),
    free("options", JsonText(), "Ce qui est demandé : numéros de dossiers ; jusqu'à l'exécution, les valeurs à écraser et la raison d'une réponse."),
    # The account and its machine, or an e-mail address.
    personal("demande_par", String, "Compte ou courriel de l'agent."),
    open_("demande_le", Instant),
    open_("en_file", Boolean),
    open_("commence_le", Instant, nullable=True),
    open_("fini_le", Instant, nullable=True),
    open_("run", BigInteger, nullable=True),
    # The exit code of a command with this result.
    open_("code", Integer, nullable=True),
    open_("resultat", JsonText()),
    _partial("ix_demande_ouverte", "demarche_numero", "id", where="en_file AND fini_le IS NULL"),
    # A minute in which somebody looks at dossiers is a row, too: lists of orders pass them by.
    _partial("ix_demande_demandee", "demarche_numero", "id", where=ASKED),
    info=kept("Journal de ce que des agents ont demandé (`dsync history --manual`), de qui a vu quoi (`dsync history --seen`) ; et, jusqu’à leur lecture, numéros des dossiers annoncés par Démarches Simplifiées. Un classement de jury arrêté y garde numéro, rang et moyenne de chaque dossier, ceux d'un dossier effacé depuis compris.", "L'âge de `[retention] logs` ; sans lui, la suppression de la base."),
)


# An alert of a démarche, see `AlertEntry`: its beginning, when it was told, its end.
alerte = Table(
    "alerte", metadata,
    given_number("demarche_numero"),
    open_("nom", String, primary_key=True),
    open_("cause", String),
    open_("nombre", Integer),
    open_("depuis", Instant),
    open_("essai_le", Instant, nullable=True),
    open_("dite_le", Instant, nullable=True),
    open_("finie_le", Instant, nullable=True),
    info=kept("Alertes en cours : des nombres.", "La fin de l'alerte."),
)


# A figure of the démarche on a day of Paris; it is about no dossier in particular.
indicateur = Table(
    "indicateur", metadata,
    given_number("demarche_numero"),
    open_("jour", Date, "Jour, à l'heure de Paris.", primary_key=True),
    open_("indicateur", String, "Indicateur (sens dans lecture_valeur).", INDICATEURS, primary_key=True),
    open_("valeur", Float, "Valeur : un nombre de dossiers, de jours ou d'heures selon l'indicateur."),
    info=kept("Chiffres de chaque jour, sans dossier.", "La suppression de la base."),
)


# A dossier that could not be read or judged, with the reason.
quarantaine = Table(
    "quarantaine", metadata,
    given_number("demarche_numero"),
    given_number("numero", "Numéro du dossier ; vide pour une suppression massive."),
    open_("code", String, "Code de l'anomalie : {codes}.", ANOMALIES),
    open_("message", String, "Explication."),
    open_("depuis", Instant, "Date de la première anomalie, en UTC."),
    open_("tentatives", Integer, "Nombre de tentatives."),
    open_("dernier_essai_le", Instant),
    info=kept("Dossiers illisibles, avec la cause.", "La lecture suivante du dossier, ou son effacement."),
)


# What waits for a person's consent, or has it and is not done yet: one row a kind.
accord = Table(
    "accord", metadata,
    given_number("demarche_numero"),
    open_("genre", String, primary_key=True),
    open_("version", String),
    open_("document", JsonText()),
    open_("depuis_le", Instant),
    open_("donne_le", Instant, nullable=True),
    personal("donne_par", String, "Compte ou courriel de l'agent.", nullable=True),
    info=kept("Ce qui attend l'accord d'une personne : numéros de dossiers, avis avant et après, sans rien d'un demandeur.", "L'exécution, ou la fin de la cause."),
)


# The lease of a démarche. `token` only grows, so that a former holder is recognised.
lease = Table(
    "lease", metadata,
    given_number("demarche_numero"),
    open_("holder", String, nullable=True),
    open_("token", BigInteger),
    open_("acquired_at", Instant),
    open_("expires_at", Instant),
    info=kept("Processus qui travaille sur la démarche (machine et numéro).", "La fin de la synchronisation."),
)


# A running service, for operators; it updates its row every minute.
service = Table(
    "service", metadata,
    given_number("demarche_numero"),
    open_("holder", String, primary_key=True),
    open_("version", String),
    open_("started_at", Instant),
    open_("seen_at", Instant),
    open_("next_run_at", Instant),
    info=kept("Services en marche (machine et numéro).", "L'arrêt du service."),
)


# When the next run of a démarche is due, and until when a service is about to begin it.
#
# `failures`: failed runs since the last success, the first one at `failing_since`; that is kept for
# some time after a success, from which it counts then.
turn = Table(
    "turn", metadata,
    given_number("demarche_numero"),
    open_("due_at", Instant),
    open_("claimed_until", Instant, nullable=True),
    open_("failures", Integer, default=0),
    open_("failing_since", Instant, nullable=True),
    info=kept("Quand la démarche est lue de nouveau.", "La suppression de la base."),
)


# The requests that processes may send with a token: `grants` has those of the last minute.
#
# `cle` is a keyed hash of the token. The row without one has the key as `grants`.
budget = Table(
    "budget", metadata,
    open_("cle", String, primary_key=True),
    open_("grants", JsonText()),
    open_("paused_until", Instant, nullable=True),
    info=kept("Requêtes accordées par minute et par jeton : une empreinte à clé secrète du jeton, et des nombres.", "La suppression de la base."),
)


# A session of the console that somebody closed before it ended by itself (`fin`).
session_fermee = Table(
    "session_fermee", metadata,
    open_("empreinte", String, primary_key=True),
    open_("fin", Instant),
    info=kept("Sessions fermées de la console : une empreinte, sans nom.", "La fin prévue de la session (8 h)."),
)


# What an administrator gives or takes away in the console, which counts more than the file.
#
# Without a role: no access. After `fin` the file alone counts.
acces = Table(
    "acces", metadata,
    given_number("demarche_numero"),
    personal("qui", String, "Adresse de la personne.", primary_key=True),
    open_("role", String, nullable=True),
    open_("fin", Instant, nullable=True),
    personal("donne_par", String, "Qui l'a décidé."),
    open_("donne_le", Instant),
    info=kept("Accès à la console donnés ou retirés par un administrateur.", "La suppression de la base."),
)


# A conflict of interest that somebody declared: they do not see the dossier any more.
deport = Table(
    "deport", metadata,
    given_number("numero"),
    personal("qui", String, "Adresse de la personne.", primary_key=True),
    open_("demarche_numero", BigInteger, index=True),
    open_("declare_le", Instant),
    info=kept("Déports déclarés par des membres du jury.", "La suppression de la base."),
)


# The jury that an administrator plans for a dossier: its day counts until DS has one.
jury_prevu = Table(
    "jury_prevu", metadata,
    given_number("numero"),
    open_("demarche_numero", BigInteger, index=True),
    open_("jury_le", Date),
    info=kept("Dossiers qu'un administrateur prévoit pour un jury, avant que DS n'en ait la date.", "La composition suivante du jury, ou l'effacement du dossier."),
)


# Who sits in a jury, as an administrator composed it.
jury_membre = Table(
    "jury_membre", metadata,
    given_number("demarche_numero"),
    open_("jury_le", Date, primary_key=True),
    personal("qui", String, "Nom ou adresse du membre.", primary_key=True),
    info=kept("Membres des jurys.", "La composition suivante du jury, ou le retrait de la démarche (`dsync forget`)."),
)


# The filters, the order and the columns of a list of dossiers.
liste_gardee = Table(
    "liste_gardee", metadata,
    given_number("demarche_numero"),
    personal("qui", String, "Adresse de la personne.", primary_key=True),
    personal("nom", String, "Nom qu'elle a donné à la liste.", primary_key=True),
    personal("parametres", Text, "Filtres, ordre et colonnes, comme les a l'adresse de la page."),
    info=kept("Listes de dossiers que des personnes gardent sous un nom.", "La suppression de la base."),
)


# The sync state of a démarche; see `SyncState`.
sync_state = Table(
    "sync_state", metadata,
    given_number("demarche_numero"),
    open_("watermark", Instant, nullable=True),
    open_("page_size", Integer, nullable=True),
    open_("page_size_at", Instant, nullable=True),
    open_("full_cursor", String, nullable=True),
    open_("full_started_run", BigInteger, nullable=True),
    open_("full_started_at", Instant, nullable=True),
    open_("full_mapping_key", String, nullable=True),
    open_("full_due_at", Instant, nullable=True),
    open_("last_success_at", Instant, nullable=True),
    open_("last_incremental_at", Instant, nullable=True),
    open_("last_full_at", Instant, nullable=True),
    open_("last_deletions_at", Instant, nullable=True),
    open_("last_pending_at", Instant, nullable=True),
    open_("last_deleted_at", Instant, nullable=True),
    open_("mass_deletion_run", BigInteger, nullable=True),
    open_("mass_deletion_count", Integer, nullable=True),
    open_("mass_deletion_of", Integer, nullable=True),
    open_("last_revision_id", String, nullable=True),
    open_("evidence_key", String, nullable=True),
    open_("mapping_key", String, nullable=True),
    open_("writing_key", String, nullable=True),
    open_("pieces_target", String, nullable=True),
    open_("rules_version", String, nullable=True),
    # The ids of the descriptors that were found as the validation box so far.
    open_("validation_boxes", JsonText()),
    # The dossiers of which an unexplained change was believed or written lately, and when.
    open_("believed", JsonText()),
    # What was announced to be erased by age: when, and by which ages.
    open_("retention_at", Instant, nullable=True),
    open_("retention_key", String, nullable=True),
    # The random key of the hashes in table `cle`.
    open_("cle_secrete", String, nullable=True),
    info=kept("Où en est la lecture de la démarche.", "La suppression de la base."),
)


# A revision of a démarche's form.
revision = Table(
    "revision", metadata,
    open_("id", String, primary_key=True),
    open_("demarche_numero", BigInteger, index=True),
    open_("date_publication", Instant, nullable=True),
    open_("descriptors", JsonText()),
    info=kept("Le formulaire : libellés et types des champs.", "La suppression de la base."),
)


# A démarche as last read from DS.
demarche = Table(
    "demarche", metadata,
    given_number("number"),
    open_("titre", String, "Titre de la démarche dans Démarches Simplifiées ; vide tant qu'elle n'a pas été lue."),
    # Its short name in the configuration; null: there is none, and views show the title.
    open_("appel", String, nullable=True),
    # The words of the configuration for verdicts, by verdict.
    open_("avis", JsonText(), default={}),
    open_("etat", String),
    open_("active_revision_id", String),
    open_("labels", JsonText()),
    open_("couleurs", JsonText(), default={}),
    personal("instructeurs", JsonText(), "Courriels des instructeurs, par groupe."),
    # Whether its views formulaire_* lack a revision, because they were in use when it was stored.
    open_("vues_a_refaire", Boolean, default=False),
    # The ids of the champs and annotations that readers without personal data see in these views.
    open_("ouverts", JsonText(), default=[]),
    # The champ or annotation of which the configuration makes a column of the programme's views.
    open_("origines", JsonText(), default=[]),
    info=kept("La démarche telle que lue en dernier.", "La lecture suivante, pour qui n'est plus instructeur."),
)


# What views say of their columns, written where the views are made.
colonne = Table(
    "colonne", metadata,
    open_("vue", String, "Vue.", primary_key=True),
    open_("colonne", String, "Colonne de cette vue.", primary_key=True),
    open_("rang", Integer, "Place de la colonne dans la vue, à partir de 1."),
    open_("type", String, "Type : integer, number, boolean, date, datetime, json ou text."),
    open_("sens", Text, "Ce que cette colonne veut dire."),
    open_("marque", String, "Donnée personnelle, Texte libre, Note du jury, ou la condition à laquelle elle l'est ; vide si elle est ouverte à qui lit sans données personnelles. Ce qui l'est à la place d'une colonne fermée : à la fin de sens.", nullable=True),
    open_("depuis", String, "Version de dsync qui l'a apportée ; vide pour un champ du formulaire.", nullable=True),
    # Of a column of `formulaire_*`.
    open_("demarche_numero", BigInteger, nullable=True),
    open_("origine", String, nullable=True),
    open_("champ_id", String, nullable=True),
    info=kept("Une ligne par colonne de chaque vue : ce qu'elle veut dire, sans aucun dossier.", "La suppression de la base."),
)


# What dsync made of a view in a Grist document, so that it leaves all else there alone.
grist = Table(
    "grist", metadata,
    open_("demarche_numero", BigInteger, primary_key=True),
    # A hash of the document's address.
    open_("document", String, primary_key=True),
    open_("vue", String, primary_key=True),
    open_("table_ref", Integer),
    # Grist's references of columns, by the view's.
    open_("colonnes", JsonText()),
    # Grist's ids of rows, by the dossier's number and a hash of the row's key.
    open_("lignes", JsonText()),
    # Its table, or its column of keys, was taken away in Grist: dsync keeps it no more.
    open_("abandonnee", Boolean, default=False),
    info=kept("Une ligne par vue tenue à jour dans un document Grist : les identifiants de la table, des colonnes et des lignes que dsync y a créées.", "Le retrait de la démarche (dsync forget)."),
)
