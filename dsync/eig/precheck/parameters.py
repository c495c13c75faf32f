"""What a file gives the programme's functions: `parametres` of their checks.

Plain dataclasses, which pydantic validates when the checks are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, ClassVar

from annotated_types import MinLen

from dsync.controles.declarations import Option
from dsync.controles.declared_checks import Listed, Offer
from dsync.domain.toml import Marked
from dsync.domain.wording import fold, joined
from dsync.eig.precheck.catalogue import PHASES, Product, incubator_names

Text = Annotated[str, MinLen(1), Marked]
PAGE_NEEDS = ("stats_url", "repository")


class _Parameters:
    # Pydantic's own key: a misspelt key is an error, and not ignored.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Administration(_Parameters):
    """Of `eig.administration`."""

    operateurs: Annotated[tuple[Text, ...], MinLen(1)]
    """Files with the lists of opérateurs de l'État, one for each year, beside the configuration."""


@dataclass(frozen=True)
class FicheProduit(_Parameters):
    """Of `eig.fiche_produit`."""

    incubateurs: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """Ids of the catalogue's incubators, by an option of the form that is neither id nor title."""

    @cached_property
    def _ids(self) -> Mapping[str, frozenset[str]]:
        return {joined(one): frozenset(map(joined, ids)) for one, ids in self.incubateurs.items()}

    def is_incubator(self, declared: str | None, product: Product) -> bool:
        """Whether an applicant declares the incubator that the catalogue has for a product.

        By its id, its title, a usual short form of it, its ministry, or by an option that the
        configuration maps to its id.
        """
        typed = joined(declared or "")
        known = {joined(name) for name in incubator_names(product)}
        ids = self._ids.get(typed, frozenset())
        return typed in known - {""} or joined(product.incubateur_id) in ids


@dataclass(frozen=True)
class AdmittedPhases(_Parameters):
    """Of `eig.phase`."""

    admises: Annotated[tuple[Text, ...], MinLen(1)]
    """Phases of the catalogue in which a product is admitted."""
    declarees: dict[Text, tuple[Text, ...]] = field(default_factory=dict)
    """Phases of the catalogue, by an option of the form that has another wording."""

    def __post_init__(self) -> None:
        """Refuse a phase that nobody knows."""
        _refuse_unknown((one for names in self.declarees.values() for one in names), self.admises)

    @cached_property
    def admitted(self) -> frozenset[str]:
        """The admitted phases, folded."""
        return frozenset(map(fold, self.admises))

    @cached_property
    def known(self) -> frozenset[str]:
        """All phases of the programme, folded."""
        return self.admitted | PHASES.keys()

    @cached_property
    def _meant(self) -> Mapping[str, frozenset[str]]:
        return {fold(one): frozenset(map(fold, names)) for one, names in self.declarees.items()}

    def meant(self, option: str | None) -> frozenset[str]:
        """Return the phases, folded, that an option of the form means; its own name with them."""
        typed = fold(option or "")
        return self._meant.get(typed, frozenset()) | {typed}

    @property
    def offers(self) -> Iterator[Offer]:
        """What its question should offer."""
        yield Offer(
            "phase_declaree", [*map(fold, self.admises)], lambda one: self.meant(one) & self.known
        )


class Cas(Option):
    """A case in which EIG are granted, by an option of the form."""

    suppose: tuple[Text, ...] = ()
    """What the product's page must show: `stats_url`, `repository`, or the phase in which the
    product must be."""

    @property
    def name(self) -> str:
        """Its name in texts."""
        return self.libelles[0]

    @property
    def phase(self) -> str | None:
        """The phase in which the product must be."""
        return next((one for one in self.suppose if one not in PAGE_NEEDS), None)


@dataclass(frozen=True)
class CasOctroi(_Parameters):
    """Of `eig.cas_octroi`."""

    cas: Annotated[tuple[Cas, ...], MinLen(1)]
    phases: tuple[Text, ...] = ()
    """The phases in their order: one that a case needs is over in those that come behind it."""

    def __post_init__(self) -> None:
        """Refuse an option of two cases, and what the catalogue cannot show."""
        labels = [fold(label) for one in self.cas for label in one.libelles]
        if twice := [label for label in labels if labels.count(label) > 1]:
            raise ValueError(f"« {twice[0]} » est de deux cas")
        for one in self.cas:
            needs = [need for need in one.suppose if need not in PAGE_NEEDS]
            _refuse_unknown(needs, self.phases)
            if needs[1:]:
                raise ValueError(f"« {one.name} » suppose plus d’une phase")

    @cached_property
    def _listed(self) -> Listed:
        return Listed(self.cas)

    def chosen(self, typed: str) -> Cas | None:
        """Return the case that an answer means; None: no one."""
        found = self._listed.option(typed)
        return found if isinstance(found, Cas) else None

    @property
    def offers(self) -> Iterator[Offer]:
        """What its question should offer."""
        yield self._listed.offer("cas_demande")


def _refuse_unknown(names: Iterable[str], own: Collection[str]) -> None:
    known = {*map(fold, own), *PHASES}
    if unknown := [name for name in names if fold(name) not in known]:
        raise ValueError(f"« {unknown[0]} » n’est pas une phase connue")
