"""The state of a démarche, what needs attention, and what waits for consent.

What needs attention is worked out here once; `dsync.messages` has its words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from dsync.domain.consent import GONE, IN_DS, Asked, Consent, Move, Proposal
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import EXPIRY_WARNED_DAYS
from dsync.errors import (
    DSError,
    DSUnauthorizedError,
    DSUnavailableError,
    DSWrongAddressError,
)
from dsync.messages import kinds as k
from dsync.store import Reader, Store
from dsync.store.codes import Kind, Status
from dsync.store.lease import LeaseInfo
from dsync.store.listing import Document
from dsync.store.reader import OpenWork
from dsync.store.services import RunningService, is_alive, taken_over_in_s
from dsync.store.sight import WHOLE, Sight
from dsync.store.sync_state import SyncState
from dsync.sync.retention import announcement
from dsync.sync.work import Accept, AcceptEvidence, ReadAll, Work

SILENT_DAYS = 14
"""How long an usager is waited for before the team is told."""
TEAM = "instructeur"
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


class End(NamedTuple):
    """How the last run that ended did."""

    at: datetime
    code: int
    classes: Sequence[str] = ()
    """Of the errors."""
    messages: Sequence[str] = ()
    dits: Sequence[Any] = ()
    """The messages as stored, for `of_stored`."""
    target_is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state of a démarche as stored; instants are in UTC."""

    demarche: DemarcheNumber
    title: str | None
    database: str
    services: Sequence[RunningService]
    alive: Collection[RunningService]
    """Those of them that work."""
    sync: SyncState
    """What a clock that was ahead has stored counts as never, here as for the schedule."""
    clock_ahead: timedelta | None
    last_run: Document | None
    """The last that asks DS: what others do on the copy does not say that DS is back."""
    last_end: End | None
    full_run: Document | None
    """The last full read that ended."""
    dossiers: Document
    """Their counts, as `counts_of`; empty: they were not asked for."""
    work: OpenWork
    mass_deletion: k.MassDeletion | None
    evidence_confirmed_at: datetime | None
    retention: Mapping[str, Any] | None
    """As `announcement`."""
    not_configured: Sequence[int]
    """Stored démarches without a file; of the first démarche of a folder alone."""
    grist_left: Sequence[str]
    """Views whose tables in Grist are kept no more."""
    consents: Sequence[Asked]
    """What waits for one."""
    alerts: Sequence[tuple[str, datetime]]
    """Those that were told and last, with their beginning."""
    lease: LeaseInfo | None
    """That of the process which is at work; None: none is."""

    @property
    def last_deletions_at(self) -> datetime | None:
        """When the list that was last read the longest ago was read."""
        hidden_at, erased_at = self.sync.last_pending_at, self.sync.last_deleted_at
        return min(hidden_at, erased_at) if hidden_at and erased_at else None

    @property
    def next_run_at(self) -> datetime | None:
        """When the next run is due; None: no service works."""
        return min((one.next_run_at for one in self.alive), default=None)

    @property
    def taken_over_in_s(self) -> int | None:
        """In how many seconds another process may go on; None: that at work shows signs of life."""
        return taken_over_in_s(self.lease) if self.lease else None

    def open(self, name: str) -> int:
        """Return how many dossiers have wishes that are `waiting`, `refused` or `conflicts`."""
        return self.work.pushes[name].dossiers


def states_of(
    store: Store,
    every: Sequence[Looked],
    now: datetime,
    *,
    counted: bool = True,
    sight: Sight = WHOLE,
) -> dict[DemarcheNumber, State]:
    """Return the states of some démarches as stored: services, last successes, counts.

    Each kind of fact is read by one statement for all of them. The dossiers of `sight`
    are counted, unless not `counted`. `now` is in UTC.
    """
    numbers = [one.demarche for one in every]
    with store.reading(sight=sight) as reader:
        titles = reader.titles_of(numbers)
        leases = reader.leases(numbers, now)
        services = reader.services(numbers)
        stored = reader.state.of(numbers)
        last_runs = reader.journal.last_runs_of(numbers, Kind.FULL.value)
        counts_of = reader.dossiers.counts_of(numbers) if counted else {}
        work_of = reader.open_work_of(numbers)
        told = reader.alerts.told_of(numbers)
        waiting = reader.consents.waiting_of(numbers)
        grist_left = reader.grist.left_of(numbers)
        judging = any(one.judges for one in every)
        confirmed_at = reader.evidence_confirmed_at() if judging else None
        # One démarche says it for all.
        says_it = any(one.configured[:1] == (one.demarche,) for one in every)
        known = reader.known() if says_it else ()

        def state_of(looked: Looked) -> State:
            demarche, configured = looked.demarche, looked.configured
            lease, sync = leases.get(demarche), stored[demarche]
            is_held = lease is not None and lease.holder and not lease.is_expired
            last_run, ended, full_run = last_runs[demarche]
            counts = counts_of.get(demarche, {})
            return State(
                demarche=demarche,
                title=titles.get(demarche),
                database=store.place,
                services=services[demarche],
                alive=[one for one in services[demarche] if is_alive(one, lease, now)],
                sync=sync.as_of(now),
                clock_ahead=sync.ahead(now),
                last_run=last_run,
                last_end=_end(ended) if ended else None,
                full_run=full_run,
                dossiers=counts if looked.judges or not counts else counts | {"a_evaluer": 0},
                work=work_of[demarche],
                mass_deletion=_mass_deletion(reader, sync),
                evidence_confirmed_at=confirmed_at if looked.judges else None,
                retention=announcement(reader.about(demarche), looked.ages, sync, now),
                not_configured=[one for one in known if one not in configured]
                if configured[:1] == (demarche,)
                else (),
                grist_left=grist_left.get(demarche, ()),
                consents=waiting.get(demarche, ()),
                alerts=told[demarche],
                lease=lease if is_held else None,
            )

        return {one.demarche: state_of(one) for one in every}


def _end(run: Document) -> End:
    figures = run["figures"] or {}
    return End(
        datetime.fromisoformat(run["fin"]),
        run["code"],
        sorted(figures.get("erreurs_par_classe", ())),
        messages_of(run),
        figures.get("dits", ()),
        bool(figures.get("cible_absente")),
    )


def messages_of(run: Document) -> Sequence[str]:
    """Return the messages of a run of the journal."""
    found: Sequence[str] = (run["figures"] or {}).get("messages", [])
    return found


def _mass_deletion(reader: Reader, sync: SyncState) -> k.MassDeletion | None:
    if sync.mass_deletion_run is None:
        return None
    since = reader.journal.began_at(sync.mass_deletion_run)
    return k.MassDeletion(sync.mass_deletion_count or 0, sync.mass_deletion_of or 0, since)


def waiting(reader: Reader, evidence: Mapping[str, Any] | None) -> list[Asked]:
    """Return what waits, the oldest first; without `Worker.evidence`, nothing is judged."""
    found = [
        one._replace(sample=reader.outbox.waiting_detail()) if one.proposal.is_first_write else one
        for one in reader.consents.all()
        if one.given_at is None
    ]
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


def concerns_of(state: State, now: datetime, looked: Looked) -> Iterator[k.Concern]:
    """Yield what needs attention by a state; `now`: in UTC."""
    last, run, end = state.sync.last_success_at, state.last_run, state.last_end
    how = next(iter(end.messages), "") if end else ""
    why = how if end and end.code else None
    if last is None:
        started = min((one.started_at for one in state.services), default=now)
        yield k.NoSuccess(started, why)
    elif now - last > looked.late_after:
        yield k.Late(last, why)
    if not state.alive:
        yield k.NoService()
    for one in state.services:
        if one not in state.alive:
            yield k.SilentService(one.holder, one.seen_at)
    if state.clock_ahead is not None:
        yield k.ClockWentBack(now + state.clock_ahead)
    if run and run["statut"] in (Status.FAILED, Status.INTERRUPTED):
        yield k.RunFailed(run["run"], run["erreur"])
    if end:
        if end.code == DSUnauthorizedError.exit_code:
            is_of_one = any(
                isinstance(one, k.DSFailed) and one.fault is k.Fault.OUT_OF_SCOPE
                for one in map(k.of_stored, end.dits)
            )
            yield k.TokenRefused(end.at, how, not is_of_one)
        # Not where one page or dossier timed out.
        is_away = end.code == DSError.exit_code and DSUnavailableError.__name__ in end.classes
        # Such as a page of some other server at the address of DS.
        if is_away or (end.code and DSWrongAddressError.__name__ in end.classes):
            yield k.DSAway(end.at, how)
    if state.mass_deletion:
        yield state.mass_deletion
    for asked in state.consents:
        yield k.Stopped(asked.proposal.kind.word, asked.since, asked.proposal.table)
    # What waits for consent is not sent by a push.
    if (count := state.open("waiting")) and not state.consents:
        yield k.WaitingWrites(count, state.work.pushes["waiting"].reasons)
    if count := state.open("refused"):
        yield k.Refused(count, state.work.pushes["refused"].reasons)
    if count := state.open("conflicts"):
        yield k.Conflicts(count)
    if count := state.work.contradicted:
        yield k.Contradicted(count)
    if count := state.work.quarantined:
        yield k.InQuarantine(count)
    if end and end.target_is_missing:
        yield k.NoTarget()
    files, requests = state.work.doomed, state.work.requests
    erasures = sum(count for kind, count, _ in requests if kind == Kind.ERASURE)
    # During a run they are what it is about to do.
    if not state.lease and (files or erasures):
        yield k.UnfinishedErasures(files, erasures)
    oldest = min((at for *_, at in requests), default=now)
    if now - oldest > _LONG_WAIT:
        yield k.WaitingRequests(sum(count for _, count, _ in requests), oldest)
    if state.grist_left:
        yield k.GristLeft(tuple(state.grist_left))
    if state.not_configured:
        yield k.NotConfigured(tuple(state.not_configured))
    confirmed, max_age = state.evidence_confirmed_at, looked.evidence_max_age
    if confirmed is not None and max_age is not None and now - confirmed > max_age:
        yield k.OldEvidence(confirmed)
    checks = [name.removeprefix(CHECK) for name, _ in state.alerts if name.startswith(CHECK)]
    if checks:
        yield k.Findings(tuple(checks))
    last_day = looked.token_expires_on
    if last_day is not None and (days := (last_day - now.date()).days) <= EXPIRY_WARNED_DAYS:
        yield k.TokenExpiry(last_day, days)
