"""What needs attention in a démarche, worked out here once; `dsync.messages` has its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from dsync.domain.remedies import EXPIRY_WARNED_DAYS
from dsync.domain.run_kinds import Kind, Status
from dsync.errors import DSError, DSUnauthorizedError, DSUnavailableError
from dsync.messages import kinds as k

CHECK = "check "
"""Beginning of the names of the alerts of `dsync check`; the name of its line follows."""


_LONG_WAIT = timedelta(minutes=5)
"""After this time a request that nothing has executed needs attention."""


class Thresholds(NamedTuple):
    """From when on the configuration and the settings have something count as a concern."""

    late_after: timedelta
    """Time since the last success."""
    evidence_max_age: timedelta | None
    """Time since the catalogue was confirmed; None: nothing is judged."""
    token_expires_on: date | None
    """The token's last day; None: it is not configured."""


def concerns_of(
    state: Mapping[str, Any], now: datetime, thresholds: Thresholds
) -> Iterator[k.Concern]:
    """Yield what needs attention by a state of `states_of`; `now`: in UTC."""
    last, services, run = state["last_success_at"], state["services"], state["last_run"]
    end = state["last_end"]
    how = next(iter(end["messages"]), "") if end else ""
    why = how if end and end["code"] else None
    if last is None:
        started = min((one["started_at"] for one in services), default=now)
        yield k.NoSuccess(started, why)
    elif now - last > thresholds.late_after:
        yield k.Late(last, why)
    if not any(one["is_alive"] for one in services):
        yield k.NoService()
    for one in services:
        if not one["is_alive"]:
            yield k.SilentService(one["holder"], one["seen_at"])
    if state["clock_ahead_s"] is not None:
        yield k.ClockWentBack(now + timedelta(seconds=state["clock_ahead_s"]))
    if run and run["statut"] in (Status.FAILED, Status.INTERRUPTED):
        yield k.RunFailed(run["run"], run["erreur"])
    if end:
        if end["code"] == DSUnauthorizedError.exit_code:
            is_of_one = any(
                isinstance(one, k.DSFailed) and one.fault is k.Fault.OUT_OF_SCOPE
                for one in map(k.of_stored, end["dits"])
            )
            yield k.TokenRefused(end["at"], how, not is_of_one)
        # Not where one page or dossier timed out.
        if end["code"] == DSError.exit_code and DSUnavailableError.__name__ in end["classes"]:
            yield k.DSAway(end["at"], how)
    if mass := state["mass_deletion"]:
        yield k.MassDeletion(mass["dossiers"], mass["of"], mass["since"])
    for one in state["consents"]:
        yield k.Stopped(one["kind"], one["since"], one["table"])
    reasons = state["reasons"]
    # What waits for consent is not sent by a push.
    if (count := state["waiting"]) and not state["consents"]:
        yield k.WaitingWrites(count, tuple(reasons.get("waiting", ())))
    if count := state["refused"]:
        yield k.Refused(count, tuple(reasons.get("refused", ())))
    if count := state["conflicts"]:
        yield k.Conflicts(count)
    if count := state["quarantined"]:
        yield k.InQuarantine(count)
    if state["target_is_missing"]:
        yield k.NoTarget()
    files = state["copies_to_delete"]
    erasures = sum(one["count"] for one in state["requests"] if one["kind"] == Kind.ERASURE)
    # During a run they are what it is about to do.
    if not state["lease"] and (files or erasures):
        yield k.UnfinishedErasures(files, erasures)
    oldest = min((one["asked_at"] for one in state["requests"]), default=now)
    if now - oldest > _LONG_WAIT:
        yield k.WaitingRequests(sum(one["count"] for one in state["requests"]), oldest)
    if state["not_configured"]:
        yield k.NotConfigured(tuple(state["not_configured"]))
    confirmed, max_age = state["evidence_confirmed_at"], thresholds.evidence_max_age
    if confirmed is not None and max_age is not None and now - confirmed > max_age:
        yield k.OldEvidence(confirmed)
    told = [one["name"] for one in state["alerts"] if one["name"].startswith(CHECK)]
    if told:
        yield k.Findings(tuple(name.removeprefix(CHECK) for name in told))
    last_day = thresholds.token_expires_on
    if last_day is not None and (days := (last_day - now.date()).days) <= EXPIRY_WARNED_DAYS:
        yield k.TokenExpiry(last_day, days)
