"""How the values of declared checks are compared, read from tables, and said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from dsync.domain.champs import is_ambiguous
from dsync.domain.dossier import Json, unaccented
from dsync.domain.wording import QUOTED_LENGTH, cleaned, cut, defused, fold, french_date, listed

# As exact as a Decimal: a longer one, such as a reference, is a text. « 1e5 » is none.
_WORTH = re.compile(r"\d{1,18}(?:[.,]\d{1,9})?", re.ASCII)
_CELL = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,15})?", re.ASCII)
_JOINT = re.compile(r"(?<=[^\W\d_])[-'](?=[^\W\d_])")
_MARKS = re.compile(r"(?<=\w)[-./](?=\w)")
_IDENTIFIER = 9
"""Digits from which a text is an identifier, such as a SIREN or a telephone's number."""
_SEPARATORS = str.maketrans(",.", " ,")


def cell_value(text: str) -> Decimal | date | None:
    """Return the day or the number in a table's cell, as French or English tables write it.

    None: it has neither, or one that may mean two numbers, such as « 1.234 ».
    """
    number = "".join(text.split()).replace(",", ".")
    if _CELL.fullmatch(number):
        return None if is_ambiguous(number) else Decimal(number)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def fold_text(text: str) -> str:
    """Return a text for comparisons: no case, accents, spaces and signs that nobody sees."""
    return fold(unaccented(cleaned(text))).replace(" ", "")


def fold_value(value: Any) -> str:
    """Return a value for comparisons: numbers by their worth, identifiers by their signs alone."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    text = _JOINT.sub("", fold_text(str(value)))
    # Not of other texts: « 1-2 enfants » is not « 12 enfants ».
    if not _WORTH.fullmatch(text) and sum(map(str.isdigit, text)) >= _IDENTIFIER:
        text = _MARKS.sub("", text)
    # « 1,50 » of a table and « 1.5 » of an answer.
    is_number = _WORTH.fullmatch(text)
    return format(Decimal(text.replace(",", ".")).normalize(), "f") if is_number else text


def each(value: Any) -> Sequence[Any]:
    """Return the values of an answer, or of an operand, that may be several."""
    return value if isinstance(value, list | tuple) else (value,)


def in_words(value: Any) -> str:
    """Return a value as French sentences show it; what people typed is cleaned and cut."""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, Decimal):
        return french_number(value)
    if isinstance(value, date):
        return french_date(value)
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], Mapping):
            return f"{len(value)} ligne{'s' if value[1:] else ''}"
        return cut(listed(map(in_words, value[:20])), QUOTED_LENGTH)
    return defused(str(value))


def french_number(number: Decimal) -> str:
    """Return 23 000,5 for 23000.50."""
    text = f"{number:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.translate(_SEPARATORS)


def french_amount(number: Decimal) -> str:
    """Return 23 000,50 for 23000.5, and 23 000 for 23000.00, as an amount in euros is shown."""
    text = french_number(number)
    whole, comma, decimals = text.partition(",")
    return f"{whole},{decimals:0<2}" if comma else text


def as_json(value: Any) -> Json:
    """Return a value as the evidence stores it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_json(one) for key, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list | tuple) else value
