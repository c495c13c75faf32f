"""Every error of dsync, and what its caller does about it.

The tree (each class says its disposition, the branch the caller takes, and the process's
exit code when the error reaches the command line)::

    DsyncError
    ├── ConfigurationError      STOP_RUN        2
    ├── DSError
    │   ├── DSUnavailableError  RETRY           8
    │   ├── DSRateLimitedError  RETRY           8   at .retry_at
    │   ├── DSTimeoutError      SHRINK          8   ask for less
    │   ├── DSUnauthorizedError STOP_RUN        3
    │   ├── DSWrongAddressError STOP_RUN        2   DSYNC_DS_URL is not DS's endpoint
    │   ├── DSNotFoundError     SKIP_ITEM       7
    │   ├── DSOutcomeUnknownError VERIFY        7   read back before sending again
    │   ├── DSBadDataError      SHRINK          8   one dossier of the page cannot be rendered
    │   └── DSContractError     STOP_DEMARCHE   8
    ├── EvidenceUnavailableError SKIP_ITEM      7
    ├── RuleEvaluationError     QUARANTINE      7
    ├── SafetyBrakeError        STOP_DEMARCHE   4
    ├── InterruptedRunError     STOP_RUN        130
    └── StoreError              STOP_RUN        5
        ├── SchemaBehindError   STOP_RUN        5
        ├── LeaseLostError      STOP_RUN        6
        └── LeaseHeldError      STOP_RUN        6
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar


class Disposition(StrEnum):
    """What the one who catches a `DsyncError` does."""

    RETRY = "retry"
    SHRINK = "shrink"
    SKIP_ITEM = "skip_item"
    QUARANTINE = "quarantine"
    VERIFY = "verify"
    STOP_RUN = "stop_run"
    STOP_DEMARCHE = "stop_demarche"


class DsyncError(Exception):
    """Base of all errors; the message is one sentence with its remedy, safe to print and log."""

    disposition: ClassVar[Disposition] = Disposition.STOP_RUN
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

    disposition = Disposition.RETRY


class DSRateLimitedError(DSUnavailableError):
    """DS asks to wait until `retry_at` (UTC), or for a moment when it says nothing."""

    def __init__(self, message: str, retry_at: datetime | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_at = retry_at


class DSTimeoutError(DSError):
    """DS ran out of its 30 s, a deadline passed, or query or answer is too large: ask for less."""

    disposition = Disposition.SHRINK


class DSBadDataError(DSError):
    """A dossier asked for cannot be rendered by DS (null node, `invalid_null`, a 500)."""

    disposition = Disposition.SHRINK


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

    disposition = Disposition.SKIP_ITEM
    exit_code = 7


class DSOutcomeUnknownError(DSError):
    """A mutation was sent and no usable answer came; read back before sending again.

    `finished` says that DS answered (a 500): what was done is done, and may be read back now.
    Without an answer DS may still be at work: wait longer than its own 30 s.
    """

    disposition = Disposition.VERIFY
    exit_code = 7

    def __init__(self, message: str, *, finished: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.finished = finished


class DSContractError(DSError):
    """An answer breaks the API's contract: a repeated cursor, a missing field, a refused query."""

    disposition = Disposition.STOP_DEMARCHE


class EvidenceUnavailableError(DsyncError):
    """A source of evidence cannot be read now; the last good copy is used when there is one."""

    disposition = Disposition.SKIP_ITEM
    exit_code = 7


class RuleEvaluationError(DsyncError):
    """A rule failed on this dossier: a fault of dsync, never a « non éligible »."""

    disposition = Disposition.QUARANTINE
    exit_code = 7


class SafetyBrakeError(DsyncError):
    """What DS shows is too unlike the copy to be mirrored without a human's word."""

    disposition = Disposition.STOP_DEMARCHE
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
