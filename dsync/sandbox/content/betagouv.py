"""What beta.gouv.fr publishes in the sandbox: the catalogue of products and its redirects.

Shapes and vocabularies only; which products there are is decided in products.py.
"""

from __future__ import annotations

from typing import Any, Literal

from dsync.sandbox.content.products import INCUBATORS, Phase, ProductSeed, family, products
from dsync.sandbox.content.rng import SeededRandom

Version = Literal["v2.6", "v2.7"]

AMBIGUOUS_ALIAS = "guichet-numerique"
"""A former address that two products claim, once with and once without `.html`."""

CHAINED_ALIAS = "ancien-nom-du-service"
"""A former address that leads to another former address."""

_SITE = "https://beta.gouv.fr"
_NEW_WORDS = {"success": "opere", "transfer": "transfere", "alumni": "abandon"}
_THEMES = ("Administratif", "Collectivités", "Écologie", "Santé", "Social", "Jeunesse", "Justice")


def startups(seed: int, version: Version = "v2.6") -> dict[str, Any]:
    """Return the document `startups.json` as JSON:API.

    The two versions name past phases by the older and the newer vocabulary, order the phases by
    hand or by start, and name the included incubators by path or by id.
    """
    return {
        "links": {"self": f"{_SITE}/startups"},
        "data": [_startup(product, seed, version) for product in products()],
        "included": [_incubator(id_, title, version) for id_, title, _ in INCUBATORS],
    }


def redirects(seed: int) -> dict[str, str]:
    """Return the document `redirects.json`: former paths and where they lead."""
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
        "phases": _phases(product.phases, version),
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


def _phases(phases: tuple[Phase, ...], version: Version) -> list[dict[str, str]]:
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
