"""Texts: comparing them without case and accents, and quoting what an applicant typed.

What is quoted ends up in an annotation that civil servants read, so that nothing typed may
break its lines, hide or reorder its letters, or be changed by DS when it stores the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache

ELLIPSIS = "…"
NO_BREAK = "\u00a0"
QUOTED_LENGTH = 80

_SIGNS = str.maketrans("’‘ʼ`´‐‑‒–—−", "'''''------")
"""Apostrophes, and the hyphens that word processors type."""
_WORD = re.compile(r"\w+")
_PLAIN = re.compile("[ -~¡-¬®-ÿŒœ–—’“”…€]*")
"""What French is typed with: nothing that `cleaned` would take off, compose or part."""
_BOUND = re.compile(r"(?<=«) | (?=[»:;?!])|(?<=\bn°) |(?<=\d) (?=\d)")
"""Blanks at which French does not break a line."""
_QUOTES = str.maketrans("«»“”", "''''")
_FOLDED = 4096
"""Longest text compared; the champs compared are one line each."""


@lru_cache(maxsize=2048)
def fold(text: str) -> str:
    """Return the text as it is compared: no case, no accent, one apostrophe, hyphen and space."""
    if len(text) > _FOLDED:
        text = text[:_FOLDED]
    if text.isascii():
        folded = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        letters = "".join(c for c in decomposed if not unicodedata.combining(c))
        folded = letters.translate(_SIGNS).casefold()
    return " ".join(folded.split())


@lru_cache(maxsize=2048)
def words(text: str) -> tuple[str, ...]:
    """Return the folded words of a text, without punctuation."""
    return tuple(_WORD.findall(fold(text)))


def cleaned(text: str) -> str:
    """Return the text on one line, without what cannot be seen or reorders what can."""
    if _PLAIN.fullmatch(text):
        return " ".join(text.split())
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    kept: list[str] = []
    marks = 0
    for char in text:
        if " " < char < "\x7f":
            kept.append(char)
            marks = 0
            continue
        category = unicodedata.category(char)
        if category[0] == "C":
            # Line breaks part words; a joiner or a direction mark does not.
            if category == "Cc":
                kept.append(" ")
        elif category[0] == "Z":
            kept.append(" ")
        elif category[0] == "M":
            marks += 1
            if marks <= 2 and kept and kept[-1] != " ":
                kept.append(char)
        else:
            kept.append(char)
            marks = 0
    return " ".join("".join(kept).split())


def bound(text: str) -> str:
    """Return the text with non-breaking blanks beside « : ; ? ! », after « n° », inside numbers."""
    return _BOUND.sub(NO_BREAK, text)


def cut(text: str, length: int) -> str:
    """Return the text, or its beginning with an ellipsis when it is longer than `length`."""
    if len(text) <= length:
        return text
    kept = text[: length - 1].rstrip()
    while kept and unicodedata.category(text[len(kept)])[0] == "M":
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


@lru_cache(maxsize=512)
def quoted(text: str | None, length: int = QUOTED_LENGTH) -> str:
    """Return « text », cleaned and cut, for a sentence."""
    # Ten times the length is more than cleaning can take away from an honest text.
    return f"« {cut(cleaned((text or '')[: length * 10].translate(_QUOTES)), length)} »"


def french_date(day: date) -> str:
    """Return 31/12/2024."""
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def listed(items: Iterable[str], *, last: str = "et") -> str:
    """Return « a, b et c »: all are named."""
    found: Sequence[str] = tuple(items)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {last} {found[-1]}"


def grouped(siren: str) -> str:
    """Return the nine digits of a SIREN as people write them, « 110 001 013 »."""
    return " ".join(siren[place : place + 3] for place in range(0, len(siren), 3))
