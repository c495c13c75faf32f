"""The invented products of beta.gouv.fr, in families by what the rules find in them.

Only names, addresses and phase histories; betagouv.py gives them the catalogue's shape. Products
do not depend on the seed: a dossier's address means the same in every sandbox.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

Phase = tuple[str, str, str]
"""Name, start and end; an end is "" for most phases, past ones too."""

Family = Literal[
    "suivi",  # in an accepted phase all 2024 long; the plain case
    "accents",  # the same, with accents in the id
    "alias",  # the same, with a former address
    "remarquable",  # the same, with an id of unusual characters
    "sans_investigation",
    "sans_stats",
    "sans_depot",
    "passe",  # past acceleration, whatever word the catalogue has for it
    "a_venir",  # no phase yet
    "discordant",  # the order of the list and of the dates disagree
    "homonyme",
]


@dataclass(frozen=True, slots=True)
class Product:
    """A product as beta.gouv.fr would publish it."""

    id: str
    name: str
    family: Family
    incubator: str
    phases: tuple[Phase, ...]
    has_stats: bool
    has_repository: bool
    aliases: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The id in plain lower-case letters, fit for a host name."""
        return slugify(self.id)

    @property
    def link(self) -> str:
        """The address of the product's own site."""
        return f"https://{self.slug}.example.gouv.fr"

    @property
    def repository(self) -> str:
        """The address of the product's code, or "" when it is not public."""
        return f"https://github.com/betagouv-exemple/{self.slug}" if self.has_repository else ""

    @property
    def stats_url(self) -> str:
        """The address of the public impact figures, or "" when there are none."""
        return f"{self.link}/stats" if self.has_stats else ""

    def phase_at(self, day: str) -> str | None:
        """Return the phase in force on an ISO day: the latest start, then the last in the list."""
        begun = [(start, rank, name) for rank, (name, start, _) in enumerate(self.phases)]
        begun = [phase for phase in begun if phase[0] <= day]
        return max(begun)[2] if begun else None


INCUBATORS = (
    ("dinum", "Incubateur de services numériques", "DINUM"),
    ("sgmas", "Fabrique numérique", "Fabrique numérique des ministères sociaux"),
    (
        "mtes",
        "Fabrique numérique de la transition",
        "Fabrique numérique de la transition écologique",
    ),
    ("anct", "Incubateur des territoires", "Incubateur des territoires"),
    ("gip-inclusion", "Plateforme de l'inclusion", "Plateforme de l’inclusion"),
    ("lab-mi", "Laboratoire d'innovation", "Ministère de l’Intérieur"),
    ("justice", "Incubateur de la Justice", "Ministère de la Justice"),
    ("culture", "Atelier numérique de la Culture", "Ministère de la Culture"),
)
"""Id in the catalogue, title there, and the option of the form that says the same."""

_PREFIXES = (
    "Suivi", "Carte", "Atlas", "Portail", "Passeport", "Boussole", "Simulateur", "Carnet",
    "Observatoire", "Registre", "Agenda", "Annuaire", "Assistant", "Alerte", "Tableau", "Parcours",
    "Relais", "Espace", "Signalement", "Calcul", "Fil", "Mémo", "Pilote", "Guichet", "Repère",
    "Accès",
)  # fmt: skip
_NOUNS = (
    "rénovation", "forêt", "cantine", "apprentis", "handicap", "logement", "eau", "sols",
    "mobilités", "musées", "archives", "tribunaux", "douanes", "bénévoles", "aidants",
    "petite enfance", "marchés publics", "subventions", "sécheresse", "pollinisateurs", "lycées",
    "chercheurs", "ruralité", "fonction publique", "ports", "alimentation", "bruit", "patrimoine",
    "voirie",
)  # fmt: skip

_HISTORIES: tuple[tuple[Phase, ...], ...] = (
    (("investigation", "2023-03-01", "2023-09-30"), ("construction", "2023-10-02", "")),
    (("investigation", "2023-11-06", ""),),
    (
        ("investigation", "2021-02-01", "2021-07-16"),
        ("construction", "2021-09-01", ""),
        ("acceleration", "2022-11-30", ""),
    ),
    (("investigation", "2022-05-02", ""), ("construction", "2022-11-01", "")),
    (("investigation", "2023-06-05", ""), ("construction", "2024-06-03", "")),
    (("investigation", "2019-03-13", ""), ("construction", "2019-03-13", "")),
    (
        ("investigation", "2022-01-10", "2022-06-30"),
        ("construction", "2022-07-01", "2024-04-14"),
        ("acceleration", "2024-04-15", ""),
    ),
    (("Investigation", "2022-03-01", ""), ("Accélération", "2023-05-02", "")),
)
"""All hold an investigation and an accepted phase on each day of 2024."""

PAST_PHASES = (
    "success",
    "transfer",
    "alumni",
    "opere",
    "consolidation",
    "transfere",
    "abandon",
    "abandon-investigation",
)
"""The first three are the catalogue's words before May 2026, the others its words since."""

_REMARKABLE = (
    ("mon-produit-à-accents", "Mon produit à accents"),
    ("l'appli-du-quotidien", "L'appli du quotidien"),
    ("produit_souligné", "Produit souligné"),
    ("DataEtat", "DataÉtat"),
    ("1000.et.un.jours", "1000 et un jours"),
    ("grille.exemple.gouv.fr", "Grille"),
    ("auxAJ", "AuxAJ"),
    ("e-inspé", "e-Inspé"),
    ("bilan.co2", "Bilan CO2"),
    ("suite.html5", "Suite HTML5"),
    ("collectif_objets.démo", "Collectif objets"),
    ("aujourd'hui.l'été", "Aujourd'hui l'été"),
)

_FAMILIES: tuple[tuple[Family, int], ...] = (
    ("suivi", 440),
    ("accents", 32),
    ("alias", 24),
    ("sans_investigation", 16),
    ("sans_stats", 16),
    ("sans_depot", 16),
    ("passe", 48),
    ("a_venir", 16),
    ("discordant", 16),
)
"""The catalogue has some 650 products, about as many as the real one."""


def slugify(text: str) -> str:
    """Return the text in lower case without accents, words joined by hyphens."""
    plain = without_accents(text).lower()
    return "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in plain).split())


def without_accents(text: str) -> str:
    """Return the text with its accents dropped, its case kept."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _names() -> Iterator[str]:
    """Yield 754 names, each once since 29 is prime."""
    for index in range(len(_PREFIXES) * len(_NOUNS)):
        noun = _NOUNS[(index + index // len(_PREFIXES)) % len(_NOUNS)]
        yield f"{_PREFIXES[index % len(_PREFIXES)]} {noun}"


def _styled_id(name: str, index: int) -> str:
    """Write most ids with hyphens, some with dots, underscores or a capital, as found there."""
    slug = slugify(name)
    match index % 9:
        case 3:
            return slug.replace("-", ".")
        case 5:
            return slug.replace("-", "_")
        case 7:
            return slug.capitalize()
        case _:
            return slug


def _history(family: Family, index: int) -> tuple[Phase, ...]:
    match family:
        case "sans_investigation":
            return (("construction", "2022-04-04", ""),)
        case "passe":
            past = PAST_PHASES[index % len(PAST_PHASES)]
            return (
                ("investigation", "2019-01-08", "2019-07-01"),
                ("construction", "2019-07-01", ""),
                (past, "2022-06-13", ""),
            )
        case "a_venir":
            return () if index % 3 == 2 else (("investigation", "2025-02-13", ""),)
        case "discordant" if index % 2:
            return (("construction", "2023-03-01", ""), ("investigation", "2022-05-02", ""))
        case "discordant":
            return (
                ("investigation", "2020-02-03", ""),
                ("acceleration", "2022-09-01", ""),
                ("success", "2022-06-13", ""),
            )
        case _:
            return _HISTORIES[index % len(_HISTORIES)]


def _from_names() -> Iterator[Product]:
    names = _names()
    rank = 0
    for family, size in _FAMILIES:
        for index in range(size):
            name = next(names)
            if family == "accents":
                while name == without_accents(name):
                    name = next(names)
                id_ = name.lower().replace(" ", "-")
            else:
                id_ = _styled_id(name, rank)
            slug = slugify(name)
            yield Product(
                id=id_,
                name=name,
                family=family,
                incubator=INCUBATORS[rank % len(INCUBATORS)][0],
                phases=_history(family, index),
                has_stats=family != "sans_stats",
                has_repository=family != "sans_depot",
                aliases=(f"{slug}-2022",) if family == "alias" else (),
            )
            rank += 1


def _by_hand() -> Iterator[Product]:
    for index, (id_, name) in enumerate(_REMARKABLE):
        incubator = INCUBATORS[index % len(INCUBATORS)][0]
        history = _HISTORIES[index % len(_HISTORIES)]
        yield Product(id_, name, "remarquable", incubator, history, True, True)
    for id_ in ("service-jumeau", "service-jumeau-bis", "Produit.Double", "produit.double"):
        yield Product(id_, "Service jumeau", "homonyme", "dinum", _HISTORIES[0], True, True)


@cache
def products() -> tuple[Product, ...]:
    """Return every product of the catalogue, those with unusual ids first."""
    return (*_by_hand(), *_from_names())


@cache
def family(name: Family) -> tuple[Product, ...]:
    """Return the products of one family, in a fixed order."""
    return tuple(product for product in products() if product.family == name)
