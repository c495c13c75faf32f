"""A démarche that is not the programme's: requests for computer equipment, and their dossiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants
from dsync.sandbox.content.form import form
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.world.model import FINISHED, FormSeed, ServedDossier, State

_DATA = load("forms")["equipment"]
EQUIPMENT_FORM = form(_DATA, _DATA["champs"], _DATA["annotations"])
_STATES: tuple[State, ...] = ("en_construction", "en_instruction", "en_instruction", "accepte")
_FIRST_DEPOSIT = datetime(2026, 9, 1, 7, 0, tzinfo=UTC)


def renumbered(
    form: FormSeed, dossiers: Sequence[ServedDossier], number: int
) -> tuple[FormSeed, list[ServedDossier]]:
    """Return a démarche and its dossiers under another number.

    Args:
        form: the démarche.
        dossiers: its dossiers.
        number: the new number; the dossiers' are 1000 times it and their rank from 1.
    """
    path = f"{form.path}-{number}"
    return replace(form, number=number, path=path), [
        replace(dossier, number=number * 1000 + rank) for rank, dossier in enumerate(dossiers, 1)
    ]


def equipment_dossiers(seed: int, count: int, *, now: datetime) -> list[ServedDossier]:
    """Return the first `count` requests of a seed; the third one lacks the reason."""
    return [_dossier(SeededRandom(seed, "equipment", rank), rank, now) for rank in range(count)]


def _dossier(rng: SeededRandom, rank: int, now: datetime) -> ServedDossier:
    state = _STATES[rank % len(_STATES)]
    at = min(_FIRST_DEPOSIT + timedelta(days=rank, hours=rng.below(8)), now)
    prenom, nom = applicants.person(rng)
    champs: dict[int, Any] = {
        6102: f"Bureau {nom}",
        6103: applicants.mail(prenom, nom),
        6104: "Remplacement de postes de plus de cinq ans.",
        6105: float(rng.between(5, 90) * 100) + 0.5,
        6106: f"2026-12-{rng.between(1, 28):02d}",
        6107: rng.chance(0.5),
        6108: [
            {6109: kind, 6110: rng.between(1, 9), 6111: f"Lot {kind.lower()} de {prenom}"}
            for kind in _DATA["kinds"][: 1 + rank % 3]
        ],
    }
    if rank == 2:
        del champs[6104]
    examined, decided = state != "en_construction", state in FINISHED
    return ServedDossier(
        EQUIPMENT_FORM.number * 1000 + rank + 1,
        state,
        at,
        at,
        at if examined else None,
        at if decided else None,
        at,
        demandeur=applicants.morale(rng, "7120"),
        usager_email=applicants.mail(prenom, nom),
        champs=champs,
        annotations={6206: float(champs[6105])} if decided else {},
        why="Demande d’équipement",
    )
