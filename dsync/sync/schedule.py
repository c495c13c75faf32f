"""Decides which run is due, from the stored times of the last successful runs.

What makes any run a full read, such as a changed mapping, is in `pull`.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from dsync.store import SyncState
from dsync.sync.report import SyncOptions


class Schedule(NamedTuple):
    """When runs are due; a full read and the deletion lists stay due until they have succeeded."""

    incremental: timedelta
    """Interval between incremental runs."""
    deletions: timedelta
    """Interval between readings of the deletion lists."""
    full_at: time
    """Time of day (UTC) from which the nightly full read is due."""

    def due(self, state: SyncState, now: datetime) -> SyncOptions | None:
        """Return the run that is due at an instant, in UTC, by the stored state; None without."""
        state = state.as_of(now)
        lists = _passed(state.last_deletions_at, self.deletions, now)
        if self._full_is_due(state, now):
            return SyncOptions(full=True, started_by="service")
        if lists or _passed(state.last_incremental_at, self.incremental, now):
            return SyncOptions(deletions=lists, started_by="service")
        return None

    def next_due_at(self, state: SyncState, now: datetime) -> datetime:
        """Return when the next run is due; `now` if one is due."""
        if self.due(state, now):
            return now
        instants = [
            at + every
            for at, every in (
                (state.last_incremental_at, self.incremental),
                (state.last_deletions_at, self.deletions),
                (state.full_due_at, timedelta()),
                (_night(now, self.full_at), timedelta(days=1)),
            )
            if at is not None
        ]
        return max(now, min(instants))

    def _full_is_due(self, state: SyncState, now: datetime) -> bool:
        if state.last_full_at is None or (state.full_due_at and state.full_due_at <= now):
            return True
        # That is the end of the read: one that began before this time of day, and ended after it,
        # is this night's.
        return state.last_full_at < _night(now, self.full_at)


def _night(now: datetime, full_at: time) -> datetime:
    """Return the latest instant at which a nightly full read became due."""
    tonight = datetime.combine(now.date(), full_at, tzinfo=UTC)
    return tonight if tonight <= now else tonight - timedelta(days=1)


def _passed(last: datetime | None, every: timedelta, now: datetime) -> bool:
    return last is None or now - last >= every
