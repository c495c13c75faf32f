"""The state of a démarche in one document, what needs attention, and what waits for consent.

What needs attention is worked out here once; `dsync.messages` has its words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from dsync.domain.consent import GONE, IN_DS, Asked, Consent, Move, Proposal
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import EXPIRY_WARNED_DAYS
from dsync.errors import DSError, DSUnauthorizedError, DSUnavailableError
from dsync.messages import kinds as k
from dsync.store import Reader, Store
from dsync.store.journal import Kind, Status
from dsync.store.services import is_alive, taken_over_in_s
from dsync.store.sight import WHOLE, Sight
from dsync.sync.retention import announcement
from dsync.sync.work import Accept, AcceptEvidence, ReadAll, Work

SILENT_DAYS = 14
"""How long an usager is waited for before the team is told."""
TEAM, NOBODY = "instructeur", "personne"
"""Who can be waited for, as `lecture_suivi` says it."""
CHECK = "check "
"""Beginning of the names of the alerts of `dsync check`; the name of its line follows."""
_LONG_WAIT = timedelta(minutes=5)
"""After this time a request that nothing has executed needs attention."""


class Looked(NamedTuple):
    """A démarche whose state is asked for, with what configuration and settings say about it."""

    demarche: DemarcheNumber
    judges: bool
    """Whether its dossiers are judged; if not, none waits for it."""
    late_after: timedelta
    """Time since the last success after which the next one is late."""
    evidence_max_age: timedelta | None
    """How long evidence may be unconfirmed; None: nothing is judged by it."""
    token_expires_on: date | None
    """The token's last day; None: it is not configured."""
    configured: tuple[int, ...]
    """The démarches of the folder of configuration files; empty: it is one file."""
    ages: Mapping[str, timedelta]
    """Those of `[retention]`; none: what is announced is not looked for."""


def states_of(
    store: Store,
    every: Sequence[Looked],
    now: datetime,
    *,
    counted: bool = True,
    sight: Sight = WHOLE,
) -> dict[DemarcheNumber, dict[str, Any]]:
    """Return the states of some démarches as stored: services, last successes, counts.

    Each kind of fact is read by one statement for all of them. The dossiers of `sight`
    are counted; unless `counted`, the documents have no such numbers. `now` is in UTC.
    """
    numbers = [one.demarche for one in every]
    with store.reading(sight=sight) as reader:
        titles = reader.titles_of(numbers)
        leases = reader.leases(numbers, now)
        services = reader.services(numbers)
        states = reader.state.of(numbers)
        last_runs = reader.journal.last_runs_of(numbers, Kind.FULL.value)
        counts_of = reader.dossiers.counts_of(numbers) if counted else {}
        work_of = reader.open_work_of(numbers)
        told = reader.alerts.told_of(numbers)
        waiting = reader.consents.waiting_of(numbers)
        judging = any(one.judges for one in every)
        confirmed_at = reader.evidence_confirmed_at() if judging else None
        # One démarche says it for all.
        says_it = any(one.configured[:1] == (one.demarche,) for one in every)
        known = reader.known() if says_it else ()
        documents = {}
        for looked in every:
            demarche, judges, configured = looked.demarche, looked.judges, looked.configured
            lease, stored = leases.get(demarche), states[demarche]
            at_work = lease if lease is not None and lease.holder and not lease.is_expired else None
            # What a clock that was ahead has stored counts as never, here as for the schedule.
            state = stored.as_of(now)
            ahead = stored.ahead(now)
            lists: list[Any] = [state.last_pending_at, state.last_deleted_at]
            last_run, ended, full_run = last_runs[demarche]
            counts = counts_of.get(demarche)
            wishes, quarantined, pushes, doomed, requests = work_of[demarche]
            documents[demarche] = {
                "demarche": demarche,
                "title": titles.get(demarche),
                "database": store.place,
                "services": [
                    {**one._asdict(), "is_alive": is_alive(one, lease, now)}
                    for one in services[demarche]
                ],
                "last_success_at": state.last_success_at,
                "last_full_at": state.last_full_at,
                # Of the list that was last read the longest ago.
                "last_deletions_at": None if None in lists else min(lists),
                "watermark": state.watermark,
                "clock_ahead_s": None if ahead is None else int(ahead.total_seconds()),
                "full_read_under_way": state.full_cursor is not None,
                "last_run": last_run and _last_run(dict(last_run)),
                "last_end": ended and _end(ended),
                "last_code": ended and ended["code"],
                "last_full_code": full_run and full_run["code"],
                "last_full_status": full_run and full_run["statut"],
                "dossiers": counts
                and {
                    "presence": counts["presence"],
                    "state": counts["etat"],
                    "verdict": counts["verdict"],
                    "verdict_by_state": counts["verdict_par_etat"],
                    "to_judge": counts["a_evaluer"] if judges else 0,
                },
                "annotations": wishes,
                **{name: push.dossiers for name, push in pushes.items()},
                "waiting_since": pushes["waiting"].since,
                "reasons": {name: list(push.reasons) for name, push in pushes.items()},
                "quarantined": quarantined,
                "mass_deletion": stored.mass_deletion_run
                and {
                    "dossiers": stored.mass_deletion_count,
                    "of": stored.mass_deletion_of,
                    "since": reader.journal.began_at(stored.mass_deletion_run),
                },
                "evidence_confirmed_at": confirmed_at if judges else None,
                "copies_to_delete": doomed,
                "retention": announcement(reader.about(demarche), looked.ages, stored, now),
                "requests": [
                    {"kind": kind, "count": count, "asked_at": oldest}
                    for kind, count, oldest in requests
                ],
                "target_is_missing": bool(ended and (ended["figures"] or {}).get("cible_absente")),
                "not_configured": (
                    [one for one in known if one not in configured]
                    if configured[:1] == (demarche,)
                    else []
                ),
                "consents": [
                    {
                        "kind": one.proposal.kind.word,
                        "since": one.since,
                        "dossiers": one.proposal.dossiers,
                        "table": one.proposal.table,
                    }
                    for one in waiting.get(demarche, ())
                ],
                "alerts": [{"name": name, "since": since} for name, since in told[demarche]],
                "lease": at_work
                and {
                    "holder": at_work.holder,
                    "since": at_work.acquired_at,
                    "expires_at": at_work.expires_at,
                    # Where its holder shows no sign of life.
                    "taken_over_in_s": taken_over_in_s(at_work),
                },
            }
    return documents


def _end(run: dict[str, Any]) -> dict[str, Any]:
    """Return how the last run that ended did."""
    figures = run["figures"] or {}
    return {
        "at": run["fin"] and datetime.fromisoformat(run["fin"]),
        "code": run["code"],
        "classes": sorted(figures.get("erreurs_par_classe", ())),
        "messages": figures.get("messages", []),
        "dits": figures.get("dits", []),
    }


def _last_run(run: dict[str, Any]) -> dict[str, Any]:
    figures = run.pop("figures") or {}
    return run | {"messages": figures.get("messages", [])}


def waiting(reader: Reader, evidence: Mapping[str, Any] | None) -> list[Asked]:
    """Return what waits, the oldest first; without `Worker.evidence`, nothing is judged."""
    found = [one for one in reader.consents.all() if one.given_at is None]
    # These two are followed, or replaced by the last good copy, whatever a person says; they are
    # stored where they are used.
    catalogue = (evidence or {}).get("catalogue") or {}
    if catalogue.get("refused_since"):
        said = str(catalogue.get("error") or "")
        proposal = Proposal(Consent.EVIDENCE, (), detail=said)
        found.append(Asked(proposal, proposal.version, catalogue["refused_since"], None))
    state = reader.state.read()
    if state.mass_deletion_run is not None:
        moves = (Move("dossier", IN_DS, GONE, state.mass_deletion_count or 0),)
        proposal = Proposal(Consent.DELETIONS, moves, of=state.mass_deletion_of or 0)
        since = reader.journal.began_at(state.mass_deletion_run)
        if since is not None and not any(one.proposal.kind is Consent.DELETIONS for one in found):
            found.append(Asked(proposal, proposal.version, since, None))
    return sorted(found, key=lambda one: one.since)


def work_of(asked: Asked) -> Work:
    """Return what a consent to this has done."""
    match asked.proposal.kind:
        case Consent.EVIDENCE:
            return AcceptEvidence()
        case Consent.DELETIONS if not asked.proposal.subjects:
            return ReadAll(accept_deletions=True)
        case kind:
            return Accept(kind, asked.version)


def concerns_of(state: Mapping[str, Any], now: datetime, looked: Looked) -> Iterator[k.Concern]:
    """Yield what needs attention by a state of `states_of`; `now`: in UTC."""
    last, services, run = state["last_success_at"], state["services"], state["last_run"]
    end = state["last_end"]
    how = next(iter(end["messages"]), "") if end else ""
    why = how if end and end["code"] else None
    if last is None:
        started = min((one["started_at"] for one in services), default=now)
        yield k.NoSuccess(started, why)
    elif now - last > looked.late_after:
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
    confirmed, max_age = state["evidence_confirmed_at"], looked.evidence_max_age
    if confirmed is not None and max_age is not None and now - confirmed > max_age:
        yield k.OldEvidence(confirmed)
    told = [one["name"] for one in state["alerts"] if one["name"].startswith(CHECK)]
    if told:
        yield k.Findings(tuple(name.removeprefix(CHECK) for name in told))
    last_day = looked.token_expires_on
    if last_day is not None and (days := (last_day - now.date()).days) <= EXPIRY_WARNED_DAYS:
        yield k.TokenExpiry(last_day, days)
