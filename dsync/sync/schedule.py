"""Decides which run is due, from the stored times of the last successful runs.

What makes any run a full read, such as a changed mapping, is in `pull`.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from dsync.store import SyncState
from dsync.sync.report import SyncOptions


def due(
    state: SyncState,
    now: datetime,
    *,
    incremental: timedelta,
    deletions: timedelta,
    full_at: time,
) -> SyncOptions | None:
    """Return the run that is due, None if none is.

    A full read and the deletion lists stay due until they have succeeded.

    Args:
        state: the démarche's state, as stored.
        now: the present instant, in UTC.
        incremental: interval between incremental runs.
        deletions: interval between readings of the deletion lists.
        full_at: time of day (UTC) from which the nightly full read is due.
    """
    state = state.as_of(now)
    lists = _passed(state.last_deletions_at, deletions, now)
    if _full_is_due(state, now, full_at):
        return SyncOptions(full=True, started_by="service")
    if lists or _passed(state.last_incremental_at, incremental, now):
        return SyncOptions(deletions=lists, started_by="service")
    return None


def next_due_at(
    state: SyncState,
    now: datetime,
    *,
    incremental: timedelta,
    deletions: timedelta,
    full_at: time,
) -> datetime:
    """Return when the next run is due; `now` if one is due. The arguments are those of `due`."""
    if due(state, now, incremental=incremental, deletions=deletions, full_at=full_at):
        return now
    instants = [
        at + every
        for at, every in (
            (state.last_incremental_at, incremental),
            (state.last_deletions_at, deletions),
            (state.full_due_at, timedelta()),
            (_night(now, full_at), timedelta(days=1)),
        )
        if at is not None
    ]
    return max(now, min(instants))


def _full_is_due(state: SyncState, now: datetime, full_at: time) -> bool:
    if state.last_full_at is None or (state.full_due_at and state.full_due_at <= now):
        return True
    return state.last_full_at < _night(now, full_at)


def _night(now: datetime, full_at: time) -> datetime:
    """Return the latest instant at which a nightly full read became due."""
    tonight = datetime.combine(now.date(), full_at, tzinfo=UTC)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def _passed(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or now - last >= every
