"""What needs attention, and that each surface decides what to say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dsync.care.concerns import WARNINGS, Code, Thresholds, concerns_of
from dsync.console.etat import POINTS
from dsync.service.alerts import ALERTS, TOLD

NOW = datetime(2024, 6, 10, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SERVICE = {"holder": "one", "is_alive": True, "started_at": NOW - HOUR, "seen_at": NOW}
WELL: Mapping[str, Any] = {
    "last_success_at": NOW - HOUR,
    "services": [SERVICE],
    "clock_ahead_s": None,
    "last_run": {"run": 3, "status": "success", "error": None},
    "last_end": {"at": NOW - HOUR, "code": 0, "classes": [], "messages": []},
    "last_code": 0,
    "consents": [],
    "reasons": {},
    "evidence_confirmed_at": NOW - HOUR,
    "alerts": [],
    "lease": None,
    "copies_to_delete": 0,
    "requests": [],
    "target_is_missing": False,
    "not_configured": [],
    "mass_deletion": None,
    **dict.fromkeys(("waiting", "refused", "conflicts", "quarantined"), 0),
}


def ended(code: int, of_class: str) -> dict[str, Any]:
    """Return how the last run failed."""
    return {"at": NOW, "code": code, "classes": [of_class], "messages": ["why"]}


STOPPED = {
    "kind": "rules",
    "since": NOW - HOUR,
    "dossiers": 12,
    "table": "Éligible → À vérifier: 12",
}
THRESHOLDS = Thresholds(HOUR, HOUR, NOW.date() + timedelta(days=31))


@pytest.mark.parametrize("sentences", [WARNINGS, TOLD, POINTS], ids=["warnings", "alerts", "page"])
def test_each_surface_decides_on_each_concern(sentences: Mapping[Code, object]) -> None:
    """A sentence, or None where it says nothing: add the new code to the mapping."""
    assert set(Code) == set(sentences)


def test_each_alert_that_is_told_is_documented() -> None:
    """Each documented one is told of some concern; others of `dsync check` and the process."""
    told = {alert.name.replace("{first}", "…") for alert in TOLD.values() if alert is not None}
    assert told | {"check …", "configuration", "database"} == ALERTS.keys()


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, []),
        ({"last_success_at": NOW - HOUR - timedelta(seconds=1)}, ["late"]),
        ({"last_success_at": None}, ["no_success"]),
        ({"services": []}, ["no_service"]),
        ({"services": [SERVICE, SERVICE | {"is_alive": False}]}, ["silent_service"]),
        ({"clock_ahead_s": 0}, ["clock_went_back"]),
        ({"last_run": {"run": 3, "status": "interrupted", "error": None}}, ["run_failed"]),
        ({"last_end": ended(3, "DSUnauthorizedError")}, ["token_refused"]),
        ({"last_end": ended(8, "DSUnavailableError")}, ["ds_away"]),
        ({"last_end": ended(8, "DSTimeoutError")}, []),  # Of one page or dossier.
        ({"consents": [STOPPED, STOPPED | {"kind": "writer"}]}, ["consent", "consent"]),
        ({"mass_deletion": {"dossiers": 7, "of": 9, "since": NOW}}, ["mass_deletion"]),
        ({"waiting": 2, "conflicts": 1}, ["waiting", "conflicts"]),
        ({"refused": 1, "quarantined": 1}, ["refused", "quarantined"]),
        ({"evidence_confirmed_at": NOW - 2 * HOUR}, ["evidence"]),
        ({"target_is_missing": True, "copies_to_delete": 2}, ["target", "erasures"]),
        ({"lease": {"holder": "one"}, "copies_to_delete": 2}, []),
        (
            {"requests": [{"kind": "complet", "count": 1, "asked_at": NOW - timedelta(minutes=5)}]},
            [],
        ),
        (
            {"requests": [{"kind": "effacement", "count": 1, "asked_at": NOW - HOUR}]},
            ["erasures", "requests"],
        ),
        ({"not_configured": [7]}, ["not_configured"]),
        ({"alerts": [{"name": "check labels"}, {"name": "consent rules"}]}, ["check"]),
    ],
)
def test_a_concern_begins_at_its_threshold(change: dict[str, Any], codes: list[str]) -> None:
    """Nothing is one while all is well."""
    assert codes == [one.code for one in concerns_of({**WELL, **change}, NOW, THRESHOLDS)]


@pytest.mark.parametrize(("last_day", "left"), [(date(2024, 7, 10), 30), (date(2024, 6, 9), -1)])
def test_the_tokens_expiry_is_a_concern_thirty_days_before(last_day: date, left: int) -> None:
    """And once it has expired."""
    found = concerns_of(WELL, NOW, THRESHOLDS._replace(token_expires_on=last_day))
    assert [(Code.TOKEN_EXPIRY, left)] == [(one.code, one.number) for one in found]
