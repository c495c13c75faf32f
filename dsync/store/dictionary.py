"""The dictionary: what the engine's views say, what marks do to readers, the parts of a database.

A view's columns are those of tables (`of`), which say it, or worked out (`computed`). In its file in
`views/` they stand for `{columns}`; where the file has its own SELECT, `said` has their sentences.
Such a file can still have `{modifie_ici_le}` for what is declared of that column.
PostgreSQL gets the sentences as comments.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from sqlalchemy import Table

from dsync.domain.consent import Consent
from dsync.domain.conversation import Cote
from dsync.domain.documented import MASKED, Declared, Mark, View
from dsync.domain.dossier import OPEN_ETATS, Etat
from dsync.domain.verdict import Resultat
from dsync.programme import Dictionary, Programme, Storage
from dsync.store import tables
from dsync.store.codes import COULEURS, AnswerStatus, Origin, Seen, Status
from dsync.store.columns import computed, of, said
from dsync.store.tables import (
    changement,
    colonne,
    contenu,
    demarche,
    dossier,
    evenement,
    indicateur,
    outbox,
    piece,
    quarantaine,
    reponse,
    sync_run,
    verdict,
)

# No parentheses, which are those of macros.
SILENT_SINCE = (
    "CASE WHEN d.repondu_le IS NOT NULL THEN NULL "
    "WHEN d.etat = 'en_construction' OR d.etat = 'en_instruction' THEN d.demande_le END"
)
"""Since when the usager of an open dossier `d` has not answered, as SQL; null: nothing is asked."""


TEAM_RESULT = (
    "(SELECT coalesce(nullif(o.valeur_distante, ''), 'retiré') FROM outbox AS o "
    "WHERE o.numero = d.numero AND o.annotation = 'resultat' AND o.courante "
    "AND o.valeur_distante <> o.valeur AND (o.statut <> 'conflit' OR o.erreur IS NULL) "
    "AND (o.distante_le IS NULL OR o.distante_le <= d.annotations_modifie_le))"
)
"""The result of a person that stands in place of dsync's in dossier `d`, as SQL; null: none does.

As `annotations/plan.py` has it: what changed without a hand, by DS's dates, is nobody's opinion."""


def waited_for(attend: str, dossier: str = "d") -> str:
    """Return whom a dossier waits for, as SQL: the last word passes the turn to the other side.

    `attend` is SQL for whom its stage waits for; `dossier` the alias of its row.
    """
    silent = SILENT_SINCE.replace("d.", f"{dossier}.")
    return (
        f"CASE {attend} WHEN 'instructeur' "
        f"THEN CASE WHEN {silent} IS NULL THEN 'instructeur' ELSE 'usager' END "
        f"WHEN 'usager' "
        f"THEN CASE WHEN {dossier}.repondu_le IS NULL THEN 'usager' ELSE 'instructeur' END "
        f"ELSE {attend} END"
    )


def waited_since(attend: str, since: str) -> str:
    """Return since when dossier `d` waits for who it waits for, as SQL; null: for nobody.

    The later of when its stage began and of the word that passed the turn. `attend` is as in
    `waited_for`, `since` SQL for when the stage began.
    """
    turn = (
        f"CASE WHEN d.repondu_le IS NULL THEN utc({SILENT_SINCE}) "
        f"WHEN d.demande_le IS NOT NULL OR {attend} = 'usager' THEN utc(d.repondu_le) END"
    )
    return (
        f"CASE WHEN {attend} IN ('usager', 'instructeur') AND {turn} > {since} THEN {turn} "
        f"WHEN {attend} <> 'personne' THEN {since} END"
    )


MOVED = of(dossier, "d", "modifie_ici_le")
"""The end of each view whose rows change with their dossier `d` alone, not with others or the
clock: an incremental load has it row by row, and the other views whole."""


def moved(sql: str, sentence: str) -> dict[str, Declared]:
    """Declare the end of each other view: its SQL is never before the row's last change."""
    return computed(
        "modifie_ici_le", sql, f"{sentence} La vue se recharge entière.", type="datetime"
    )


OF_ALL = moved(
    "(SELECT utc(a.le) FROM (SELECT max(m.modifie_ici_le) AS le FROM dossier AS m) AS a)",
    "Date du dernier changement d'un dossier de la base, en UTC : la ligne dépend de plusieurs.",
)
WITH_THE_CLOCK = moved(
    "now()", "Date de la requête, en UTC : les jours de la ligne y sont comptés."
)
WITH_DSYNC = moved(
    "now()",
    "Date de la requête, en UTC : la ligne change avec le formulaire ou une mise à jour de dsync.",
)

# One line a column, however long its sentence.
# fmt: off
VIEWS: Dictionary = {
    "lecture_dossier": View("Une ligne par dossier, de toute démarche de la base, masqués et effacés compris (presence = 'present' ne garde que les visibles) : où il en est, qui le dépose, ses dates. Les mêmes colonnes sont au début de formulaire_*. Plusieurs appels sont dans une même base : filtrer par demarche_numero, ou grouper par appel.", {
        **of(dossier, "d", "numero demarche_numero"),
        **of(demarche, "m", "titre AS demarche_titre"),
        **computed("appel", "coalesce(m.appel, m.titre)", "Nom court de l'appel ou de la campagne, celui de la configuration ([demarche] appel) ; à défaut, le titre de la démarche."),
        **of(dossier, "d", "etat presence presence_raison presence_le archive groupe_instructeur usager_courriel mandataire_nom demandeur_type demandeur_civilite demandeur_nom demandeur_prenom siret siren raison_sociale forme_juridique_code commune_code commune departement_code departement_nom region_code region_nom"),
        **computed("instructeurs", "json(d.instructeurs)", "Courriels des personnes qui suivent le dossier, en JSON : une liste, [] si personne ; pour compter par personne, json_each (SQLite) ou jsonb_array_elements_text(CAST(instructeurs AS jsonb)) (PostgreSQL). Fermé aux lecteurs sans données personnelles, parce qu'il dit le travail de chaque agent. Ouvert à sa place : decideur de lecture_decision.", mark=Mark.PERSONAL, type="json"),
        **of(dossier, "d", "nb_messages dernier_message_le dernier_message_de demande_le repondu_le"),
        **computed("sans_reponse_depuis", f"utc({SILENT_SINCE})", "Date depuis laquelle l'usager d'un dossier ouvert n'a pas répondu à demande_le, en UTC ; vide s'il a répondu, si rien ne lui est demandé, ou si le dossier est décidé.", type="datetime"),
        **of(dossier, "d", "depose_le en_construction_le en_instruction_le traite_le expire_le champs_modifie_le annotations_modifie_le AS annotations_modifiees_le modifie_le"),
        **computed("depot_semaine", "week(d.depose_le)", "Semaine ISO du dépôt, à l'heure de Paris : 2026-W05."),
        **computed("depot_mois", "month(d.depose_le)", "Mois du dépôt, à l'heure de Paris : 2026-02."),
        **of(dossier, "d", "synchronise_le modifie_ici_le correction_attendue_depuis"),
    }, key=("numero",)),
    "lecture_valeur": View("Une ligne par valeur que peut prendre une colonne à valeurs fixes, avec son sens.", {
        **said("vue", "Vue."),
        **said("colonne", "Colonne de cette vue."),
        **said("valeur", "Valeur, telle qu'elle figure dans la colonne."),
        **said("sens", "Ce que cette valeur veut dire."),
        **WITH_DSYNC,
    }, key=("vue", "colonne", "valeur")),
    "lecture_colonne": View("Une ligne par colonne de chaque vue, celles des formulaires comprises, et par champ si elle vient de plusieurs : son sens, et le champ d'où elle vient.", {
        **of(colonne, "c", "vue colonne rang type sens marque"),
        **computed("origine", "coalesce(c.origine, k.origine)", "D'où vient la colonne, d'après le formulaire ou la configuration ([mapping]) : {codes} ; vide si Démarches Simplifiées ou dsync la donnent.", codes=[Origin.CHAMP, Origin.ANNOTATION]),
        **computed("champ_id", "coalesce(c.champ_id, k.champ_id)", "Identifiant de ce champ, comme dans lecture_champ."),
        **of(colonne, "c", "depuis"),
        **computed("demarche_numero", "coalesce(c.demarche_numero, k.number)", "Numéro de la démarche de ce champ ; vide s'il n'y en a pas.", type="integer"),
        **WITH_DSYNC,
    }, key=("vue", "colonne", "demarche_numero", "champ_id")),
    "lecture_annotation": View("Une ligne par valeur que dsync a voulu inscrire dans un dossier, les anciennes comprises. Rien n'est inscrit dans un dossier décidé ; ce qui vient d'être inscrit se lit dans lecture_champ et formulaire_* à la synchronisation suivante.", {
        **of(outbox, "o", "numero annotation valeur statut tentatives AS tentative envoyee_le confirmee_le erreur demarche_numero"),
        **MOVED,
    }),
    "lecture_champ": View("Une ligne par champ et par annotation de chaque dossier, repris ou non dans les autres vues.", {
        **of(contenu, "c", "numero"),
        **said("origine", "Où il est : {codes}.", codes=[Origin.CHAMP, Origin.ANNOTATION]),
        **said("champ_id", "Identifiant du champ dans le formulaire, stable d'une révision à l'autre."),
        **said("libelle", "Libellé du champ dans la révision du dossier."),
        **said("type", "Type du champ : text, drop_down_list, etc."),
        **said("ligne", "Place de la ligne dans un bloc répétable, à partir de 1 ; vide hors des blocs répétables.", type="integer"),
        **said("valeur", "Valeur en toutes lettres (dates AAAA-MM-JJ, décimales avec un point, choix séparés par une virgule), et pour une carte ses zones en GeoJSON ; vide si rien n'est saisi, et pour un bloc répétable, dont les valeurs sont celles de ses lignes. Ouvert à sa place : longueur, et formulaire_* ([ouvert] champs).", mark=Mark.FREE_TEXT),
        **said("longueur", "Nombre de signes d'un texte de plusieurs lignes (type textarea) ; vide s'il n'y en a pas, et pour les autres types, dont la longueur trahirait la valeur.", type="integer"),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "origine", "champ_id", "ligne")),
    "lecture_changement": View("Une ligne par changement constaté dans un dossier depuis sa première lecture par dsync ; ceux d'avant sont inconnus : un champ, une annotation, son état, son groupe instructeur ou ses étiquettes. Un autre demandeur n'y est pas : lecture_evenement le dit, sans l'ancienne valeur. Deux modifications entre deux lectures n'en font qu'une ; ce que Démarches Simplifiées ne peut pas rendre n'est pas comparé tant que cela dure.", {
        **of(changement, "c", "numero origine champ_id libelle ligne ancienne_valeur nouvelle_valeur constate_le modifie_le apres_depot par"),
        **computed("ordre", "c.id", "Ordre dans lequel les changements ont été constatés, croissant ; il départage ceux d'une même date.", type="integer"),
        **of(changement, "c", "demarche_numero"),
        **MOVED,
    }, key=("ordre",)),
    "lecture_piece": View("Une ligne par pièce jointe ; les fichiers eux-mêmes restent dans Démarches Simplifiées, sauf ceux dont une copie est demandée.", {
        **of(contenu, "c", "numero"),
        **said("champ_id", "Identifiant du champ qui porte la pièce."),
        **said("nom", "Nom du fichier, où l'usager écrit souvent celui d'une personne. Ouvert à sa place : type_mime.", mark=Mark.FREE_TEXT),
        **said("type_mime", "Type MIME du fichier."),
        **said("taille", "Taille en octets ; vide si Démarches Simplifiées en donne une impossible.", type="integer"),
        **said("empreinte_md5", "Empreinte MD5, en base64."),
        **said("analyse_antivirus", "Résultat de l'analyse antivirus de Démarches Simplifiées."),
        **said("copie", "Adresse de la copie du fichier ; vide s'il n'est pas copié."),
        **of(piece, "p", "copie_le etat AS copie_etat"),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }),
    "lecture_precontrole": View("Une ligne par verdict établi, ceux qui sont remplacés compris : l'historique complet du pré-contrôle, l'avis préparatoire que dsync établit sur les critères publiés.", {
        **of(verdict, "v", "numero verdict"),
        **computed("avis", "coalesce(json(m.avis) ->> v.verdict, v.verdict)", "Le verdict dans les mots que la configuration lui donne ([annotations] options) ; à défaut, le verdict."),
        **computed("avis_equipe", f"CASE WHEN v.courant THEN {TEAM_RESULT} END", "Résultat qu'une personne a inscrit à la place de cet avis, et qui vaut, « retiré » si elle l'a vidé ; vide si l'avis de dsync y est, et pour un verdict remplacé. Ouvert à sa place : avis_remplace.", mark=Mark.FREE_TEXT),
        **computed("avis_remplace", f"v.courant AND {TEAM_RESULT} IS NOT NULL", "Vrai si une personne a remplacé cet avis, qui vaut encore : avis_equipe.", type="boolean"),
        **of(verdict, "v", "detail etabli_le version_regles courant remarque demarche_numero"),
        **MOVED,
    }, key=("numero", "etabli_le")),
    "lecture_precontrole_controle": View("Une ligne par contrôle de chaque verdict, remplacés compris, avec son motif et sa preuve.", {
        **of(verdict, "v", "numero"),
        **computed("etabli_le", "utc(v.etabli_le)", "Date du verdict, en UTC ; avec le numéro, elle désigne le verdict.", type="datetime"),
        **computed("controle", "k.value ->> 'controle'", "Contrôle, sous le nom que la configuration lui donne."),
        **computed("resultat", "k.value ->> 'resultat'", "Résultat : {codes}.", codes=Resultat),
        **computed("motif", "k.value ->> 'motif'", "Motif en une phrase, qui peut citer une réponse ; vide pour un dossier effacé. Ouvert à sa place : resultat.", mark=Mark.FREE_TEXT),
        **computed("preuve", "k.value ->> 'preuve'", "Valeurs utilisées, en JSON ; vide pour un dossier effacé. Ouvert à sa place : resultat.", mark=Mark.FREE_TEXT),
        **computed("courant", "v.courant", "Vrai pour les contrôles du verdict en cours.", type="boolean"),
        **of(verdict, "v", "demarche_numero"),
        **MOVED,
    }, key=("numero", "etabli_le", "controle")),
    "lecture_statistique": View("Nombre de dossiers par mois de dépôt, contrôle du pré-contrôle et résultat, selon les verdicts en cours, dossiers masqués et effacés compris.", {
        **computed("mois", "substr(CAST(paris(d.depose_le) AS text), 1, 7)", "Mois du dépôt, à l'heure de Paris, sous la forme AAAA-MM."),
        **computed("controle", "k.value ->> 'controle'", "Contrôle du pré-contrôle."),
        **computed("resultat", "k.value ->> 'resultat'", "Résultat du contrôle : {codes}.", codes=Resultat),
        **computed("type_administration", "json(v.constats) ->> 'type_administration'", "Type d'administration, où le pré-contrôle en constate un ; vide sinon."),
        **computed("phase_constatee", "json(v.constats) ->> 'phase_constatee'", "Phase du produit, où le pré-contrôle en constate une ; vide sinon."),
        **computed("nombre", "count(*)", "Nombre de dossiers.", type="integer"),
        **of(dossier, "d", "demarche_numero"),
        **OF_ALL,
    }, key=("demarche_numero", "mois", "controle", "resultat", "type_administration", "phase_constatee")),
    "lecture_decision": View("Une ligne par décision prise sur un dossier, y compris celles qui ne valent plus : un dossier rouvert garde ici sa décision passée.", {
        **of(contenu, "c", "numero"),
        **said("rang", "Ordre de la décision dans le dossier, à partir de 1.", type="integer"),
        **said("etat", "Décision : {codes}.", codes=[one for one in Etat if one not in OPEN_ETATS]),
        **said("decide_le", "Date de la décision, en UTC.", type="datetime"),
        **said("decide_jour", "Jour de la décision, à l'heure de Paris : 2026-02-16."),
        **said("motivation", "Motivation écrite par l'instruction, qui peut nommer une personne ; vide si aucune. Ouvert à sa place : etat.", mark=Mark.PERSONAL),
        **said("instructeur_courriel", "Courriel de la personne qui a décidé ; vide si la décision est automatique. Ouvert à sa place : decideur.", mark=Mark.PERSONAL),
        **said("decideur", "Pseudonyme de cette personne, le même pour toutes ses décisions dans la démarche : une empreinte de son courriel avec un secret de la base, qu'aucune vue ne montre, et sans lequel un courriel deviné ne se vérifie pas. Vide si la décision est automatique."),
        **said("revision", "Identifiant de la révision du formulaire sur laquelle la décision a été prise ; vide si elle n'est pas connue."),
        **said("en_vigueur", "Vrai pour la décision qui vaut à ce jour, une au plus par dossier ; faux si elle est remplacée ou si le dossier est rouvert.", type="boolean"),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "rang")),
    "lecture_etiquette": View("Une ligne par étiquette (label) posée sur un dossier à ce jour.", {
        **said("numero", "Numéro du dossier.", type="integer"),
        **said("etiquette", "Nom de l'étiquette."),
        **said("couleur", "Couleur de l'étiquette dans Démarches Simplifiées, sous le nom qu'elle lui donne ; vide tant que la démarche n'a pas été relue.", codes=COULEURS),
        **said("posee_par_dsync", "Vrai si dsync a posé cette étiquette ou la tient pour la sienne ; faux si une personne l'a posée.", type="boolean"),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "etiquette")),
    "lecture_reponse": View("Une ligne par réponse qu'une personne a donnée à un contrôle d'un dossier, retirées et remplacées comprises. Une réponse vaut tant que le contrôle trouve ce que cette personne a vu.", {
        **of(reponse, "r", "numero controle resultat motif produit auteur repondu_le"),
        **said("statut", "Statut : {codes}.", codes=AnswerStatus),
        **said("constat_resultat", "Ce que le contrôle avait trouvé, et sur quoi la réponse repose : {codes}.", codes=[one for one in Resultat if one is not Resultat.SANS_OBJET]),
        **said("constat_motif", "Motif qu'il en avait donné. Ouvert à sa place : constat_resultat.", mark=Mark.FREE_TEXT),
        **said("constat_preuve", "Preuve qu'il avait utilisée, en JSON. Ouvert à sa place : constat_resultat.", mark=Mark.FREE_TEXT),
        **of(reponse, "r", "finie_le finie_par demarche_numero"),
        **MOVED,
    }),
    "lecture_message": View("Une ligne par message de la messagerie d'un dossier, les messages retirés compris, dont Démarches Simplifiées ne garde pas le texte.", {
        **of(contenu, "c", "numero"),
        **said("message", "Identifiant du message dans Démarches Simplifiées ; « dsync » et une date si une personne dit l'avoir envoyé et que Démarches Simplifiées ne le montre pas."),
        **said("envoye_le", "Date du message, en UTC.", type="datetime"),
        **said("de", "Côté de qui l'a écrit : {codes}.", codes=Cote),
        **said("correction", "Demande de correction : {codes} ; vide si le message n'en demande pas.", codes={"attendue": "La correction demandée est attendue.", "traitee": "L’usager a corrigé, ou la demande est annulée."}),
        **said("corrige_le", "Fin de cette demande de correction, en UTC : l'usager a déposé son dossier de nouveau, ou elle a été annulée.", type="datetime"),
        **said("retire_le", "Date à laquelle son auteur l'a retiré, en UTC ; vide sinon.", type="datetime"),
        **said("texte", "Texte du message, sans mise en forme ; vide s'il est retiré, ou si dsync ne l'a que de qui dit l'avoir envoyé. Ouvert à sa place : de.", mark=Mark.FREE_TEXT),
        **said("pieces", "Noms des fichiers joints, en JSON : une liste ; vide s'il n'y en a pas. Ouvert à sa place : rien.", mark=Mark.FREE_TEXT, type="json"),
        **said("auteur_courriel", "Courriel de qui l'a écrit. Ouvert à sa place : de.", mark=Mark.PERSONAL),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "message")),
    "lecture_evenement": View("Une ligne par événement de la vie d'un dossier, tel que dsync l'a constaté.", {
        **of(evenement, "e", "numero survenu_le evenement"),
        **of(evenement, "e", "details", Mark.FREE_TEXT),
        **of(evenement, "e", "demarche_numero"),
        **MOVED,
    }),
    "lecture_synchronisation": View("Une ligne par synchronisation.", {
        **of(sync_run, "r", "run genre"),
        **computed("statut", "CASE WHEN r.statut = 'running' AND l.holder IS NULL THEN 'interrupted' ELSE r.statut END", "Statut : {codes}.", codes=Status),
        **of(sync_run, "r", "debut fin lus modifies supprimes evalues pousses requetes erreur code demarche_numero"),
        **moved("CASE WHEN r.fin IS NULL THEN now() ELSE utc(r.fin) END", "Date de sa fin, en UTC ; de la requête tant qu'elle n'en a pas."),
    }, key=("run",)),
    "lecture_consultation": View("Une ligne par consultation : qui a vu quoi, et quand. Pour le délégué à la protection des données : elle n'est ni exportée ni accordée avec les autres vues.", {
        **computed("consultation", "c.id", "Numéro de la ligne.", type="integer"),
        **computed("genre", "c.genre", "Genre : {codes}.", codes=Seen),
        **computed("par", "c.demande_par", "Compte ou courriel de l'agent. Ouvert à sa place : rien.", mark=Mark.PERSONAL),
        **computed("debut_le", "utc(c.demande_le)", "Date du premier accès de la ligne, en UTC.", type="datetime"),
        **computed("fin_le", "utc(c.fini_le)", "Date du dernier, en UTC : ce qu'une personne ouvre dans la console en une minute fait une ligne.", type="datetime"),
        **computed("choix", "json(c.options)", "Ce qui a été choisi, en JSON : numéros de dossiers, page et filtres, vues, format, rôle dans la console. Ouvert à sa place : genre.", mark=Mark.FREE_TEXT, type="json"),
        **computed("nombre", "CAST(json(c.resultat) ->> 'nombre' AS integer)", "Nombre de dossiers, de lignes, de valeurs ou de refus.", type="integer"),
        **computed("demarche_numero", "c.demarche_numero", "Numéro de la démarche.", type="integer"),
        **moved("utc(c.fini_le)", "Date du dernier accès de la ligne, en UTC."),
    }, key=("consultation",)),
    "lecture_indicateur": View("Une ligne par jour et par indicateur : les chiffres à la fin de la dernière synchronisation du jour ; rien avant la première. Ils restent quand un dossier est effacé.", {
        **of(indicateur, "i", "jour indicateur valeur demarche_numero"),
        **moved("CASE WHEN after(i.jour) < now() THEN after(i.jour) ELSE now() END", "Fin du jour, en UTC ; date de la requête pour le jour en cours."),
    }, key=("demarche_numero", "jour", "indicateur")),
    "lecture_anomalie": View("Une ligne par dossier mis en quarantaine parce qu'il ne peut pas être lu ou jugé, et une si les listes de Démarches Simplifiées ont masqué ou supprimé trop de dossiers d'un coup (suppression_massive).", {
        **of(quarantaine, "q", "numero code message depuis tentatives demarche_numero"),
        **moved("utc(q.dernier_essai_le)", "Date de la dernière tentative, en UTC."),
    }),
}


PSEUDONYMISED = (
    "Données pseudonymisées : le numéro d'un dossier mène encore à une personne, par Démarches "
    "Simplifiées."
)
# The legal category of an entrepreneur individuel begins with 1. A natural person has none, nor has
# an enterprise of which DS does not know it: it can be one, and is taken for one. So are those who
# are together in indivision (21), en société créée de fait (22) or en participation (23), also with
# an organisation: their names are the name.
_IS_PERSON = (
    "(substr(coalesce({0}.forme_juridique_code, '1'), 1, 1) = '1' "
    "OR substr({0}.forme_juridique_code, 1, 2) IN ('21', '22', '23'))"
)
_PLACES = frozenset({"numero", "ligne", "rang", "modifie_ici_le"})
NO_ROWS = "Aucune ligne ici : la configuration n'ouvre aucune de ces réponses."
# A label ends where an explanation begins: at a bracket, a colon, a comma or a full stop.
_CUT = re.compile(r"\s*(?:[;:,(]|\.(?:\s|$)).*", re.DOTALL)


WITHHELD = frozenset({"lecture_consultation"})
"""Views that neither go with the others to a reader nor into an export unless it is named."""


def is_closed(columns: Mapping[str, Declared]) -> bool:
    """Return whether readers without personal data see nothing in a view but which rows there are.

    The rows alone would tell who has answered a question, and how often.
    """
    return all(name in _PLACES or one.mark in MASKED for name, one in columns.items())


def is_person(dossier: str) -> str:
    """Return the SQL condition that a dossier's applicant is, or may be, a single person."""
    return _IS_PERSON.format(dossier)


def of_person(view: str, columns: Collection[str], dossier: str = "dossier") -> str:
    """Return the SQL condition that a row of a view is, or may be, of a single person.

    `dossier` is the name of the table.
    """
    if "forme_juridique_code" in columns:
        return is_person(view)
    if "numero" not in columns:
        return "true"
    of_dossier = f"SELECT 1 FROM {dossier} AS p WHERE p.numero = {view}.numero"  # noqa: S608 - ours
    return f"EXISTS ({of_dossier} AND {is_person('p')})"


def pseudonymised(column: str, mark: Mark, deliberated: str, person: str) -> str:
    """Return the SQL by which readers without personal data see a column of a view.

    The column is in quotes; `deliberated` is the condition on a row that its démarche's marks are
    shown, `person` that it is of a single person.
    """
    if mark in MASKED:
        # A null of the column's own type: PostgreSQL's REPLACE refuses to change a type.
        return f"CASE WHEN false THEN {column} END AS {column}"
    if mark is Mark.OF_JURY:
        return f"CASE WHEN {deliberated} THEN {column} END AS {column}"
    if mark is Mark.OF_PERSON:
        return f"CASE WHEN NOT {person} THEN {column} END AS {column}"
    return column


def label_of(sentence: str) -> str:
    """Return a short label of a column, from the sentence that documents it."""
    label = _CUT.sub("", sentence.removeprefix("Vrai si ")).replace("'", "’")
    return label[:1].upper() + label[1:]


DOSSIER_VIEW = "lecture_dossier"
"""The view with one row per dossier of any démarche."""
DOSSIER_COLUMNS = VIEWS[DOSSIER_VIEW].columns
DOSSIER_SECTION: Mapping[str, str] = {
    "appel": "call",
    "etat": "state",
    "presence": "presence",
    "archive": "archived",
    "depose_le": "deposited",
    "en_instruction_le": "under instruction since",
    "traite_le": "decided",
    "champs_modifie_le": "changed by the applicant",
    "synchronise_le": "changed here",
}
"""What `dsync dossier show` prints of any dossier: labels by column."""
APPLICANT: Mapping[str, str] = {
    "demandeur_type": "kind",
    "demandeur_civilite": "civility",
    "demandeur_prenom": "first name",
    "demandeur_nom": "name",
    "usager_courriel": "e-mail of the account",
    "mandataire_nom": "acting for them",
    "siret": "SIRET",
    "raison_sociale": "organisation",
    "forme_juridique_code": "legal category",
    "commune": "commune",
    "region_nom": "région",
}
"""Who applies, as `dsync dossier show` prints it for any démarche: labels by column."""


# It is never instantiated: nothing of a configuration is asked of it.
class _NoProgramme(Programme):
    storage = Storage(sections={"Dossier": DOSSIER_SECTION})


_ACCORDS = " ".join(f"WHEN '{one.value}' THEN '{one.french}. {one.stands}'" for one in Consent)
ENGINE = Storage(
    package="dsync.store",
    metadata=tables.metadata,
    views=VIEWS,
    complete=lambda query: query.replace("{accords}", f"CASE a.genre {_ACCORDS} END"),
)
"""The engine's own part of the database, described as a programme's is."""
NO_PROGRAMME: type[Programme] = _NoProgramme  # type: ignore[type-abstract]
"""What is beside the engine's part in a database without a programme."""


def folder_of(part: Storage) -> Traversable:
    """Return the folder with the migrations and views of a part of the database."""
    return resources.files(part.package)


def all_tables(programme: type[Programme]) -> list[Table]:
    """Return the engine's tables and the programme's."""
    return [table for part in parts(programme) for table in part.metadata.sorted_tables]


def parts(programme: type[Programme]) -> list[Storage]:
    """Return the engine's part of the database and the programme's."""
    return [ENGINE, programme.storage] if programme.storage.package else [ENGINE]
