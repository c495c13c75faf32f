"""The invented catalogue of beta.gouv.fr: its products, and the documents that publish them.

Products are grouped into families by what the eligibility rules find in them. They do not depend
on the seed: a dossier's address means the same in every sandbox.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from dsync.sandbox.content.rng import SeededRandom

Phase = tuple[str, str, str]
"""Name, start and end as ISO days; as in the original, the end is often "", even of past phases."""

_FAMILIES = {
    "suivi": 440,  # in an accepted phase during all of 2024: the usual case
    "accents": 32,  # the same, with accents in the id
    "alias": 24,  # the same, with a former address
    "sans_investigation": 16,
    "sans_stats": 16,
    "sans_depot": 16,
    "passe": 48,  # past acceleration, whatever word the catalogue has for it
    "a_venir": 16,  # no phase yet
    "discordant": 16,  # the order of the list and of the dates disagree
}
"""Number of generated products by family.

Two more families are written by hand: « remarquable » (ids with unusual characters) and
« homonyme » (several products with one name).
"""


@dataclass(frozen=True, slots=True)
class ProductSeed:
    """A product of the catalogue, before it is formatted as JSON:API."""

    id: str
    name: str
    family: str
    incubator: str
    phases: tuple[Phase, ...]
    has_stats: bool
    has_repository: bool
    aliases: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The id as it can stand in a host name: lower case, no accents."""
        return slugify(self.id)

    @property
    def link(self) -> str:
        """The address of the product's website."""
        return f"https://{self.slug}.example.gouv.fr"

    @property
    def repository(self) -> str:
        """The address of the product's source code, or "" when it is not public."""
        return f"https://github.com/betagouv-exemple/{self.slug}" if self.has_repository else ""

    @property
    def stats_url(self) -> str:
        """The address of the public statistics, or "" when there are none."""
        return f"{self.link}/stats" if self.has_stats else ""

    def phase_at(self, day: str) -> str | None:
        """Return the phase on an ISO day, None before the first one.

        It is the one that started last; of several that started that day, the last in the list.
        """
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
"""Id and title in the catalogue, and the option of the form that means this incubator."""

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


def _phases(text: str) -> tuple[Phase, ...]:
    """Parse `name start [end],…` into phases."""
    parts = [(*phase.split(), "") for phase in text.split(",") if phase]
    return tuple((part[0], part[1], part[2]) for part in parts)


_HISTORIES = tuple(
    map(
        _phases,
        (
            "investigation 2023-03-01 2023-09-30,construction 2023-10-02",
            "investigation 2023-11-06",
            "investigation 2021-02-01 2021-07-16,construction 2021-09-01,acceleration 2022-11-30",
            "investigation 2022-05-02,construction 2022-11-01",
            "investigation 2023-06-05,construction 2024-06-03",
            "investigation 2019-03-13,construction 2019-03-13",
            "investigation 2022-01-10 2022-06-30,construction 2022-07-01 2024-04-14,"
            "acceleration 2024-04-15",
            "Investigation 2022-03-01,Accélération 2023-05-02",
        ),
    )
)
"""Each has an investigation, and an accepted phase on each day of 2024."""

PAST_PHASES = tuple(
    [
        "success",
        "transfer",
        "alumni",
        "opere",
        "consolidation",
        "transfere",
        "abandon",
        "abandon-investigation",
    ]
)
"""The first three are the catalogue's terms before May 2026, the others its terms since then."""

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


def slugify(text: str) -> str:
    """Return the text in lower case, without accents, its words joined by hyphens."""
    plain = without_accents(text).lower()
    return "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in plain).split())


def without_accents(text: str) -> str:
    """Return the text without accents; upper and lower case stay."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _names() -> Iterator[str]:
    """Yield 754 different names: the counts of prefixes and nouns have no common divisor."""
    for index in range(len(_PREFIXES) * len(_NOUNS)):
        noun = _NOUNS[(index + index // len(_PREFIXES)) % len(_NOUNS)]
        yield f"{_PREFIXES[index % len(_PREFIXES)]} {noun}"


def _styled_id(name: str, index: int) -> str:
    """Return the product's id: mostly with hyphens, some with dots, underscores or a capital."""
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


def _history(family: str, index: int) -> tuple[Phase, ...]:
    past = PAST_PHASES[index % len(PAST_PHASES)]
    texts = {
        "sans_investigation": ["construction 2022-04-04"],
        "passe": [f"investigation 2019-01-08 2019-07-01,construction 2019-07-01,{past} 2022-06-13"],
        "a_venir": ["investigation 2025-02-13", "investigation 2025-02-13", ""],
        "discordant": [
            "investigation 2020-02-03,acceleration 2022-09-01,success 2022-06-13",
            "construction 2023-03-01,investigation 2022-05-02",
        ],
    }
    histories = [_phases(text) for text in texts.get(family, ())] or _HISTORIES
    return histories[index % len(histories)]


def _from_names() -> Iterator[ProductSeed]:
    names, rank = _names(), 0
    for family, size in _FAMILIES.items():
        for index in range(size):
            name = next(names)
            while family == "accents" and name == without_accents(name):
                name = next(names)
            accented = name.lower().replace(" ", "-")
            yield ProductSeed(
                id=accented if family == "accents" else _styled_id(name, rank),
                name=name,
                family=family,
                incubator=INCUBATORS[rank % len(INCUBATORS)][0],
                phases=_history(family, index),
                has_stats=family != "sans_stats",
                has_repository=family != "sans_depot",
                aliases=(f"{slugify(name)}-2022",) if family == "alias" else (),
            )
            rank += 1


def _by_hand() -> Iterator[ProductSeed]:
    for index, (id_, name) in enumerate(_REMARKABLE):
        incubator = INCUBATORS[index % len(INCUBATORS)][0]
        history = _HISTORIES[index % len(_HISTORIES)]
        yield ProductSeed(id_, name, "remarquable", incubator, history, True, True)
    for id_ in ("service-jumeau", "service-jumeau-bis", "Produit.Double", "produit.double"):
        yield ProductSeed(id_, "Service jumeau", "homonyme", "dinum", _HISTORIES[0], True, True)


@cache
def products() -> tuple[ProductSeed, ...]:
    """Return all products of the catalogue, those written by hand first."""
    return (*_by_hand(), *_from_names())


@cache
def family(name: str) -> tuple[ProductSeed, ...]:
    """Return the products of one family, in a fixed order."""
    return tuple(product for product in products() if product.family == name)


Version = Literal["v2.6", "v2.7"]

AMBIGUOUS_ALIAS = "guichet-numerique"
"""A former id that redirects to one product with `.html` and to another one without."""

CHAINED_ALIAS = "ancien-nom-du-service"
"""A former id that redirects to another former id."""

_SITE = "https://beta.gouv.fr"
_NEW_WORDS = {"success": "opere", "transfer": "transfere", "alumni": "abandon"}
_THEMES = ("Administratif", "Collectivités", "Écologie", "Santé", "Social", "Jeunesse", "Justice")


def startups(seed: int, version: Version = "v2.6") -> dict[str, Any]:
    """Return the document `startups.json` (JSON:API).

    Version 2.6 has the older terms for past phases, phases in any order and paths as ids of the
    included incubators. Version 2.7 has the newer terms, phases ordered by start, and plain ids.
    """
    return {
        "links": {"self": f"{_SITE}/startups"},
        "data": [_startup(product, seed, version) for product in products()],
        "included": [_incubator(id_, title, version) for id_, title, _ in INCUBATORS],
    }


def redirects(seed: int) -> dict[str, str]:
    """Return the document `redirects.json`: target addresses by former path."""
    first, second = SeededRandom(seed, "redirects").shuffled(family("homonyme")[:2])
    chained = family("alias")[-1]
    pages = {
        f"/startups/{alias}": _page(product) for product in products() for alias in product.aliases
    }
    pages[f"/startups/{AMBIGUOUS_ALIAS}"] = _page(first)
    pages[f"/startups/{AMBIGUOUS_ALIAS}.html"] = _page(second)
    pages[f"/startups/{CHAINED_ALIAS}"] = f"{_SITE}/startups/{chained.aliases[0]}"
    pages["/startups/service-disparu"] = f"{_SITE}/startups/service-sans-fiche.html"
    pages["/startups/tourne-en-rond"] = f"{_SITE}/startups/rond-en-tourne.html"
    pages["/startups/rond-en-tourne"] = f"{_SITE}/startups/tourne-en-rond.html"
    pages["/incubateurs/ancien"] = f"{_SITE}/incubateurs/dinum.html"
    pages["/recrutement"] = "https://exemple.gouv.fr/offres"
    return pages


def _page(product: ProductSeed) -> str:
    return f"{_SITE}/startups/{product.id}.html"


def _startup(product: ProductSeed, seed: int, version: Version) -> dict[str, Any]:
    rng = SeededRandom(seed, "startup", product.id)
    attributes: dict[str, Any] = {
        "name": product.name,
        "pitch": f"Simplifier l'accès à {product.name} pour les usagers et les agents",
        "stats_url": product.stats_url,
        "contact": "contact@example.gouv.fr",
        "content_url_encoded_markdown": "Une%20fiche%20d%27exemple.",
        "events": [{"name": "product_launch", "date": "2022-06-24", "comment": ""}]
        if rng.chance(0.3)
        else [],
        "phases": _phases_in(product.phases, version),
        "sponsors": [product.incubator],
        "thematiques": rng.shuffled(_THEMES)[: rng.below(3)],
    }
    if version == "v2.7":
        attributes |= {"technos": [], "impact_url": ""}
    if rng.chance(0.85) or product.has_stats:
        attributes["link"] = product.link
    if product.has_repository:
        attributes["repository"] = product.repository
    if rng.chance(0.6):
        attributes["accessibility_status"] = "partiellement conforme"
    incubator = {"type": "incubator", "id": product.incubator}
    relationships: dict[str, Any] = {"incubator": {"data": incubator}}
    if version == "v2.7":
        relationships["incubators"] = {"data": [incubator]}
    return {
        "id": product.id,
        "type": "startup",
        "attributes": attributes,
        "relationships": relationships,
    }


def _phases_in(phases: tuple[Phase, ...], version: Version) -> list[dict[str, str]]:
    if version == "v2.7":
        renamed = [(_NEW_WORDS.get(name, name), start, end) for name, start, end in phases]
        phases = tuple(sorted(renamed, key=lambda phase: phase[1]))
    return [{"name": name, "start": start, "end": end} for name, start, end in phases]


def _incubator(id_: str, title: str, version: Version) -> dict[str, Any]:
    return {
        "id": f"/incubateurs/{id_}" if version == "v2.6" else id_,
        "type": "incubator",
        "attributes": {
            "title": title,
            "owner": f"/organisations/{id_}",
            "website": "",
            "github": "",
            "contact": "contact@example.gouv.fr",
        },
    }
