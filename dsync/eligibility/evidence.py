"""The public evidence that checks rest on, as values handed to them.

How old evidence may be is decided by who gathers it: here it is usable or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle
from dsync.eligibility.catalogue import Catalogue, Phase, Product
from dsync.eligibility.product import Lien


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


@dataclass(frozen=True, slots=True)
class StoredProductEvidence:
    """The product evidence that an earlier verdict rests on, read back from its checks."""

    address: str
    """What the applicant had typed, to the letter."""
    lien: Lien
    product: Product
    page: str | None
    source: str
    sha256: str
    consulte_le: str | None

    @property
    def product_id(self) -> str:
        """The id of the product that the address named."""
        return self.product.id


def stored_product(controles: Sequence[Controle]) -> StoredProductEvidence | None:
    """Rebuild the product evidence of a stored verdict.

    None when the verdict names no single product, or its evidence was erased.
    """
    preuves = {controle.controle: controle.preuve for controle in controles}
    fiche = preuves.get("fiche_produit", {})
    phase = preuves.get("phase", {})
    cas = preuves.get("cas_octroi", {})
    product_id, address, phases = fiche.get("produit"), fiche.get("saisie"), phase.get("phases")
    if not (isinstance(product_id, str) and isinstance(address, str) and isinstance(phases, list)):
        return None
    try:
        return StoredProductEvidence(
            address=address,
            lien=Lien(str(fiche.get("lien"))),
            product=Product(
                id=product_id,
                nom=str(fiche.get("nom")),
                phases=tuple(_phase(entry) for entry in phases),
                stats_url=str(cas["stats_url"]),
                repository=str(cas["repository"]),
                phases_lisibles=phase["lisibles"] is True,
            ),
            page=_optional(fiche.get("page")),
            source=str(fiche.get("source")),
            sha256=str(fiche.get("sha256")),
            consulte_le=_optional(fiche.get("consulte_le")),
        )
    except (KeyError, ValueError):
        return None


def _phase(entry: Json) -> Phase:
    if not isinstance(entry, dict):
        raise ValueError("a phase is an object")  # noqa: TRY004 - one kind of fault for the caller
    debut = entry["debut"]
    return Phase(str(entry["nom"]), date.fromisoformat(debut) if isinstance(debut, str) else None)


def _optional(value: Json) -> str | None:
    return value if isinstance(value, str) else None
