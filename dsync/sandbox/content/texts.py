"""Texts of applicants and évaluateurs: French sentences, and texts with unusual characters."""

from __future__ import annotations

from dsync.sandbox.content.rng import SeededRandom

_PROBLEMS = (
    "Les usagers de {name} attendent en moyenne {n} semaines une réponse de l’administration.",
    "Près de {n} % des demandes liées à {name} sont incomplètes au premier envoi.",
    "Les agents ressaisissent la même information dans {n} outils différents.",
    "Un quart des personnes concernées par {name} ignore ses droits.",
    "Nous avons conduit {n} entretiens de terrain qui confirment ce constat.",
)
_POLICIES = (
    "Politique prioritaire du Gouvernement : {name}.",
    "Accès aux droits et simplification des démarches.",
    "Planification écologique ; le service touche {n} départements.",
    "Égalité des chances et inclusion numérique.",
)
_STEERING = (
    "Le produit est piloté par une équipe de {n} personnes, dont une intrapreneuse.",
    "Un comité d’investissement se tient tous les six mois.",
    "La direction métier et la direction du numérique partagent les arbitrages.",
    "Les décisions sont prises chaque semaine à partir des mesures d’usage.",
)
_GOALS = (
    "Atteindre {n} territoires pilotes d’ici douze mois.",
    "Diviser par deux le délai de traitement.",
    "Ouvrir le code et publier les mesures d’impact.",
    "Faire connaître {name} auprès de {n} partenaires.",
    "Préparer l’internalisation de l’équipe.",
)
_REMARKS = (
    "Sponsor très engagé, accès au terrain acquis.",
    "Problème bien documenté ; la stratégie de déploiement reste à préciser.",
    "À revoir en soutenance : l’autonomie de l’équipe.",
    "Ambition réelle, feuille de route convaincante.",
)
TOPICS = {
    "probleme": _PROBLEMS,
    "politique": _POLICIES,
    "pilotage": _STEERING,
    "objectifs": _GOALS,
    "remarque": _REMARKS,
}

LONG_TEXT = "Étude de terrain – été 2024 : « constats », chiffres & témoignages.\n" * 1_500
"""About 100 kB: a report pasted into one champ."""

NASTY_TEXTS = (
    "Nous sommes prêts 🚀🇫🇷 👩🏽‍💻 et 𝒻𝒶𝓃𝓉𝒶𝒾𝓈𝒾𝑒 mathématique.",
    '=HYPERLINK("http://example.org";"Cliquez ici")',
    "=cmd|' /C calc'!A0",
    "+33 1 99 00 00 00 ; -2+3 ; @SUM(A1:A9)",
    'Il a dit : "l\'outil" `marche` ; DROP TABLE dossiers; -- \\ %s {0} $1',
    "<script>alert('bonjour')</script> &amp; <b>gras</b>",
    "\u202eetxet ertne\u202c puis de gauche à droite\u200f, مرحبا, שלום",
    "Contrôle : \x01\x02\x07\x08\x0b\x0c\x1b[31mrouge\x1b[0m\x7f\x85fin",
    "Première ligne\r\nDeuxième ligne\r\n\r\n\tTabulation\tici\r\n   ",
    "e\u0301te\u0301 décomposé, espace\u00a0insécable, fine\u202f!, invisible\u200b\ufeff",
    "  espaces devant et derrière  ",
    "null",
    "Ligne\u2028séparée\u2029encore; 'apostrophe'; guillemets “anglais”; «\u00a0français\u00a0»",
    LONG_TEXT,
)
"""Texts with unusual characters that an applicant can type or paste; none has NUL: DS drops it."""

NASTY_LINES = tuple(text for text in NASTY_TEXTS if "\n" not in text)
"""Those without a line break, for champs of one line."""


def paragraph(rng: SeededRandom, topic: str, name: str) -> str:
    """Return one to three sentences on a topic about the product of that name."""
    start = rng.below(12)
    sentences = TOPICS[topic]
    chosen = [sentences[(start + i) % len(sentences)] for i in range(rng.between(1, 3))]
    separator = "\n\n" if rng.chance(0.1) else " "
    return separator.join(s.format(name=name, n=rng.between(2, 60)) for s in chosen)
