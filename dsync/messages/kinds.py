"""Each kind of message as a type whose fields are its facts; the catalogues have the words.

A function of a catalogue has a case for each member of a union: mypy finds the one that is missing.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec


class _Said(msgspec.Struct, frozen=True):
    """A message."""


# What needs attention in a démarche.


class TokenRefused(_Said, frozen=True):
    """DS refused the token in the last run."""

    since: datetime
    why: str
    """The error of the run."""


class MassDeletion(_Said, frozen=True):
    """DS's own lists hid or erased too many dossiers at once."""

    dossiers: int
    of: int
    since: datetime | None


class Stopped(_Said, frozen=True):
    """Something waits for a person's consent."""

    kind: str
    """What `dsync accept` calls it."""
    dossiers: int
    since: datetime
    table: str


class DSAway(_Said, frozen=True):
    """DS was not available for the last run."""

    since: datetime
    why: str


class RunFailed(_Said, frozen=True):
    """The last run failed, or its process died."""

    run: int
    cause: str | None
    """In French, as the run's row has it; None: its process died."""


class NoSuccess(_Said, frozen=True):
    """No run has succeeded yet, since the first service started."""

    since: datetime
    why: str | None


class Late(_Said, frozen=True):
    """The last success is too old."""

    since: datetime
    why: str | None


class ClockWentBack(_Said, frozen=True):
    """This machine's clock went back: a run is dated in the future."""

    until: datetime


class UnfinishedErasures(_Said, frozen=True):
    """Erasures are not finished."""

    files: int
    """Copies that are to be deleted."""
    requests: int


class NoTarget(_Said, frozen=True):
    """The target of the copies of files is not there."""


class SilentService(_Said, frozen=True):
    """A service that did not report its end no longer reports."""

    holder: str
    since: datetime


class Refused(_Said, frozen=True):
    """Dossiers have annotations that DS refused."""

    dossiers: int
    reasons: tuple[str, ...] = ()
    """Sentences of DS or of the outbox, in French."""


class Conflicts(_Said, frozen=True):
    """Dossiers have a human's value where dsync wants to write."""

    dossiers: int


class Quarantined(_Said, frozen=True):
    """Dossiers are in quarantine."""

    dossiers: int


class Waiting(_Said, frozen=True):
    """Dossiers have annotations that wait."""

    dossiers: int
    reasons: tuple[str, ...] = ()


class WaitingRequests(_Said, frozen=True):
    """Requests that nothing has executed wait for too long."""

    requests: int
    since: datetime


class TokenExpiry(_Said, frozen=True):
    """The token expires soon, or has expired."""

    last_day: date
    days: int
    """How many are left; below zero: it has expired."""


class OldEvidence(_Said, frozen=True):
    """The catalogue has not been confirmed for too long."""

    since: datetime


class Findings(_Said, frozen=True):
    """The service's daily `dsync check` has findings."""

    names: tuple[str, ...]
    """Of its lines."""


class NoService(_Said, frozen=True):
    """No service runs."""


class NotConfigured(_Said, frozen=True):
    """The database has démarches that no file configures any more."""

    demarches: tuple[int, ...]


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
    | Quarantined
    | Waiting
    | WaitingRequests
    | TokenExpiry
    | OldEvidence
    | Findings
    | NoService
    | NotConfigured
)
"""What can need attention, the worst first."""
