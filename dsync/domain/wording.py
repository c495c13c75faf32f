"""Comparison of texts and labels without case and accents, names made of them, and quotations.

Quoted texts become part of an annotation: nothing in them may break lines, hide or reorder
letters, or be changed by DS when it stores the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import count

ELLIPSIS = "…"
NO_BREAK = "\u00a0"
QUOTED_LENGTH = 80

_SIGNS = str.maketrans("’‘ʼ`´‐‑‒–—−", "'''''------")
"""Variants of the apostrophe and the hyphen, as word processors type them."""
_WORD = re.compile(r"\w+")
_SEARCHED = re.compile(r"[^\W_]+")
_PLAIN = re.compile("[ -~¡-¬®-ÿŒœ–—’“”…€]*")
"""Common French characters, none of which `cleaned` changes: halves the time of a dossier."""
_NO_BREAK_PLACES = re.compile(r" (?:(?=[»:;?!])|(?<=« )|(?<=\bn° )|(?<=\d )(?=\d))")
"""Spaces at which French typography forbids a line break; a search for the space alone is fast."""
_QUOTES = str.maketrans("«»“”<>", "''''‹›")
"""Signs that would end a quotation, or be read as markup."""
_FOLDED = 4096
"""Maximum number of characters compared; the champs that are compared have one line."""
_SHORT = 100
"""Maximum number of characters of a text that is kept folded, to bound the memory."""


# Word processors replace these signs while somebody types.
_SAME = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "`": "'", "‑": "-"})


def folded(libelle: str) -> str:
    """Return a label without differences of spacing, apostrophe and case, for comparisons."""
    return " ".join(libelle.translate(_SAME).split()).casefold()


# Letters that NFKD does not decompose.
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "đ": "d"})


_ACCENTS = re.compile("[\u0300-\u036f]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def unaccented(text: str) -> str:
    """Return a text in small letters without accents, ligatures and kinds of apostrophes."""
    if text.isascii():
        return text.lower()
    # Sign by sign: few of a text are not ASCII, and `dsync person` reads all that is stored.
    return _NOT_ASCII.sub(lambda found: _plain(found[0]), text).lower()


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    if unicodedata.category(sign) == "Cf":  # Such as a soft hyphen, which nobody sees.
        return ""
    letters = sign.translate(_SAME).casefold().translate(_LIGATURES)
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", letters))


def slug(libelle: str) -> str:
    """Return a label in ASCII letters, digits and underscores: « N° d'œuvre » gives n_d_oeuvre."""
    return re.sub(r"[^a-z0-9]+", "_", unaccented(libelle)).strip("_")


def unused(name: str, taken: Container[str]) -> str:
    """Return a name, or the first of `name_2`, `name_3` and so on that is not taken."""
    others = (f"{name.rstrip('_')}_{rank}" for rank in count(2))
    return name if name not in taken else next(one for one in others if one not in taken)


def fold(text: str) -> str:
    """Return the text for comparison: without case and accents, with uniform signs and spaces."""
    return _fold(text) if len(text) <= _SHORT else _fold.__wrapped__(text[:_FOLDED])


# The options of a form and the words of rules, some thirty a dossier: a twentieth of its time.
@lru_cache(maxsize=1024)
def _fold(text: str) -> str:
    if text.isascii():
        folded = text.lower().replace("`", "'")
    else:
        # NFKD would make a space of it.
        decomposed = unicodedata.normalize("NFKD", text.casefold().replace("´", "'"))
        letters = "".join(c for c in decomposed if not unicodedata.combining(c))
        letters = letters.translate(_LIGATURES)
        # Again, because NFKD makes capitals of signs that have no case, such as « ℌ ».
        folded = letters.translate(_SIGNS).casefold()
    return " ".join(folded.split())


def words(text: str) -> tuple[str, ...]:
    """Return the folded words of a text, without punctuation."""
    return tuple(_WORD.findall(fold(text)))


def searchable(*texts: str | None) -> str:
    """Return texts as lists keep them to be searched: folded words, with blanks between them.

    Apostrophes, hyphens and other signs part words; « œ » is « oe ».
    """
    return " ".join(word for text in texts if text for word in _SEARCHED.findall(unaccented(text)))


_DIALLED = re.compile(r"(?:(?:\+|00)33(?:\(0\))?|0)([1-9]\d{8})")


def dialled(text: str) -> str:
    """Return a French telephone number as it is dialled in France, another text as it is."""
    found = _DIALLED.fullmatch(re.sub(r"[\s.-]", "", text))
    return f"0{found[1]}" if found else text


def joined(text: str) -> str:
    """Return the folded words of a text without anything between them."""
    return "".join(words(text)).replace("_", "")


def cleaned(text: str) -> str:
    """Return the text on one line, without invisible and direction-changing characters."""
    if _PLAIN.fullmatch(text):
        # Its only blank is the space. Splitting takes twenty times as long as this search.
        return " ".join(text.split()) if "  " in text else text.strip()
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text):
        category = unicodedata.category(char)
        if category[0] == "C":
            # A line break separates words; a joiner or a direction mark does not.
            if category == "Cc":
                kept.append(" ")
        elif category[0] == "Z":
            kept.append(" ")
        elif category[0] == "M":
            marks += 1
            # Stacked marks would cover the lines above; French letters have one.
            if marks <= 2 and kept and kept[-1] != " ":
                kept.append(char)
        else:
            kept.append(char)
            marks = 0
    return " ".join("".join(kept).split())


def one_line(text: str) -> str:
    """Return a text on one line, without invisible characters; empty if nothing is said."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def with_no_break_spaces(text: str) -> str:
    """Return the text with non-breaking spaces, as French typography requires."""
    return _NO_BREAK_PLACES.sub(NO_BREAK, text)


def cut(text: str, length: int) -> str:
    """Return the text, or its beginning with an ellipsis when it is longer than `length`.

    It ends with a whole word, if one ends in its second half.
    """
    if len(text) <= length:
        return text
    kept = text[: length - 1].rstrip()
    if not text[len(kept)].isspace() and (end := kept.rfind(" ")) > len(kept) // 2:
        return kept[:end].rstrip(" ,;:") + ELLIPSIS
    # A letter is not separated from its accents.
    while kept and unicodedata.category(text[len(kept)])[0] == "M":
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def quoted(text: str | None, length: int = QUOTED_LENGTH) -> str:
    """Return « text », cleaned and cut, for a sentence."""
    return f"« {defused(text or '', length)} »"


def defused(text: str, length: int = QUOTED_LENGTH) -> str:
    """Return what people typed, cleaned and cut, to stand inside of a sentence."""
    is_short = len(text) <= _SHORT
    return _defused(text, length) if is_short else _defused.__wrapped__(text, length)


# The words of rules and of the catalogue, some twenty a dossier.
@lru_cache(maxsize=1024)
def _defused(text: str, length: int) -> str:
    # Cleaning shortens a text; ten times the length bounds the work on an abusive one.
    return cut(cleaned(text[: length * 10].translate(_QUOTES)), length)


@lru_cache(maxsize=1024)
def french_date(day: date) -> str:
    """Return 31/12/2024."""
    return f"{day.day:02d}/{day.month:02d}/{day.year}"


def listed(items: Iterable[str], *, last: str = "et") -> str:
    """Return all items in the form « a, b et c »."""
    found: Sequence[str] = tuple(items)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} {last} {found[-1]}"


def inside(sentence: str) -> str:
    """Return a sentence in the form after a colon; it begins with a common noun, or « IBAN »."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def grouped_siren(siren: str) -> str:
    """Return the nine digits of a SIREN as people write them, « 110 001 013 »."""
    return " ".join(siren[place : place + 3] for place in range(0, len(siren), 3))
