"""The products that beta.gouv.fr publishes, indexed by all that an applicant may name them by.

Pure: made from the texts of `startups.json` (v2.6 or v2.7) and `redirects.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from msgspec import Struct

from dsync.eig.precheck.address import HOST, ProductPage, SiteAddress, parse_address, site_address
from dsync.eig.precheck.wording import fold, words

MAX_REDIRECTS = 20


class CatalogueError(ValueError):
    """The text is no catalogue; says why in one sentence."""


class Phase(NamedTuple):
    """A phase of a product; its end is left out, for it says nothing."""

    nom: str
    """The catalogue's word."""
    debut: date | None
    """None when the catalogue's date cannot be read."""


class KnownProduct(NamedTuple):
    """A product as the catalogue last showed it, whether or not it still does."""

    id: str
    nom: str
    """The last name published."""
    anciens_noms: tuple[str, ...] = ()
    """Names published earlier, the latest first; never the last name."""
    phases: tuple[Phase, ...] = ()
    incubateur: str = ""
    vu_le: datetime | None = None
    """When the last catalogue that shows it was fetched."""


class Product(Struct, frozen=True, gc=False):
    """What the checks use of a product's page."""

    id: str
    nom: str
    phases: tuple[Phase, ...] = ()
    stats_url: str = ""
    repository: str = ""
    link: str = ""
    incubateur: str = ""
    """The title of its incubator; no check looks at it."""
    phases_lisibles: bool = True
    """False when the catalogue gives something else than phases with names."""

    @property
    def url(self) -> str:
        """The address of its page."""
        return ProductPage(self.id).url

    @property
    def fingerprint(self) -> str:
        """All that a verdict may rest on, in one text."""
        facts = [
            self.id,
            self.nom,
            [[p.nom, p.debut.isoformat() if p.debut else None] for p in self.phases],
            self.stats_url,
            self.repository,
            self.phases_lisibles,
        ]
        return json.dumps(facts, ensure_ascii=False)


class _Claim(NamedTuple):
    segments: tuple[str, ...]
    product_id: str
    is_repository: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products by id, with the other ways to them; made by `parse`."""

    products: Mapping[str, Product]
    aliases_known: bool
    """False when the redirects could not be read: an unknown id may then be an alias."""
    source: str
    sha256: str
    aliases: Mapping[str, frozenset[str]]
    folded_ids: Mapping[str, frozenset[str]]
    folded_aliases: Mapping[str, frozenset[str]]
    names: Mapping[tuple[str, ...], frozenset[str]]
    joined_names: Mapping[str, frozenset[str]]
    """The same names without spaces."""
    claims: Mapping[str, tuple[_Claim, ...]]
    """Own sites and repositories by host."""
    former: Mapping[str, KnownProduct]
    """Products that were published once and are no longer, by id."""
    former_names: Mapping[tuple[str, ...], frozenset[str]]
    """Ids, present or former, by the words of a name that no present product has; the names and
    ids of former products are among them."""

    @classmethod
    def parse(
        cls,
        body: str,
        redirects: str | None,
        *,
        source: str = "",
        known: Iterable[KnownProduct] = (),
    ) -> Catalogue:
        """Make a catalogue of the two files' texts.

        Args:
            body: `startups.json`.
            redirects: `redirects.json`; `{}` when there is none, None when it cannot be read.
            source: the address that `body` comes from.
            known: every product ever published, in `body` or not.

        Raises:
            CatalogueError: when `body` is no catalogue as a whole.
        """
        products = {product.id: product for product in _products(body)}
        return cls.of(
            products.values(),
            redirects,
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
    ) -> Catalogue:
        """Make a catalogue of products at hand."""
        by_id = {product.id: product for product in products}
        known = tuple(known)
        targets = None if redirects is None else _redirect_targets(redirects)
        aliases = {
            alias: frozenset(_follow(alias, targets, by_id)) for alias in targets or () if alias
        }
        names: dict[tuple[str, ...], set[str]] = defaultdict(set)
        claims: dict[str, list[_Claim]] = defaultdict(list)
        for product in by_id.values():
            for name in {words(product.nom), words(product.id)} - {()}:
                names[name].add(product.id)
            for url, is_repository in ((product.link, False), (product.repository, True)):
                if (site := site_address(url)) and site.host != HOST:
                    claims[site.host].append(_Claim(site.segments, product.id, is_repository))
        former = {product.id: product for product in known if product.id not in by_id}
        return cls(
            products=by_id,
            aliases_known=targets is not None,
            source=source,
            sha256=sha256,
            aliases=aliases,
            folded_ids=_grouped((fold(id_), {id_}) for id_ in by_id),
            folded_aliases=_grouped((fold(alias), ids) for alias, ids in aliases.items()),
            names={name: frozenset(ids) for name, ids in names.items()},
            joined_names=_grouped(("".join(name), ids) for name, ids in names.items()),
            claims={host: tuple(found) for host, found in claims.items()},
            former=former,
            former_names=_former_names(known, former, names),
        )

    def lacks(self, before: Catalogue) -> int:
        """Return how many products of another catalogue this one has under no address."""
        return sum(self.present_id(id_) not in self.products for id_ in before.products)

    def present_id(self, product_id: str) -> str:
        """Return the id that a product has now: another one when it was renamed with an alias."""
        renamed = self.aliases.get(product_id, frozenset())
        if product_id in self.products or len(renamed) != 1:
            return product_id
        return min(renamed)

    def owners(self, site: SiteAddress) -> tuple[frozenset[str], bool]:
        """Return whose own site or repository an address is, and whether it is code.

        A page below it names nobody: many a product's site holds what others put there.
        """
        claims = [c for c in self.claims.get(site.host, ()) if c.segments == site.segments]
        return (
            frozenset(claim.product_id for claim in claims),
            bool(claims) and all(claim.is_repository for claim in claims),
        )


def seen(
    catalogue: Catalogue, known: Iterable[KnownProduct], vu_le: datetime
) -> list[KnownProduct]:
    """Return the catalogue's products as they are now known, with the names they had before."""
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
    former: Mapping[str, KnownProduct],
    present: Mapping[tuple[str, ...], set[str]],
) -> dict[tuple[str, ...], frozenset[str]]:
    names: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for product in known:
        spellings = [*product.anciens_noms]
        if product.id in former:
            spellings += [product.nom, product.id]
        for spelling in spellings:
            names[words(spelling)].add(product.id)
    return {name: frozenset(ids) for name, ids in names.items() if name and name not in present}


def redirects_readable(text: str) -> bool:
    """Whether a text is a redirects file, even an empty one."""
    return _redirect_targets(text) is not None


def _grouped(pairs: Iterable[tuple[str, Iterable[str]]]) -> dict[str, frozenset[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for key, ids in pairs:
        groups[key].update(ids)
    return {key: frozenset(ids) for key, ids in groups.items()}


def _redirect_targets(text: str) -> dict[str, set[str]] | None:
    """Return the ids that each former id leads to, or None when the text is no redirects file.

    Two products may claim one former address: the same key then stands twice in the file.
    """
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, tuple):
        return None
    targets: dict[str, set[str]] = defaultdict(set)
    for path, target in pairs:
        former = parse_address(f"https://{HOST}/{_text(path).removeprefix('/')}").pages
        if not former or not isinstance(target, str):
            continue
        where = target if "//" in target else f"https://{HOST}/{target.removeprefix('/')}"
        targets[former[0].id].update(page.id for page in parse_address(_text(where)).pages)
    return dict(targets)


def _follow(
    alias: str, targets: Mapping[str, set[str]] | None, products: Mapping[str, Product]
) -> Iterable[str]:
    """Return the published products that a former id leads to, over further former ids."""
    seen, found, waiting = {alias}, set(), {alias}
    for _ in range(MAX_REDIRECTS):
        reached = {target for former in waiting for target in (targets or {}).get(former, ())}
        found |= {target for target in reached if target in products}
        waiting = reached - found - seen
        seen |= waiting
        if not waiting:
            break
    return found


def _products(body: str) -> Iterable[Product]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        if body.lstrip()[:1] == "<":
            raise CatalogueError("an HTML page came instead of JSON") from exc
        raise CatalogueError("the file is not valid JSON") from exc
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list) or not data:
        raise CatalogueError("the file has no list of products under « data »")
    incubateurs = _incubateurs(document.get("included"))
    return [_product(entry, incubateurs) for entry in data]


def _incubateurs(included: Any) -> dict[str, str]:
    """Return the titles of the incubators; v2.6 writes their ids as the paths of their pages."""
    titles = {}
    for entry in included if isinstance(included, list) else ():
        attributes = entry.get("attributes") if isinstance(entry, dict) else None
        if isinstance(attributes, dict) and (title := _text(attributes.get("title"))):
            titles[_text(entry.get("id")).removeprefix("/incubateurs/")] = title
    return titles


def _incubateur(entry: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    found: Any = entry
    for key in ("relationships", "incubator", "data", "id"):
        found = found.get(key) if isinstance(found, dict) else None
    id_ = _text(found).removeprefix("/incubateurs/")
    return titles.get(id_, id_)


def _product(entry: Any, incubateurs: Mapping[str, str]) -> Product:
    attributes = entry.get("attributes") if isinstance(entry, dict) else None
    product_id = _text(entry.get("id")) if isinstance(entry, dict) else ""
    if not product_id or not isinstance(attributes, dict):
        raise CatalogueError("a product has no « id » or no « attributes »")
    listed = attributes.get("phases", [])
    readable = isinstance(listed, list) and all(
        isinstance(phase, dict) and _text(phase.get("name")) for phase in listed
    )
    return Product(
        id=product_id,
        nom=_text(attributes.get("name")) or product_id,
        phases=tuple(Phase(_text(p["name"]), _day(p.get("start"))) for p in listed)
        if readable
        else (),
        stats_url=_text(attributes.get("stats_url")),
        repository=_text(attributes.get("repository")),
        link=_text(attributes.get("link")),
        incubateur=_incubateur(entry, incubateurs),
        phases_lisibles=readable,
    )


def _text(value: Any) -> str:
    """Return a stripped text that every database can store, or "" for anything else."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\0", "").strip()


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None
