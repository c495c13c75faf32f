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

from dsync.sandbox.content.rng import SeededRandom, load

_DATA = load("catalogue")
PAST_PHASES: list[str] = _DATA["past_phases"]
DECLARED_PHASES: dict[str, str] = _DATA["declared_phases"]
"""The option of the form that means each phase of the catalogue."""
INCUBATORS: list[list[str]] = _DATA["incubators"]
AMBIGUOUS_ALIAS = "guichet-numerique"
"""A former id that redirects to one product with `.html` and to another one without."""
CHAINED_ALIAS = "ancien-nom-du-service"
"""A former id that redirects to another former id."""
_SITE = "https://beta.gouv.fr"
_NEW_WORDS = {"success": "opere", "transfer": "transfere", "alumni": "abandon"}

Version = Literal["v2.6", "v2.7"]
Phase = tuple[str, str, str]
"""Name, start and end as ISO days; as in the original, the end is often "", even of past phases."""


@dataclass(frozen=True, slots=True)
class ProductSeed:
    """A product of the catalogue, before it is formatted as JSON:API."""

    id: str
    name: str
    family: str
    incubator: str
    phases: tuple[Phase, ...]
    aliases: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The address of the product's website."""
        return f"https://{slugify(self.id)}.example.gouv.fr"

    @property
    def repository(self) -> str:
        """The address of the product's code, "" if it is not published."""
        is_closed = self.family == "sans_depot"
        return "" if is_closed else f"https://github.com/betagouv-exemple/{slugify(self.id)}"

    @property
    def stats_url(self) -> str:
        """The address of what the product measures, "" if it is not published."""
        return "" if self.family == "sans_stats" else f"{self.link}/stats"

    def phase_at(self, day: str) -> str | None:
        """Return the phase on an ISO day, None before the first one.

        It is the one that started last; of several that started that day, the last in the list.
        """
        begun = [(start, rank, name) for rank, (name, start, _) in enumerate(self.phases)]
        return max((phase for phase in begun if phase[0] <= day), default=(None,))[-1]


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
    prefixes, nouns = _DATA["prefixes"], _DATA["nouns"]
    for index in range(len(prefixes) * len(nouns)):
        noun = nouns[(index + index // len(prefixes)) % len(nouns)]
        yield f"{prefixes[index % len(prefixes)]} {noun}"


def _history(family: str, index: int) -> tuple[Phase, ...]:
    histories = _DATA["histories"].get(family, _DATA["histories"]["usual"])
    text = histories[index % len(histories)].format(past=PAST_PHASES[index % len(PAST_PHASES)])
    parts = [(*phase.split(), "") for phase in text.split(",") if phase]
    return tuple((part[0], part[1], part[2]) for part in parts)


def _incubator_of(index: int) -> str:
    return INCUBATORS[index % len(INCUBATORS)][0]


def _by_hand() -> Iterator[ProductSeed]:
    for index, (id_, name) in enumerate(_DATA["remarkable"]):
        history = _history("usual", index)
        yield ProductSeed(id_, name, "remarquable", _incubator_of(index), history)
    for id_ in ("service-jumeau", "service-jumeau-bis", "Produit.Double", "produit.double"):
        yield ProductSeed(id_, "Service jumeau", "homonyme", "dinum", _history("usual", 0))


def _from_names() -> Iterator[ProductSeed]:
    names = _names()
    families = [(name, i) for name, size in _DATA["families"].items() for i in range(size)]
    for rank, (family, index) in enumerate(families):
        name = next(names)
        while family == "accents" and name == without_accents(name):
            name = next(names)
        slug = slugify(name)  # Some ids have dots, underscores or a capital.
        styles = {3: slug.replace("-", "."), 5: slug.replace("-", "_"), 7: slug.capitalize()}
        ident = styles.get(rank % 9, slug)
        if family == "accents":
            ident = name.lower().replace(" ", "-")
        aliases = (f"{slug}-2022",) if family == "alias" else ()
        history = _history(family, index)
        yield ProductSeed(ident, name, family, _incubator_of(rank), history, aliases)


@cache
def products() -> tuple[ProductSeed, ...]:
    """Return all products of the catalogue, those written by hand first."""
    return (*_by_hand(), *_from_names())


@cache
def family(name: str) -> tuple[ProductSeed, ...]:
    """Return the products of one family, in a fixed order."""
    return tuple(product for product in products() if product.family == name)


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
    pages = {
        f"/startups/{alias}": f"{_SITE}/startups/{product.id}.html"
        for product in products()
        for alias in product.aliases
    }
    return pages | {
        f"/startups/{AMBIGUOUS_ALIAS}": f"{_SITE}/startups/{first.id}.html",
        f"/startups/{AMBIGUOUS_ALIAS}.html": f"{_SITE}/startups/{second.id}.html",
        f"/startups/{CHAINED_ALIAS}": f"{_SITE}/startups/{family('alias')[-1].aliases[0]}",
        "/startups/service-disparu": f"{_SITE}/startups/service-sans-fiche.html",
        "/startups/tourne-en-rond": f"{_SITE}/startups/rond-en-tourne.html",
        "/startups/rond-en-tourne": f"{_SITE}/startups/tourne-en-rond.html",
        "/incubateurs/ancien": f"{_SITE}/incubateurs/dinum.html",
        "/recrutement": "https://exemple.gouv.fr/offres",
    }


def _startup(product: ProductSeed, seed: int, version: Version) -> dict[str, Any]:
    rng, is_newer = SeededRandom(seed, "startup", product.id), version == "v2.7"
    launch = {"name": "product_launch", "date": "2022-06-24", "comment": ""}
    phases = product.phases
    if is_newer:
        renamed = [(_NEW_WORDS.get(name, name), start, end) for name, start, end in phases]
        phases = tuple(sorted(renamed, key=lambda phase: phase[1]))
    attributes: dict[str, Any] = {
        "name": product.name,
        "pitch": f"Simplifier l'accès à {product.name} pour les usagers et les agents",
        "stats_url": product.stats_url,
        "contact": "contact@example.gouv.fr",
        "content_url_encoded_markdown": "Une%20fiche%20d%27exemple.",
        "events": [launch] if rng.chance(0.3) else [],
        "phases": [{"name": name, "start": start, "end": end} for name, start, end in phases],
        "sponsors": [product.incubator],
        "thematiques": rng.shuffled(_DATA["themes"])[: rng.below(3)],
    }
    if rng.chance(0.85) or product.stats_url:
        attributes["link"] = product.link
    if product.repository:
        attributes["repository"] = product.repository
    if rng.chance(0.6):
        attributes["accessibility_status"] = "partiellement conforme"
    incubator = {"type": "incubator", "id": product.incubator}
    relationships: dict[str, Any] = {"incubator": {"data": incubator}}
    if is_newer:
        attributes |= {"technos": [], "impact_url": ""}
        relationships["incubators"] = {"data": [incubator]}
    ident = {"id": product.id, "type": "startup"}
    return {**ident, "attributes": attributes, "relationships": relationships}


def _incubator(id_: str, title: str, version: Version) -> dict[str, Any]:
    attributes = {"title": title, "owner": f"/organisations/{id_}", "website": "", "github": ""}
    attributes["contact"] = "contact@example.gouv.fr"
    ident = f"/incubateurs/{id_}" if version == "v2.6" else id_
    return {"id": ident, "type": "incubator", "attributes": attributes}
