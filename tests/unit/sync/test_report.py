"""What a run says afterwards."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Comparison, Decision, Verdict
from dsync.errors import DSUnavailableError
from dsync.messages.kinds import Note, Noted
from dsync.store.codes import Kind, Status
from dsync.sync.report import Comparisons, RunReport

NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
DETAIL = "Tout est conforme. " * 1_000
COUNT = 500


def closed(*problems: Note, error: DSUnavailableError | None = None) -> RunReport:
    report = RunReport(Kind.INCREMENTAL, NOW)
    for problem in problems:
        report.problem(Noted(problem))
    if error is not None:
        report.fail(error)
    report.close(NOW)
    return report


def test_a_run_without_a_problem_is_a_success() -> None:
    """Exit 0."""
    report = closed()
    assert (Status.SUCCESS, 0, []) == (report.status, report.exit_code, report.errors)


def test_a_problem_makes_it_partial_and_is_told_once() -> None:
    """Exit 7, one sentence however many dossiers met it."""
    report = closed(Note.NO_RIGHT, Note.NO_RIGHT, Note.READ_ONLY)
    assert (Status.PARTIAL, 7) == (report.status, report.exit_code)
    assert [str(Noted(one)) for one in (Note.NO_RIGHT, Note.READ_ONLY)] == report.errors


def test_a_failure_wins_over_a_problem() -> None:
    """Its exit code is the process's."""
    report = closed(Note.NO_RIGHT, error=DSUnavailableError("DS is down."))
    assert (Status.FAILED, 8, "DS is down.") == (report.status, report.exit_code, report.errors[-1])


def test_the_document_has_the_published_keys_in_order() -> None:
    """Those that scripts read."""
    document = closed().to_json()
    assert [
        *("run", "kind", "status", "started_at", "ended_at", "read", "changed", "deleted"),
        *("evaluated", "verdicts", "pushed", "conflicts", "adopted", "quarantined"),
        *("requests", "errors"),
    ] == list(document)
    assert dict.fromkeys((verdict.key for verdict in Verdict), 0) == document["verdicts"]
    assert "2026-11-24T14:30:00Z" == document["started_at"]


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
