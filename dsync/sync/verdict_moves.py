"""What changed rules would make of the standing verdicts, counted for people to decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from dsync.domain.consent import NOTHING as NO_VERDICT
from dsync.domain.consent import Consent, Move, Proposal
from dsync.domain.verdict import SEVERITY, Comparison, Decision, Resultat, StoredVerdict, Verdict

NOBODY = "ne distingue personne : valeur mal écrite ?"
"""Asked of a check that finds no dossier, as one that compares with what nobody answers."""
NEVER = "ne s’applique à personne : condition mal écrite ?"
_MANY = 10
"""Dossiers from which a share means something."""


class Moves(NamedTuple):
    """What changed rules would make of the standing verdicts."""

    version: str
    """Of the rules."""
    standing: int
    """The number of open dossiers with a verdict."""
    moves: tuple[tuple[str, str, int], ...]
    """Verdict before, verdict after, number of dossiers; only those that differ."""
    found: tuple[tuple[str, int, int, str], ...] = ()
    """Of declared checks: the check, on how many dossiers of how many it is not conforming, and a
    question if these are most, or none."""

    @classmethod
    def of(
        cls,
        version: str,
        standing: int,
        pairs: Iterable[tuple[Verdict | None, Verdict]],
        judged: Iterable[Decision | StoredVerdict] = (),
    ) -> Self:
        """Count pairs of a standing verdict (None: there was none) and a new one, of any dossiers.

        `standing` is the number of all standing ones. Each check of the judged is counted.
        """
        counts = Counter((before, after) for before, after in pairs if before is not after)
        order = list(Verdict)
        rows = sorted(
            counts.items(), key=lambda row: [order.index(one) if one else -1 for one in row[0]]
        )
        moves = tuple((b.value if b else NO_VERDICT, a.value, n) for (b, a), n in rows)
        return cls(version, standing, moves, tuple(_found(judged)))

    @classmethod
    def compared(cls, comparisons: Iterable[Comparison], *, is_declared: bool = False) -> Self:
        """Count what was compared; of declared checks also first verdicts and each check."""
        pairs = [
            (one.before.verdict if one.before else None, one.verdict)
            for one in comparisons
            if one.before or is_declared
        ]
        standing = sum(before is not None for before, _ in pairs)
        return cls.of("", standing, pairs, (one.after for one in comparisons if is_declared))

    def proposal(self, kind: Consent) -> Proposal:
        """Return these moves as what a person is asked about; they consent to this version."""
        return Proposal(
            kind,
            tuple(Move("avis", *row) for row in self.moves),
            of=self.standing,
            subjects={self.version: ""},
            detail="\n".join(self.notes),
        )

    @property
    def notes(self) -> list[str]:
        """The checks that were counted, a line each."""
        return [
            f"{name} : {count} dossier{'s' if count > 1 else ''} sur {judged}"
            + (f" : {asked}" if asked else "")
            for name, count, judged, asked in self.found
        ]

    @property
    def moved(self) -> int:
        """The number of standing verdicts that would be other ones."""
        return sum(count for before, _, count in self.moves if before != NO_VERDICT)

    @property
    def first(self) -> int:
        """The number of dossiers that would get their first verdict."""
        return sum(count for before, _, count in self.moves if before == NO_VERDICT)


def _found(judged: Iterable[Decision | StoredVerdict]) -> Iterator[tuple[str, int, int, str]]:
    counts: Counter[str] = Counter()
    doublons: Counter[str] = Counter()
    conforming: Counter[str] = Counter()
    tried: set[str] = set()
    total = 0
    for decision in judged:
        total += 1
        for one in decision.controles:
            counts[one.controle] += bool(SEVERITY[one.resultat])
            doublons[one.controle] += "dossiers" in one.preuve
            conforming[one.controle] += one.resultat is Resultat.CONFORME
            # Of one that a person makes there is no evidence.
            if one.preuve:
                tried.add(one.controle)
    for name, count in counts.items():
        asked = ""
        if total >= _MANY and 2 * count > total:
            asked = "clé trop large ?" if 2 * doublons[name] > count else "règle trop large ?"
        elif total >= _MANY and not count and name in tried:
            asked = NOBODY if conforming[name] else NEVER
        yield name, count, total, asked
