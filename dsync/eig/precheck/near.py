"""Finds the products whose ids, aliases or names are close to a text, to suggest them.

A close spelling is a question to the applicant, and never decides which product it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeVar

from dsync.domain.wording import fold, joined, words
from dsync.eig.precheck.known_words import COMMON

SUGGESTED = 3
"""Maximum number of products that are suggested."""
_SHORT = 6
"""Spellings below this length match with one typing error, longer ones with two."""
_SHORT_ID = 4
"""The same for the id in an address, where less is left to chance."""
_BEGINNING = 5
"""Minimum length of the beginning of a name in a text."""
_IN_COMMON = 5
"""Letters that a text and a spelling have in common in one word, at least, to suggest it."""
_INSIDE = 3
"""Minimum length of an id inside a longer one, and of an acronym."""
# They bound the work on a long text: each word begins up to five parts.
_PART_WORDS = 5
_FOLDER = "startups"
_LONGEST = 100
_READ_WORDS = 30
_LAST_ENDING = re.compile(r"(?:[^\w/]+[htmlp]{2,5})+\W*$")
_SMALL = frozenset({"l", "d", "le", "la", "les", "de", "du", "des", "et", "a", "au", "aux", "en"})
"""Words that an acronym may leave out."""
_NONE: frozenset[str] = frozenset()
_K = TypeVar("_K")


class NearPages(NamedTuple):
    """What an unknown id in an address is close to."""

    ids: frozenset[str]
    """The products to suggest."""
    is_slip: bool
    """Whether it is close to a product at all; which one, may remain open."""


@dataclass(frozen=True, slots=True)
class NearSpellings:
    """The ids, aliases and names of products, present and past, indexed for close texts."""

    equal: Mapping[str, frozenset[str]]
    """Ids of products by a spelling without separators."""
    singular: Mapping[str, frozenset[str]]
    """The same, with each word in the singular."""
    by_length: Mapping[int, Mapping[str, frozenset[str]]]
    """Ids of products by a spelling with or without separators, by its length."""
    sorted: tuple[str, ...]
    """The keys of `equal`, in order."""
    acronyms: Mapping[str, frozenset[str]]
    """Ids of products by the first letters of a name, or of the parts of an id."""
    by_word: Mapping[str, Sequence[tuple[frozenset[str], frozenset[str]]]]
    """The words of each spelling, without small ones, with the ids of its products, by each."""

    @classmethod
    def of(cls, spellings: Iterable[tuple[str, frozenset[str]]]) -> Self:
        """Index spellings: an id, alias or name, each with the ids of its products."""
        equal: dict[str, frozenset[str]] = {}
        singular: dict[str, frozenset[str]] = {}
        lengths: defaultdict[int, dict[str, frozenset[str]]] = defaultdict(dict)
        acronyms: dict[str, frozenset[str]] = {}
        by_word: defaultdict[str, list[tuple[frozenset[str], frozenset[str]]]] = defaultdict(list)
        for spelling, ids in spellings:
            if not (whole := joined(spelling)):
                continue
            add_ids(equal, whole, ids)
            add_ids(singular, _singular(words(spelling)), ids)
            for one in {whole, fold(spelling)}:
                add_ids(lengths[len(one)], one, ids)
            parts = _parts(spelling.replace("·", ""))  # As in « connecté·e·s ».
            for some in (parts, [part for part in parts if part not in _SMALL]):
                acronym = "".join(part[0] for part in some)
                if len(acronym) >= _INSIDE and acronym not in COMMON:
                    add_ids(acronyms, acronym, ids)
            its = frozenset(parts) - _SMALL
            for word in its:
                by_word[word].append((its, ids))
        return cls(equal, singular, lengths, tuple(sorted(equal)), acronyms, by_word)

    def page(self, typed: Sequence[str]) -> NearPages:
        """Return the products whose spelling is closest to an id, in it, or begins with it.

        `typed` is the id in an address, then other readings of it.
        """
        # The ending can be misspelt, too, such as `.htlm`.
        folded = {fold(one) for one in typed} - {""}
        folded |= {_LAST_ENDING.sub("", one) for one in folded}
        parts = _parts(_LAST_ENDING.sub("", fold(typed[0])))
        if found := self._equal(folded) or self._with_words(parts, all_of_them=True):
            return NearPages(found, is_slip=True)
        rare, some = _rare(parts), self._with_words(parts)
        # What is left of a name may be a word that many have. Several words are no coincidence.
        is_ground = len({*parts} - _SMALL) > 1 or max(map(len, rare), default=0) >= _IN_COMMON
        left = some if is_ground and len(some) <= SUGGESTED else _NONE
        if some and not left:
            # Whole words of some names are no misspelt ones of others.
            cut = {one for one in folded if joined(one) != "".join(parts)}
            return NearPages(self._closest(cut, _SHORT), is_slip=True)
        held = self._held(fold(_LAST_ENDING.sub("", typed[0])))
        # A common noun is near to many ids, and suggests none.
        plain = [joined(_LAST_ENDING.sub("", fold(one))) for one in typed]
        is_rare = not COMMON.issuperset(filter(None, plain))
        if is_rare and (near := self._closest(folded, _SHORT)):
            return NearPages(near | held.ids | left, is_slip=True)
        begun = frozenset().union(*(self._begun(joined(one)) for one in folded))
        # A beginning that more than three products have is that of none of them; nor is a short
        # one, or one of the folder, as an address that was cut has.
        is_begun = is_rare and len(begun) <= SUGGESTED
        is_begun &= any(len(one) >= _SHORT_ID and not _FOLDER.startswith(one) for one in plain)
        named = held.ids | left | (begun if is_begun else _NONE)
        named = named or self.part(parts)
        is_slip = bool(named or begun or held.is_slip or self._closest(folded, _SHORT_ID))
        return NearPages(named, is_slip or any(map(self._is_slip, rare)))

    def name(self, typed: Sequence[str]) -> frozenset[str]:
        """Return the products whose spelling is closest to these words, or begins with them.

        A beginning that more than three products have is that of none.
        """
        whole = "".join(typed)
        if found := self.acronyms.get(whole):
            return found if len(found) <= SUGGESTED else _NONE
        if not _BEGINNING <= len(whole) <= _LONGEST:
            return _NONE
        rare, reading = _rare(typed), {" ".join(typed)}
        # A whole name of several words is no coincidence, however common each is.
        if (rare or typed[1:]) and (equal := self._equal(reading)):
            return equal
        if close := self._closest(reading, _SHORT, typed):
            return close
        begun = self._begun(whole) if max(map(len, rare), default=0) >= _IN_COMMON else _NONE
        return begun if len(begun) <= SUGGESTED else _NONE

    def part(self, typed: Sequence[str]) -> frozenset[str]:
        """Return the products whose spelling is closest to a part of these words."""
        nearest: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        read = typed[:_READ_WORDS]
        for start in range(len(read)):
            for end in range(start + 1, min(start + _PART_WORDS, len(read)) + 1):
                part = read[start:end]
                whole = "".join(part)
                if len(whole) < _IN_COMMON or not _rare(part):
                    continue
                if same := self.equal.get(whole) or self.singular.get(_singular(part)):
                    nearest[0, -len(whole)] |= same
                for slips, known, ids in self._distances(whole, _SHORT):
                    if _has_ground(part, known):
                        nearest[slips, -len(whole)] |= ids
        return frozenset(nearest[min(nearest)]) if nearest else _NONE

    def _equal(self, readings: Collection[str]) -> frozenset[str]:
        """Return the products whose spelling differs in separators or plurals alone."""
        for same in (
            [self.equal.get(joined(one), _NONE) for one in readings],
            [self.singular.get(_singular(words(one)), _NONE) for one in readings],
        ):
            if any(same):
                return frozenset().union(*same)
        return _NONE

    def _with_words(self, parts: Sequence[str], *, all_of_them: bool = False) -> frozenset[str]:
        """Return the products whose spelling has these words, in whatever order.

        Of those that have more words, the ones with the fewest; small words do not count.
        """
        typed = frozenset(parts) - _SMALL
        nearest: defaultdict[int, set[str]] = defaultdict(set)
        for its, ids in self.by_word.get(max(typed, key=len), ()) if typed else ():
            if typed == its or (typed < its and not all_of_them):
                nearest[len(its)] |= ids
        return frozenset(nearest[min(nearest)]) if nearest else _NONE

    def _closest(
        self, readings: Collection[str], short: int, ground: Sequence[str] | None = None
    ) -> frozenset[str]:
        """Return the products with the fewest typing errors: one at most below `short` letters.

        `ground` has the words of the text, where its letters have to be a ground.
        """
        nearest: defaultdict[int, set[str]] = defaultdict(set)
        for one in {*readings, *map(joined, readings)} - {""}:
            for slips, known, ids in self._distances(one, short):
                if ground is None or _has_ground(ground, known):
                    nearest[slips] |= ids
        return frozenset(nearest[min(nearest)]) if nearest else _NONE

    def _distances(self, one: str, short: int) -> Iterator[tuple[int, str, frozenset[str]]]:
        """Yield the typing errors, spelling and products within the limit."""
        from rapidfuzz import distance, process  # Takes 20 ms, and few runs need it.

        for length in range(len(one) - 2, len(one) + 3):
            spellings = self.by_length.get(length, {})
            most = 1 if length < short else 2
            # An exchange of letters is two changes of a letter. This distance is ten times faster.
            for known, _, _ in process.extract(
                one,
                spellings.keys(),
                scorer=distance.Levenshtein.distance,
                score_cutoff=2 * most,
                limit=None,
            ):
                slips = distance.DamerauLevenshtein.distance(one, known, score_cutoff=most)
                if slips <= most:
                    yield slips, known, spellings[known]

    def _is_slip(self, part: str) -> bool:
        """Whether a word is one of a name, or one typing error makes an id of it."""
        if not _SHORT_ID <= len(part) < _LONGEST or part in self.by_word:
            return part in self.by_word and len(part) >= _INSIDE
        found = self._distances(part, _LONGEST)
        return any(len(known) >= _SHORT_ID for _, known, _ in found)

    def _held(self, one: str) -> NearPages:
        """Return the products whose spelling or acronym an id holds, the longest ones.

        Inside of a word a short spelling is no ground to name its product, but it may be a slip.
        """
        found: defaultdict[tuple[bool, int], set[str]] = defaultdict(set)
        parts = _parts(one)
        for start in range(len(parts)):
            for end in range(start + 1, min(start + _PART_WORDS, len(parts)) + 1):
                part = "".join(parts[start:end])
                # A product of one letter, or of a small word, is in many ids by chance.
                if (part in COMMON and len(part) < _IN_COMMON) or len(part) == 1:
                    continue
                if ids := self.equal.get(part, _NONE) | self.acronyms.get(part, _NONE):
                    found[part in COMMON, -len(part)] |= ids
        whole, is_slip = joined(one), bool(found)
        for known, ids in self.equal.items():
            if len(known) >= _INSIDE and known in whole:
                is_slip = True
                is_end = whole.startswith(known) or whole.endswith(known)
                if len(known) >= (_SHORT_ID if is_end else _IN_COMMON):
                    found[known in COMMON, -len(known)] |= ids
        return NearPages(frozenset(found[min(found)]) if found else _NONE, is_slip)

    def _begun(self, beginning: str) -> frozenset[str]:
        found: set[str] = set()
        if beginning:
            for one in self.sorted[bisect_left(self.sorted, beginning) :]:
                if not one.startswith(beginning):
                    break
                found |= self.equal[one]
        return frozenset(found)


def _parts(text: str) -> list[str]:
    return [part for word in words(text) for part in word.split("_") if part]


def _rare(typed: Iterable[str]) -> list[str]:
    """Return the words that are a ground for a suggestion."""
    return [word for word in typed if word not in COMMON]


def _has_ground(typed: Sequence[str], known: str) -> bool:
    """Whether a text and a spelling have enough letters in common in one word of each.

    The words of each without anything between them count as one word, too.
    """
    mine, its = _rare(typed), _rare(_parts(known))
    if not (mine and its):
        return False
    return any(
        (Counter(one) & Counter(other)).total() >= _IN_COMMON
        for one in (*mine, "".join(typed))
        for other in (*its, joined(known))
    )


def add_ids(found: dict[_K, frozenset[str]], key: _K, ids: frozenset[str]) -> None:
    """Add ids to those of a key; keys with the same ids share the set, of which there are many."""
    before = found.get(key)
    found[key] = ids if before is None or before == ids else before | ids


def _singular(of: Iterable[str]) -> str:
    """Return the words without the marks of the plural, and without anything between them."""
    return "".join(
        re.sub(
            r"(?:(?<=eau)x|aux|(?<=...)[sx])$", lambda end: "al" if end[0] == "aux" else "", word
        )
        for word in of
    )
