"""What the scheduler's tick should run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from dsync.store import SyncState
from dsync.sync.run import Schedule
from dsync.sync.work import ReadAll, ReadChanges

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
FRESH = SyncState(
    watermark=NOW,
    last_incremental_at=NOW - timedelta(minutes=1),
    last_success_at=NOW,
    last_full_at=NOW - timedelta(hours=11),
    last_deletions_at=NOW - timedelta(minutes=1),
)


def asked(state: SyncState, now: datetime = NOW) -> ReadAll | ReadChanges | None:
    return Schedule(timedelta(minutes=5), time(2, 30)).due(state, now)


def test_a_new_database_begins_with_a_full_read_and_then_nothing_is_due() -> None:
    """A minute after all was done."""
    assert ReadAll() == asked(SyncState())
    assert None is asked(FRESH)


@pytest.mark.parametrize(
    ("minutes", "lists"), [(4, None), (5, False), (59, False), (60, True), (6000, True)]
)
def test_a_short_run_asks_the_lists_hourly(minutes: int, lists: bool | None) -> None:
    """The platform scans much for them."""
    then = NOW - timedelta(minutes=minutes)
    state = replace(FRESH, last_incremental_at=then, last_deletions_at=then)
    due = asked(state)
    assert (due.deletions if isinstance(due, ReadChanges) else None) is lists


@pytest.mark.parametrize(
    ("last", "now", "is_due"),
    [
        ("2026-11-24T02:31", "2026-11-24T14:30", False),
        ("2026-11-24T02:29", "2026-11-24T14:30", True),
        ("2026-11-23T02:31", "2026-11-24T02:29", False),
        ("2026-11-23T02:31", "2026-11-24T02:30", True),
        ("2026-11-20T02:31", "2026-11-24T01:00", True),
    ],
)
def test_the_nights_full_read_stays_due_until_done(last: str, now: str, is_due: bool) -> None:
    """From its hour on, however late; a machine that was off catches up."""
    at, present = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (last, now))
    state = replace(FRESH, last_full_at=at, last_incremental_at=present, last_deletions_at=present)
    assert is_due == isinstance(asked(state, present), ReadAll)


def test_a_full_read_that_the_engine_asked_for_is_due_at_its_time() -> None:
    """After a new revision."""
    soon = replace(FRESH, full_due_at=NOW + timedelta(minutes=1))
    assert (None, True) == (
        asked(soon),
        asked(soon, NOW + timedelta(minutes=1)) == ReadAll(),
    )
