"""Which product of the catalogue an applicant names, and how surely."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from dsync.eligibility.address import ProductPage, Typed, parse_address
from dsync.eligibility.catalogue import Catalogue, Product
from dsync.eligibility.wording import fold, words


class Lien(StrEnum):
    """How what was typed leads to a product, or why it does not."""

    FICHE = "fiche"
    ALIAS = "alias"
    NOM = "nom"
    SITE = "site"
    DEPOT = "depot"
    # From here on, no single product.
    CITE = "cite"
    """A product's name stands in a sentence that says more."""
    AMBIGU = "ambigu"
    """One alias, name or spelling that several products have."""
    PLUSIEURS = "plusieurs"
    AUTRE_PAGE = "autre_page"
    AUTRE_SITE = "autre_site"
    INCONNUE = "inconnue"
    AUCUN = "aucun"
    VIDE = "vide"
    INDISPONIBLE = "indisponible"
    """No catalogue to look into."""


class ProductMatch(Struct, frozen=True, gc=False):
    """The single product named, or what was found instead."""

    lien: Lien
    product: Product | None = None
    noms: tuple[str, ...] = ()
    """Of the products or pages meant, sorted, when there is no single product."""
    page: str | None = None
    """The id typed, of a page that is unknown or an alias."""

    @property
    def product_id(self) -> str | None:
        """The id of the single product named."""
        return self.product.id if self.product else None


_FILLERS = frozenset(
    [
        "le",
        "la",
        "les",
        "l",
        "un",
        "une",
        "du",
        "de",
        "des",
        "d",
        "notre",
        "nos",
        "produit",
        "service",
        "services",
        "startup",
        "startups",
        "start",
        "up",
        "etat",
        "projet",
        "application",
        "appli",
        "plateforme",
        "site",
        "fiche",
        "page",
        "nom",
        "intitule",
        "numerique",
        "beta",
        "gouv",
        "fr",
        "https",
        "http",
        "www",
        "html",
    ]
)
"""Words around a product's name that change nothing."""
_CITED_WORDS = 200
_CITED_NAME_WORDS = 6
_CITED_LENGTH = 5
"""Shorter single words stand in sentences, or are names once joined, by chance."""


def resolve_product(address: str | None, catalogue: Catalogue | None) -> ProductMatch:
    """Return the product that `address` names in `catalogue`, or why there is no single one."""
    if not address or not address.strip():
        return ProductMatch(Lien.VIDE)
    if catalogue is None:
        return ProductMatch(Lien.INDISPONIBLE)
    typed = parse_address(address)
    if typed.pages:
        return _by_pages(typed, catalogue)
    if typed.sites or typed.other_pages:
        return _by_sites(typed, catalogue)
    return (
        _by_name(typed.text, catalogue)
        or _by_joined_name(typed.text, catalogue)
        or ProductMatch(Lien.AUCUN)
    )


def _by_pages(typed: Typed, catalogue: Catalogue) -> ProductMatch:
    found = [_by_id(page, catalogue) for page in typed.pages]
    # Of several addresses of one product, its present one is told.
    found.sort(key=lambda match: match.lien is Lien.FICHE)
    matches = list({match.product_id or match.page: match for match in found}.values())
    owners = {id_ for site in typed.sites for id_ in catalogue.owners(site)[0]}
    if len(matches) == 1:
        match = matches[0]
        if match.product_id and owners - {match.product_id} and match.product_id not in owners:
            return _several(owners | {match.product_id}, catalogue)
        return match
    if all(match.lien is Lien.INCONNUE for match in matches):
        return matches[0]
    named = {match.product.nom if match.product else str(match.page) for match in matches}
    return ProductMatch(Lien.PLUSIEURS, noms=tuple(sorted(named)))


def _by_id(page: ProductPage, catalogue: Catalogue) -> ProductMatch:
    """Look one page up: its exact id or alias first, then without case and accents."""
    if exact := catalogue.products.get(page.id):
        return ProductMatch(Lien.FICHE, exact, page=page.shown)
    folded = fold(page.id)
    for lien, ids in (
        (Lien.ALIAS, catalogue.aliases.get(page.id)),
        (Lien.FICHE, catalogue.folded_ids.get(folded)),
        (Lien.ALIAS, catalogue.folded_aliases.get(folded)),
    ):
        if ids:
            if len(ids) > 1:
                return ProductMatch(Lien.AMBIGU, noms=_names(ids, catalogue), page=page.shown)
            return ProductMatch(lien, catalogue.products[min(ids)], page=page.shown)
    return ProductMatch(Lien.INCONNUE, page=page.shown)


def _by_sites(typed: Typed, catalogue: Catalogue) -> ProductMatch:
    owners: set[str] = set()
    is_code = True
    for site in typed.sites:
        ids, of_code = catalogue.owners(site)
        owners |= ids
        is_code = is_code and (of_code or not ids)
    if len(owners) > 1:
        return _several(owners, catalogue)
    if owners:
        lien = Lien.DEPOT if is_code else Lien.SITE
        return ProductMatch(lien, catalogue.products[owners.pop()])
    # Some ids look like a host; a name may stand beside the address.
    for text in (typed.whole, typed.text):
        named = _by_name(text, catalogue)
        if named and named.lien is Lien.NOM:
            return named
    if typed.other_pages:
        return ProductMatch(Lien.AUTRE_PAGE)
    return ProductMatch(Lien.AUTRE_SITE)


def _by_name(text: str, catalogue: Catalogue) -> ProductMatch | None:
    all_words = words(text)
    for spelling in _spellings(all_words):
        if ids := catalogue.names.get(spelling):
            return _named(ids, catalogue)
    cited = _cited(all_words[:_CITED_WORDS], catalogue)
    return ProductMatch(Lien.CITE, noms=_names(cited, catalogue)) if cited else None


def _by_joined_name(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Look a name up without its spaces: « MonProduit » is « Mon produit »."""
    for spelling in _spellings(words(text)):
        joined = "".join(spelling)
        if len(joined) >= _CITED_LENGTH and (ids := catalogue.joined_names.get(joined)):
            return _named(ids, catalogue)
    return None


def _named(ids: frozenset[str], catalogue: Catalogue) -> ProductMatch:
    if len(ids) > 1:
        return ProductMatch(Lien.AMBIGU, noms=_names(ids, catalogue))
    return ProductMatch(Lien.NOM, catalogue.products[min(ids)])


def _spellings(all_words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words, then the same without fillers at the two ends."""
    if not all_words:
        return
    yield all_words
    first, last = 0, len(all_words)
    while first < last and all_words[first] in _FILLERS:
        first += 1
        yield all_words[first:last]
    while last > first and all_words[last - 1] in _FILLERS:
        last -= 1
        yield all_words[first:last]
        yield all_words[:last]


def _cited(all_words: tuple[str, ...], catalogue: Catalogue) -> set[str]:
    """Return the products whose whole name stands among the words."""
    found: set[str] = set()
    for start in range(len(all_words)):
        for length in range(_CITED_NAME_WORDS, 0, -1):
            name = all_words[start : start + length]
            if len("".join(name)) >= _CITED_LENGTH and (ids := catalogue.names.get(name)):
                found |= ids
                break
    return found


def _several(ids: set[str], catalogue: Catalogue) -> ProductMatch:
    return ProductMatch(Lien.PLUSIEURS, noms=_names(ids, catalogue))


def _names(ids: set[str] | frozenset[str], catalogue: Catalogue) -> tuple[str, ...]:
    return tuple(sorted(f"{catalogue.products[id_].nom} ({id_})" for id_ in ids))
