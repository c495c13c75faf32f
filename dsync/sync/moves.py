"""What changed rules would make of the standing verdicts, counted for people to decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

from dsync.domain.verdict import Comparison, Verdict

REMEDY = (
    "Look with `dsync precheck --dry-run`; then correct [regles] or its lists, or run `dsync "
    "precheck accept`."
)


class Moves(NamedTuple):
    """What changed rules would make of the standing verdicts."""

    version: str
    """Of the rules."""
    standing: int
    """The number of open dossiers with a verdict."""
    moves: tuple[tuple[str, str, int], ...]
    """Verdict before, verdict after, number of dossiers; only those that differ."""

    @classmethod
    def of(cls, version: str, standing: int, pairs: Iterable[tuple[Verdict, Verdict]]) -> Self:
        """Count pairs of a standing and a new verdict.

        Args:
            version: of the new rules.
            standing: the number of standing verdicts.
            pairs: before and after, of any dossiers.
        """
        counts = Counter((before, after) for before, after in pairs if before is not after)
        order = list(Verdict)
        rows = sorted(counts.items(), key=lambda row: [order.index(one) for one in row[0]])
        return cls(version, standing, tuple((b.value, a.value, n) for (b, a), n in rows))

    @classmethod
    def compared(cls, comparisons: Iterable[Comparison]) -> Self:
        """Count what a pre-check compared."""
        pairs = [(one.before.verdict, one.verdict) for one in comparisons if one.before]
        return cls.of("", len(pairs), pairs)

    @classmethod
    def stored(cls, document: Mapping[str, Any] | None) -> Self | None:
        """Return what the sync state has of stopped rules, None if it has none."""
        if not document:
            return None
        rows = tuple((before, after, count) for before, after, count in document["moves"])
        return cls(document["version"], document["standing"], rows)

    @property
    def moved(self) -> int:
        """The number of dossiers whose verdict would be another one."""
        return sum(count for *_, count in self.moves)

    @property
    def is_final(self) -> bool:
        """Whether all evidence was there: « Indéterminé » says that a part is out of reach."""
        return all(after != Verdict.INDETERMINE for _, after, _ in self.moves)

    @property
    def table(self) -> str:
        """The moves on one line."""
        return ", ".join(f"{before} → {after}: {count}" for before, after, count in self.moves)
