"""Reads values out of champs: whether they are blank, their text, dates, numbers, booleans.

A new revision of the form may change the type of a champ, for example from date to text. Each
function therefore accepts all types and returns None for a value that it cannot read; the copy of
the dossier keeps that value.
"""

from __future__ import annotations

import re
from collections.abc import Set
from datetime import date, datetime
from decimal import Decimal

from dsync.domain.dossier import PARIS, Champ, Ligne, in_utc
from dsync.domain.ids import DescriptorId
from dsync.domain.wording import folded, unaccented

DescriptorIds = Set[DescriptorId]


def is_blank(champ: Champ, checkboxes: DescriptorIds) -> bool:
    """Tell whether a champ has no answer: no text, an unchecked box, or only blank rows.

    DS creates a checkbox as unchecked, never as null; a yes/no champ may be null, and its « non »
    is an answer.
    """
    if champ.valeur is False:
        return champ.descriptor_id in checkboxes or champ.type == "checkbox"
    texte = champ.texte
    if texte:
        return not texte.strip(_BLANKS)
    return not champ.lignes or all(is_blank_row(ligne, checkboxes) for ligne in champ.lignes)


def is_blank_row(ligne: Ligne, checkboxes: DescriptorIds) -> bool:
    """Tell whether all champs of a row are blank."""
    return all(is_blank(champ, checkboxes) for champ in ligne.champs)


# `str.strip()` removes non-breaking spaces, but not spaces without width.
_BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200b\u2060\ufeff"


def text_of(champ: Champ) -> str | None:
    """Return the unchanged text of a champ, or None for a blank one.

    The texts of rows are joined, so that a field whose champ became a repetition stays readable.
    """
    texte = champ.texte
    if texte:
        return texte if texte.strip(_BLANKS) else None
    if not champ.lignes:
        return None
    texts = [text_of(cell) for ligne in champ.lignes for cell in ligne.champs]
    return ", ".join(filter(None, texts)) or None


def trimmed_of(champ: Champ) -> str | None:
    """Return the text of a champ without surrounding blanks, for parsing."""
    text = text_of(champ)
    return text.strip(_BLANKS) if text else None


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Behind a day, a time alone: « 01/09/2026 au 31/12/2027 » is no day.
_TIME = r"(?:[\s,à]+\d{1,2}\s?[h:][\s\d:]*)?"
_SLASHED_DAY = re.compile(rf"(\d{{1,2}})[/.-](\d{{1,2}})[/.-](\d{{4}}){_TIME}")
_WRITTEN_DAY = re.compile(rf"(\d{{1,2}})(?:er)? ([^\W\d]+)\.? (\d{{4}}){_TIME}")
_MONTHS = (
    *("janv", "fev", "mars", "avr", "mai", "juin"),
    *("juil", "aout", "sept", "oct", "nov", "dec"),
)
# Bounded, because a person may have typed anything; « 4/5 » is a mark out of five.
_NUMBER = re.compile(r"([+-]?\d{1,15}(?:[.,]\d{1,15})?)(?:\s*/\s*\d+)?")
_EXACT = re.compile(r"[+-]?\d{1,19}(?:[.,]\d{1,15})?", re.ASCII)
# Of a thousand and more, or of one and a fraction.
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_TRUE = frozenset({"oui", "true", "vrai", "on", "1"})
_FALSE = frozenset({"non", "false", "faux", "off", "0"})
_CODE = r"(97\d|98\d|\d{2}|2[AaBb])"
# Both « 75 - Paris » and « Paris (75) »; 2A and 2B are Corsica, 97x and 98x are overseas.
_DEPARTEMENT = re.compile(
    rf"{_CODE}(?:(?:\s*[-–—:]\s*|\s+)(\S.*))?|(\S.*?)\s*\(\s*{_CODE}\s*\)", re.DOTALL
)


def day_of(champ: Champ) -> date | None:
    """Return the date of a champ; that of a date and time is the day in Paris."""
    text = trimmed_of(champ)
    if text is None:
        return None
    try:
        return _iso_day(text) or _french_day(text)
    except (OverflowError, ValueError):
        return None


def number_of(champ: Champ) -> float | None:
    """Return the number of a champ, without a check of its range; accepts « 4,5 » and « 4/5 »."""
    # Not `isinstance`: a boolean is an int too.
    if type(champ.valeur) is int:
        return float(champ.valeur)
    text = trimmed_of(champ)
    found = _NUMBER.fullmatch(text) if text else None
    return float(found[1].replace(",", ".")) if found else None


def decimal_of(champ: Champ) -> Decimal | None:
    """Return the exact number of a champ; a text that may mean two, such as « 1.234 », is none."""
    text = trimmed_of(champ) or ""
    if not _EXACT.fullmatch(text) or (champ.valeur is None and is_ambiguous(text)):
        return None
    return Decimal(text.replace(",", "."))


def is_ambiguous(text: str) -> bool:
    """Return whether the sign in a number, as people write it, may part thousands or decimals."""
    return _AMBIGUOUS.fullmatch(text) is not None


def rank_of(champ: Champ) -> int | None:
    """Return the whole number of a champ, or None if it does not fit the 32 bits of the views."""
    number = number_of(champ)
    is_rank = number is not None and number.is_integer() and abs(number) < 1 << 31
    return int(number) if number is not None and is_rank else None


def boolean_of(champ: Champ) -> bool | None:
    """Return the boolean of a checkbox, a yes/no champ or a text such as « oui »."""
    if isinstance(champ.valeur, bool):
        return champ.valeur
    text = folded(trimmed_of(champ) or "")
    return True if text in _TRUE else False if text in _FALSE else None


def departement_of(champ: Champ) -> tuple[str | None, str | None]:
    """Return the code and name of a département, from an address or a text like « 75 - Paris »."""
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
    return in_utc(datetime.fromisoformat(text)).astimezone(PARIS).date()


def _french_day(text: str) -> date | None:
    slashed = _SLASHED_DAY.fullmatch(text)
    if slashed:
        return date(int(slashed[3]), int(slashed[2]), int(slashed[1]))
    written = _WRITTEN_DAY.fullmatch(unaccented(text))
    if not written:
        return None
    for month, name in enumerate(_MONTHS, start=1):
        # Both « sept. » and « septembre ».
        if written[2].startswith(name):
            return date(int(written[3]), month, int(written[1]))
    return None
