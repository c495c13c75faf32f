"""What operators are told: the lines of `dsync check`, and what sentences are completed with.

That is the word that was meant, durations, commands; how a duration is typed stands here, too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from dsync.domain.wording import slug

if TYPE_CHECKING:
    # Every command imports this: what it takes to read dossiers would delay its start.
    from dsync.domain.dossier import Demarche

MIN_SIMILARITY = 60
"""Similarity in percent from which a word is taken for a misspelling of a known one."""
SURE = 90
"""Similarity in percent from which a label is taken for a known one."""
MISSPELT = 80
"""Similarity in percent from which a name of one's own may be a misspelling of a field's."""


def nearest(word: str, known: Iterable[str], *, at_least: int = MIN_SIMILARITY) -> str | None:
    """Return the most similar known word, None if none is similar."""
    from rapidfuzz import fuzz, process  # Takes 20 ms, which only a misspelt word needs.

    found = process.extractOne(word, [*known], scorer=fuzz.ratio, score_cutoff=at_least)
    return found[0] if found else None


def no_instructeur(demarche: Demarche, named: str) -> str:
    """Return the sentence that nobody of a démarche has this id or e-mail, with the nearest one."""
    known = {one.email.casefold(): one.email for one in demarche.instructeurs if one.email}
    near = nearest(named.casefold(), known)
    meant = f"; did you mean {known[near]}?" if near else ""
    return f"{named} is no instructeur of this démarche{meant}"


def similarity(libelle: str, known: Iterable[str]) -> int:
    """Return the similarity of a label of DS with the nearest known one, in percent below 100."""
    from rapidfuzz import fuzz  # As above.

    given, *others = [slug(one).replace("_", " ") for one in (libelle, *known)]
    # Whichever is higher: the same words in another order ask the same question.
    scores = [max(fuzz.ratio(one, given), fuzz.token_sort_ratio(one, given)) for one in others]
    # 100 means that the label is known, and not similar.
    return min(99, int(max(scores, default=0)))


def ago(value: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in the largest unit that fits."""
    seconds = max(0, int((now - value).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        # Below two of a unit, the smaller unit says more.
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def span(duration: timedelta) -> str:
    """Return a duration in days, below two days in minutes."""
    if duration.days > 1:
        return f"{duration.days} days"
    return f"{int(duration.total_seconds()) // 60} minutes"


_DURATION = re.compile(r"(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MAX_DURATION = timedelta(days=366)


def parse_duration(value: object) -> timedelta:
    """Return the duration of `30m`, `5 m`, `1h`, `90s`, `16d` or a timedelta.

    Raises:
        ValueError: it has another form, or is longer than a year.
    """
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(str(value).strip())
    if not found:
        raise ValueError("expected a number and s, m, h or d, such as 30m")
    try:
        duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
    # More days than `timedelta` has, or more digits than Python converts: refused below, as any too
    # long one.
    except (OverflowError, ValueError):
        duration = timedelta.max
    if duration > MAX_DURATION:
        raise ValueError("expected a year at most (366d)")
    return duration


def parse_age(value: object) -> timedelta:
    """Return the age of `90d`, `2y` or a timedelta.

    Raises:
        ValueError: it has another form, or is longer than a century.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    number, unit = text[:-1], text[-1:]
    most = {"d": 36_500, "y": 100}
    # Python refuses to convert thousands of digits.
    is_short = number.isdecimal() and len(number) < 10
    if not (is_short and unit in most and 0 < int(number) <= most[unit]):
        raise ValueError("expected a number and d or y, 100y at most, such as 2y")
    return int(number) * timedelta(days=365.25 if unit == "y" else 1)


_COMMAND = re.compile(r"`dsync ([^`]+)`")
_OF_ALL = {"run", "console", "demo", "sandbox", "forget", "completion", "db"}
"""Commands that are not about one démarche; of those of `db`, `verify` is."""
ALL = "--all"
_OF_EACH = {"sync", "push", "purge", "pieces fetch", "quarantine retry", "db verify"}
"""Commands with that option, without which they are about one démarche."""


def pasteable(text: str, options: Mapping[str, str]) -> str:
    """Return a sentence whose commands « `dsync …` » have the options that they need.

    A command that has one of them already keeps its own value. `ALL` has none, and commands that do
    not know it go without.
    """

    def completed(found: re.Match[str]) -> str:
        words = found[1].split()
        if "--help" in words:
            return found[0]
        is_of_each = words[0] in _OF_EACH or " ".join(words[:2]) in _OF_EACH
        is_of_all = words[0] in _OF_ALL and not is_of_each
        if "--dossier" in words or "--demarche" in words:
            is_of_each = False
        added = [
            f" {name} {shlex.quote(value)}" if value else f" {name}"
            for name, value in options.items()
            if name not in words
            and not (name == "--demarche" and is_of_all)
            and not (name == ALL and not is_of_each)
        ]
        return f"`dsync {found[1]}{''.join(added)}`"

    return _COMMAND.sub(completed, text) if options else text


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
