"""Which phase a product was in at a date.

The catalogue's `end` says nothing, and its order need not be that of the dates: the reading by
start is the answer, the reading by place in the list tells how sure it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from dsync.eig.precheck.catalogue import Phase
from dsync.eig.precheck.wording import fold


def phase_by_start(phases: Sequence[Phase], day: date) -> Phase | None:
    """Return the phase with the greatest (start, place in the list) among those begun."""
    found, latest = None, None
    for phase in phases:
        if (debut := phase.debut) and debut <= day and (latest is None or debut >= latest):
            found, latest = phase, debut
    return found


def phase_by_place(phases: Sequence[Phase], day: date) -> Phase | None:
    """Return the last phase of the list among those begun."""
    return next((p for p in reversed(phases) if p.debut and p.debut <= day), None)


def first_begun(phases: Iterable[Phase], name: str, day: date) -> date | None:
    """Return when a phase of that name first began, if it is under way or done at that day."""
    wanted = fold(name)
    starts = (p.debut for p in phases if p.debut and p.debut <= day and fold(p.nom) == wanted)
    return min(starts, default=None)
