"""What goes on in the démarche aap-eig7 while the sandbox runs: one event after the other.

The same seed gives the same events, as long as nothing else changes the dossiers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from itertools import count
from typing import NamedTuple

from dsync.sandbox.content import aap_eig7
from dsync.sandbox.content.aap_eig7 import ETAPES, FORM
from dsync.sandbox.content.applicants import paragraph
from dsync.sandbox.content.applications import FIRST_NUMBER, dossier
from dsync.sandbox.content.rng import SeededRandom
from dsync.sandbox.edits import Changes
from dsync.sandbox.model import ServedDossier

EVERY_S = 4.0
"""Time between two events."""


class EventKind(StrEnum):
    """What happens to a dossier; the value continues « Dossier N »."""

    DEPOSITED = "was deposited"
    EDITED = "was changed by its usager"
    EXAMINED = "passed into instruction"
    EVALUATED = "got an evaluation grid"
    STAGED = "reached another stage of the selection"
    OVERRULED = "got another pre-check result, written by hand"
    ACCEPTED = "was accepted"
    REFUSED = "was refused"


class Event(NamedTuple):
    """Something that happened to a dossier."""

    kind: EventKind
    number: int


_OPEN = ("en_construction", "en_instruction")
_EVENTS: dict[EventKind, tuple[int, tuple[str, ...]]] = {
    EventKind.DEPOSITED: (4, ()),
    EventKind.EDITED: (4, _OPEN[:1]),
    EventKind.EXAMINED: (3, _OPEN[:1]),
    EventKind.EVALUATED: (3, _OPEN[1:]),
    EventKind.STAGED: (2, _OPEN[1:]),
    EventKind.OVERRULED: (1, _OPEN),
    EventKind.ACCEPTED: (1, _OPEN[1:]),
    EventKind.REFUSED: (1, _OPEN[1:]),
}
"""How often each event happens in a round, and the states of the dossiers that it happens to."""
_ROUND = [kind for kind, (times, _) in _EVENTS.items() for _ in range(times)]
"""The events of a round, after a first deposit; each round has its own order."""
_RESULTS = ("Éligible", "À vérifier", "Inéligible")
_RESULT, _ETAPE, _GRIDS = 5102, 5202, 5302
_JURY, _JURY_IN_DAYS, _JURY_DOSSIERS = 5203, 12, 12
_PHASE, _PHASES = 4103, ("Investigation", "Construction", "Accélération")
"""The declared phase: another one can change the verdict."""
_EDITED = {4105: "probleme", 4106: "politique", 4602: "objectifs"}
"""Other champs that usagers change, with the topic of their text."""
_PRODUCT = "le produit"


def set_scene(changes: Changes, instructeur: str) -> None:
    """Give the demo what the seeded dossiers lack: nothing to complain about, and a jury to come.

    `instructeur` is dsync's e-mail address, which joins every groupe.
    """
    demarche = changes.world.demarches[FORM.number]
    for groupe in demarche.groupes:
        if instructeur not in {agent.email for agent in groupe.instructeurs}:
            groupe.instructeurs.append(changes.world.agents[instructeur])
    day = (changes.world.now() + timedelta(days=_JURY_IN_DAYS)).date().isoformat()
    examined = [
        one
        for one in demarche.dossiers.values()
        if one.listed == "present" and one.state == "en_instruction" and _is_graded(one)
    ]
    for one in examined[:_JURY_DOSSIERS]:
        changes.edit_annotation(one.number, _JURY, day)


def _is_graded(dossier: ServedDossier) -> bool:
    descriptor, _ = dossier.form.descriptor("annotations", _GRIDS)
    return any(row.cells for row in dossier.rows_of(descriptor, "annotations"))


def happenings(changes: Changes, seed: int) -> Iterator[Event]:
    """Let one event after the other happen in the démarche aap-eig7, and yield it."""
    for past in count():
        with changes.world.lock:
            event = _happen(changes, seed, past)
        yield event


def _happen(changes: Changes, seed: int, past: int) -> Event:
    """Let the next event happen; a deposit if there is no dossier that it could happen to."""
    dossiers = changes.world.demarches[FORM.number].dossiers
    turn, position = divmod(past, len(_ROUND) + 1)
    kinds = SeededRandom(seed, "round", turn).shuffled(_ROUND)
    rng = SeededRandom(seed, "event", past)
    kind = kinds[position - 1] if position else EventKind.DEPOSITED
    concerned = [
        one
        for one in dossiers.values()
        if one.listed == "present"
        and one.state in _EVENTS[kind][1]
        and (kind is not EventKind.OVERRULED or one.annotations.get(_RESULT))
    ]
    if not concerned:
        return _deposit(changes, seed, max(dossiers) + 1)
    chosen = rng.pick(concerned)
    _change(changes, kind, chosen, rng)
    return Event(kind, chosen.number)


def _deposit(changes: Changes, seed: int, number: int) -> Event:
    now = changes.world.now()
    invented = dossier(seed, number - FIRST_NUMBER, now=now, hostile=False)
    # Dated as invented: the call ended long ago, and each would be too late.
    new = replace(
        invented,
        state="en_construction",
        en_instruction_at=None,
        traite_at=None,
        updated_at=now,
        labels=[],
        annotations={_GRIDS: [{}]},
        archived=False,
        motivation=None,
        revision=len(FORM.revisions) - 1,
        presence="present",
    )
    changes.deposit(new)
    return Event(EventKind.DEPOSITED, number)


def _change(changes: Changes, kind: EventKind, chosen: ServedDossier, rng: SeededRandom) -> None:
    number = chosen.number
    match kind:
        case EventKind.EDITED if rng.chance(0.5):
            others = [one for one in _PHASES if one != chosen.champs.get(_PHASE)]
            changes.edit_champ(number, _PHASE, rng.pick(others))
        case EventKind.EDITED:
            champ = rng.pick(tuple(_EDITED))
            changes.edit_champ(number, champ, paragraph(rng, _EDITED[champ], _PRODUCT))
        case EventKind.EXAMINED:
            changes.move(number, "en_instruction")
        case EventKind.EVALUATED:
            _evaluate(changes, chosen, rng)
        case EventKind.STAGED:
            others = [etape for etape in ETAPES[:4] if etape != chosen.annotations.get(_ETAPE)]
            changes.edit_annotation(number, _ETAPE, rng.pick(others))
        case EventKind.OVERRULED:
            others = [one for one in _RESULTS if one != chosen.annotations[_RESULT]]
            changes.edit_annotation(number, _RESULT, rng.pick(others))
        case EventKind.ACCEPTED | EventKind.REFUSED:
            accepted = kind is EventKind.ACCEPTED
            state = "accepte" if accepted else "refuse"
            changes.edit_annotation(number, _ETAPE, "Lauréat" if accepted else "Non retenu")
            changes.move(number, state, motivation=aap_eig7.MOTIVATIONS[state])


def _evaluate(changes: Changes, chosen: ServedDossier, rng: SeededRandom) -> None:
    """Fill the last grid if it is empty, else a further one."""
    descriptor, _ = chosen.form.descriptor("annotations", _GRIDS)
    rows = chosen.rows_of(descriptor, "annotations")
    if not rows or rows[-1].cells:
        changes.add_annotation_row(chosen.number, _GRIDS)
    grid = aap_eig7.grid(rng, "Dossier", rng.pick(aap_eig7.EVALUATEURS), _PRODUCT)
    for stable_id, value in grid.items():
        changes.edit_annotation(chosen.number, stable_id, value, row=len(rows) - 1)
