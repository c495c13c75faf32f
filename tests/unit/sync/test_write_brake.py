"""When a push replaces too much of what dsync wrote before."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dsync.annotations.targets import (
    DETAIL,
    LABEL,
    RESULTAT,
)
from dsync.annotations.wish import Standing
from dsync.domain.consent import Consent, Proposal
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import frame
from dsync.sync.brakes.replacing import Replaced, is_too_much
from tests.unit.annotations.form import CONFIG, LABELS, OPTIONS

OUI, VOIR, NON = OPTIONS.all()
LIMIT = 5
Moves = Mapping[tuple[str, str], int]


def replaced(moves: Moves, annotation: str = RESULTAT, *, moved_to: str = "") -> Replaced:
    """Return so many replacements of each value by another."""
    found, number = Replaced(), 1
    for (there, wanted), count in moves.items():
        for _ in range(count):
            found.add(DossierNumber(number), annotation, there, wanted, moved_to)
            number += 1
    return found


@pytest.mark.parametrize(
    ("moves", "standing", "stops"),
    [
        ({}, {}, False),
        ({(VOIR, OUI): 1}, {VOIR: 1}, False),  # One dossier is no pattern.
        ({(VOIR, OUI): 2}, {VOIR: 2}, False),
        ({(VOIR, OUI): 2, (VOIR, NON): 1}, {VOIR: 3}, True),  # All of a kind, at least three.
        ({(VOIR, OUI): 3}, {VOIR: 6}, False),  # Just half.
        ({(VOIR, OUI): 3}, {VOIR: 5}, True),
        ({(OUI, VOIR): 5}, {OUI: 80}, False),
        ({(OUI, VOIR): 6}, {OUI: 80}, True),  # More than the limit.
        ({(OUI, NON): 1}, {OUI: 1, NON: 40}, True),  # Reversed throughout, be it one.
        ({(OUI, NON): 1}, {OUI: 2, NON: 40}, False),
        ({(OUI, NON): 1, (OUI, VOIR): 1}, {OUI: 2, NON: 40}, False),
        ({(NON, OUI): 2}, {NON: 2, OUI: 1}, True),
        ({("Recevable", OUI): 2}, {"Recevable": 2}, False),  # An option of before.
        ({("Recevable", OUI): 4}, {"Recevable": 4}, True),
    ],
)
@pytest.mark.parametrize("annotation", [RESULTAT, LABEL])
def test_results_and_labels_that_change_at_once(
    annotation: str, moves: Moves, standing: Mapping[str, int], stops: bool
) -> None:
    """By number, by kind, and when a kind is reversed; labels as results."""
    names = dict(zip(OPTIONS.all(), LABELS.all(), strict=True)) if annotation == LABEL else {}
    said = {(names.get(b, b), names.get(a, a)): count for (b, a), count in moves.items()}
    known = {names.get(value, value): count for value, count in standing.items()}
    found = Standing(100, **{"labels" if names else "results": known})
    assert stops == is_too_much(replaced(said, annotation), found, LIMIT, CONFIG)


def text(instruction: str, why: str, url: str | None = None, verdict: str = OUI) -> str:
    """Return a detail."""
    first, last = frame(verdict, instruction, url)
    return "\n".join([first, why, *last])


SAME, OTHER = text("l’équipe", "a"), text("TODO", "a")


@pytest.mark.parametrize(
    ("there", "wanted", "count", "stops"),
    [
        (SAME, text("l’équipe", "b"), 10, False),  # Other reasons.
        (SAME, OTHER, 2, False),
        (SAME, OTHER, 5, False),  # Half.
        (SAME, OTHER, 6, True),
        (SAME, text("l’équipe", "a", "https://example.org"), 6, True),
        (SAME, text("l’équipe", "a", verdict=NON), 5, False),  # Its result is another matter.
    ],
)
def test_a_frame_that_changes_everywhere(there: str, wanted: str, count: int, stops: bool) -> None:
    """The opening and the address of the rules, in most of them."""
    found = replaced({(there, wanted): count}, DETAIL)
    assert stops == is_too_much(found, Standing(10, details=10), LIMIT, CONFIG)


def test_an_annotation_that_is_written_elsewhere_is_always_asked_about() -> None:
    """What stood stays beside it."""
    found = replaced({(OUI, OUI): 1}, moved_to="Autre")
    assert is_too_much(found, Standing(100, results={OUI: 50}), LIMIT, CONFIG)


def test_consent_covers_the_writes_that_were_shown_and_no_more() -> None:
    """Fewer, as some are done; not one more dossier, nor another value in one of them."""

    def proposal(moves: Moves) -> Proposal:
        found = replaced(moves)
        return Proposal(Consent.WRITES, found.moves, subjects=found.subjects)

    shown = proposal({(OUI, NON): 3})
    assert shown.covers(proposal({(OUI, NON): 3}))
    assert shown.covers(proposal({(OUI, NON): 2}))
    assert not shown.covers(proposal({(OUI, NON): 4}))
    assert not shown.covers(proposal({(OUI, NON): 2, (OUI, VOIR): 1}))
    assert shown.version == proposal({(OUI, NON): 3}).version
