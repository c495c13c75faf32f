"""The platform of September 2026: its limits, its new hands on a dossier, its new types."""

from __future__ import annotations

import pytest

from tests.engine.oracle import check_annotations, check_copy
from tests.engine.rig import Engine

# --- limits on queries ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "complexity", [1500, 920], ids=["for a smaller page", "for a page with both lists"]
)
def test_a_page_that_is_too_complex_is_asked_smaller(engine: Engine, complexity: int) -> None:
    """DS refuses the query before it runs it: less is asked, every dossier comes."""
    engine.control.limit_queries(complexity=complexity)
    report = engine.sync(push=False)
    assert (0, 12) == (report.exit_code, report.read)
    check_copy(engine)


@pytest.mark.parametrize(
    "limit", [{"complexity": 60}, {"tokens": 500}], ids=["complexity", "tokens"]
)
def test_a_push_that_is_too_large_is_halved(engine: Engine, limit: dict[str, int]) -> None:
    """The reading before a push and the push itself: the batch adapts, everything arrives."""
    engine.sync(push=False)
    engine.control.limit_queries(**limit)
    report = engine.worker.app.push()
    assert (0, 10) == (report.exit_code, report.pushed)
    check_annotations(engine)


def test_a_limit_that_no_page_keeps_is_not_taken_for_a_dossiers_fault(engine: Engine) -> None:
    """Not one dossier can be asked for: the run ends with the remedy, none is quarantined."""
    engine.control.limit_queries(complexity=100)
    report = engine.sync()
    assert (8, {}) == (report.exit_code, engine.quarantine())
    assert "Upgrade dsync" in report.errors[0]
