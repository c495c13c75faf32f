"""All French sentences of the pre-check: the finding, the rule, what to do.

Checks choose a sentence and fill in its facts. The published rules list all sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dsync.domain.verdict import Resultat
from dsync.eig.precheck.check import Check

CONFORME, A_VERIFIER = Resultat.CONFORME, Resultat.A_VERIFIER
NON_CONFORME, IMPOSSIBLE = Resultat.NON_CONFORME, Resultat.IMPOSSIBLE
SANS_OBJET = Resultat.SANS_OBJET


@dataclass(frozen=True)
class Sentence:
    """The text of a check's result in one situation, with placeholders for facts.

    A « conforme » sentence begins with a common noun, because it is listed after « Conforme : ».
    """

    controles: tuple[Check, ...]
    resultat: Resultat
    quand: str
    """The situation, for the published rules."""
    fait: str
    regle: str | None = ""
    """The published rule; None: that of the check in the file."""
    a_faire: str = ""
    court: str = ""
    """The finding as lists say it, beside the candidat: what differs first. Empty: `fait`."""
    demande: tuple[str, ...] = ()
    """What the applicant is asked for, from its fullest wording to its shortest one.

    It says by what it can be shown, never what others have deposited.
    """

    def text(self, regle: str) -> str:
        """Return the sentence with its placeholders; `regle` is the rule of the check."""
        own = regle if self.regle is None else self.regle and f"{self.regle}."
        what_to_do = self.a_faire and f"À faire : {self.a_faire}."
        return " ".join(filter(None, (f"{self.fait}.", own, what_to_do)))

    def short(self, **facts: object) -> str:
        """Return the finding in short: its facts without where they are from."""
        bare = {name: _SOURCE.sub(r"\1", str(one)) for name, one in facts.items()}
        return self.court.format(**bare)


_SOURCE = re.compile(r"(»|^[^«]*?) \(.*")
"""In brackets, behind a quotation or in a fact without one, is where it is from."""
_FAQ = "Règle (FAQ) : "
# Those of the checks in the file.
_REGLE_ADMINISTRATION = _REGLE_FICHE = _REGLE_PHASE = None
_REGLE_CAS = f"{_FAQ}ce cas suppose {{condition}}"
_ATTEND = "rien, un nouvel essai aura lieu automatiquement"
_ADRESSE = "demander au candidat l’adresse de la fiche de son produit"
_QUEL_PRODUIT = "demander au candidat quel produit il présente"
_BIEN_CETTE_FICHE = "demander au candidat s’il s’agit bien de {url}"
_EST_CE = "demander au candidat {fiches}"
_FICHE_TARDIVE = (
    "vérifier si la fiche était déjà publiée le {jour} ; sinon, décider si elle peut être retenue"
)
_PORTEUR = "demander au candidat quelle administration porte le projet"
_EXPLOITANT = "faire compléter la configuration du pré-contrôle par son exploitant"
_JUSTIFIER_PHASE = "demander au candidat de justifier d’une phase admise ce jour-là"
_REGLE_CAS_PREVUS = f"{_FAQ}un EIG se demande dans le cas {{cas_prevus}}"
_QUEL_CAS = "demander au candidat quel cas il retient"
_JUSTIFIER_CAS = "demander au candidat d’établir ce qui manque"

# What an applicant is asked for.
FORME_FICHE = "https://beta.gouv.fr/startups/nom-du-produit.html"
_PROGRAMME = "Le programme est destiné aux administrations centrales et aux opérateurs de l’État."
_SIRET = (
    "Votre dossier n’a pas de numéro SIRET lisible. Merci d’indiquer celui de votre "
    "administration.",
)
_TEXTE = tuple(
    f"{_PROGRAMME} {nature}Merci de joindre le texte{one} qui place votre organisme parmi eux, ou "
    "d’indiquer quelle administration porte le projet."
    for nature in ("{nature}", "")
    for one in (" (décret, arrêté ou convention constitutive)", "")
)
# An organisation of another kind has no such text.
_AUTRE_PORTEUR = tuple(
    f"{_PROGRAMME} {nature}Si l’un d’eux porte le projet, merci d’indiquer lequel."
    for nature in ("{nature}", "")
)
PUBLIE = tuple(
    "Le programme s’adresse aux produits dont la fiche est déjà publiée sur beta.gouv.fr : si le "
    f"vôtre en a une, merci d’en donner l’adresse, seule{form}."
    for form in (f", de la forme {FORME_FICHE}", "")
)
_AUCUNE_TROUVEE = tuple(
    f"Nous n’avons trouvé aucune fiche à partir de votre réponse{one}. {publie}"
    for one in ("{reponse}", "")
    for publie in PUBLIE
)
_INCERTAINE = tuple(
    f"Votre réponse{one} ne suffit pas à reconnaître avec certitude la fiche de votre produit sur "
    f"beta.gouv.fr. Merci de donner l’adresse de cette fiche, seule, de la forme {FORME_FICHE}."
    for one in ("{reponse}", "")
)
_MANQUE = tuple(
    f"La fiche de votre produit{url} ne montre pas ce que suppose le cas {{choisi}}. Merci de "
    "donner {a_donner}, ou de retenir un autre cas prévu."
    for url in (" ({url})", "")
)

# ---- Several checks ---------------------------------------------------------------------------
NON_ASSOCIE = Sentence(
    (Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI), IMPOSSIBLE,
    "la configuration n’associe aucun champ à la question",
    "Aucun champ de ce formulaire n’est associé à la question « {question} »",
    "", _EXPLOITANT,
)  # fmt: skip
NON_DEMANDE = Sentence(
    (Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI), A_VERIFIER,
    "le formulaire n’a pas montré la question au candidat",
    "Question « {question} » non posée au candidat par le formulaire",
    "", "la lui poser",
)  # fmt: skip
SANS_CATALOGUE = Sentence(
    (Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI), IMPOSSIBLE,
    "catalogue jamais lu, ou illisible",
    "Le catalogue de beta.gouv.fr n’a pas pu être consulté", "", _ATTEND,
)  # fmt: skip
SANS_PRODUIT = Sentence(
    (Check.PHASE, Check.CAS_OCTROI, Check.DOUBLON), SANS_OBJET,
    "aucun produit identifié par la fiche produit",
    "Non examiné, faute de produit identifié",
)  # fmt: skip
A_EXAMINER = Sentence(
    (Check.PHASE, Check.CAS_OCTROI, Check.DOUBLON), A_VERIFIER,
    "fiche produit établie par une personne, sans produit du catalogue",
    "Non examiné automatiquement, faute de produit identifié, alors qu’une personne a établi la "
    "fiche produit",
    "", "l’examiner, puis répondre à ce contrôle",
)  # fmt: skip

# ---- Administration ---------------------------------------------------------------------------
OPERATEUR = Sentence(
    (Check.ADMINISTRATION,), CONFORME, "SIREN sur une liste d’opérateurs",
    "Opérateur de l’État, {organisme}, qui figure sur {inscrit}",
)  # fmt: skip
CENTRALE = Sentence(
    (Check.ADMINISTRATION,), CONFORME, "catégorie juridique d’une administration centrale",
    "Administration centrale, {organisme}, {forme}",
)  # fmt: skip
EXCLUE = Sentence(
    (Check.ADMINISTRATION,), NON_CONFORME,
    "catégorie juridique d’un organisme local, social ou déconcentré",
    "Candidat {organisme}, {forme}, ni administration centrale, ni inscrit sur {listes}",
    _REGLE_ADMINISTRATION, _PORTEUR,
    court="{forme} ; ni administration centrale, ni opérateur de l’État",
    demande=_AUTRE_PORTEUR,
)  # fmt: skip
PRIVEE_HORS_LISTE = Sentence(
    (Check.ADMINISTRATION,), NON_CONFORME,
    "personne privée ou autre, absente de la liste de l’année du dépôt",
    "Candidat {organisme}, {forme}, absent de {liste}, année du dépôt",
    _REGLE_ADMINISTRATION, _PORTEUR,
    court="{forme}, absent de {liste}",
    demande=_TEXTE,
)  # fmt: skip
FORME_INSUFFISANTE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "catégorie qui ne suffit pas à conclure",
    "Candidat {organisme}, {forme}, forme qui ne suffit pas à conclure ; absent de {listes}",
    _REGLE_ADMINISTRATION,
    "vérifier dans les textes qui le régissent s’il est une administration centrale",
    court="{forme}, absent de {listes} ; cette forme ne suffit pas à conclure",
    demande=_TEXTE,
)  # fmt: skip
HORS_LISTE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER,
    "opérateur possible ou personne privée ; liste de l’année du dépôt indisponible",
    "Candidat {organisme}, {forme}, absent de {listes}",
    _REGLE_ADMINISTRATION,
    "consulter la liste de {annee} (projet de loi de finances)",
    court="{forme}, absent de {listes}",
    demande=_TEXTE,
)  # fmt: skip
HORS_LISTE_DE_L_ANNEE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER,
    "opérateur possible, absent de la liste de l’année du dépôt",
    "Candidat {organisme}, {forme}, absent de {liste}, année du dépôt",
    _REGLE_ADMINISTRATION, _PORTEUR,
    court="{forme}, absent de {liste}",
    demande=_TEXTE,
)  # fmt: skip
FERMEE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "administration admise, mais fermée au registre",
    "Candidat {organisme}, {qualite}, mais inscrit comme fermé au {registre}",
    _REGLE_ADMINISTRATION,
    "demander au candidat le SIRET de l’administration qui porte aujourd’hui le projet",
    court="fermé au {registre} ; {qualite}",
    demande=(
        "L’organisme dont vous avez donné le SIRET est inscrit comme fermé au registre des "
        "entreprises. Merci d’indiquer le SIRET de l’administration qui porte aujourd’hui le "
        "projet.",
    ),
)  # fmt: skip
PERSONNE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "dossier déposé par une personne physique",
    "Dossier déposé par une personne physique, sans numéro SIRET",
    _REGLE_ADMINISTRATION, "demander au candidat le SIRET de son administration",
    demande=_SIRET,
)  # fmt: skip
SANS_SIRET = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "aucun SIRET",
    "Aucun numéro SIRET lisible dans le dossier",
    _REGLE_ADMINISTRATION, "demander au candidat le SIRET de son administration",
    demande=_SIRET,
)  # fmt: skip
CANDIDAT_NON_RENDU = Sentence(
    (Check.ADMINISTRATION,), IMPOSSIBLE,
    "candidat que Démarches Simplifiées n’a pas pu transmettre",
    "Démarches Simplifiées n’a pas pu transmettre le candidat de ce dossier", "", _ATTEND,
)  # fmt: skip
SANS_CATEGORIE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "aucune catégorie juridique dans le dossier",
    "Candidat {organisme}, sans catégorie juridique dans les données que "
    "transmet Démarches Simplifiées",
    _REGLE_ADMINISTRATION,
    "chercher sa forme juridique dans l’Annuaire des entreprises",
    court="sans catégorie juridique dans Démarches Simplifiées",
    demande=_TEXTE,
)  # fmt: skip
REGISTRE_SANS_CATEGORIE = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "registre consulté, sans catégorie juridique",
    "Candidat {organisme}, sans catégorie juridique au {registre}",
    _REGLE_ADMINISTRATION, "demander au candidat le texte qui a créé son administration",
    court="sans catégorie juridique au {registre}",
    demande=_TEXTE,
)  # fmt: skip
REGISTRE_INCONNU = Sentence(
    (Check.ADMINISTRATION,), A_VERIFIER, "SIREN inconnu du registre",
    "Candidat {organisme}, inconnu du {registre}",
    _REGLE_ADMINISTRATION, "demander au candidat le SIRET exact de son administration",
    court="inconnu du {registre}",
    demande=(
        "Le registre des entreprises ne connaît pas le SIREN {siren} de votre dossier. Merci "
        "d’indiquer le SIRET exact de votre administration.",
    ),
)  # fmt: skip
REGISTRE_INJOIGNABLE = Sentence(
    (Check.ADMINISTRATION,), IMPOSSIBLE, "registre à consulter, injoignable",
    "Le registre des entreprises n’a pas pu être consulté pour le SIREN {siren}", "", _ATTEND,
)  # fmt: skip

# ---- Fiche produit ----------------------------------------------------------------------------
PUBLIEE = Sentence(
    (Check.FICHE_PRODUIT,), CONFORME, "adresse de la fiche",
    "Fiche produit {nom}, {url} ({catalogue})",
    court="fiche produit {nom}",
)  # fmt: skip
ANCIENNE_ADRESSE = Sentence(
    (Check.FICHE_PRODUIT,), CONFORME, "ancienne adresse, redirigée",
    "Fiche produit {nom}, {url}, vers laquelle est redirigée la page {page} ({catalogue})",
    court="fiche produit {nom}",
)  # fmt: skip
CONFIRMEE = Sentence(
    (Check.FICHE_PRODUIT,), CONFORME,
    "nom, identifiant, site ou code du produit, et incubateur déclaré qui est le sien",
    "Fiche produit {nom}, {url}, désignée par {moyen} et par l’incubateur déclaré ({catalogue})",
    court="fiche produit {nom}",
)  # fmt: skip
APRES_LE_DEPOT = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "première phase après le dépôt",
    "Fiche produit {nom}, {url}, dont la première phase ({phase}) commence le {debut}, après le "
    "dépôt du {jour} ({catalogue})",
    _REGLE_FICHE, _FICHE_TARDIVE,
    court="fiche dont la première phase commence le {debut}, après le dépôt du {jour}",
)  # fmt: skip
ABSENTE_AU_DEPOT = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "page qu’un catalogue lu après le dépôt n’avait pas",
    "Fiche produit {nom}, {url}, absente du catalogue lu le {absente}, après le dépôt du {jour}, "
    "et parue depuis ({catalogue})",
    _REGLE_FICHE, _FICHE_TARDIVE,
    court="fiche absente du catalogue lu le {absente}, après le dépôt du {jour}",
)  # fmt: skip
AVEC_AUTRES_MOTS = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "produit désigné, avec d’autres mots dans la réponse",
    "Réponse qui désigne le produit {nom} par {moyen}, mais contient aussi {mots} ({catalogue})",
    _REGLE_FICHE, _BIEN_CETTE_FICHE,
    demande=_INCERTAINE,
)  # fmt: skip
PAR_IDENTIFIANT = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "identifiant du produit, hors de l’adresse de sa fiche",
    "Réponse {saisie}, qui contient l’identifiant du produit {nom}, mais pas l’adresse de sa fiche "
    "({catalogue})",
    _REGLE_FICHE, _BIEN_CETTE_FICHE,
    demande=_INCERTAINE,
)  # fmt: skip
PAR_NOM = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "nom du produit, sans adresse",
    "Réponse {saisie}, sans adresse de fiche, rapprochée du produit {nom} ({catalogue})",
    _REGLE_FICHE, _BIEN_CETTE_FICHE,
    court="{saisie}, sans adresse de fiche, rapprochée du produit {nom}",
    demande=_INCERTAINE,
)  # fmt: skip
PAR_SITE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "adresse exacte du site du produit",
    "Adresse du site du produit {nom}, selon le {catalogue}, au lieu de celle de sa fiche",
    _REGLE_FICHE, _BIEN_CETTE_FICHE,
    demande=_INCERTAINE,
)  # fmt: skip
PAR_DEPOT = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "adresse exacte du dépôt de code du produit",
    "Adresse du code source du produit {nom}, selon le {catalogue}, au lieu de celle de sa fiche",
    _REGLE_FICHE, _BIEN_CETTE_FICHE,
    demande=_INCERTAINE,
)  # fmt: skip
VIDE = Sentence(
    (Check.FICHE_PRODUIT,), NON_CONFORME, "réponse vide",
    "La question « {question} » est sans réponse", _REGLE_FICHE, _ADRESSE,
    demande=tuple(f"La question sur la fiche produit est sans réponse. {one}" for one in PUBLIE),
)  # fmt: skip
AILLEURS = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER,
    "ni adresse ni nom, mais l’adresse d’une fiche ou d’un produit dans une autre réponse",
    "La question « {question} » {repondue}, mais {adresse} figure dans la réponse à {questions}",
    _REGLE_FICHE, _EST_CE,
)  # fmt: skip
SANS_FICHE = Sentence(
    (Check.FICHE_PRODUIT,), NON_CONFORME,
    "réponse qui dit seulement qu’il n’y a pas de fiche (« aucune », « néant », « pas de fiche », "
    "« sans objet », « N/A »)",
    "Absence de fiche déclarée par le candidat, {saisie}", _REGLE_FICHE, _ADRESSE,
    demande=tuple(
        f"Vous avez répondu{one}. {publie}"
        for one in ("{reponse} à la demande de fiche produit", " ne pas avoir de fiche produit")
        for publie in PUBLIE
    ),
)  # fmt: skip
INCONNUE = Sentence(
    (Check.FICHE_PRODUIT,), NON_CONFORME,
    "page inconnue, proche d’aucun identifiant ni nom, catalogue lu à temps",
    "L’adresse donnée ({page}) ne correspond à aucune fiche produit, selon le {catalogue}",
    _REGLE_FICHE, _ADRESSE,
    court="aucune fiche à l’adresse donnée ({page})",
    demande=_AUCUNE_TROUVEE,
)  # fmt: skip
INCONNUE_LUE_TARD = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER,
    "page inconnue, proche d’aucun identifiant ni nom, catalogue lu longtemps après le dépôt",
    "L’adresse donnée ({page}) ne correspond à aucune fiche produit, selon le {catalogue}, plus de "
    "{delai} jours après le dépôt, donc peut-être modifié entre-temps",
    _REGLE_FICHE, "demander au candidat l’adresse actuelle de la fiche de son produit",
    court="aucune fiche à l’adresse donnée ({page}) ; catalogue lu plus de {delai} jours "
    "après le dépôt",
    demande=_AUCUNE_TROUVEE,
)  # fmt: skip
INCONNUE_SANS_ALIAS = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "page inconnue, redirections illisibles",
    "L’adresse donnée ({page}) ne correspond à aucune fiche produit, selon le {catalogue} ; les "
    "redirections d’anciennes adresses n’ont pas pu être lues",
    _REGLE_FICHE,
    "ouvrir l’adresse donnée et relever celle de la fiche affichée, ou la demander au candidat",
    court="aucune fiche à l’adresse donnée ({page}) ; redirections illisibles",
    demande=_AUCUNE_TROUVEE,
)  # fmt: skip
INCONNUE_AVEC_MOTS = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "page inconnue, avec d’autres mots dans la réponse",
    "L’adresse donnée ({page}) ne correspond à aucune fiche produit, selon le {catalogue} ; la "
    "réponse contient aussi {mots}",
    _REGLE_FICHE, _ADRESSE,
    court="aucune fiche à l’adresse donnée ({page}) ; la réponse contient aussi {mots}",
    demande=_AUCUNE_TROUVEE,
)  # fmt: skip
PROCHE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER,
    "réponse proche d’un identifiant ou d’un nom connu (faute de frappe, pluriel, début, autre "
    "ordre des mots), ou qui en contient un",
    "{objet} {page}, absente du {catalogue}, mais d’orthographe proche de {noms}",
    _REGLE_FICHE, _EST_CE,
    court="{page}, absente du catalogue, proche de {noms}",
    demande=_INCERTAINE,
)  # fmt: skip
SIGLE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "réponse avec le sigle d’un produit",
    "{objet} {page}, absente du {catalogue}, mais où se lit le sigle de {noms}",
    _REGLE_FICHE, _EST_CE,
    court="{page}, absente du catalogue, sigle de {noms}",
    demande=_INCERTAINE,
)  # fmt: skip
PROCHE_ANCIENNE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "réponse proche d’une ancienne adresse",
    "{objet} {page}, absente du {catalogue}, mais proche d’une ancienne adresse de {noms}",
    _REGLE_FICHE, _EST_CE,
    court="{page}, absente du catalogue, proche d’une ancienne adresse de {noms}",
    demande=_INCERTAINE,
)  # fmt: skip
PROCHES = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "réponse proche de plusieurs produits, chacun à sa façon",
    "{objet} {page}, absente du {catalogue}, mais proche, par l’orthographe, un sigle ou une "
    "ancienne adresse, de {noms}",
    _REGLE_FICHE, _EST_CE,
    court="{page}, absente du catalogue, proche de {noms}",
    demande=_INCERTAINE,
)  # fmt: skip
PROCHE_SANS_NOM = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER,
    "page inconnue, peut-être incomplète ou mal orthographiée, sans produit à suggérer",
    "Page {page}, absente du {catalogue}, mais peut-être incomplète ou mal orthographiée",
    _REGLE_FICHE, _ADRESSE,
    demande=_INCERTAINE,
)  # fmt: skip
RETIREE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "page publiée autrefois",
    "Fiche{s} {noms} absente{s} du {catalogue}, mais présente{s} dans un catalogue lu auparavant ; "
    "page{s} retirée{s} ou renommée{s} depuis",
    _REGLE_FICHE, _EST_CE,
    demande=_INCERTAINE,
)  # fmt: skip
AMBIGUE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "une adresse ou un nom pour plusieurs produits",
    "Réponse {saisie}, qui désigne, selon le {catalogue}, plusieurs produits, {noms}",
    _REGLE_FICHE, _QUEL_PRODUIT,
    demande=_INCERTAINE,
)  # fmt: skip
PLUSIEURS = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "plusieurs produits, par des pages, sites ou noms",
    "Réponse {saisie}, qui désigne plusieurs pages ou produits, {noms} ({catalogue})",
    _REGLE_FICHE, _QUEL_PRODUIT,
    demande=_INCERTAINE,
)  # fmt: skip
CITEE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "produit évoqué dans une phrase, ou page de son site",
    "Réponse {saisie}, sans adresse de fiche, qui évoque {noms}, selon le {catalogue}",
    _REGLE_FICHE, _EST_CE,
    demande=_INCERTAINE,
)  # fmt: skip
AUTRE_PAGE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "page de beta.gouv.fr qui n’est pas une fiche",
    "L’adresse donnée ({saisie}) est bien sur beta.gouv.fr, mais n’est pas celle d’une fiche "
    "produit",
    _REGLE_FICHE, _ADRESSE,
    demande=_INCERTAINE,
)  # fmt: skip
AUTRE_SITE = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "adresse d’un autre site",
    "Réponse {saisie}, dont l’adresse n’est ni celle d’une fiche, ni attribuée à un produit par le "
    "{catalogue}",
    _REGLE_FICHE, _ADRESSE,
    court="{saisie}, adresse d’aucun produit connu",
    demande=_INCERTAINE,
)  # fmt: skip
NI_ADRESSE_NI_NOM = Sentence(
    (Check.FICHE_PRODUIT,), A_VERIFIER, "ni adresse ni nom de produit",
    "Réponse {saisie}, où ne se reconnaît aucun produit du {catalogue}",
    _REGLE_FICHE, _ADRESSE,
    court="{saisie}, où ne se reconnaît aucun produit",
    demande=_INCERTAINE,
)  # fmt: skip

# ---- Phase ------------------------------------------------------------------------------------
PHASE_ADMISE = Sentence(
    (Check.PHASE,), CONFORME, "phase admise, celle qui est déclarée",
    "Phase {phase} au {jour}, telle que déclarée",
)  # fmt: skip
PHASE_ADMISE_PAR_ORDRE = Sentence(
    (Check.PHASE,), CONFORME, "deux lectures des phases, admises l’une et l’autre ; celle qui est "
    "déclarée suit leur ordre",
    "Phase {phase} au {jour} selon les dates de la fiche, retenue ; phase {autre} selon leur "
    "ordre, telle que déclarée ; toutes deux sont admises",
)  # fmt: skip
PHASE_AUTRE = Sentence(
    (Check.PHASE,), A_VERIFIER, "phase admise, autre que la phase déclarée",
    "Phase {phase} au dépôt du {jour} ({catalogue}), mais {declaree}",
    _REGLE_PHASE, "demander au candidat la phase au {jour}",
    court="{phase} au jour du dépôt, selon le catalogue, mais {declaree}",
)  # fmt: skip
PHASE_PASSEE = Sentence(
    (Check.PHASE,), NON_CONFORME, "autre phase, lue à temps ou déclarée par le candidat",
    "Phase {phase} au dépôt du {jour}, depuis le {debut} ({catalogue}) ; {declaree}",
    _REGLE_PHASE, _JUSTIFIER_PHASE,
    court="{phase} depuis le {debut}, selon le catalogue ; {declaree}",
)  # fmt: skip
PHASE_PASSEE_LUE_TARD = Sentence(
    (Check.PHASE,), A_VERIFIER,
    "autre phase, catalogue lu pour la première fois longtemps après le dépôt, sans que le "
    "candidat l’ait déclarée",
    "Phase {phase} au dépôt du {jour}, depuis le {debut}, selon le {catalogue}, plus de "
    "{delai} jours après le dépôt, donc peut-être modifié entre-temps ; {declaree}",
    _REGLE_PHASE, _JUSTIFIER_PHASE,
    court="{phase} depuis le {debut}, selon un catalogue lu tard ; {declaree}",
)  # fmt: skip
PHASE_INCONNUE = Sentence(
    (Check.PHASE,), NON_CONFORME, "phase inconnue du programme",
    "Phase {phase} au dépôt du {jour} selon le {catalogue}, nom que le programme ne connaît "
    "pas ; {declaree}",
    _REGLE_PHASE, "demander au candidat à quelle phase du programme ce nom correspond",
    court="{phase}, phase que le programme ne connaît pas ; {declaree}",
)  # fmt: skip
PHASE_AUCUNE = Sentence(
    (Check.PHASE,), A_VERIFIER, "aucune phase encore",
    "Aucune phase en cours au dépôt du {jour} selon le {catalogue} ({suite}) ; {declaree}",
    _REGLE_PHASE, _JUSTIFIER_PHASE,
)  # fmt: skip
PHASES_ILLISIBLES = Sentence(
    (Check.PHASE,), A_VERIFIER, "phases sans date lisible, qui pourraient changer la réponse",
    "Phases du produit sans date ou sans nom lisible dans le {catalogue} ; {declaree}",
    _REGLE_PHASE, _JUSTIFIER_PHASE,
)  # fmt: skip
PHASES_CONTRADICTOIRES = Sentence(
    (Check.PHASE,), A_VERIFIER, "dates et ordre des phases en désaccord sur la réponse",
    "Phases contradictoires au dépôt du {jour} dans le {catalogue}, {phase} selon leurs "
    "dates et {autre} selon leur ordre ; {declaree}",
    _REGLE_PHASE, _JUSTIFIER_PHASE,
)  # fmt: skip

# ---- Cas d'octroi -----------------------------------------------------------------------------
CAS_REUNI = Sentence(
    (Check.CAS_OCTROI,), CONFORME, "conditions du cas réunies",
    "Cas d’octroi {cas} ({etabli})",
)  # fmt: skip
CAS_NON_ETABLI = Sentence(
    (Check.CAS_OCTROI,), A_VERIFIER, "conditions du cas non établies",
    "Selon la fiche, {manque} ({catalogue}) ; cas choisi, {cas}",
    _REGLE_CAS, _JUSTIFIER_CAS,
    demande=_MANQUE,
)  # fmt: skip
CAS_AUTRE_REUNI = Sentence(
    (Check.CAS_OCTROI,), A_VERIFIER,
    "conditions du cas non établies, celles d’un autre cas réunies",
    "Selon la fiche, {manque} ({catalogue}) ; cas choisi, {cas} ; conditions du cas {autres} "
    "réunies",
    _REGLE_CAS, f"{_JUSTIFIER_CAS} ou de changer de cas",
    demande=_MANQUE,
)  # fmt: skip
CAS_ABSENT = Sentence(
    (Check.CAS_OCTROI,), A_VERIFIER, "aucun cas choisi",
    "Aucun cas choisi dans le dossier",
    _REGLE_CAS_PREVUS, _QUEL_CAS,
    demande=("Merci de choisir le cas de votre demande : {admis}.",),
)  # fmt: skip
CAS_INCONNU = Sentence(
    (Check.CAS_OCTROI,), A_VERIFIER, "cas inconnu du programme",
    "{cas} choisi, cas inconnu du programme",
    _REGLE_CAS_PREVUS, _QUEL_CAS,
    demande=(
        "Votre réponse {choisi} n’est pas un cas prévu. Merci de dire le cas de votre demande : "
        "{admis}.",
    ),
)  # fmt: skip

SENTENCES = tuple(value for value in globals().values() if isinstance(value, Sentence))
"""All sentences, in the order of this file."""
