"""What needs attention in a démarche, worked out here once; each surface has its own sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from dsync.domain.check_line import CheckStatus, expiry_line
from dsync.domain.durations import ago, span
from dsync.domain.run_kinds import Kind, Status
from dsync.errors import (
    DSError,
    DSUnauthorizedError,
    DSUnavailableError,
    quotation,
)

CHECK = "check "
"""Beginning of the names of the alerts of `dsync check`; the name of its line follows."""


_LONG_WAIT = timedelta(minutes=5)
"""After this time a request that nothing has executed needs attention."""


class Code(StrEnum):
    """What can need attention; a surface maps each to its sentence, or to None."""

    NO_SUCCESS = "no_success"
    """No run has succeeded yet; since the first service started."""
    LATE = "late"
    """The last success is too old."""
    NO_SERVICE = "no_service"
    SILENT_SERVICE = "silent_service"
    """A service that did not report its end no longer reports."""
    CLOCK_WENT_BACK = "clock_went_back"
    RUN_FAILED = "run_failed"
    """`number` is the run's; no `details` if its process died."""
    DS_AWAY = "ds_away"
    """DS was not available for the last run; `details`: how."""
    TOKEN_REFUSED = "token_refused"  # noqa: S105
    MASS_DELETION = "mass_deletion"
    """DS's own lists hid or erased too many dossiers at once; `details`: of how many."""
    CONSENT = "consent"
    """Something waits for a person's consent; `details`: what `dsync accept` calls it, a table."""
    WAITING = "waiting"
    REFUSED = "refused"
    CONFLICTS = "conflicts"
    QUARANTINED = "quarantined"
    TARGET = "target"
    """The target of the copies of files is not there."""
    ERASURES = "erasures"
    """Erasures are not finished; `number` is that of the copies and requests, `details` say it."""
    REQUESTS = "requests"
    """Requests wait for too long; `number` is theirs."""
    NOT_CONFIGURED = "not_configured"
    """The database has démarches that no file configures any more; `details` are their numbers."""
    EVIDENCE = "evidence"
    """The catalogue has not been confirmed for too long."""
    CHECK = "check"
    """The service's daily `dsync check` has findings; `details` names their lines."""
    TOKEN_EXPIRY = "token_expiry"  # noqa: S105
    """`number` is the days left, negative if it has expired."""


class Concern(NamedTuple):
    """Something that needs attention."""

    code: Code
    number: int = 1
    """How many dossiers, unless its code says otherwise."""
    since: datetime | None = None
    details: tuple[str, ...] = ()

    def age(self, now: datetime) -> timedelta:
        """Return how long it has lasted; below zero for a clock that went back."""
        return now - (self.since or now)

    def fill(self, sentence: str, now: datetime) -> str:
        """Return an English sentence with this concern's facts in place of its `{…}`.

        Args:
            sentence: with placeholders; `{since}` stays.
            now: the present instant, in UTC.
        """
        age = self.age(now)
        return sentence.format(
            since="{since}",
            number=self.number,
            dossiers=f"{self.number} dossier{'s' if self.number > 1 else ''}",
            ago=ago(now - age, now),
            span=span(abs(age)),
            days=age.days,
            left=f"expires in {self.number} days" if self.number >= 0 else "has expired",
            why="; ".join(self.details),
            first=self.details[0] if self.details else "",
            rest="; ".join(self.details[1:]),
            # Reasons are sentences of DS or of the outbox, in French.
            because=f" ({'; '.join(map(quotation, self.details))})" if self.details else "",
        )


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
) -> Iterator[Concern]:
    """Yield what needs attention.

    Args:
        state: of `states_of`.
        now: the present instant, in UTC.
        thresholds: of the démarche.
    """
    last, services, run = state["last_success_at"], state["services"], state["last_run"]
    end = state["last_end"]
    why = tuple(end["messages"][:1]) if end and end["code"] else ()
    if last is None:
        started = min((one["started_at"] for one in services), default=now)
        yield Concern(Code.NO_SUCCESS, since=started, details=why)
    elif now - last > thresholds.late_after:
        yield Concern(Code.LATE, since=last, details=why)
    if not any(one["is_alive"] for one in services):
        yield Concern(Code.NO_SERVICE)
    for one in services:
        if not one["is_alive"]:
            yield Concern(Code.SILENT_SERVICE, since=one["seen_at"], details=(one["holder"],))
    if state["clock_ahead_s"] is not None:
        yield Concern(Code.CLOCK_WENT_BACK, since=now + timedelta(seconds=state["clock_ahead_s"]))
    if run and run["status"] in (Status.FAILED, Status.INTERRUPTED):
        yield Concern(Code.RUN_FAILED, run["run"], details=(run["error"],) if run["error"] else ())
    if end:
        how = tuple(end["messages"][:1])
        if end["code"] == DSUnauthorizedError.exit_code:
            yield Concern(Code.TOKEN_REFUSED, since=end["at"], details=how)
        # Not where one page or dossier timed out.
        if end["code"] == DSError.exit_code and DSUnavailableError.__name__ in end["classes"]:
            yield Concern(Code.DS_AWAY, since=end["at"], details=how)
    if mass := state["mass_deletion"]:
        yield Concern(Code.MASS_DELETION, mass["dossiers"], mass["since"], (str(mass["of"]),))
    for one in state["consents"]:
        details = (one["kind"], one["table"])
        yield Concern(Code.CONSENT, one["dossiers"], one["since"], details)
    for code in (Code.WAITING, Code.REFUSED, Code.CONFLICTS, Code.QUARANTINED):
        # What waits for consent is not sent by a push.
        if (count := state[code]) and not (code is Code.WAITING and state["consents"]):
            yield Concern(code, count, details=tuple(state["reasons"].get(code, ())))
    if state["target_is_missing"]:
        yield Concern(Code.TARGET)
    # During a run they are what it is about to do.
    if not state["lease"] and (unfinished := _unfinished_erasures(state)):
        count = state["copies_to_delete"] + _erasures(state)
        yield Concern(Code.ERASURES, count, details=(unfinished,))
    oldest = min((one["asked_at"] for one in state["requests"]), default=now)
    if now - oldest > _LONG_WAIT:
        yield Concern(Code.REQUESTS, sum(one["count"] for one in state["requests"]), oldest)
    if state["not_configured"]:
        names = tuple(map(str, state["not_configured"]))
        yield Concern(Code.NOT_CONFIGURED, len(names), details=names)
    confirmed, max_age = state["evidence_confirmed_at"], thresholds.evidence_max_age
    if confirmed is not None and max_age is not None and now - confirmed > max_age:
        yield Concern(Code.EVIDENCE, since=confirmed)
    told = [one["name"] for one in state["alerts"] if one["name"].startswith(CHECK)]
    if told:
        names = tuple(name.removeprefix(CHECK) for name in told)
        yield Concern(Code.CHECK, len(names), details=names)
    last_day, today = thresholds.token_expires_on, now.date()
    line = expiry_line(last_day, today)
    if last_day is not None and line.status is CheckStatus.WARNING:
        details = (line.message, str(line.remedy))
        yield Concern(Code.TOKEN_EXPIRY, (last_day - today).days, details=details)


def _unfinished_erasures(state: Mapping[str, Any]) -> str:
    """Return what is left to do of erasures, "" if nothing is."""
    copies, requests = state["copies_to_delete"], _erasures(state)
    return ", ".join(
        f"{count} {noun}{'s' if count > 1 else ''} {what}"
        for count, noun, what in (
            (copies, "file", "to be deleted in the target of copies"),
            (requests, "request", "not executed"),
        )
        if count
    )


def _erasures(state: Mapping[str, Any]) -> int:
    return sum(one["count"] for one in state["requests"] if one["kind"] == Kind.ERASURE)


WARNINGS: Mapping[Code, str | None] = {
    # `dsync status` shows these in lines of their own, without « ! ».
    **dict.fromkeys((Code.NO_SUCCESS, Code.LATE, Code.NO_SERVICE, Code.CHECK, Code.EVIDENCE)),
    # The messages of the last run say these, with what to do.
    **dict.fromkeys((Code.RUN_FAILED, Code.TOKEN_REFUSED, Code.TARGET)),
    Code.DS_AWAY: None,
    Code.SILENT_SERVICE: (
        "The service {why} last reported {ago} and did not report its end: check whether it still "
        "runs, and start it again. If it runs, compare the machines' clocks (NTP)."
    ),
    Code.CLOCK_WENT_BACK: (
        "This machine's clock went back: the last runs are dated up to {span} in the future, which "
        "counts as never. Check the clock (NTP); the next run has a correct date."
    ),
    Code.MASS_DELETION: (
        "DS's own lists hid or erased {dossiers} of {why} at once {ago}, and dsync followed them. "
        "Ask on DS whether that is meant: what is restored there comes back by itself, and `dsync "
        "accept deletions` confirms the rest."
    ),
    Code.CONSENT: (
        "Stopped {ago} until a person consents: {first} ({rest}). `dsync accept {first}` shows "
        "it; correct its cause, or accept it."
    ),
    Code.WAITING: "{dossiers} with annotations that wait{because}: `dsync push` sends them now.",
    Code.REFUSED: (
        "{dossiers} with annotations that DS refused{because}: `dsync check` names what to "
        "correct, then run `dsync push`."
    ),
    Code.CONFLICTS: (
        "{dossiers} with a human's value instead of dsync's: see `dsync conflicts list`."
    ),
    Code.QUARANTINED: "{dossiers} in quarantine: see `dsync quarantine list`.",
    Code.ERASURES: (
        "Erasures are not finished ({why}): `dsync sync` ends them; its messages name what does "
        "not let it."
    ),
    Code.REQUESTS: (
        "Requests asked for by hand wait ({number}), the oldest one since {ago}: `dsync sync` "
        "or a service executes them; `dsync journal` lists them."
    ),
    Code.NOT_CONFIGURED: (
        "The database has démarches that no file of the folder configures any more ({why}): they "
        "are not read, and erasures in DS do not reach them. Put the file back, or remove each "
        "(`dsync forget {first}`)."
    ),
    Code.TOKEN_EXPIRY: "Token: {why}.",
}
"""The sentences of `dsync status` and `/readyz`."""


WORDS: Mapping[Code, str | None] = {
    Code.TOKEN_REFUSED: "token refused",
    Code.MASS_DELETION: "mass deletion",
    Code.CONSENT: "consent: {first}",
    Code.DS_AWAY: "DS is away",
    Code.RUN_FAILED: "last run failed",
    Code.NO_SUCCESS: "never read",
    Code.LATE: "late",
    Code.CLOCK_WENT_BACK: "clock went back",
    Code.ERASURES: "erasures open",
    Code.TARGET: "no target of copies",
    Code.SILENT_SERVICE: "silent service",
    Code.REFUSED: "{number} refused",
    Code.CONFLICTS: "{number} in conflict",
    Code.QUARANTINED: "{number} in quarantine",
    Code.WAITING: "{number} waiting",
    Code.REQUESTS: "{number} requests wait",
    Code.TOKEN_EXPIRY: "token expiry",
    Code.EVIDENCE: "old catalogue",
    Code.CHECK: "findings of check",
    # Not of a démarche: `dsync status` says them of all.
    **dict.fromkeys((Code.NO_SERVICE, Code.NOT_CONFIGURED)),
}
"""What the table of `dsync status` says in a word or two of a démarche, the worst first."""


def words_of(concerns: Iterable[Concern], now: datetime) -> list[tuple[int, str]]:
    """Return the words of `WORDS` for concerns, worst first, each with its rank."""
    ranks = {code: rank for rank, code in enumerate(WORDS)}
    found = sorted(concerns, key=lambda one: ranks[one.code])
    return [(ranks[one.code], one.fill(words, now)) for one in found if (words := WORDS[one.code])]


def warnings_of(concerns: Iterable[Concern], now: datetime) -> list[str]:
    """Return the sentence of each concern that has one in `WARNINGS`, with its remedy."""
    return [one.fill(sentence, now) for one in concerns if (sentence := WARNINGS[one.code])]
