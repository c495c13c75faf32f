"""Which case each dossier illustrates: twelve fixed ones first, then shuffled blocks of 300.

A dossier's case depends on the seed and on its own rank, not on the number of dossiers.
"""

from __future__ import annotations

from functools import lru_cache

from dsync.sandbox.content.cases import CASES, Case
from dsync.sandbox.content.rng import SeededRandom
from dsync.sandbox.content.seeds import Presence, State

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
    """Return a dossier's state and presence."""
    if rank < len(_SPREAD):
        return _SPREAD[rank][2], "present"
    case, _ = case_of(seed, rank)
    rng = SeededRandom(seed, "standing", rank)
    state = rng.weighted(_STATES)
    if case.twin in ("active", "again") and state not in _ACTIVE:
        state = "en_instruction"
    if case.name == "impact_trop_tot":  # Only an open dossier follows the form's new revision.
        state = "en_construction" if state == "en_construction" else "en_instruction"
    if rank < _ALWAYS_PRESENT or case.twin:
        return state, "present"
    return state, _presence(rng, state)


def _presence(rng: SeededRandom, state: State) -> Presence:
    """Return a presence that DS allows in this state: one en_instruction cannot be hidden."""
    if state == "en_instruction" or not rng.chance(0.05):
        return "present"
    if state == "en_construction":
        return rng.pick(("masque_usager", "masque_usager", "expire", "supprime"))
    return rng.pick(("masque_administration", "expire", "supprime", "masque_usager"))


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
