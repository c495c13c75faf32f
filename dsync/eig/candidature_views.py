"""The programme's views: what they say, as `dsync/store/dictionary.py` does of the engine's.

A field of the candidature is a column of the main view by its declaration.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsync.domain.documented import Declared, Mark, View
from dsync.domain.dossier import Etat, Presence
from dsync.domain.rights import VERDICTS
from dsync.domain.verdict import MOST_CHECKS
from dsync.eig.candidature import declared_fields
from dsync.eig.code_words import TYPES
from dsync.eig.evidence_tables import candidature, produit
from dsync.eig.precheck.check import Check
from dsync.eig.stages import DECISION, SUITES, Attend, Etape, Suite
from dsync.eig.stages import INDICATEURS as STAGE_INDICATEURS
from dsync.programme import Dictionary
from dsync.store.codes import ANOMALIES, INDICATEURS
from dsync.store.columns import computed, of, said
from dsync.store.dictionary import (
    DOSSIER_COLUMNS,
    DOSSIER_SECTION,
    MOVED,
    OF_ALL,
    SILENT_SINCE,
    WITH_THE_CLOCK,
    moved,
    waited_for,
    waited_since,
)
from dsync.store.dictionary import VIEWS as ENGINE_VIEWS
from dsync.store.tables import dossier, version_regles

MAIN_VIEW = "lecture_candidature"
EXTRA = "extra"
_WAITS_FOR = (
    "CASE WHEN e.etape = 'En instruction' AND c.jury_le IS NOT NULL THEN 'jury' ELSE {attend} END"
)


def _engine(names: str) -> dict[str, Declared]:
    return {name: DOSSIER_COLUMNS[name]._replace(sql=f"d.{name}") for name in names.split()}


_REGIONS = {
    "Auvergne-Rhône-Alpes": "01 03 07 15 26 38 42 43 63 69 73 74",
    "Bourgogne-Franche-Comté": "21 25 39 58 70 71 89 90",
    "Bretagne": "22 29 35 56",
    "Centre-Val de Loire": "18 28 36 37 41 45",
    "Corse": "2A 2B",
    "Grand Est": "08 10 51 52 54 55 57 67 68 88",
    "Hauts-de-France": "02 59 60 62 80",
    "Île-de-France": "75 77 78 91 92 93 94 95",
    "Normandie": "14 27 50 61 76",
    "Nouvelle-Aquitaine": "16 17 19 23 24 33 40 47 64 79 86 87",
    "Occitanie": "09 11 12 30 31 32 34 46 48 65 66 81 82",
    "Pays de la Loire": "44 49 53 72 85",
    "Provence-Alpes-Côte d''Azur": "04 05 06 13 83 84",
    "Guadeloupe": "971",
    "Martinique": "972",
    "Guyane": "973",
    "La Réunion": "974",
    "Mayotte": "976",
}
"""The codes of the départements of each région, as it is written in SQL."""
# Not IN: PostgreSQL gives that another text after a backup is restored.
_REGION = " ".join(
    f"WHEN '{code}' THEN '{name}'" for name, codes in _REGIONS.items() for code in codes.split()
)

# One line a column, however long its sentence.
# fmt: off
_FIRST = _engine("numero demarche_numero appel etat")
_AFTER: Mapping[str, Mapping[str, Declared]] = {
    "etape": {
        **_engine("presence archive depose_le en_instruction_le traite_le correction_attendue_depuis champs_modifie_le modifie_le synchronise_le modifie_ici_le groupe_instructeur usager_courriel siret siren raison_sociale forme_juridique_code region_code region_nom"),
        **computed("type_administration", "json(v.constats) ->> 'type_administration'", "Type d'administration retenu par le pré-contrôle : {codes}.", codes={code: f"{label}." for code, label in TYPES.items()}),
    },
    "page_produit": {
        **of(candidature, "c", "produit_id"),
        **computed("produit_nom", "p.nom", "Nom du produit reconnu, selon le catalogue beta.gouv.fr."),
    },
    "phase_declaree": computed("phase_constatee", "json(v.constats) ->> 'phase_constatee'", "Phase du produit au jour du dépôt, selon le catalogue beta.gouv.fr, sans majuscule ni accent : une seule graphie par phase."),
    "incubateur": computed("incubateur_constate", "json(v.constats) ->> 'incubateur_constate'", "Incubateur du produit selon le catalogue beta.gouv.fr : il diffère souvent du déclaré, qui ne sert qu'à confirmer un produit désigné sans l'adresse de sa fiche."),
    "departement_nom": computed("affectation_region", f"CASE c.departement_code {_REGION} END", "Région du département d'affectation, où est le lieu de travail ; vide hors des départements."),
    "cas_demande": computed("nb_voeux", "length(c.voeux)", "Nombre de profils souhaités.", type="integer"),
    "perspectives": {
        **computed("verdict", "v.verdict", "Verdict en cours du pré-contrôle, calculé par dsync : {codes} ; vide si aucun. C'est un avis, jamais une décision ; une personne a pu écrire autre chose dans l'annotation du dossier (lecture_champ, formulaire_*), et c'est elle qui fait foi.", codes=VERDICTS),
        **computed("verdict_etabli_le", "utc(v.depuis_le)", "Date depuis laquelle le verdict et son texte sont ceux-ci, en UTC ; pour joindre lecture_precontrole, prendre courant.", type="datetime"),
    },
    # An empty object is shown as NULL, as other columns without a value are.
    "prise_de_poste_le": computed(EXTRA, f"nullif(c.{EXTRA}, '{{}}')", "Réponses aux autres champs que la configuration associe ([mapping.champs]), en JSON, par le nom qu'elle leur donne ; vide s'il n'y en a pas. Ouvert à sa place : formulaire_* ([ouvert] champs).", mark=Mark.PERSONAL),
}
"""The columns of the main view that are no fields, by the field that they follow."""


def _main() -> dict[str, Declared]:
    columns = dict(_FIRST)
    for name, _ in declared_fields():
        columns |= {**of(candidature, "c", name), **_AFTER.get(name, {})}
    named = {n: one.sql if " AS " in one.sql else f"{one.sql} AS {n}" for n, one in columns.items()}
    return {name: one._replace(sql=named[name]) for name, one in columns.items()}


_NEXT = {DECISION: "Acceptation, refus ou classement sans suite."} | {
    etape.value: etape.meaning
    for etape in Etape
    if etape in {suite.prochaine_etape for suite in SUITES.values()}
}
_FIGURES = INDICATEURS | {
    name: f"Médiane des jours passés à l’étape « {etape} », des étapes finies des dossiers présents."
    for etape, name in STAGE_INDICATEURS.items()
}
VIEWS: Dictionary = {
    "lecture_candidature": View("Une ligne par dossier connu de la démarche, masqués et effacés compris (presence = 'present' ne garde que les visibles) : ses dates, son demandeur, les réponses du formulaire, le verdict en cours et les étapes de la sélection.", _main()),
    "lecture_voeu": View("Une ligne par profil souhaité (vœu) dans un dossier.", {
        **of(candidature, "c", "numero"),
        **computed("rang", "CAST(v.value ->> 'rang' AS integer)", "Rang : l'ordre de préférence, à défaut l'ordre de saisie.", type="integer"),
        **computed("profil", "v.value ->> 'profil'", "Profil souhaité."),
        **computed("missions", "v.value ->> 'missions'", "Missions décrites. Ouvert à sa place : longueur de lecture_champ.", mark=Mark.FREE_TEXT),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "rang")),
    "lecture_evaluation": View("Une ligne par grille d'évaluation remplie sur un dossier, celles qui ne comptent pas comprises ; une même personne peut en remplir plusieurs.", {
        **of(candidature, "c", "numero"),
        **computed("ligne", "CAST(e.value ->> 0 AS integer)", "Place de la grille dans le dossier, à partir de 1.", type="integer"),
        **computed("moment", "e.value ->> 1", "Moment de l'évaluation, dans les mots du formulaire : sur dossier, ou à la soutenance."),
        **computed("evaluateur", "e.value ->> 2", "Personne qui évalue ; dans un jury de quelques personnes, un pseudonyme la laisserait deviner. Ouvert à sa place : remplacee_par.", mark=Mark.PERSONAL),
        **computed("commentaire", "e.value ->> 3", "Commentaire de l'évaluation. Ouvert à sa place : rien.", mark=Mark.FREE_TEXT),
        **computed("moyenne", "CAST(round(CAST(e.value ->> 5 AS numeric) + 0.000000001, 2) AS double precision)", "Moyenne des notes données, à deux décimales ; vide s'il n'y en a pas.", mark=Mark.OF_JURY, type="number"),
        **computed("soutenance", "CAST(e.value ->> 6 AS boolean)", "Vrai si ce moment est la soutenance ; tout autre moment, ou aucun, vaut évaluation du dossier.", type="boolean"),
        **computed("complete", "CAST(e.value ->> 7 AS boolean)", "Vrai si chaque critère est noté.", type="boolean"),
        **computed("remplacee_par", "CAST(e.value ->> 8 AS integer)", "Place de la dernière grille de la même personne au même moment, qui compte au lieu de celle-ci ; un nom écrit avec d'autres majuscules ou accents est la même personne. Vide si c'est celle-ci.", type="integer"),
        **computed("compte", "CAST(e.value ->> 9 AS boolean)", "Vrai si la grille compte dans la note du dossier : non remplacée, et de la soutenance s'il y en a une grille.", type="boolean"),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "ligne")),
    "lecture_evaluation_note": View("Une ligne par critère d'une grille d'évaluation, que numero et ligne désignent dans lecture_evaluation ; à ne pas confondre avec les contrôles du pré-contrôle.", {
        **of(candidature, "c", "numero"),
        **computed("ligne", "CAST(e.value ->> 0 AS integer)", "Place de la grille dans le dossier, à partir de 1.", type="integer"),
        **computed("rang", "n.key + 1", "Place du critère dans la grille, à partir de 1.", type="integer"),
        **computed("critere", "json(c.criteres) ->> CAST(n.key AS integer)", "Identifiant du critère dans la configuration."),
        **computed("libelle", "json(c.criteres_libelles) ->> CAST(n.key AS integer)", "Libellé du critère."),
        **computed("note", "CAST(n.atom AS double precision)", "Note donnée, dans l'échelle du formulaire ; vide si le critère n'est pas noté.", mark=Mark.OF_JURY, type="number"),
        **of(dossier, "d", "demarche_numero"),
        **MOVED,
    }, key=("numero", "ligne", "rang")),
    "lecture_precontrole": ENGINE_VIEWS["lecture_precontrole"].saying("Une ligne par verdict établi, ceux qui sont remplacés compris : l'historique complet du pré-contrôle, l'avis préparatoire que dsync établit sur les critères publiés.", avis="Le verdict dans les mots que la configuration lui donne ([annotations] options), où des contrôles sont déclarés ; ailleurs, le verdict.", remarque="Ce que le catalogue actuel donnerait au lieu de la preuve conservée, pour information ; vide s'il ne changerait rien. Ouvert à sa place : verdict."),
    "lecture_precontrole_controle": ENGINE_VIEWS["lecture_precontrole_controle"].saying("Une ligne par contrôle de chaque verdict, remplacés compris, avec son motif et sa preuve.", {"controle": Check}, controle="Contrôle : {codes}.", preuve="Preuve utilisée (valeurs, source, date de consultation), en JSON ; vide pour un dossier effacé. Ouvert à sa place : resultat."),
    "lecture_anomalie": ENGINE_VIEWS["lecture_anomalie"].saying("Une ligne par dossier mis en quarantaine parce qu'il ne peut pas être lu ou jugé, une si les listes de Démarches Simplifiées ont masqué ou supprimé trop de dossiers d'un coup (suppression_massive), et une si le catalogue beta.gouv.fr publié n'est pas retenu.", {"code": ANOMALIES | {"catalogue": "Le catalogue beta.gouv.fr publié n’est pas retenu."}}, code="Code de l'anomalie : {codes}.", numero="Numéro du dossier ; vide pour une suppression massive et pour le catalogue.", demarche_numero="Numéro de la démarche ; vide pour le catalogue, commun à toutes."),
    "lecture_statistique": ENGINE_VIEWS["lecture_statistique"].saying("Nombre de dossiers par mois de dépôt, contrôle du pré-contrôle, résultat, type d'administration et phase constatée, selon les verdicts en cours, dossiers masqués et effacés compris.", {"controle": Check}, type_administration="Type d'administration constaté par le pré-contrôle ; vide si aucun.", phase_constatee="Phase du produit au jour du dépôt, selon le catalogue beta.gouv.fr ; vide si aucune."),
    "lecture_indicateur": ENGINE_VIEWS["lecture_indicateur"].saying("Une ligne par jour et par indicateur : les chiffres à la fin de la dernière synchronisation du jour ; rien avant la première. Ils restent quand un dossier est effacé.", {"indicateur": _FIGURES}),
    "lecture_produit": View("Une ligne par produit que le catalogue beta.gouv.fr a publié, tel que lu pour la dernière fois ; un produit retiré garde sa dernière ligne.", {
        **of(produit, "p", "id AS produit_id nom incubateur"),
        **said("phase", "Dernière phase du produit à ce jour, dans les mots et la graphie du catalogue ; vide si aucune. La phase au jour du dépôt est lecture_candidature.phase_constatee."),
        **said("phase_depuis", "Date de début de cette phase.", type="date"),
        **said("adresse", "Adresse de la page du produit sur beta.gouv.fr."),
        **of(produit, "p", "vu_le AS consulte_le vu_le AS modifie_ici_le"),
    }, key=("produit_id",)),
    "lecture_regle": View("Une ligne par version des règles du pré-contrôle qui a établi au moins un verdict, conservée entière, ses parties en JSON ; jamais modifiée ni supprimée.", {
        **of(version_regles, "r", "version depuis_le"),
        **computed("revision", "CAST(json(r.document) ->> 'revision' AS integer)", "Révision des phrases du logiciel.", type="integer"),
        **computed("precontrole", "json(r.document) ->> 'precontrole'", "Section [precontrole] : autorité qui instruit, adresse de publication, longueur du texte."),
        **computed("listes", "json(r.document) ->> 'listes'", "Listes de référence : genre, année, source, nombre d'entrées, empreinte SHA-256 du fichier."),
        **computed("categories", "json(r.document) ->> 'categories'", "Catégories juridiques : code ou famille de codes, libellé, réponse."),
        **computed("controles", "json(r.document) ->> 'controles'", "Contrôles faits : nom, titre, règle, exigence ou fonction avec ses paramètres, résultat le plus sévère (sinon)."),
        **computed("phrases", "json(r.document) ->> 'phrases'", "Situations prévues : contrôles, résultat, situation, phrase avec ses variables entre accolades."),
        **moved("utc(r.depuis_le)", "Date du premier verdict établi par cette version, en UTC."),
    }, key=("version",)),
    "lecture_jury_dossier": View("Une ligne par dossier qui a une date de jury, passée ou à venir, dans Démarches Simplifiées ou, à défaut, prévue dans la console, même s'il a été décidé avant ce jour, avec ses notes, masqués et disparus compris ; un dossier évalué sans date de jury n'y est pas. Les notes sont celles de la soutenance s'il y en a une grille, sinon celles du dossier, jamais des deux ; chaque personne compte une fois, par sa dernière grille. Les mêmes chiffres que /jury.", {
        **said("jury_le", "Date du jury.", type="date"),
        **said("numero", "Numéro du dossier.", type="integer"),
        **said("raison_sociale", "Raison sociale du demandeur.", mark=Mark.OF_PERSON),
        **said("page_produit", "Adresse de la page du produit, telle que saisie. Ouvert à sa place : produit_id de lecture_candidature.", mark=Mark.FREE_TEXT),
        **said("verdict", "Verdict en cours du pré-contrôle.", codes=VERDICTS),
        **said("rang", "Rang parmi les dossiers présents du même jury et du même moment, la meilleure moyenne d'abord ; le même pour des moyennes égales. Vide sans moyenne, et si le dossier n'est plus présent.", mark=Mark.OF_JURY, type="integer"),
        **said("moment", "Moment dont les notes comptent : {codes} ; vide sans grille.", codes={"dossier": "Évaluation du dossier, avant la soutenance.", "soutenance": "Réévaluation après la soutenance ; les notes du dossier ne comptent plus."}),
        **said("nb_evaluations", "Nombre de grilles d'évaluation remplies, celles qui ne comptent pas comprises.", type="integer"),
        **said("nb_evaluateurs", "Nombre de personnes dont la grille compte.", type="integer"),
        **said("nb_incompletes", "Nombre de grilles qui comptent et où manque une note : avec une seule, le dossier n'a ni moyenne ni rang.", type="integer"),
        **said("note_moyenne", "Moyenne des moyennes des personnes, à deux décimales ; vide sans note, et s'il en manque une.", mark=Mark.OF_JURY, type="number"),
        **said("note_min", "Plus basse note donnée à un critère, dans les grilles qui comptent.", mark=Mark.OF_JURY, type="number"),
        **said("note_max", "Plus haute note donnée à un critère, dans les grilles qui comptent.", mark=Mark.OF_JURY, type="number"),
        **said("ecart_evaluateurs", "Écart entre la moyenne de la personne la plus généreuse et celle de la plus sévère, à deux décimales ; vide s'il n'y en a qu'une, ou s'il manque une note.", mark=Mark.OF_JURY, type="number"),
        **said("etat", "État du dossier.", codes=Etat),
        **said("presence", "Présence du dossier dans la démarche, comme dans lecture_candidature.", codes=Presence),
        **said("demarche_numero", "Numéro de la démarche.", type="integer"),
        **OF_ALL,
    }, key=("numero",)),
    "lecture_jury": View("Une ligne par date de jury, passée ou à venir : les dossiers de cette date et leurs notes.", {
        **computed("jury_le", "j.jury_le", "Date du jury.", type="date"),
        **computed("nb_dossiers", "count(*)", "Nombre de dossiers qui ont cette date de jury.", type="integer"),
        **computed("nb_laureats", "sum(CASE WHEN j.etat = 'accepte' THEN 1 ELSE 0 END)", "Nombre de ces dossiers qui sont acceptés (état accepte).", type="integer"),
        **computed("note_moyenne", "CAST(round(CAST(avg(j.note_moyenne) AS numeric) + 0.000000001, 2) AS double precision)", "Moyenne des notes moyennes des dossiers, à deux décimales ; vide si aucune note.", mark=Mark.OF_JURY, type="number"),
        **computed("note_ecart", "CAST(round(CAST(max(j.note_moyenne) - min(j.note_moyenne) AS numeric) + 0.000000001, 2) AS double precision)", "Écart entre la meilleure et la moins bonne note moyenne, à deux décimales ; 0 s'il n'y a qu'un dossier.", mark=Mark.OF_JURY, type="number"),
        **computed("demarche_numero", "j.demarche_numero", "Numéro de la démarche.", type="integer"),
        **OF_ALL,
    }, key=("demarche_numero", "jury_le")),
    "lecture_etape": View("Une ligne par étape qu'un dossier a connue, du dépôt à la prise de poste : elles se suivent sans trou ni recouvrement, et certaines peuvent être sautées. Établie d'après l'état du dossier et les dates des annotations ; à ne pas confondre avec lecture_candidature.etape, que l'équipe du programme saisit. Vide pour un dossier effacé.", {
        **computed("numero", "p.numero", "Numéro du dossier.", type="integer"),
        **computed("rang", "p.rang", "Ordre de l'étape dans le dossier, à partir de 1.", type="integer"),
        **computed("etape", "p.etape", "Étape : {codes}.", codes=Etape),
        **computed("du", "p.du", "Début de l'étape, en UTC ; une étape ouverte par une date commence ce jour-là à minuit, à l'heure de Paris, et au plus tôt à la décision.", type="datetime"),
        **computed("au", "p.au", "Fin de l'étape, en UTC : le début de la suivante, la réouverture d'un dossier décidé, ou la sortie d'un dossier masqué ou disparu ; vide pour l'étape en cours.", type="datetime"),
        **computed("jours", "CAST(round(CAST((seconds(p.fin) - seconds(p.du)) / 86400 AS numeric) + 0.000001, 1) AS double precision)", "Durée de l'étape en jours, à une décimale ; jusqu'à maintenant pour l'étape en cours.", type="number"),
        **computed("demarche_numero", "p.demarche_numero", "Numéro de la démarche.", type="integer"),
        **moved("CASE WHEN p.fin > p.modifie_ici_le THEN p.fin ELSE p.modifie_ici_le END", "Date du dernier changement de la ligne, en UTC : celui du dossier, ou la fin de l'étape ; de la requête pour l'étape en cours, dont les jours augmentent."),
    }, key=("numero", "rang")),
    "lecture_suivi": View("Une ligne par dossier présent dans la démarche : l'étape où il se trouve, et de qui dépend la suite.", {
        **computed("numero", "e.numero", "Numéro du dossier.", type="integer"),
        **computed("etape", "e.etape", "Étape en cours, dans les mots de lecture_etape.", codes=Etape),
        **computed("etape_depuis", "e.du", "Début de cette étape, en UTC.", type="datetime"),
        **computed("jours_dans_etape", "e.jours", "Jours passés dans cette étape, à une décimale.", type="number"),
        **computed("prochaine_etape", "{prochaine_etape}", "Étape suivante, ou Décision après le jury ; vide si l'étape est la dernière.", codes=_NEXT),
        **computed("attend", waited_for(_WAITS_FOR), "Qui doit agir pour que le dossier avance : {codes}.", codes=Attend),
        **computed("attend_depuis", waited_since(_WAITS_FOR, "e.du"), "Date depuis laquelle cette personne doit agir, en UTC : le début de l'étape, ou le message ou la correction qui lui a passé la main depuis ; vide si personne ne doit agir.", type="datetime"),
        **of(dossier, "d", "demande_le repondu_le"),
        **computed("sans_reponse_depuis", f"utc({SILENT_SINCE})", "Date depuis laquelle le candidat n'a pas répondu à demande_le, en UTC ; vide s'il a répondu, si rien ne lui est demandé, ou si le dossier est décidé.", type="datetime"),
        **computed("demarche_numero", "e.demarche_numero", "Numéro de la démarche.", type="integer"),
        **WITH_THE_CLOCK,
    }, key=("numero",)),
}
# fmt: on

_SHOWN = {
    **{name: ("Dossier", label) for name, label in DOSSIER_SECTION.items()},
    **{name: (field.section, field.label) for name, field in declared_fields()},
    "type_administration": ("Administration", "kind"),
    "produit_id": ("Project", "product"),
    "phase_constatee": ("Project", "phase observed"),
    "incubateur_constate": ("Project", "incubator observed"),
}
SECTIONS: Mapping[str, Mapping[str, str]] = {
    title: {
        name: _SHOWN[name][1]
        for name in VIEWS[MAIN_VIEW].columns
        if _SHOWN.get(name, ("",))[0] == title
    }
    for title in (
        "Dossier",
        "Project",
        "Administration",
        "Contacts",
        "Scheme",
        "Motivations",
        "Selection and recruitment",
    )
}
"""What `dsync dossier show` prints, in the order of the form: labels by column, by section."""


def completed(query: str) -> str:
    """Insert the results of checks and what follows each stage into a query.

    `{results}`: the paths of the checks and their results in a verdict, which has each check once
    at most; one of another démarche of the database can have more of them than the programme.
    """
    # Not `format`: SQL has braces of its own, such as '{}'.
    results = (f"'$[{rank}].controle', '$[{rank}].resultat'" for rank in range(MOST_CHECKS))
    query = query.replace("{results}", ", ".join(results))
    for name in Suite._fields:
        whens = (f"WHEN '{e}' THEN '{v}'" for e, s in SUITES.items() if (v := getattr(s, name)))
        query = query.replace(f"{{{name}}}", f"CASE e.etape {' '.join(whens)} END")
    return query
