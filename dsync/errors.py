"""All errors of dsync, each with the exit code that the command line ends with.

The tree, with what the caller does and the exit code::

    DsyncError                                                     1
    ├── ConfigurationError         ends the run                    2
    ├── DSError
    │   ├── DSUnavailableError     retries                         8
    │   ├── DSRateLimitedError     retries at .retry_at            8
    │   ├── DSTimeoutError         asks for less                   8
    │   ├── DSUnauthorizedError    ends the run                    3
    │   ├── DSWrongAddressError    ends the run                    2
    │   ├── DSNotFoundError        skips the dossier               7
    │   ├── DSOutcomeUnknownError  reads back before writing again 7
    │   ├── DSBadDataError         asks for less                   8
    │   └── DSContractError        ends the run                    8
    ├── EvidenceUnavailableError   continues without the evidence  7
    ├── PieceError                 leaves the file                 7
    ├── PieceTargetError           ends the copying                7
    ├── SafetyBrakeError           ends the run                    4
    ├── InterruptedRunError        ends the run                    130
    └── StoreError                 ends the run                    5
        ├── SchemaBehindError      ends the run                    5
        ├── DamagedJsonError       does without it, or ends the run 5
        ├── LeaseLostError         ends the run                    6
        └── LeaseHeldError         waits, or ends the run          6
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from datetime import datetime
from traceback import walk_tb
from typing import Any, ClassVar

DISTRIBUTION = "dsync-ds"
IMAGE_VARIABLE = "DSYNC_IMAGE"
"""Set by the Dockerfile: name and tag of the image with all extras but those below."""
_OWN_IMAGE = {"export": "-parquet"}
"""Extras that only another image has, and the end of its tag."""


def quotation(text: str, end: str = "", marks: tuple[str, str] = ("“", "”")) -> str:
    """Return somebody else's words, such as a sentence of DS, for a sentence of dsync.

    The sign `end` is left out after words that end with it; `marks` are those of the sentence's
    language.
    """
    return f"{marks[0]}{text}{marks[1]}{'' if end and text.endswith(end) else end}"


FRENCH_MARKS = ("« ", " »")


def remedy(extra: str) -> str:
    """Return what installs the packages of an extra that is missing, to be pasted as it stands.

    It names them one by one: an index may have something else under a name of ours.
    """
    from importlib import metadata  # Help does without what it imports.

    if image := os.environ.get(IMAGE_VARIABLE):
        own = _OWN_IMAGE.get(extra, "")
        return f"take the image {image}{own}, which has it"
    found = [
        re.fullmatch(r"(.+?) *; *extra == ['\"](.+)['\"]", one)
        for one in metadata.requires(DISTRIBUTION) or ()
    ]
    packages = [one[1] for one in found if one and one[2] == extra]
    return f"install it with `{shlex.join([sys.executable, '-m', 'pip', 'install', *packages])}`"


PARTIAL = 7
"""The exit code of what did a part of its work."""


class DsyncError(Exception):
    """Base of all errors.

    The message is one sentence and its remedy: a text, or one of `dsync.messages` with its facts,
    which is also said in French. It has no personal data and no credentials. `details` are facts
    for the log and for callers.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: object, **details: Any) -> None:
        super().__init__(str(message))
        self.said = message
        self.message = str(message)
        self.details = details


class ConfigurationError(DsyncError):
    """A setting, a rule or a mapping is invalid; `problems` lists all that were found."""

    exit_code = 2

    def __init__(self, message: object, problems: tuple[str, ...] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.problems = problems


class DSError(DsyncError):
    """Base of all failures of a request to DS."""

    exit_code = 8


class DSUnavailableError(DSError):
    """DS cannot be reached or gives no GraphQL answer: network, 5xx, HTML. Retry later."""


class DSRateLimitedError(DSUnavailableError):
    """The rate limit is exceeded: retry at `retry_at` (UTC), after some seconds when it is None."""

    retry_at: datetime | None = None


class DSTimeoutError(DSError):
    """DS timed out after 30 s, a deadline passed, or query or answer is too large: ask for less."""


class DSBadDataError(DSError):
    """DS cannot render a requested dossier: a null node, `invalid_null`, or an internal error."""


class DSUnauthorizedError(DSError):
    """DS refuses the token, or the démarche is outside its scope.

    `reason` is `missing`, `unknown`, `expired`, `network` or `scope`.
    """

    exit_code = 3

    def __init__(self, message: object, reason: str, **details: Any) -> None:
        super().__init__(message, reason=reason, **details)
        self.reason = reason


class DSWrongAddressError(DSError):
    """The configured address is no GraphQL endpoint: correct DSYNC_DS_URL."""

    exit_code = 2


class DSNotFoundError(DSError):
    """DS has no such démarche or dossier, or does not show it."""

    exit_code = 7


class DSOutcomeUnknownError(DSError):
    """A mutation was sent without a usable answer: read back before sending it again.

    `finished`: DS answered (a 500), so that the values can be read back at once. Without an answer
    DS may still be processing the mutation for up to 30 s.
    """

    exit_code = 7

    def __init__(self, message: object, *, finished: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.finished = finished


class DSContractError(DSError):
    """The answer does not match the API: a repeated cursor, a missing field, a refused query."""


class EvidenceUnavailableError(DsyncError):
    """A source of evidence cannot be read; the last good copy is used if there is one."""

    exit_code = 7


class PieceError(DsyncError):
    """A file cannot be downloaded, or is not the one that DS announced; it is tried again later."""

    exit_code = 7


class PieceTargetError(DsyncError):
    """The target of the copies of files cannot be written; nothing else can be copied now."""

    exit_code = 7


def origin_of(error: BaseException) -> str:
    """Return the type of a bug's exception and where in dsync it was raised, without its text."""
    places = [
        f"{name}:{line}"
        for frame, line in walk_tb(error.__traceback__)
        if (name := str(frame.f_globals.get("__name__"))).startswith("dsync.")
    ]
    return ", ".join([type(error).__name__, *places[-1:]])


class GristError(DsyncError):
    """Grist is away, refuses, or hides what dsync made; `status` in the details is HTTP's."""

    exit_code = 8


class SafetyBrakeError(DsyncError):
    """Too much disappeared at once from DS or a list: an operator has to confirm it."""

    exit_code = 4


class InterruptedRunError(DsyncError):
    """The run was asked to stop; what is stored stays stored, and the next run resumes."""

    exit_code = 130


class StoreError(DsyncError):
    """The database cannot be opened, read or written."""

    exit_code = 5


class DamagedJsonError(StoreError):
    """Stored JSON cannot be decoded: something outside dsync has changed it."""

    def __init__(self) -> None:
        super().__init__(
            "Stored JSON cannot be decoded: something outside dsync has changed the database. Run "
            "`dsync db verify`, and have each dossier that it names read again; if it names none, "
            "restore a backup."
        )


class SchemaBehindError(StoreError):
    """The database's schema is not the one that this version needs: run `dsync db upgrade`."""

    @property
    def is_upgradable(self) -> bool:
        """Whether an upgrade helps: no newer schema, nor one of before 1.0.0."""
        return bool(self.details["is_upgradable"])


class LeaseLostError(StoreError):
    """Another process took over the lease; the transaction was rolled back."""

    exit_code = 6


class LeaseHeldError(StoreError):
    """Another process has the lease of this démarche (details: `holder`, `since`)."""

    exit_code = 6
