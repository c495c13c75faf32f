"""What `[retention]` erases, and when: announced for a day, then done by the service each day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from dsync.domain.json_bytes import json_bytes
from dsync.store import Reader, SyncState
from dsync.sync.work import Purge

NOTICE = timedelta(days=1)
"""How long `dsync status` announces what is then erased."""
_STALE = 3 * NOTICE
"""An announcement that nothing followed for so long is made anew: nobody may have seen it."""


def key_of(ages: Mapping[str, timedelta]) -> str:
    """Return a text that changes with what is configured."""
    return json_bytes({name: age.total_seconds() for name, age in ages.items()}).decode()


def limits(ages: Mapping[str, timedelta], at: datetime) -> dict[str, datetime]:
    """Return before which instant what has to lie to be too old at an instant, by rule."""
    return {name: at - age for name, age in ages.items()}


def announced_at(ages: Mapping[str, timedelta], state: SyncState, now: datetime) -> datetime | None:
    """Return when what is too old was last announced; None: it is to be announced now."""
    at = state.as_of(now).retention_at
    is_valid = at is not None and state.retention_key == key_of(ages) and now - at <= _STALE
    return at if is_valid else None


def due(ages: Mapping[str, timedelta], announced: datetime, now: datetime) -> Purge | None:
    """Return the erasure of what was announced, None before its time."""
    return Purge(limits(ages, announced)) if now - announced >= NOTICE else None


def announcement(
    reader: Reader, ages: Mapping[str, timedelta], state: SyncState, now: datetime
) -> dict[str, Any] | None:
    """Return what the service will erase, and from when on; None: nothing is announced."""
    at = announced_at(ages, state, now) if ages else None
    if at is None:
        return None
    before = limits(ages, at)
    counts = reader.journal.too_old(before)
    for one in reader.dossiers.too_old(before):
        counts[one.regle] = counts.get(one.regle, 0) + 1
    return {"from": at + NOTICE, "counts": {name: n for name, n in counts.items() if n}}
