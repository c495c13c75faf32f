"""What goes on in a sandbox that lives: every kind of event, and the same ones for a seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

from dsync.sandbox.content import FIRST_NUMBER, FORM, dossiers
from dsync.sandbox.content.life import Event, EventKind, happenings
from dsync.sandbox.edits import Changes
from dsync.sandbox.model import ServedDossier, World
from dsync.sandbox.scalars import DossierTruth, truth_of

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PRE_CHECKED = FIRST_NUMBER
"""A dossier with a result, as if dsync had written it."""


def lived(steps: int, seed: int = 7) -> tuple[World, list[Event]]:
    """Return a world of 40 dossiers after some events, one a minute."""
    world = World(lambda: START)
    world.add_demarche(FORM, dossiers(seed, 40, now=START))
    changes = Changes(world)
    changes.edit_annotation(PRE_CHECKED, 5102, "Éligible")
    life = happenings(changes, seed)
    events = []
    for _ in range(steps):
        world.ahead += timedelta(minutes=1)
        events.append(next(life))
    return world, events


def found(world: World, number: int) -> ServedDossier:
    dossier = world.dossier(number)
    assert dossier is not None
    return dossier


def truths(world: World) -> list[DossierTruth]:
    return [truth_of(dossier) for dossier in world.demarches[FORM.number].dossiers.values()]


def test_each_kind_of_event_occurs_and_can_be_seen() -> None:
    """Within one round, which begins with a deposit."""
    world, events = lived(20)
    assert EventKind.DEPOSITED is events[0].kind
    assert set(EventKind) == {event.kind for event in events}
    numbers = {kind: [e.number for e in events if e.kind is kind] for kind in EventKind}
    assert "Éligible" != found(world, PRE_CHECKED).annotations[5102]
    assert [PRE_CHECKED] == numbers[EventKind.OVERRULED]
    assert all(found(world, n).updated_at > START for n in numbers[EventKind.DEPOSITED])
    assert all(found(world, n).champs_at > START for n in numbers[EventKind.EDITED])
    assert "accepte" == found(world, *numbers[EventKind.ACCEPTED]).state
    assert "refuse" == found(world, *numbers[EventKind.REFUSED]).state
    for kind in (EventKind.EVALUATED, EventKind.STAGED):
        assert all(found(world, n).annotations_at > START for n in numbers[kind])
    for n in numbers[EventKind.EXAMINED]:
        assert "passe_en_instruction" in [step["event"] for step in found(world, n).traitements]


def test_what_is_deposited_is_dated_within_the_call() -> None:
    """Hours of a demo do not fill its list with dossiers that came too late."""
    world, events = lived(200)
    numbers = [event.number for event in events if event.kind is EventKind.DEPOSITED]
    late = [n for n in numbers if found(world, n).depose_at.year != 2024]
    assert 40 <= len(numbers)
    assert len(late) <= len(numbers) / 10


def test_the_same_seed_gives_the_same_events() -> None:
    """With the same values; another seed gives others."""
    (world, events), (again, repeated) = lived(60), lived(60)
    assert events == repeated
    assert truths(world) == truths(again)
    assert events != lived(60, seed=8)[1]


def test_life_goes_on_when_nothing_is_left_to_decide() -> None:
    """A sandbox with a single dossier gets deposits, and then everything else."""
    world = World(lambda: START)
    world.add_demarche(FORM, dossiers(7, 1, now=START))
    life = happenings(Changes(world), 7)
    kinds = Counter(event.kind for event in islice(life, 60))
    wanted = {EventKind.DEPOSITED, EventKind.EDITED, EventKind.EXAMINED, EventKind.EVALUATED}
    assert wanted <= kinds.keys()
