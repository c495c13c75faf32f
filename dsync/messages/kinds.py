"""Each kind of message as a type whose fields are its facts; the catalogues have the words.

A function of a catalogue has a case for each member of a union: mypy finds the one that is missing.
The database keeps problems under the names of their kinds and codes. A row with a name that is no
longer known shows its English sentence as a quotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, cast

import msgspec

from dsync.errors import DsyncError


class _Said(msgspec.Struct, frozen=True):
    """A message."""


# What needs attention in a démarche.


class TokenRefused(_Said, frozen=True):
    since: datetime
    why: str
    """The error of the run."""
    is_of_all: bool
    """Whether DS refuses it whatever the démarche: one démarche may be out of its scope."""


class MassDeletion(_Said, frozen=True):
    dossiers: int
    of: int
    since: datetime | None


class Stopped(_Said, frozen=True):
    kind: str
    """What `dsync accept` calls it."""
    since: datetime
    table: str


class DSAway(_Said, frozen=True):
    since: datetime
    why: str


class RunFailed(_Said, frozen=True):
    run: int
    cause: str | None
    """In French, as the run's row has it; None: its process died."""


class NoSuccess(_Said, frozen=True):
    since: datetime
    why: str | None


class Late(_Said, frozen=True):
    since: datetime
    why: str | None


class ClockWentBack(_Said, frozen=True):
    until: datetime


class UnfinishedErasures(_Said, frozen=True):
    files: int
    """Copies that are to be deleted."""
    requests: int


class NoTarget(_Said, frozen=True):
    """The target of the copies of files is not there."""


class SilentService(_Said, frozen=True):
    holder: str
    since: datetime


class Refused(_Said, frozen=True):
    dossiers: int
    reasons: tuple[str, ...] = ()
    """Sentences of DS or of the outbox, in French."""


class Conflicts(_Said, frozen=True):
    dossiers: int


class Contradicted(_Said, frozen=True):
    """Dossiers that today's catalogue would not exclude, as the one of their deposit does."""

    dossiers: int


class InQuarantine(_Said, frozen=True):
    dossiers: int


class WaitingWrites(_Said, frozen=True):
    dossiers: int
    reasons: tuple[str, ...] = ()


class WaitingRequests(_Said, frozen=True):
    requests: int
    since: datetime


class TokenExpiry(_Said, frozen=True):
    last_day: date
    days: int
    """How many are left; below zero: it has expired."""


class OldEvidence(_Said, frozen=True):
    since: datetime


class Findings(_Said, frozen=True):
    names: tuple[str, ...]
    """Of its lines."""


class NoService(_Said, frozen=True):
    """No service runs."""


class NotConfigured(_Said, frozen=True):
    demarches: tuple[int, ...]


class GristLeft(_Said, frozen=True):
    views: tuple[str, ...]
    """Whose tables were deleted or changed in Grist."""


Concern = (
    TokenRefused
    | MassDeletion
    | Stopped
    | DSAway
    | RunFailed
    | NoSuccess
    | Late
    | ClockWentBack
    | UnfinishedErasures
    | NoTarget
    | SilentService
    | Refused
    | Conflicts
    | Contradicted
    | InQuarantine
    | WaitingWrites
    | WaitingRequests
    | TokenExpiry
    | OldEvidence
    | Findings
    | NoService
    | NotConfigured
    | GristLeft
)
"""What can need attention."""


# What a run reports, and what ends it: the journal has these with their facts.


class _Problem(_Said, frozen=True, tag=True, tag_field="dit", omit_defaults=True):
    """A problem; as a text it is the sentence for operators, with its remedy."""

    def __str__(self) -> str:
        from dsync.messages import english  # It has the words for the kinds of this module.

        return english.problem(cast("Problem", self))


class Note(StrEnum):
    """The problems without facts."""

    UNREADABLE_DOSSIERS = "unreadable_dossiers"
    RULE_FAILED = "rule_failed"
    NOT_RENDERED = "not_rendered"
    PLACES_WITHOUT_NAME = "places_without_name"
    WATERMARK_AHEAD = "watermark_ahead"
    OUT_OF_ORDER = "out_of_order"
    UNREADABLE_DELETIONS = "unreadable_deletions"
    NO_LIST = "no_list"
    LIST_WITHOUT_END = "list_without_end"
    EMPTY_PAGE = "empty_page"
    NO_CURSOR = "no_cursor"
    SAME_CURSOR = "same_cursor"
    NO_INSTRUCTEUR = "no_instructeur"
    INSTRUCTEUR_WITHOUT_GROUPE = "instructeur_without_groupe"
    READ_ONLY = "read_only"
    NO_RIGHT = "no_right"
    WAITED_TOO_LONG = "waited_too_long"
    UNANSWERED = "unanswered"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OUTCOME_UNREADABLE = "outcome_unreadable"
    ANNOTATIONS_NOT_RENDERED = "annotations_not_rendered"
    NO_REGISTRY = "no_registry"
    NO_COPYING = "no_copying"
    ANOTHER_VERSION = "another_version"
    DONE_ELSEWHERE = "done_elsewhere"
    STOPPED = "stopped"
    STOPPED_BEFORE_LEASE = "stopped_before_lease"
    STOPPED_BEFORE_ASKING = "stopped_before_asking"
    STOPPED_CONSOLE = "stopped_console"
    TAKEN_BACK = "taken_back"
    NOT_BEGUN = "not_begun"
    GOES_ON = "goes_on"


class Noted(_Problem, frozen=True):
    note: Note


class NumberNote(StrEnum):
    """The problems whose one fact is a number: a dossier's, a démarche's, or how many."""

    NOT_SHOWN = "not_shown"
    NOTHING_TO_SEND = "nothing_to_send"
    NOTHING_TO_JUDGE = "nothing_to_judge"
    NOTHING_TO_COPY = "nothing_to_copy"
    NOTHING_TO_ERASE = "nothing_to_erase"
    ERASED_HERE = "erased_here"
    NOT_ERASED = "not_erased"
    NOT_ANSWERED = "not_answered"
    CLOCKS_APART = "clocks_apart"
    ANSWERS_STOPPED = "answers_stopped"
    FLAPPING = "flapping"
    TOO_MANY_CHAMPS = "too_many_champs"
    VIEWS_BEHIND = "views_behind"
    NOT_CONFIGURED = "not_configured"
    NO_SUCH_DEMARCHE = "no_such_demarche"
    HELD_BY_DRY_RUN = "held_by_dry_run"
    TAKEN_OVER = "taken_over"


class Numbered(_Problem, frozen=True):
    note: NumberNote
    number: int


class Fault(StrEnum):
    """The ways in which a request to DS can fail."""

    UNREACHABLE = "unreachable"
    """The request was not sent: no address, connection refused, no TLS."""
    CONNECTION_LOST = "connection_lost"
    """The request was sent, and no complete answer came."""
    DEADLINE = "deadline"
    """dsync's own deadline passed."""
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    """The answer has more values than are decoded."""
    TOO_MANY_ERRORS = "too_many_errors"
    TOO_MANY_NODES = "too_many_nodes"
    """A list has more entries than were requested."""
    RATE_LIMITED = "rate_limited"
    TOKEN_MISSING = "token_missing"  # noqa: S105
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    NETWORK = "network"
    """The token may not be used from this machine's address."""
    OUT_OF_SCOPE = "out_of_scope"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    """DS stopped after 30 s; the nodes that it did not reach are null."""
    TOO_LARGE = "too_large"
    """The query exceeds DS's limits: it was refused before execution."""
    BAD_DATA = "bad_data"
    SERVER_ERROR = "server_error"
    MAINTENANCE = "maintenance"
    GATEWAY = "gateway"
    NOT_GRAPHQL = "not_graphql"
    NO_DATA = "no_data"
    MOVED = "moved"
    WRONG_ADDRESS = "wrong_address"
    INVALID_CURSOR = "invalid_cursor"
    QUERY_REFUSED = "query_refused"


class Thing(StrEnum):
    """What is asked for in DS; the value is its English noun."""

    IT = "it"
    DEMARCHE = "démarche"
    DOSSIER = "dossier"
    DOSSIERS = "dossiers"
    ONE = "a dossier"
    ONE_OF_DEMARCHE = "a dossier of the démarche"
    PAGE = "a page of dossiers"
    LISTS = "the lists of deletions"
    WRITE = "the write"


class Requested(_Said, frozen=True):
    thing: Thing = Thing.IT
    number: int | None = None


class DSFailed(_Problem, frozen=True):
    fault: Fault
    subject: Requested = Requested()
    status: int = 0
    """The HTTP status."""
    cause: str = "no answer"
    """Why DS cannot be reached."""
    url: str = "The address"
    limit: str = "allowed"
    """Which one the answer exceeds, with its unit."""


class Mismatch(_Problem, frozen=True):
    subject: Requested
    error: str
    """The type of the exception."""


class Looping(_Problem, frozen=True):
    entries: int
    dossiers: int


class WithoutNumber(_Problem, frozen=True):
    after: int | None
    before: int | None


class ListFails(_Problem, frozen=True):
    name: str
    """As DS calls it."""
    since: datetime | None
    demarche: int


class Disappeared(_Problem, frozen=True):
    gone: int
    of: int
    limit: int


class WritesStopped(_Problem, frozen=True):
    dossiers: int
    of: int
    table: str


class RulesStopped(_Problem, frozen=True):
    version: str
    moved: int
    of: int
    limit: int
    table: str
    checks: tuple[str, ...]
    """Those that would say something else of most dossiers."""
    lists: int
    """The number of lists that lost many of their lines."""


class FirstStopped(_Problem, frozen=True):
    version: str
    table: str


class FirstWrite(_Problem, frozen=True):
    dossiers: int
    table: str


class AnotherWrites(_Problem, frozen=True):
    dossiers: int
    table: str


class WritesWait(_Problem, frozen=True):
    dossiers: int
    reasons: tuple[str, ...]


class WriteRefused(_Problem, frozen=True):
    reason: str


class BoxLost(_Problem, frozen=True):
    dossiers: int
    validated: int
    config: str


class OtherForm(_Problem, frozen=True):
    config: str
    demarche: int
    what: tuple[str, ...]


class OtherCall(_Problem, frozen=True):
    config: str
    demarche: int
    lacks: str
    is_judged: bool


class SectionsLost(_Problem, frozen=True):
    config: str
    demarche: int
    sections: tuple[str, ...]
    rows: str


class LabelsMissing(_Problem, frozen=True):
    names: tuple[str, ...]


class ImpossibleValue(_Problem, frozen=True):
    value: str


class FieldsMissing(_Problem, frozen=True):
    fields: tuple[str, ...]


class UnreadableFields(_Problem, frozen=True):
    fields: tuple[str, ...]
    more: int


class ConsentGone(_Problem, frozen=True):
    kind: str


class FilesFailed(_Problem, frozen=True):
    files: int
    states: tuple[str, ...]


class TargetGone(_Problem, frozen=True):
    target: str
    marker: str
    anew: str
    """How to begin anew, in English."""


class TargetUnusable(_Problem, frozen=True):
    reason: str


class CopiesLeft(_Problem, frozen=True):
    because: Problem | str


class CatalogueUnusable(_Problem, frozen=True):
    url: str
    why: tuple[str, ...]


class RedirectsUnread(_Problem, frozen=True):
    url: str
    why: str


class FirstCatalogue(_Problem, frozen=True):
    url: str
    products: int
    fewest: int


class CatalogueRefused(_Problem, frozen=True):
    url: str
    products: int
    known: int
    moved: int
    is_missing: bool
    """Whether those that moved are missing; else they have changed."""
    share: float


class LeaseHeld(_Problem, frozen=True):
    demarche: int
    holder: str | None
    since: datetime
    is_awaited: bool
    """Whether waiting is an option of the command."""


class DatabaseFailed(_Problem, frozen=True):
    place: str
    remedy: str
    """What is wrong and what to do, in English: it is for who operates the database."""
    is_locked: bool = False
    """Whether another process had a lock for too long."""


class Crashed(_Problem, frozen=True):
    error: str
    """The type of the exception."""


OfReading = DSFailed | Mismatch | Looping | WithoutNumber | ListFails | Disappeared
OfWriting = (
    WritesStopped
    | RulesStopped
    | FirstStopped
    | FirstWrite
    | AnotherWrites
    | WritesWait
    | WriteRefused
    | BoxLost
)
OfForm = (
    OtherForm
    | OtherCall
    | SectionsLost
    | LabelsMissing
    | ImpossibleValue
    | FieldsMissing
    | UnreadableFields
)
OfEvidence = CatalogueUnusable | RedirectsUnread | FirstCatalogue | CatalogueRefused
Problem = (
    Noted
    | Numbered
    | ConsentGone
    | OfReading
    | OfWriting
    | OfForm
    | OfEvidence
    | FilesFailed
    | TargetGone
    | TargetUnusable
    | CopiesLeft
    | LeaseHeld
    | DatabaseFailed
    | Crashed
)
"""What runs report."""
_PROBLEM: Any = Problem | None


def said_by(error: DsyncError) -> Problem | str:
    """Return what an error says: with its facts, if its sentence has a type."""
    return cast("Problem", error.said) if isinstance(error.said, _Problem) else error.message


def to_stored(said: Sequence[Problem | str]) -> list[Any]:
    """Return the facts of messages as JSON; None for a sentence without a type."""
    return [None if isinstance(one, str) else msgspec.to_builtins(one) for one in said]


def of_stored(facts: object) -> Problem | None:
    """Return a message by its facts, None without them or if this version does not know them."""
    try:
        return cast("Problem | None", msgspec.convert(facts, _PROBLEM))
    except msgspec.ValidationError:
        return None
