"""Every error of dsync: callers catch a class, the command line ends with its exit code.

The tree, with what a caller does and the exit code::

    DsyncError
    ├── ConfigurationError         ends the run                    2
    ├── DSError
    │   ├── DSUnavailableError     tries again                     8
    │   ├── DSRateLimitedError     tries again at .retry_at        8
    │   ├── DSTimeoutError         asks for less                   8
    │   ├── DSUnauthorizedError    ends the run                    3
    │   ├── DSWrongAddressError    ends the run                    2
    │   ├── DSNotFoundError        goes on without the dossier     7
    │   ├── DSOutcomeUnknownError  reads back before a new write   7
    │   ├── DSBadDataError         asks for less                   8
    │   └── DSContractError        ends the run                    8
    ├── EvidenceUnavailableError   goes on without the evidence    7
    ├── RuleEvaluationError        puts the dossier in quarantine  7
    ├── SafetyBrakeError           ends the run                    4
    ├── InterruptedRunError        ends the run                    130
    └── StoreError                 ends the run                    5
        ├── SchemaBehindError      ends the run                    5
        ├── LeaseLostError         ends the run                    6
        └── LeaseHeldError         waits, or ends the run          6
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar


class DsyncError(Exception):
    """Base of all errors; the message is one sentence with its remedy, safe to print and log."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class ConfigurationError(DsyncError):
    """A setting, a rule or a mapping is wrong; `problems` lists every one found."""

    exit_code = 2

    def __init__(self, message: str, problems: tuple[str, ...] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.problems = problems


class DSError(DsyncError):
    """Base of what DS answers, or fails to answer."""

    exit_code = 8


class DSUnavailableError(DSError):
    """DS cannot be reached or answers no GraphQL: network, 5xx, HTML, cut answers. Try later."""


class DSRateLimitedError(DSUnavailableError):
    """DS asks to wait until `retry_at` (UTC), or for a moment when it says nothing."""

    def __init__(self, message: str, retry_at: datetime | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_at = retry_at


class DSTimeoutError(DSError):
    """DS ran out of its 30 s, a deadline passed, or query or answer is too large: ask for less."""


class DSBadDataError(DSError):
    """A dossier asked for cannot be rendered by DS (null node, `invalid_null`, a 500)."""


class DSUnauthorizedError(DSError):
    """DS refuses the token, or it does not reach the démarche; `reason` tells which.

    `reason` is one of `missing`, `unknown`, `expired`, `network`, `scope`.
    """

    exit_code = 3

    def __init__(self, message: str, reason: str, **details: Any) -> None:
        super().__init__(message, reason=reason, **details)
        self.reason = reason


class DSWrongAddressError(DSError):
    """There is no GraphQL endpoint at the configured address; correct DSYNC_DS_URL."""

    exit_code = 2


class DSNotFoundError(DSError):
    """DS has no such démarche or dossier, or hides it."""

    exit_code = 7


class DSOutcomeUnknownError(DSError):
    """A mutation was sent and no usable answer came; read back before sending again.

    `finished` says that DS answered (a 500): what was done is done, and may be read back now.
    Without an answer DS may still be at work: wait longer than its own 30 s.
    """

    exit_code = 7

    def __init__(self, message: str, *, finished: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.finished = finished


class DSContractError(DSError):
    """An answer breaks the API's contract: a repeated cursor, a missing field, a refused query."""


class EvidenceUnavailableError(DsyncError):
    """A source of evidence cannot be read now; the last good copy is used when there is one."""

    exit_code = 7


class RuleEvaluationError(DsyncError):
    """A rule failed on this dossier: a fault of dsync, never a « non éligible »."""

    exit_code = 7


class SafetyBrakeError(DsyncError):
    """What DS shows is too unlike the copy to be mirrored without a human's word."""

    exit_code = 4


class InterruptedRunError(DsyncError):
    """The run was asked to stop; what was stored stays, the next run resumes."""

    exit_code = 130


class StoreError(DsyncError):
    """The database cannot be opened, read or written."""

    exit_code = 5


class SchemaBehindError(StoreError):
    """The database's schema is not the one this version needs; run `dsync db upgrade`."""

    @property
    def is_mendable(self) -> bool:
        """Whether that helps: a newer schema needs a newer dsync."""
        return not self.details["is_newer"]


class LeaseLostError(StoreError):
    """Another process took the lease; nothing of this transaction was stored."""

    exit_code = 6


class LeaseHeldError(StoreError):
    """Another process holds the lease of this démarche (`holder`, `since`)."""

    exit_code = 6
