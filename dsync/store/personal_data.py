"""Where data of persons lie, as the tables declare it, and the search for a person in it.

The register of processing (`docs/fr/registre.md`) is made of it, and the search goes by it: each
column of text that is not declared as open is searched, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Column, FromClause, Select, Table, Text, cast, func, null, or_, select

from dsync.domain.documented import Declared, Mark
from dsync.domain.dossier import Cell
from dsync.domain.wording import dialled, unaccented
from dsync.errors import ConfigurationError
from dsync.programme import Programme
from dsync.store import tables
from dsync.store.columns import declared_of
from dsync.store.dictionary import all_tables
from dsync.store.sql import AT_ONCE, Subject, among

SHORTEST = 3
"""Signs that a text to search for has at least: fewer are in everybody's data."""
AROUND = 70
"""Signs that an excerpt has before and after the words."""
_PART = 1000
_GAP = r"[\s.,/()_'-]"
"""What people write between the digits of a number, or between the letters of a name."""
_GAPS = f"{_GAP}*"
_SIGNS = bytes(ord(unaccented(chr(one))[:1] or "_") % 128 for one in range(256))
"""The sign without case and accent of each one of Latin-1."""
_GAP_SIGNS = bytes(one for one in range(256) if _SIGNS[one] in (*range(0x30), *b"_\\e"))
"""What is left out for a quick comparison: « æ » is « a », too."""
_SIREN, _SIRET, _NIR = 9, 14, 13
"""Digits; behind those of a NIR stand, or do not, the two of its key."""
_BEFORE_SIREN = rf"fr{_GAPS}[0-9a-z]{{2}}{_GAPS}"
"""What a French VAT number has before its SIREN."""
_VAT = re.compile(r"fr[0-9a-z]{2}(\d{9})")
_PHONE_SIGNS = re.compile(r"(?:tel\w*[.: ]*)?[+\d\s.()/_-]+")
_FRENCH_CODES = "33|262|508|590|594|596|681|687|689"
"""Country codes of France and of its territories, whose numbers are also written with a 0."""
_TAG = re.compile(r"\+[^@]*@")
"""What some write before the sign of their address to tell their mails apart."""
_AT = r"(?:\s*@\s*|%40|\s*[\[({]\s*(?:at|arobase|a)\s*[\])}]\s*)"
_DOT = r"(?:\s?\.\s?|\s*[\[({]\s*(?:dot|point)\s*[\])}]\s*)"
"""The signs of an address, as they are also written against robots."""
_PARTICLES = frozenset({"d", "de", "des", "du", "l", "la", "le", "les", "van", "von"})
_CHOICE = re.compile(rb"\[.*?\]\??|.\?|\W")
"""What a pattern of letters may have in several ways, or not."""
_SPELT = re.compile(r"\b[a-z](?:[ .][a-z]){2,}\b")
"""A word written letter by letter."""
OTHER = "[autre personne]"
"""In place of what names others than the person who is looked for."""
_OTHERS = re.compile(rf"{re.escape(OTHER)}(?:[\s,.'’-]*{re.escape(OTHER)})+")
_TOKEN = re.compile(r"[^\W\d_]+")
_CONTACT = re.compile(
    # From the first of its characters alone: else a long word costs the square of its length.
    rf"(?<![\w.+-])[\w.+-]+{_AT}[\w-]+(?:{_DOT}[\w-]+)+"
    r"|(?<![\w+])(?:(?:\+|00)\d{2,3}[\s./-]*(?:\(0\)[\s./-]*)?|0)[1-9](?:[\s./-]*\d{2}){4}(?!\d)",
    re.IGNORECASE,
)
"""An address of e-mail, or a telephone number."""
_LONG = 6
"""Letters of a name in whose midst a hyphen, an apostrophe or a space may be left out or added."""
_OF_NOBODY = (Mark.OPEN, Mark.OF_JURY)


class Act(StrEnum):
    """What fits for a value in which a person was found, beside telling them of it."""

    CORRECT = "corriger"
    """DS has it, too, where it is corrected. Here it is erased with the dossier."""
    ERASE = "effacer"
    """dsync alone has it: what was, which is erased with the dossier."""
    ANSWER = "repondre"
    """It is of no dossier, and stays until its end: of an agent, or published elsewhere."""


class Holding(NamedTuple):
    """What is declared of a table."""

    table: Table
    contents: str
    until: str
    """What ends its keeping, in French."""

    @property
    def columns(self) -> dict[str, Declared]:
        """The columns with personal data."""
        every = {one.name: declared_of(one) for one in self.table.columns}
        return {name: one for name, one in every.items() if one.mark not in _OF_NOBODY}

    @property
    def searched(self) -> list[Column[Any]]:
        """The columns in which a person is looked for."""
        # What lists find dossiers by names several persons, who are elsewhere one by one.
        return [] if self.table is tables.liste else [self.table.c[name] for name in self.columns]

    @property
    def act(self) -> Act:
        """What fits for a value of the table."""
        if "numero" not in self.table.c:
            return Act.ANSWER
        is_of_ds = self.table in _OF_DS or self.table.metadata is not tables.metadata
        return Act.CORRECT if is_of_ds else Act.ERASE


class Hit(NamedTuple):
    """A value in which a person was found; nothing else of its row."""

    table: str
    demarche_numero: int | None
    """None: the table is of no démarche."""
    numero: int | None
    """The dossier's; None: the table is of no dossier."""
    cle: Mapping[str, Any]
    """The key of the row, beside the dossier's number."""
    champ: str
    """The column, and the place inside its JSON."""
    libelle: str | None
    """The label of a champ or an annotation."""
    valeur: str
    acte: Act


def holdings(programme: type[Programme]) -> list[Holding]:
    """Return what is declared of each table, the engine's first."""
    return [Holding(table, *table.info["kept"]) for table in all_tables(programme)]


class Wanted:
    """The words that are looked for: all of them, in any order, however they are written.

    Case, accents and signs between words do not count. A name is also found with initials, joined,
    parted or letter by letter; a telephone number with and without the code of its country; an
    e-mail address with its signs in words; a SIREN inside a SIRET or a VAT number.

    Raises:
        ConfigurationError: the text is too short.
    """

    def __init__(self, text: str) -> None:
        plain = unaccented(text).strip()
        self._ways = _number(plain) or _address(plain) or _names(plain)
        if max(way.length for way in self._ways) < SHORTEST:
            raise ConfigurationError(
                f"Give at least {SHORTEST} letters or digits: an e-mail address, a name or a SIRET."
            )
        self.text = plain
        self._words, self._is_latin = self._ways[0].words, plain.isascii()
        first = [*self._words, *(way.words[0] for way in self._ways)]
        self._any = re.compile("|".join(dict.fromkeys(one.pattern for one in first)))
        """What each value has that is, or may be a part of, what is found."""
        needed = {way.needed[0] for way in self._ways}
        self._needed = [one for one in needed if not any(o in one for o in needed - {one})]

    def may_be_in(self, text: str) -> bool:
        """Return False if no value of a text, of JSON or not, has all the words."""
        # The one frequent sign that Latin-1 does not have; all others are changed one by one.
        signs = text.replace("’", "'").encode("latin-1", _UNACCENTED)
        letters = signs.translate(_SIGNS, _GAP_SIGNS)
        # Of most values this is all, and a generator would double its time.
        for one in self._needed:
            if one in letters:
                break
        else:
            return False
        ways = [way for way in self._ways if way.may_be_in(letters)]
        if not ways:
            return False
        # What is compared quickly has Latin letters alone.
        plain = signs.translate(_SIGNS).decode("ascii") if self._is_latin else unaccented(text)
        # The escapes of JSON end in letters.
        plain = re.sub(r"\\[bfnrt]", " ", plain)
        return any(way.is_in(plain) for way in ways)

    def is_in(self, text: str) -> bool:
        """Return whether a text has all the words."""
        plain = unaccented(text)
        return any(way.is_in(plain) for way in self._ways)

    def excerpt(self, text: str) -> str:
        """Return the words with what is around them, on one line; a short text is whole."""
        if len(text) <= 2 * AROUND:
            return " ".join(text.split())
        # Part by part, because an accent or a ligature moves what follows it.
        parts = [text[place : place + _PART] for place in range(0, len(text), _PART)]
        plain_parts = [*map(unaccented, parts)]
        plain, ends = "".join(plain_parts), [*accumulate(map(len, plain_parts))]
        words = next((way.words for way in self._ways if way.is_in(plain)), self._words)
        best = 0, 0, 0
        for found in words[0].finditer(plain):
            start, end = max(found.start() - AROUND, 0), found.end() + AROUND
            part = plain[start:end]
            best = max(best, (sum(bool(one.search(part)) for one in words), -start, -end))

        def place_of(plain_place: int) -> int:
            part = bisect_right(ends, plain_place)
            if part == len(parts):
                return len(text)
            within = accumulate(len(unaccented(sign)) for sign in parts[part])
            before = ends[part - 1] if part else 0
            return part * _PART + bisect_right([*within], plain_place - before)

        first, last = place_of(-best[1]), place_of(-best[2] or 2 * AROUND)
        kept = " ".join(text[first : last + 1].split())
        return f"{'… ' * (first > 0)}{kept}{' …' * (last + 1 < len(text))}"

    def hits(self, value: Any) -> list[tuple[tuple[Any, ...], str]]:
        """Return the smallest parts of a value that have all the words, with their places.

        A name that a form asks for in two champs is found, too: in the smallest part that has all
        the words in values that consist of them alone.
        """
        return [(one.place, one.text) for one in self._smallest(self._with_words(value, ()))]

    def _with_words(self, value: Any, place: tuple[Any, ...]) -> list[Any] | _Leaf | None:
        """Return a value's parts that have one of the words, None if it has none."""
        if isinstance(value, dict | list):
            children = value.items() if isinstance(value, dict) else enumerate(value)
            parts = (self._with_words(child, (*place, key)) for key, child in children)
            return [one for one in parts if one is not None] or None
        plain = unaccented(text := str(value))
        return _Leaf(place, text, plain) if self._any.search(plain) else None

    def _smallest(self, part: list[Any] | _Leaf | None) -> list[_Leaf]:
        if not isinstance(part, list):
            return [part] if part and any(way.is_in(part.plain) for way in self._ways) else []
        found = [hit for child in part for hit in self._smallest(child)]
        if found or len(self._words) == 1:
            return found
        whole = [one for one in _leaves(part) if self._consists_of_words(one.plain)]
        missing = [one for one in self._words if not any(one.search(leaf.plain) for leaf in whole)]
        return [] if missing else whole

    def _consists_of_words(self, plain: str) -> bool:
        rest = plain
        for one in self._words:
            rest = one.sub("", rest)
        return rest != plain and not re.search(r"\w", rest)


class _Leaf(NamedTuple):
    """A value without parts, its place in what it is a part of, and its text to compare."""

    place: tuple[Any, ...]
    text: str
    plain: str


class Others:
    """Takes out of the texts of a dossier what names others than the person who is looked for.

    That are e-mail addresses, French telephone numbers, and the names in `persons`: the values of
    columns, whose names begin with what the columns of one person share, such as `contact_`. Who
    has one value of the person is the person. `names` are of others, too.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        persons: Mapping[str, str | None] = MappingProxyType({}),
        names: Iterable[str] = (),
    ) -> None:
        self._wanted = wanted
        by_person = defaultdict[str, list[str]](list)
        for column, value in persons.items():
            if value:
                by_person[column.partition("_")[0]].append(value)
        theirs = {one for one, values in by_person.items() if self.is_theirs(" ".join(values))}
        own = [value for one in theirs for value in by_person[one]]
        self._own = {*map(_compact, own)}
        of_others = [v for one, values in by_person.items() if one not in theirs for v in values]
        kept = _PARTICLES.union(*map(_tokens, [*own, *(one.text for one in wanted)]))
        written = (
            one
            for one in (*of_others, *names)
            if not _CONTACT.search(one) and not self.is_theirs(one)
        )
        # « N'Diaye » is « Ndiaye », too.
        self._names = {
            word for one in written for word in _tokens(one) | _tokens(re.sub("['’]", "", one))
        } - kept

    def is_theirs(self, text: str) -> bool:
        """Return whether a text names the person who is looked for."""
        return any(one.is_in(text) for one in self._wanted)

    def hide(self, text: str) -> str:
        """Return a text in which `OTHER` stands for what names others."""
        text = _CONTACT.sub(lambda one: one[0] if self._is_own(one[0]) else OTHER, text)
        found = [*_TOKEN.finditer(text)] if self._names else []
        known = [unaccented(one[0]) in self._names for one in found]
        parts, at = list[str](), 0
        for rank, one in enumerate(found):
            # A name may be a word, too: in small letters it is one beside another part of it.
            is_beside = any(known[max(rank - 1, 0) : rank] + known[rank + 1 : rank + 2])
            if known[rank] and (is_beside or (len(one[0]) >= SHORTEST and one[0][0].isupper())):
                parts += text[at : one.start()], OTHER
                at = one.end()
        return _OTHERS.sub(OTHER, "".join((*parts, text[at:])))

    def excerpt(self, text: str) -> str:
        """Return what was found in a text with what is around it, without what names others."""
        text = self.hide(text)
        return next((one for one in self._wanted if one.is_in(text)), self._wanted[0]).excerpt(text)

    def _is_own(self, contact: str) -> bool:
        return self.is_theirs(contact) or _compact(contact) in self._own


def _compact(text: str) -> str:
    return re.sub(r"[\s./-]", "", dialled(unaccented(text)))


def _tokens(text: str) -> set[str]:
    return {*_TOKEN.findall(unaccented(text))}


class _Way(NamedTuple):
    """One way to write what is looked for: a text has all the words."""

    words: list[re.Pattern[str]]
    letters: list[re.Pattern[bytes]]
    """What a text without case, accents, gaps and « e » has if it may have the words."""
    needed: list[bytes]
    """The parts of these that are always written so, the longest first: they are found faster."""
    length: int
    """Letters and digits of the words."""

    def may_be_in(self, letters: bytes) -> bool:
        for one in self.needed:
            if one not in letters:
                return False
        return all(one.search(letters) for one in self.letters)

    def is_in(self, plain: str) -> bool:
        return all(one.search(plain) for one in self.words)


def _as_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = unaccented(error.object[error.start : error.end])
    return signs.encode("ascii", "ignore").decode(), error.end


_UNACCENTED = "dsync-unaccented"
codecs.register_error(_UNACCENTED, _as_ascii)


def _way(*words: tuple[str, str], length: int) -> _Way:
    """Return a way of pairs: the pattern of a word, and those of its letters, apart by spaces."""
    patterns = [re.compile(word) for word, _ in words]
    spelt = [one for _, letters in words for one in letters.split() or [""]]
    letters = [re.sub(r"e\??", "", one).encode("ascii", "ignore") for one in spelt]
    needed = [part for one in letters for part in _CHOICE.split(one)]
    return _Way(
        patterns, [*map(re.compile, letters)], sorted(needed, key=len, reverse=True)[:3], length
    )


def _number(plain: str) -> list[_Way]:
    """Return the way to write a number: of a telephone, a SIREN, a SIRET, a VAT number, a NIR."""
    compact = re.sub(_GAP, "", plain)
    if vat := _VAT.fullmatch(compact):
        compact = plain = vat[1]
    before, number, after = list[str](), compact, r"(?!\d)"
    if _PHONE_SIGNS.fullmatch(plain) and (phone := _phone(plain)):
        code, number = phone
        before.append(rf"(?:\+|00){_GAPS}(?:{code}){_GAPS}(?:0{_GAPS})?")
        before.append(rf"0{_GAPS}")
    if not before and not (compact.isdecimal() and len(compact) >= _SIREN):
        return []
    spaced, letters = _GAPS.join(number), number
    if compact.isdecimal() and len(compact) == _SIREN:
        before.append(_BEFORE_SIREN)
        # A SIREN is the beginning of a SIRET.
        after = rf"(?:{after}|(?=(?:{_GAPS}\d){{5}}(?!\d)))"
    elif not before and len(compact) == _SIRET:
        # A SIREN that stands alone is of the other establishments, too.
        letters = compact[:_SIREN]
        spaced = rf"(?:{spaced}|{_BEFORE_SIREN}{_GAPS.join(letters)})"
    elif not before and len(compact) in (_NIR, _NIR + 2):
        letters, key = compact[:_NIR], _GAPS.join(compact[_NIR:] or [r"\d"] * 2)
        spaced = rf"{_GAPS.join(letters)}(?:{_GAPS}{key})?"
    # Six digits, as in New Caledonia, are of anything without the code before them.
    start = f"(?:{'|'.join(before)}){'?' * (len(number) > 7)}" if before else ""
    return [_way((rf"(?<!\d){start}{spaced}{after}", letters), length=len(number))]


def _phone(plain: str) -> tuple[str, str] | None:
    """Return the codes of the country of a telephone number, as a pattern, and its other digits."""
    import phonenumbers  # Only who looks for a number needs it.

    try:
        found = phonenumbers.parse(plain, "FR")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(found):
        return None
    code = str(found.country_code)
    is_french = code in _FRENCH_CODES.split("|")
    return _FRENCH_CODES if is_french else code, str(found.national_number)


def _address(plain: str) -> list[_Way]:
    """Return the way to write an address of e-mail, perhaps with words beside it."""
    spelt = re.sub(_AT, "@", plain)
    if "@" not in spelt:
        return []
    words = re.sub(_DOT.replace(r"\s?", ""), ".", spelt).split()
    return [_way(*map(_address_word, words), length=sum(map(len, words)))]


def _address_word(word: str) -> tuple[str, str]:
    name, sign, domain = _TAG.sub("@", word).partition("@")
    if not sign:
        return _bounded(re.escape(word), word), ""
    before, after = (_DOT.join(map(re.escape, part.split("."))) for part in (name, domain))
    pattern = rf"{before}(?:\+[^\s@]*)?{_AT}{after}"
    letters = [re.escape(re.sub(_GAP, "", part)) for part in (name, domain.partition(".")[0])]
    return _bounded(pattern, name + domain), " ".join(letters)


def _names(plain: str) -> list[_Way]:
    """Return the ways to write a name: whole, two words as one, with initials."""
    plain = _SPELT.sub(lambda spelt: re.sub("[ .]", "", spelt[0]), plain)
    every = [one for one in re.split(r"[\s',;()_-]+|(?<=\b[a-z])\.", plain) if one]
    # « de La Tour » is « de la Tour » and « Latour, de »; « N'Diaye » is « Ndiaye ».
    before_names = _PARTICLES.union(re.findall(r"\b([a-z])'", plain))
    words = [one for one in every if one not in before_names] or every
    length = sum(map(len, words))
    particles: dict[str, str] = {}
    for rank, one in enumerate(every):
        before = list[str]()
        while rank and every[rank - 1] in before_names and one not in before_names:
            rank -= 1
            before.insert(0, every[rank])
        particles[one] = "".join(f"(?:{part}{_GAP}*)" for part in before)
    spelt = [_word(one, particles.get(one, "")) for one in words]
    joined = [
        _way(
            *spelt[:rank], _word("".join(words[rank : rank + 2])), *spelt[rank + 2 :], length=length
        )
        for rank in range(len(words) - 1)
    ]
    initials = [_way(one, length=length) for one in _with_initials(words, particles)]
    if initials and any(len(one) == 1 for one in words):
        return initials
    return [_way(*spelt, length=length), *joined, *initials]


def _with_initials(words: Sequence[str], particles: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the patterns of the first or last word beside the initials of the others."""
    for place in {0, len(words) - 1} if len(words) > 1 else ():
        name, (first, *more) = words[place], [*words[:place], *words[place + 1 :]]
        if len(name) < SHORTEST:
            continue
        pattern, letters = _word(name, particles.get(name, ""))
        firsts = _initial(first) + "".join(rf"(?:[\s.-]*{_initial(one)})?" for one in more)
        initials = "".join(one[0] for one in (first, *more))
        is_near = len(first) > 1 and not particles.get(name) and initials.isascii()
        start = f"{re.escape(first[0])}(?<![^\\W\\d_].)"
        before = start + firsts[len(re.escape(first[0])) :] + rf"[\s._-]*{pattern}"
        after = rf"{pattern}[\s,(]+{firsts}(?![^\W\d_]|')"
        # One by one: letters that are always written so are found faster than a choice.
        for one in {*initials} if is_near and "e" not in initials else ("",):
            yield before, re.escape(one) + letters
            yield after, letters + re.escape(one)


def _initial(word: str) -> str:
    first = re.escape(word[0])
    # « a », « o » and « y » are words of French.
    dot = r"\." if first in "aoy" else r"\.?"
    return rf"{first}(?:{dot}|[^\W\d_]{{2,}})" if len(word) == 1 else f"{first}{dot}"


def _word(word: str, particles: str = "") -> tuple[str, str]:
    """Return the pattern of a word, joined with its particles or not, and that of its letters."""
    if not word.isalpha():
        return _bounded(re.escape(word), word), re.escape(re.sub(_GAP, "", word))
    # « ä » is « a » in what is compared, and also written « ae »; « å » « aa ».
    # What is compared quickly has one sign for « ß ».
    word_signs = re.sub("(?<=[aou])e|(?<=s)s|(?<=a)a", "", word)
    signs = [{"a": "a[ae]?", "o": "oe?", "u": "ue?", "s": "ss?"}.get(s, s) for s in word_signs]
    gap = r"[\s.]" if len(word) < _LONG else r"[\s.'_-]?"
    tight, apart = "".join(signs), gap.join(signs)
    if particles:
        return _bounded(f"(?:{particles})?(?:{tight}|{apart})", word), tight
    return _bounded(f"{word[0]}(?:{tight[1:]}|{apart[1:]})", word), tight


def _bounded(pattern: str, word: str) -> str:
    """Return the pattern of a word as a whole: beside it, « _ » ends it, as in names of files.

    A digit ends what has letters there, and a letter what has digits.
    """
    before, after = (r"\d" if one.isdecimal() else r"[^\W\d_]" for one in (word[0], word[-1]))
    if pattern[0] != word[0] or not word[0].isalnum():
        return rf"(?<!{before}){pattern}(?!{after})"
    # The sign that is looked for comes first: a search for it is fast.
    return rf"{word[0]}(?<!{before}.){pattern[1:]}(?!{after})"


def _leaves(part: list[Any] | _Leaf) -> Iterator[_Leaf]:
    if not isinstance(part, list):
        yield part
        return
    for child in part:
        yield from _leaves(child)


class PersonReads(Subject):
    """Looks for a person in all that is stored."""

    def search(self, text: str, progress: Callable[[int, int], None] | None = None) -> list[Hit]:
        """Return the values that have all words of a text, whatever their case and accents.

        Of a démarche and of what belongs to none; of a transaction without a number, of all. As of
        `wanted_of`, the text may have several names of a person. `progress` is called with the rows
        that were looked through, and all of them.

        Raises:
            ConfigurationError: the text is too short.
        """
        wanted, labels = wanted_of(text), self._labels()
        searched = [one for one in holdings(self.programme) if one.searched]
        done, total = 0, sum(map(self._count, searched)) if progress else 0
        found: list[Hit] = []
        for one in searched:
            for hits in self._hits(one, wanted, labels):
                found += hits
                done += 1
                if progress and done % AT_ONCE == 0:
                    progress(min(done, total), total)
        return found

    def applicant_of(self, hits: Sequence[Hit]) -> list[int]:
        """Return the dossiers of which found values name the applicant.

        The address of an account does where nobody deposited the dossier for somebody else.
        """
        own: set[int | None] = {one.numero for one in hits if _is_applicants(one)}
        account = {one.numero for one in hits if (one.table, one.champ) == _ACCOUNT} - own
        dossier = tables.dossier.c
        of_another = self.connection.scalars(
            select(dossier.numero).where(
                among(dossier.numero, account), dossier.mandataire_nom.is_not(None)
            )
        )
        return sorted(one for one in own | account.difference(of_another) if one is not None)

    def dossiers(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return what tells some dossiers from others: the context of what is found in them."""
        dossier = tables.dossier.c
        names = (
            *("numero", "demarche_numero", "etat", "presence", "depose_le"),
            *("raison_sociale", "demandeur_prenom", "demandeur_nom"),
        )
        rows = self.connection.execute(
            select(*(dossier[name] for name in names))
            .where(among(dossier.numero, numbers))
            .order_by(dossier.numero)
        )
        return [dict(row) for row in rows.mappings()]

    def others(
        self, numbers: Sequence[int], wanted: Sequence[Wanted], names: Iterable[str] = ()
    ) -> dict[int, Others]:
        """Return what hides other persons, those of `names` too, in the texts of some dossiers."""
        dossier, part = tables.dossier, self.programme.lists
        own = {name: part.table.c[name] for name in part.persons} if part else {}
        columns = {**{name: dossier.c[name] for name in _NAMING}, **own}
        joined: FromClause = dossier
        if part:
            joined = dossier.outerjoin(part.table, part.table.c.numero == dossier.c.numero)
        rows = self.connection.execute(
            select(dossier.c.numero, dossier.c.forme_juridique_code, *columns.values())
            .select_from(joined)
            .where(among(dossier.c.numero, numbers))
        )
        found = {}
        for number, form, *values in rows:
            persons = dict(zip(columns, values, strict=True))
            account = persons.pop("usager_courriel")
            persons[f"{'mandataire' if persons['mandataire_nom'] else 'demandeur'}_courriel"] = (
                account
            )
            name = persons.pop("raison_sociale")
            persons["demandeur_raison"] = name if form and form.startswith(_OF_PERSONS) else None
            found[number] = Others(wanted, persons, names)
        return found

    def copies(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return the copied files of dossiers, whose contents are not searched."""
        piece = tables.piece.c
        rows = self.connection.execute(
            select(piece.numero, piece.demarche_numero, piece.champ_id, piece.adresse)
            .where(
                piece.copie_le.is_not(None),
                ~piece.a_supprimer,
                among(piece.numero, numbers),
                *([] if self._number is None else [piece.demarche_numero == self._number]),
            )
            .order_by(piece.numero, piece.id)
        )
        labels = self._labels()
        return [dict(row) | {"libelle": labels.get(row["champ_id"])} for row in rows.mappings()]

    def _count(self, holding: Holding) -> int:
        selected = self._selected(holding, ()).with_only_columns(func.count())
        return self.connection.scalar(selected) or 0

    def _hits(
        self, holding: Holding, wanted: Sequence[Wanted], labels: Mapping[str, str]
    ) -> Iterator[list[Hit]]:
        """Yield what is found in each row."""
        columns = holding.searched
        names = [column.name for column in columns]
        keys = [column.name for column in holding.table.primary_key if column.name != "numero"]
        streamed = self.connection.execution_options(yield_per=AT_ONCE)
        for number, of_demarche, *rest in streamed.execute(self._selected(holding, keys)):
            texts = rest[len(keys) :]
            whole = "\n".join(filter(None, texts))
            found: list[Hit] = []
            if there := [one for one in wanted if one.may_be_in(whole)]:
                key = dict(zip(keys, rest, strict=False))
                parsed = {n: _parsed(one) for n, one in zip(names, texts, strict=True) if one}
                told: set[tuple[str | None, str]] = set()
                for place, value in (hit for one in there for hit in one.hits(parsed)):
                    label = _label(parsed, place, labels)
                    champ = ".".join(map(str, place))
                    # DS gives a champ's text and its value.
                    if (label or champ, value) in told:
                        continue
                    told.add((label or champ, value))
                    found.append(
                        Hit(
                            holding.table.name,
                            of_demarche,
                            number,
                            key,
                            champ,
                            label,
                            value,
                            holding.act,
                        )
                    )
            yield found

    def _selected(self, holding: Holding, keys: Sequence[str]) -> Select[Any]:
        table, dossier = holding.table, tables.dossier
        number: Any = table.c.get("numero")
        of_demarche: Any = table.c.get("demarche_numero")
        if table is tables.demarche:
            of_demarche = table.c.number
        is_joined = of_demarche is None and number is not None
        if is_joined:
            of_demarche = dossier.c.demarche_numero
        statement = select(
            (null() if number is None else number).label("dossier"),
            (null() if of_demarche is None else of_demarche).label("demarche"),
            *(table.c[name].label(f"cle_{name}") for name in keys),
            *(cast(column, Text).label(column.name) for column in holding.searched),
        ).select_from(table.join(dossier, dossier.c.numero == number) if is_joined else table)
        if self._number is not None and of_demarche is not None:
            statement = statement.where(of_demarche == self._number)
        return statement.where(or_(*(column.is_not(None) for column in holding.searched)))

    def _labels(self) -> dict[str, str]:
        """Return the labels of champs and annotations by their ids."""
        found: dict[str, str] = {}
        for descriptors in self.connection.scalars(select(tables.revision.c.descriptors)):
            found.update((one["id"], one["libelle"]) for one in descriptors or ())
        return found


def names_in(text: str) -> list[str]:
    """Return the several names of one person in a text, which are apart by « ; » or lines."""
    return [one.strip() for one in re.split(r"[;\n]", text) if one.strip()]


def wanted_of(text: str) -> list[Wanted]:
    """Return what a text asks for.

    Raises:
        ConfigurationError: one of them is too short.
    """
    return [*map(Wanted, names_in(text) or [text])]


_OF_DS = frozenset({tables.dossier, tables.contenu, tables.piece})
"""The engine's tables of what DS has, too."""
_ACCOUNT = ("dossier", "usager_courriel")
_NAMING = (
    *("demandeur_prenom", "demandeur_nom", "usager_courriel", "mandataire_nom", "raison_sociale"),
)
_OF_PERSONS = ("1", "21", "22", "23")
"""Beginnings of the legal forms whose name is that of a person, or of several."""
_NAMES = frozenset({"siret", "siren", "raison_sociale", "titre", "rna", "nom", "prenom", "email"})
"""What names an applicant, in `dossier` after `demandeur_`, in `contenu` inside `demandeur`."""


_LISTS = frozenset({"champs", "annotations"})
"""The columns of `contenu` with a list of `Cell`."""


def _is_applicants(hit: Hit) -> bool:
    if hit.table == "contenu":
        return hit.champ.startswith("demandeur.") and hit.champ.rpartition(".")[2] in _NAMES
    return hit.table == "dossier" and hit.champ.removeprefix("demandeur_") in _NAMES


def _parsed(text: str) -> Any:
    """Return what a text of JSON has in it; another text as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _label(value: Any, place: Sequence[Any], labels: Mapping[str, str]) -> str | None:
    """Return the label of the innermost champ around a place."""
    label = None
    for key in place:
        if isinstance(value, Mapping) and isinstance(value.get("id"), str):
            label = labels.get(value["id"], value.get("libelle") or label)
        elif place[0] in _LISTS and isinstance(value, list) and isinstance(value[0], str):
            cell = msgspec.convert(value, Cell)
            return labels.get(cell.id, cell.libelle)
        value = value[key]
    return label
