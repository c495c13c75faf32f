"""The lines of `dsync check`, and the line about the token's expiry, which `status` shows too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class CheckStatus(StrEnum):
    """The status of a line."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One thing checked; `exit_code` is 0 unless it prevents a successful run."""

    name: str
    status: CheckStatus
    message: str
    remedy: str | None = None
    exit_code: int = 0


EXPIRY_WARNED_DAYS = 30
"""From how many days before a token's last day on there is a warning."""


def expiry_line(expires_on: date | None, today: date) -> CheckLine:
    """Return the line about the token's expiry, whose date the API does not give.

    `expires_on` is its configured last day of validity, `today` the present day, in UTC.
    """
    if expires_on is None:
        message = "its expiry date is not known"
        remedy = f"set DSYNC_DS_TOKEN_EXPIRES_ON to be warned {EXPIRY_WARNED_DAYS} days before"
        return CheckLine("token expiry", CheckStatus.INFO, message, remedy)
    # The token works on the whole of its last day.
    days = (expires_on - today).days
    remedy = "make a new token on DS and put it in place, then set DSYNC_DS_TOKEN_EXPIRES_ON"
    if days < 0:
        message = f"expired on {expires_on} by DSYNC_DS_TOKEN_EXPIRES_ON"
    elif days <= EXPIRY_WARNED_DAYS:
        left = "today is its last day" if days == 0 else f"{days} day{'s' * (days > 1)} left"
        message = f"expires on {expires_on}: {left}"
    else:
        return CheckLine("token expiry", CheckStatus.OK, f"valid until {expires_on}")
    return CheckLine("token expiry", CheckStatus.WARNING, message, remedy)
