"""Decides whether a push would replace too much of what dsync wrote before, whatever the cause.

A single changed verdict is ordinary. Many at once are more often a fault: swapped options, another
mapping, a slip in the rules, a lost list. What a person wrote is never replaced and no matter here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dsync.annotations.targets import DATE, DETAIL, LABEL, RESULTAT, AnnotationsConfig
from dsync.domain.consent import Move, counted, digest_of
from dsync.domain.detail_frame import frame_of
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict

FEW = 3
"""Fewer dossiers are no pattern, as long as none is reversed."""
FRAME = "phrase d’introduction ou adresse des règles"
_WHAT = {RESULTAT: "résultat", LABEL: "label", DETAIL: "détail", DATE: "date"}


class Replacement(NamedTuple):
    """A value of dsync's in DS that a wish would replace."""

    numero: DossierNumber
    annotation: str
    there: str
    """What stands."""
    wanted: str
    moved_to: str | None = None
    """The label of another annotation into which it would be written, while the former one stays as
    it is; None: the same."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What dsync wrote into the open dossiers, and how many of these there are."""

    dossiers: int
    results: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    details: int = 0


@dataclass(slots=True)
class Replaced:
    """The replacements of a push, counted: texts are not kept."""

    results: dict[DossierNumber, tuple[str, str]] = field(default_factory=dict)
    """What stands and what is wanted, by dossier; so of the labels."""
    labels: dict[DossierNumber, tuple[str, str]] = field(default_factory=dict)
    frames: set[DossierNumber] = field(default_factory=set)
    moved: list[tuple[DossierNumber, str, str]] = field(default_factory=list)
    wanted: dict[DossierNumber, dict[str, str]] = field(default_factory=dict)
    """Digests of what would be written in place of what, by annotation."""

    def add(self, one: Replacement) -> None:
        """Count a replacement."""
        if one.moved_to is not None:
            self.moved.append((one.numero, one.annotation, one.moved_to))
        elif one.annotation == DETAIL and frame_of(one.there) != frame_of(one.wanted):
            self.frames.add(one.numero)
        elif one.annotation in (RESULTAT, LABEL):
            values = self.results if one.annotation == RESULTAT else self.labels
            values[one.numero] = (one.there, one.wanted)
        else:
            # A date, or other reasons for the same: they follow what was read and judged.
            return
        said = digest_of(one.there, one.wanted, one.moved_to or "")
        self.wanted.setdefault(one.numero, {})[one.annotation] = said

    def there(self, number: DossierNumber) -> dict[str, str]:
        """Return what stands of a dossier's result and label, where it would be replaced."""
        return {
            name: values[number][0]
            for name, values in ((RESULTAT, self.results), (LABEL, self.labels))
            if number in values
        }

    def without(self, numbers: Iterable[DossierNumber]) -> Replaced:
        """Return the replacements in other dossiers than these."""
        left_out = frozenset(numbers)
        return Replaced(
            {number: one for number, one in self.results.items() if number not in left_out},
            {number: one for number, one in self.labels.items() if number not in left_out},
            self.frames - left_out,
            [one for one in self.moved if one[0] not in left_out],
            {number: one for number, one in self.wanted.items() if number not in left_out},
        )

    def explained(self, number: DossierNumber, verdict: Verdict, config: AnnotationsConfig) -> bool:
        """Return whether what stands in a dossier is what a verdict says in the present words.

        If not, the configuration has changed since, and a change of the verdict is no cause.
        """
        texts = {RESULTAT: config.options, LABEL: config.labels}
        return verdict is not Verdict.INDETERMINE and all(
            (said := texts[name]) is not None and said.of(verdict) == there
            for name, there in self.there(number).items()
        )

    @property
    def subjects(self) -> dict[str, str]:
        """Each dossier with a digest of what would be written into it."""
        return {
            str(number): digest_of(*(f"{name}={value}" for name, value in sorted(one.items())))
            for number, one in self.wanted.items()
        }

    @property
    def moves(self) -> tuple[Move, ...]:
        """The table: values before and after, and how many frames and places change."""
        moves = [
            *counted(_WHAT[RESULTAT], self.results.values()),
            *counted(_WHAT[LABEL], self.labels.values()),
        ]
        if self.frames:
            moves.append(Move(_WHAT[DETAIL], FRAME, "autre", len(self.frames)))
        places = Counter((name, label) for _, name, label in self.moved)
        moves += [
            Move(_WHAT[name], "dans son annotation", f"dans l’annotation « {label} »", count)
            for (name, label), count in places.items()
        ]
        return tuple(moves)


def is_too_much(
    replaced: Replaced, standing: Standing, limit: int, config: AnnotationsConfig
) -> bool:
    """Return whether a person has to consent to these replacements.

    `limit` is the number of results that may change at once; the configuration says which results
    are opposite ones.
    """
    opposite = {
        text: {texts.ineligible} if text != texts.ineligible else {*texts.all()} - {text}
        for texts in (config.options, config.labels)
        if texts is not None
        for text in texts.all()
        if text != texts.a_verifier
    }
    return (
        bool(replaced.moved)
        or _are_too_many(replaced.results.values(), standing.results, limit, opposite)
        or _are_too_many(replaced.labels.values(), standing.labels, limit, opposite)
        or _are_most(len(replaced.frames), standing.details, FEW)
    )


def _are_too_many(
    values: Collection[tuple[str, str]],
    standing: Mapping[str, int],
    limit: int,
    opposite: Mapping[str, set[str]],
) -> bool:
    if len(values) > limit:
        return True
    by_kind: dict[str, list[str]] = {}
    for there, wanted in values:
        by_kind.setdefault(there, []).append(wanted)
    for there, becomes in by_kind.items():
        if _are_most(len(becomes), standing.get(there, 0), FEW):
            return True
        is_whole = len(becomes) >= standing.get(there, 0)
        if is_whole and set(becomes) <= opposite.get(there, set()):
            return True
    return False


def _are_most(count: int, of: int, least: int) -> bool:
    return count >= least and 2 * count > of
