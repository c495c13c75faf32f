"""The cases of the eligibility rules, and the case and the state of each dossier.

Twelve fixed cases come first, then shuffled blocks of 300. A dossier's case depends on the seed and
on its own rank, not on the number of dossiers. The sandbox computes no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.world.model import Presence, State


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the rules, as a change to an eligible application; see `data/cases.toml`."""

    expected: str
    """The verdict that the shipped rules should give."""
    name: str
    weight: int
    why: str
    twin: str
    """For a doublon: active, closed or again, the kind of dossier whose product it repeats."""
    changes: dict[str, Any]


def _case(expected: str, *, twin: str = "", **row: Any) -> Case:
    return Case(expected, row.pop("name"), row.pop("weight"), row.pop("why"), twin, row)


_DATA = load("cases")
CASES = [
    _case(**{"expected": expected} | row)
    for expected, rows in _DATA["cases"].items()
    for row in rows
]
ELIGIBLE = [case for case in CASES if case.expected == "Éligible"]
_FIRST: list[tuple[str, int, State]] = _DATA["first"]
_STATES: list[tuple[State, int]] = _DATA["states"]
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
    if rank < len(_FIRST):
        name, ordinal, _ = _FIRST[rank]
        return _BY_NAME[name], ordinal
    block, position = divmod(rank - len(_FIRST), _DECK_SIZE)
    return _deck(seed, block)[position]


@lru_cache(maxsize=4096)
def situation_of(seed: int, rank: int) -> tuple[State, Presence]:
    """Return a dossier's state and presence; one en_instruction cannot be hidden."""
    if rank < len(_FIRST):
        return _FIRST[rank][2], "present"
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
