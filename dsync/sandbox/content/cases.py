"""The cases of the eligibility rules, each as a change to an eligible application, and their order.

Twelve fixed cases come first, then shuffled blocks of 300. A dossier's case depends on the seed and
on its own rank, not on the number of dossiers. The sandbox computes no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from dsync.sandbox.content import applicants
from dsync.sandbox.content.catalogue import (
    AMBIGUOUS_ALIAS,
    CHAINED_ALIAS,
    ProductSeed,
    family,
    without_accents,
)
from dsync.sandbox.content.form import PROFIL_IMPACT, PROFIL_PRODUIT, PROFIL_TECHNIQUE
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.world.model import Presence, State

T = TypeVar("T")
_PAGE = "https://beta.gouv.fr/startups/{id}.html"
_PROFILS = {"produit": PROFIL_PRODUIT, "technique": PROFIL_TECHNIQUE, "impact": PROFIL_IMPACT}


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the rules; its fields are described in `data/cases.toml`."""

    name: str
    weight: int
    why: str
    expected: str
    """The verdict that the shipped rules should give."""
    twin: str = ""
    """For a doublon: active, closed or again, the kind of dossier whose product it repeats."""
    changes: dict[str, Any] = field(default_factory=dict, hash=False)


def _case(
    expected: str, *, name: str, weight: int, why: str, twin: str = "", **changes: Any
) -> Case:
    return Case(name, weight, why, expected, twin, changes)


CASES = [_case(expected, **row) for expected, rows in load("cases").items() for row in rows]
ELIGIBLE = [case for case in CASES if case.expected == "Éligible"]


@dataclass(slots=True)
class DraftSeed:
    """The answers on which eligibility depends; initially those of an eligible application."""

    rng: SeededRandom
    ordinal: int
    """Number of earlier dossiers that illustrate the same case."""
    demandeur: applicants.Demandeur
    product: ProductSeed
    depose_at: datetime
    profils: list[str]
    why: str
    nasty: bool = False
    address: str = ""
    cas: str | None = None
    phase: str | None = None
    missing: set[int] = field(default_factory=set)

    def take(self, product: ProductSeed) -> None:
        """Set the product, with its canonical address."""
        self.product = product
        self.address = _PAGE.format(id=product.id)

    def in_turn(self, choices: Sequence[T]) -> T:
        """Return one of the choices; each dossier of the same case gets the next one."""
        return choices[self.ordinal % len(choices)]

    def apply(self, case: Case) -> None:
        """Make the changes of a case."""
        changes = case.changes
        if "product" in changes:
            pool = family(changes["product"])
            rank = self.ordinal * changes.get("step", 1) + changes.get("offset", 0)
            self.take(pool[rank % len(pool)])
        if "category" in changes:
            codes = applicants.DATA.get(changes["category"], [changes["category"]])
            self.demandeur = applicants.morale(self.rng, self.in_turn(codes))
        if "applicant" in changes:
            self.demandeur = getattr(applicants, self.in_turn(changes["applicant"]))(self.rng)
        if "profils" in changes:
            self.profils = [_PROFILS[name] for name in self.in_turn(changes["profils"])]
        if "month" in changes:
            day = min(self.depose_at.day, 28)
            self.depose_at = self.depose_at.replace(month=changes["month"], day=day)
        self.depose_at = self.in_turn(changes.get("deposited", [False])) or self.depose_at
        if "other_phase" in changes:
            observed = self.product.phase_at(self.depose_at.date().isoformat()) or ""
            is_investigation = observed.lower() == "investigation"
            self.phase = "Construction" if is_investigation else "Investigation"
        if "address" in changes:
            self.address = self.address_in(self.in_turn(changes["address"]))
        self.missing |= set(self.in_turn(changes.get("missing", [()])))
        self.cas = changes.get("cas")
        self.nasty |= changes.get("nasty", False)

    def address_in(self, text: str) -> str:
        """Return a text about the product's address, with its braces filled."""
        product = self.product
        return text.format(
            page=self.address,
            upper=self.address.upper(),
            id=product.id,
            quoted=quote(product.id),
            plain=without_accents(product.id),
            alias="".join(product.aliases),
            name=product.name,
            site=product.link,
            code=f"https://github.com/betagouv-exemple/{product.slug}",
            other=_PAGE.format(id=self.in_turn(family("discordant")).id),
            ambiguous=AMBIGUOUS_ALIAS,
            chained=CHAINED_ALIAS,
        )


# --- which case each dossier illustrates --------------------------------------------------------

_SPREAD: tuple[tuple[str, int, State], ...] = (
    ("simple", 0, "en_instruction"),
    ("operateur", 0, "en_construction"),
    ("locale", 0, "en_instruction"),
    ("phase_success", -1, "en_construction"),
    ("nom_du_produit", 0, "en_instruction"),
    ("fiche_alias", -2, "accepte"),
    ("fiche_vide", 0, "en_construction"),
    ("etablissement_hors_liste", 3, "en_instruction"),
    ("doublon", 0, "en_construction"),
    ("impact", 0, "en_instruction"),
    ("phase_declaree", 0, "en_construction"),
    ("fiche_phrase", 0, "refuse"),
)
"""Case, ordinal and state of the first dossiers, which `dsync demo` shows.

Where the ordinal selects a product, it is one that no block uses.
"""

_STATES: tuple[tuple[State, int], ...] = (
    ("en_construction", 26),
    ("en_instruction", 34),
    ("accepte", 18),
    ("refuse", 14),
    ("sans_suite", 8),
)
_ALWAYS_PRESENT = 40
"""Number of first dossiers that are never hidden: a small sandbox shows all of them."""

_ACTIVE = ("en_construction", "en_instruction", "accepte")
_BY_NAME = {case.name: case for case in CASES}
_DECK_SIZE = sum(case.weight for case in CASES)


@lru_cache(maxsize=64)
def _deck(seed: int, block: int) -> list[tuple[Case, int]]:
    cards = [(case, block * case.weight + i) for case in CASES for i in range(case.weight)]
    return SeededRandom(seed, "deck", block).shuffled(cards)


def case_of(seed: int, rank: int) -> tuple[Case, int]:
    """Return a dossier's case and its ordinal among the dossiers of the same case."""
    if rank < len(_SPREAD):
        name, ordinal, _ = _SPREAD[rank]
        return _BY_NAME[name], ordinal
    block, position = divmod(rank - len(_SPREAD), _DECK_SIZE)
    return _deck(seed, block)[position]


@lru_cache(maxsize=4096)
def situation_of(seed: int, rank: int) -> tuple[State, Presence]:
    """Return a dossier's state and presence; one en_instruction cannot be hidden."""
    if rank < len(_SPREAD):
        return _SPREAD[rank][2], "present"
    case, _ = case_of(seed, rank)
    rng = SeededRandom(seed, "standing", rank)
    state = rng.weighted(_STATES)
    if case.twin in ("active", "again") and state not in _ACTIVE:
        state = "en_instruction"
    if case.name == "impact_trop_tot":  # Only an open dossier follows the form's new revision.
        state = "en_construction" if state == "en_construction" else "en_instruction"
    if rank < _ALWAYS_PRESENT or case.twin or state == "en_instruction" or not rng.chance(0.05):
        return state, "present"
    if state == "en_construction":
        return state, rng.pick(("masque_usager", "masque_usager", "expire", "supprime"))
    return state, rng.pick(("masque_administration", "expire", "supprime", "masque_usager"))


def twin_of(seed: int, rank: int) -> int | None:
    """Return the rank of the earlier dossier whose product a doublon repeats, None without one."""
    twin = case_of(seed, rank)[0].twin
    names = ("doublon",) if twin == "again" else ("simple", "operateur")
    states = ("refuse", "sans_suite") if twin == "closed" else _ACTIVE
    for earlier in range(rank - 1, max(-1, rank - 1_000), -1):
        state, presence = situation_of(seed, earlier)
        is_visible = presence == "present" and state in states
        if is_visible and case_of(seed, earlier)[0].name in names:
            return earlier
    return None
