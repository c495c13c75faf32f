"""What needs attention, and from when on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dsync.care.state import Looked, concerns_of
from dsync.domain.ids import DemarcheNumber
from dsync.messages import kinds as k

NOW = datetime(2024, 6, 10, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
SERVICE = {"holder": "one", "is_alive": True, "started_at": NOW - HOUR, "seen_at": NOW}
WELL: Mapping[str, Any] = {
    "last_success_at": NOW - HOUR,
    "services": [SERVICE],
    "clock_ahead_s": None,
    "last_run": {"run": 3, "statut": "success", "erreur": None},
    "last_end": {"at": NOW - HOUR, "code": 0, "classes": [], "messages": [], "dits": []},
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
    return {"at": NOW, "code": code, "classes": [of_class], "messages": ["why"], "dits": []}


STOPPED = {
    "kind": "rules",
    "since": NOW - HOUR,
    "dossiers": 12,
    "table": "Éligible → À vérifier: 12",
}
LOOKED = Looked(DemarcheNumber(7), True, HOUR, HOUR, NOW.date() + timedelta(days=31), (), {})


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"last_success_at": NOW - HOUR - timedelta(seconds=1)}, [k.Late]),
        ({"last_success_at": None}, [k.NoSuccess]),
        ({"services": []}, [k.NoService]),
        ({"services": [SERVICE, SERVICE | {"is_alive": False}]}, [k.SilentService]),
        ({"clock_ahead_s": 0}, [k.ClockWentBack]),
        ({"last_run": {"run": 3, "statut": "interrupted", "erreur": None}}, [k.RunFailed]),
        ({"last_end": ended(3, "DSUnauthorizedError")}, [k.TokenRefused]),
        ({"last_end": ended(8, "DSUnavailableError")}, [k.DSAway]),
        ({"last_end": ended(8, "DSTimeoutError")}, []),  # Of one page or dossier.
        ({"consents": [STOPPED, STOPPED | {"kind": "writer"}]}, [k.Stopped, k.Stopped]),
        ({"mass_deletion": {"dossiers": 7, "of": 9, "since": NOW}}, [k.MassDeletion]),
        ({"waiting": 2, "conflicts": 1}, [k.WaitingWrites, k.Conflicts]),
        ({"refused": 1, "quarantined": 1}, [k.Refused, k.InQuarantine]),
        ({"evidence_confirmed_at": NOW - 2 * HOUR}, [k.OldEvidence]),
        ({"target_is_missing": True, "copies_to_delete": 2}, [k.NoTarget, k.UnfinishedErasures]),
        ({"lease": {"holder": "one"}, "copies_to_delete": 2}, []),
        ({"requests": [{"kind": "complet", "count": 1, "asked_at": NOW - timedelta(minutes=5)}]},
         []),
        ({"requests": [{"kind": "effacement", "count": 1, "asked_at": NOW - HOUR}]},
         [k.UnfinishedErasures, k.WaitingRequests]),
        ({"not_configured": [7]}, [k.NotConfigured]),
        ({"alerts": [{"name": "check labels"}, {"name": "consent rules"}]}, [k.Findings]),
    ],
)  # fmt: skip
def test_a_concern_begins_at_its_threshold(change: dict[str, Any], kinds: list[type]) -> None:
    """Nothing is one while all is well."""
    assert kinds == [type(one) for one in concerns_of({**WELL, **change}, NOW, LOOKED)]


@pytest.mark.parametrize(("last_day", "left"), [(date(2024, 7, 10), 30), (date(2024, 6, 9), -1)])
def test_the_tokens_expiry_is_a_concern_thirty_days_before(last_day: date, left: int) -> None:
    """And once it has expired."""
    found = concerns_of(WELL, NOW, LOOKED._replace(token_expires_on=last_day))
    assert [k.TokenExpiry(last_day, left)] == list(found)


@pytest.mark.parametrize(
    ("fault", "is_of_all"), [(k.Fault.OUT_OF_SCOPE, False), (k.Fault.TOKEN_EXPIRED, True)]
)
def test_a_token_is_refused_for_all_unless_one_demarche_is_out_of_its_scope(
    fault: k.Fault, *, is_of_all: bool
) -> None:
    """By the fault, whatever numbers the sentence has."""
    said = k.DSFailed(fault, k.Requested(k.Thing.DEMARCHE, 12))
    end = {**ended(3, "DSUnauthorizedError"), "messages": [str(said)], "dits": k.to_stored([said])}
    found = concerns_of({**WELL, "last_end": end}, NOW, LOOKED)
    assert [k.TokenRefused(NOW, str(said), is_of_all)] == list(found)
