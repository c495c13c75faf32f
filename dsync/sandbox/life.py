"""What happens to a dossier over its life, with the dates that it moves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dsync.sandbox.model import FINISHED, Dossier, Groupe, Hand, Source, Traitement

_EVENTS = {
    ("en_construction", "en_instruction"): "passe_en_instruction",
    ("en_instruction", "en_construction"): "repasse_en_construction",
    ("en_instruction", "accepte"): "accepte",
    ("en_instruction", "refuse"): "refuse",
    ("en_instruction", "sans_suite"): "classe_sans_suite",
}


def move(
    dossier: Dossier, state: str, at: datetime, agent: str | None, motivation: str | None = None
) -> None:
    """Bring a dossier into another state."""
    seed = dossier.seed
    event = _EVENTS.get((seed.state, state), "repasse_en_instruction")
    seed.state = state  # type: ignore[assignment]
    if state == "en_construction":
        seed.en_instruction_at = None
    elif state == "en_instruction":
        seed.en_instruction_at = at
    seed.traite_at = at if state in FINISHED else None
    seed.motivation = motivation if state in FINISHED else None
    dossier.traitements.append(Traitement(event, state, at, agent, motivation))
    dossier.change(at)


def hand_over(dossier: Dossier, groupe: Groupe, at: datetime) -> None:
    """Give a dossier to another groupe instructeur, whose members alone may then write."""
    dossier.groupe = groupe
    dossier.followers = [agent for agent in dossier.followers if agent in groupe.instructeurs]
    dossier.change(at)


def put(
    dossier: Dossier,
    source: Source,
    stable_id: int,
    value: Any,
    row: int | None,
    at: datetime,
    agent: str | None = None,
) -> None:
    """Store an answer given in the web interface, with all the dates that it moves.

    An instructeur's correction of a champ, as one of July 2026 may make, leaves the champs' own
    date, which is the usager's; what an usager submits answers a demand for a correction.
    """
    descriptor, repetition = dossier.revision.descriptor(source, stable_id)
    cells, key = getattr(dossier.seed, source), str(stable_id)
    if repetition is not None:
        target = dossier.rows_of(repetition, source)[row or 0]
        cells, key = target.cells, f"{stable_id}|{target.ulid}"
    if descriptor["type"] == "repetition":
        dossier.rows.pop(stable_id, None)
    cells[stable_id] = value
    dossier.touched[key] = at
    if source == "annotations":
        dossier.annotations_at = at
    else:
        event = "depose_correction_usager"
        if agent:
            event = "depose_correction_instructeur"
        else:
            dossier.champs_at = at
            dossier.correction_at = None
        dossier.traitements.append(Traitement(event, dossier.seed.state, at, agent))
    dossier.change(at)


def ask_correction(dossier: Dossier, at: datetime) -> None:
    """Ask the usager for a correction."""
    dossier.correction_at = at
    dossier.change(at)


def hide(dossier: Dossier, by: Hand, at: datetime) -> None:
    """Hide a dossier."""
    dossier.hidden_by.add(by)
    dossier.hidden_at = at
    dossier.change(at)


def restore(dossier: Dossier, at: datetime) -> None:
    """Bring a hidden dossier back."""
    dossier.hidden_by.clear()
    dossier.hidden_at = None
    dossier.expired = False
    dossier.change(at)
