"""The token's last day, as the settings tell it. Imports nothing heavy: `dsync status` is light."""

from __future__ import annotations

from datetime import date

from dsync.domain.check_line import CheckLine, CheckStatus

EXPIRY_WARNINGS_DAYS = (30, 7, 1)


def expiry_lines(expires_on: date | None, today: date) -> list[CheckLine]:
    """Warn 30, 7 and 1 days before the token's last day; DS itself never tells that day."""
    if expires_on is None:
        message = "the day on which it expires is not known here"
        remedy = "set DSYNC_DS_TOKEN_EXPIRES_ON to be warned 30, 7 and 1 days before"
        return [CheckLine("token expiry", CheckStatus.INFO, message, remedy)]
    days = (expires_on - today).days
    remedy = "make a new token on DS and put it in place, then set DSYNC_DS_TOKEN_EXPIRES_ON"
    if days < 0:
        message = f"expired on {expires_on} by DSYNC_DS_TOKEN_EXPIRES_ON"
    elif days <= EXPIRY_WARNINGS_DAYS[0]:
        left = "today is its last day" if days == 0 else f"{days} day{'s' * (days > 1)} left"
        message = f"expires on {expires_on}: {left}"
    else:
        return [CheckLine("token expiry", CheckStatus.OK, f"valid until {expires_on}")]
    return [CheckLine("token expiry", CheckStatus.WARNING, message, remedy)]
