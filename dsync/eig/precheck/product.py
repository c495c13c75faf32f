"""Finds the product of the catalogue that an applicant names, and how certain that is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

from dsync.eig.precheck.address import ParsedAddress, ProductPage, parse_address, text_after_folder
from dsync.eig.precheck.catalogue import Catalogue, Product
from dsync.eig.precheck.wording import fold, joined, words


class Lien(StrEnum):
    """How the typed text leads to a product, or why it does not.

    The values are part of stored evidence.
    """

    FICHE = "fiche"
    ALIAS = "alias"
    # From here on the product may be another one: its checks give at most « à vérifier ».
    NOM = "nom"
    SITE = "site"
    DEPOT = "depot"
    # From here on there is no single product.
    CITE = "cite"
    """A sentence contains a product's name beside other words."""
    PROCHE = "proche"
    """An unknown page or word whose spelling is close to that of a known page."""
    RETIREE = "retiree"
    """A page that is no longer published, or its name."""
    AMBIGU = "ambigu"
    """An alias, name or spelling of several products."""
    PLUSIEURS = "plusieurs"
    AUTRE_PAGE = "autre_page"
    AUTRE_SITE = "autre_site"
    INCONNUE = "inconnue"
    AUCUN = "aucun"
    VIDE = "vide"
    INDISPONIBLE = "indisponible"
    """There is no catalogue."""


PUBLISHED = frozenset({Lien.FICHE, Lien.ALIAS})
"""The text has the address of the product's page."""


class ProductMatch(Struct, frozen=True):
    """The single product that a text names, or what was found instead."""

    lien: Lien
    product: Product | None = None
    noms: tuple[str, ...] = ()
    """Names of the possible products or pages, sorted; empty with a single product."""
    page: str | None = None
    """The id in the text, if it has the address of a page."""
    ids: tuple[str, ...] = ()
    """Ids of the possible published products, sorted."""

    @property
    def product_id(self) -> str | None:
        """The id of the single product."""
        return self.product.id if self.product else None

    @property
    def is_published(self) -> bool:
        """Whether the text has the address of the product's page, which makes it certain."""
        return self.lien in PUBLISHED


_FILLERS = frozenset([
    "le", "la", "les", "l", "un", "une", "du", "de", "des", "d", "notre", "nos", "produit",
    "service", "services", "startup", "startups", "start", "up", "etat", "projet",
    "application", "appli", "plateforme", "site", "fiche", "page", "nom", "intitule",
    "numerique", "beta", "gouv", "fr", "https", "http", "www", "html",
])  # fmt: skip
"""Words around a product's name that are ignored."""
# They bound the work on a long text: each word begins up to six names.
_CITED_WORDS = 200
_CITED_NAME_WORDS = 6
_CITED_LENGTH = 5
"""Minimum length of a name in a sentence or of a joined name: shorter ones occur by chance."""
_WRITTEN = re.compile(r"\w+")
_PARTS = re.compile(r"[,;:!?()\[\]{}«»“”\"|/–—…]+|(?:^|\s)-+(?:\s|$)|\.(?:\s|$)")
"""Signs that separate a name from the words around it."""
_SHORT_ID = 6
"""Ids below this length match with one typing error, longer ones with two."""
_LAST_ENDING = re.compile(r"(?:[^\w/]+[htmlp]{2,5})+\W*$")


def resolve_product(address: str | None, catalogue: Catalogue | None) -> ProductMatch:
    """Return the product that a text names, or why there is no single one.

    Tries the addresses in the text first, then names, parts of sentences and similar spellings.

    Args:
        address: the text that the applicant typed.
        catalogue: the published products; None when there is no usable catalogue.
    """
    # Before the catalogue is looked at: a blank answer is « non conforme » also without one.
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


def _by_pages(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch:
    """Look up the product pages in the text; other links are ignored."""
    found = [_by_id(page, catalogue) for page in typed.pages]
    # Of several addresses of one product, the match with the present address is kept.
    found.sort(key=lambda match: match.lien is Lien.FICHE)
    matches = list({match.product_id or match.page: match for match in found}.values())
    # A slip is looked for only without a known page: beside one, the unknown page stays as it is
    # typed.
    if all(match.lien is Lien.INCONNUE for match in matches):
        return _near_page(typed, catalogue) or matches[0]
    if len(matches) == 1:
        return matches[0]
    named = {match.product.nom if match.product else str(match.page) for match in matches}
    return ProductMatch(Lien.PLUSIEURS, noms=tuple(sorted(named)))


def _by_id(page: ProductPage, catalogue: Catalogue) -> ProductMatch:
    """Look up a page: the exact id or alias first, then without case and accents."""
    if exact := catalogue.products.get(page.id):
        return ProductMatch(Lien.FICHE, exact, page=page.readable_id)
    folded = fold(page.id)
    # An exact alias counts before an id in another case or without accents.
    for lien, ids in (
        (Lien.ALIAS, catalogue.aliases.get(page.id)),
        (Lien.FICHE, catalogue.folded_ids.get(folded)),
        (Lien.ALIAS, catalogue.folded_aliases.get(folded)),
    ):
        if ids:
            if len(ids) > 1:
                return _uncertain_match(Lien.AMBIGU, ids, catalogue, page.readable_id)
            if product := catalogue.products.get(min(ids)):
                return ProductMatch(lien, product, page=page.readable_id)
            return _uncertain_match(Lien.RETIREE, ids, catalogue, page.readable_id)
    if retired := frozenset(id_ for id_ in catalogue.former if fold(id_) == folded):
        return _uncertain_match(Lien.RETIREE, retired, catalogue, page.readable_id)
    return ProductMatch(Lien.INCONNUE, page=page.readable_id)


def _near_page(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch | None:
    """Return the products whose page ids are close to those of the unknown pages."""
    for page in typed.pages:
        if ids := _near((page.readable_id, text_after_folder(typed.full_text)), catalogue):
            return _uncertain_match(Lien.PROCHE, ids, catalogue, page.readable_id)
    return None


def _near_word(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Return the products whose ids are close to a single word."""
    words_left = min(_spellings(words(text)), key=len, default=())
    # Two typing errors turn a short word into many ids.
    if len(words_left) != 1 or len(words_left[0]) < _CITED_LENGTH:
        return None
    ids = _near(words_left, catalogue)
    return _uncertain_match(Lien.PROCHE, ids, catalogue) if ids else None


def _near(spellings: Iterable[str], catalogue: Catalogue) -> frozenset[str]:
    """Return the products whose ids or aliases have the fewest typing errors, within the limit."""
    from rapidfuzz import process  # The imports take 20 ms, and few runs need them.
    from rapidfuzz.distance import DamerauLevenshtein

    folded = {fold(spelling) for spelling in spellings} - {""}
    # The ending can be misspelt, too, such as `.htlm`.
    typed = folded | {_LAST_ENDING.sub("", spelling) for spelling in folded}
    without_signs = {joined(one) for one in typed} - {""}
    # Equal but for separators: nearer than any typing error.
    if same := [ids for one in without_signs if (ids := catalogue.joined_spellings.get(one))]:
        return frozenset().union(*same)
    nearest: defaultdict[int, set[str]] = defaultdict(set)
    for one in typed:
        # The cutoff is the larger limit; below is that of short ids.
        for known, slips, _ in process.extract_iter(
            one, list(catalogue.spellings), scorer=DamerauLevenshtein.distance, score_cutoff=2
        ):
            if slips <= (1 if len(known) < _SHORT_ID else 2):
                nearest[slips] |= catalogue.spellings[known]
    return frozenset(nearest[min(nearest)]) if nearest else frozenset()


def _by_sites(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch:
    """Look up exact addresses of products' sites and repositories, then names in the text."""
    owners: set[str] = set()
    is_code = True
    for site in typed.sites:
        ids, of_code = catalogue.owners(site)
        owners |= ids
        is_code = is_code and (of_code or not ids)
    if len(owners) > 1:
        return _uncertain_match(Lien.PLUSIEURS, owners, catalogue)
    if owners:
        lien = Lien.DEPOT if is_code else Lien.SITE
        return ProductMatch(lien, catalogue.products[owners.pop()])
    # Some ids look like a host. Only the whole text is looked up: part of the address of another
    # page may happen to be a name.
    if ids := _bearers(words(typed.full_text), catalogue):
        return _named(ids, catalogue)
    # The text may have a name beside the address.
    if named := _by_name(typed.text, catalogue) or _by_parts(typed.text, catalogue):
        return named
    return ProductMatch(Lien.AUTRE_PAGE if typed.other_pages else Lien.AUTRE_SITE)


def _by_name(text: str, catalogue: Catalogue) -> ProductMatch | None:
    for spelling in _spellings(words(text)):
        if ids := _bearers(spelling, catalogue):
            return _named(ids, catalogue)
    return None


def _bearers(name: tuple[str, ...], catalogue: Catalogue) -> frozenset[str]:
    """Return the products with this name or id, or else those that had it before."""
    return catalogue.names.get(name) or catalogue.former_names.get(name, frozenset())


def _by_parts(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Look for names in the parts of a sentence, then among its words.

    A text that only repeats one name is that product; a text with other words cites it.
    """
    found: set[str] = set()
    says_more = False
    for part in _PARTS.split(text):
        spellings = list(_spellings(words(part)))
        ids = next((ids for one in spellings if (ids := _bearers(one, catalogue))), None)
        found |= ids or set()
        # A part of fillers alone says nothing: its last spelling is empty.
        says_more = says_more or (ids is None and bool(spellings) and bool(spellings[-1]))
    if len(found) == 1 and not says_more:
        return _named(frozenset(found), catalogue)
    found |= _cited(text, catalogue)
    return _uncertain_match(Lien.CITE, found, catalogue) if found else None


def _by_joined_name(text: str, catalogue: Catalogue) -> ProductMatch | None:
    """Look up a name without its spaces, so that « MonProduit » is « Mon produit »."""
    for spelling in _spellings(words(text)):
        joined = "".join(spelling)
        if len(joined) >= _CITED_LENGTH and (ids := catalogue.joined_names.get(joined)):
            return _named(ids, catalogue)
    return None


def _named(ids: frozenset[str], catalogue: Catalogue) -> ProductMatch:
    if len(ids) > 1:
        return _uncertain_match(Lien.AMBIGU, ids, catalogue)
    # There is one id; `min` takes it out of the frozenset.
    if product := catalogue.products.get(min(ids)):
        return ProductMatch(Lien.NOM, product)
    return _uncertain_match(Lien.RETIREE, ids, catalogue)


def _spellings(all_words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words, then with fewer and fewer ignored words at both ends."""
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
    """Return the products whose whole name is among the words.

    A short name must have the catalogue's spelling, with its capitals.
    """
    typed = _WRITTEN.findall(text)[:_CITED_WORDS]
    folded = tuple(fold(word) for word in typed)
    found: set[str] = set()
    for start in range(len(folded)):
        # The longest name first: a short one inside it is not cited by itself.
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


def _uncertain_match(
    lien: Lien, ids: Collection[str], catalogue: Catalogue, page: str | None = None
) -> ProductMatch:
    """Return a match without a single product, with the possible ones."""
    noms = tuple(sorted(f"{_nom(id_, catalogue)} ({id_})" for id_ in ids))
    published = tuple(sorted(id_ for id_ in ids if id_ in catalogue.products))
    return ProductMatch(lien, noms=noms, page=page, ids=published)


def _nom(id_: str, catalogue: Catalogue) -> str:
    known = catalogue.products.get(id_) or catalogue.former[id_]
    return known.nom
