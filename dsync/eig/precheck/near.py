"""Finds the products whose ids, aliases or names are close to a text, to suggest them.

A close spelling is a question to the applicant, and never decides which product it is.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from dsync.domain.wording import fold, joined, words

SUGGESTED = 3
"""Maximum number of products that are suggested."""
_SHORT = 6
"""Spellings below this length match with one typing error, longer ones with two."""
_BEGINNING = 4
"""Minimum length of the beginning of a name in a text."""
_PART_LENGTH = 5
"""Minimum length of a part of a text: shorter words are close to a name by chance."""
# They bound the work on a long text: each word begins up to five parts.
_PART_WORDS = 5
_LONGEST = 100
_READ_WORDS = 30
_LAST_ENDING = re.compile(r"(?:[^\w/]+[htmlp]{2,5})+\W*$")
_NONE: frozenset[str] = frozenset()
_K = TypeVar("_K")


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

    @classmethod
    def of(cls, spellings: Iterable[tuple[str, frozenset[str]]]) -> Self:
        """Index the spellings of products.

        Args:
            spellings: an id, alias or name, and the ids of its products.
        """
        equal: dict[str, frozenset[str]] = {}
        singular: dict[str, frozenset[str]] = {}
        lengths: defaultdict[int, dict[str, frozenset[str]]] = defaultdict(dict)
        for spelling, ids in spellings:
            if not (whole := joined(spelling)):
                continue
            add_ids(equal, whole, ids)
            add_ids(singular, _singular(words(spelling)), ids)
            for one in {whole, fold(spelling)}:
                add_ids(lengths[len(one)], one, ids)
        return cls(equal, singular, lengths, tuple(sorted(equal)))

    def page(self, typed: Sequence[str]) -> frozenset[str]:
        """Return the products whose spelling is closest to an id, or begins with it.

        Args:
            typed: the readings of an id in an address.
        """
        # The ending can be misspelt, too, such as `.htlm`.
        folded = {fold(one) for one in typed} - {""}
        folded |= {_LAST_ENDING.sub("", one) for one in folded}
        return self._closest(folded) or frozenset().union(
            *(self._begun(joined(one)) for one in folded)
        )

    def name(self, typed: Sequence[str]) -> frozenset[str]:
        """Return the products whose spelling is closest to these words, or begins with them.

        A beginning that more than three products have is that of none.
        """
        whole = "".join(typed)
        if not _BEGINNING <= len(whole) <= _LONGEST:
            return _NONE
        close = self._closest({" ".join(typed)}) if len(whole) >= _PART_LENGTH else _NONE
        begun = close or self._begun(whole)
        return close or (begun if len(begun) <= SUGGESTED else _NONE)

    def part(self, typed: Sequence[str], fillers: Collection[str]) -> frozenset[str]:
        """Return the products whose spelling is closest to a part of a sentence.

        Args:
            typed: the words of the sentence.
            fillers: words that alone are no part.
        """
        nearest: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        read = typed[:_READ_WORDS]
        for start in range(len(read)):
            for end in range(start + 1, min(start + _PART_WORDS, len(read)) + 1):
                whole = "".join(read[start:end])
                if len(whole) < _PART_LENGTH or all(word in fillers for word in read[start:end]):
                    continue
                if same := self.equal.get(whole) or self.singular.get(_singular(read[start:end])):
                    nearest[0, -len(whole)] |= same
                for slips, ids in self._distances(whole).items():
                    nearest[slips, -len(whole)] |= ids
        return frozenset(nearest[min(nearest)]) if nearest else _NONE

    def _closest(self, folded: Collection[str]) -> frozenset[str]:
        """Return the products with the fewest typing errors, within the limit."""
        # Equal but for separators or plurals: nearer than any typing error.
        for same in (
            [self.equal.get(joined(one), _NONE) for one in folded],
            [self.singular.get(_singular(words(one)), _NONE) for one in folded],
        ):
            if any(same):
                return frozenset().union(*same)
        nearest: defaultdict[int, set[str]] = defaultdict(set)
        for one in {*folded, *map(joined, folded)} - {""}:
            for slips, ids in self._distances(one).items():
                nearest[slips] |= ids
        return frozenset(nearest[min(nearest)]) if nearest else _NONE

    def _distances(self, one: str) -> dict[int, set[str]]:
        """Return the products by the number of typing errors, within the limit."""
        from rapidfuzz import distance, process  # Takes 20 ms, and few runs need it.

        nearest: defaultdict[int, set[str]] = defaultdict(set)
        for length in range(len(one) - 2, len(one) + 3):
            spellings = self.by_length.get(length, {})
            most = 1 if length < _SHORT else 2
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
                    nearest[slips] |= spellings[known]
        return nearest

    def _begun(self, beginning: str) -> frozenset[str]:
        found: set[str] = set()
        if beginning:
            for one in self.sorted[bisect_left(self.sorted, beginning) :]:
                if not one.startswith(beginning):
                    break
                found |= self.equal[one]
        return frozenset(found)


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
