"""What an answer without a known product names, in words that can be compared between dossiers."""

from __future__ import annotations

from collections.abc import Iterator

from dsync.domain.wording import words
from dsync.eig.precheck.address import ParsedAddress, parse_address
from dsync.eig.precheck.product import Lien, ProductMatch

_NAMING_NOTHING = frozenset([
    # Around a name.
    "le", "la", "les", "l", "un", "une", "du", "de", "des", "d", "notre", "nos", "mon", "ma", "mes",
    "votre", "cette", "ci", "et", "ou", "a", "au", "aux", "en", "sur", "dans", "par", "pour",
    "avec", "via", "vers", "voici", "voir", "cf", "ici", "est", "se", "trouve", "s", "agit", "il",
    "elle", "dessous", "dessus", "suivant", "suivante", "bonjour", "merci", "cordialement",
    "produit", "produits", "service", "services", "startup", "startups", "start", "up", "etat",
    "projet", "projets", "application", "appli", "app", "plateforme", "outil", "solution", "site",
    "sites", "web", "internet", "numerique", "numeriques", "fiche", "fiches", "page", "pages",
    "lien", "liens", "url", "adresse", "nom", "intitule", "titre", "code", "source", "depot",
    "ligne", "officiel", "officielle", "disponible", "consultable", "accessible", "publie",
    "publiee", "html", "http", "https", "www", "beta", "gouv", "fr", "betagouv",
    # That there is none, or that it is elsewhere.
    "pas", "aucun", "aucune", "sans", "neant", "rien", "non", "ni", "ne", "n", "y", "na", "nc",
    "nr", "objet", "applicable", "concerne", "concernee", "existe", "existant", "existante",
    "inexistant", "inexistante", "encore", "moment", "instant", "jour", "ce", "actuellement", "ete",
    "cree",
    "creee", "creation", "creer", "cours", "venir", "attente", "definir", "determiner", "preciser",
    "completer", "prevu", "prevue", "bientot", "prochainement", "futur", "future", "nouveau",
    "nouvelle", "je", "nous", "on", "avons", "ai", "sais", "savons", "inconnu", "inconnue",
    "piece", "pieces", "jointe", "jointes", "joint", "document", "documents", "annexe", "annexes",
    "pj", "reponse", "oui", "x", "xx", "xxx", "test", "idem",
])  # fmt: skip
"""Words that name nothing, alone or together: not the list by which a product is recognised."""
_SHORTEST = 3


def named_words(typed: str | None, match: ProductMatch) -> str | None:
    """Return what an answer names, folded, if that is no known product; None: it names nothing."""
    silent = {Lien.VIDE, Lien.SANS_FICHE, Lien.INDISPONIBLE}
    if not typed or match.product is not None or match.lien in silent:
        return None
    # A name beside its own address is named once.
    named = "".join(dict.fromkeys(filter(None, _parts(parse_address(typed)))))
    return named if len(named) >= _SHORTEST and not named.isdecimal() else None


def _parts(typed: ParsedAddress) -> Iterator[str]:
    """Yield what the words and the addresses of a text name, without anything between words."""
    yield _said(typed.text)
    for page in typed.pages:
        yield _said(page.readable_id)
    for site in (*typed.sites, *typed.other_pages):
        yield _said(" ".join((site.host, *site.segments)))


def _said(text: str) -> str:
    return "".join(
        word for whole in words(text) for word in whole.split("_") if word not in _NAMING_NOTHING
    )
