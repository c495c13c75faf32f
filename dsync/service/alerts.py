"""Tells operators what needs them: one message a cause when it begins and one when it is over.

What is told is known in this process, so that a lost database and a full disk are told, too. With a
database it is also stored there: restarts repeat nothing, and of several services one tells it.
"""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

import structlog

from dsync.care.prerequisites import crash_line
from dsync.care.state import CHECK, End, State, concerns_of, states_of
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import EXPIRY_WARNED_DAYS, CheckLine, CheckStatus
from dsync.errors import (
    DSError,
    DSUnauthorizedError,
    DsyncError,
    LeaseHeldError,
    StoreError,
)
from dsync.messages import english
from dsync.messages import kinds as k
from dsync.service.causes import (
    CONFIGURATION,
    DATABASE,
    DS,
    NO_SUCCESS,
    NOT_CONFIGURED,
    AlertFinding,
    AlertMessage,
    Severity,
    decide,
)
from dsync.service.telling import Tell
from dsync.store.store import process_name
from dsync.store.told import AlertBook, AlertEntry, AlertKey
from dsync.sync.context import digest

if TYPE_CHECKING:
    from dsync.wiring import Worker

log = structlog.get_logger(__name__)

_CHECK_EVERY_S = 24 * 3600.0
_CHECK_AGAIN_S = 15 * 60.0
"""Time after which a check is repeated that did not reach DS."""
_CHECKS_AT_ONCE = 4
"""Each has connections of its own to DS and to the database."""
_WATCH_S = 60.0
TOKEN_REFUSED, _OF_ALL = "token_refused", "all"
# Exit codes of the lines of a check that says nothing of the démarche: DS was not read.
UNREACHABLE, REFUSED = DSError.exit_code, DSUnauthorizedError.exit_code

ALERTS = {
    DATABASE: "The database is lost, or its disk is full. Told without it, so by each service.",
    CONFIGURATION: "A file of the configuration is wrong: its démarche is not served.",
    DS: "DS is not available, or its address is wrong: told once it has lasted five minutes.",
    NO_SUCCESS: "No run has succeeded for `[advanced] late_after`, for another cause.",
    TOKEN_REFUSED: "DS refuses the token: one message for all démarches that have it.",
    "token_expiry": f"The token expires within {EXPIRY_WARNED_DAYS} days, or has expired.",
    "mass_deletion": "DS's own lists hid or erased too many dossiers at once; they are followed.",
    "consent …": "A safety brake stopped this, until its cause is gone or a person consents.",
    "refused": "DS refused annotations.",
    "conflicts": "Human values stand where dsync wants to write.",
    "contradicted": "Today's catalogue would not exclude dossiers that their evidence excludes.",
    "quarantine": "Dossiers cannot be read or judged; told again each time their number doubles.",
    "grist_tables": "Tables in Grist were deleted or changed, and are kept no more.",
    "pieces_target": "The target of the copies of files is not there: `[pieces] target`.",
    "erasures": "Erasures are not finished: copies of files, or requests that nothing executed.",
    NOT_CONFIGURED: "The database has démarches that the folder no longer configures.",
    "evidence": "The catalogue has not been confirmed for 14 days.",
    "check …": (
        "`dsync check`, at the start and daily, has a warning or an error of this name, such as a "
        "missing label. Told again when it says something else."
    ),
}
"""Meaning of each alert; docs/operate/alerts.md lists them."""


class Alerts:
    """Looks for the alerts of all démarches, and tells them.

    The workers may change: those of each look are told of. So may `problems`, of the files of
    démarches that are not served for them. `stop` ends a check under way.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        tell: Tell,
        stop: threading.Event,
        *,
        problems: Sequence[Mapping[str, Any]] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers = workers
        # All have the same, also those that the list has later.
        self._store, self._clock = workers[0].store, workers[0].clock
        self._problems = problems
        self._tell = tell
        self._stop = stop
        self._monotonic = monotonic
        self.every_s = min(_WATCH_S, self._after.total_seconds() / 2)
        """Seconds between two calls of `tick`."""
        self._started_at = self._clock()
        self._book: dict[AlertKey, AlertEntry] = {}
        """What was told, as far as this process knows."""
        self._stored: AlertBook = {}
        """That of it which is in the database."""
        self._unavailable: tuple[str, datetime] | None = None
        self._checked: dict[DemarcheNumber, list[AlertFinding]] = {}
        """The findings of the last check of each démarche that reached DS, until all are told."""
        self._check_at: dict[DemarcheNumber, float] = {}

    def note(self, error: StoreError | None) -> None:
        """Take up why the database lets no run begin, such as a full disk; None: it does."""
        if error is None or _is_locked(k.said_by(error)):
            self._unavailable = None
        elif self._unavailable is None:
            self._unavailable = error.message, self._clock()

    @property
    def _after(self) -> timedelta:
        """How long a cause has to last: a minute, or less where reads follow faster."""
        return min(timedelta(seconds=_WATCH_S), self._longest)

    @property
    def _longest(self) -> timedelta:
        """The longest interval between two reads."""
        every = [one.configuration.schedule.incremental for one in self._workers]
        return max(every, default=timedelta.max)

    def tick(self) -> None:
        """Tell what began and what ended since the last call; never raises."""
        # A check may wait minutes for DS: what the database shows of all is told before.
        self._watch()
        try:
            self._check()
        except Exception:
            log.exception("alerts_crashed")

    def _watch(self) -> None:
        """Tell what began and what is over, by the database, the last runs and the last checks."""
        if self._stop.is_set():
            return
        try:
            self._tell_changes()
        except Exception:
            # The next look tries again, and the checks are made meanwhile.
            log.exception("alerts_crashed")

    def _tell_changes(self) -> None:
        now, serves = self._clock(), [one.demarche for one in self._workers]
        findings, seen = list[AlertFinding](), set[DemarcheNumber]()
        refused = [*self._refused()]
        lost: StoreError | None = None
        try:
            findings, seen = self._look(now)
        except StoreError as exc:
            lost = exc

        def is_known(key: AlertKey) -> bool:
            demarche, name = key
            return name in (DATABASE, CONFIGURATION) or (
                demarche in seen and (demarche in self._checked or not name.startswith(CHECK))
            )

        if lost is None:
            try:
                with self._store.alerts() as alerts:
                    stored, present = alerts.book(now)
                    merged = {**stored, **self._unstored(stored)}
                    # Also of a démarche that has no file any more.
                    serves += [number for number, name in merged if name == CONFIGURATION]
                    book, messages = decide(
                        merged,
                        [*findings, *refused],
                        now,
                        self._after,
                        serves=serves,
                        away_after=self._longest,
                        present=present,
                        is_known=is_known,
                    )
                    alerts.save(stored, book)
                self._stored = book
            except StoreError as exc:
                lost = exc
        if lost is not None:
            log.warning("alerts_without_database", error=lost.message)
            if _is_locked(k.said_by(lost)):
                # Such as for a long dry run on SQLite: the next look tries again.
                return
            losses = [_lost(one, lost.message) for one in self._workers]
            findings = [*_without_what_follows(findings, losses), *refused]
            book, messages = decide(
                self._book,
                findings,
                now,
                self._after,
                serves=serves,
                away_after=self._longest,
                is_known=is_known,
            )
        self._book = book
        # After the transaction: sending can take long.
        for message in messages:
            self._send(message, now)
        # A later check of another service knows better from now on: else each service would end
        # what the other one begins, again and again.
        for number in seen & self._checked.keys():
            told = {
                key: entry.dite_le and entry.nombre
                for key, entry in self._book.items()
                if entry.demarche_numero == number and entry.nom.startswith(CHECK)
            }
            if told == {one.key: one.number for one in self._checked[number]}:
                del self._checked[number]

    def _look(self, now: datetime) -> tuple[list[AlertFinding], set[DemarcheNumber]]:
        """Return what is so now, and the démarches about which that is known.

        After a restart a démarche's last success is as old as the maintenance was long: nothing is
        known before its first run, unless that is late itself.
        """
        # Not in the future, after a clock that went back.
        self._started_at = min(self._started_at, now)
        # Files may change during the look, and with them the list.
        workers = [*self._workers]
        states = states_of(self._store, [one.looked for one in workers], now) if workers else {}
        findings, seen, losses = list[AlertFinding](), set[DemarcheNumber](), list[AlertFinding]()
        for worker in workers:
            state, number = states[worker.demarche], worker.demarche
            ended_at = (end := state.last_end) and end.at
            is_late = now - self._started_at > worker.configuration.late_after
            is_known = is_late or (ended_at is not None and ended_at >= self._started_at)
            try:
                lost = [*_loss(worker, end)]
                found_here = [*findings_of(worker, state, now)] if is_known else []
            except Exception:
                # Nothing is known of this démarche; what is told of it stays as it is.
                log.exception("alerts_crashed", demarche=number)
                continue
            losses += lost
            if is_known:
                seen.add(number)
                findings += [*found_here, *self._checked.get(number, ())]
        if (unavailable := self._unavailable) is not None:
            losses = [_lost(one, *unavailable) for one in self._workers]
        # Where it is a few démarches, others have the database.
        if 2 * len(losses) > len(self._workers):
            findings = _without_what_follows(findings, losses)
        found = {one.key for one in findings}
        for refused in [one for one in findings if one.name == TOKEN_REFUSED]:
            token, _, why = refused.cause.partition(" ")
            # It is every démarche's that has this token, also before its next run.
            findings += [
                refused._replace(demarche=one.demarche, options=one.settings.remedy_options())
                for one in self._workers
                if why == _OF_ALL
                and (one.demarche, TOKEN_REFUSED) not in found
                and digest(one.settings.token) == token
            ]
            found = {one.key for one in findings}
        return findings, seen

    def _refused(self) -> Iterator[AlertFinding]:
        """Yield what keeps démarches from being served; what is of no file is about all."""
        of_all = [one["problem"] for one in self._problems if one["demarche"] is None]
        if of_all:
            text = f"Since {{since}}: {_sentences(of_all)} What is served goes on as it was."
            for worker in self._workers:
                options = worker.settings.remedy_options()
                yield AlertFinding(
                    worker.demarche, CONFIGURATION, _WARNING, text, CONFIGURATION, 1, None, options
                )
        of_one = defaultdict[DemarcheNumber, list[str]](list)
        for one in self._problems:
            if one["demarche"] is not None:
                of_one[one["demarche"]].append(one["problem"])
        served = {one.demarche for one in self._workers}
        for number, said in of_one.items():
            # Two files may be for one démarche: one of them is taken.
            is_served = number in served
            begun = "Since {since}" if is_served else "Not served since {since}"
            severity = _WARNING if is_served else _FAILURE
            yield AlertFinding(number, CONFIGURATION, severity, f"{begun}: {_sentences(said)}")

    def _unstored(self, stored: AlertBook) -> dict[AlertKey, AlertEntry]:
        """Return what was told while the database could not take it."""
        return {
            key: one
            for key, one in self._book.items()
            if one != self._stored.get(key) and (one.dite_le or key not in stored)
        }

    def _send(self, message: AlertMessage, now: datetime) -> None:
        """Tell something, and note that it was told, or that it still has to be."""
        name, numbers = message.entries[0].nom, [one.demarche_numero for one in message.entries]
        event = "alert_ended" if message.is_end else "alert_began"
        of = numbers if numbers[1:] else numbers[0]
        log.warning(event, alert=name, demarche=of, text=message.text)
        try:
            sent = self._tell(message.title, message.text, message.severity)
        except Exception:
            # One that cannot be sent does not keep back the others.
            log.exception("alerts_crashed", demarche=of)
            sent = False
        if sent == message.is_end:
            return
        told = {
            one.key: one if message.is_end else one._replace(dite_le=now) for one in message.entries
        }
        self._book |= told
        try:
            with self._store.alerts() as alerts:
                stored, _ = alerts.book(now)
                # One that has ended meanwhile is not there any more.
                kept = {key: one for key, one in told.items() if message.is_end or key in stored}
                alerts.save(stored, {**stored, **kept})
            self._stored = {**self._stored, **kept}
        except StoreError as exc:
            log.warning("alerts_without_database", error=exc.message)

    def _check(self) -> None:
        """Run the checks of the démarches of which they are due, and tell what they found.

        Of several services the eldest makes them: each costs requests of the budget that all share.
        """
        due = [
            one
            for one in self._workers
            if self._monotonic() >= self._check_at.get(one.demarche, 0.0)
        ]
        if not due or self._stop.is_set():
            return
        try:
            eldest = due[0].store.services.eldest([one.demarche for one in due], due[0].clock())
        except StoreError:
            return  # Told by `_watch`; the next look tries again.
        due = [one for one in due if eldest.get(one.demarche, process_name()) == process_name()]
        if not due:
            return
        for one in due:
            # Whatever happens: each costs requests of the budget that all share.
            self._check_at[one.demarche] = self._monotonic() + _CHECK_AGAIN_S
        with ThreadPoolExecutor(_CHECKS_AT_ONCE, "dsync-check") as pool:
            begun = {pool.submit(self._lines, one): one for one in due}
            while wait(begun, self.every_s).not_done:
                # What is not of the checks is not delayed by them.
                self._watch()
        for done, worker in begun.items():
            lines, number = done.result(), worker.demarche
            reached = all(line.exit_code not in (UNREACHABLE, REFUSED) for line in lines)
            if reached and lines:
                self._checked[number] = [*_findings(worker, lines)]
                self._check_at[number] = self._monotonic() + _CHECK_EVERY_S
        self._watch()

    def _lines(self, worker: Worker) -> list[CheckLine]:
        """Return the lines of a check; none if it could not be made."""
        if self._stop.is_set():
            return []
        with structlog.contextvars.bound_contextvars(demarche=worker.demarche):
            try:
                return list(worker.check())
            except DsyncError as exc:
                # It is tried again; what the failure means is an alert of its own.
                log.warning("check_not_made", error=exc.message)
                return []
            except Exception as exc:
                return [crash_line(exc)]


def _sentences(problems: Iterable[str]) -> str:
    return " ".join(f"{one.removesuffix('.')}." for one in problems)


_FAILURE, _WARNING, _INFO = Severity.FAILURE, Severity.WARNING, Severity.INFO

TOLD: Mapping[type[k.Concern], tuple[str, Severity]] = {
    k.NoSuccess: (NO_SUCCESS, _FAILURE),
    k.Late: (NO_SUCCESS, _FAILURE),
    k.DSAway: (DS, _FAILURE),
    k.TokenRefused: (TOKEN_REFUSED, _FAILURE),
    k.TokenExpiry: ("token_expiry", _WARNING),
    k.MassDeletion: ("mass_deletion", _WARNING),
    k.Stopped: ("consent …", _FAILURE),
    k.Refused: ("refused", _WARNING),
    k.Conflicts: ("conflicts", _INFO),
    k.Contradicted: ("contradicted", _INFO),
    k.InQuarantine: ("quarantine", _WARNING),
    k.NoTarget: ("pieces_target", _WARNING),
    k.UnfinishedErasures: ("erasures", _WARNING),
    k.NotConfigured: (NOT_CONFIGURED, _INFO),
    k.OldEvidence: ("evidence", _WARNING),
    k.GristLeft: ("grist_tables", _WARNING),
}
"""The name and the severity of each concern that `english.alert` has a sentence for."""


def findings_of(worker: Worker, state: State, now: datetime) -> Iterator[AlertFinding]:
    """Yield what is to be told of a démarche by its state; `now`: in UTC."""
    settings = worker.settings
    options = settings.remedy_options()
    concerns = list(concerns_of(state, now, settings.looked))
    is_explained = any(isinstance(one, k.DSAway | k.TokenRefused) for one in concerns)
    for one in concerns:
        text = english.alert(one, now)
        is_late = isinstance(one, k.NoSuccess | k.Late)
        if text is None or (is_late and is_explained):
            continue
        # A service that has just started for the first time is not late yet.
        if isinstance(one, k.NoSuccess) and now - one.since <= settings.configuration.late_after:
            continue
        name, severity = TOLD[type(one)]
        number, since = 1, None if is_late else getattr(one, "since", None)
        match one:
            case k.InQuarantine(number):
                pass
            case k.Stopped(kind):
                name = name.replace("…", kind)
            case k.TokenRefused() if settings.ds_token_file is not None:
                text += f" The token is that of {settings.ds_token_file}."
        cause = _cause(worker, one)
        yield AlertFinding(worker.demarche, name, severity, text, cause, number, since, options)


def _cause(worker: Worker, concern: k.Concern) -> str:
    """Return what a concern of several démarches has in common, "" if nothing."""
    settings = worker.settings
    match concern:
        case k.OldEvidence():
            return "evidence"
        case k.DSAway():
            return digest(settings.ds_url)
        case k.TokenRefused(is_of_all=is_of_all):
            # One that does not include a démarche is refused there alone.
            return f"{digest(settings.token)} {_OF_ALL if is_of_all else worker.demarche}"
        case k.TokenExpiry(last_day):
            return digest(settings.token, str(last_day))
        case k.NoTarget():
            return digest(str(worker.configuration.pieces.target))
    return ""


def _is_locked(said: object) -> bool:
    """Return whether another process had a lock for too long: the database is not lost."""
    return isinstance(said, k.DatabaseFailed) and said.is_locked


def _loss(worker: Worker, end: End | None) -> Iterator[AlertFinding]:
    """Yield that a démarche's last run lost the database, if it did; `end`: as stored."""
    report = worker.last_report
    # Of a standby, at each of its checks.
    if report and report.exit_code == LeaseHeldError.exit_code:
        report = None
    if report and report.ended_at and (end is None or end.at < report.ended_at):
        # It may be in no journal: the database could not take it.
        dits = k.to_stored(report.said)
        end = End(report.ended_at, report.exit_code, messages=report.errors, dits=dits)
    if end is None or end.code != StoreError.exit_code:
        return
    if not any(_is_locked(k.of_stored(one)) for one in end.dits):
        yield _lost(worker, end.messages[0], end.at)


def _without_what_follows(
    findings: Iterable[AlertFinding], losses: Sequence[AlertFinding]
) -> list[AlertFinding]:
    """Return findings with losses of the database, and without that no run succeeds for them."""
    lost = {one.demarche for one in losses}
    kept = [one for one in findings if one.name != NO_SUCCESS or one.demarche not in lost]
    return [*kept, *losses]


def _lost(worker: Worker, message: str, since: datetime | None = None) -> AlertFinding:
    """Return that the database is lost, or cannot be written."""
    text, options = f"Since {{since}}: {message}", worker.settings.remedy_options()
    return AlertFinding(worker.demarche, DATABASE, _FAILURE, text, DATABASE, 1, since, options)


def _findings(worker: Worker, lines: Iterable[CheckLine]) -> Iterator[AlertFinding]:
    """Yield a finding for each name of a line with a problem.

    The expiry of the token is an alert of its own.
    """
    found = defaultdict[str, list[CheckLine]](list)
    for line in lines:
        is_bad = line.status in (CheckStatus.WARNING, CheckStatus.ERROR)
        if is_bad and line.name != "token expiry":
            found[line.name].append(line)
    for name, said in found.items():
        is_error = any(line.status is CheckStatus.ERROR for line in said)
        yield AlertFinding(
            worker.demarche,
            f"{CHECK}{name}",
            _FAILURE if is_error else _WARNING,
            f"`dsync check` has {len(said)} line{'s' * (len(said) > 1)} about: {name}.",
            # Without its numbers, some of which change from day to day.
            number=_digest(re.sub(r"\d+", "", line.message) for line in said),
            options=worker.settings.remedy_options(),
        )


def _digest(texts: Iterable[str]) -> int:
    """Return a negative number of 32 bits for some texts, in any order."""
    # Below zero, see `AlertFinding.number`; halved, because the column is signed.
    return -1 - crc32("\n".join(sorted(texts)).encode()) // 2
