"""The products that beta.gouv.fr publishes, indexed by id, name, address and alias.

Pure: parses the texts of `startups.json` (v2.6 or v2.7) and `redirects.json`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from sys import intern
from typing import Any, NamedTuple

from msgspec import Struct

from dsync.domain.wording import fold, joined, words
from dsync.eig.precheck.address import HOST, ProductPage, SiteAddress, parse_address, site_address
from dsync.eig.precheck.known_words import OLDER_SERVICES, PUBLISHING_HOSTS
from dsync.eig.precheck.near import NearSpellings, add_ids

MAX_REDIRECTS = 20
"""Steps from a former id to the present one: a product was renamed a few times at most."""


_MAX_ENTRIES = 20_000
"""Products of the largest catalogue that is used, and redirects; beta.gouv.fr has some 1,500."""
_MAX_TEXT = 2_000


_ARTICLE = re.compile(r"^(?:l'|l[ae]s?\s)\s*")
_BETWEEN = re.compile(r"\s-\s|[,()]")
_OF_MINISTRY = re.compile(
    r"(?:incubateur|accelerateur|fabrique numerique|atelier numerique|laboratoire d'innovation) "
    r"(d(?:u|es|e la|e l'|e)) ?(.+)"
)
"""What an incubator is called, and of whom it is; folded."""
_SHORT_FORM = re.compile(r"\b[A-Z]{3,}\b")


class CatalogueError(ValueError):
    """The text is not a catalogue; the message is the reason."""


class Phase(NamedTuple):
    """A phase of a product, without its end, because the catalogue does not maintain that date."""

    nom: str
    """As in the catalogue."""
    debut: date | None
    """None when the date in the catalogue cannot be read."""


class KnownProduct(NamedTuple):
    """A product as last published, even if it is no longer in the catalogue."""

    id: str
    nom: str
    """The last name published."""
    anciens_noms: tuple[str, ...] = ()
    """Earlier names, the latest first; without the current one."""
    phases: tuple[Phase, ...] = ()
    incubateur: str = ""
    vu_le: datetime | None = None
    """When the last catalogue with this product was fetched."""


class Product(Struct, frozen=True):
    """The data of a product that the pre-check uses."""

    id: str
    nom: str
    phases: tuple[Phase, ...] = ()
    stats_url: str = ""
    repository: str = ""
    link: str = ""
    incubateur: str = ""
    """The title of its incubator."""
    phases_lisibles: bool = True
    """False when the phases are not a list of named phases."""
    incubateur_id: str = ""
    incubateur_de: str = ""
    """The id of the administration that owns its incubator."""

    @property
    def url(self) -> str:
        """The address of its page."""
        return ProductPage(self.id).url

    @property
    def fingerprint(self) -> str:
        """The data that a verdict may depend on, as one text."""
        # Without `link` and the incubator: no check depends on them once the product is known.
        facts = [
            self.id,
            self.nom,
            [[p.nom, p.debut.isoformat() if p.debut else None] for p in self.phases],
            self.stats_url,
            self.repository,
            self.phases_lisibles,
        ]
        return json.dumps(facts, ensure_ascii=False)


class _ProductSite(NamedTuple):
    segments: tuple[str, ...]
    product_id: str
    is_repository: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The published products by id, with indexes by the other ways to name them."""

    products: Mapping[str, Product]
    aliases_known: bool
    """False when the redirects could not be read; an unknown id may then be an alias."""
    source: str
    sha256: str
    aliases: Mapping[str, frozenset[str]]
    """Ids of the published products that a former id redirects to, or else of former ones."""
    folded_ids: Mapping[str, frozenset[str]]
    folded_aliases: Mapping[str, frozenset[str]]
    names: Mapping[tuple[str, ...], frozenset[str]]
    near: NearSpellings
    """By texts that are close to an id, an alias or a name, of present and former products."""
    sites: Mapping[str, tuple[_ProductSite, ...]]
    """The sites and repositories of products, by host."""
    domains: Mapping[str, Set[str]]
    """Ids of the products with a site on a domain or below it."""
    former: Mapping[str, KnownProduct]
    """Products that are no longer published, by id."""
    former_names: Mapping[tuple[str, ...], frozenset[str]]
    """Ids of present and former products, by a name that no present product has.

    Contains former names of present products, and the names and ids of former products.
    """
    incubateurs: frozenset[str] = frozenset()
    """Ids of its incubators."""
    matches: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the last texts were resolved to, which is asked for several times of a dossier."""

    @classmethod
    def parse(
        cls,
        body: str,
        redirects: str | None,
        *,
        source: str = "",
        known: Iterable[KnownProduct] = (),
    ) -> Catalogue:
        """Parse the texts of `startups.json`, which came from `source`, and `redirects.json`.

        `redirects` is `{}` without such a file, None when it is unreadable; `known` has every
        product that was ever published.

        Raises:
            CatalogueError: `body` is not a catalogue.
        """
        products, incubateurs = _products(body)
        return cls.of(
            products,
            redirects,
            incubateurs=incubateurs,
            source=source,
            sha256=hashlib.sha256(body.encode("utf-8", "replace")).hexdigest(),
            known=known,
        )

    @classmethod
    def of(
        cls,
        products: Iterable[Product],
        redirects: str | None,
        *,
        source: str,
        sha256: str = "",
        known: Iterable[KnownProduct] = (),
        incubateurs: Iterable[str] = (),
    ) -> Catalogue:
        """Make a catalogue of the published products; redirects and known products as for `parse`.

        `incubateurs` are ids beside those of the products.
        """
        by_id = {product.id: product for product in products}
        # Read twice below, and it may be an iterator.
        known = tuple(known)
        former = {product.id: product for product in known if product.id not in by_id}
        targets = None if redirects is None else _redirect_targets(redirects)
        aliases = {
            alias: frozenset(ids)
            for alias in targets or ()
            # One that leads to no product is no other spelling of any.
            if (ids := _follow(alias, targets, by_id) or _follow(alias, targets, former))
        }
        own = {id_: frozenset({id_}) for id_ in (*by_id, *former)}
        names: dict[tuple[str, ...], frozenset[str]] = {}
        sites: dict[str, list[_ProductSite]] = defaultdict(list)
        for product in by_id.values():
            # A name of signs alone has no words, and would be that of any text of signs.
            for name in {words(product.nom), words(product.id)} - {()}:
                add_ids(names, name, own[product.id])
            for url, is_repository in ((product.link, False), (product.repository, True)):
                # The page of a product is not its site: addresses of this host are looked up by id.
                if (site := site_address(url)) and site.host != HOST:
                    sites[site.host].append(_ProductSite(site.segments, product.id, is_repository))
        domains: dict[str, set[str]] = defaultdict(set)
        for host, found in sites.items():
            domains[_domain(host)].update(own.product_id for own in found)
        folded_ids = _grouped((fold(id_), own[id_]) for id_ in by_id)
        folded_aliases = _grouped((fold(alias), ids) for alias, ids in aliases.items())
        spellings = chain(
            ((text, own[p.id]) for p in by_id.values() for text in (p.id, p.nom)),
            ((text, own[p.id]) for p in known for text in (p.id, p.nom, *p.anciens_noms)),
            aliases.items(),
        )
        return cls(
            products=by_id,
            aliases_known=targets is not None,
            source=source,
            sha256=sha256,
            aliases=aliases,
            folded_ids=folded_ids,
            folded_aliases=folded_aliases,
            near=NearSpellings.of(spellings),
            names=names,
            sites={host: tuple(found) for host, found in sites.items()},
            domains=domains,
            former=former,
            former_names=_former_names(known, own, former, names),
            incubateurs=frozenset(incubateurs) | {p.incubateur_id for p in by_id.values()} - {""},
        )

    def unpublished(self, known: Iterable[KnownProduct]) -> tuple[KnownProduct, ...]:
        """Return of the products ever published those of which more is known than is published."""
        return tuple(
            product
            for product in known
            if product.anciens_noms
            or (now := self.products.get(product.id)) is None
            or now.nom != product.nom
        )

    def count_missing(self, before: Catalogue) -> int:
        """Return how many products of an earlier catalogue are missing, renamed ones excepted."""
        return sum(self.current_id(id_) not in self.products for id_ in before.products)

    def count_changed(self, before: Catalogue) -> int:
        """Return how many products have another name or other phases than in an earlier one."""
        found = (
            (old, self.products.get(self.current_id(id_))) for id_, old in before.products.items()
        )
        return sum(
            new is not None and (new.nom, new.phases) != (old.nom, old.phases) for old, new in found
        )

    def current_id(self, product_id: str) -> str:
        """Return the present id of a product: another one if an alias shows that it was renamed."""
        renamed = self.aliases.get(product_id, frozenset())
        # An alias of several products names none of them.
        if product_id in self.products or len(renamed) != 1:
            return product_id
        return min(renamed)

    def former_ids(self, products: Container[str]) -> dict[str, str]:
        """Return the present id by a former one, of these products."""
        present = {old: self.current_id(old) for old in self.aliases}
        return {old: new for old, new in present.items() if new != old and new in products}

    def published(self, product_id: str) -> Product | None:
        """Return the product that has or once had an id, as it is or was last published."""
        id_ = self.current_id(product_id)
        if (product := self.products.get(id_)) or (known := self.former.get(id_)) is None:
            return product
        return Product(known.id, known.nom, known.phases, incubateur=known.incubateur)

    def is_nearer_by_alias(self, typed: str, product_id: str) -> bool:
        """Return whether a text is nearer to a former id of a product than to its id and name."""
        from rapidfuzz.distance import DamerauLevenshtein  # The import takes 20 ms.

        def nearest(spellings: Iterable[str]) -> float:
            return max(
                (
                    DamerauLevenshtein.normalized_similarity(joined(typed), joined(one))
                    for one in spellings
                ),
                default=0.0,
            )

        aliases = [alias for alias, ids in self.aliases.items() if product_id in ids]
        return nearest(aliases) > nearest([product_id, self.products[product_id].nom])

    def host_owner(self, host: str) -> str | None:
        """Return the product whose own site a host is, or None.

        A host is nobody's if it serves something else, too: repositories, other products, anybody's
        sites, or a service of which the product is a page.
        """
        found = self.sites.get(host, ())
        ids = {own.product_id for own in found}
        if len(ids) != 1 or is_public(host):
            return None
        # Only the whole site of a product, and not a page on that of a service.
        if any(own.is_repository or own.segments for own in found):
            return None
        # A domain with other products on hosts of their own is that of an administration.
        if host == _domain(host) and self.domains[host] != ids:
            return None
        return ids.pop()

    def owners(self, site: SiteAddress) -> tuple[frozenset[str], bool]:
        """Return the products with exactly this site or repository, and if it is code.

        Pages below a product's site do not count: a site may host pages of other projects.
        """
        found = [own for own in self.sites.get(site.host, ()) if own.segments == site.segments]
        return (
            frozenset(own.product_id for own in found),
            bool(found) and all(own.is_repository for own in found),
        )


def incubator_names(product: Product) -> Iterator[str]:
    """Yield what people call a product's incubator.

    Ids and titles change: `lab-mi` became `FabNum-MI`, « La Fabrique numérique du Ministère de
    l'Intérieur ». Its ministry stays.
    """
    title = product.incubateur
    yield from (product.incubateur_id, product.incubateur_de, title)
    # Such as `dinum_produits_interministeriels`.
    yield product.incubateur_id.partition("_")[0]
    yield from _SHORT_FORM.findall(title)
    whole = fold(title)
    # « L'Incubateur des Territoires (ANCT) », « Le KUBE, incubateur du ministère des Armées ».
    for part in (whole, *_BETWEEN.split(whole)):
        name = _ARTICLE.sub("", part.strip())
        yield from (part, name)
        if found := _OF_MINISTRY.fullmatch(name):
            is_named = found[2].startswith("ministere")
            yield found[2] if is_named else f"ministere {found[1]} {found[2]}"


def is_public(host: str) -> bool:
    """Whether a host is no product's: anybody publishes on it, or it is that of a service."""
    below = host.split(".")
    domains = {".".join(below[place:]) for place in range(len(below))}
    return host in OLDER_SERVICES or not domains.isdisjoint(PUBLISHING_HOSTS)


def _domain(host: str) -> str:
    """Return the part of a host that somebody registered, such as `x.gouv.fr` and `x.fr`."""
    labels = host.split(".")
    return ".".join(labels[-3 if labels[-2:] in (["gouv", "fr"], ["asso", "fr"]) else -2 :])


PHASES = {
    "investigation": "investigation",
    "construction": "construction",
    "acceleration": "accélération",
    "success": "pérennisé",
    "transfer": "transfert",
    "alumni": "partenariat avec beta.gouv.fr terminé",
    "opere": "opéré au sein du réseau beta.gouv.fr",
    "consolidation": "consolidation",
    "transfere": "transféré",
    "abandon": "service arrêté",
    "abandon-investigation": "investigation non concluante",
}
"""Phases of the catalogue, before and since 2026-05, with their French names on beta.gouv.fr (its
content/_phases). One that is neither here nor admitted by the call is reported as unknown."""


def phase_name(nom: str) -> str:
    """Return the French name of a phase of the catalogue."""
    return PHASES.get(fold(nom), nom)


def phase_by_start(phases: Sequence[Phase], day: date) -> Phase | None:
    """Return the phase with the latest start on or before a day; of equal starts, the last listed.

    This is the phase at that day. The catalogue need not list phases in the order of their dates,
    so `phase_by_place` may give another one, which makes the answer uncertain.
    """
    found, latest = None, None
    for phase in phases:
        if (debut := phase.debut) and debut <= day and (latest is None or debut >= latest):
            found, latest = phase, debut
    return found


def phase_by_place(phases: Sequence[Phase], day: date) -> Phase | None:
    """Return the last listed phase that started on or before a day."""
    return next((p for p in reversed(phases) if p.debut and p.debut <= day), None)


def first_begun(phases: Iterable[Phase], name: str, day: date) -> date | None:
    """Return the earliest start of a phase, in any spelling, or None if it began after a day."""
    wanted = fold(name)
    starts = (p.debut for p in phases if p.debut and p.debut <= day and fold(p.nom) == wanted)
    return min(starts, default=None)


def updated_products(
    catalogue: Catalogue, known: Iterable[KnownProduct], vu_le: datetime
) -> list[KnownProduct]:
    """Return the products of a catalogue fetched at `vu_le`, with the names known before it."""
    before = {product.id: product for product in known}
    found = []
    for product in catalogue.products.values():
        names: tuple[str, ...] = ()
        if last := before.get(product.id):
            names = tuple(dict.fromkeys((last.nom, *last.anciens_noms)))
        former = tuple(name for name in names if name != product.nom)
        found.append(
            KnownProduct(product.id, product.nom, former, product.phases, product.incubateur, vu_le)
        )
    return found


def _former_names(
    known: Iterable[KnownProduct],
    own: Mapping[str, frozenset[str]],
    former: Mapping[str, KnownProduct],
    present: Container[tuple[str, ...]],
) -> dict[tuple[str, ...], frozenset[str]]:
    names: dict[tuple[str, ...], frozenset[str]] = {}
    for product in known:
        spellings = [*product.anciens_noms]
        if product.id in former:
            spellings += [product.nom, product.id]
        for spelling in spellings:
            name = words(spelling)
            if name and name not in present:
                add_ids(names, name, own[product.id])
    return names


def redirects_readable(text: str) -> bool:
    """Whether a text is a redirects file; it may be empty."""
    return _redirect_targets(text) is not None


def united_redirects(known: str | None, published: str) -> str:
    """Return the published redirects, which are readable, with those known that they lack.

    What was once the address of a product never becomes another's by being left out.
    """
    new, old = _pairs(published) or (), _pairs(known or "{}") or ()
    if known and all(pair in old for pair in new):
        return known
    names = {path for path, _ in new}
    if not (lost := sorted({(path, str(target)) for path, target in old if path not in names})):
        return published
    pairs = (f"{json.dumps(path)}:{json.dumps(target)}" for path, target in (*new, *lost))
    return f"{{{','.join(pairs)}}}"


def _grouped(pairs: Iterable[tuple[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}
    for key, ids in pairs:
        add_ids(groups, key, ids)
    return groups


def _redirect_targets(text: str) -> dict[str, set[str]] | None:
    """Return the target ids of each former id, or None when the text is no redirects file.

    A former address of two products is a repeated key in the file, so pairs are read, not a dict.
    """
    if (pairs := _pairs(text)) is None:
        return None
    targets: dict[str, set[str]] = defaultdict(set)
    for path, target in pairs:
        former = parse_address(f"https://{HOST}/{_text(path).removeprefix('/')}").pages
        if not former or not isinstance(target, str):
            continue
        # A target can be a path.
        where = target if "//" in target else f"https://{HOST}/{target.removeprefix('/')}"
        targets[former[0].id].update(page.id for page in parse_address(_text(where)).pages)
    return dict(targets)


def _pairs(text: str) -> tuple[tuple[str, Any], ...] | None:
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return None
    return pairs if isinstance(pairs, tuple) and len(pairs) <= _MAX_ENTRIES else None


def _follow(
    alias: str, targets: Mapping[str, set[str]] | None, products: Container[str]
) -> set[str]:
    """Return which of these products a former id redirects to, directly or in steps."""
    seen, found, waiting = {alias}, set[str](), {alias}
    # A bound on the work; a loop of redirects ends by itself, as `seen` holds what was followed.
    for _ in range(MAX_REDIRECTS):
        reached = {target for former in waiting for target in (targets or {}).get(former, ())}
        found |= {target for target in reached if target in products}
        waiting = reached - found - seen
        seen |= waiting
        if not waiting:
            break
    return found


def _products(body: str) -> tuple[list[Product], Iterable[str]]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        # Such as the page of a proxy or of a maintenance.
        if body.lstrip()[:1] == "<":
            raise CatalogueError("an HTML page came instead of JSON") from exc
        raise CatalogueError("the file is not valid JSON") from exc
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list) or not data:
        raise CatalogueError("the file has no list of products under « data »")
    if len(data) > _MAX_ENTRIES:
        raise CatalogueError(f"the file has more than {_MAX_ENTRIES:,} products")
    incubateurs = _incubateurs(document.get("included"))
    return [_product(entry, incubateurs) for entry in data], incubateurs


class _Incubateur(NamedTuple):
    titre: str = ""
    de: str = ""


def _incubateurs(included: Any) -> dict[str, _Incubateur]:
    """Return the incubators by id; v2.6 gives ids as paths of pages."""
    found = {}
    for entry in included if isinstance(included, list) else ():
        attributes = entry.get("attributes") if isinstance(entry, dict) else None
        if isinstance(attributes, dict) and (title := _text(attributes.get("title"))):
            owner = _text(attributes.get("owner")).rpartition("/")[2]
            id_ = _text(entry.get("id")).removeprefix("/incubateurs/")
            found[id_] = _Incubateur(title, owner)
    return found


def _incubateur_id(entry: Mapping[str, Any]) -> str:
    found: Any = entry
    for key in ("relationships", "incubator", "data", "id"):
        found = found.get(key) if isinstance(found, dict) else None
    return _text(found).removeprefix("/incubateurs/")


def _product(entry: Any, incubateurs: Mapping[str, _Incubateur]) -> Product:
    attributes = entry.get("attributes") if isinstance(entry, dict) else None
    product_id = _text(entry.get("id")) if isinstance(entry, dict) else ""
    if not product_id or not isinstance(attributes, dict):
        # The whole catalogue is refused: a product left out would be taken for one that is not
        # published.
        raise CatalogueError("a product has no « id » or no « attributes »")
    listed = attributes.get("phases", [])
    readable = isinstance(listed, list) and all(
        isinstance(phase, dict) and _text(phase.get("name")) for phase in listed
    )
    incubateur = _incubateur_id(entry)
    of = incubateurs.get(incubateur, _Incubateur(incubateur))
    return Product(
        id=product_id,
        nom=_text(attributes.get("name")) or product_id,
        # Interned: thousands of products have the same few.
        phases=tuple(Phase(intern(_text(p["name"])), _day(p.get("start"))) for p in listed)
        if readable
        else (),
        stats_url=_text(attributes.get("stats_url")),
        repository=_text(attributes.get("repository")),
        link=_text(attributes.get("link")),
        incubateur=of.titre,
        phases_lisibles=readable,
        incubateur_id=incubateur,
        incubateur_de=of.de,
    )


def _text(value: Any) -> str:
    """Return a stripped text that both databases can store, or "" for another type.

    A longer one than any name or address is cut: each is searched, and indexed word by word.
    """
    if not isinstance(value, str):
        return ""
    # UTF-8 has no lone surrogates, and PostgreSQL no NUL in texts.
    return value[:_MAX_TEXT].encode("utf-8", "replace").decode().replace("\0", "").strip()


def _day(value: Any) -> date | None:
    try:
        # A date with a time is one, too.
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None
