"""The codes that only the database has, each with its words."""

from __future__ import annotations

from dsync.domain.documented import Code
from dsync.domain.dossier import OPEN_ETATS, Anomaly, Etat
from dsync.domain.verdict import Verdict


class Kind(Code):
    """The kinds of runs; as the statuses, the values are those of `lecture_synchronisation`."""

    INCREMENTAL = "incremental", "Lecture des nouveautés", "Lecture de ce qui a changé."
    FULL = "complet", "Lecture complète", "Lecture de tous les dossiers."
    DOSSIER = "dossier", "Lecture de dossiers", "Lecture de dossiers désignés."
    PUSH = "envoi", "Envoi des annotations", "Envoi des annotations seules."
    PRECHECK = "precontrole", "Pré-contrôle", "Pré-contrôle seul, sur demande."
    ERASURE = (
        "effacement",
        "Effacement",
        "Effacement de dossiers, sur demande ou à leur âge ([retention]).",
    )
    PIECES = "pieces", "Copie des pièces", "Copie des pièces jointes, sur demande."
    CONSENT = "accord", "Accord donné", "Exécution de ce qui attendait l’accord d’une personne."


READS = frozenset({Kind.DOSSIER, Kind.FULL, Kind.INCREMENTAL})
"""The kinds of runs that read in DS."""
ASKS_DS = READS | {Kind.PUSH, Kind.CONSENT}
"""Those whose end tells whether DS answers; the others work on the copy alone."""


class Status(Code):
    """The status of a run."""

    RUNNING = "running", "En cours", "En cours."
    SUCCESS = "success", "Réussi", "Terminé sans incident."
    PARTIAL = "partial", "Fait en partie", "Terminé, avec un point à regarder."
    FAILED = "failed", "Échoué", "Arrêté par une erreur ; le passage suivant reprend."
    INTERRUPTED = (
        "interrupted",
        "Interrompu",
        "Le processus s’est arrêté avant la fin ; le passage suivant reprend.",
    )
    """The next run stores it."""


class EventName(Code):
    """What happens to a dossier, as the view `lecture_evenement` names it."""

    CREE = "cree", "Première lecture", "Dossier lu pour la première fois."
    MODIFIE = "modifie", "Contenu modifié", "Contenu modifié."
    ETAT = "etat", "Changement d’état", "Changement d’état."
    MASQUE = "masque", "Mis à la corbeille", "Mis à la corbeille."
    RESTAURE = "restaure", "De nouveau visible", "De nouveau visible."
    SUPPRIME = "supprime", "Supprimé", "Supprimé dans Démarches Simplifiées."
    DISPARU = "disparu", "Devenu introuvable", "Devenu introuvable."
    EFFACE = "efface", "Contenu effacé ici", "Contenu effacé ici."
    EFFACEMENT_LEVE = (
        "effacement_leve",
        "De nouveau copié",
        "De nouveau copié, après un effacement sur demande.",
    )
    VERDICT = "verdict", "Nouvel avis", "Nouveau verdict du pré-contrôle."
    POUSSE = "pousse", "Annotations inscrites", "Valeurs inscrites dans le dossier."
    ADOPTE = (
        "adopte",
        "Valeurs reconnues comme celles de dsync",
        "Valeurs du dossier reconnues comme celles de dsync.",
    )
    CONFLIT = "conflit", "Conflit", "Une personne a écrit autre chose que dsync."
    CONFLIT_RESOLU = "conflit_resolu", "Conflit réglé", "Conflit réglé."
    QUARANTAINE = (
        "quarantaine",
        "Mis en quarantaine",
        "Le dossier ne peut pas être lu ou jugé.",
    )
    LIBERATION = "liberation", "Sorti de quarantaine", "Fin de la quarantaine."
    PREUVE_RELUE = (
        "preuve_relue",
        "Preuve consultée de nouveau",
        "Preuve consultée de nouveau, sur demande.",
    )
    REPONSE = (
        "reponse",
        "Réponse à un contrôle",
        "Réponse d’une personne à un contrôle, donnée ou retirée.",
    )


class Origin(Code):
    """What a change is about; the values are those of the view `lecture_changement`."""

    CHAMP = "champ", "", "Formulaire de l’usager."
    ANNOTATION = "annotation", "", "Annotation privée de l’équipe d’instruction."
    DOSSIER = "dossier", "", "État, groupe instructeur ou étiquettes du dossier."


class Author(Code):
    """Who made a change, as far as DS tells; the values are those of `lecture_changement`."""

    USAGER = "usager", "L’usager", "Personne qui a déposé le dossier."
    INSTRUCTEUR = "instructeur", "L’équipe", "Personne de l’équipe d’instruction."
    DSYNC = "dsync", "dsync", "Valeur que dsync a envoyée."
    INCONNU = (
        "inconnu",
        "Inconnu",
        "Rien ne le dit : plusieurs personnes depuis la dernière lecture, une révision du "
        "formulaire, ou Démarches Simplifiées même.",
    )


class AnswerStatus(Code):
    """The status of an answer."""

    CURRENT = "valable", "", "En vigueur : le contrôle trouve ce que la personne a vu."
    TO_CONFIRM = (
        "a_confirmer",
        "",
        "Les faits ont changé depuis, ou le contrôle n’existe plus : à confirmer ou à retirer.",
    )
    """Of a current one, in the view alone."""
    REPLACED = "remplacee", "", "Remplacée par une réponse plus récente."
    WITHDRAWN = "retiree", "", "Retirée par une personne."


class Seen(Code):
    """What somebody looked at or took away: rows for who watches over it, and nobody else."""

    PERSON = "acces", "Recherche d’une personne", "Recherche d’une personne."
    """`dsync person`, and its page."""
    DOSSIERS = "consultation", "Dossiers ouverts", "Dossiers ouverts."
    """Pages of dossiers, or what a command prints of one."""
    FILE = "telechargement", "Fichier téléchargé", "Fichier de la console téléchargé."
    EXPORT = "export", "Export", "Export de vues."
    BACKUP = "sauvegarde", "Sauvegarde", "Sauvegarde de la base."
    REFUSED = "refus", "Refus", "Page que le rôle, les groupes ou un déport ne permettent pas."


FRAICHEUR = "fraicheur_heures"
STOCKS = {f"stock_{etat.value}": etat for etat in Etat}
VERDICTS = {f"verdict_{verdict.key}": verdict for verdict in Verdict}
DECISIONS = {f"decision_{etat.value}": etat for etat in Etat if etat not in OPEN_ETATS}
INDICATEURS = {
    "depots": "Dossiers déposés depuis l’ouverture, masqués et effacés compris (cumul).",
    **{
        name: f"Dossiers à l’état « {etat.label} » à la fin du jour, parmi les présents."
        for name, etat in STOCKS.items()
    },
    **{
        name: f"Dossiers dont le verdict en cours est « {verdict} », masqués et effacés compris."
        for name, verdict in VERDICTS.items()
    },
    **{
        name: f"Dossiers à l’état « {etat.label} » à ce jour, masqués et effacés compris."
        for name, etat in DECISIONS.items()
    },
    "conflits": "Dossiers où la valeur d’une personne arrête un envoi de dsync.",
    FRAICHEUR: "Heures depuis le dernier passage réussi.",
}
"""The figures of any démarche; a programme has others of its own."""
ANOMALIES = {
    **{one.value: f"{one.french}." for one in Anomaly},
    "suppression_massive": "Démarches Simplifiées a masqué ou supprimé beaucoup de dossiers à la "
    "fois.",
    "accord_attendu": "dsync s’est arrêté : une personne doit corriger la cause ou donner son "
    "accord.",
}
COULEURS = {
    "beige_gris_galet": "Beige galet.",
    "blue_ecume": "Bleu écume.",
    "brown_cafe_creme": "Brun café crème.",
    "green_bourgeon": "Vert bourgeon.",
    "green_emeraude": "Vert émeraude.",
    "green_menthe": "Vert menthe.",
    "green_tilleul_verveine": "Vert tilleul.",
    "pink_macaron": "Rose macaron.",
    "purple_glycine": "Violet glycine.",
    "yellow_tournesol": "Jaune tournesol.",
}
"""Of labels, in DS."""
