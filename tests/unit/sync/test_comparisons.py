"""What a pre-check compared is not held in memory."""

from __future__ import annotations

import tracemalloc

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Comparison, Decision, Verdict
from dsync.sync.report import Comparisons

DETAIL = "Tout est conforme. " * 1_000
COUNT = 500


def comparison(number: int) -> Comparison:
    after = Decision(Verdict.ELIGIBLE, (), f"{number} {DETAIL}", "1", "")
    return Comparison(DossierNumber(number), None, after)


def test_the_decisions_of_many_dossiers_stay_in_a_file() -> None:
    """They are read one at a time, as often as wanted, also by two readers at once."""
    tracemalloc.start()
    try:
        found = Comparisons(map(comparison, range(COUNT)))
        numbers = [
            (one.numero, other.after.detail[:3]) for one, other in zip(found, found, strict=True)
        ]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(number, f"{number} To"[:3]) for number in range(COUNT)] == numbers
    assert len(found) == COUNT
    assert peak < COUNT * len(DETAIL) / 4
