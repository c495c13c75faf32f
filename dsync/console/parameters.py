"""Reads what addresses and forms give: a value that nobody can mean is refused with the way back.

Days and instants are those of a calendar in use: databases and time zones have bounds of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from starlette.exceptions import HTTPException

from dsync.console import words
from dsync.domain.dossier import in_utc

_FIRST, _LAST = date(1900, 1, 1), date(2999, 12, 31)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_A_DAY = "La date attendue est de la forme 2027-06-30."
_AN_INSTANT = "La date attendue est de la forme 2027-06-30, ou 2027-06-30T08:00:00Z."


class UnknownValueError(HTTPException):
    """A parameter of the address has a value that the page does not know (400).

    `known` is what is expected, as a sentence.
    """

    def __init__(self, name: str, value: str, known: str = "") -> None:
        shown = words.shortened(value, 60)
        super().__init__(400, f"Le filtre « {name} » ne connaît pas « {shown} ». {known}".strip())


def check_texts(given: Iterable[tuple[str, str]]) -> None:
    """Check that parameters of an address are texts that a database can have, else 400."""
    for name, value in given:
        if "\0" in name or "\0" in value:
            raise UnknownValueError(words.shortened(name, 60), value)


def day_of(name: str, value: str, known: str = _A_DAY) -> date:
    """Return a day, such as « 2027-06-30 », else raise UnknownValueError."""
    try:
        day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise UnknownValueError(name, value, known)
    return day


def instant_of(name: str, value: str) -> datetime:
    """Return an instant in UTC, or that at which a day begins in Paris; else UnknownValueError."""
    if _DAY.fullmatch(value):
        return words.first_instant(day_of(name, value, _AN_INSTANT).isoformat())
    try:
        # In an address, « + » is a space.
        instant = in_utc(datetime.fromisoformat(value.replace(" ", "+")))
    except (ValueError, OverflowError):
        raise UnknownValueError(name, value, _AN_INSTANT) from None
    if not _FIRST <= instant.date() <= _LAST:
        raise UnknownValueError(name, value, _AN_INSTANT)
    return instant
