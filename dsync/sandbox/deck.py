"""Which case each dossier illustrates: a fixed spread first, then shuffled decks of 300 cards.

A dossier's case depends on the seed and its own rank, never on how many dossiers there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from dsync.sandbox.cases import CASES
from dsync.sandbox.dice import Dice
from dsync.sandbox.draft import Case
from dsync.sandbox.seed import Presence, State

BY_NAME = {case.name: case for case in CASES}

_SPREAD = (
    ("simple", 0),
    ("operateur", 0),
    ("locale", 0),
    ("phase_success", -1),
    ("nom_du_produit", 0),
    ("fiche_alias", -2),
    ("fiche_vide", 0),
    ("etablissement_hors_liste", 3),
    ("doublon", 0),
    ("impact", 0),
    ("phase_declaree", 0),
    ("fiche_phrase", 0),
)
"""What the demonstration shows first; ordinals that no deck uses, where a product hangs on them."""

_SPREAD_STATES: tuple[State, ...] = (
    "en_instruction",
    "en_construction",
    "en_instruction",
    "en_construction",
    "en_instruction",
    "accepte",
    "en_construction",
    "en_instruction",
    "en_construction",
    "en_instruction",
    "en_construction",
    "refuse",
)

_STATES: tuple[tuple[State, int], ...] = (
    ("en_construction", 26),
    ("en_instruction", 34),
    ("accepte", 18),
    ("refuse", 14),
    ("sans_suite", 8),
)

_ALWAYS_PRESENT = 40
"""The first dossiers are present in every list, so that small sandboxes show what they hold."""

ACTIVE_STATES = ("en_construction", "en_instruction", "accepte")


@lru_cache(maxsize=64)
def _deck(seed: int, block: int) -> list[tuple[Case, int]]:
    cards = [(case, block * case.weight + i) for case in CASES for i in range(case.weight)]
    return Dice(seed, "deck", block).shuffled(cards)


_DECK_SIZE = sum(case.weight for case in CASES)


def case_of(seed: int, rank: int) -> tuple[Case, int]:
    """Return a dossier's case and its ordinal among the dossiers of the same case."""
    if rank < len(_SPREAD):
        name, ordinal = _SPREAD[rank]
        return BY_NAME[name], ordinal
    block, position = divmod(rank - len(_SPREAD), _DECK_SIZE)
    return _deck(seed, block)[position]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a dossier stands in DS."""

    state: State
    presence: Presence

    @property
    def is_rival(self) -> bool:
        """Tell whether the dossier counts as another one for the same product."""
        return self.presence == "present" and self.state in ACTIVE_STATES


@lru_cache(maxsize=4096)
def standing_of(seed: int, rank: int) -> Standing:
    """Return a dossier's state and presence."""
    if rank < len(_SPREAD_STATES):
        return Standing(_SPREAD_STATES[rank], "present")
    case, _ = case_of(seed, rank)
    dice = Dice(seed, "standing", rank)
    state = dice.weighted(_STATES)
    if case.twin in ("active", "again") and state not in ACTIVE_STATES:
        state = "en_instruction"
    if case.name == "impact_trop_tot":  # Only an open dossier follows the form's new revision.
        state = "en_construction" if state == "en_construction" else "en_instruction"
    if rank < _ALWAYS_PRESENT or case.twin:
        return Standing(state, "present")
    return Standing(state, _presence(dice, state))


def _presence(dice: Dice, state: State) -> Presence:
    """Draw a presence that the platform allows in this state; one under way cannot be hidden."""
    if state == "en_instruction" or not dice.chance(0.05):
        return "present"
    if state == "en_construction":
        return dice.pick(("masque_usager", "masque_usager", "expire", "supprime"))
    return dice.pick(("masque_administration", "expire", "supprime", "masque_usager"))


def twin_of(seed: int, rank: int) -> int | None:
    """Return the earlier dossier whose product a doublon takes over, if there is one."""
    twin = case_of(seed, rank)[0].twin
    for earlier in range(rank - 1, max(-1, rank - 1_000), -1):
        name = case_of(seed, earlier)[0].name
        standing = standing_of(seed, earlier)
        if twin == "again":
            if name == "doublon" and standing.is_rival:
                return earlier
        elif name in ("simple", "operateur"):
            wanted = standing.is_rival if twin == "active" else _is_closed(standing)
            if wanted:
                return earlier
    return None


def _is_closed(standing: Standing) -> bool:
    return standing.presence == "present" and standing.state in ("refuse", "sans_suite")
