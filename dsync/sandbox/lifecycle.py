"""A dossier's dates: deposited, instructed, treated and changed in an order that can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dsync.sandbox.dice import Dice
from dsync.sandbox.form import FORM
from dsync.sandbox.seed import State

_BULK_EDITS = (
    datetime(2024, 7, 1, 3, 0, tzinfo=UTC),
    datetime(2025, 2, 3, 3, 0, tzinfo=UTC),
    datetime(2025, 10, 6, 3, 0, tzinfo=UTC),
)
"""Moments at which many dossiers were touched at once: they share their last change."""

_FIRST_DEPOSIT = datetime(2024, 1, 2, tzinfo=UTC)


@dataclass(slots=True)
class Dates:
    """When what happened to a dossier; None for what has not happened."""

    depose_at: datetime
    en_instruction_at: datetime | None
    traite_at: datetime | None
    updated_at: datetime


def deposit(dice: Dice) -> datetime:
    """Draw a moment of a working day's hours in 2024, the call's last weeks being the busiest."""
    day = dice.between(300, 362) if dice.chance(0.2) else dice.below(363)
    return _FIRST_DEPOSIT + timedelta(
        days=day,
        hours=dice.between(6, 18),
        seconds=dice.below(3600),
        microseconds=dice.below(1_000_000),
    )


def _later(dice: Dice, moment: datetime, days: int) -> datetime:
    return moment + timedelta(
        hours=dice.between(1, 24 * days),
        seconds=dice.below(3600),
        microseconds=dice.below(1_000_000),
    )


def dates(dice: Dice, state: State, depose_at: datetime, now: datetime) -> Dates:
    """Draw the dates of a dossier in this state, none of them after `now`."""
    depose_at = min(depose_at, now)
    en_instruction_at = traite_at = None
    if state != "en_construction":
        en_instruction_at = min(_later(dice, depose_at, 25), now)
    if en_instruction_at and state != "en_instruction":
        traite_at = min(_later(dice, en_instruction_at, 60), now)
    last = traite_at or en_instruction_at or depose_at
    return Dates(depose_at, en_instruction_at, traite_at, _last_change(dice, last, now))


def _last_change(dice: Dice, last: datetime, now: datetime) -> datetime:
    kind = dice.below(100)
    if kind < 6:
        for moment in _BULK_EDITS:
            if last <= moment <= now:
                return moment
    if kind < 10:
        last = max(last, now - timedelta(days=30))
    return min(_later(dice, last, 20), now)


def revision_at(traite_at: datetime | None) -> int:
    """Return the revision a dossier follows: open ones move on to each new revision."""
    published = [revision.published_at for revision in FORM.revisions]
    if traite_at is None:
        return len(published) - 1
    return max(sum(1 for moment in published if moment <= traite_at) - 1, 0)
