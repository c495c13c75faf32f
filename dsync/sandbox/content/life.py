"""What goes on in the démarche aap-eig7 while the sandbox runs: one event after the other.

The same seed gives the same events, as long as nothing else changes the dossiers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from dsync.sandbox.content import notes
from dsync.sandbox.content.dossiers import FIRST_NUMBER, dossier
from dsync.sandbox.content.form import ETAPES, FORM
from dsync.sandbox.content.rng import SeededRandom
from dsync.sandbox.content.texts import paragraph
from dsync.sandbox.world.changes import Changes
from dsync.sandbox.world.model import ServedDossier, State

EVERY_S = 4.0
"""Time between two events."""


class Kind(StrEnum):
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

    kind: Kind
    number: int


_ROUND = (
    *(Kind.DEPOSITED,) * 4,
    *(Kind.EDITED,) * 4,
    *(Kind.EXAMINED,) * 3,
    *(Kind.EVALUATED,) * 3,
    *(Kind.STAGED,) * 2,
    Kind.OVERRULED,
    Kind.ACCEPTED,
    Kind.REFUSED,
)
"""The events of a round, after a first deposit; each round has its own order."""
_OPEN: tuple[State, ...] = ("en_construction", "en_instruction")
_IN_STATE: dict[Kind, tuple[State, ...]] = {
    Kind.EDITED: ("en_construction",),
    Kind.EXAMINED: ("en_construction",),
    Kind.OVERRULED: _OPEN,
}
"""States of the dossiers to which an event happens; by default `en_instruction`."""
_RESULTS = ("Éligible", "À vérifier", "Inéligible")
_RESULT, _ETAPE, _GRIDS = 5102, 5202, 5302
_PHASE, _PHASES = 4103, ("Investigation", "Construction", "Accélération")
"""The declared phase: another one can change the verdict."""
_EDITED = {4105: "probleme", 4106: "politique", 4602: "objectifs"}
"""Other champs that usagers change, with the topic of their text."""
_PRODUCT = "le produit"


class Life:
    """The events of a world's démarche aap-eig7.

    Args:
        changes: of the world.
        seed: of the dossiers, and of the events.
    """

    def __init__(self, changes: Changes, seed: int) -> None:
        self._changes = changes
        self._seed = seed
        self._past = 0

    def step(self) -> Event:
        """Let one event happen."""
        with self._changes.world.lock:
            turn, position = divmod(self._past, len(_ROUND) + 1)
            kinds = SeededRandom(self._seed, "round", turn).shuffled(_ROUND)
            rng = SeededRandom(self._seed, "event", self._past)
            self._past += 1
            kind = kinds[position - 1] if position else Kind.DEPOSITED
            concerned = self._concerned(kind)
            if not concerned:
                return self._deposit()
            chosen = rng.pick(concerned)
            self._happen(kind, chosen, rng)
            return Event(kind, chosen.number)

    def _concerned(self, kind: Kind) -> list[ServedDossier]:
        """Return the dossiers to which an event can happen; none for a deposit."""
        if kind is Kind.DEPOSITED:
            return []
        states = _IN_STATE.get(kind, ("en_instruction",))
        return [
            one
            for one in self._changes.world.demarches[FORM.number].dossiers.values()
            if one.listed == "present"
            and one.state in states
            and (kind is not Kind.OVERRULED or one.annotations.get(_RESULT))
        ]

    def _deposit(self) -> Event:
        now = self._changes.now()
        rank = max(self._changes.world.demarches[FORM.number].dossiers) + 1 - FIRST_NUMBER
        invented = dossier(self._seed, rank, now=now)
        new = replace(
            invented,
            state="en_construction",
            depose_at=now,
            en_construction_at=now,
            en_instruction_at=None,
            traite_at=None,
            updated_at=now,
            annotations={_GRIDS: [{}]},
            archived=False,
            labels=[],
            motivation=None,
            messages=[],
            avis=[],
            revision=len(FORM.revisions) - 1,
            presence="present",
        )
        self._changes.deposit(new, demarche=FORM.number)
        return Event(Kind.DEPOSITED, new.number)

    def _happen(self, kind: Kind, chosen: ServedDossier, rng: SeededRandom) -> None:
        changes, number = self._changes, chosen.number
        match kind:
            case Kind.EDITED if rng.chance(0.5):
                others = [one for one in _PHASES if one != chosen.champs.get(_PHASE)]
                changes.edit_champ(number, _PHASE, rng.pick(others))
            case Kind.EDITED:
                champ = rng.pick(tuple(_EDITED))
                changes.edit_champ(number, champ, paragraph(rng, _EDITED[champ], _PRODUCT))
            case Kind.EXAMINED:
                changes.move(number, "en_instruction")
            case Kind.EVALUATED:
                self._evaluate(chosen, rng)
            case Kind.STAGED:
                others = [etape for etape in ETAPES[:4] if etape != chosen.annotations.get(_ETAPE)]
                changes.edit_annotation(number, _ETAPE, rng.pick(others))
            case Kind.OVERRULED:
                others = [one for one in _RESULTS if one != chosen.annotations[_RESULT]]
                changes.edit_annotation(number, _RESULT, rng.pick(others))
            case Kind.ACCEPTED:
                changes.edit_annotation(number, _ETAPE, "Lauréat")
                changes.move(number, "accepte", motivation=notes.MOTIVATIONS["accepte"])
            case Kind.REFUSED:
                changes.edit_annotation(number, _ETAPE, "Non retenu")
                changes.move(number, "refuse", motivation=notes.MOTIVATIONS["refuse"])

    def _evaluate(self, chosen: ServedDossier, rng: SeededRandom) -> None:
        """Fill the last grid if it is empty, else a further one."""
        descriptor, _ = chosen.form.descriptor("annotations", _GRIDS)
        rows = chosen.rows_of(descriptor, "annotations")
        if not rows or rows[-1].cells:
            self._changes.add_annotation_row(chosen.number, _GRIDS)
        grid = notes.grid(rng, "Dossier", notes.evaluator(rng), _PRODUCT)
        for stable_id, value in grid.items():
            self._changes.edit_annotation(chosen.number, stable_id, value, row=len(rows) - 1)


def go_on(
    life: Life,
    stop: threading.Event,
    told: Callable[[Event], None],
    *,
    every_s: float = EVERY_S,
) -> None:
    """Let events happen until `stop` is set.

    Args:
        life: the events.
        stop: ends them.
        told: called with each event.
        every_s: time between two events, in seconds.
    """
    while not stop.is_set():
        told(life.step())
        stop.wait(every_s)
