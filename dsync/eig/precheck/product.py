"""Which product of the catalogue an applicant names, and how surely."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from itertools import chain

from msgspec import Struct

from dsync.eig.precheck.address import ProductPage, Typed, parse_address, tail_of_page
from dsync.eig.precheck.catalogue import Catalogue, Product
from dsync.eig.precheck.wording import fold, words


class Lien(StrEnum):
    """How what was typed leads to a product, or why it does not."""

    FICHE = "fiche"
    ALIAS = "alias"
    # From here on, the product is kept and nothing about it weighs more than « à vérifier ».
    NOM = "nom"
    SITE = "site"
    DEPOT = "depot"
    # From here on, no single product.
    CITE = "cite"
    """A product's name stands in a sentence that says more."""
    PROCHE = "proche"
    """An unknown page or word, spelled almost as a known page."""
    RETIREE = "retiree"
    """A page that was published once, or the name that it had."""
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


PUBLISHED = frozenset({Lien.FICHE, Lien.ALIAS})
"""The product's page itself was given."""


class ProductMatch(Struct, frozen=True, gc=False):
    """The single product named, or what was found instead."""

    lien: Lien
    product: Product | None = None
    noms: tuple[str, ...] = ()
    """Of the products or pages meant, sorted, when there is no single product."""
    page: str | None = None
    """The id typed, of a page that is unknown or an alias."""
    ids: tuple[str, ...] = ()
    """Of the published products that may be meant, sorted."""

    @property
    def product_id(self) -> str | None:
        """The id of the single product named."""
        return self.product.id if self.product else None

    @property
    def is_published(self) -> bool:
        """Whether the product's page itself was given, so that all checks weigh in full."""
        return self.lien in PUBLISHED


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
_WRITTEN = re.compile(r"\w+")
_PARTS = re.compile(r"[,;:!?()\[\]{}«»“”\"|/–—…]+|(?:^|\s)-+(?:\s|$)|\.(?:\s|$)")
"""What parts a name from the words around it."""
_SHORT_ID = 6
"""Ids under this length are near at one slip, the others at two."""
_LAST_ENDING = re.compile(r"(?:[^\w/]+[htmlp]{2,5})+\W*$")


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
        or _by_parts(typed.text, catalogue)
        or _near_word(typed.text, catalogue)
        or ProductMatch(Lien.AUCUN)
    )


def _by_pages(typed: Typed, catalogue: Catalogue) -> ProductMatch:
    """Look up the pages typed; links beside a product's page do not matter."""
    found = [_by_id(page, catalogue) for page in typed.pages]
    # Of several addresses of one product, its present one is told.
    found.sort(key=lambda match: match.lien is Lien.FICHE)
    matches = list({match.product_id or match.page: match for match in found}.values())
    if all(match.lien is Lien.INCONNUE for match in matches):
        return _near_page(typed, catalogue) or matches[0]
    if len(matches) == 1:
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
                return _meant(Lien.AMBIGU, ids, catalogue, page.shown)
            return ProductMatch(lien, catalogue.products[min(ids)], page=page.shown)
    if retired := frozenset(id_ for id_ in catalogue.former if fold(id_) == folded):
        return _meant(Lien.RETIREE, retired, catalogue, page.shown)
    return ProductMatch(Lien.INCONNUE, page=page.shown)


def _near_page(typed: Typed, catalogue: Catalogue) -> ProductMatch | None:
    """Return the products whose pages the unknown ones are slips of."""
    for page in typed.pages:
        if ids := _near((page.shown, tail_of_page(typed.whole)), catalogue):
            return _meant(Lien.PROCHE, ids, catalogue, page.shown)
    return None


def _near_word(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Return the products whose ids a single word is a slip of."""
    words_left = min(_spellings(words(text)), key=len, default=())
    if len(words_left) != 1 or len(words_left[0]) < _CITED_LENGTH:
        return None
    ids = _near(words_left, catalogue)
    return _meant(Lien.PROCHE, ids, catalogue) if ids else None


def _near(spellings: Iterable[str], catalogue: Catalogue) -> frozenset[str]:
    """Return the products with the ids or aliases nearest to what was typed, if any is near."""
    from rapidfuzz.distance import DamerauLevenshtein  # 20 ms of import that few runs need.

    folded = {fold(spelling) for spelling in spellings} - {""}
    typed = folded | {_LAST_ENDING.sub("", spelling) for spelling in folded}
    joined = {_joined(spelling) for spelling in typed} - {""}
    nearest: defaultdict[int, set[str]] = defaultdict(set)
    former = ((fold(id_), {id_}) for id_ in catalogue.former)
    for known, ids in chain(catalogue.folded_ids.items(), catalogue.folded_aliases.items(), former):
        if _joined(known) in joined:
            nearest[0] |= ids
            continue
        most = 1 if len(known) < _SHORT_ID else 2
        slips = min(DamerauLevenshtein.distance(known, one, score_cutoff=most) for one in typed)
        if slips <= most:
            nearest[slips] |= ids
    return frozenset(nearest[min(nearest)]) if nearest else frozenset()


def _joined(text: str) -> str:
    return "".join(words(text)).replace("_", "")


def _by_sites(typed: Typed, catalogue: Catalogue) -> ProductMatch:
    """Look up products' own sites and repositories, to the letter: pages below name nothing."""
    owners: set[str] = set()
    is_code = True
    for site in typed.sites:
        ids, of_code = catalogue.owners(site)
        owners |= ids
        is_code = is_code and (of_code or not ids)
    if len(owners) > 1:
        return _meant(Lien.PLUSIEURS, owners, catalogue)
    if owners:
        lien = Lien.DEPOT if is_code else Lien.SITE
        return ProductMatch(lien, catalogue.products[owners.pop()])
    # Some ids look like a host: such a text is looked up as it stands, for the words of an address
    # of another page may hold a name.
    if ids := _bearers(words(typed.whole), catalogue):
        return _named(ids, catalogue)
    # A name may stand beside the address.
    if named := _by_name(typed.text, catalogue) or _by_parts(typed.text, catalogue):
        return named
    return ProductMatch(Lien.AUTRE_PAGE if typed.other_pages else Lien.AUTRE_SITE)


def _by_name(text: str, catalogue: Catalogue) -> ProductMatch | None:
    for spelling in _spellings(words(text)):
        if ids := _bearers(spelling, catalogue):
            return _named(ids, catalogue)
    return None


def _bearers(name: tuple[str, ...], catalogue: Catalogue) -> frozenset[str]:
    """Return the products of that name or id, or else those that had it once."""
    return catalogue.names.get(name) or catalogue.former_names.get(name, frozenset())


def _by_parts(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Look for names in the parts of a sentence, then among its words.

    A text that says one name several times names the product; one that says more cites it.
    """
    found: set[str] = set()
    says_more = False
    for part in _PARTS.split(text):
        spellings = list(_spellings(words(part)))
        ids = next((ids for one in spellings if (ids := _bearers(one, catalogue))), None)
        found |= ids or set()
        says_more = says_more or (ids is None and bool(spellings) and bool(spellings[-1]))
    if len(found) == 1 and not says_more:
        return _named(frozenset(found), catalogue)
    found |= _cited(text, catalogue)
    return _meant(Lien.CITE, found, catalogue) if found else None


def _by_joined_name(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Look a name up without its spaces: « MonProduit » is « Mon produit »."""
    for spelling in _spellings(words(text)):
        joined = "".join(spelling)
        if len(joined) >= _CITED_LENGTH and (ids := catalogue.joined_names.get(joined)):
            return _named(ids, catalogue)
    return None


def _named(ids: frozenset[str], catalogue: Catalogue) -> ProductMatch:
    if len(ids) > 1:
        return _meant(Lien.AMBIGU, ids, catalogue)
    if product := catalogue.products.get(min(ids)):
        return ProductMatch(Lien.NOM, product)
    return _meant(Lien.RETIREE, ids, catalogue)


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


def _cited(text: str, catalogue: Catalogue) -> set[str]:
    """Return the products whose whole name stands among the words.

    A short one has to be written as the catalogue writes it, with its capitals.
    """
    typed = _WRITTEN.findall(text)[:_CITED_WORDS]
    folded = tuple(fold(word) for word in typed)
    found: set[str] = set()
    for start in range(len(folded)):
        for length in range(_CITED_NAME_WORDS, 0, -1):
            name = folded[start : start + length]
            ids = _bearers(name, catalogue)
            if len("".join(name)) < _CITED_LENGTH:
                written = " ".join(typed[start : start + length])
                ids = frozenset(i for i in ids if _is_proper(_nom(i, catalogue), written))
            if ids:
                found |= ids
                break
    return found


def _is_proper(nom: str, written: str) -> bool:
    return nom == written and written != written.lower()


def _meant(
    lien: Lien, ids: Collection[str], catalogue: Catalogue, page: str | None = None
) -> ProductMatch:
    """Return a match of several products, or of one that is not sure."""
    noms = tuple(sorted(f"{_nom(id_, catalogue)} ({id_})" for id_ in ids))
    published = tuple(sorted(id_ for id_ in ids if id_ in catalogue.products))
    return ProductMatch(lien, noms=noms, page=page, ids=published)


def _nom(id_: str, catalogue: Catalogue) -> str:
    known = catalogue.products.get(id_) or catalogue.former[id_]
    return known.nom
