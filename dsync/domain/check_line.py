"""One line of `dsync check`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """How one line stands."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One thing looked at; `exit_code` is 0 unless it keeps a run from being a success."""

    name: str
    status: CheckStatus
    message: str
    remedy: str | None = None
    exit_code: int = 0
