"""A dossier in the making: what a case may change before the dossier is written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from dsync.sandbox.applicants import Demandeur
from dsync.sandbox.dice import Dice
from dsync.sandbox.products import Product

Expected = Literal["Éligible", "À vérifier", "Inéligible"]


@dataclass(slots=True)
class Draft:
    """The answers that decide on eligibility; all begin as those of an eligible application."""

    dice: Dice
    ordinal: int
    """How many dossiers before this one illustrate the same case."""
    demandeur: Demandeur
    product: Product
    depose_at: datetime
    profils: list[str]
    address: str = ""
    cas: str | None = None
    phase: str | None = None
    missing: set[int] = field(default_factory=set)
    nasty: bool = False
    must_stay_open: bool = False
    why: str = ""

    def take(self, product: Product) -> None:
        """Make the application one of this product, by its canonical address."""
        self.product = product
        self.address = f"https://beta.gouv.fr/startups/{product.id}.html"


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the rules: how many of 300 dossiers show it, and how it changes the draft."""

    name: str
    weight: int
    expected: Expected
    why: str
    apply: Callable[[Draft], None]
    twin: Literal["", "active", "closed", "again"] = ""
    """For a doublon: which other dossier's product it takes over."""
