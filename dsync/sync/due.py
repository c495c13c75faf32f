"""What the scheduler's tick should run now, from stored times of the last success."""

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
    """Return the run that is due, or None; a due full read or deletion list stays so until done.

    Args:
        state: what the database remembers of the last runs.
        now: the present, in UTC.
        incremental: time between two short runs.
        deletions: time between two readings of the deletion lists.
        full_at: time of day (UTC) from which the night's full read is due.
    """
    lists = _passed(state.last_deletions_at, deletions, now)
    if _full_is_due(state, now, full_at):
        return SyncOptions(full=True, started_by="service")
    if lists or _passed(state.last_incremental_at, incremental, now):
        return SyncOptions(deletions=lists, started_by="service")
    return None


def _full_is_due(state: SyncState, now: datetime, full_at: time) -> bool:
    if state.last_full_at is None or (state.full_due_at and state.full_due_at <= now):
        return True
    tonight = datetime.combine(now.date(), full_at, tzinfo=UTC)
    latest = tonight if tonight <= now else tonight - timedelta(days=1)
    return state.last_full_at < latest


def _passed(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or now - last >= every
