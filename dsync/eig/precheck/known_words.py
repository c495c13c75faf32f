"""Words and hosts that say nothing about which product an applicant means: lists to extend.

A word that is in no list here counts: beside an address it is quoted and asked about.
"""

from __future__ import annotations

from itertools import product

from dsync.domain.wording import words

_PAGES = ("fiche", "fiche produit", "page", "page produit")
_NOUNS = (
    *(*_PAGES, "lien", "url", "adresse", "site"),
    *(f"{noun} de la {page}" for noun in ("lien", "url", "adresse") for page in _PAGES),
)
"""What an applicant calls the address itself."""
_ARTICLES = ("", "la", "le", "l", "notre")
_COMPLEMENTS = (
    *("", "du produit", "beta gouv fr", "sur beta gouv fr"),
    *("du produit beta gouv fr", "du produit sur beta gouv fr"),
)
_ALONE = (
    "oui", "bonjour", "merci", "cordialement", "vers", "voici", "voir", "cf", "ici", "disponible",
    "consultable", "publiée ici", "se trouve", "vous trouverez", "est", "à l'adresse", "suivante",
    "beta gouv fr",
    *(f"phase {of}{phase}" for of in ("", "de ", "d'")
      for phase in ("investigation", "construction", "acceleration")),
)  # fmt: skip
# No preposition and no conjunction: « une application pour X » and « X et notre service » are about
# something else than X. No noun but those that mean the address, for the same reason.
FILLERS = frozenset(
    words(" ".join(phrase)) for phrase in product(_ARTICLES, _NOUNS, _COMPLEMENTS)
) | frozenset(map(words, _ALONE))
"""Phrases beside an address or a name that change nothing. A closed list."""
OWN_FILLERS = frozenset(phrase for phrase in FILLERS if "gouv" not in phrase)
"""Those that cannot be a part of an address."""
BEFORE_NAME = frozenset({("notre", "produit"), ("le", "produit")})
"""Phrases that change nothing directly before the product's own name, and only there."""
INTRODUCING = frozenset({"vers", "voir", "cf", "voici"})
"""Fillers that change nothing only if the address or the name comes after them."""
LONGEST_FILLER = max(map(len, FILLERS))

# Of small words and these, two texts have some in common by chance: « en cours » is no slip of the
# product « Bourse », and « santé » no beginning of the product « Santé psy étudiant ».
COMMON = frozenset(
    word
    for text in (
        # Small words, and what people write of a page that they do not have.
        "le la les l un une des du de d au aux a en et ou ni ne n pas non plus sur sous dans par",
        "pour avec sans chez vers via comme est sont sera etre ete mon ma mes ton ta tes notre",
        "nos votre vos son sa ses leur leurs ce cet cette ces il elle ils elles on nous vous je",
        "que qui quoi dont se si y encore bientot deja tres tout tous toute toutes aucun aucune",
        "neant objet venir cours attente suivre completer preciser definir determiner creer cree",
        "creee creation publier publie publiee publication projet projets piece pieces jointe",
        "joint dossier fiche fiches page pages lien liens url adresse site sites web internet",
        "https http www html fr gouv beta betagouv com org voir ci dessous voici ici merci",
        "bonjour cordialement suivante disponible consultable accessible produit produits startup",
        "startups start up etat incube incubee incubateur nom intitule version test avant apres",
        "depuis lors jour jours mois an ans annee annees premier premiere nouveau nouvelle",
        "nouveaux phase investigation construction acceleration perennise transfert lancement",
        # Common nouns and adjectives of the administration, which many products have.
        "administration administrations administratif administrative agence agent agents aide",
        "aides agriculture appli application applications accompagnement acces annuaire api",
        "assistant atelier base bourse bourses carte catalogue centre citoyen citoyens",
        "collectivite collectivites commune communes communaute compte culture data defense",
        "demarche demarches departement developpement direction dispositif document documents",
        "donnee donnees droit droits ecole ecologie economie eleve eleves emploi emplois energie",
        "enfance enseignement entreprise entreprises environnement equipe espace etudiant",
        "etudiants europe fabrique famille familles fichier fichiers fiscal fonction formation",
        "formations formulaire france francais francaise general generale gestion guichet impact",
        "information informations innovation insertion interieur interministeriel",
        "interministerielle jeune jeunes justice local locale locaux logement logements logiciel",
        "lycee mairie maison message messagerie messages ministere ministeres mission mobile",
        "mobilite national nationale nationaux numerique numeriques observatoire operateur outil",
        "outils parcours pilotage plan plateforme plateformes politique politiques portail",
        "prefecture prevention professionnel professionnels programme protection public publics",
        "publique publiques region regional regionale registre renovation reseau sante securite",
        "service services simulateur social sociale sociaux solidarite solution sport suivi",
        "support systeme tableau territoire territoires territorial territoriale transition",
        "transport transports travail unique universel universelle usager usagers visio",
        "visioconference",
        # Acronyms of everyday work.
        "aap ademe anct anssi asn cnil dgfip dinsic dinum ditp drh dsi dnum eig faq gip ia mte",
        "mtes pdf rdv rgaa rgpd rh sgmas siren siret snum",
    )
    for word in text.split()
)  # fmt: skip
"""Words that are no ground for a suggestion, without accents."""

# A list, because the catalogue does not say what else a host serves.
PUBLISHING_HOSTS = frozenset([
    "github.io", "gitlab.io", "github.com", "gitlab.com", "gitbook.io", "huggingface.co",
    "hf.space", "netlify.app", "vercel.app", "herokuapp.com", "scalingo.io", "notion.site",
    "notion.so", "webflow.io", "wixsite.com", "wordpress.com", "blogspot.com", "canva.site",
    "google.com", "apple.com", "microsoft.com", "adobe.com", "figma.com", "miro.com",
    "airtable.com", "typeform.com", "tally.so", "framaforms.org", "youtube.com", "youtu.be",
    "vimeo.com", "linkedin.com", "twitter.com", "x.com", "facebook.com", "medium.com",
    "trello.com", "crisp.help", "readthedocs.io", "streamlit.app", "demarches-simplifiees.fr",
    "demarche.numerique.gouv.fr", "demarches.numerique.gouv.fr",
])  # fmt: skip
"""Hosts on which anybody publishes, each with those below it: no product's."""
OLDER_SERVICES = frozenset([
    "ameli.fr", "caf.fr", "impots.gouv.fr", "service-public.fr", "service-public.gouv.fr",
    "legifrance.gouv.fr", "info.gouv.fr", "gouvernement.fr", "francetravail.fr", "pole-emploi.fr",
    "urssaf.fr", "ants.gouv.fr", "numerique.gouv.fr", "modernisation.gouv.fr",
])  # fmt: skip
"""Hosts of services older than the products that have a page there: no product's."""
