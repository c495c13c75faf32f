"""The catalogue for operators: each kind of message in English, with the command that helps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from dsync.domain.check_line import expiry_line
from dsync.domain.durations import ago, span
from dsync.errors import quotation
from dsync.messages import kinds as k


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def _because(reasons: Sequence[str]) -> str:
    """Return somebody else's words behind a statement."""
    return f" ({'; '.join(map(quotation, reasons))})" if reasons else ""


def _unfinished(one: k.UnfinishedErasures) -> str:
    said = [
        *([f"{_count(one.files, 'file')} to be deleted in the target of copies"] * bool(one.files)),
        *([f"{_count(one.requests, 'request')} not executed"] * bool(one.requests)),
    ]
    return ", ".join(said)


def warning(one: k.Concern, now: datetime) -> str | None:
    """Return what `dsync status` and `/readyz` say of a concern; None: another line says it."""
    match one:
        case k.SilentService(holder, since):
            return (
                f"The service {holder} last reported {ago(since, now)} and did not report its end: "
                "check whether it still runs, and start it again. If it runs, compare the "
                "machines' clocks (NTP)."
            )
        case k.ClockWentBack(until):
            return (
                f"This machine's clock went back: the last runs are dated up to {span(until - now)}"
                " in the future, which counts as never. Check the clock (NTP); the next run has a "
                "correct date."
            )
        case k.MassDeletion(dossiers, of, since):
            return (
                f"DS's own lists hid or erased {_count(dossiers, 'dossier')} of {of} at once "
                f"{ago(since or now, now)}, and dsync followed them. Ask on DS whether that is "
                "meant: what is restored there comes back by itself, and `dsync accept deletions` "
                "confirms the rest."
            )
        case k.Stopped(kind, _, since, table):
            return (
                f"Stopped {ago(since, now)} until a person consents: {kind} ({table}). `dsync "
                f"accept {kind}` shows it; correct its cause, or accept it."
            )
        case k.Waiting(dossiers, reasons):
            return (
                f"{_count(dossiers, 'dossier')} with annotations that wait{_because(reasons)}: "
                "`dsync push` sends them now."
            )
        case k.Refused(dossiers, reasons):
            return (
                f"{_count(dossiers, 'dossier')} with annotations that DS refused"
                f"{_because(reasons)}: `dsync check` names what to correct, then run `dsync push`."
            )
        case k.Conflicts(dossiers):
            return (
                f"{_count(dossiers, 'dossier')} with a human's value instead of dsync's: see "
                "`dsync conflicts list`."
            )
        case k.Quarantined(dossiers):
            return f"{_count(dossiers, 'dossier')} in quarantine: see `dsync quarantine list`."
        case k.UnfinishedErasures():
            return (
                f"Erasures are not finished ({_unfinished(one)}): `dsync sync` ends them; its "
                "messages name what does not let it."
            )
        case k.WaitingRequests(requests, since):
            return (
                f"Requests asked for by hand wait ({requests}), the oldest one since "
                f"{ago(since, now)}: `dsync sync` or a service executes them; `dsync journal` "
                "lists them."
            )
        case k.NotConfigured(demarches):
            return (
                "The database has démarches that no file of the folder configures any more "
                f"({'; '.join(map(str, demarches))}): they are not read, and erasures in DS do not "
                "reach them. Put the file back, or remove each (`dsync forget "
                f"{demarches[0]}`)."
            )
        case k.TokenExpiry(last_day):
            line = expiry_line(last_day, now.date())
            return f"Token: {line.message}; {line.remedy}."
        # Lines of their own.
        case k.NoSuccess() | k.Late() | k.NoService() | k.Findings() | k.OldEvidence():
            return None
        # The messages of the last run say these, with what to do.
        case k.RunFailed() | k.TokenRefused() | k.NoTarget() | k.DSAway():
            return None
    assert_never(one)


def words(one: k.Concern) -> str | None:
    """Return what the table of `dsync status` says of a démarche; None: it says it of all."""
    match one:
        case k.TokenRefused():
            return "token refused"
        case k.MassDeletion():
            return "mass deletion"
        case k.Stopped(kind):
            return f"consent: {kind}"
        case k.DSAway():
            return "DS is away"
        case k.RunFailed():
            return "last run failed"
        case k.NoSuccess():
            return "never read"
        case k.Late():
            return "late"
        case k.ClockWentBack():
            return "clock went back"
        case k.UnfinishedErasures():
            return "erasures open"
        case k.NoTarget():
            return "no target of copies"
        case k.SilentService():
            return "silent service"
        case k.Refused(dossiers):
            return f"{dossiers} refused"
        case k.Conflicts(dossiers):
            return f"{dossiers} in conflict"
        case k.Quarantined(dossiers):
            return f"{dossiers} in quarantine"
        case k.Waiting(dossiers):
            return f"{dossiers} waiting"
        case k.WaitingRequests(requests):
            return f"{requests} requests wait"
        case k.TokenExpiry():
            return "token expiry"
        case k.OldEvidence():
            return "old catalogue"
        case k.Findings():
            return "findings of check"
        case k.NoService() | k.NotConfigured():
            return None
    assert_never(one)


def alert(one: k.Concern, now: datetime) -> str | None:
    """Return what is told of a concern; None: it is not. `{since}` stands for its beginning."""
    match one:
        case k.NoSuccess(since, why) | k.Late(since, why):
            because = _because([why] if why else [])
            return f"No run has succeeded for {span(now - since)}{because}: see `dsync runs`."
        case k.DSAway(why=why):
            return f"Since {{since}}: {why} The next run resumes; `dsync runs` shows the attempts."
        case k.TokenRefused(why=why):
            return f"Since {{since}}: {why}"
        case k.TokenExpiry(days=days):
            left = f"expires in {days} days" if days >= 0 else "has expired"
            return (
                f"The token {left}: make a new one on DS, put it in place, then run `dsync check`."
            )
        case k.MassDeletion(dossiers, of):
            return (
                f"DS's own lists hid or erased {_count(dossiers, 'dossier')} of {of} at once, and "
                "dsync followed them: see `dsync status`."
            )
        case k.Stopped(kind, table=table):
            return (
                f"Stopped until its cause is corrected or a person consents ({table}): see `dsync "
                f"accept {kind}`."
            )
        case k.Refused(dossiers):
            return (
                f"{_count(dossiers, 'dossier')} with annotations that DS refused: see `dsync "
                "check`."
            )
        case k.Conflicts(dossiers):
            return (
                f"{_count(dossiers, 'dossier')} with a human's value in place of dsync's: see "
                "`dsync conflicts list`."
            )
        case k.Quarantined(dossiers):
            return f"{_count(dossiers, 'dossier')} in quarantine: see `dsync quarantine list`."
        case k.NoTarget():
            return "The target of the copies of files is not there: see `dsync runs`."
        case k.UnfinishedErasures():
            return (
                f"Erasures are not finished ({_unfinished(one)}): `dsync sync` ends them, and "
                "names what does not let it."
            )
        case k.NotConfigured(demarches):
            return (
                "Démarches that no file of the folder configures any more: "
                f"{'; '.join(map(str, demarches))}. See `dsync status`."
            )
        case k.OldEvidence(since):
            return (
                f"The catalogue was last confirmed {(now - since).days} days ago: see `dsync "
                "check`."
            )
        # The next run sends what waits, and the service runs the check itself.
        case k.Waiting() | k.WaitingRequests() | k.Findings():
            return None
        # That no run succeeds says what follows from these, if it does; one failed run is none.
        case k.NoService() | k.SilentService() | k.RunFailed() | k.ClockWentBack():
            return None
    assert_never(one)
