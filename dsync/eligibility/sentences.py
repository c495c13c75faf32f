"""Every sentence of the pre-check, in French: what is found, by which rule, what is to be done.

Checks choose a sentence and give its facts; nothing here judges. docs/precheck.md shows them all.
"""

from __future__ import annotations

from typing import NamedTuple

from dsync.domain.verdict import Resultat

CONFORME, A_VERIFIER = Resultat.CONFORME, Resultat.A_VERIFIER
NON_CONFORME, IMPOSSIBLE = Resultat.NON_CONFORME, Resultat.IMPOSSIBLE
SANS_OBJET = Resultat.SANS_OBJET

DEPOT, ADMINISTRATION, FICHE, PHASE = "depot", "administration", "fiche_produit", "phase"
PROFILS, CAS, COMPLETUDE, DOUBLON = "profils", "cas_octroi", "completude", "doublon"

TITLES = {
    DEPOT: "date de dépôt",
    ADMINISTRATION: "administration",
    FICHE: "fiche produit",
    PHASE: "phase",
    PROFILS: "profils",
    CAS: "cas d’octroi",
    COMPLETUDE: "complétude",
    DOUBLON: "doublon",
}
"""What people read for each check."""


class Sentence(NamedTuple):
    """What a check says in one situation; facts stand in braces.

    One that is « conforme » begins with a common noun: the text lists it after « Conforme : ».
    """

    controles: tuple[str, ...]
    resultat: Resultat
    quand: str
    """The situation, for the table of the documentation."""
    fait: str
    regle: str = ""
    a_faire: str = ""

    def motif(self, **facts: object) -> str:
        """Return the sentence with its facts."""
        said = [
            self.fait,
            self.regle,
            f"À faire : {self.a_faire}" if self.a_faire else "",
        ]
        return " ".join(f"{part.format(**facts)}." for part in said if part)


_FAQ = "Règle (FAQ du programme) : "
_REGLE_ADMINISTRATION = (
    f"{_FAQ}le programme est destiné aux administrations centrales et aux opérateurs de l’État"
)
_REGLE_FICHE = f"{_FAQ}fiche produit déjà publiée sur beta.gouv.fr"
_REGLE_PHASE = f"{_FAQ}phase {{admises}}, appréciée au jour du dépôt"
_REGLE_CAS = f"{_FAQ}ce cas suppose {{condition}}"
_ATTEND = "rien, un nouvel essai aura lieu automatiquement"
_ADRESSE = "demander au candidat l’adresse de la fiche de son produit"

# ---- Several checks ---------------------------------------------------------------------------
NON_ASSOCIE = Sentence(
    (FICHE, PHASE, PROFILS, CAS), IMPOSSIBLE,
    "la configuration n’associe aucun champ à la question",
    "Aucun champ de ce formulaire n’est associé à la question « {question} »",
    "", "compléter la configuration du pré-contrôle",
)  # fmt: skip
NON_DEMANDE = Sentence(
    (FICHE, PHASE, PROFILS, CAS), A_VERIFIER,
    "le formulaire n’a pas montré la question au candidat",
    "Question « {question} » non posée au candidat par le formulaire",
    "", "la lui poser",
)  # fmt: skip
SANS_CATALOGUE = Sentence(
    (FICHE, PHASE, CAS), IMPOSSIBLE, "catalogue jamais lu, ou illisible",
    "Le catalogue de beta.gouv.fr n’a pas pu être consulté", "", _ATTEND,
)  # fmt: skip
SANS_PRODUIT = Sentence(
    (PHASE, CAS, DOUBLON), SANS_OBJET, "aucun produit identifié par la fiche produit",
    "Non examiné, faute d’un produit identifié",
)  # fmt: skip

# ---- Date de dépôt ----------------------------------------------------------------------------
DANS_APPEL = Sentence(
    (DEPOT,), CONFORME, "dépôt pendant l’appel",
    "Dépôt le {jour}, pendant l’appel à projets",
)  # fmt: skip
HORS_APPEL = Sentence(
    (DEPOT,), A_VERIFIER, "dépôt avant ou après l’appel",
    "Dossier déposé le {jour} selon Démarches Simplifiées, hors de l’appel à projets",
    f"{_FAQ}dépôt du {{debut}} au {{fin}}", "décider si ce dossier peut être retenu",
)  # fmt: skip

# ---- Administration ---------------------------------------------------------------------------
DECISION_ADMISE = Sentence(
    (ADMINISTRATION,), CONFORME, "décision enregistrée par le programme : admise",
    "{qualite} par décision enregistrée pour le SIREN {siren} ({raison})",
)  # fmt: skip
DECISION_A_VERIFIER = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "décision enregistrée : à vérifier",
    "Réserve enregistrée par le programme pour le SIREN {siren} ({raison})",
    _REGLE_ADMINISTRATION, "lever la réserve avant de poursuivre l’instruction",
)  # fmt: skip
DECISION_EXCLUE = Sentence(
    (ADMINISTRATION,), NON_CONFORME, "décision enregistrée : exclue",
    "Exclusion enregistrée par le programme pour le SIREN {siren} ({raison})",
    _REGLE_ADMINISTRATION, "vérifier que cette décision vaut pour ce dossier",
)  # fmt: skip
OPERATEUR = Sentence(
    (ADMINISTRATION,), CONFORME, "SIREN sur une liste d’opérateurs",
    "Opérateur de l’État, {organisme}, liste pour {annee}",
)  # fmt: skip
CENTRALE = Sentence(
    (ADMINISTRATION,), CONFORME, "catégorie juridique d’une administration centrale",
    "Administration centrale, {organisme}, {forme}",
)  # fmt: skip
EXCLUE = Sentence(
    (ADMINISTRATION,), NON_CONFORME,
    "catégorie juridique d’un organisme local, social ou déconcentré",
    "Candidat {organisme}, {forme} : ni administration centrale par sa forme juridique, ni "
    "opérateur de l’État ({listes})",
    _REGLE_ADMINISTRATION,
    "vérifier que le dossier est déposé au nom de la bonne administration",
)  # fmt: skip
PRIVEE_HORS_LISTE = Sentence(
    (ADMINISTRATION,), NON_CONFORME,
    "personne privée ou autre, absente de la liste de l’année du dépôt",
    "Candidat {organisme}, {forme}, absent de la liste des opérateurs de l’État pour {annee}, "
    "année du dépôt",
    _REGLE_ADMINISTRATION,
    "vérifier que le dossier est déposé au nom de la bonne administration",
)  # fmt: skip
FORME_INSUFFISANTE = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "catégorie qui ne suffit pas à conclure",
    "Candidat {organisme}, {forme}, qui ne figure pas parmi les opérateurs de l’État ({listes}) ; "
    "cette forme juridique ne suffit pas à conclure",
    _REGLE_ADMINISTRATION,
    "vérifier dans les textes d’organisation s’il s’agit d’une administration centrale",
)  # fmt: skip
HORS_LISTE = Sentence(
    (ADMINISTRATION,), A_VERIFIER,
    "opérateur possible ou personne privée ; liste de l’année du dépôt indisponible",
    "Candidat {organisme}, {forme}, qui ne figure pas parmi les opérateurs de l’État ({listes}) ; "
    "la liste pour {annee}, année du dépôt, n’est pas disponible ici",
    _REGLE_ADMINISTRATION,
    "chercher ce SIREN dans la liste pour {annee}, annexe au projet de loi de finances",
)  # fmt: skip
HORS_LISTE_DE_L_ANNEE = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "opérateur possible, absent de la liste de l’année du dépôt",
    "Candidat {organisme}, {forme}, absent de la liste des opérateurs de l’État pour {annee}, "
    "année du dépôt",
    _REGLE_ADMINISTRATION,
    "demander au candidat de quelle administration centrale ou de quel opérateur il relève",
)  # fmt: skip
FERMEE = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "administration admise, mais fermée au registre",
    "Cessation d’activité inscrite au registre des entreprises pour {organisme}, par ailleurs "
    "{qualite}",
    _REGLE_ADMINISTRATION,
    "demander le SIRET de l’administration qui a pris la suite",
)  # fmt: skip
PERSONNE = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "dossier déposé par une personne physique",
    "Dossier déposé par une personne physique, sans numéro SIRET",
    _REGLE_ADMINISTRATION, "demander le SIRET de l’administration candidate",
)  # fmt: skip
SANS_SIRET = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "aucun SIRET",
    "Aucun numéro SIRET lisible dans le dossier",
    _REGLE_ADMINISTRATION, "demander le SIRET de l’administration candidate",
)  # fmt: skip
SANS_CATEGORIE = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "aucune catégorie juridique dans le dossier",
    "Candidat {organisme}, sans catégorie juridique connue : le registre n’en a donné aucune",
    _REGLE_ADMINISTRATION, "chercher sa forme juridique dans l’Annuaire des entreprises",
)  # fmt: skip
REGISTRE_SANS_CATEGORIE = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "registre consulté, sans catégorie juridique",
    "Candidat {organisme}, sans catégorie juridique au {registre}",
    _REGLE_ADMINISTRATION, "demander au candidat son texte de création",
)  # fmt: skip
REGISTRE_INCONNU = Sentence(
    (ADMINISTRATION,), A_VERIFIER, "SIREN inconnu du registre",
    "Candidat {organisme}, inconnu du {registre}",
    _REGLE_ADMINISTRATION, "demander au candidat le SIRET exact de son administration",
)  # fmt: skip
REGISTRE_INJOIGNABLE = Sentence(
    (ADMINISTRATION,), IMPOSSIBLE, "registre à consulter, injoignable",
    "Le registre des entreprises n’a pas pu être consulté pour le SIREN {siren}", "", _ATTEND,
)  # fmt: skip

# ---- Fiche produit ----------------------------------------------------------------------------
PUBLIEE = Sentence(
    (FICHE,), CONFORME, "adresse de la fiche",
    "Fiche produit {nom}, {url} ({catalogue})",
)  # fmt: skip
ANCIENNE_ADRESSE = Sentence(
    (FICHE,), CONFORME, "ancienne adresse, redirigée",
    "Fiche produit {nom}, {url}, ancienne adresse {page} ({catalogue})",
)  # fmt: skip
PAR_NOM = Sentence(
    (FICHE,), A_VERIFIER, "nom du produit, sans adresse",
    "Nom du produit {nom} au lieu de l’adresse de sa fiche ({catalogue})",
    _REGLE_FICHE, "confirmer avec le candidat la fiche visée ({url})",
)  # fmt: skip
PAR_SITE = Sentence(
    (FICHE,), A_VERIFIER, "adresse exacte du site du produit",
    "Adresse du site du produit {nom} au lieu de celle de sa fiche ({catalogue})",
    _REGLE_FICHE, "confirmer avec le candidat la fiche visée ({url})",
)  # fmt: skip
PAR_DEPOT = Sentence(
    (FICHE,), A_VERIFIER, "adresse exacte du dépôt de code du produit",
    "Adresse du code source du produit {nom} au lieu de celle de sa fiche ({catalogue})",
    _REGLE_FICHE, "confirmer avec le candidat la fiche visée ({url})",
)  # fmt: skip
VIDE = Sentence(
    (FICHE,), NON_CONFORME, "réponse vide",
    "Aucune adresse de fiche dans le dossier", _REGLE_FICHE, _ADRESSE,
)  # fmt: skip
INCONNUE = Sentence(
    (FICHE,), NON_CONFORME, "page inconnue, proche d’aucune page connue",
    "Ni la page {page} ni une page au nom proche ne figurent dans le {catalogue}",
    _REGLE_FICHE, _ADRESSE,
)  # fmt: skip
INCONNUE_SANS_ALIAS = Sentence(
    (FICHE,), A_VERIFIER, "page inconnue, redirections illisibles",
    "Page {page} absente du {catalogue} ; les anciennes adresses n’ont pas pu être lues",
    _REGLE_FICHE, "ouvrir l’adresse et relever celle de la fiche qui s’affiche",
)  # fmt: skip
PROCHE = Sentence(
    (FICHE,), A_VERIFIER, "page inconnue, proche d’une page connue (faute de frappe)",
    "Page {page} absente du {catalogue} ; orthographe proche : {noms}",
    _REGLE_FICHE, "confirmer avec le candidat {fiches}",
)  # fmt: skip
RETIREE = Sentence(
    (FICHE,), A_VERIFIER, "page publiée autrefois",
    "Fiche {noms} publiée autrefois, absente du {catalogue} : page retirée ou renommée",
    _REGLE_FICHE, "demander au candidat l’adresse actuelle de la fiche",
)  # fmt: skip
AMBIGUE = Sentence(
    (FICHE,), A_VERIFIER, "une adresse ou un nom pour plusieurs produits",
    "Réponse {saisie} commune à plusieurs produits : {noms}, selon le {catalogue}",
    _REGLE_FICHE, "demander au candidat lequel il présente",
)  # fmt: skip
PLUSIEURS = Sentence(
    (FICHE,), A_VERIFIER, "plusieurs pages, ou les sites de plusieurs produits",
    "Plusieurs produits dans la réponse : {noms}, selon le {catalogue}",
    _REGLE_FICHE, "demander au candidat lequel il présente",
)  # fmt: skip
CITEE = Sentence(
    (FICHE,), A_VERIFIER, "nom d’un produit dans une phrase",
    "Réponse {saisie}, sans adresse, qui cite {noms}, selon le {catalogue}",
    _REGLE_FICHE, "confirmer avec le candidat {fiches}",
)  # fmt: skip
AUTRE_PAGE = Sentence(
    (FICHE,), A_VERIFIER, "page de beta.gouv.fr qui n’est pas une fiche",
    "Adresse {saisie} sur beta.gouv.fr, qui n’est pas celle d’une fiche produit",
    _REGLE_FICHE, _ADRESSE,
)  # fmt: skip
AUTRE_SITE = Sentence(
    (FICHE,), A_VERIFIER, "adresse d’un autre site",
    "Adresse {saisie} hors de beta.gouv.fr, qui n’est celle d’aucun produit du {catalogue}",
    _REGLE_FICHE, _ADRESSE,
)  # fmt: skip
NI_ADRESSE_NI_NOM = Sentence(
    (FICHE,), NON_CONFORME, "ni adresse ni nom de produit",
    "Réponse {saisie}, qui n’est ni une adresse ni le nom d’un produit du {catalogue}",
    _REGLE_FICHE, _ADRESSE,
)  # fmt: skip

# ---- Phase ------------------------------------------------------------------------------------
PHASE_ADMISE = Sentence(
    (PHASE,), CONFORME, "phase admise, celle qui est déclarée",
    "Phase {phase} au {jour}, comme déclaré",
)  # fmt: skip
PHASE_AUTRE = Sentence(
    (PHASE,), A_VERIFIER, "phase admise, autre que la phase déclarée",
    "Phase {phase} au {jour} selon le {catalogue} ; {declaree}",
    _REGLE_PHASE, "demander au candidat de préciser la phase",
)  # fmt: skip
PHASE_PASSEE = Sentence(
    (PHASE,), NON_CONFORME, "autre phase",
    "Phase {phase} au {jour}, depuis le {debut}, selon le {catalogue} ; {declaree}",
    _REGLE_PHASE, "inviter le candidat à justifier d’une phase admise à cette date",
)  # fmt: skip
PHASE_PASSEE_LUE_TARD = Sentence(
    (PHASE,), A_VERIFIER,
    "autre phase, catalogue lu pour la première fois longtemps après le dépôt, phase admise "
    "déclarée",
    "Phase {phase} au {jour}, depuis le {debut}, selon le {catalogue}, plus de {delai} jours après "
    "le dépôt : son historique a pu être réécrit entre-temps ; {declaree}",
    _REGLE_PHASE, "demander au candidat de justifier de la phase à cette date",
)  # fmt: skip
PHASE_INCONNUE = Sentence(
    (PHASE,), NON_CONFORME, "phase inconnue du programme",
    "Phase {phase} au {jour} selon le {catalogue}, inconnue du programme ; {declaree}",
    _REGLE_PHASE, "demander au candidat à quelle phase elle correspond",
)  # fmt: skip
PHASE_AUCUNE = Sentence(
    (PHASE,), A_VERIFIER, "aucune phase encore",
    "Aucune phase en cours au {jour} selon le {catalogue} ({suite}) ; {declaree}",
    _REGLE_PHASE, "demander au candidat de justifier de la phase à cette date",
)  # fmt: skip
PHASES_ILLISIBLES = Sentence(
    (PHASE,), A_VERIFIER, "phases sans date lisible, qui pourraient changer la réponse",
    "Phases sans date ou sans nom lisible dans le {catalogue} ; {declaree}",
    _REGLE_PHASE, "demander au candidat de justifier de la phase au {jour}",
)  # fmt: skip
PHASES_CONTRADICTOIRES = Sentence(
    (PHASE,), A_VERIFIER, "dates et ordre des phases en désaccord sur la réponse",
    "Phases contradictoires au {jour} dans le {catalogue} : {phase} selon les dates, {autre} selon "
    "leur ordre dans la fiche ; {declaree}",
    _REGLE_PHASE, "demander au candidat de justifier de la phase à cette date",
)  # fmt: skip

# ---- Cas d'octroi -----------------------------------------------------------------------------
CAS_REUNI = Sentence(
    (CAS,), CONFORME, "conditions du cas réunies",
    "Cas d’octroi {cas} ({etabli})",
)  # fmt: skip
CAS_NON_ETABLI = Sentence(
    (CAS,), A_VERIFIER, "conditions du cas non établies",
    "{cas} choisi ; fiche sans {manque}, selon le {catalogue}",
    _REGLE_CAS, "demander au candidat d’en justifier",
)  # fmt: skip
CAS_AUTRE_REUNI = Sentence(
    (CAS,), A_VERIFIER, "conditions du cas non établies, celles d’un autre cas réunies",
    "{cas} choisi ; fiche sans {manque}, selon le {catalogue} ; elle réunit les conditions du cas "
    "{autres}",
    _REGLE_CAS, "demander au candidat d’en justifier ou de retenir l’autre cas",
)  # fmt: skip
CAS_ABSENT = Sentence(
    (CAS,), A_VERIFIER, "aucun cas choisi",
    "Aucun cas choisi dans le dossier",
    f"{_FAQ}{{cas_prevus}}", "demander au candidat lequel il retient",
)  # fmt: skip
CAS_INCONNU = Sentence(
    (CAS,), A_VERIFIER, "cas inconnu du programme",
    "{cas} choisi, cas inconnu du programme",
    f"{_FAQ}{{cas_prevus}}", "demander au candidat lequel il retient",
)  # fmt: skip

# ---- Profils ----------------------------------------------------------------------------------
PROFILS_OFFERTS = Sentence(
    (PROFILS,), CONFORME, "un ou deux profils de l’offre",
    "Profils souhaités {profils}",
)  # fmt: skip
SANS_PROFIL = Sentence(
    (PROFILS,), NON_CONFORME, "aucun profil",
    "Aucun profil souhaité dans le dossier",
    "Règle : un profil au moins, {most} au plus", "demander au candidat les profils souhaités",
)  # fmt: skip
HORS_OFFRE = Sentence(
    (PROFILS,), A_VERIFIER, "profil hors de l’offre",
    "Profil hors de l’offre au {jour} : {absents}",
    "Règle : profils proposés au jour du dépôt, {offre}",
    "proposer au candidat un profil de l’offre",
)  # fmt: skip
TROP_DE_PROFILS = Sentence(
    (PROFILS,), A_VERIFIER, "trop de profils",
    "{nombre} profils souhaités : {profils}",
    "Règle : {most} profils au plus", "demander au candidat lesquels il retient",
)  # fmt: skip
TROP_ET_HORS_OFFRE = Sentence(
    (PROFILS,), A_VERIFIER, "trop de profils, dont un hors de l’offre",
    "{nombre} profils souhaités ; hors de l’offre au {jour} : {absents}",
    "Règle : {most} profils au plus, parmi {offre}", "demander au candidat lesquels il retient",
)  # fmt: skip

# ---- Complétude -------------------------------------------------------------------------------
COMPLET = Sentence(
    (COMPLETUDE,), CONFORME, "toutes les réponses nécessaires",
    "Toutes les réponses nécessaires sont données (complétude)",
)  # fmt: skip
SANS_REPONSE = Sentence(
    (COMPLETUDE,), A_VERIFIER, "réponses nécessaires vides",
    "Aucune réponse à {champs}",
    f"{_FAQ}un dossier comprend six sections", "demander au candidat de compléter",
)  # fmt: skip
SANS_REPONSE_AILLEURS = Sentence(
    (COMPLETUDE,), A_VERIFIER, "seule manque une réponse qu’un autre contrôle signale",
    "Réponse manquante déjà signalée par un autre contrôle",
)  # fmt: skip
CHAMPS_NON_ASSOCIES = Sentence(
    (COMPLETUDE,), IMPOSSIBLE, "champs nécessaires que la configuration n’associe pas",
    "Aucun champ de ce formulaire n’est associé à {champs}",
    "", "compléter la configuration du pré-contrôle",
)  # fmt: skip

# ---- Doublon ----------------------------------------------------------------------------------
SEUL = Sentence(
    (DOUBLON,), CONFORME, "seul dossier pour le produit",
    "Aucun autre dossier pour ce produit (doublon)",
)  # fmt: skip
AUTRES = Sentence(
    (DOUBLON,), A_VERIFIER, "d’autres dossiers en cours ou acceptés pour le produit",
    "Même produit que {dossiers}, en cours ou accepté{s} sur Démarches Simplifiées",
    "Règle : un seul dossier instruit par produit", "décider quel dossier instruire",
)  # fmt: skip

SENTENCES = tuple(value for value in globals().values() if isinstance(value, Sentence))
"""All of them, in the order of this page."""
