"""The public evidence that checks rest on, as values handed to them.

How old evidence may be is decided by who gathers it: here it is usable or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, ValidationError, convert, structs, to_builtins

from dsync.domain.dossier import Json
from dsync.eig.precheck.catalogue import Catalogue, Product
from dsync.eig.precheck.product import Lien, ProductMatch, resolve_product
from dsync.eig.precheck.wording import fold


class RegistryStatus(StrEnum):
    """What became of a lookup in the registry of entreprises."""

    FOUND = "trouve"
    UNKNOWN = "inconnu"
    UNREACHABLE = "injoignable"


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """What the Recherche d'entreprises API says of one SIREN."""

    siren: str
    status: RegistryStatus
    nature_juridique: str | None = None
    nom: str | None = None
    is_closed: bool = False
    source: str = ""
    consulted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything public that a verdict may rest on; frozen at the start of an evaluation."""

    catalogue: Catalogue | None
    """None when it was never fetched, cannot be read, or is older than allowed."""
    catalogue_at: datetime | None = None
    """When its text was fetched."""
    catalogue_error: str | None = None
    """Why there is none, for operators; never part of a sentence or digest."""
    registry: Mapping[str, RegistryAnswer] = field(default_factory=dict)
    """By SIREN; one that is missing while the lookup is on counts as not reached."""
    registry_enabled: bool = False


class ProductEvidence(Struct, frozen=True, gc=False):
    """What the catalogue showed of the product that a dossier names, when it was first read."""

    saisie: str
    """What the applicant had typed, to the letter."""
    lien: Lien
    page: str | None
    """The id typed, as in `ProductMatch`."""
    product: Product
    source: str
    sha256: str
    consulte_le: datetime | None
    """When the catalogue was fetched."""

    def document(self) -> dict[str, Json]:
        """Return it as JSON values, to be kept."""
        document: dict[str, Json] = to_builtins(self)
        return document


def stored_product(document: Json | Mapping[str, Json]) -> ProductEvidence | None:
    """Return kept product evidence, or None when there is none or it was erased."""
    try:
        return convert(document, ProductEvidence)
    except ValidationError:
        return None


class NamedProduct(NamedTuple):
    """The product that a dossier names, and the evidence of it."""

    match: ProductMatch
    proof: ProductEvidence | None
    """Of the product in `match`; None when that is no single product."""
    is_frozen: bool
    """Whether `proof` was read for an earlier verdict."""


def name_product(
    typed: str | None, evidence: Evidence, frozen: ProductEvidence | None
) -> NamedProduct:
    """Return the product that `typed` names, on the evidence first read of it.

    Args:
        typed: what the applicant typed.
        evidence: what is publicly known now.
        frozen: the product evidence kept with the dossier's verdict; it serves as long as the
            applicant names that product, however it is spelled and whatever became of it since.
    """
    if frozen is not None and typed == frozen.saisie:
        return _frozen(frozen, frozen.lien, frozen.page)
    catalogue = evidence.catalogue
    match = resolve_product(typed, catalogue)
    if typed is None or catalogue is None:
        return NamedProduct(match, None, False)
    if frozen is not None and _is_same(match, frozen, catalogue):
        is_its_page = match.product is None and fold(match.page or "") == fold(frozen.product.id)
        lien = match.lien if match.product else Lien.FICHE if is_its_page else frozen.lien
        return _frozen(structs.replace(frozen, saisie=typed), lien, match.page)
    if match.product is None:
        return NamedProduct(match, None, False)
    proof = ProductEvidence(
        saisie=typed,
        lien=match.lien,
        page=match.page,
        product=match.product,
        source=catalogue.source,
        sha256=catalogue.sha256,
        consulte_le=evidence.catalogue_at,
    )
    return NamedProduct(match, proof, False)


def _frozen(frozen: ProductEvidence, lien: Lien, page: str | None) -> NamedProduct:
    match = ProductMatch(lien, frozen.product, page=page)
    return NamedProduct(match, structs.replace(frozen, lien=lien, page=page), True)


def _is_same(match: ProductMatch, frozen: ProductEvidence, catalogue: Catalogue) -> bool:
    """Whether a match is the product of the frozen evidence, renamed or withdrawn since or not."""
    known, page = frozen.product.id, match.page
    if match.product is not None:
        renamed = catalogue.aliases.get(known, frozenset())
        return match.product.id in {known, *renamed} or page in {known, frozen.page} - {None}
    if page is None or match.lien is Lien.AMBIGU:
        return False
    return fold(page) in {fold(known), fold(frozen.page or known)}
