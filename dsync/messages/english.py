"""The catalogue for operators: each kind of message in English, with the command that helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import assert_never

from msgspec.structs import asdict

from dsync.domain.consent import CheckFinding
from dsync.domain.json_bytes import MAX_VALUES
from dsync.domain.remedies import ago, expiry_line, span
from dsync.errors import quotation
from dsync.messages import kinds as k

_TRY_LATER = "dsync retries by itself; if this persists, look at DS's status page."
_RENEW = (
    "Make a new one in the DS profile, put it into DSYNC_DS_TOKEN or its file, then run "
    "`dsync check`."
)
_UPGRADE = "This version of dsync does not match DS's API: upgrade dsync, or report it."
FAULTS: Mapping[k.Fault, str] = {
    k.Fault.UNREACHABLE: (
        "DS cannot be reached ({cause}). Check DSYNC_DS_URL and the network, then try again."
    ),
    k.Fault.CONNECTION_LOST: (
        f"The connection to DS was closed before the answer was complete. {_TRY_LATER}"
    ),
    k.Fault.DEADLINE: f"DS did not answer before dsync's deadline. {_TRY_LATER}",
    k.Fault.TOO_LONG: (
        "DS's answer about {subject} is larger than {limit} and was not read. If this persists, "
        "tell DS's support."
    ),
    k.Fault.TOO_MANY: (
        f"DS's answer about {{subject}} has more than {MAX_VALUES:,} values and was not read. If "
        "this persists, tell DS's support."
    ),
    k.Fault.TOO_MANY_ERRORS: (
        "DS's answer about {subject} has hundreds of errors and was not read. If this persists, "
        "tell DS's support."
    ),
    k.Fault.TOO_MANY_NODES: (
        "DS's answer about {subject} has more entries than were asked for and was not read. If "
        "this persists, tell DS's support."
    ),
    k.Fault.RATE_LIMITED: (
        "This token has reached DS's rate limit. dsync waits by itself; if this persists, check "
        "what else uses the token, or lower requests_per_minute in [advanced]."
    ),
    k.Fault.TOKEN_MISSING: (
        "There is no DS token. Set DSYNC_DS_TOKEN or DSYNC_DS_TOKEN_FILE, then run `dsync check`."
    ),
    k.Fault.TOKEN_UNKNOWN: (
        f"DS does not know this token (mistyped, revoked or deleted). {_RENEW}"
    ),
    k.Fault.TOKEN_EXPIRED: f"The DS token has expired. {_RENEW}",
    k.Fault.NETWORK: (
        "DS does not accept this token from this machine's network. Add the network to the token "
        "in the DS profile (or ask who runs the proxy), then run `dsync check`."
    ),
    k.Fault.OUT_OF_SCOPE: (
        "The scope of the DS token does not include {subject}. Extend its list of démarches in the "
        "DS profile; if another administrateur has the démarche now, put a token of theirs in "
        "place; or check the number."
    ),
    k.Fault.NOT_FOUND: "DS has no {subject}, or does not show it. Check the number.",
    k.Fault.TIMEOUT: f"DS timed out. {_TRY_LATER}",
    k.Fault.TOO_LARGE: (
        "DS refuses even the smallest query of dsync as too large. Upgrade dsync, or tell its "
        "maintainers."
    ),
    k.Fault.BAD_DATA: (
        "DS cannot render a part of {subject}. If this persists, tell DS's support."
    ),
    k.Fault.SERVER_ERROR: (
        "DS answered the request for {subject} with an internal error. If this persists, tell DS's "
        "support."
    ),
    k.Fault.MAINTENANCE: f"DS is under maintenance. {_TRY_LATER}",
    k.Fault.GATEWAY: f"DS is unavailable (HTTP {{status}}). {_TRY_LATER}",
    k.Fault.NOT_GRAPHQL: (
        f"DS answered something other than GraphQL, such as a web page. {_TRY_LATER}"
    ),
    k.Fault.NO_DATA: f"DS answered without data and without an error. {_TRY_LATER}",
    k.Fault.MOVED: (
        "{url} has moved (HTTP {status}). Set DSYNC_DS_URL to DS's new GraphQL endpoint."
    ),
    k.Fault.WRONG_ADDRESS: (
        "{url} is not DS's GraphQL endpoint (HTTP {status}). Check DSYNC_DS_URL: the address of "
        "DS's API ends in /api/v2/graphql."
    ),
    k.Fault.INVALID_CURSOR: (
        "DS refuses an id or a cursor that it returned before. Run `dsync sync --full`."
    ),
    k.Fault.QUERY_REFUSED: f"DS refuses a query of dsync. {_UPGRADE}",
}
"""Of `DSFailed`, with its facts."""
NOTES: Mapping[k.Note, str] = {
    k.Note.UNREADABLE_DOSSIERS: (
        "Some dossiers cannot be read and are in quarantine: see `dsync quarantine list`."
    ),
    k.Note.RULE_FAILED: (
        "A rule failed on some dossiers, which keep their last verdict: see "
        "`dsync quarantine list` and report it."
    ),
    k.Note.NOT_RENDERED: (
        "DS cannot render a part of some dossiers: the last known values stay. See "
        "`dsync quarantine list`, and tell DS's support which fields."
    ),
    k.Note.PLACES_WITHOUT_NAME: (
        "DS lacks the names of some places: their codes are stored, and the next full read "
        "asks again. Nothing to do."
    ),
    k.Note.WATERMARK_AHEAD: (
        "The watermark was ahead of DS's clock, so changes may have been missed: all dossiers "
        "were read again and the watermark was set back. Nothing to do."
    ),
    k.Note.OUT_OF_ORDER: (
        "DS returned dossiers out of order, so the watermark does not move and the next run "
        "reads them again. If this persists, tell DS's support."
    ),
    k.Note.UNREADABLE_DELETIONS: (
        "DS's lists of deletions have entries that cannot be read: dsync learns of these "
        "deletions only by a full read. Tell DS's support."
    ),
    k.Note.NO_LIST: (
        "DS's answer lacks a list of deletions. The next run asks again; if this persists, "
        "tell DS's support."
    ),
    k.Note.LIST_WITHOUT_END: (
        "DS's list of deletions cannot be read on: its cursor is missing or repeated."
    ),
    k.Note.EMPTY_PAGE: ("DS returned an empty page and says that more follow. Tell DS's support."),
    k.Note.NO_CURSOR: "DS says that more pages follow and gives no cursor. Tell DS's support.",
    k.Note.SAME_CURSOR: (
        "DS returned the same cursor twice: reading would not end. Tell DS's support."
    ),
    k.Note.NO_INSTRUCTEUR: (
        "Nothing is pushed, because no instructeur is configured: set DSYNC_DS_INSTRUCTEUR to "
        "the e-mail or the id of an instructeur of the démarche."
    ),
    k.Note.INSTRUCTEUR_WITHOUT_GROUPE: (
        "Nothing is pushed, because the instructeur of DSYNC_DS_INSTRUCTEUR is in no groupe "
        "instructeur of the démarche: add them to one, or configure another instructeur."
    ),
    k.Note.READ_ONLY: (
        "DS refuses to write: the token is read-only. Make a read/write token in the DS profile "
        "and put it into DSYNC_DS_TOKEN or its file: the next run then sends what was refused."
    ),
    k.Note.NO_RIGHT: (
        "DS refuses to write: the instructeur of DSYNC_DS_INSTRUCTEUR has no right on some "
        "dossiers. Pushes wait; add them to the groupe instructeur of these dossiers."
    ),
    k.Note.WAITED_TOO_LONG: (
        "A write waited too long before it could be sent, so it was not. The next run sends it; if "
        "this persists, check what else uses the token."
    ),
    k.Note.UNANSWERED: (
        "DS did not answer a write: the state of these annotations is unknown. They are read back "
        "after 35 s, by the next run or by `dsync push`, which waits until then."
    ),
    k.Note.OUTCOME_UNKNOWN: (
        "The outcome of a write is unknown; the annotations are read back before the next write."
    ),
    k.Note.OUTCOME_UNREADABLE: (
        "DS's answer to a write does not match the API; the annotations are read back "
        "before the next write."
    ),
    k.Note.ANNOTATIONS_NOT_RENDERED: (
        "DS cannot return the annotations of some dossiers now; dsync retries within an hour."
    ),
    k.Note.NO_REGISTRY: (
        "Recherche d'entreprises cannot be reached; the next runs judge these dossiers again."
    ),
    k.Note.NO_COPYING: ("The copying of files is off: set [pieces] target in the configuration."),
    k.Note.ANOTHER_VERSION: (
        "Another version of dsync asked for this: ask again with the service's version."
    ),
    k.Note.DONE_ELSEWHERE: "Another service has executed this request: nothing is to do.",
    k.Note.STOPPED: "Interrupted: what was stored stays, the next run resumes.",
    k.Note.STOPPED_BEFORE_LEASE: "Interrupted while waiting for the lease.",
    k.Note.STOPPED_BEFORE_ASKING: "Asked to stop while waiting to ask DS.",
    k.Note.STOPPED_CONSOLE: "The console was stopped before it began: ask again.",
    k.Note.TAKEN_BACK: "The request was taken back in the console: nothing is done.",
    k.Note.NOT_BEGUN: "Interrupted: the service had not begun, and will not.",
    k.Note.GOES_ON: (
        "Interrupted: the service goes on with the run; `dsync history --manual` shows its result."
    ),
}
_NOT_IN_COPY = (
    "Dossier {{number}} is not in the copy, or not present in DS: {}. `dsync sync --dossier "
    "{{number}}` reads it."
)
NUMBER_NOTES: Mapping[k.NumberNote, str] = {
    k.NumberNote.NOT_SHOWN: (
        "Dossier {number}: DS does not show it (hidden, erased, of another démarche, or no such "
        "number). Look it up on DS."
    ),
    k.NumberNote.NOTHING_TO_SEND: _NOT_IN_COPY.format("nothing to send"),
    k.NumberNote.NOTHING_TO_JUDGE: _NOT_IN_COPY.format("nothing to judge"),
    k.NumberNote.NOTHING_TO_COPY: _NOT_IN_COPY.format("it has no file to copy"),
    k.NumberNote.NOTHING_TO_ERASE: (
        "Dossier {number} is not in the copy: nothing to erase. Correct the number."
    ),
    k.NumberNote.ERASED_HERE: (
        "Dossier {number} was erased here on request and is not copied: "
        "`dsync dossier erase {number} --undo` copies it again."
    ),
    k.NumberNote.NOT_ERASED: (
        "Dossier {number} was not erased on request: nothing to undo. Correct the number."
    ),
    k.NumberNote.NOT_ANSWERED: (
        "Dossier {number} was not answered: what its check finds has changed since it was shown, "
        "or nothing can be answered there any more."
    ),
    k.NumberNote.CLOCKS_APART: (
        "This machine's clock and DS's are more than {number} minutes apart: dossiers were read, "
        "and nothing was judged. Set this machine's clock; if it is right, wait for DS's."
    ),
    k.NumberNote.ANSWERS_STOPPED: (
        "Safety brake: DS shows other answers, states or applicants for {number} dossiers, though "
        "none of their own dates moved, or without many answers, or a question is gone from the "
        "form. Their copies, verdicts and annotations stay. A full read in which DS shows them as "
        "before ends this by itself; `dsync accept answers` shows what changed."
    ),
    k.NumberNote.FLAPPING: (
        "DS gives other answers each time for {number} dossiers, without a date: their copies stay "
        "as they are. The next full read asks again; if this persists, tell DS's support."
    ),
    k.NumberNote.TOO_MANY_CHAMPS: (
        "The form has more than {number:,} champs, which dsync does not read. Check it on DS; if "
        "it has fewer, tell DS's support."
    ),
    k.NumberNote.VIEWS_BEHIND: (
        "The views formulaire_{number}* lack what a new revision of the form, or the "
        "configuration, changed: a reader's open transaction or a view built on them keeps them as "
        "they were. The next run tries again; end it if this persists "
        "(docs/operate/postgresql.md)."
    ),
    k.NumberNote.NOT_CONFIGURED: (
        "Démarche {number} is not in this database, so autre_demarche cannot be answered: add its "
        "file to the folder of configurations, and run `dsync sync`."
    ),
    k.NumberNote.NO_SUCH_DEMARCHE: (
        "DS has no démarche {number}: correct DSYNC_DEMARCHE, or [demarche] number in the "
        "configuration file."
    ),
    k.NumberNote.HELD_BY_DRY_RUN: (
        "A dry run works on démarche {number}, or a transaction of a run does not end. Try again "
        "when it has ended."
    ),
    k.NumberNote.TAKEN_OVER: (
        "Another process took over démarche {number}; this run stores nothing more. `dsync status` "
        "shows which process works on it."
    ),
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}"


def _because(reasons: Sequence[str]) -> str:
    """Return somebody else's words behind a statement."""
    return f" ({'; '.join(map(quotation, reasons))})" if reasons else ""


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
        case k.Stopped(kind, since, table):
            return (
                f"Stopped {ago(since, now)} until a person consents: {kind} ({table}). `dsync "
                f"accept {kind}` shows it; correct its cause, or accept it."
            )
        case k.WaitingWrites(dossiers, reasons):
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
        case k.Contradicted(dossiers):
            return (
                f"{_count(dossiers, 'dossier')} « Inéligible » by the evidence of the deposit, and "
                "not by today's catalogue: `dsync precheck --refresh` shows both, and judges again."
            )
        case k.InQuarantine(dossiers):
            return f"{_count(dossiers, 'dossier')} in quarantine: see `dsync quarantine list`."
        case k.UnfinishedErasures(files, requests):
            said = [
                *([f"{_count(files, 'file')} to be deleted in the target of copies"] * bool(files)),
                *([f"{_count(requests, 'request')} not executed"] * bool(requests)),
            ]
            return (
                f"Erasures are not finished ({', '.join(said)}): `dsync sync` ends them; its "
                "messages name what does not let it."
            )
        case k.WaitingRequests(requests, since):
            return (
                f"Requests asked for by hand wait ({requests}), the oldest one since "
                f"{ago(since, now)}: `dsync sync` or a service executes them; `dsync history "
                "--manual` lists them."
            )
        case k.NotConfigured(demarches):
            return (
                "The database has démarches that no file of the folder configures any more "
                f"({'; '.join(map(str, demarches))}): they are not read, and erasures in DS do not "
                "reach them. Put the file back, or remove each (`dsync forget "
                f"{demarches[0]}`)."
            )
        case k.GristLeft(views):
            return (
                f"Tables in Grist are kept no more ({', '.join(views)}), because they were deleted "
                "or changed there: `dsync grist` says what to do."
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


WORDS: Mapping[type[k.Concern], str] = {
    k.TokenRefused: "token refused",
    k.MassDeletion: "mass deletion",
    k.Stopped: "consent: {kind}",
    k.DSAway: "DS is away",
    k.RunFailed: "last run failed",
    k.NoSuccess: "never read",
    k.Late: "late",
    k.ClockWentBack: "clock went back",
    k.UnfinishedErasures: "erasures open",
    k.NoTarget: "no target of copies",
    k.SilentService: "silent service",
    k.Refused: "{dossiers} refused",
    k.Conflicts: "{dossiers} in conflict",
    k.Contradicted: "{dossiers} contradicted",
    k.InQuarantine: "{dossiers} in quarantine",
    k.WaitingWrites: "{dossiers} waiting",
    k.WaitingRequests: "{requests} requests wait",
    k.TokenExpiry: "token expiry",
    k.OldEvidence: "old catalogue",
    k.Findings: "findings of check",
    # Not of a démarche: `dsync status` says them of all.
    k.NoService: "",
    k.NotConfigured: "",
    k.GristLeft: "Grist tables left",
}
"""What the table of `dsync status` says in a word or two of a démarche, the worst first."""


def words(one: k.Concern) -> str:
    """Return what `WORDS` has for a concern."""
    return WORDS[type(one)].format(**asdict(one))


def alert(one: k.Concern, now: datetime) -> str | None:
    """Return what is told of a concern; None: it is not. `{since}` stands for its beginning."""
    match one:
        case k.NoSuccess(since, why) | k.Late(since, why):
            because = _because([why] if why else [])
            return f"No run has succeeded for {span(now - since)}{because}: see `dsync history`."
        case k.DSAway(why=why):
            return (
                f"Since {{since}}: {why} The next run resumes; `dsync history` shows the attempts."
            )
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
        case (
            k.Conflicts()
            | k.Contradicted()
            | k.InQuarantine()
            | k.UnfinishedErasures()
            | k.GristLeft()
        ):
            return warning(one, now)
        case k.NoTarget():
            return "The target of the copies of files is not there: see `dsync history`."
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
        case k.WaitingWrites() | k.WaitingRequests() | k.Findings():
            return None
        # That no run succeeds says what follows from these, if it does; one failed run is none.
        case k.NoService() | k.SilentService() | k.RunFailed() | k.ClockWentBack():
            return None
    assert_never(one)


def _subject(of: k.Requested) -> str:
    return of.thing.value if of.number is None else f"{of.thing.value} {of.number}"


def problem(one: k.Problem) -> str:
    """Return a problem of a run with its remedy."""
    if isinstance(one, k.OfReading):
        return _of_reading(one)
    if isinstance(one, k.OfWriting):
        return _of_writing(one)
    if isinstance(one, k.OfForm):
        return _of_form(one)
    if isinstance(one, k.OfEvidence):
        return _of_evidence(one)
    match one:
        case k.Noted(note):
            return NOTES[note]
        case k.Numbered(note_, number):
            return NUMBER_NOTES[note_].format(number=number)
        case k.ConsentGone(kind):
            return (
                f"What was shown of `{kind}` waits no more: it was done, or changed since. Nothing "
                "was done; `dsync accept` shows what waits now."
            )
        case k.FilesFailed(files, states):
            return (
                f"{files} files could not be copied ({', '.join(states)}): `dsync pieces status` "
                "counts them and says what to do; `dsync pieces fetch` tries them again."
            )
        case k.TargetGone(target, marker, anew):
            return (
                f"The target of the copies of files, {target}, is not there: it lacks the file "
                f"{marker} with which dsync marked it. Nothing was copied, and no copy counts as "
                "deleted. Mount it, then run `dsync sync`; only if its files are gone for good, "
                f"{anew} before."
            )
        case k.TargetUnusable(reason):
            return (
                f"[pieces] target cannot be used ({reason}): correct the target or its rights, "
                "then run `dsync pieces fetch`."
            )
        case k.CopiesLeft(because):
            return f"Copies of erased files are still to be deleted. {because}"
        case k.LeaseHeld(demarche, holder, since, is_awaited):
            then = (
                "Wait for it to end (`--wait`), or stop it."
                if is_awaited
                else "Stop it, or try again when it has ended."
            )
            return (
                f"Démarche {demarche} is being worked on by {holder or 'another process'} since "
                f"{since:%Y-%m-%d %H:%M:%S} UTC. {then}"
            )
        case k.DatabaseFailed(place, remedy):
            return f"{place}: {remedy}"
        case k.Crashed(error):
            return (
                f"dsync failed by a bug of its own ({error}): report it with the trace in the log."
            )
    assert_never(one)


def _of_reading(one: k.OfReading) -> str:
    match one:
        case k.DSFailed(fault, subject, status, cause, url, limit):
            facts = {"status": status, "cause": cause, "url": url, "limit": limit}
            return FAULTS[fault].format(subject=_subject(subject), **facts)
        case k.Mismatch(subject, error):
            return (
                f"DS's answer about {_subject(subject)} does not match the API ({error}). Upgrade "
                "dsync, or tell its maintainers."
            )
        case k.Looping(entries, dossiers):
            return (
                f"DS returns the same dossiers over and over ({entries} entries about {dossiers}) "
                "and says that more follow. Reading stops there, and nothing counts as gone. Run "
                "`dsync sync --full`; if this persists, tell DS's support."
            )
        case k.WithoutNumber(after, before):
            places = (("after", after), ("before", before))
            place = " and ".join(f"{where} {number}" for where, number in places if number)
            return (
                f"DS returned a dossier without its number ({place or 'alone'} in the order of "
                "last change): it is missing or outdated in the copy. Look for it on DS, and tell "
                "DS's support."
            )
        case k.ListFails(name, since, demarche):
            what = f"what it has since {since:%Y-%m-%d %H:%M} UTC" if since else "what it has"
            return (
                f"DS fails on its list of {name}: {what} is not known here; all else was read. "
                "`dsync sync` asks again; if it persists, tell DS's support, who can look for the "
                f"odd entry in the list of démarche {demarche}."
            )
        case k.Disappeared(gone, of, most):
            return (
                f"Safety brake: DS neither shows nor lists as deleted {gone} of {of} dossiers (at "
                f"most {most} are accepted). None was marked as disappeared. Check the démarche "
                "and the token's scope; `dsync accept deletions` shows and confirms it."
            )
    assert_never(one)


def _of_writing(one: k.OfWriting) -> str:
    match one:
        case k.WritesStopped(dossiers, of, table):
            return (
                f"Safety brake: the annotations of {dossiers} of {of} open dossiers would change "
                f"at once, though nobody edited these: {table}. Nothing is written into DS. Look "
                "for the cause (rules, lists, [mapping], [annotations], catalogue): once it is "
                "corrected, this ends by itself; `dsync accept writes` shows it and consents."
            )
        case k.RulesStopped(version, moved, of, most, table, checks, lists):
            said = f", and what {', '.join(checks)} says of most dossiers" if checks else ""
            said += f", and {_count(lists, 'list')} lost many lines" if lists else ""
            said += f": {table}" if table else ""
            return (
                f"Safety brake: the changed rules (version {version}) would change {moved} of {of} "
                f"standing verdicts (at most {most} may, and none that was decided){said}. Nothing "
                "is judged or written back by them. Look with `dsync precheck --dry-run`; then "
                "correct [[controles]] or their lists, or run `dsync accept rules`."
            )
        case k.FirstStopped(version, table):
            return (
                f"Safety brake: the checks (version {version}) are new: "
                f"{table or 'no dossier yet'}. Nothing is judged or written back by them yet. Look "
                "with `dsync precheck --dry-run` at what they would give; then correct "
                "[[controles]], or run `dsync accept first`."
            )
        case k.FirstWrite(dossiers, table):
            return (
                f"First write into this démarche, {_count(dossiers, 'dossier')}: {table}. Nothing "
                "is written into DS before a person has looked: `dsync accept first` shows the "
                "results, the annotations and a whole detail, and consents."
            )
        case k.AnotherWrites(dossiers, table):
            return (
                f"Another database of dsync wrote into {_count(dossiers, 'dossier')} (result there "
                f"→ result wanted, dossiers: {table}). Nothing is written back until a person says "
                "which one writes. If it is this one, stop the other one: `dsync accept writer` "
                "shows what this one would take as its own."
            )
        case k.WritesWait(dossiers, reasons):
            why = "; ".join(map(quotation, reasons)) or "DS did not answer"
            return (
                f"Dossiers whose annotations are waiting: {dossiers} ({why}). They are tried "
                "again each hour while the cause lasts, or now with `dsync push`."
            )
        case k.WriteRefused(reason):
            return (
                f"Annotations refused: {quotation(reason, '.')} Correct the form or the "
                "configuration (`dsync check`); they are sent again when either changes, or now "
                "with `dsync push`."
            )
        case k.BoxLost(dossiers, validated, config):
            return (
                "Dossiers whose validation box cannot be read, or was emptied with a change of the "
                f"form: {dossiers}, validated ones among them: {validated}. « Validated » stands, "
                f"and nothing is written into any of them. Correct [annotations] validation in "
                f"{config}, or the form (`dsync check`), or tick the box again; if they are not "
                "validated any more, `dsync accept config` shows what follows."
            )
    assert_never(one)


def _of_form(one: k.OfForm) -> str:
    match one:
        case k.OtherForm(config, demarche, what):
            return (
                f"Nothing is judged, because {config} does not fit the form of démarche "
                f"{demarche}: {'; '.join(what)}. Standing verdicts stay. Correct it (`dsync check` "
                "has each remedy)."
            )
        case k.OtherCall(config, demarche, lacks, is_judged):
            left = "written" if is_judged else "judged or written"
            return (
                f"{config} is the shipped file of another call, and the form of démarche "
                f"{demarche} lacks {lacks}. Its dossiers are copied, and nothing is {left}. "
                "`dsync config init` writes a file for this démarche, ./dsync.toml."
            )
        case k.SectionsLost(config, demarche, sections, rows):
            return (
                f"{config} lacks {', '.join(sections)}, by which the stored rows of démarche "
                f"{demarche} were made: {rows}. Nothing was changed. Correct DSYNC_CONFIG or "
                "--config; if it is meant, `dsync accept config` shows and accepts it."
            )
        case k.LabelsMissing(labels):
            names = ", ".join(f"« {name} »" for name in labels)
            return (
                f"[annotations] labels: the démarche has no label {names}. Create it on DS with "
                "exactly this name, or name another (`dsync check`)."
            )
        case k.ImpossibleValue(value):
            return (
                f"[[controles]]: {value}: no answer can equal it, so that the check tells nobody "
                "apart; correct it (`dsync check`)."
            )
        case k.FieldsMissing(fields):
            return (
                f"{', '.join(fields)}: no champ of the form matches, so these answers are missing, "
                "and checks of new dossiers impossible or « à vérifier », or rankings incomplete; "
                "correct the ids (`dsync check`)."
            )
        case k.UnreadableFields(fields, more):
            others = f" and {more} others" if more else ""
            return (
                "DS's answer about the démarche has fields that cannot be read "
                f"({', '.join(fields)}{others}); dsync works without them. If this persists, tell "
                "DS's support."
            )
    assert_never(one)


def _of_evidence(one: k.OfEvidence) -> str:
    match one:
        case k.CatalogueUnusable(url, why):
            return (
                f"The catalogue of {url} cannot be used ({'; '.join(why)}). The stored copy, if "
                "there is one, is used meanwhile; otherwise these checks wait. Correct "
                "DSYNC_BETAGOUV_URL if it is wrong."
            )
        case k.RedirectsUnread(url, why):
            return (
                f"The redirects of {url} cannot be read ({why}). Those known before are used, and "
                "until they can be read no dossier is found ineligible for an unknown address. "
                "Nothing to do, unless this persists: then tell beta.gouv.fr."
            )
        case k.FirstCatalogue(url, products, fewest):
            return (
                f"The catalogue at {url} is refused: it has {products} products, and a first one "
                f"is taken for whole from {fewest} on. These checks wait for a larger one. If this "
                "one is right, run `dsync accept evidence`."
            )
        case k.CatalogueRefused(url, _, known, moved, is_missing, share):
            said = (
                f"it lacks {moved} of {known} products"
                if is_missing
                else f"{moved} of {known} products have other phases or another name"
            )
            return (
                f"The catalogue at {url} is refused: {said}, and [safety] verdicts_percent allows "
                f"{share:.0%}. The last good copy is used. If the new one is right, run `dsync "
                "accept evidence`."
            )
    assert_never(one)


_PROPOSED = {
    "": "",
    "Date de dépôt": "Date of deposit",
    "Demandeur": "Applicant",
    "Dossiers repris sans explication en 30 jours": "Believed without an explanation in 30 days",
    "Lignes": "Lines",
    "Liste": "List",
    "Question": "Question",
    "Réponse à": "Answer to",
    "Sans verdict": "no verdict",
    "abandonnées": "given up",
    "absente": "missing",
    "aucun à montrer avant que des dossiers soient jugés": "none before dossiers are judged",
    "aucune": "none",
    "autre": "another",
    "autre date": "another date",
    "autre réponse": "another answer",
    "avis": "verdict",
    "avis tenus à jour": "verdicts that are renewed",
    "Contrôle": "Check",
    "aucun résultat": "no result",
    "case de validation": "validation box",
    "clé trop large ?": "is its key too wide?",
    "cochée": "ticked",
    "connu": "known",
    "connue": "known",
    "dans l’annotation": "in the annotation",
    "dans le formulaire": "in the form",
    "dans son annotation": "in its annotation",
    "date": "date",
    "dossier": "dossier",
    "démarche": "démarche",
    "détail": "detail",
    "figés": "renewed no more",
    "inscriptions suivies": "writes that are followed",
    "perdue : dsync écrit de nouveau": "lost: dsync writes again",
    "introuvable, masqué ou supprimé": "not found, hidden or deleted",
    "ne distingue personne : valeur mal écrite ?": "tells nobody apart: is a value misspelt?",
    "ne s’applique à personne : condition mal écrite ?": "applies to nobody: is a condition wrong?",
    "non cochée": "not ticked",
    "phrase d’introduction ou adresse des règles": "introduction, or address of the rules",
    "présent dans Démarches Simplifiées": "present in DS",
    "renseignée": "filled in",
    "retirée du formulaire": "removed from the form",
    "retirées de la copie": "removed from the copy",
    "règle trop large ?": "is its rule too wide?",
    "rien d’inscrit": "nothing",
    "parmi": "among",
    "résultat": "result",
    "réponses lues": "answers read",
    "section [annotations]": "section [annotations]",
    "section [mapping]": "section [mapping]",
    "section [[controles]]": "section [[controles]]",
    "sa phrase": "its sentence",
    "une autre phrase": "another sentence",
    "vide": "empty",
    "État": "State",
    "étiquette": "label",
}
"""The French phrases of proposals, which the console shows as they are stored."""


def found_by(one: CheckFinding) -> str:
    """Return what a check found, in English."""
    doubt = f": {_PROPOSED[one.doubt]}" if one.doubt else ""
    return f"{one.check}: {one.dossiers} of {one.judged} dossiers{doubt}"


def proposed(text: str) -> str:
    """Return a phrase of a proposal in English; a value of DS or of the file as a quotation."""
    name, colon, rest = text.partition(" : ")
    if colon and (known := _PROPOSED.get(name)):
        return f"{known}: {rest if rest.isdecimal() else proposed(rest)}"
    phrase, mark, quoted = text.partition(" « ")
    said = _PROPOSED.get(phrase)
    return f"« {text} »" if said is None else f"{said}{mark}{quoted}"
