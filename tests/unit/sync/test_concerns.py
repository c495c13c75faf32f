"""What needs attention, and from when on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dsync.care.state import End, Looked, State, concerns_of
from dsync.domain.consent import Asked, Consent, Proposal
from dsync.domain.ids import DemarcheNumber
from dsync.messages import kinds as k
from dsync.store.lease import LeaseInfo
from dsync.store.reader import OpenPushes, OpenWork
from dsync.store.services import RunningService
from dsync.store.sync_state import SyncState

NOW = datetime(2024, 6, 10, 8, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SERVICE = RunningService("one", "1", NOW - HOUR, NOW, NOW)
PUSHES = {name: OpenPushes(0, (), None) for name in ("waiting", "refused", "conflicts")}
WORK = OpenWork({}, 0, PUSHES, 0, ())
RUN = {"run": 3, "statut": "success", "erreur": None}
WELL = State(
    demarche=DemarcheNumber(7),
    title=None,
    database="",
    services=[SERVICE],
    alive=[SERVICE],
    sync=SyncState(last_success_at=NOW - HOUR),
    clock_ahead=None,
    last_run=RUN,
    last_end=End(NOW - HOUR, 0),
    full_run=None,
    dossiers={},
    work=WORK,
    mass_deletion=None,
    evidence_confirmed_at=NOW - HOUR,
    retention=None,
    not_configured=(),
    grist_left=(),
    consents=(),
    alerts=(),
    lease=None,
)
LEASE = LeaseInfo("one", NOW, NOW + HOUR, False, HOUR)
LOOKED = Looked(DemarcheNumber(7), True, HOUR, HOUR, NOW.date() + timedelta(days=31), (), {})


def ended(code: int, of_class: str) -> dict[str, Any]:
    """Return how the last run failed."""
    return {"last_end": End(NOW, code, [of_class], ["why"])}


def stopped(*kinds: Consent) -> dict[str, Any]:
    """Return what waits for consent."""
    return {"consents": [Asked(Proposal(kind, ()), "", NOW - HOUR, None) for kind in kinds]}


def work(doomed: int = 0, quarantined: int = 0, **dossiers: int) -> dict[str, Any]:
    """Return what is not done: copies to delete, dossiers in quarantine and with open wishes."""
    pushes = PUSHES | {name: OpenPushes(count, (), NOW) for name, count in dossiers.items()}
    return {"work": OpenWork({}, quarantined, pushes, doomed, ())}


def asked(kind: str, ago: timedelta) -> dict[str, Any]:
    """Return a request that is not done."""
    return {"work": WORK._replace(requests=[(kind, 1, NOW - ago)])}


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, []),
        ({"sync": SyncState(last_success_at=NOW - HOUR - SECOND)}, [k.Late]),
        ({"sync": SyncState()}, [k.NoSuccess]),
        ({"services": [], "alive": []}, [k.NoService]),
        ({"services": [SERVICE, SERVICE._replace(holder="two")]}, [k.SilentService]),
        ({"clock_ahead": timedelta()}, [k.ClockWentBack]),
        ({"last_run": RUN | {"statut": "interrupted"}}, [k.RunFailed]),
        (ended(3, "DSUnauthorizedError"), [k.TokenRefused]),
        (ended(8, "DSUnavailableError"), [k.DSAway]),
        (ended(8, "DSTimeoutError"), []),  # Of one page or dossier.
        (stopped(Consent.RULES, Consent.WRITER), [k.Stopped, k.Stopped]),
        ({"mass_deletion": k.MassDeletion(7, 9, NOW)}, [k.MassDeletion]),
        (work(waiting=2, conflicts=1), [k.WaitingWrites, k.Conflicts]),
        (work(refused=1, quarantined=1), [k.Refused, k.InQuarantine]),
        ({"work": WORK._replace(contradicted=1)}, [k.Contradicted]),
        ({"evidence_confirmed_at": NOW - 2 * HOUR}, [k.OldEvidence]),
        (
            {"last_end": End(NOW, 0, target_is_missing=True), **work(doomed=2)},
            [k.NoTarget, k.UnfinishedErasures],
        ),
        ({"lease": LEASE, **work(doomed=2)}, []),
        (asked("complet", timedelta(minutes=5)), []),
        (asked("effacement", HOUR), [k.UnfinishedErasures, k.WaitingRequests]),
        ({"not_configured": [7]}, [k.NotConfigured]),
        ({"grist_left": ["lecture_voeu"]}, [k.GristLeft]),
        ({"alerts": [("check labels", NOW), ("consent rules", NOW)]}, [k.Findings]),
    ],
)
def test_a_concern_begins_at_its_threshold(change: dict[str, Any], kinds: list[type]) -> None:
    """Nothing is one while all is well."""
    assert kinds == [type(one) for one in concerns_of(replace(WELL, **change), NOW, LOOKED)]


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
    end = End(NOW, 3, ["DSUnauthorizedError"], [str(said)], k.to_stored([said]))
    found = concerns_of(replace(WELL, last_end=end), NOW, LOOKED)
    assert [k.TokenRefused(NOW, str(said), is_of_all)] == list(found)
