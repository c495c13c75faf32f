"""Read days, numbers, booleans and départements out of champs, whatever type they came in.

A revision may turn a date into a text or a number into a drop-down; what cannot be read is None
and stays readable among the champs.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from dsync.domain.dossier import Champ, folded
from dsync.eig.mapping.champs import trimmed_of

PARIS = ZoneInfo("Europe/Paris")

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SLASHED_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_WRITTEN_DAY = re.compile(r"(\d{1,2})(?:er)? ([^\W\d]+)\.? (\d{4})\b.*", re.DOTALL)
_MONTHS = (
    *("janv", "fév", "mars", "avr", "mai", "juin"),
    *("juil", "août", "sept", "oct", "nov", "déc"),
)
_NUMBER = re.compile(r"([+-]?\d{1,15}(?:[.,]\d{1,15})?)(?:\s*/\s*\d+)?")
_TRUE = frozenset({"oui", "true", "vrai", "on", "1"})
_FALSE = frozenset({"non", "false", "faux", "off", "0"})
_CODE = r"(97\d|98\d|\d{2}|2[AaBb])"
_DEPARTEMENT = re.compile(
    rf"{_CODE}(?:(?:\s*[-–—:]\s*|\s+)(\S.*))?|(\S.*?)\s*\(\s*{_CODE}\s*\)", re.DOTALL
)


def day_of(champ: Champ) -> date | None:
    """Return a champ's day; an instant's is the one in Paris."""
    text = trimmed_of(champ)
    if text is None:
        return None
    try:
        return _iso_day(text) or _french_day(text)
    except (OverflowError, ValueError):
        return None


def number_of(champ: Champ) -> float | None:
    """Return a champ's number as it is, be it out of range; « 4,5 » and « 4/5 » are read too."""
    if type(champ.valeur) is int:
        return float(champ.valeur)
    text = trimmed_of(champ)
    found = _NUMBER.fullmatch(text) if text else None
    return float(found[1].replace(",", ".")) if found else None


def rank_of(champ: Champ) -> int | None:
    """Return a champ's whole number, if it may be a rank: the views have 32 bits for it."""
    number = number_of(champ)
    is_rank = number is not None and number.is_integer() and abs(number) < 1 << 31
    return int(number) if number is not None and is_rank else None


def boolean_of(champ: Champ) -> bool | None:
    """Return what a box, a yes/no or a text like « oui » says."""
    if isinstance(champ.valeur, bool):
        return champ.valeur
    text = folded(trimmed_of(champ) or "")
    return True if text in _TRUE else False if text in _FALSE else None


def departement_of(champ: Champ) -> tuple[str | None, str | None]:
    """Return a département's code and name, out of an address or a text like « 75 - Paris »."""
    place = champ.valeur
    if isinstance(place, dict):
        code = place.get("departmentCode")
        if isinstance(code, str):
            name = place.get("departmentName")
            return code, name if isinstance(name, str) else None
    text = trimmed_of(champ)
    found = _DEPARTEMENT.fullmatch(text or "")
    if not found:
        return None, text
    return (found[1] or found[4]).upper(), found[2] or found[3]


def _iso_day(text: str) -> date | None:
    if not _ISO_DAY.match(text):
        return None
    if len(text) == len("2024-01-01"):
        return date.fromisoformat(text)
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(PARIS).date()


def _french_day(text: str) -> date | None:
    slashed = _SLASHED_DAY.match(text)
    if slashed:
        return date(int(slashed[3]), int(slashed[2]), int(slashed[1]))
    written = _WRITTEN_DAY.fullmatch(text.casefold())
    if not written:
        return None
    for month, name in enumerate(_MONTHS, start=1):
        if written[2].startswith(name):
            return date(int(written[3]), month, int(written[1]))
    return None
