"""Finds the product of the catalogue that an applicant names, and how certain that is.

The whole answer counts: an address is certain only if nothing beside it can mean anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest
from typing import NamedTuple

from dsync.domain.wording import ELLIPSIS, fold, joined, words
from dsync.eig.precheck.address import (
    HOST,
    Link,
    ParsedAddress,
    ProductPage,
    SiteAddress,
    id_elsewhere,
    parse_address,
    text_after_folder,
)
from dsync.eig.precheck.catalogue import Catalogue, Product, incubator_names, is_public
from dsync.eig.precheck.known_words import (
    BEFORE_NAME,
    COMMON,
    FILLERS,
    INTRODUCING,
    LONGEST_FILLER,
    OWN_FILLERS,
)
from dsync.eig.precheck.near import SUGGESTED


class Lien(StrEnum):
    """How the typed text leads to a product, or why it does not.

    The values are part of stored evidence.
    """

    FICHE = "fiche"
    ALIAS = "alias"
    # From here on it is a weak identification: the product may be another one.
    IDENTIFIANT = "identifiant"
    """Its id, outside the address of its page."""
    NOM = "nom"
    SITE = "site"
    DEPOT = "depot"
    # From here on there is no single product.
    CITE = "cite"
    """A text that mentions a product beside other words, or a page of its site."""
    PROCHE = "proche"
    """An unknown page or text whose spelling is close to that of a known product."""
    RETIREE = "retiree"
    """A page that is no longer published, or its name."""
    AMBIGU = "ambigu"
    """An alias, name or spelling of several products."""
    PLUSIEURS = "plusieurs"
    AUTRE_PAGE = "autre_page"
    AUTRE_SITE = "autre_site"
    INCONNUE = "inconnue"
    AUCUN = "aucun"
    SANS_FICHE = "sans_fiche"
    """The applicant states that there is no page."""
    VIDE = "vide"
    AILLEURS = "ailleurs"
    """No answer about the page, but an address in the answer to another question."""
    INDISPONIBLE = "indisponible"
    """There is no catalogue."""


_PUBLISHED = frozenset({Lien.FICHE, Lien.ALIAS})
"""The text has the address of the product's page."""
NO_ANSWER = frozenset({Lien.VIDE, Lien.SANS_FICHE, Lien.AUCUN})
"""The question about the page has no answer, or one that names none: other answers are read."""
WEAK = frozenset({Lien.IDENTIFIANT, Lien.NOM, Lien.SITE, Lien.DEPOT})
"""The text names one product alone, without the address of its page."""


@dataclass(frozen=True, slots=True)
class ProductMatch:
    """The single product that a text names, or what was found instead."""

    lien: Lien
    product: Product | None = None
    noms: tuple[str, ...] = ()
    """Names of the possible products or pages, sorted; empty with a single product."""
    page: str | None = None
    """The id in the text, if it has the address of a page."""
    ids: tuple[str, ...] = ()
    """Ids of the possible published products, sorted."""
    autres_mots: str = ""
    """What stands beside the address or the name, and may mean something else."""
    confirme: bool = False
    """Whether the declared incubator confirms a weak identification."""
    et_d_autres: bool = False
    """Whether more products are possible than are named."""
    questions: tuple[str, ...] = ()
    """The fields whose answers have the address, if it is not where it was asked for."""
    absente_le: datetime | None = None
    """When a catalogue fetched after the deposit still had no such page."""

    @property
    def product_id(self) -> str | None:
        """The id of the single product."""
        return self.product.id if self.product else None

    @property
    def is_certain(self) -> bool:
        """Whether the product is known without a doubt, so that its checks weigh fully."""
        named = self.lien in _PUBLISHED or (self.lien in WEAK and self.confirme)
        return self.product is not None and named and not self.autres_mots


_NO_PAGE = frozenset(
    {("aucune",), ("neant",), ("pas", "de", "fiche"), ("sans", "objet"), ("n", "a")}
)
"""Answers that state, alone, that there is no page: a closed list."""
MATCHES_KEPT = 500
"""More than the texts of a page of dossiers."""
_CALL = re.compile(r"aap-eig\d*")
"""The end of the address at which applicants file a dossier."""
# They bound the work on a long text: each word begins up to six names.
_CITED_WORDS = 200
_CITED_NAME_WORDS = 6
_NAME_WORDS = 60
"""More than a name and fillers around it have."""
_NEAR_PAGES = 10
_CITED_LENGTH = 5
"""Minimum length of a name in a sentence: shorter ones occur by chance."""
_WRITTEN = re.compile(r"\w+")
_INSIDE_CODE = frozenset({"tree", "blob", "-", "issues", "wiki", "pulls", "releases", "commits"})
"""Folders of a repository's pages."""
_SIGN = re.compile(r"!=|=/=|<>|~|\?|\+|\[\s*\]|[^\x00-\x7f]")
"""« X+ » is another product than X, and an empty box ticks nothing."""
_FIRST = re.compile(r"\W*1\s?[).:°-]+\s*(?=https?:|www\.|beta\.gouv)", re.IGNORECASE)
"""The number of a list's first entry, before an address."""
_ASKING = "¿؟⸮"
_PAGE_ENDING = re.compile(r"(?<=\w)\.html?$", re.IGNORECASE)
_STROKES = frozenset("\u0334\u0335\u0336\u0337\u0338\u20e0\u20e5")
"""Strokes through the letters before them."""
_PLAIN_SIGNS = frozenset(
    "→⇒➡👉▶►•·°©®™✅✔✓☑👇⬇↓🔗🌐🌍📎📄📃📑📝📌📍💻🖥📱🏛🇫🇷🙂😊😀😃😄🙏👍👋🚀✨⭐🌟🎉📢📣💡🔎🔍👀"
)
"""Signs that say no more than punctuation does; others may deny, such as « ≠ »."""


def resolve_product(address: str | None, catalogue: Catalogue | None) -> ProductMatch:
    """Return the product that a text names, or why there is no single one."""
    # Before the catalogue is looked at: a blank answer is « non conforme » also without one.
    if not address or not address.strip():
        return ProductMatch(Lien.VIDE)
    if catalogue is None:
        return ProductMatch(Lien.INDISPONIBLE)
    known = catalogue.matches
    if (match := known.get(address)) is None:
        typed = parse_address(address)
        match = _by_pages(typed, catalogue) if typed.pages else _without_page(typed, catalogue)
        if len(known) == MATCHES_KEPT:
            known.clear()
        known[address] = match
    return match


def resolve_elsewhere(
    answers: Iterable[tuple[str, str]], catalogue: Catalogue | None
) -> ProductMatch | None:
    """Return the products whose addresses other answers have, or None without an address.

    `answers` are fields with their texts. An unknown page counts, too: it is an address.
    """
    found: set[str] = set()
    shown: dict[str, str] = {}
    for field, text in answers:
        typed = parse_address(text)
        for page in typed.pages:
            shown.setdefault(field, page.url)
            found |= _lookup(page, catalogue)[1] if catalogue else frozenset()
        for site, address in typed.links if catalogue else ():
            if catalogue and site and (ids := _exact(site, catalogue)[1]):
                shown.setdefault(field, address)
                found |= ids
    if not shown:
        return None
    match = ProductMatch(Lien.AILLEURS)
    if catalogue and found:
        match = _uncertain_match(Lien.AILLEURS, found, catalogue)
    return replace(match, page=next(iter(shown.values())), questions=tuple(shown))


def _by_pages(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch:
    """Look up the product pages in the text, and what stands beside them."""
    found = {page: _lookup(page, catalogue) for page in typed.pages}
    # A slip is looked for only without a known page: beside one, the unknown page stays as it is
    # typed.
    if not any(ids for _, ids in found.values()):
        return _unknown_page(typed, catalogue)
    matches = [
        _match(lien, ids, catalogue, page.readable_id) for page, (lien, ids) in found.items()
    ]
    # Of several addresses of one product, the match with the present address is kept.
    matches.sort(key=lambda match: match.lien is Lien.FICHE)
    matches = list({match.product_id or match.page: match for match in matches}.values())
    if len(matches) > 1:
        named = {match.product.nom if match.product else str(match.page) for match in matches}
        return ProductMatch(Lien.PLUSIEURS, noms=tuple(sorted(named)))
    own = frozenset().union(*(ids for _, ids in found.values()))
    return _with_beside(matches[0], own, typed, catalogue)


def _lookup(page: ProductPage, catalogue: Catalogue) -> tuple[Lien, frozenset[str]]:
    """Look up a page: the exact id or alias first, then without case and accents."""
    if page.id in catalogue.products:
        return Lien.FICHE, frozenset([page.id])
    folded = fold(page.id)
    # An exact alias counts before an id in another case or without accents.
    for lien, ids in (
        (Lien.ALIAS, catalogue.aliases.get(page.id)),
        (Lien.FICHE, catalogue.folded_ids.get(folded)),
        (Lien.ALIAS, catalogue.folded_aliases.get(folded)),
    ):
        if ids:
            return lien, ids
    return Lien.RETIREE, frozenset(id_ for id_ in catalogue.former if fold(id_) == folded)


def _match(
    lien: Lien, ids: frozenset[str], catalogue: Catalogue, page: str | None = None
) -> ProductMatch:
    """Return the match with the product of these ids, or why it is not a single one."""
    if not ids:
        return ProductMatch(Lien.INCONNUE, page=page)
    if len(ids) == 1 and (product := catalogue.products.get(min(ids))):
        return ProductMatch(lien, product, page=page)
    is_former = len(ids) == 1 or lien is Lien.RETIREE
    return _uncertain_match(Lien.RETIREE if is_former else Lien.AMBIGU, ids, catalogue, page)


def _unknown_page(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch:
    """Return the products that an unknown page may be, from its id or the words beside it."""
    slip: str | None = None
    # An id behind a folder that beta.gouv.fr does not have.
    inner = [
        _PAGE_ENDING.sub("", one) for one in re.split(r"[/\s]", text_after_folder(typed.full_text))
    ]
    held = frozenset().union(*(_lookup(ProductPage(one), catalogue)[1] for one in inner if one))
    if held:
        return _uncertain_match(Lien.PROCHE, held, catalogue, typed.pages[0].readable_id)
    for page in typed.pages[:_NEAR_PAGES]:
        id_ = page.readable_id
        near = catalogue.near.page((id_, text_after_folder(typed.full_text)))
        if near.ids:
            return _uncertain_match(Lien.PROCHE, near.ids, catalogue, id_)
        slip = slip or (id_ if near.is_slip else None)
    id_ = typed.pages[0].readable_id
    beside = _beside(typed, frozenset(), catalogue)
    if beside.text and (ids := beside.cited or _near_text(typed, catalogue)):
        return _uncertain_match(Lien.CITE, ids, catalogue, id_)
    if slip or typed.pages[_NEAR_PAGES:]:
        return ProductMatch(Lien.PROCHE, page=slip or id_)
    return ProductMatch(Lien.INCONNUE, page=id_, autres_mots=beside.text)


def _without_page(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch:
    """Look for a name, a site, a repository or an id, then for what is close to one."""
    if named := _whole_name(typed, catalogue):
        return named
    if not typed.links and words(typed.full_text) in _NO_PAGE:
        return ProductMatch(Lien.SANS_FICHE)
    found = [_exact(site, catalogue) for site in (*typed.sites, *typed.other_pages)]
    exact = frozenset().union(*(ids for _, ids in found))
    liens = {lien for lien, ids in found if ids}
    if not exact:
        exact, liens = _beside(typed, frozenset(), catalogue).cited, {Lien.NOM}
        # Of a sentence with a name it is not known what it says of the product.
        if len(exact) != 1 or _beside(typed, exact, catalogue).has_words:
            return _suggested(typed, exact, catalogue)
    if len(exact) > 1:
        return _uncertain_match(Lien.PLUSIEURS, exact, catalogue)
    lien = next(
        lien for lien in (Lien.SITE, Lien.IDENTIFIANT, Lien.DEPOT, Lien.NOM) if lien in liens
    )
    return _with_beside(_match(lien, exact, catalogue), exact, typed, catalogue)


def _whole_name(typed: ParsedAddress, catalogue: Catalogue) -> ProductMatch | None:
    """Look up the whole text, which may look like an address: some ids do, also with a space."""
    if typed.is_cut or any(link.address is None for link in typed.links):
        return None
    for spelling in _without_fillers(words(_PAGE_ENDING.sub("", typed.full_text.rstrip(" .")))):
        if ids := _bearers(spelling, catalogue):
            own = "".join(_nom(id_, catalogue) for id_ in ids)
            if any(sign[0] not in own for sign in _signs(typed.full_text)):
                return None
            # One ordinary word is said of many things; a name as « Administration+ » is not.
            written = fold(typed.full_text.strip())
            is_name = any(written == fold(_nom(id_, catalogue)) for id_ in ids)
            if (
                spelling[0] in COMMON
                and not spelling[1:]
                and not (is_name and written.endswith("+"))
            ):
                return _uncertain_match(Lien.CITE, ids, catalogue)
            return _match(Lien.NOM, ids, catalogue)
    return None


def _exact(site: SiteAddress, catalogue: Catalogue) -> tuple[Lien, frozenset[str]]:
    """Return the products with exactly this site, repository or id, and which of these it is."""
    if _is_filler(site):
        return Lien.SITE, frozenset()
    ids, is_code = catalogue.owners(site)
    if ids:
        return Lien.DEPOT if is_code else Lien.SITE, ids
    if id_ := id_elsewhere(site, catalogue.sites):
        ids = _lookup(ProductPage(id_), catalogue)[1]
        # What stands for the folder may be another product.
        if ids:
            ids |= _lookup(ProductPage(site.segments[0]), catalogue)[1]
        return Lien.IDENTIFIANT, ids
    return Lien.SITE, frozenset()


def _is_filler(site: SiteAddress) -> bool:
    """Whether an address changes nothing: that of the call, or « beta.gouv.fr »."""
    if site.host == HOST:
        return not site.segments
    return site.segments[:1] == ("commencer",) and bool(_CALL.fullmatch(site.segments[-1]))


class _Beside(NamedTuple):
    """What a text has beside the products that it is expected to name."""

    cited: frozenset[str]
    """The other products that it names."""
    text: str
    """From the first word that means something to the last one; "" without one."""
    has_words: bool
    """Whether the text has words, not only addresses."""


def _with_beside(
    match: ProductMatch, own: frozenset[str], typed: ParsedAddress, catalogue: Catalogue
) -> ProductMatch:
    beside = _beside(typed, own, catalogue)
    if match.product and beside.cited:
        return _uncertain_match(Lien.PLUSIEURS, own | beside.cited, catalogue)
    return replace(match, autres_mots=beside.text) if beside.text else match


def _beside(typed: ParsedAddress, own: frozenset[str], catalogue: Catalogue) -> _Beside:
    """Return what stands beside the addresses of pages and what names `own` products."""
    # Most answers are an address alone.
    if not (typed.text or typed.links or typed.is_cut):
        return _Beside(frozenset(), "", has_words=False)
    spellings = frozenset(
        joined(spelling) for id_ in own for spelling in (id_, _nom(id_, catalogue))
    )
    if typed.pages:
        # Beside an address, its incubator says no more of which product it is.
        known = [catalogue.products[id_] for id_ in own if id_ in catalogue.products]
        names = {joined(name) for product in known for name in incubator_names(product)}
        spellings |= {name for name in names if len(name) > 1}
    if first := _FIRST.match(typed.full_text):
        typed = replace(
            typed, parts=(typed.parts[0].removeprefix(first[0].strip()), *typed.parts[1:])
        )
    leads = _leads(typed, spellings)
    cited: set[str] = set()
    shown: list[str] = []
    has_words = typed.is_cut
    for part, link in _parts(typed):
        left = _left(part, spellings, catalogue, own, leads=leads)
        cited |= left.cited
        has_words = has_words or left.has_words
        shown.append(left.text)
        if link is None:
            continue
        site, address = link
        if site is None:
            shown.append(address)
        # Some ids look like a host.
        elif not _is_filler(site) and joined(address) not in spellings:
            ids = _exact(site, catalogue)[1]
            if not own & (ids | _inside(site, catalogue)):
                cited |= ids
                shown.append(address)
    shown.append(ELLIPSIS if typed.is_cut else "")
    return _Beside(frozenset(cited - own), " ".join(filter(None, shown)), has_words)


def _parts(typed: ParsedAddress) -> Iterator[tuple[str, Link | None]]:
    """Yield the texts between the links, each with the link behind it.

    « beta.gouv.fr » is a part of a text, as in « notre page beta.gouv.fr ».
    """
    text = ""
    for part, link in zip_longest(typed.parts, typed.links):
        text += part
        if link and link.address == SiteAddress(HOST, ()):
            text += f" {HOST} "
            continue
        yield text, link
        text = ""
    if text:
        yield text, None


def _left(
    part: str,
    spellings: frozenset[str],
    catalogue: Catalogue,
    own: frozenset[str],
    *,
    leads: bool,
) -> _Beside:
    """Return what a text has beside fillers and these spellings."""
    found = list(_WRITTEN.finditer(part))
    folded = [fold(word[0]) for word in found]
    longest = max(map(len, spellings), default=0)
    cited: set[str] = set()
    # The first and last place that means something.
    first, last = len(part), 0
    names = "".join(_nom(id_, catalogue) for id_ in own)
    for sign in (one for one in _signs(part) if one[0] not in names):
        first, last = min(first, sign.start()), sign.end()
    start = 0
    while start < len(folded):
        end = _own_end(folded, start, spellings, longest)
        if not end:
            end, ids = start + 1, frozenset[str]()
            if start < _CITED_WORDS:
                end, ids = _cited_at(part, found, folded, start, catalogue)
            # A name that several products have is their own, too.
            if not ids & own:
                cited |= ids
                filler = 0 if ids else _filler_end(folded, start, spellings, longest)
                if not leads and folded[start] in INTRODUCING:
                    filler = 0
                if not filler:
                    first = min(first, found[start].start())
                    last = max(last, found[end - 1].end())
                end = max(end, filler)
        start = end
    return _Beside(frozenset(cited), part[first:last], has_words=first < last)


def _leads(typed: ParsedAddress, spellings: frozenset[str]) -> bool:
    """Whether an address or a name stands after the last word that introduces one."""
    found = list(_WRITTEN.finditer(typed.full_text))
    introducing = [word.end() for word in found if fold(word[0]) in INTRODUCING]
    behind = typed.full_text[introducing[-1] :] if introducing else "/"
    return "/" in behind or "@" in behind or any(one in joined(behind) for one in spellings)


def _signs(text: str) -> Iterator[re.Match[str]]:
    """Yield the signs that may deny or ask."""
    for found in _SIGN.finditer(text):
        sign = found[0]
        is_sign = unicodedata.category(sign[0]) in {"So", "Sm"} and sign not in _PLAIN_SIGNS
        if sign.isascii() or is_sign or sign in _ASKING or sign in _STROKES:
            yield found


def _filler_end(folded: list[str], start: int, spellings: frozenset[str], longest: int) -> int:
    """Return the place after the longest filler that begins at a word, or 0."""
    for end in range(min(start + LONGEST_FILLER, len(folded)), start, -1):
        phrase = tuple(folded[start:end])
        is_before = phrase in BEFORE_NAME and _own_end(folded, end, spellings, longest)
        # « Notre site, voir X » is about another site than X.
        is_other = phrase[0] in ("voir", "cf") and folded[max(start - 1, 0)] == "site"
        if (phrase in FILLERS and not is_other) or is_before:
            return end
    return 0


def _own_end(folded: list[str], start: int, spellings: frozenset[str], longest: int) -> int:
    """Return the place after a spelling that begins at a word, or 0."""
    whole, found = "", 0
    for place in range(start, len(folded)):
        whole += folded[place].replace("_", "")
        if len(whole) > longest:
            break
        if whole in spellings:
            found = place + 1
    return found


def _cited_at(
    part: str, found: list[re.Match[str]], folded: list[str], start: int, catalogue: Catalogue
) -> tuple[int, frozenset[str]]:
    """Return the products whose whole name begins at a word, and the place after it.

    A short name must have the catalogue's spelling, with its capitals.
    """
    # The longest name first: a short one inside it is not cited by itself.
    for end in range(min(start + _CITED_NAME_WORDS, len(folded)), start, -1):
        name = tuple(folded[start:end])
        ids = _bearers(name, catalogue)
        # « Projets » or « Bourse » in a sentence is no product, unless it is written as one.
        is_common = COMMON.issuperset(name)
        if ids and (is_common or len("".join(name)) < _CITED_LENGTH):
            written = part[found[start].start() : found[end - 1].end()]
            is_small = written == written.lower()
            ids = frozenset(i for i in ids if not is_small and _nom(i, catalogue) == written)
            # The capital of a sentence's first word is none.
            if is_common and len(name) == 1 and not part[: found[start].start()].strip():
                ids = frozenset()
        if ids:
            return end, ids
    return start + 1, frozenset()


def _inside(site: SiteAddress, catalogue: Catalogue) -> frozenset[str]:
    """Return the products of whose site or repository this is an inner page."""
    if owner := catalogue.host_owner(site.host):
        return frozenset([owner])
    return frozenset(
        own.product_id
        for own in catalogue.sites.get(site.host, ())
        if own.is_repository
        and site.segments[: len(own.segments)] == own.segments
        and not _INSIDE_CODE.isdisjoint(site.segments[len(own.segments) :][:1])
    )


def _suggested(typed: ParsedAddress, cited: frozenset[str], catalogue: Catalogue) -> ProductMatch:
    """Return the products that a text mentions or is close to, or that there are none."""
    near: set[str] = set()
    for site in (*typed.sites, *typed.other_pages):
        if _is_filler(site):
            continue
        cited |= _inside(site, catalogue)
        id_ = id_elsewhere(site, catalogue.sites)
        if id_ is not None:
            near |= catalogue.near.page((id_,)).ids
        elif not is_public(site.host):
            label = joined(site.host.partition(".")[0])
            if len(label) >= _CITED_LENGTH and label not in COMMON:
                near |= catalogue.near.equal.get(label, frozenset())
    if not near and not (cited and typed.links):
        near |= _near_text(typed, catalogue, in_sentence=not cited)
    if near or cited:
        lien = Lien.CITE if cited else Lien.PROCHE
        return _uncertain_match(lien, near | cited, catalogue)
    if typed.other_pages:
        return ProductMatch(Lien.AUTRE_PAGE)
    return ProductMatch(Lien.AUTRE_SITE if typed.sites else Lien.AUCUN)


def _near_text(
    typed: ParsedAddress, catalogue: Catalogue, *, in_sentence: bool = True
) -> frozenset[str]:
    """Return the products close to the text outside addresses, or else to a part of it."""
    all_words = words(typed.text)
    # With the small words first: some names begin with one.
    spellings = _spellings(all_words)
    near = next(filter(None, map(catalogue.near.name, spellings)), frozenset())
    if near or not in_sentence:
        return near
    return catalogue.near.part(all_words) or _by_acronym(typed.text, catalogue)


def _by_acronym(text: str, catalogue: Catalogue) -> frozenset[str]:
    """Return the products of an acronym in capitals, in a text that is not all in capitals."""
    if text.isupper():
        return frozenset()
    capitals = [fold(word) for word in _WRITTEN.findall(text) if word.isupper()]
    found = [catalogue.near.acronyms.get(word, frozenset()) for word in capitals]
    return next((ids for ids in found if 0 < len(ids) <= SUGGESTED), frozenset())


def _bearers(name: tuple[str, ...], catalogue: Catalogue) -> frozenset[str]:
    """Return the products with this name or id, or else those that had it before."""
    return catalogue.names.get(name) or catalogue.former_names.get(name, frozenset())


def _without_fillers(all_words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words, then without one filler after the other at both ends."""
    firsts, lasts, named = [0], [len(all_words)], set[int]()
    if len(all_words) > _NAME_WORDS:
        return
    for first in firsts:
        for end in range(first + 1, min(first + LONGEST_FILLER, len(all_words)) + 1):
            phrase = all_words[first:end]
            is_other = phrase[0] in ("voir", "cf") and all_words[max(first - 1, 0)] == "site"
            if phrase in OWN_FILLERS and not is_other and end not in firsts:
                firsts.append(end)
            elif phrase in BEFORE_NAME:
                named.add(end)
    for last in lasts:
        for start in range(max(last - LONGEST_FILLER, 0), last):
            is_behind = all_words[start] not in INTRODUCING
            if all_words[start:last] in OWN_FILLERS and is_behind and start not in lasts:
                lasts.append(start)
    for first in sorted({*firsts, *named}):
        for last in sorted(lasts, reverse=True):
            if first < last:
                yield all_words[first:last]


def _spellings(all_words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words, then with fewer and fewer common ones at both ends."""
    if not all_words:
        return
    yield all_words
    first, last = 0, len(all_words)
    while first < last and all_words[first] in COMMON:
        first += 1
        yield all_words[first:last]
    while last > first and all_words[last - 1] in COMMON:
        last -= 1
        yield all_words[first:last]
        yield all_words[:last]


def _uncertain_match(
    lien: Lien, ids: Collection[str], catalogue: Catalogue, page: str | None = None
) -> ProductMatch:
    """Return a match without a single product, with the possible ones; three at most are named."""
    shown = sorted(ids, key=lambda id_: (_nom(id_, catalogue), id_))[:SUGGESTED]
    return ProductMatch(
        lien,
        noms=tuple(f"{_nom(id_, catalogue)} ({id_})" for id_ in shown),
        page=page,
        ids=tuple(sorted(id_ for id_ in shown if id_ in catalogue.products)),
        et_d_autres=len(ids) > len(shown),
    )


def _nom(id_: str, catalogue: Catalogue) -> str:
    known = catalogue.products.get(id_) or catalogue.former[id_]
    return known.nom
