"""The number of dossiers to request next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dsync.ds.limits import GROWS_AFTER, PageSize

DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = DAY

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(("since", "expected"), [(GROWS_AFTER, 20), (timedelta(minutes=1), 10)])
def test_the_hour_goes_on_from_one_process_to_the_next(since: timedelta, expected: int) -> None:
    """The size and the time of its last change are kept."""
    size = PageSize(10, 100, DAY - since, Clock())
    size.succeeded(10)
    assert expected == size.current


def test_a_change_in_the_future_counts_as_just_made() -> None:
    """This happens after the clock was ahead and is set back."""
    clock = Clock()
    size = PageSize(10, 100, DAY + timedelta(days=400), clock)
    size.succeeded(10)
    clock.now += GROWS_AFTER
    size.succeeded(10)
    assert 20 == size.current


def test_a_bisection_isolates_a_failing_dossier_and_keeps_the_usual_size() -> None:
    """A failing dossier does not change the usual size."""
    size = PageSize(16, 16, None, Clock())
    seen = []
    for count in (0, 0, 4, 2, 1):
        if count:
            size.succeeded(count)
        else:
            size.broken()
        seen.append(size.current)
    assert [8, 4, 2, 1, 1] == seen
    size.passed()
    assert (16, False) == (size.current, size.is_searching)


def test_a_dossier_that_was_too_slow_leaves_the_size_as_it_was() -> None:
    """The time-outs before it was isolated do not count."""
    size = PageSize(16, 16, None, Clock())
    for _ in range(4):
        size.timed_out()
    size.passed()
    assert (16, None) == (size.usual, size.since)


def test_no_size_is_out_of_range() -> None:
    """A stored size out of range is corrected."""
    assert PageSize(0, 100, None, Clock()).current == 1
    assert PageSize(500, 100, None, Clock()).current == 100
