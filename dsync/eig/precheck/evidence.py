"""The evidence of a verdict: the catalogue, the registry's answers, the product evidence.

How old evidence may be is decided in `eig/gathering.py`; here it is usable or absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct, ValidationError, convert, structs, to_builtins

from dsync.domain.documented import Mark
from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Decision
from dsync.domain.wording import fold
from dsync.eig.candidature import Candidature, declared_fields
from dsync.eig.precheck.catalogue import Catalogue, Product
from dsync.eig.precheck.parameters import FicheProduit
from dsync.eig.precheck.product import (
    NO_ANSWER,
    WEAK,
    Lien,
    ProductMatch,
    resolve_elsewhere,
    resolve_product,
)


class RegistryStatus(StrEnum):
    """The outcome of a lookup in the registry of enterprises."""

    FOUND = "trouve"
    UNKNOWN = "inconnu"
    UNREACHABLE = "injoignable"


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """The answer of the API Recherche d'entreprises for one SIREN."""

    siren: str
    status: RegistryStatus
    nature_juridique: str | None = None
    nom: str | None = None
    is_closed: bool = False
    source: str = ""
    consulted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublicEvidence:
    """All public evidence by which a dossier is judged."""

    catalogue: Catalogue | None
    """None when it was never fetched, cannot be read, or is too old."""
    catalogue_at: datetime | None = None
    """When it was fetched."""
    registry: Mapping[str, RegistryAnswer] = field(default_factory=dict)
    """By SIREN; a missing one counts as unreachable while the lookup is enabled."""
    registry_enabled: bool = False
    is_confirmed: bool = True
    """Whether the source's last answer was the catalogue with its redirects."""

    @property
    def aliases_known(self) -> bool:
        """Whether an unknown id is surely no new page, and no former address of one."""
        return self.catalogue is not None and self.catalogue.aliases_known and self.is_confirmed


class ProductEvidence(Struct, frozen=True):
    """A dossier's product as in the catalogue when it was first judged; stored with the verdict."""

    saisie: str
    """The unchanged text that the applicant had typed."""
    lien: Lien
    page: str | None
    """The id in the text, as in `ProductMatch`."""
    product: Product
    source: str
    sha256: str
    consulte_le: datetime | None
    """When the catalogue was fetched."""
    autres_mots: str = ""
    """What stands beside the address or the name in `saisie`, as in `ProductMatch`."""
    absente_le: datetime | None = None
    """As in `ProductMatch`."""
    etabli: bool = False
    """Whether a person named the product, of what the applicant had typed."""

    def document(self) -> dict[str, Json]:
        """Return the JSON values that are stored."""
        document: dict[str, Json] = to_builtins(self)
        return document


def stored_product(document: Json | Mapping[str, Json]) -> ProductEvidence | None:
    """Return the stored product evidence, or None when there is none or it was erased."""
    try:
        return convert(document, ProductEvidence)
    except ValidationError:
        return None


def product_facts(verdict: Decision) -> Mapping[str, Any]:
    """Return the product of a verdict with its phase, and when the catalogue was read."""
    proof = stored_product(verdict.preuve)
    return {
        "product": proof and proof.product.id,
        "phase": verdict.constats.get("phase_constatee"),
        "catalogue read": proof and proof.consulte_le,
    }


class AbsentPage(NamedTuple):
    """A product page that a catalogue fetched after the deposit did not have."""

    page: str
    """The id in its address."""
    at: datetime
    """When that catalogue was fetched."""


class IdentifiedProduct(NamedTuple):
    """The product that a dossier names, with its evidence."""

    match: ProductMatch
    product_evidence: ProductEvidence | None
    """None when `match` has no single product."""
    is_frozen: bool
    """Whether `product_evidence` comes from an earlier verdict."""
    typed: ProductMatch
    """What the applicant's text alone leads to; another one than `match` if a person named it."""


def established(product: str | None, constat: Controle | None, typed: str | None) -> str | None:
    """Return the id of the product that a person named, if what is typed is still what they saw.

    `product` is of their answer to the check of the page, and `constat` what that check had found.
    """
    return product if constat is not None and constat.preuve.get("saisie") == typed else None


def identify_product(
    typed: str | None,
    incubateur: str | None,
    evidence: PublicEvidence,
    pages: FicheProduit,
    frozen: ProductEvidence | None,
    absent: AbsentPage | None = None,
    named: str | None = None,
) -> IdentifiedProduct:
    """Return the product that a dossier is about, with the frozen evidence if it still applies.

    It is what the applicant names, unless a person `named` it (as `established` returns it); the
    declared incubator can confirm it. `frozen` is the product evidence of the dossier's verdict: it
    applies as long as the text names the same product, in any spelling, even if the catalogue
    changed since. `absent` is the page that an earlier catalogue did not have.
    """
    found = _identify(typed, evidence, frozen, absent)
    match = found.match
    if match.lien in WEAK and match.product is not None:
        match = replace(match, confirme=pages.is_incubator(incubateur, match.product))
        found = found._replace(match=match, typed=match)
    return found if named is None else _established(named, typed, found, evidence, frozen)


def without_answer(
    found: IdentifiedProduct, candidature: Candidature, catalogue: Catalogue | None
) -> IdentifiedProduct:
    """Return what other answers give, where the one about the page names none."""
    if found.typed.lien not in NO_ANSWER:
        return found
    elsewhere = resolve_elsewhere(_other_answers(candidature), catalogue)
    if elsewhere is None:
        return found
    # A product that a person named stays.
    match = found.match if found.match is not found.typed else elsewhere
    return found._replace(match=match, typed=elsewhere)


def _other_answers(candidature: Candidature) -> Iterator[tuple[str, str]]:
    """Yield the fields of other answers than the one about the page, with their texts."""
    for name, declaration in declared_fields():
        if declaration.declared.mark is Mark.FREE_TEXT and name != "page_produit":
            yield name, getattr(candidature, name) or ""
    yield from ((name, text) for name, text in candidature.extra.items() if isinstance(text, str))
    yield from (("voeux", one.missions or "") for one in candidature.voeux)


def _established(
    named: str,
    typed: str | None,
    found: IdentifiedProduct,
    evidence: PublicEvidence,
    frozen: ProductEvidence | None,
) -> IdentifiedProduct:
    """Return the product that a person named, which weighs as the address of its page does."""
    catalogue, as_page = evidence.catalogue, {"lien": Lien.FICHE, "page": None, "autres_mots": ""}
    ids = {named, catalogue.current_id(named)} if catalogue else {named}
    if frozen is not None and frozen.product.id in ids:
        kept = structs.replace(frozen, saisie=typed or "", etabli=True, **as_page)
        # Since when the page exists is no matter where a person says that it is this product's.
        match = replace(_frozen(kept).match, absente_le=None)
        return IdentifiedProduct(match, kept, True, found.typed)
    if catalogue is None:
        return IdentifiedProduct(ProductMatch(Lien.INDISPONIBLE), None, False, found.typed)
    product = catalogue.published(named)
    if product is None:
        return found
    at = evidence.catalogue_at
    if product.id not in catalogue.products:
        at = catalogue.former[product.id].vu_le
    match = ProductMatch(Lien.FICHE, product)
    own = structs.replace(_read(typed or "", match, product, catalogue, at), etabli=True)
    return IdentifiedProduct(match, own, False, found.typed)


def _identify(
    typed: str | None,
    evidence: PublicEvidence,
    frozen: ProductEvidence | None,
    absent: AbsentPage | None,
) -> IdentifiedProduct:
    # The same text needs no catalogue, which may be out of reach, and may read differently today.
    if frozen is not None and typed == frozen.saisie and not frozen.etabli:
        return _frozen(frozen)
    catalogue = evidence.catalogue
    match = resolve_product(typed, catalogue)
    if typed is None or catalogue is None:
        return IdentifiedProduct(match, None, False, match)
    # What a person named is no longer named: the text alone has to lead to it.
    if frozen is not None and frozen.etabli and match.product is None:
        frozen = None
    if frozen is not None and _is_same(match, frozen, catalogue):
        # The page was withdrawn, but the text has its address: as certain as before.
        is_its_page = match.product is None and fold(match.page or "") == fold(frozen.product.id)
        lien = match.lien if match.product else Lien.FICHE if is_its_page else frozen.lien
        kept = structs.replace(
            frozen,
            saisie=typed,
            lien=lien,
            page=match.page,
            autres_mots=match.autres_mots,
            etabli=False,
        )
        return _frozen(kept)
    if (product := match.product) is None:
        return IdentifiedProduct(match, None, False, match)
    if absent is not None and fold(absent.page) == fold(product.id):
        match = replace(match, absente_le=absent.at)
    own = _read(typed, match, product, catalogue, evidence.catalogue_at)
    return IdentifiedProduct(match, own, False, match)


def _read(
    typed: str, match: ProductMatch, product: Product, catalogue: Catalogue, at: datetime | None
) -> ProductEvidence:
    return ProductEvidence(
        saisie=typed,
        lien=match.lien,
        page=match.page,
        product=product,
        source=catalogue.source,
        sha256=catalogue.sha256,
        consulte_le=at,
        autres_mots=match.autres_mots,
        absente_le=match.absente_le,
    )


def _frozen(frozen: ProductEvidence) -> IdentifiedProduct:
    match = ProductMatch(
        frozen.lien,
        frozen.product,
        page=frozen.page,
        autres_mots=frozen.autres_mots,
        absente_le=frozen.absente_le,
    )
    return IdentifiedProduct(match, frozen, True, match)


def _is_same(match: ProductMatch, frozen: ProductEvidence, catalogue: Catalogue) -> bool:
    """Whether a match is the frozen product, which may be renamed or withdrawn since."""
    known, page = frozen.product.id, match.page
    if match.product is not None:
        renamed = catalogue.aliases.get(known, frozenset())
        return match.product.id in {known, *renamed} or page in {known, frozen.page} - {None}
    # A name alone, or an address for several products, does not show that it is still the same one.
    if page is None or match.lien is Lien.AMBIGU:
        return False
    return fold(page) in {fold(known), fold(frozen.page or known)}
